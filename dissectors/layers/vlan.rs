//! VLAN tags: IEEE 802.1Q, and the service tag of 802.1ad.

use super::ethernet::{MOST_LENGTH, after_length};
use super::names::ETHERTYPES;
use super::{bits, dec, ether, fields, flag, group, hex, layer};
use wirelore_kit::{F, Layer, LayerClaim, LayerTurn, Names, Next, Reader, Stop};

static PRIORITIES: Names = &[
    (0, "Best effort (default)"),
    (1, "Background"),
    (2, "Excellent effort"),
    (3, "Critical applications"),
    (4, "Video"),
    (5, "Voice"),
    (6, "Internetwork control"),
    (7, "Network control"),
];

fields! {
    VLAN_TAG = group("vlan", "802.1Q Virtual LAN", "IEEE 802.1Q §9.6");
    PRIORITY = dec("vlan.priority", "Priority", "IEEE 802.1Q §6.9.3").names(PRIORITIES);
    DEI = flag("vlan.dei", "Drop eligible", "IEEE 802.1Q §6.9.3");
    ID = dec("vlan.id", "VLAN identifier", "IEEE 802.1Q §9.6");
    ETYPE = hex("vlan.etype", "Type", "IEEE 802.1Q §9.5").names(ETHERTYPES);
    LEN = dec("vlan.len", "Length", "IEEE 802.3 §3.2.6");
    SERVICE_TAG = group("ieee8021ad", "802.1ad service tag", "IEEE 802.1Q §9.7");
    S_PRIORITY = dec("ieee8021ad.priority", "Priority", "IEEE 802.1Q §6.9.3").names(PRIORITIES);
    S_DEI = flag("ieee8021ad.dei", "Drop eligible", "IEEE 802.1Q §6.9.3");
    S_ETYPE = hex("ieee8021ad.etype", "Type", "IEEE 802.1Q §9.5").names(ETHERTYPES).oracle("-");
    S_ID = dec("ieee8021ad.id", "Service VLAN identifier", "IEEE 802.1Q §9.7");
}

pub(super) static VLAN: Layer = layer(
    "vlan",
    "802.1Q Virtual LAN",
    FIELDS,
    &[],
    &[LayerClaim::EtherType(0x8100), LayerClaim::EtherType(0x9100)],
    |r, turn| tag(r, turn, &VLAN_TAG, [&PRIORITY, &DEI, &ID, &ETYPE]),
);
pub(super) static SERVICE: Layer =
    layer("ieee8021ad", "802.1ad service tag", &[], &[], &[LayerClaim::EtherType(0x88a8)], |r, turn| {
        tag(r, turn, &SERVICE_TAG, [&S_PRIORITY, &S_DEI, &S_ID, &S_ETYPE])
    });

fn tag(r: &mut Reader<'_>, turn: &mut LayerTurn, heading: F, [priority, dei, id, etype]: [F; 4]) -> Result<Next, Stop> {
    r.group(heading, |r| {
        r.peek(2)?;
        r.bits(priority, bits(0, 3))?;
        r.bits(dei, bits(3, 1))?;
        r.bits(id, bits(4, 12))?;
        r.skip(2)?;
        let value = super::peek_u16(r, 0).unwrap_or(0);
        if value > MOST_LENGTH {
            return Ok(ether(r.u16(etype)?));
        }
        let len = usize::from(r.u16(&LEN)?);
        turn.limit = Some(len);
        Ok(after_length(r, len))
    })
}
