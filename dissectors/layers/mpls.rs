//! MPLS label stacks (RFC 3032) and the Ethernet pseudo-wires inside them (RFC 4448).

use super::{bits, dec, ether, fields, flag, group, hex, layer, named, peek_u16};
use wirelore_kit::{Layer, LayerClaim, LayerTurn, Names, Next, Reader, Stop};

static LABELS: Names = &[
    (0, "IPv4 explicit null"),
    (1, "Router alert"),
    (2, "IPv6 explicit null"),
    (3, "Implicit null"),
    (7, "Entropy label indicator"),
    (13, "Generic associated channel"),
    (14, "Operation and maintenance"),
];

fields! {
    MPLS = group("mpls", "MPLS label stack", "RFC 3032 §2.1");
    ENTRY = group("mpls.entry", "Label stack entry", "RFC 3032 §2.1").oracle("-");
    LABEL = dec("mpls.label", "Label", "RFC 3032 §2.1").names(LABELS);
    CLASS = dec("mpls.exp", "Traffic class", "RFC 5462");
    BOTTOM = flag("mpls.bottom", "Bottom of stack", "RFC 3032 §2.1");
    TTL = dec("mpls.ttl", "Time to live", "RFC 3443");
    PSEUDO_WIRE = group("pwethheuristic", "Ethernet pseudo-wire, by its looks", "RFC 4448 §4.6").oracle("-");
    WITH_WORD = group("pwethcw", "Ethernet pseudo-wire with control word", "RFC 4448 §4.6").oracle("-");
    WORD = hex("pwethcw.word", "Control word", "RFC 4448 §4.6").oracle("-");
    WITHOUT_WORD = group("pwethnocw", "Ethernet pseudo-wire without control word", "RFC 4448 §4.6").oracle("-");
}

pub(super) static LAYER: Layer = layer(
    "mpls",
    "MPLS",
    FIELDS,
    &[],
    &[
        LayerClaim::EtherType(0x8847),
        LayerClaim::EtherType(0x8848),
        LayerClaim::Ppp(0x0281),
        LayerClaim::Ppp(0x0283),
        LayerClaim::IpProto(137),
        LayerClaim::Named("mpls"),
    ],
    read,
);
pub(super) static GUESS: Layer =
    layer("pwethheuristic", "Ethernet pseudo-wire", &[], &[], &[LayerClaim::Named("pwethheuristic")], guess);
pub(super) static CONTROL_WORD: Layer =
    layer("pwethcw", "Pseudo-wire control word", &[], &[], &[LayerClaim::Named("pwethcw")], |r, _| {
        r.group(&WITH_WORD, |r| r.u32(&WORD))?;
        Ok(named("eth"))
    });
pub(super) static PLAIN: Layer = layer("pwethnocw", "Pseudo-wire", &[], &[], &[LayerClaim::Named("pwethnocw")], |r, _| {
    r.group(&WITHOUT_WORD, |_| Ok(()))?;
    Ok(named("eth"))
});

fn read(r: &mut Reader<'_>, _turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.group(&MPLS, |r| {
        loop {
            let (label, bottom) = r.group(&ENTRY, |r| {
                r.peek(4)?;
                let label = r.bits(&LABEL, bits(0, 20))?;
                r.bits(&CLASS, bits(20, 3))?;
                let bottom = r.bits(&BOTTOM, bits(23, 1))?;
                r.bits(&TTL, bits(24, 8))?;
                r.skip(4)?;
                Ok((label, bottom == 1))
            })?;
            if !bottom {
                continue;
            }
            // Nothing in the stack names what it carries: two labels do, else the first half byte is asked (RFC 4928 §3).
            return Ok(match (label, r.rest().first().map(|b| b >> 4)) {
                (0, _) | (_, Some(4)) if label != 2 => ether(0x0800),
                (2, _) | (_, Some(6)) => ether(0x86dd),
                (_, Some(1)) => Next::Data,
                (_, Some(_)) => named("pwethheuristic"),
                (_, None) => Next::Done,
            });
        }
    })
}

/// Whether the type field of an Ethernet header at `at` names a protocol met inside pseudo-wires.
fn type_at(r: &Reader<'_>, at: usize) -> bool {
    peek_u16(r, at).is_some_and(|v| {
        matches!(v, 0x0800 | 0x86dd | 0x0806 | 0x8100 | 0x88a8 | 0x9100 | 0x8847 | 0x8848 | 0x8863 | 0x8864 | 0x88cc | 0x888e)
    })
}

fn guess(r: &mut Reader<'_>, _turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.group(&PSEUDO_WIRE, |_| Ok(()))?;
    let zero = r.rest().first().is_some_and(|b| b >> 4 == 0);
    // The type field tells the two readings apart: at 12 without, at 16 with the control word.
    let with_word = zero && (type_at(r, 16) || !type_at(r, 12));
    Ok(if with_word { named("pwethcw") } else { named("pwethnocw") })
}
