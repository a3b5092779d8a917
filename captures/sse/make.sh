#!/usr/bin/env bash
# Makes events.pcapng: server-sent events of a small server, over HTTP/1.1, and through nginx over HTTP/2 in TLS (keys in the file) and in
# the clear. Usage: sudo ./make.sh

cd "$(dirname "$0")" || exit 1
HERE=$PWD
. ../maker/lab.sh
need ip iproute2 ethtool ethtool tcpdump tcpdump nginx nginx-light curl curl openssl openssl

space guest
space cafe
cable guest eth0 00:00:5e:00:53:0a cafe eth0 00:00:5e:00:53:50
ip -n wl-guest addr add 192.0.2.10/24 dev eth0
for a in 80 82; do ip -n wl-cafe addr add 192.0.2.$a/24 dev eth0; done

cat >"$WORK/nginx.conf" <<N
daemon off; worker_processes 1; pid $WORK/nginx.pid; error_log $WORK/nginx.log;
events { worker_connections 64; }
http {
  access_log off; server_tokens off; proxy_buffering off; proxy_http_version 1.1;
  client_body_temp_path $WORK/t1; proxy_temp_path $WORK/t2; fastcgi_temp_path $WORK/t3; uwsgi_temp_path $WORK/t4; scgi_temp_path $WORK/t5;
  server {
    listen 192.0.2.80:443 ssl http2; listen 192.0.2.80:8080 http2; server_name www.cafe.test;
    ssl_certificate $WORK/www.crt; ssl_certificate_key $WORK/www.key;
    location / { proxy_pass http://192.0.2.82; }
  }
}
N
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=www.cafe.test" \
    -addext "subjectAltName=DNS:www.cafe.test" -keyout "$WORK/www.key" -out "$WORK/www.crt" 2>/dev/null
chmod -R a+rwX "$WORK"
start cafe "$PY" events.py
start cafe nginx -p "$WORK" -c "$WORK/nginx.conf" -e "$WORK/nginx.log"
listening cafe 80 443 8080

listen() { # URL OPTIONS...: what curl got goes into the truth
    local url=$1 said
    shift
    said=$(SSLKEYLOGFILE="$WORK/keys" inside guest curl -sSk "$@" --resolve www.cafe.test:443:192.0.2.80 --resolve www.cafe.test:8080:192.0.2.80 \
        -o "$WORK/got" -w '%{http_version} %{http_code} %{local_port}' "$url" 2>/dev/null) || true
    printf '{"tool": "curl", "url": "%s", "http": "%s", "status": %s, "client_port": %s, "response": {"len": %s, "sha256": "%s"}}\n' \
        "$url" $said "$(stat -c %s "$WORK/got")" "$(sha256sum <"$WORK/got" | cut -c1-64)" >>"$WORK/truth"
}

sniff guest eth0 "$WORK/events.pcap" tcp
listen http://192.0.2.82/news --http1.1
listen https://www.cafe.test/news --http2
listen http://www.cafe.test:8080/news --http2-prior-knowledge
listen http://www.cafe.test:8080/ticks --http2-prior-knowledge --max-time 1
hush
"$PY" - "$WORK" "$HERE" <<'P'
import sys, pcapfile
work, here = sys.argv[1:]
keys = b"".join(x for x in open(f"{work}/keys", "rb") if not x.startswith(b"#"))
pcapfile.write_pcapng(f"{here}/events.pcapng", pcapfile.read_pcap(f"{work}/events.pcap"), comment="Server-sent events", app="captures/sse/make.sh", keys=keys)
open(f"{here}/events.truth.json", "w").write("[" + ",\n".join(open(f"{work}/truth").read().splitlines()) + "]\n")
P
