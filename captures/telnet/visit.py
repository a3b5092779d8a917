"""A visit to the till with Python's telnetlib: `HOST`. Says which terminal it is and how large its window is, refuses the rest."""

import sys
import telnetlib
from telnetlib import DO, DONT, ECHO, IAC, NAWS, SB, SE, SGA, TTYPE, WILL, WONT


def negotiate(sock, command, option):
    if command == DO and option in (TTYPE, NAWS, SGA):
        sock.sendall(IAC + WILL + option)
        if option == NAWS:
            sock.sendall(IAC + SB + NAWS + bytes([0, 80, 0, 24]) + IAC + SE)
    elif command == DO:
        sock.sendall(IAC + WONT + option)
    elif command == WILL and option in (ECHO, SGA):
        sock.sendall(IAC + DO + option)
    elif command == WILL:
        sock.sendall(IAC + DONT + option)
    elif command == SE and visit.read_sb_data()[:1] == TTYPE:
        sock.sendall(IAC + SB + TTYPE + b"\0xterm" + IAC + SE)


visit = telnetlib.Telnet()
visit.set_option_negotiation_callback(negotiate)
visit.open(sys.argv[1], 23, 10)
visit.read_until(b"login: ", 10)
for letter in b"jo\r":
    visit.sock.sendall(bytes([letter]) + (b"\0" if letter == 13 else b""))
visit.read_until(b"assword: ", 10)
for letter in b"plum-cake\r":
    visit.sock.sendall(bytes([letter]) + (b"\0" if letter == 13 else b""))
visit.read_until(b"$ ", 10)
visit.sock.sendall(b"poppy\r\n")
visit.read_until(b"$ ", 10)
visit.sock.sendall(IAC + telnetlib.AYT + b"quit\r\n")
visit.read_all()
