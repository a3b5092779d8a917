#!/usr/bin/env bash
# Makes the MQTT captures: v311, v5 and websocket.pcapng (mosquitto and the Python library paho-mqtt).
# Usage: sudo ./make.sh

cd "$(dirname "$0")" || exit 1
HERE=$PWD
. ../maker/lab.sh
need ip iproute2 ethtool ethtool tcpdump tcpdump mosquitto mosquitto
need_py paho.mqtt.client

space wsguest
space wscafe
cable wsguest eth0 00:00:5e:00:53:0a wscafe eth0 00:00:5e:00:53:50
ip -n wl-wsguest addr add 192.0.2.10/24 dev eth0
ip -n wl-wscafe addr add 192.0.2.80/24 dev eth0

finish() { # RAW OUT COMMENT [KEYS]
    "$PY" - "$@" <<'P'
import sys, pcapfile
raw, out, comment = sys.argv[1:4]
keys = b"".join(x for x in open(sys.argv[4], "rb") if not x.startswith(b"#")) if len(sys.argv) > 4 else b""
pcapfile.write_pcapng(out, pcapfile.read_pcap(raw), comment=comment, app="captures/" + comment.split(":")[0].lower() + "/make.sh", keys=keys)
P
}

cat >"$WORK/mosquitto.conf" <<C
listener 1883 192.0.2.80
listener 8080 192.0.2.80
protocol websockets
listener 1884 192.0.2.80
allow_anonymous true
C
start wscafe mosquitto -c "$WORK/mosquitto.conf"
listening wscafe 1883 8080
for group in v311 v5 websocket; do
    sniff wsguest eth0 "$WORK/$group.pcap" tcp
    inside wsguest "$PY" visit.py $group "$HERE/$group.truth.json"
    hush
    finish "$WORK/$group.pcap" "$HERE/$group.pcapng" "MQTT: $group"
done
