"""Speaks MQTT to a broker with two clients of paho-mqtt, one that publishes and one that listens. Usage: visit.py v311|v5|websocket TRUTH"""

import hashlib
import json
import sys
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

group, truth_path = sys.argv[1:3]
new = group == "v5"
told, got = [], []
arrived = threading.Semaphore(0)


def client(name, user=None):
    c = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5 if new else mqtt.MQTTv311, transport="websockets" if group == "websocket" else "tcp")
    if user:
        c.username_pw_set(user, "plum")
    ready = threading.Event()
    c.on_connect = lambda *a: ready.set()
    return c, ready


def opened(c, ready, **more):
    c.connect("192.0.2.80", 8080 if group == "websocket" else 1883, 30, **more)
    c.loop_start()
    ready.wait(5)


listener, up = client("counter")
listener.on_message = lambda c, u, m: (got.append({"topic": m.topic, "qos": m.qos, "len": len(m.payload), "sha256": hashlib.sha256(m.payload).hexdigest()}), arrived.release())
opened(listener, up)
subscribed = threading.Event()
listener.on_subscribe = lambda *a: subscribed.set()
listener.subscribe([("cafe/+/oven", 2), ("cafe/menu", 1), ("cafe/door", 0)])
subscribed.wait(5)
kitchen, up = client("kitchen-7", "mara")
kitchen.will_set("cafe/door", "the kitchen is gone", qos=1)
opened(kitchen, up)
messages = [("cafe/1/oven", b'{"temp":181.5,"door":false}', 0), ("cafe/menu", "plum cake, poppy cake é".encode(), 1), ("cafe/2/oven", bytes(range(256)) * 8, 2), ("cafe/1/oven", b"", 1), ("cafe/menu", b"x" * 70_000, 2)]
for topic, payload, qos in messages:
    more = {}
    if new:
        more["properties"] = Properties(PacketTypes.PUBLISH)
        more["properties"].ContentType = "application/json" if payload[:1] == b"{" else "text/plain"
        more["properties"].UserProperty = [("shift", "early"), ("oven", topic)]
        more["properties"].MessageExpiryInterval = 600
    told.append({"topic": topic, "qos": qos, "len": len(payload), "sha256": hashlib.sha256(payload).hexdigest()})
    kitchen.publish(topic, payload, qos, retain=topic == "cafe/menu", **more).wait_for_publish(5)
    arrived.acquire(timeout=5)
listener.unsubscribe("cafe/menu")
kitchen.disconnect()
kitchen.loop_stop()
listener.disconnect()
listener.loop_stop()
with open(truth_path, "w") as f:
    json.dump({"published": told, "received": got}, f, indent=1)
    f.write("\n")
