#!/usr/bin/env bash
# Makes the SOCKS capture: curl asks a proxy (proxy.py) for a page in every way that SOCKS knows. Usage: sudo ./make.sh

cd "$(dirname "$0")" || exit 1
HERE=$PWD
. ../maker/lab.sh
need ip iproute2 ethtool ethtool tcpdump tcpdump curl curl openssl openssl

space guest
space cafe
cable guest eth0 00:00:5e:00:53:0a cafe eth0 00:00:5e:00:53:50
ip -n wl-guest addr add 192.0.2.10/24 dev eth0
ip -n wl-cafe addr add 192.0.2.50/24 dev eth0
cd "$WORK"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=www.cafe.test" \
    -addext "subjectAltName=DNS:www.cafe.test" -keyout www.key -out www.crt 2>/dev/null
mkdir www && echo "Welcome to the cafe." >www/index.html
start cafe "$PY" -m http.server -b 127.0.0.1 -d www 8000
start cafe openssl s_server -accept 127.0.0.1:4430 -WWW -cert www.crt -key www.key
start cafe "$PY" "$HERE/proxy.py" 192.0.2.50 1080
listening cafe 8000 4430 1080

sniff guest eth0 socks.pcap tcp port 1080
get() { SSLKEYLOGFILE="$WORK/keys" inside guest curl -s -m 5 --cacert "$WORK/www.crt" -o /dev/null "$@" || true; }
get -x socks4://192.0.2.50 http://127.0.0.1:8000/index.html
get -x socks4a://192.0.2.50 http://www.cafe.test:8000/index.html
get -x socks5://192.0.2.50 http://127.0.0.1:8000/index.html
get -x socks5h://192.0.2.50 http://www.cafe.test:8000/index.html
get -x socks5h://guest:invented@192.0.2.50 http://www.cafe.test:8000/index.html
get -x socks5h://guest:wrong@192.0.2.50 http://www.cafe.test:8000/index.html
get -x socks5h://192.0.2.50 http://www.cafe.test:81/
get -x socks5h://192.0.2.50 https://www.cafe.test:4430/www/index.html
hush
"$PY" - <<P
import pcapfile
keys = b"".join(x for x in open("keys", "rb") if not x.startswith(b"#"))
pcapfile.write_pcapng("$HERE/everyday.pcapng", pcapfile.read_pcap("socks.pcap"), comment="SOCKS: everyday", app="captures/socks/make.sh", keys=keys)
P
