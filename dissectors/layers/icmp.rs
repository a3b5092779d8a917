//! ICMP for IPv4 (RFC 792 and later types).

use super::checksum::{self, STATUS, Told};
use super::{dec, fields, group, hex, ip4, layer, notes, quote, raw};
use wirelore_kit::{DATA, Field, Kind, Layer, LayerClaim, LayerTurn, Names, Next, Reader, Stop, Value};

pub(super) static TYPES: Names = &[
    (0, "Echo reply"),
    (3, "Destination unreachable"),
    (4, "Source quench (deprecated)"),
    (5, "Redirect"),
    (8, "Echo request"),
    (9, "Router advertisement"),
    (10, "Router solicitation"),
    (11, "Time exceeded"),
    (12, "Parameter problem"),
    (13, "Timestamp request"),
    (14, "Timestamp reply"),
    (15, "Information request (deprecated)"),
    (16, "Information reply (deprecated)"),
    (17, "Address mask request (deprecated)"),
    (18, "Address mask reply (deprecated)"),
    (30, "Traceroute (deprecated)"),
    (40, "Photuris"),
    (42, "Extended echo request"),
    (43, "Extended echo reply"),
];
static UNREACHABLE: Names = &[
    (0, "network unreachable"),
    (1, "host unreachable"),
    (2, "protocol unreachable"),
    (3, "port unreachable"),
    (4, "fragmentation needed"),
    (5, "source route failed"),
    (6, "network unknown"),
    (7, "host unknown"),
    (8, "source host isolated"),
    (9, "network administratively prohibited"),
    (10, "host administratively prohibited"),
    (11, "network unreachable for this service"),
    (12, "host unreachable for this service"),
    (13, "communication administratively prohibited"),
    (14, "host precedence violation"),
    (15, "precedence cutoff in effect"),
];
static REDIRECT: Names =
    &[(0, "for the network"), (1, "for the host"), (2, "for the service and network"), (3, "for the service and host")];
static EXCEEDED: Names = &[(0, "time to live ran out in transit"), (1, "fragment reassembly took too long")];
static PROBLEM: Names = &[(0, "pointer tells the place"), (1, "a required option is missing"), (2, "bad length")];

fields! {
    ICMP = group("icmp", "Internet Control Message Protocol", "RFC 792");
    TYPE = dec("icmp.type", "Type", "RFC 792").names(TYPES);
    CODE = dec("icmp.code", "Code", "RFC 792");
    CHECKSUM = hex("icmp.checksum", "Checksum", "RFC 792");
    CHECKSUM_STATUS = dec("icmp.checksum.status", "Checksum status", "RFC 1071").names(STATUS);
    MEANING = Field::new("icmp.code.meaning", "Meaning of the code", Kind::Text).rfc("RFC 792").oracle("-");
    IDENT = dec("icmp.ident", "Identifier", "RFC 792");
    SEQ = dec("icmp.seq", "Sequence number", "RFC 792");
    UNUSED = raw("icmp.unused", "Unused", "RFC 792");
    LENGTH = dec("icmp.length", "Length of the quote (4-byte units)", "RFC 4884 §4.1");
    MTU = dec("icmp.mtu", "MTU of the next hop", "RFC 1191 §4");
    GATEWAY = ip4("icmp.redir_gw", "Better gateway", "RFC 792");
    POINTER = dec("icmp.pointer", "Pointer", "RFC 792");
    NUM_ADDRS = dec("icmp.num_addrs", "Number of addresses", "RFC 1256 §3");
    ENTRY_SIZE = dec("icmp.addr_entry_size", "Entry size (4-byte units)", "RFC 1256 §3");
    LIFETIME = dec("icmp.lifetime", "Lifetime (s)", "RFC 1256 §3");
    ROUTER = ip4("icmp.router_address", "Router address", "RFC 1256 §3");
    PREFERENCE = hex("icmp.pref_level", "Preference", "RFC 1256 §3");
    ORIGINATED = dec("icmp.originate_timestamp", "Originated (ms since midnight UTC)", "RFC 792");
    RECEIVED = dec("icmp.receive_timestamp", "Received (ms since midnight UTC)", "RFC 792");
    TRANSMITTED = dec("icmp.transmit_timestamp", "Transmitted (ms since midnight UTC)", "RFC 792");
    MASK = ip4("icmp.address_mask", "Address mask", "RFC 950");
}

notes! {
    SUM_BAD = Warn, Malformed, "icmp.note.checksum", "The checksum is wrong", "RFC 792";
}

static TOLD: Told = Told { status: &CHECKSUM_STATUS, bad: &SUM_BAD, partial: &SUM_BAD };

pub(super) static LAYER: Layer = layer("icmp", "ICMP", &ALL_FIELDS, &ALL_NOTES, &[LayerClaim::IpProto(1)], read);

static ALL_FIELDS: [wirelore_kit::F; FIELDS.len() + quote::FIELDS.len()] = super::joined(FIELDS, quote::FIELDS);
static ALL_NOTES: [&wirelore_kit::Note; NOTES.len() + quote::NOTES.len()] = super::joined(NOTES, quote::NOTES);

/// What a code means depends on the type.
fn meaning(kind: u8, code: u8) -> Option<&'static str> {
    let names = match kind {
        3 => UNREACHABLE,
        5 => REDIRECT,
        11 => EXCEEDED,
        12 => PROBLEM,
        _ => return None,
    };
    names.iter().find(|(c, _)| *c == u64::from(code)).map(|(_, n)| *n)
}

fn read(r: &mut Reader<'_>, turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.titled(&ICMP, |r| {
        let kind = r.u8(&TYPE)?;
        let code_at = r.span(1);
        let code = r.u8(&CODE)?;
        let meaning = meaning(kind, code);
        if let Some(words) = meaning {
            r.derived(&MEANING, code_at, words);
        }
        let sum_at = r.span(2);
        let sum = r.u16(&CHECKSUM)?;
        let covered = checksum::covered(r, turn, None);
        checksum::tell(r, turn, &TOLD, sum_at, checksum::check(r, turn, None, covered, sum, 2));
        let name = TYPE.name_of(u64::from(kind)).unwrap_or("Unknown type");
        let title = match meaning {
            Some(words) => format!("{name}: {words}"),
            None => name.to_owned(),
        };
        body(r, turn, kind, code)?;
        Ok((Next::Done, Value::from(title)))
    })
}

fn body(r: &mut Reader<'_>, turn: &LayerTurn, kind: u8, code: u8) -> Result<(), Stop> {
    match kind {
        0 | 8 | 13 | 14 | 15..=18 => {
            r.u16(&IDENT)?;
            r.u16(&SEQ)?;
            match kind {
                13 | 14 => {
                    r.u32(&ORIGINATED)?;
                    r.u32(&RECEIVED)?;
                    r.u32(&TRANSMITTED)?;
                }
                17 | 18 => {
                    r.ipv4(&MASK)?;
                }
                _ => {}
            }
        }
        3 | 11 | 12 => {
            let words = r.peek(2)?.last().copied().unwrap_or(0);
            let tells_mtu = kind == 3 && code == 4;
            if kind == 12 {
                r.u8(&POINTER)?;
            } else if words != 0 {
                r.bytes(&UNUSED, 1)?;
            }
            // The length came late (RFC 4884); before, its byte was unused like its neighbours.
            match (words, kind) {
                (0, 12) => {
                    r.bytes(&UNUSED, 3)?;
                }
                (0, _) => {
                    r.bytes(&UNUSED, if tells_mtu { 2 } else { 4 })?;
                }
                _ => {
                    r.u8(&LENGTH)?;
                    if !tells_mtu {
                        r.bytes(&UNUSED, 2)?;
                    }
                }
            }
            if tells_mtu {
                r.u16(&MTU)?;
            }
            return quote::read(r, turn, usize::from(words).saturating_mul(4));
        }
        4 => {
            r.bytes(&UNUSED, 4)?;
            return quote::read(r, turn, 0);
        }
        5 => {
            r.ipv4(&GATEWAY)?;
            return quote::read(r, turn, 0);
        }
        9 => {
            let count = r.u8(&NUM_ADDRS)?;
            let size = r.u8(&ENTRY_SIZE)?;
            r.u16(&LIFETIME)?;
            if size == 2 {
                for _ in 0..count {
                    r.ipv4(&ROUTER)?;
                    r.u32(&PREFERENCE)?;
                }
            }
        }
        _ => {
            r.bytes(&UNUSED, 4)?;
        }
    }
    match r.left() {
        0 => Ok(()),
        n => r.bytes(&DATA, n).map(|_| ()),
    }
}
