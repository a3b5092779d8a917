//! PPP (RFC 1661), PPP over Ethernet (RFC 2516) and PPP's control protocols.

use super::{bits, dec, fields, group, hex, ip4, layer, named, notes, raw, text};
use wirelore_kit::{F, Layer, LayerClaim, LayerTurn, Names, Next, Reader, Stop};

static PROTOCOLS: Names = &[
    (0x0021, "IPv4"),
    (0x0029, "AppleTalk"),
    (0x002b, "IPX"),
    (0x002d, "Compressed TCP/IP"),
    (0x003d, "Multilink"),
    (0x0057, "IPv6"),
    (0x00fd, "Compressed datagram"),
    (0x0281, "MPLS"),
    (0x0283, "MPLS with upstream-assigned label"),
    (0x8021, "IP control"),
    (0x8057, "IPv6 control"),
    (0x80fd, "Compression control"),
    (0xc021, "Link control"),
    (0xc023, "Password authentication"),
    (0xc025, "Link quality report"),
    (0xc223, "Challenge handshake authentication"),
    (0xc227, "Extensible authentication"),
];
static PPPOE_CODES: Names = &[
    (0x00, "Session data"),
    (0x07, "Active discovery offer (PADO)"),
    (0x09, "Active discovery initiation (PADI)"),
    (0x19, "Active discovery request (PADR)"),
    (0x65, "Session confirmation (PADS)"),
    (0xa7, "Active discovery terminate (PADT)"),
];
static TAGS: Names = &[
    (0x0000, "End of list"),
    (0x0101, "Service name"),
    (0x0102, "Access concentrator name"),
    (0x0103, "Host's unique value"),
    (0x0104, "Access concentrator cookie"),
    (0x0105, "Vendor specific"),
    (0x0110, "Relay session"),
    (0x0120, "Maximum payload"),
    (0x0201, "Service name error"),
    (0x0202, "Access concentrator system error"),
    (0x0203, "Generic error"),
];
static CODES: Names = &[
    (1, "Configuration request"),
    (2, "Configuration ack"),
    (3, "Configuration nak"),
    (4, "Configuration reject"),
    (5, "Termination request"),
    (6, "Termination ack"),
    (7, "Code reject"),
    (8, "Protocol reject"),
    (9, "Echo request"),
    (10, "Echo reply"),
    (11, "Discard request"),
];
static LCP_OPTIONS: Names = &[
    (1, "Maximum receive unit"),
    (2, "Async control character map"),
    (3, "Authentication protocol"),
    (4, "Quality protocol"),
    (5, "Magic number"),
    (7, "Protocol field compression"),
    (8, "Address and control field compression"),
    (13, "Callback"),
    (17, "Multilink maximum reconstructed unit"),
    (19, "Multilink endpoint"),
];
static IPCP_OPTIONS: Names = &[
    (1, "IP addresses (old)"),
    (2, "IP compression"),
    (3, "IP address"),
    (129, "Primary DNS server"),
    (130, "Primary NBNS server"),
    (131, "Secondary DNS server"),
    (132, "Secondary NBNS server"),
];

fields! {
    PPP = group("ppp", "Point-to-Point Protocol", "RFC 1661 §2");
    ADDRESS = hex("ppp.address", "Address", "RFC 1662 §3.1");
    CONTROL = hex("ppp.control", "Control", "RFC 1662 §3.1");
    PROTOCOL = hex("ppp.protocol", "Protocol", "RFC 1661 §2").names(PROTOCOLS);
    PPPOE_SESSION = group("pppoes", "PPP over Ethernet session", "RFC 2516 §4");
    PPPOE_DISCOVERY = group("pppoed", "PPP over Ethernet discovery", "RFC 2516 §5");
    PPPOE_VERSION = dec("pppoe.version", "Version", "RFC 2516 §4");
    PPPOE_TYPE = dec("pppoe.type", "Type", "RFC 2516 §4");
    PPPOE_CODE = hex("pppoe.code", "Code", "RFC 2516 §4").names(PPPOE_CODES);
    PPPOE_ID = hex("pppoe.session_id", "Session", "RFC 2516 §4");
    PPPOE_LEN = dec("pppoe.payload_length", "Payload length", "RFC 2516 §4");
    TAG_GROUP = group("pppoed.tags", "Tag", "RFC 2516 §4");
    TAG = hex("pppoed.tag", "Tag type", "RFC 2516 §4").names(TAGS).oracle("-");
    TAG_LEN = dec("pppoed.tag_length", "Tag length", "RFC 2516 §4").oracle("-");
    TAG_SERVICE = text("pppoed.tags.service_name", "Service name", "RFC 2516 Appendix A");
    TAG_AC = text("pppoed.tags.ac_name", "Access concentrator", "RFC 2516 Appendix A");
    TAG_UNIQ = raw("pppoed.tags.host_uniq", "Host's unique value", "RFC 2516 Appendix A");
    TAG_COOKIE = raw("pppoed.tags.ac_cookie", "Cookie", "RFC 2516 Appendix A");
    TAG_DATA = raw("pppoed.tag.unknown_data", "Data", "RFC 2516 Appendix A");
    LCP_HEADER = group("lcp", "PPP Link Control Protocol", "RFC 1661 §5");
    IPCP_HEADER = group("ipcp", "PPP IP Control Protocol", "RFC 1332 §2");
    IPV6CP_HEADER = group("ipv6cp", "PPP IPv6 Control Protocol", "RFC 5072 §3");
    CODE = dec("ppp.code", "Code", "RFC 1661 §5").names(CODES);
    IDENTIFIER = dec("ppp.identifier", "Identifier", "RFC 1661 §5");
    LENGTH = dec("ppp.length", "Length", "RFC 1661 §5");
    MAGIC = hex("lcp.magic_number", "Magic number", "RFC 1661 §5.8");
    LCP_OPTION = group("lcp.opt", "Option", "RFC 1661 §6").oracle("-");
    LCP_TYPE = dec("lcp.opt.type", "Type", "RFC 1661 §6").names(LCP_OPTIONS);
    LCP_LENGTH = dec("lcp.opt.length", "Length", "RFC 1661 §6");
    LCP_MRU = dec("lcp.opt.mru", "Maximum receive unit", "RFC 1661 §6.1");
    LCP_MAGIC = hex("lcp.opt.magic_number", "Magic number", "RFC 1661 §6.4");
    LCP_AUTH = hex("lcp.opt.auth_protocol", "Authentication protocol", "RFC 1661 §6.2").names(PROTOCOLS);
    LCP_DATA = raw("lcp.opt.data", "Data", "RFC 1661 §6").oracle("-");
    IPCP_OPTION = group("ipcp.opt", "Option", "RFC 1332 §3").oracle("-");
    IPCP_TYPE = dec("ipcp.opt.type", "Type", "RFC 1332 §3").names(IPCP_OPTIONS);
    IPCP_LENGTH = dec("ipcp.opt.length", "Length", "RFC 1332 §3");
    IPCP_ADDRESS = ip4("ipcp.opt.ip_address", "IP address", "RFC 1332 §3.3");
    IPCP_SERVER = ip4("ipcp.opt.server_address", "Server address", "RFC 1877").oracle("-");
    IPCP_DATA = raw("ipcp.opt.data", "Data", "RFC 1332 §3").oracle("-");
    DATA = raw("ppp.data", "Data", "RFC 1661 §5").oracle("-");
}

notes! {
    LENGTH_BAD = Warn, Malformed, "ppp.note.length", "The length is below the 4 bytes of the header or beyond the end", "RFC 1661 §5";
    OPTION_BAD = Warn, Malformed, "ppp.note.option", "An option's length cannot be", "RFC 1661 §6";
}

pub(super) static LAYER: Layer =
    layer("ppp", "PPP", FIELDS, NOTES, &[LayerClaim::Link(9), LayerClaim::EtherType(0x880b), LayerClaim::Named("ppp")], ppp);
pub(super) static SERIAL: Layer = layer("ppp", "PPP on a serial line", &[], &[], &[LayerClaim::Link(50)], |r, turn| {
    // Cisco HDLC has another address byte (0f for one station, 8f for all).
    match r.rest().first() {
        Some(0x0f | 0x8f) => {
            r.group(&PPP, |_| Ok(()))?;
            Ok(named("chdlc"))
        }
        _ => ppp(r, turn),
    }
});
pub(super) static SESSION: Layer =
    layer("pppoes", "PPPoE session", &[], &[], &[LayerClaim::EtherType(0x8864), LayerClaim::Link(51)], |r, turn| {
        r.group(&PPPOE_SESSION, |r| pppoe(r, turn))?;
        Ok(named("ppp"))
    });
pub(super) static DISCOVERY: Layer = layer("pppoed", "PPPoE discovery", &[], &[], &[LayerClaim::EtherType(0x8863)], |r, turn| {
    r.group(&PPPOE_DISCOVERY, |r| {
        let len = pppoe(r, turn)?;
        let end = r.left().saturating_sub(len);
        turn.limit = Some(0);
        while r.left() >= end.saturating_add(4) {
            tag(r)?;
        }
        Ok(Next::Done)
    })
});
pub(super) static LCP: Layer = layer("lcp", "PPP link control", &[], &[], &[LayerClaim::Ppp(0xc021)], |r, turn| {
    control(r, turn, &LCP_HEADER, &LCP_OPTION, lcp_option)
});
pub(super) static IPCP: Layer = layer("ipcp", "PPP IP control", &[], &[], &[LayerClaim::Ppp(0x8021)], |r, turn| {
    control(r, turn, &IPCP_HEADER, &IPCP_OPTION, ipcp_option)
});
pub(super) static IPV6CP: Layer = layer("ipv6cp", "PPP IPv6 control", &[], &[], &[LayerClaim::Ppp(0x8057)], |r, turn| {
    control(r, turn, &IPV6CP_HEADER, &IPCP_OPTION, ipv6cp_option)
});

fn ppp(r: &mut Reader<'_>, _turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.group(&PPP, |r| {
        if super::peek_u16(r, 0) == Some(0xff03) {
            r.u8(&ADDRESS)?;
            r.u8(&CONTROL)?;
        }
        // An odd first byte is a protocol field compressed to one byte (RFC 1661 §6.5).
        let short = r.peek(1)?.first().is_some_and(|b| b & 1 == 1);
        let value = r.uint(&PROTOCOL, if short { 1 } else { 2 })? as u16;
        Ok(Next::By(LayerClaim::Ppp(value)))
    })
}

fn pppoe(r: &mut Reader<'_>, turn: &mut LayerTurn) -> Result<usize, Stop> {
    r.bits(&PPPOE_VERSION, bits(0, 4))?;
    r.bits(&PPPOE_TYPE, bits(4, 4))?;
    r.skip(1)?;
    r.u8(&PPPOE_CODE)?;
    r.u16(&PPPOE_ID)?;
    let len = usize::from(r.u16(&PPPOE_LEN)?);
    turn.limit = Some(len);
    Ok(len)
}

fn tag(r: &mut Reader<'_>) -> Result<(), Stop> {
    r.group(&TAG_GROUP, |r| {
        let kind = r.u16(&TAG)?;
        let len = usize::from(r.u16(&TAG_LEN)?);
        let field: F = match kind {
            0x0101 => &TAG_SERVICE,
            0x0102 => &TAG_AC,
            0x0103 => &TAG_UNIQ,
            0x0104 => &TAG_COOKIE,
            _ => &TAG_DATA,
        };
        match len {
            0 => Ok(()),
            n => r.bytes(field, n).map(|_| ()),
        }
    })
}

/// A control packet: code, identifier, length, then options or data.
fn control(
    r: &mut Reader<'_>,
    turn: &mut LayerTurn,
    heading: F,
    option: F,
    read: fn(&mut Reader<'_>, usize) -> Result<(), Stop>,
) -> Result<Next, Stop> {
    r.group(heading, |r| {
        let code = r.u8(&CODE)?;
        r.u8(&IDENTIFIER)?;
        let at = r.span(2);
        let len = usize::from(r.u16(&LENGTH)?);
        turn.limit = Some(0);
        let body = len.saturating_sub(4);
        if len < 4 || body > r.left() {
            r.note(&LENGTH_BAD, at);
        }
        let end = r.at().saturating_add(body.min(r.left()) as u64);
        if matches!(code, 9..=11) && std::ptr::eq(heading, &LCP_HEADER) && body >= 4 {
            r.u32(&MAGIC)?;
        }
        while matches!(code, 1..=4) && r.at() < end {
            let left = end.saturating_sub(r.at()) as usize;
            let size = r.rest().get(1).copied().map_or(0, usize::from);
            if size < 2 || size > left {
                let at = r.span(left);
                r.note(&OPTION_BAD, at);
                r.unknown(left)?;
                break;
            }
            r.attempt(option, size, |r| read(r, size))?;
        }
        match end.saturating_sub(r.at()) as usize {
            0 => {}
            n => {
                r.bytes(&DATA, n)?;
            }
        }
        Ok(Next::Done)
    })
}

fn lcp_option(r: &mut Reader<'_>, size: usize) -> Result<(), Stop> {
    let kind = r.u8(&LCP_TYPE)?;
    r.u8(&LCP_LENGTH)?;
    match (kind, size) {
        (_, 2) => Ok(()),
        (1, 4) => r.u16(&LCP_MRU).map(|_| ()),
        (5, 6) => r.u32(&LCP_MAGIC).map(|_| ()),
        (3, 4) => r.u16(&LCP_AUTH).map(|_| ()),
        (_, n) => r.bytes(&LCP_DATA, n.saturating_sub(2)).map(|_| ()),
    }
}

fn ipcp_option(r: &mut Reader<'_>, size: usize) -> Result<(), Stop> {
    let kind = r.u8(&IPCP_TYPE)?;
    r.u8(&IPCP_LENGTH)?;
    match (kind, size) {
        (_, 2) => Ok(()),
        (3, 6) => r.ipv4(&IPCP_ADDRESS).map(|_| ()),
        (129..=132, 6) => r.ipv4(&IPCP_SERVER).map(|_| ()),
        (_, n) => r.bytes(&IPCP_DATA, n.saturating_sub(2)).map(|_| ()),
    }
}

fn ipv6cp_option(r: &mut Reader<'_>, size: usize) -> Result<(), Stop> {
    r.u8(&LCP_TYPE)?;
    r.u8(&LCP_LENGTH)?;
    match size {
        2 => Ok(()),
        n => r.bytes(&LCP_DATA, n.saturating_sub(2)).map(|_| ()),
    }
}
