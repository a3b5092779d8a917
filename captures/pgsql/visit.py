"""Asks a PostgreSQL server, in the clear and through its own TLS. Usage: visit.py queries|tls TRUTH"""

import json
import sys

import psycopg

group, truth_path = sys.argv[1:3]
truth = []
c = psycopg.connect(host="192.0.2.80", user="mara", password="plum", dbname="postgres", sslmode="require" if group == "tls" else "disable", autocommit=True)


def ask(query, values=None, **more):
    try:
        answer = c.execute(query, values, **more)
        truth.append([query, [list(map(str, row)) for row in answer.fetchall()] if answer.description else answer.statusmessage])
    except psycopg.Error as e:
        truth.append([query, {"error": e.sqlstate, "message": e.diag.message_primary}])


ask("SELECT 1 AS one")
if group == "queries":
    ask("DROP TABLE IF EXISTS menu")
    ask("CREATE TABLE menu (id int PRIMARY KEY, cake text, price numeric)")
    ask("INSERT INTO menu VALUES (1, 'plum', 3.50), (2, 'poppy', 3.20), (3, NULL, NULL)")
    ask("SELECT * FROM menu ORDER BY id")
    ask("SELECT cake FROM menu WHERE id = %s", (2,))
    ask("SELECT cake, price FROM menu WHERE price < %s", (3.3,), prepare=True)
    ask("SELECT cake, price FROM menu WHERE price < %s", (9,), prepare=True)
    ask("SELEKT 1")
    ask("INSERT INTO menu VALUES (1, 'again', 0)")
    ask("SELECT * FROM nowhere WHERE id = %s", (1,))
    with c.transaction():
        ask("UPDATE menu SET price = price + 1")
    with c.cursor().copy("COPY menu (id, cake) FROM STDIN") as copy:
        for n in range(10, 20):
            copy.write_row((n, f"cake {n}"))
    with c.cursor().copy("COPY menu TO STDOUT") as copy:
        truth.append(["COPY menu TO STDOUT", sum(len(b) for b in copy)])
    ask("LISTEN door")
    ask("NOTIFY door, 'open'")
    ask("SELECT repeat('x', 100000)")
    with c.pipeline():
        for n in range(5):
            c.execute("SELECT %s::int * 2", (n,))
c.close()
if group == "queries":
    try:
        psycopg.connect(host="192.0.2.80", user="mara", password="wrong", dbname="postgres", sslmode="disable")
    except psycopg.Error as e:
        truth.append(["a wrong password", str(e).strip().splitlines()[-1]])


def cut(x):
    """Long texts are cut: they are all the same letter."""
    return x[:200] if isinstance(x, str) else [cut(y) for y in x] if isinstance(x, list) else x


with open(truth_path, "w") as f:
    f.write("[" + ",\n".join(json.dumps(cut(t)) for t in truth) + "]\n")
