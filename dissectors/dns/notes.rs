//! What can be noted of DNS messages: broken grammar, outcomes, and things that are worth a second look.

use wirelore_kit::{About, Note, Severity};

macro_rules! notes {
    ($($id:ident = $name:literal, $label:literal, $severity:ident, $about:ident, $rfc:literal;)*) => {
        $(#[doc = $label] pub static $id: Note = Note::new($name, $label, Severity::$severity, About::$about).rfc($rfc);)*
        /// Every note of the protocol.
        pub static ALL: &[&Note] = &[$(&$id),*];
    };
}

notes! {
    NOT_DNS = "dns.note.not_dns", "These bytes begin no DNS message", Warn, Malformed, "RFC 1035 §4.1.1";
    SHORT = "dns.note.short_header", "Fewer than the 12 bytes of a header", Error, Malformed, "RFC 1035 §4.1.1";
    EMPTY = "dns.note.empty", "The length prefix announces a message of no bytes", Warn, Malformed, "RFC 1035 §4.2.2";
    OPCODE = "dns.note.opcode", "An operation that nobody has defined", Warn, Protocol, "RFC 6895 §2.2";
    RESERVED_BIT = "dns.note.reserved_bit", "The reserved bit Z is set", Note, Protocol, "RFC 1035 §4.1.1";
    NAME_CUT = "dns.note.name_cut", "A name runs over the end of what holds it", Error, Malformed, "RFC 1035 §3.1";
    LABEL_KIND = "dns.note.label_kind", "A label whose two top bits are 01 or 10", Error, Malformed, "RFC 6891 §5";
    NAME_TOO_LONG = "dns.note.name_too_long", "A name is longer than 255 bytes", Error, Malformed, "RFC 1035 §2.3.4";
    POINTER_LOOP = "dns.note.pointer_loop", "Compression pointers lead round in a circle", Error, Security, "RFC 1035 §4.1.4";
    POINTER_FORWARD = "dns.note.pointer_forward", "A compression pointer leads forward; it may only lead back", Error, Malformed, "RFC 1035 §4.1.4";
    POINTER_WILD = "dns.note.pointer_wild", "A compression pointer leads to no name", Error, Malformed, "RFC 1035 §4.1.4";
    COUNTS = "dns.note.counts", "The header counts more records than there are bytes for", Error, Malformed, "RFC 1035 §4.1.1";
    RECORD_CUT = "dns.note.record_cut", "A record's length goes beyond the end of the message", Error, Malformed, "RFC 1035 §4.1.3";
    TWO_OPT = "dns.note.two_opt", "More than one OPT record", Error, Protocol, "RFC 6891 §6.1.1";
    ODD_OPT_NAME = "dns.note.opt_name", "The OPT record is not owned by the root", Warn, Protocol, "RFC 6891 §6.1.2";
    BITMAP = "dns.note.type_bitmap", "A block of the type bit map has a length other than 1 to 32", Error, Malformed, "RFC 4034 §4.1.2";
    SVC_ORDER = "dns.note.svc_order", "Service parameters do not stand in rising order", Error, Protocol, "RFC 9460 §2.2";
    SUBNET = "dns.note.subnet", "The client subnet has bytes or bits beyond its prefix length", Warn, Protocol, "RFC 7871 §6";
    TRUNCATED = "dns.note.truncated", "Truncated: the whole answer did not fit", Note, Response, "RFC 2181 §9";
    FORMERR = "dns.note.formerr", "The server could not read the question (FORMERR)", Warn, Response, "RFC 1035 §4.1.1";
    SERVFAIL = "dns.note.servfail", "The server failed to find an answer (SERVFAIL)", Warn, Response, "RFC 1035 §4.1.1";
    NXDOMAIN = "dns.note.nxdomain", "No such name (NXDOMAIN)", Note, Response, "RFC 1035 §4.1.1";
    NOTIMP = "dns.note.notimp", "The server does not support this operation (NOTIMP)", Note, Response, "RFC 1035 §4.1.1";
    REFUSED = "dns.note.refused", "The server refuses to answer (REFUSED)", Warn, Response, "RFC 1035 §4.1.1";
    RCODE = "dns.note.rcode", "The answer reports a failure", Warn, Response, "RFC 6895 §2.3";
    RETRANSMITTED = "dns.note.retransmitted", "The same question again, still without an answer", Note, Sequence, "RFC 1035 §7.2";
    ANSWERED_TWICE = "dns.note.answered_twice", "A second answer to a question that was answered already", Note, Security, "RFC 5452 §4.2";
    UNSOLICITED = "dns.note.unsolicited", "An answer to a question that was not seen", Note, Sequence, "RFC 5452 §9.1";
    MDNS_ID = "dns.note.mdns_id", "A multicast message with an ID other than 0", Chat, Protocol, "RFC 6762 §18.1";
    TTL_BIT = "dns.note.ttl_bit", "The top bit of a time to live is set; it counts as 0", Note, Protocol, "RFC 2181 §8";
}
