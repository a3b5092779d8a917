"""Speaks to a Redis server: single commands, a pipeline, a transaction, errors, channels. Usage: visit.py resp2|resp3 TRUTH"""

import json
import socket
import sys

import redis

group, truth_path = sys.argv[1:3]
truth = []
r = redis.Redis("192.0.2.80", 6379, protocol=3 if group == "resp3" else 2, decode_responses=True)
r.flushall()


def ask(*words):
    try:
        answer = r.execute_command(*words)
    except redis.ResponseError as e:
        answer = {"error": str(e)}
    truth.append([" ".join(map(str, words)), answer if isinstance(answer, (str, int, float, bool, list, dict, type(None))) else sorted(map(str, answer))])


ask("SET", "cake:1", "plum")
ask("GET", "cake:1")
ask("GET", "none")
ask("INCR", "cake:1")
ask("HSET", "menu", "plum", "3.50", "poppy", "3.20")
ask("HGETALL", "menu")
ask("SADD", "guests", "Mara", "Tom")
ask("SMEMBERS", "guests")
ask("ZADD", "scores", 1.5, "a", 2, "b")
ask("ZSCORE", "scores", "a")
ask("LPUSH", "orders", "one", "two", "three")
ask("LRANGE", "orders", 0, -1)
ask("SET", "large", "x" * 100_000)
ask("STRLEN", "large")
ask("NOSUCH", "command")
with r.pipeline(transaction=False) as p:
    for n in range(20):
        p.incr("count")
    p.execute()
with r.pipeline(transaction=True) as p:
    p.set("a", 1).incr("a").get("a").execute()
channel = r.pubsub()
channel.subscribe("door")
channel.get_message(timeout=2)
r.publish("door", "open")
channel.get_message(timeout=2)
channel.close()
s = socket.create_connection(("192.0.2.80", 6379))
for line in (b"PING\r\n", b"SET typed by\r\n", b"GET typed\r\n", b"AUTH nobody wrong\r\n", b"QUIT\r\n"):
    s.sendall(line)
    s.recv(1000)
s.close()


def cut(x):
    """Long texts are cut: they are all the same letter."""
    return x[:200] if isinstance(x, str) else [cut(y) for y in x] if isinstance(x, list) else x


with open(truth_path, "w") as f:
    f.write("[" + ",\n".join(json.dumps(cut(t)) for t in truth) + "]\n")
