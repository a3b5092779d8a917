"""Writes BIND's configuration and zones into a folder (first argument): every record type that the capture shall show."""

import pathlib
import sys

work = pathlib.Path(sys.argv[1])
(work / "keys").mkdir()
(work / "named.conf").write_text(f"""
options {{
  directory "{work}"; pid-file none; session-keyfile "{work}/session.key"; managed-keys-directory "{work}";
  listen-on {{ 192.0.2.53; }}; listen-on-v6 {{ none; }};
  recursion no; allow-transfer {{ any; }}; notify no; version "café dns"; server-id "dns-1"; minimal-responses no;
  max-udp-size 1232; edns-udp-size 1232; send-cookie yes; cookie-secret "000102030405060708090a0b0c0d0e0f";
}};
controls {{ }};
zone "cafe.test" {{ type primary; file "cafe.zone"; key-directory "{work}/keys"; dnssec-policy default; inline-signing yes; allow-update {{ 192.0.2.10; }}; }};
zone "2.0.192.in-addr.arpa" {{ type primary; file "rev4.zone"; }};
zone "8.b.d.0.1.0.0.2.ip6.arpa" {{ type primary; file "rev6.zone"; }};
zone "broken.test" {{ type primary; file "missing.zone"; }};
""")
HEAD = "$TTL 300\n@ IN SOA ns1.cafe.test. noor.cafe.test. 2026112301 7200 900 1209600 300\n@ NS ns1.cafe.test.\n@ NS ns2.cafe.test.\n"
crowd = "".join(f"crowd A 192.0.2.{n}\n" for n in range(100, 200))
long = "".join(f'long TXT "{n:02d} {"plum cake and coffee " * 9}"\n' for n in range(16))
(work / "cafe.zone").write_text(HEAD + f"""
ns1 A 192.0.2.53
ns1 AAAA 2001:db8::53
ns2 A 192.0.2.54
@ A 192.0.2.80
@ AAAA 2001:db8:2::80
@ MX 10 mail
@ MX 20 mail.backup.test.
@ TXT "v=spf1 mx -all" "second string" ""
@ CAA 0 issue "ca.example; account=17"
@ CAA 128 iodef "mailto:noor@cafe.test"
www CNAME @
menu CNAME www
mail A 192.0.2.90
quotes TXT "say \\"hi\\"; back\\\\slash; byte \\200\\255"
_submission._tcp SRV 0 1 587 mail
_imaps._tcp SRV 10 60 993 mail
@ HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.80 ipv6hint=2001:db8:2::80 ech=AEX+DQBBpQAgACCVXfGrf4kuLkoSMbYgtN6nfv4u7uVqkVwyt/9ULCSpLwAEAAEAAQASY292ZXIuY2FmZS50ZXN0AAA=
alias HTTPS 0 www.cafe.test.
_dns SVCB 1 ns1.cafe.test. alpn=dot,h2 port=8853 key7="/dns-query{{?dns}}"
_8443._foo.svc SVCB 3 pool.cafe.test. mandatory=alpn,port alpn=foo port=8443 no-default-alpn
tel NAPTR 100 10 "u" "E2U+sip" "!^.*$!sip:noor@cafe.test!" .
tel NAPTR 102 10 "s" "SIP+D2U" "" _sip._udp.cafe.test.
guests NS ns.guests.test.
guests DS 12345 13 2 3490A6806D47F17A34C29E2CE80E8A999FFBE4BE5F1F2A3B4C5D6E7F8091A2B3
old DNAME archive.cafe.test.
box HINFO "PDP-11" "2.11BSD"
where LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m
ssh SSHFP 4 2 123456789ABCDEF67890123456789ABCDEF67890123456789ABCDEF123456789
_443._tcp TLSA 3 1 1 D2ABDE240D7CD3EE6B4B28C54DF034B97983A1D16E8A410E4561CB106618E971
_http._tcp URI 10 1 "https://www.cafe.test/menu"
rp RP noor.cafe.test. txt.cafe.test.
afs AFSDB 1 afs.cafe.test.
odd TYPE65280 \\# 4 0A000001
*.tables A 192.0.2.77
xn--kuchen-bcker-s8a TXT "an IDN label"
a\\.dot TXT "a dot inside a label"
{crowd}{long}""")
(work / "rev4.zone").write_text(HEAD + "80 PTR www.cafe.test.\n53 PTR ns1.cafe.test.\n")
(work / "rev6.zone").write_text(HEAD + "0.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.0.0.0 PTR www.cafe.test.\n")
