//! IEEE 802.2 logical link control, with SNAP (RFC 1042).

use super::names::ETHERTYPES;
use super::{bits, ether, fields, flag, group, hex, layer, named};
use wirelore_kit::{Layer, LayerClaim, LayerTurn, Names, Next, Reader, Stop};

static SAPS: Names = &[
    (0x00, "Null"),
    (0x02, "LLC management"),
    (0x06, "IP"),
    (0x42, "Spanning tree"),
    (0x7e, "X.25"),
    (0xaa, "SNAP"),
    (0xe0, "IPX"),
    (0xf0, "NetBIOS"),
    (0xfe, "ISO network layer"),
    (0xff, "Global"),
];
static OUIS: Names = &[
    (0, "Encapsulated Ethernet"),
    (0x0000f8, "Cisco bridged"),
    (0x00000c, "Cisco"),
    (0x0080c2, "IEEE 802.1 bridged"),
    (0x080007, "Apple"),
];

fields! {
    LLC = group("llc", "Logical link control", "IEEE 802.2 §3");
    DSAP = hex("llc.dsap", "Destination service access point", "IEEE 802.2 §3.3.1").names(SAPS);
    DSAP_IG = flag("llc.dsap.ig", "Group", "IEEE 802.2 §3.3.1");
    SSAP = hex("llc.ssap", "Source service access point", "IEEE 802.2 §3.3.1").names(SAPS);
    SSAP_CR = flag("llc.ssap.cr", "Response", "IEEE 802.2 §3.3.1");
    CONTROL = hex("llc.control", "Control", "IEEE 802.2 §5.2");
    OUI = hex("llc.oui", "Organization code", "RFC 1042").names(OUIS);
    TYPE = hex("llc.type", "Type", "RFC 1042").names(ETHERTYPES);
    PID = hex("llc.pid", "Protocol ID", "RFC 2684 §5");
}

pub(super) static LAYER: Layer = layer("llc", "Logical link control", FIELDS, &[], &[LayerClaim::Named("llc")], read);

/// Organizations whose protocol numbers are EtherTypes.
const ENCAPSULATED: [u32; 2] = [0, 0x0000f8];
const BRIDGED: u32 = 0x0080c2;

fn read(r: &mut Reader<'_>, _turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.group(&LLC, |r| {
        let mut sap = 0;
        for (field, bit) in [(&DSAP, &DSAP_IG), (&SSAP, &SSAP_CR)] {
            let value = r.bit_group(field, bits(0, 8), |r, _| r.bits(bit, bits(7, 1)).map(|_| ()))?;
            r.skip(1)?;
            sap = (sap << 8) | value;
        }
        let unnumbered = r.peek(1)?.first().is_some_and(|c| c & 3 == 3);
        // Information and supervisory frames have a second control byte; the first one is the low half.
        let control = r.uint_le(&CONTROL, if unnumbered { 1 } else { 2 })?;
        if sap != 0xaaaa || control != 3 {
            return Ok(if unnumbered && !r.is_empty() { Next::By(LayerClaim::Sap((sap >> 8) as u8)) } else { Next::Data });
        }
        let oui = r.u24(&OUI)?;
        if ENCAPSULATED.contains(&oui) {
            return Ok(ether(r.u16(&TYPE)?));
        }
        let pid = r.u16(&PID)?;
        // RFC 2684 §5.2: a bridged Ethernet frame, with (1) or without (7) its frame check sequence.
        Ok(if oui == BRIDGED && matches!(pid, 1 | 7) { named("eth") } else { Next::Data })
    })
}
