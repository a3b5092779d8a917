#!/usr/bin/env bash
# Makes the HTTP/2 captures: everyday.pcapng (nginx over TLS and curl, keys in the file), cleartext.pcapng (nghttpd, nghttpx, nginx with
# nghttp and curl: prior knowledge, upgrade, push, trailers), odd.pcapng (odd.py, spoken frame by frame over real TCP).
# Usage: sudo ./make.sh

cd "$(dirname "$0")" || exit 1
HERE=$PWD
. ../maker/lab.sh
need ip iproute2 ethtool ethtool tcpdump tcpdump nginx nginx-light curl curl nghttp nghttp2-client nghttpd nghttp2-server nghttpx nghttp2-proxy openssl openssl
need_py hpack

space guest
space cafe
cable guest eth0 00:00:5e:00:53:0a cafe eth0 00:00:5e:00:53:50
ip -n wl-guest addr add 192.0.2.10/24 dev eth0
for a in 80 81; do ip -n wl-cafe addr add 192.0.2.$a/24 dev eth0; done

mkdir -p "$WORK/www"
"$PY" visit.py prepare "$WORK"
chmod -R a+rwX "$WORK"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=www.cafe.test" \
    -addext "subjectAltName=DNS:www.cafe.test" -keyout "$WORK/www.key" -out "$WORK/www.crt" 2>/dev/null
start cafe nginx -p "$WORK" -c "$WORK/nginx.conf" -e "$WORK/nginx.log"
start cafe nghttpd --no-tls -d "$WORK/www" --push=/index.html=/style.css --trailer "x-sum: plum" 8088
start cafe nghttpx --frontend="*,3128;no-tls" --backend="127.0.0.1,8088;;proto=h2" --workers=1 --errorlog-file="$WORK/nghttpx.log"
start cafe "$PY" odd.py serve
listening cafe 80 443 3128 8080 8088

for group in everyday cleartext odd; do
    rm -f "$WORK/keys"
    sniff guest eth0 "$WORK/$group.pcap" tcp
    if [ $group = odd ]; then
        inside guest "$PY" odd.py visit "$HERE/odd.truth.json"
    else
        SSLKEYLOGFILE="$WORK/keys" inside guest "$PY" visit.py $group "$WORK" "$HERE/$group.truth.json"
    fi
    hush
    touch "$WORK/keys"
    finish "$WORK/$group.pcap" "$HERE/$group.pcapng" "HTTP/2: $group" "$WORK/keys"
done
"$PY" ../maker/lose.py "$HERE/everyday.pcapng" "$HERE/lossy.pcapng"
