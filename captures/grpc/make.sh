#!/usr/bin/env bash
# Makes the gRPC captures: calls.pcapng (grpcio speaks to grpcio in the clear: unary, all kinds of streaming, compression, errors, a
# deadline) and tls.pcapng (curl calls the same server over TLS, keys in the file). Usage: sudo ./make.sh

cd "$(dirname "$0")" || exit 1
HERE=$PWD
. ../maker/lab.sh
need ip iproute2 ethtool ethtool tcpdump tcpdump curl curl openssl openssl
need_py grpc

space guest
space cafe
cable guest eth0 00:00:5e:00:53:0a cafe eth0 00:00:5e:00:53:50
ip -n wl-guest addr add 192.0.2.10/24 dev eth0
ip -n wl-cafe addr add 192.0.2.80/24 dev eth0

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=www.cafe.test" \
    -addext "subjectAltName=DNS:www.cafe.test" -keyout "$WORK/www.key" -out "$WORK/www.crt" 2>/dev/null
start cafe "$PY" bar.py serve "$WORK"
listening cafe 80 443

sniff guest eth0 "$WORK/calls.pcap" tcp
inside guest "$PY" bar.py calls "$HERE/calls.truth.json"
hush
finish "$WORK/calls.pcap" "$HERE/calls.pcapng" "gRPC: calls in the clear"

sniff guest eth0 "$WORK/tls.pcap" tcp
SSLKEYLOGFILE="$WORK/keys" inside guest "$PY" bar.py tls "$HERE/tls.truth.json" "$WORK"
hush
finish "$WORK/tls.pcap" "$HERE/tls.pcapng" "gRPC: calls over TLS" "$WORK/keys"
