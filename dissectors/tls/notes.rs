//! What can be noted of TLS: keys that lack or do not fit, alerts, and handshakes and certificates that deserve a second look.

use wirelore_kit::{About, Note, Severity};

macro_rules! notes {
    ($list:ident: $($id:ident = $name:literal, $label:literal, $severity:ident, $about:ident, $rfc:literal;)*) => {
        $(#[allow(missing_docs)] pub static $id: Note = Note::new($name, $label, Severity::$severity, About::$about).rfc($rfc);)*
        /// Every note of this group.
        pub static $list: &[&Note] = &[$(&$id),*];
    };
}

notes! { RECORDS:
    NOT_TLS = "tls.note.not_tls", "These bytes begin no TLS record", Warn, Malformed, "RFC 8446 §5.1";
    NO_KEYS = "tls.note.no_keys", "Encrypted, and no key for this connection was given", Chat, Missing, "RFC 9850";
    WRONG_KEY = "tls.note.wrong_key", "The key that was given does not open these records", Warn, Missing, "RFC 8446 §5.2";
    NOT_OPENED = "tls.note.not_opened", "This record cannot be opened although those before it could", Warn, Malformed, "RFC 8446 §5.2";
    CIPHER = "tls.note.cipher", "Records of this cipher suite or version cannot be opened by this program", Note, Limit, "";
    HELLO_MISSING = "tls.note.hello_missing", "The handshake was not seen, so keys cannot be chosen", Note, Missing, "";
    RECORDS_LOST = "tls.note.records_lost", "Records before this one are missing from the capture", Warn, Missing, "";
    CHAIN_LOST = "tls.note.chain_lost", "Behind missing records this connection cannot be followed any more", Warn, Missing, "RFC 2246 §6.2.3";
    FATAL = "tls.note.fatal_alert", "One side ended the connection with a fatal alert", Warn, Response, "RFC 8446 §6.2";
    EMPTY_RECORD = "tls.note.empty_record", "A record without content", Note, Protocol, "RFC 8446 §5.1";
    LONG_RECORD = "tls.note.long_record", "A record is longer than the protocol allows", Warn, Protocol, "RFC 8446 §5.2";
    HEARTBLEED = "tls.note.heartbleed", "A heartbeat asks for more bytes than it sends", Error, Security, "RFC 6520 §4";
}

notes! { HANDSHAKE:
    OLD_VERSION = "tls.note.old_version", "This version of TLS is out of use", Note, Security, "RFC 8996 §4";
    WEAK_CIPHER = "tls.note.weak_cipher", "The cipher suite is weak", Warn, Security, "RFC 9325 §4.2";
    DOWNGRADE = "tls.note.downgrade", "The server's random says that it could speak a newer version", Note, Security, "RFC 8446 §4.1.3";
    VECTOR = "tls.note.vector", "A list inside this message is longer than what holds it", Error, Malformed, "RFC 8446 §3.4";
    TWICE = "tls.note.extension_twice", "An extension stands twice in the same message", Warn, Protocol, "RFC 8446 §4.2";
    CERT_MALFORMED = "x509.note.malformed", "The certificate cannot be read to its end", Warn, Malformed, "RFC 5280 §4.1";
    CERT_EXPIRED = "x509.note.expired", "The certificate had expired when it was sent", Warn, Security, "RFC 5280 §4.1.2.5";
    CERT_EARLY = "x509.note.not_yet_valid", "The certificate was not valid yet when it was sent", Warn, Security, "RFC 5280 §4.1.2.5";
    CERT_NAME = "x509.note.other_name", "The certificate is for other names than the one asked for", Warn, Security, "RFC 9525 §6";
    CERT_ORDER = "x509.note.order", "The next certificate is not that of the issuer", Warn, Protocol, "RFC 5246 §7.4.2";
    CERT_SIGNATURE = "x509.note.signature", "The signature does not fit the next certificate's key", Error, Security, "RFC 5280 §6.1.3";
    CERT_SELF = "x509.note.self_signed", "The certificate is signed by itself alone", Note, Security, "RFC 5280 §3.2";
    CERT_WEAK = "x509.note.weak", "The certificate relies on a weak key or hash", Warn, Security, "RFC 9155";
    CERT_UNCHECKED = "x509.note.unchecked", "The signature is of a kind that this program does not check", Chat, Limit, "";
    CERT_NO_CA = "x509.note.no_ca", "An issuer's certificate does not say that it may issue any", Warn, Security, "RFC 5280 §4.2.1.9";
    CERT_PACKED = "tls.note.certificate_packed", "The compressed certificates cannot be unpacked", Warn, Malformed, "RFC 8879 §4";
}

notes! { DATAGRAMS:
    FRAGMENT_ODD = "dtls.note.fragment", "A fragment does not fit the others of its message", Warn, Protocol, "RFC 6347 §4.2.3";
    FRAGMENT_LOST = "dtls.note.fragment_lost", "Fragments of a handshake message never came", Note, Missing, "RFC 6347 §4.2.3";
}
