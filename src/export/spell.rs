//! Values as tshark spells them under `-T fields`, `json`, `ek` and `pdml`, so that scripts which read those read ours.

use Spelling::{Dec, Epoch, Hex, Octets, Present, Seconds, Text};
use std::fmt::Write as _;
use wirelore_kit::{F, Kind, Value};

/// Where a value is written, for what that changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A column of `-T fields`, or a value asked for with `-e`: bytes stand together, control characters are escaped.
    Column,
    /// A whole tree: bytes stand between colons, text is as it was.
    Tree,
}

/// A spelling that does not follow from the kind of field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// Decimal.
    Dec,
    /// `0x` and so many digits.
    Hex(usize),
    /// 1: it is there. In a tree: its bytes.
    Present,
    /// Whole seconds of a duration.
    Seconds,
    /// Seconds since 1970-01-01 UTC with nine decimals.
    Epoch,
    /// Only the bytes, whatever the value says of them.
    Octets,
    /// The bytes as text.
    Text,
}

/// Fields that tshark spells otherwise than their kind would have it here: by name, sorted.
const OTHERWISE: &[(&str, Spelling)] = &[
    ("avsp.sub_type", Dec),
    ("dccp.res1", Hex(2)),
    ("dhcp.client_id.type", Dec),
    ("dhcp.option.ip_address_lease_time", Seconds),
    ("dhcp.option.rebinding_time_value", Seconds),
    ("dhcp.option.renewal_time_value", Seconds),
    ("dns.ds.key_id", Hex(4)),
    ("dns.loc.horizontal_precision", Dec),
    ("dns.loc.size", Dec),
    ("dns.loc.vertical_precision", Dec),
    ("dns.nsec3.flags", Dec),
    ("dns.openpgpkey", Text),
    ("dns.qry.class", Hex(4)),
    ("dns.resp.class", Hex(4)),
    ("dns.rr.udp_payload_size", Hex(4)),
    ("dns.tsig.mac", Present),
    ("dns.tsig.original_id", Dec),
    ("dtls.change_cipher_spec", Present),
    ("erspan.index", Dec),
    ("frame.time_epoch", Epoch),
    ("geneve.option", Octets),
    ("gtp.npdu_number", Hex(2)),
    ("http.file_data", Text),
    ("http2.goway.r", Hex(8)),
    ("http2.padding", Hex(2)),
    ("http2.push_promise.r", Hex(8)),
    ("http2.r", Hex(8)),
    ("http2.window_update.r", Hex(8)),
    ("http3.frame_type", Hex(16)),
    ("http3.settings.id", Hex(16)),
    ("icmp.pref_level", Dec),
    ("icmpv6.opt.reserved", Present),
    ("imf.message_text", Present),
    ("ip.opt.flag", Hex(2)),
    ("ipv6.tclass", Hex(8)),
    ("macsec.AN", Hex(2)),
    ("macsec.TCI.V", Hex(2)),
    ("mqtt.subscription_options_reserved", Hex(2)),
    ("nflog.tlv", Octets),
    ("quic.cc.error_code", Dec),
    ("quic.cc.error_code.app", Dec),
    ("quic.cc.frame_type", Dec),
    ("quic.coalesced_padding_data", Present),
    ("quic.crypto.crypto_data", Present),
    ("quic.frame_type", Dec),
    ("quic.rsts.application_error_code", Dec),
    ("quic.ss.application_error_code", Dec),
    ("radiotap.pad", Dec),
    ("sip.msg_body", Present),
    ("smtp.eom", Present),
    ("ssh.disconnect_reason", Hex(8)),
    ("tls.change_cipher_spec", Present),
    ("tls.handshake.certificate", Octets),
    ("tls.handshake.challenge", Present),
    ("tls.handshake.dname", Present),
    ("tls.handshake.server_curve_type", Hex(2)),
    ("tls.handshake.session_ticket_age_add", Dec),
    ("tls.handshake.verify_data", Present),
    ("tls.quic.parameter.type", Dec),
    ("tls.sct.sct_extensions", Present),
    ("vxlan.reserved8", Dec),
    ("vxlan.reserved_16", Dec),
    ("websocket.masked_payload", Present),
    ("websocket.payload", Present),
];

fn otherwise(name: &str) -> Option<Spelling> {
    OTHERWISE.binary_search_by(|(n, _)| (*n).cmp(name)).ok().and_then(|i| OTHERWISE.get(i)).map(|(_, s)| *s)
}

/// Whether a heading has a value there: its bytes.
#[must_use]
pub fn is_octets(name: &str) -> bool {
    otherwise(name) == Some(Octets)
}

/// Writes a value; `name` is the name that it goes by, `bytes` are those of its span.
pub fn write(out: &mut String, name: &str, field: F, value: &Value, bytes: &[u8], place: Place) {
    match otherwise(name) {
        Some(Dec) => return number(out, value),
        Some(Hex(digits)) => return hex(out, value, digits),
        Some(Present) if place == Place::Column => return out.push('1'),
        Some(Seconds) => return number(out, &Value::I64(as_i64(value) / 1_000_000_000)),
        Some(Epoch) => return seconds(out, as_i64(value)),
        Some(Octets) => return octets(out, bytes, place),
        Some(Text) => return text(out, bytes, place),
        Some(Present) | None => {}
    }
    match value {
        Value::Span => match field.kind {
            Kind::Text => text(out, bytes, place),
            _ => octets(out, bytes, place),
        },
        Value::Blob(b) if field.kind == Kind::Text => text(out, b, place),
        Value::Blob(b) => octets(out, b, place),
        Value::Str(s) if field.kind == Kind::Group => text(out, s.as_bytes(), place),
        Value::Str(s) => text(out, s.as_bytes(), place),
        Value::Bool(_) => bit(out, value),
        Value::U64(_) | Value::I64(_) => match field.kind {
            Kind::Hex => hex(out, value, bytes.len().saturating_mul(2).clamp(2, 16)),
            Kind::Bool => bit(out, value),
            Kind::Duration => seconds(out, as_i64(value)),
            Kind::Time => out.push_str(&super::time::long(as_i64(value))),
            _ => number(out, value),
        },
        Value::Place(p) => {
            let _ = write!(out, "{}", p.at);
        }
        // Addresses have one spelling.
        Value::Ip4(_) | Value::Ip6(_) | Value::Mac(_) => out.push_str(&wirelore_kit::value::display(field, value, bytes)),
    }
}

/// The same, as a new string.
#[must_use]
pub fn spelled(name: &str, field: F, value: &Value, bytes: &[u8], place: Place) -> String {
    let mut out = String::new();
    write(&mut out, name, field, value, bytes, place);
    out
}

fn as_i64(value: &Value) -> i64 {
    match value {
        Value::I64(n) => *n,
        Value::U64(n) => i64::try_from(*n).unwrap_or(i64::MAX),
        _ => 0,
    }
}

fn number(out: &mut String, value: &Value) {
    let _ = match value {
        Value::U64(n) => write!(out, "{n}"),
        Value::I64(n) => write!(out, "{n}"),
        Value::Bool(b) => write!(out, "{}", u8::from(*b)),
        _ => Ok(()),
    };
}

fn hex(out: &mut String, value: &Value, digits: usize) {
    let _ = match value {
        Value::U64(n) => write!(out, "0x{n:0digits$x}"),
        Value::I64(n) => write!(out, "0x{n:0digits$x}"),
        Value::Bool(b) => write!(out, "0x{:0digits$x}", u8::from(*b)),
        _ => Ok(()),
    };
}

fn bit(out: &mut String, value: &Value) {
    let set = match value {
        Value::Bool(b) => *b,
        Value::U64(n) => *n != 0,
        Value::I64(n) => *n != 0,
        _ => true,
    };
    out.push(if set { '1' } else { '0' });
}

/// Nanoseconds as seconds with nine decimals.
fn seconds(out: &mut String, ns: i64) {
    out.push_str(&super::time::seconds(ns));
}

/// Bytes in hexadecimal.
fn octets(out: &mut String, bytes: &[u8], place: Place) {
    out.reserve(bytes.len().saturating_mul(3));
    for (i, b) in bytes.iter().enumerate() {
        if i > 0 && place == Place::Tree {
            out.push(':');
        }
        push_hex(out, *b);
    }
}

/// A byte as two hexadecimal digits.
pub(crate) fn push_hex(out: &mut String, byte: u8) {
    for digit in [byte >> 4, byte & 15] {
        out.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
    }
}

/// Text; what is no UTF-8 becomes replacement characters, as there.
fn text(out: &mut String, bytes: &[u8], place: Place) {
    let shown = String::from_utf8_lossy(bytes);
    if place == Place::Tree {
        out.push_str(&shown);
        return;
    }
    for c in shown.chars() {
        match c {
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirelore_kit::Field;

    #[test]
    fn the_list_of_other_spellings_is_sorted() {
        assert!(OTHERWISE.windows(2).all(|w| w[0].0 < w[1].0));
    }

    #[test]
    fn values_are_spelled_as_tshark_does() {
        static FLAGS: Field = Field::new("tcp.flags", "Flags", Kind::Hex);
        static CLASS: Field = Field::new("dns.qry.class", "Class", Kind::Dec);
        static DATA: Field = Field::new("tcp.payload", "Payload", Kind::Bytes);
        static LINE: Field = Field::new("http.request.line", "Line", Kind::Text);
        static DELTA: Field = Field::new("frame.time_delta", "Delta", Kind::Duration);
        static BIT: Field = Field::new("tcp.flags.syn", "SYN", Kind::Bool);
        let column = |f: F, v: &Value, b: &[u8]| spelled(f.name, f, v, b, Place::Column);
        let tree = |f: F, v: &Value, b: &[u8]| spelled(f.name, f, v, b, Place::Tree);
        assert_eq!(column(&FLAGS, &Value::U64(0x18), &[0, 0x18]), "0x0018");
        assert_eq!(column(&CLASS, &Value::U64(1), &[0, 1]), "0x0001");
        assert_eq!(column(&DATA, &Value::Span, b"GE"), "4745");
        assert_eq!(tree(&DATA, &Value::Span, b"GE"), "47:45");
        assert_eq!(column(&LINE, &Value::Span, b"a: b\r\n"), "a: b\\r\\n");
        assert_eq!(tree(&LINE, &Value::Span, b"a: b\r\n"), "a: b\r\n");
        assert_eq!(column(&DELTA, &Value::I64(-1_500), &[]), "-0.000001500");
        assert_eq!(column(&BIT, &Value::U64(0), &[0]), "0");
    }
}
