//! Servers that do TLS badly, each in one way, and what should be said of it. All are made here, none is asked for on the Internet.

mod make;
mod serve;

pub use make::Maker;
pub use serve::Server;

/// One server and what it does wrong.
pub struct Case {
    /// A name for messages.
    pub name: &'static str,
    /// As what it is asked for: it listens on loopback only.
    pub host: &'static str,
    /// How it serves.
    pub server: Server,
    /// The check that must be named, and words that must stand in the explanation; nothing for servers that are good.
    pub said: Option<(&'static str, &'static [&'static str])>,
}

/// All of them. The maker's folder holds `root.pem`, which is to be believed, and the files that the servers read.
pub fn cases(make: &Maker) -> Vec<Case> {
    let tls = |files: make::Files| Server::tls(files, &[]);
    let with = |args: &'static [&'static str]| Server::tls(make.good(), args);
    let case = |name, server, said| Case { name, host: "localhost", server, said };
    let bad = |name, server, check, words: &'static [&'static str]| case(name, server, Some((check, words)));
    let good = |name, server| case(name, server, None);
    vec![
        // Good ones: what helps against bad servers must not hit them.
        good("a good server", tls(make.good())),
        good("an intermediate", tls(make.below_intermediate())),
        good("the root sent too", tls(make.with_root_sent())),
        good("a chain in the wrong order, with a stranger in it", tls(make.unordered())),
        good("valid until the year 9999", tls(make.until_9999())),
        good("self-signed but given as a root", tls(make.given_itself())),
        good("TLS 1.2 only", with(&["-tls1_2"])),
        good("TLS 1.3 only", with(&["-tls1_3"])),
        Case { name: "an address", host: "127.0.0.1", server: tls(make.for_address()), said: None },
        // Dates.
        good("not revoked, and says so", make.not_revoked()),
        bad("expired", tls(make.expired()), "expired", &["expired", "2021-03-04"]),
        bad("not yet valid", tls(make.future()), "not-yet-valid", &["not yet valid", "2090-01-01", "clock"]),
        bad(
            "expired intermediate",
            tls(make.intermediate_dated(true)),
            "expired",
            &["CA certificate \"Dated Intermediate\"", "expired"],
        ),
        bad(
            "future intermediate",
            tls(make.intermediate_dated(false)),
            "not-yet-valid",
            &["CA certificate \"Dated Intermediate\""],
        ),
        bad("expired and for another host", tls(make.expired_elsewhere()), "expired", &["Also:", "but for elsewhere.example"]),
        // Names.
        bad(
            "another host",
            tls(make.named(&["www.example.org", "example.net"])),
            "wrong-host",
            &["not for localhost", "www.example.org, example.net"],
        ),
        bad("a star that is too high", tls(make.named(&["*.localhost"])), "wrong-host", &["*.localhost"]),
        bad("only a common name", tls(make.common_name_only()), "no-san", &["common name \"localhost\"", "subjectAltName"]),
        Case {
            name: "a name where an address was asked for",
            host: "127.0.0.1",
            server: tls(make.good()),
            said: Some(("wrong-host", &["not for 127.0.0.1", "localhost"])),
        },
        Case {
            name: "an address written as a name",
            host: "127.0.0.1",
            server: tls(make.address_as_name()),
            said: Some(("wrong-host", &["dNSName"])),
        },
        bad("revoked, and says so", make.revoked(), "revoked", &["revoked by its CA on 20", "OCSP"]),
        // Who vouches.
        bad("self-signed", tls(make.self_signed(false)), "self-signed", &["self-signed", "--upstream-ca"]),
        bad("self-signed as OpenSSL makes it", tls(make.self_signed(true)), "self-signed", &["self-signed", "Also:", "CA"]),
        bad("a root that nobody knows", tls(make.unknown_root(true)), "untrusted-root", &["Stranger Root", "not trusted"]),
        bad("an issuer that nobody knows", tls(make.unknown_root(false)), "unknown-issuer", &["Stranger Root", "private"]),
        bad(
            "a missing intermediate",
            tls(make.incomplete(true)),
            "incomplete-chain",
            &["incomplete", "Missing Intermediate", "http://ca.example/i.crt"],
        ),
        bad(
            "a missing intermediate that nobody can fetch",
            tls(make.incomplete(false)),
            "unknown-issuer",
            &["Missing Intermediate", "incomplete"],
        ),
        bad("a CA's own certificate", tls(make.authority()), "authority-as-server", &["certificate of a CA"]),
        bad("signed by one who may not", tls(make.below_leaf()), "no-authority", &["\"Not A CA\"", "may not"]),
        bad("a path too long", tls(make.path_too_long()), "path-length", &["allows 0 CAs", "there are 1"]),
        bad("outside of the CA's names", tls(make.constrained(true)), "name-constraints", &["Limited CA", "localhost"]),
        bad("among the CA's excluded names", tls(make.constrained(false)), "name-constraints", &["Limited CA", "localhost"]),
        bad("a CA made anew under its old name", tls(make.renewed_root()), "other-key", &["Believed Root", "another key"]),
        // Strength.
        bad("an RSA key of 1024 bits", tls(make.weak_key()), "weak-key", &["1024 bits"]),
        bad("a CA with 1024 bits", tls(make.weak_authority()), "weak-key", &["CA certificate \"Weak CA\"", "1024 bits"]),
        bad("signed with SHA-1", tls(make.weak_hash("-sha1")), "weak-hash", &["SHA-1"]),
        bad("signed with MD5", tls(make.weak_hash("-md5")), "weak-hash", &["MD5"]),
        // What a certificate is for.
        bad("for clients", tls(make.purpose(false)), "wrong-purpose", &["clients", "serverAuth"]),
        bad("for signing code", tls(make.purpose(true)), "wrong-purpose", &["signing code"]),
        bad("a critical extension", tls(make.critical()), "critical-extension", &["1.3.6.1.4.1.99999.1"]),
        bad("changed after signing", tls(make.tampered()), "bad-signature", &["signature that does not fit"]),
        // Handshakes.
        bad("TLS 1.0", with(&["-tls1", "-cipher", "DEFAULT@SECLEVEL=0"]), "old-version", &["TLS 1.1, TLS 1.0"]),
        bad("TLS 1.1", with(&["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"]), "old-version", &["TLS 1.1, TLS 1.0"]),
        bad(
            "CBC only",
            with(&["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"]),
            "alert",
            &["alert 40, handshake_failure", "nothing in common"],
        ),
        bad(
            "no certificate at all",
            with(&["-tls1_2", "-cipher", "aNULL@SECLEVEL=0", "-nocert"]),
            "alert",
            &["alert 40, handshake_failure"],
        ),
        bad("wants a client certificate (1.2)", with(&["-tls1_2", "-Verify", "1"]), "alert", &["--client-certs"]),
        bad(
            "wants a client certificate (1.3)",
            with(&["-tls1_3", "-Verify", "1"]),
            "client-certificate",
            &["alert 116", "--client-certs"],
        ),
        bad("an unknown name", Server::Raw(serve::ALERT_NAME), "unknown-name", &["alert 112, unrecognized_name"]),
        bad("no common application protocol", Server::Raw(serve::ALERT_ALPN), "no-protocol", &["alert 120", "ALPN"]),
        bad("an internal error", Server::Raw(serve::ALERT_INTERNAL), "alert", &["alert 80, internal_error"]),
        bad("an alert without a name", Server::Raw(serve::ALERT_199), "alert", &["alert 199, not assigned"]),
        bad(
            "plain HTTP",
            Server::Raw(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
            "not-tls",
            &["not TLS", "http://"],
        ),
        bad("a mail server", Server::Raw(b"220 mail.example.org ESMTP ready\r\n"), "not-tls", &["not TLS"]),
        bad("garbage in records", Server::Raw(b"\x16\x03\x03\x00\x08\x02\x00\x00\x04abcd"), "bad-message", &["cannot be read"]),
        bad(
            "another message than expected",
            Server::Raw(b"\x16\x03\x03\x00\x04\x0e\x00\x00\x00"),
            "broken-protocol",
            &["forbids"],
        ),
        bad("closes at once", Server::Raw(b""), "closed", &["closed the connection", "without an answer"]),
        bad(
            "closes in the middle",
            Server::Raw(b"\x16\x03\x03\x00\x5a\x02\x00\x00\x56\x03\x03"),
            "closed",
            &["closed the connection"],
        ),
        bad("resets", Server::Reset, "reset", &["reset the connection"]),
        bad("says nothing", Server::Silent, "silent", &["no answer"]),
    ]
}
