#!/usr/bin/env bash
# Makes the TLS captures: old, new, trouble and dtls.pcapng (openssl and tlslite-ng, spoken as cases.py says) and web.pcapng (nginx and
# curl). Usage: sudo PYTHON=/path/to/venv/bin/python ./make.sh; the keys of every connection stand in the files.

cd "$(dirname "$0")" || exit 1
HERE=$PWD
. ../maker/lab.sh
need ip iproute2 ethtool ethtool tcpdump tcpdump nginx nginx-light curl curl openssl openssl
need_py tlslite

space guest
space cafe
cable guest eth0 00:00:5e:00:53:0a cafe eth0 00:00:5e:00:53:50
ip -n wl-guest addr add 192.0.2.10/24 dev eth0
ip -n wl-cafe addr add 192.0.2.50/24 dev eth0

# A root, one between, and what they sign.
cd "$WORK"
req() { openssl req -nodes "$@" 2>/dev/null; }
san() { printf 'subjectAltName=%s\nbasicConstraints=CA:FALSE\nkeyUsage=digitalSignature,keyEncipherment\nextendedKeyUsage=%s\n' "$1" "$2" >"$3.ext"; }
P256="-newkey ec -pkeyopt ec_paramgen_curve:P-256"
req -x509 $P256 -days 7300 -subj "/C=DE/O=Wirelore Captures/CN=Cafe Root" -keyout root.key -out root.crt
req $P256 -subj "/C=DE/O=Wirelore Captures/CN=Cafe Issuer" -keyout issuer.key -out issuer.csr
printf 'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n' >issuer.ext
openssl x509 -req -in issuer.csr -CA root.crt -CAkey root.key -CAcreateserial -days 3650 -extfile issuer.ext -out issuer.crt 2>/dev/null
sign() { # NAME SUBJECT DNS USAGE KEYTYPE...
    local n=$1 s=$2 d=$3 u=$4
    shift 4
    req "$@" -subj "$s" -keyout "$n.key" -out "$n.csr"
    san "$d" "$u" "$n"
    openssl x509 -req -in "$n.csr" -CA issuer.crt -CAkey issuer.key -CAcreateserial ${DAYS:--days 3650} -extfile "$n.ext" -out "$n.crt" 2>/dev/null
}
sign rsa "/C=DE/O=Wirelore Captures/CN=www.cafe.test" "DNS:www.cafe.test,DNS:*.cafe.test,IP:192.0.2.50" serverAuth -newkey rsa:2048
sign ecdsa "/C=DE/O=Wirelore Captures/CN=www.cafe.test" "DNS:www.cafe.test,DNS:cafe.test" serverAuth $P256
sign client "/O=Wirelore Captures/CN=guest" "email:guest@cafe.test" clientAuth $P256
DAYS="-days -1" sign expired "/CN=www.cafe.test" "DNS:www.cafe.test" serverAuth $P256 || true
[ -s expired.crt ] || DAYS="-not_before 20200101000000Z -not_after 20210101000000Z" sign expired "/CN=www.cafe.test" "DNS:www.cafe.test" serverAuth $P256
req -x509 $P256 -days 3650 -subj "/CN=printer.local" -addext "subjectAltName=DNS:printer.local" -keyout selfsigned.key -out selfsigned.crt
cp issuer.crt chain.crt
cat root.crt issuer.crt >disorder.crt
cat rsa.crt issuer.crt >site.crt
openssl rand -hex 200000 >www.txt
mkdir -p www && mv www.txt www/big.txt && echo "Welcome to the cafe." >www/index.html
cat >nginx.conf <<N
daemon off; user root; pid $WORK/nginx.pid; error_log $WORK/nginx.log; events {}
http { access_log off; client_body_temp_path $WORK/t1; proxy_temp_path $WORK/t2; fastcgi_temp_path $WORK/t3; uwsgi_temp_path $WORK/t4; scgi_temp_path $WORK/t5;
server { listen 192.0.2.50:443 ssl http2; server_name www.cafe.test; root $WORK/www; ssl_certificate $WORK/site.crt; ssl_certificate_key $WORK/rsa.key;
ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:S:1m; } }
N
chmod -R a+rX "$WORK"
start cafe "$PY" "$HERE/peers.py" "$WORK" serve
start cafe nginx -p "$WORK" -c "$WORK/nginx.conf" -e "$WORK/nginx.log"
sleep 3
listening cafe 443 4601

for group in ${GROUPS_WANTED:-old new trouble dtls}; do
    sniff guest eth0 "$WORK/$group.pcap" "tcp or udp"
    inside guest "$PY" "$HERE/peers.py" "$WORK" visit "$group" "$WORK/$group.keys" "$HERE/$group.truth.json"
    hush
    finish "$WORK/$group.pcap" "$HERE/$group.pcapng" "TLS: $group" "$WORK/$group.keys"
done
[ -z "${GROUPS_WANTED:-}" ] || exit 0

sniff guest eth0 "$WORK/web.pcap" tcp
get() { SSLKEYLOGFILE="$WORK/web.keys" inside guest curl -s --cacert "$WORK/root.crt" --resolve www.cafe.test:443:192.0.2.50 -o "$WORK/got" "$@"; }
get --http1.1 --tls-max 1.2 https://www.cafe.test/
get --http1.1 https://www.cafe.test/ https://www.cafe.test/big.txt -o "$WORK/got2"
get --http2 https://www.cafe.test/ https://www.cafe.test/big.txt -o "$WORK/got2"
get --http1.1 --tls-max 1.2 --ciphers ECDHE-RSA-CHACHA20-POLY1305 https://www.cafe.test/big.txt
hush
sha256sum "$WORK/www/big.txt" | cut -d' ' -f1 | "$PY" -c 'import json,sys;json.dump({"big.txt":{"len":400001,"sha256":sys.stdin.read().strip()},"index.html":"Welcome to the cafe.\n"},open(sys.argv[1],"w"),indent=1)' "$HERE/web.truth.json"
finish "$WORK/web.pcap" "$HERE/web.pcapng" "TLS: web" "$WORK/web.keys"
"$PY" ../maker/lose.py "$HERE/web.pcapng" "$HERE/lossy.pcapng"
