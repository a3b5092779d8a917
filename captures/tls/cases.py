"""What is spoken in the TLS captures: for each case the options of openssl's server and client and the lines that the client types.

The server sends each line back reversed. A line of one letter is a command to s_client: K changes keys and asks the server to, k only
the client's, R renegotiates. Each case has its own port.
"""

WEAK = ":@SECLEVEL=0"
RSA = ["-cert", "rsa.crt", "-key", "rsa.key", "-cert_chain", "chain.crt"]
ECDSA = ["-cert", "ecdsa.crt", "-key", "ecdsa.key", "-cert_chain", "chain.crt"]
LINES = ["The first line that the client types", "and a second one, " + "which is longer " * 40, "third"]


def old(name, version, cipher, server=(), client=(), lines=LINES, cert=RSA):
    options = [f"-{version}", "-cipher", cipher + WEAK]
    return dict(name=name, server=[*cert, *options, *server], client=[*options, *client], lines=lines)


def new(name, suite="TLS_AES_128_GCM_SHA256", server=(), client=(), lines=LINES, cert=ECDSA, **more):
    options = ["-tls1_3", "-ciphersuites", suite]
    return dict(name=name, server=[*cert, *options, *server], client=[*options, *client], lines=lines, **more)


CLIENT = ["-cert", "client.crt", "-key", "client.key"]

GROUPS = {
    "old": [
        old("TLS 1.0, AES CBC, chained", "tls1", "AES128-SHA"),
        old("TLS 1.0 with encrypt-then-MAC off", "tls1", "ECDHE-RSA-AES256-SHA", client=["-no_etm"]),
        old("TLS 1.1, AES CBC", "tls1_1", "ECDHE-RSA-AES128-SHA"),
        old("TLS 1.1 with encrypt-then-MAC off", "tls1_1", "AES256-SHA", client=["-no_etm"]),
        old("CBC with SHA-256, encrypt-then-MAC", "tls1_2", "ECDHE-RSA-AES128-SHA256"),
        old("CBC with SHA-384, MAC-then-encrypt", "tls1_2", "ECDHE-RSA-AES256-SHA384", client=["-no_etm"]),
        old("Camellia", "tls1_2", "ECDHE-RSA-CAMELLIA256-SHA384"),
        old("Camellia, Diffie-Hellman", "tls1_2", "DHE-RSA-CAMELLIA128-SHA256"),
        old("GCM with 128 bits", "tls1_2", "ECDHE-RSA-AES128-GCM-SHA256"),
        old("GCM with 256 bits, ECDSA", "tls1_2", "ECDHE-ECDSA-AES256-GCM-SHA384", cert=ECDSA),
        old("CCM", "tls1_2", "ECDHE-ECDSA-AES128-CCM", cert=ECDSA),
        old("CCM with short tags", "tls1_2", "ECDHE-ECDSA-AES256-CCM8", cert=ECDSA),
        old("ChaCha20", "tls1_2", "ECDHE-RSA-CHACHA20-POLY1305"),
        old("No encryption at all", "tls1_2", "NULL-SHA256"),
        old("RSA key exchange", "tls1_2", "AES256-GCM-SHA384"),
        old("A client certificate", "tls1_2", "ECDHE-RSA-AES128-GCM-SHA256", server=["-Verify", "2", "-CAfile", "root.crt"], client=CLIENT),
        old("Renegotiation", "tls1_2", "ECDHE-RSA-AES128-GCM-SHA256", server=["-client_renegotiation"], lines=["before", "R", "after it", "R", "and after the second"]),
        old("Renegotiation, CBC", "tls1_2", "AES128-SHA", server=["-client_renegotiation"], lines=["before", "R", "after it"]),
        old("Resumed by its ticket: first", "tls1_2", "ECDHE-RSA-AES128-GCM-SHA256", client=["-sess_out", "ticket.pem"]) | {"share": "ticket"},
        old("Resumed by its ticket: again", "tls1_2", "ECDHE-RSA-AES128-GCM-SHA256", client=["-sess_in", "ticket.pem"]) | {"share": "ticket"},
        old("Resumed by its id: first", "tls1_2", "ECDHE-RSA-AES128-GCM-SHA256", server=["-no_ticket"], client=["-no_ticket", "-sess_out", "id.pem"]) | {"share": "id"},
        old("Resumed by its id: again", "tls1_2", "ECDHE-RSA-AES128-GCM-SHA256", server=["-no_ticket"], client=["-no_ticket", "-sess_in", "id.pem"]) | {"share": "id"},
        old("Pre-shared key", "tls1_2", "PSK-AES128-GCM-SHA256", server=["-nocert", "-psk", "0badcafe"], client=["-psk", "0badcafe"], cert=[]),
        old("ALPN", "tls1_2", "ECDHE-RSA-AES128-GCM-SHA256", server=["-alpn", "cafe/1"], client=["-alpn", "tea/2,cafe/1"]),
        dict(name="RC4 with MD5", pure=dict(cipher="rc4", mac="md5", version=(3, 1)), lines=LINES),
        dict(name="RC4 with SHA-1, TLS 1.2", pure=dict(cipher="rc4", mac="sha", version=(3, 3)), lines=LINES),
        dict(name="Triple DES", pure=dict(cipher="3des", mac="sha", version=(3, 2)), lines=LINES),
    ],
    "new": [
        new("AES with 128 bits"),
        new("AES with 256 bits", "TLS_AES_256_GCM_SHA384"),
        new("ChaCha20", "TLS_CHACHA20_POLY1305_SHA256"),
        new("CCM", "TLS_AES_128_CCM_SHA256"),
        new("CCM with short tags", "TLS_AES_128_CCM_8_SHA256:@SECLEVEL=0", cipher=True),
        new("Key updates", lines=["before", "K", "after both changed keys", "k", "after the client changed again", "K", "and at the end"]),
        new("Hello retry request", server=["-groups", "P-384"], client=["-groups", "X25519:P-384"]),
        new("A server that keeps no state", server=["-stateless"]),
        new("A client certificate", server=["-Verify", "2", "-CAfile", "root.crt"], client=CLIENT),
        new("Padded records", client=["-record_padding", "512"]),
        new("Resumed: first", client=["-sess_out", "new.pem"], share="resumed", linger=True),
        new("Resumed: again", client=["-sess_in", "new.pem"], share="resumed"),
        new("Early data: first", client=["-sess_out", "early.pem"], share="early", server=["-early_data"], plain=True, linger=True),
        new("Early data: sent", client=["-sess_in", "early.pem", "-early_data", "early.txt"], share="early", server=["-early_data"], plain=True, early=True),
        new("Early data: refused by a retry", client=["-sess_in", "early.pem", "-early_data", "early.txt", "-groups", "X25519:P-384"], server=["-groups", "P-384"], early="refused"),
        new("ALPN and status", server=["-alpn", "cafe/1"], client=["-alpn", "cafe/1", "-status"]),
        new("Pre-shared key", server=["-nocert", "-psk", "0badcafe"], client=["-psk", "0badcafe"], cert=[]),
        new("Small records", server=["-max_send_frag", "512"], client=["-maxfraglen", "512"], lines=["x" * 3000, "short"]),
    ],
    "trouble": [
        old("No cipher in common", "tls1_2", "AES128-SHA", client=["-cipher", "AES256-SHA"], lines=[]),
        dict(name="No version in common", server=[*RSA, "-tls1_3"], client=["-tls1_2"], lines=[]),
        new("The client refuses the certificate", client=["-CAfile", "root.crt", "-verify_return_error", "-verify_hostname", "elsewhere.test"], lines=[]),
        new("Expired certificate", cert=["-cert", "expired.crt", "-key", "expired.key"]),
        new("Self-signed, for another name", cert=["-cert", "selfsigned.crt", "-key", "selfsigned.key"]),
        new("The chain in the wrong order", cert=["-cert", "ecdsa.crt", "-key", "ecdsa.key", "-cert_chain", "disorder.crt"]),
        new("No key was logged", keys="none"),
        new("The logged key is another's", keys="wrong"),
        old("No key was logged, TLS 1.2", "tls1_2", "ECDHE-RSA-AES128-GCM-SHA256") | {"keys": "none"},
        old("The logged key is another's, TLS 1.2", "tls1_2", "ECDHE-RSA-AES128-SHA256") | {"keys": "wrong"},
        old("A cipher that we cannot open", "tls1_2", "ECDHE-ARIA128-GCM-SHA256"),
        dict(name="SSL 3.0", pure=dict(cipher="3des", mac="sha", version=(3, 0)), lines=LINES),
    ],
    "dtls": [
        old("DTLS 1.2, GCM", "dtls1_2", "ECDHE-RSA-AES128-GCM-SHA256"),
        old("DTLS 1.2, CBC", "dtls1_2", "ECDHE-RSA-AES128-SHA256"),
        old("DTLS 1.2, ChaCha20", "dtls1_2", "ECDHE-RSA-CHACHA20-POLY1305"),
        old("DTLS 1.2 in small datagrams", "dtls1_2", "ECDHE-RSA-AES128-GCM-SHA256", server=["-mtu", "512"], client=["-mtu", "512"]),
        old("DTLS 1.0", "dtls1", "ECDHE-RSA-AES128-SHA"),
    ],
}

port = 4600
for group in GROUPS.values():
    shared = {}
    for case in group:
        port += 1
        case["port"] = shared.setdefault(case["share"], port) if "share" in case else port
