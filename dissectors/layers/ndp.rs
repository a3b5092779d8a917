//! Neighbour discovery (RFC 4861): solicitations, advertisements, redirects and their options.

use super::{bits, dec, fields, flag, group, hex, ip6, notes, quote, raw, text, title};
use wirelore_kit::{F, Names, Reader, Stop, Value};

static OPTIONS: Names = &[
    (1, "Source link-layer address"),
    (2, "Target link-layer address"),
    (3, "Prefix information"),
    (4, "Redirected header"),
    (5, "MTU"),
    (7, "Advertisement interval"),
    (8, "Home agent information"),
    (11, "CGA"),
    (12, "RSA signature"),
    (13, "Timestamp"),
    (14, "Nonce"),
    (24, "Route information"),
    (25, "Recursive DNS servers"),
    (26, "Router advertisement flags"),
    (31, "DNS search list"),
    (33, "Address registration"),
    (34, "6LoWPAN context"),
    (37, "Captive portal"),
    (38, "PREF64"),
];
static PREFERENCES: Names = &[(0, "Medium"), (1, "High"), (2, "Reserved"), (3, "Low")];

fields! {
    RA_HOPS = dec("icmpv6.nd.ra.cur_hop_limit", "Hop limit to use", "RFC 4861 §4.2");
    RA_FLAG = hex("icmpv6.nd.ra.flag", "Flags", "RFC 4861 §4.2");
    RA_M = flag("icmpv6.nd.ra.flag.m", "Addresses by DHCPv6", "RFC 4861 §4.2");
    RA_O = flag("icmpv6.nd.ra.flag.o", "Other settings by DHCPv6", "RFC 4861 §4.2");
    RA_H = flag("icmpv6.nd.ra.flag.h", "Home agent", "RFC 6275 §7.1");
    RA_PRF = dec("icmpv6.nd.ra.flag.prf", "Preference of this router", "RFC 4191 §2.2").names(PREFERENCES);
    RA_P = flag("icmpv6.nd.ra.flag.p", "Proxied", "RFC 4389 §4.1.3.3");
    RA_LIFETIME = dec("icmpv6.nd.ra.router_lifetime", "Router lifetime (s)", "RFC 4861 §4.2");
    RA_REACHABLE = dec("icmpv6.nd.ra.reachable_time", "Reachable time (ms)", "RFC 4861 §4.2");
    RA_RETRANS = dec("icmpv6.nd.ra.retrans_timer", "Retransmission timer (ms)", "RFC 4861 §4.2");
    NS_TARGET = ip6("icmpv6.nd.ns.target_address", "Target address", "RFC 4861 §4.3");
    NA_FLAG = hex("icmpv6.nd.na.flag", "Flags", "RFC 4861 §4.4");
    NA_R = flag("icmpv6.nd.na.flag.r", "Router", "RFC 4861 §4.4");
    NA_S = flag("icmpv6.nd.na.flag.s", "Solicited", "RFC 4861 §4.4");
    NA_O = flag("icmpv6.nd.na.flag.o", "Override", "RFC 4861 §4.4");
    NA_TARGET = ip6("icmpv6.nd.na.target_address", "Target address", "RFC 4861 §4.4");
    RD_TARGET = ip6("icmpv6.nd.rd.target_address", "Better next hop", "RFC 4861 §4.5");
    RD_DST = ip6("icmpv6.rd.na.destination_address", "For this destination", "RFC 4861 §4.5");
    OPTION = group("icmpv6.opt", "Option", "RFC 4861 §4.6");
    OPT_TYPE = dec("icmpv6.opt.type", "Type", "RFC 4861 §4.6").names(OPTIONS);
    OPT_LENGTH = dec("icmpv6.opt.length", "Length (8-byte units)", "RFC 4861 §4.6");
    OPT_SRC = raw("icmpv6.opt.src_linkaddr", "Sender's link-layer address", "RFC 4861 §4.6.1");
    OPT_TARGET = raw("icmpv6.opt.target_linkaddr", "Target's link-layer address", "RFC 4861 §4.6.1");
    PREFIX_LEN = dec("icmpv6.opt.prefix.length", "Prefix length", "RFC 4861 §4.6.2");
    PREFIX_FLAG = hex("icmpv6.opt.prefix.flag", "Flags", "RFC 4861 §4.6.2");
    PREFIX_L = flag("icmpv6.opt.prefix.flag.l", "On this link", "RFC 4861 §4.6.2");
    PREFIX_A = flag("icmpv6.opt.prefix.flag.a", "For addresses of one's own making", "RFC 4861 §4.6.2");
    PREFIX_R = flag("icmpv6.opt.prefix.flag.r", "Router's whole address", "RFC 6275 §7.2");
    PREFIX_VALID = dec("icmpv6.opt.prefix.valid_lifetime", "Valid lifetime (s)", "RFC 4861 §4.6.2");
    PREFIX_PREFERRED = dec("icmpv6.opt.prefix.preferred_lifetime", "Preferred lifetime (s)", "RFC 4861 §4.6.2");
    PREFIX = ip6("icmpv6.opt.prefix", "Prefix", "RFC 4861 §4.6.2");
    OPT_RESERVED = raw("icmpv6.opt.reserved", "Reserved", "RFC 4861 §4.6").oracle("-");
    REDIRECTED = group("icmpv6.opt.redirected_packet", "Redirected packet", "RFC 4861 §4.6.3");
    OPT_MTU = dec("icmpv6.opt.mtu", "MTU", "RFC 4861 §4.6.4");
    DNS_LIFETIME = dec("icmpv6.opt.rdnss.lifetime", "Lifetime (s)", "RFC 8106 §5.1");
    DNS = ip6("icmpv6.opt.rdnss", "DNS server", "RFC 8106 §5.1");
    NONCE = raw("icmpv6.opt.nonce", "Nonce", "RFC 3971 §5.3.2");
    PORTAL = text("icmpv6.opt.captive_portal", "Captive portal", "RFC 8910 §2.3");
    OPT_DATA = raw("icmpv6.opt.data", "Data", "RFC 4861 §4.6").oracle("-");
}

notes! {
    OPTION_BAD = Warn, Malformed, "icmpv6.note.option", "An option's length cannot be", "RFC 4861 §4.6";
}

/// Reads a message of type 133 to 137 behind its checksum; `reserved` is the field of bytes that mean nothing.
pub(super) fn read(r: &mut Reader<'_>, kind: u8, reserved: F) -> Result<(), Stop> {
    match kind {
        133 => {
            r.bytes(reserved, 4)?;
        }
        134 => {
            r.u8(&RA_HOPS)?;
            r.bit_group(&RA_FLAG, bits(0, 8), |r, _| {
                r.bits(&RA_M, bits(0, 1))?;
                r.bits(&RA_O, bits(1, 1))?;
                r.bits(&RA_H, bits(2, 1))?;
                r.bits(&RA_PRF, bits(3, 2))?;
                r.bits(&RA_P, bits(5, 1)).map(|_| ())
            })?;
            r.skip(1)?;
            r.u16(&RA_LIFETIME)?;
            r.u32(&RA_REACHABLE)?;
            r.u32(&RA_RETRANS)?;
        }
        135 => {
            r.bytes(reserved, 4)?;
            r.ipv6(&NS_TARGET)?;
        }
        136 => {
            r.bit_group(&NA_FLAG, bits(0, 32), |r, _| {
                r.bits(&NA_R, bits(0, 1))?;
                r.bits(&NA_S, bits(1, 1))?;
                r.bits(&NA_O, bits(2, 1)).map(|_| ())
            })?;
            r.skip(4)?;
            r.ipv6(&NA_TARGET)?;
        }
        _ => {
            r.bytes(reserved, 4)?;
            r.ipv6(&RD_TARGET)?;
            r.ipv6(&RD_DST)?;
        }
    }
    while !r.is_empty() {
        let left = r.left();
        let (kind, size) = match *r.rest() {
            [kind, units, ..] if units > 0 && usize::from(units).saturating_mul(8) <= left => {
                (kind, usize::from(units).saturating_mul(8))
            }
            _ => {
                let at = r.span(left);
                r.note(&OPTION_BAD, at);
                return r.unknown(left);
            }
        };
        r.attempt(&OPTION, size, |r| option(r, kind))?;
    }
    Ok(())
}

fn option(r: &mut Reader<'_>, kind: u8) -> Result<(), Stop> {
    r.u8(&OPT_TYPE)?;
    title(r, &OPT_TYPE, kind.into());
    r.u8(&OPT_LENGTH)?;
    match kind {
        1 => link_address(r, &OPT_SRC),
        2 => link_address(r, &OPT_TARGET),
        3 => {
            r.u8(&PREFIX_LEN)?;
            r.bit_group(&PREFIX_FLAG, bits(0, 8), |r, _| {
                r.bits(&PREFIX_L, bits(0, 1))?;
                r.bits(&PREFIX_A, bits(1, 1))?;
                r.bits(&PREFIX_R, bits(2, 1)).map(|_| ())
            })?;
            r.skip(1)?;
            r.u32(&PREFIX_VALID)?;
            r.u32(&PREFIX_PREFERRED)?;
            r.bytes(&OPT_RESERVED, 4)?;
            r.ipv6(&PREFIX).map(|_| ())
        }
        4 => {
            r.bytes(&OPT_RESERVED, 6)?;
            r.within(&REDIRECTED, r.left(), |r| quote::packet(r))
        }
        5 => {
            r.bytes(&OPT_RESERVED, 2)?;
            r.u32(&OPT_MTU).map(|_| ())
        }
        14 => r.bytes(&NONCE, r.left()).map(|_| ()),
        25 => {
            r.bytes(&OPT_RESERVED, 2)?;
            r.u32(&DNS_LIFETIME)?;
            while r.left() >= 16 {
                r.ipv6(&DNS)?;
            }
            Ok(())
        }
        37 => r.text(&PORTAL, r.left()).map(|_| ()),
        _ => r.bytes(&OPT_DATA, r.left()).map(|_| ()),
    }
}

/// On Ethernet the six bytes are a MAC address.
fn link_address(r: &mut Reader<'_>, field: F) -> Result<(), Stop> {
    let n = r.left();
    match r.peek(n)?.first_chunk::<6>() {
        Some(a) if n == 6 => r.valued(field, 6, Value::Mac(*a)).map(|_| ()),
        _ => r.bytes(field, n).map(|_| ()),
    }
}
