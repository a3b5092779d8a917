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
