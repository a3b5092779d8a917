"""Joins and leaves multicast groups of both families, with and without named sources, so that the kernel says so."""

import socket
import struct
import time

a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
me = socket.inet_aton("192.0.2.10")
a.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("233.252.0.1") + me)
time.sleep(0.3)
a.setsockopt(socket.IPPROTO_IP, 39, socket.inet_aton("233.252.0.2") + me + socket.inet_aton("192.0.2.80"))  # one source only
time.sleep(0.3)
a.setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, socket.inet_aton("233.252.0.1") + me)
b = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
index = socket.if_nametoindex("eth0")
b.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, "ff0e::db8:0:1") + struct.pack("@I", index))
time.sleep(0.3)
b.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_LEAVE_GROUP, socket.inet_pton(socket.AF_INET6, "ff0e::db8:0:1") + struct.pack("@I", index))
time.sleep(0.8)
# The old ways: IGMP versions 1 and 2 and MLD version 1.
for path, versions in (("/proc/sys/net/ipv4/conf/eth0/force_igmp_version", "12"), ("/proc/sys/net/ipv6/conf/eth0/force_mld_version", "1")):
    for v in versions:
        open(path, "w").write(v)
        if "ipv4" in path:
            for option in (socket.IP_ADD_MEMBERSHIP, socket.IP_DROP_MEMBERSHIP):
                a.setsockopt(socket.IPPROTO_IP, option, socket.inet_aton("233.252.0.1" + v) + me)
                time.sleep(0.2)
        else:
            for option in (socket.IPV6_JOIN_GROUP, socket.IPV6_LEAVE_GROUP):
                b.setsockopt(socket.IPPROTO_IPV6, option, socket.inet_pton(socket.AF_INET6, "ff0e::db8:0:2") + struct.pack("@I", index))
                time.sleep(0.2)
    open(path, "w").write("0")
