//! Packet headers, link layer to transport: each layer a pure function of one packet, named with Wireshark's field names.
//!
//! A layer reads with [`wirelore_kit::Reader`] and says what follows it; [`wirelore_kit::read_packet`] walks from one to the next.
//! Everything here is lax: what was good stays, a length that cannot be is a note, and bytes that nobody claims are listed.
//! Checksums are verified here, for whoever looks, and decide nothing.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod arp;
mod bridge;
pub mod checksum;
mod ethernet;
mod frame;
mod gre;
mod icmp;
mod icmpv6;
mod igmp;
mod ipsec;
mod ipv4;
mod ipv6;
mod ipv6ext;
mod line;
mod link;
mod llc;
mod mpls;
mod names;
mod ndp;
mod ppp;
mod quick;
mod quote;
pub mod sctp;
mod serial;
mod sll;
mod tcp;
mod tcp_options;
mod tunnel;
mod udp;
mod vlan;
mod wlan;

pub use frame::{ETHERTYPES, protocols, with_frame};
pub use line::line;
pub use quick::{Plain, Quick};
pub use udp::PAYLOAD as UDP_PAYLOAD;

use wirelore_kit::span::BufKind;
use wirelore_kit::{BitRange, F, Field, Kind, Layer, LayerClaim, LayerTurn, Next, PacketBytes, Reader, Span, Tree};

/// Every layer. The first carries the prose of all.
pub static LAYERS: &[&Layer] = &[
    &frame::LAYER,
    &ethernet::LAYER,
    &vlan::VLAN,
    &vlan::SERVICE,
    &ipv4::LAYER,
    &ipv6::LAYER,
    &ipv6ext::HOP_BY_HOP,
    &ipv6ext::DESTINATION,
    &ipv6ext::ROUTING,
    &ipv6ext::FRAGMENT,
    &ipv6ext::SHIM,
    &ipv6ext::MOBILITY,
    &tcp::LAYER,
    &udp::LAYER,
    &udp::LITE,
    &icmp::LAYER,
    &icmpv6::LAYER,
    &igmp::LAYER,
    &arp::LAYER,
    &sll::LAYER,
    &sll::SECOND,
    &link::NULL,
    &link::LOOP,
    &link::RAW,
    &link::NFLOG,
    &llc::LAYER,
    &bridge::STP,
    &bridge::LLDP,
    &bridge::EAPOL,
    &bridge::MACSEC,
    &bridge::ARISTA,
    &ppp::LAYER,
    &ppp::SERIAL,
    &ppp::SESSION,
    &ppp::DISCOVERY,
    &ppp::LCP,
    &ppp::IPCP,
    &ppp::IPV6CP,
    &serial::CHDLC,
    &serial::FRAME_RELAY,
    &mpls::LAYER,
    &mpls::GUESS,
    &mpls::CONTROL_WORD,
    &mpls::PLAIN,
    &gre::LAYER,
    &gre::ERSPAN,
    &gre::ERSPAN_PLAIN,
    &tunnel::VXLAN,
    &tunnel::GPE,
    &tunnel::GENEVE,
    &tunnel::GTP,
    &tunnel::TEREDO,
    &ipsec::AH,
    &ipsec::ESP,
    &sctp::SCTP,
    &sctp::DCCP,
    &wlan::RADIOTAP,
    &wlan::LAYER,
];

/// Names that stand for several fields in filters, as Wireshark has them: true of a packet if it is of any of them.
pub static ALIASES: &[(&str, &[&str])] = &[
    ("eth.addr", &["eth.dst", "eth.src"]),
    ("ip.addr", &["ip.src", "ip.dst"]),
    ("ipv6.addr", &["ipv6.src", "ipv6.dst"]),
    ("tcp.port", &["tcp.srcport", "tcp.dstport"]),
    ("udp.port", &["udp.srcport", "udp.dstport"]),
    ("sctp.port", &["sctp.srcport", "sctp.dstport"]),
    ("wlan.addr", &["wlan.ra", "wlan.ta", "wlan.da", "wlan.sa", "wlan.bssid"]),
];

/// Reads a packet's layers and puts the facts of its frame before them. Also returns the names of the layers met and,
/// where a transport's payload was reached, its span.
#[must_use]
pub fn read(packet: &PacketBytes) -> (Tree, Vec<&'static str>, Option<Span>) {
    let (mut tree, names, payload) = wirelore_kit::read_packet(LAYERS, packet);
    with_frame(&mut tree, packet);
    (tree, names, payload)
}

/// Defines a layer's fields, and `FIELDS`, the list of them.
macro_rules! fields {
    ($($id:ident = $make:expr;)*) => {
        $(static $id: wirelore_kit::Field = $make;)*
        pub(super) static FIELDS: &[wirelore_kit::F] = &[$(&$id),*];
    };
}
/// Defines a layer's notes, and `NOTES`, the list of them.
macro_rules! notes {
    ($($id:ident = $severity:ident, $about:ident, $name:literal, $label:literal, $rfc:literal;)*) => {
        $(static $id: wirelore_kit::Note =
            wirelore_kit::Note::new($name, $label, wirelore_kit::Severity::$severity, wirelore_kit::About::$about).rfc($rfc);)*
        pub(super) static NOTES: &[&wirelore_kit::Note] = &[$(&$id),*];
    };
}
use {fields, notes};

/// A layer without prose of its own: [`frame`] has it for all.
const fn layer(
    name: &'static str,
    label: &'static str,
    fields: &'static [F],
    notes: &'static [&'static wirelore_kit::Note],
    claims: &'static [LayerClaim],
    read: fn(&mut Reader<'_>, &mut LayerTurn) -> Result<Next, wirelore_kit::Stop>,
) -> Layer {
    Layer { name, label, fields, notes, claims, read, explain: &[] }
}

/// Two lists end to end, for a layer whose fields are defined in two files; `N` is the sum of their lengths.
#[allow(clippy::indexing_slicing)] // Runs in the compiler, on our own lists.
const fn joined<T: Copy, const N: usize>(a: &[T], b: &[T]) -> [T; N] {
    let mut all = [a[0]; N];
    let mut i = 0;
    while i < N {
        all[i] = if i < a.len() { a[i] } else { b[i - a.len()] };
        i += 1;
    }
    all
}

const fn field(name: &'static str, label: &'static str, kind: Kind, rfc: &'static str) -> Field {
    Field::new(name, label, kind).rfc(rfc)
}
const fn group(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    field(name, label, Kind::Group, rfc)
}
const fn dec(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    field(name, label, Kind::Dec, rfc)
}
const fn hex(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    field(name, label, Kind::Hex, rfc)
}
const fn flag(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    field(name, label, Kind::Bool, rfc)
}
const fn raw(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    field(name, label, Kind::Bytes, rfc)
}
const fn text(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    field(name, label, Kind::Text, rfc)
}
const fn mac(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    field(name, label, Kind::Mac, rfc)
}
const fn ip4(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    field(name, label, Kind::Ipv4, rfc)
}
const fn ip6(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    field(name, label, Kind::Ipv6, rfc)
}

/// `len` bits from bit `first` on, counted from the most significant bit of the next byte.
const fn bits(first: u8, len: u8) -> BitRange {
    BitRange { first, len }
}

/// Whether the bytes being read end before the packet on the wire did, so that a length that points behind them may still be right.
fn bits_of_packet_missing(r: &Reader<'_>, turn: &LayerTurn) -> bool {
    let here = r.span(r.left());
    matches!(here.buf.kind(), BufKind::Arrival(_)) && here.end() < u64::from(turn.wire_len)
}

/// The next two bytes as a number, if they are there.
fn peek_u16(r: &Reader<'_>, ahead: usize) -> Option<u16> {
    r.rest().get(ahead..)?.first_chunk::<2>().map(|b| u16::from_be_bytes(*b))
}

/// Lets the heading of an option or record say which one it is: the name of `value`, if `field` has one.
fn title(r: &mut Reader<'_>, field: F, value: u64) {
    if let Some(name) = field.name_of(value) {
        r.title(name);
    }
}

/// The next layer by EtherType.
const fn ether(value: u16) -> Next {
    Next::By(LayerClaim::EtherType(value))
}
/// The next layer by name.
const fn named(name: &'static str) -> Next {
    Next::By(LayerClaim::Named(name))
}
/// IPv4 or IPv6 by the version that the next byte tells; data otherwise.
fn ip_by_version(r: &Reader<'_>) -> Next {
    match r.rest().first().map(|b| b >> 4) {
        Some(4) => ether(0x0800),
        Some(6) => ether(0x86dd),
        _ => Next::Data,
    }
}
