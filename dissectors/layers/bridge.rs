//! What bridges and switches say and add: spanning tree, LLDP, 802.1X in outline, MACsec tags, Arista's timestamps.

use super::{bits, dec, ether, fields, flag, group, hex, layer, mac, notes, raw, text};
use wirelore_kit::{F, Layer, LayerClaim, LayerTurn, Names, Next, Reader, Stop};

static STP_TYPES: Names = &[(0x00, "Configuration"), (0x02, "Rapid or multiple spanning tree"), (0x80, "Topology change")];
static STP_VERSIONS: Names =
    &[(0, "Spanning tree"), (2, "Rapid spanning tree"), (3, "Multiple spanning tree"), (4, "Shortest path bridging")];
static ROLES: Names = &[(0, "Unknown"), (1, "Alternate or backup"), (2, "Root"), (3, "Designated")];
static TLVS: Names = &[
    (0, "End"),
    (1, "Chassis ID"),
    (2, "Port ID"),
    (3, "Time to live"),
    (4, "Port description"),
    (5, "System name"),
    (6, "System description"),
    (7, "System capabilities"),
    (8, "Management address"),
    (127, "Organization specific"),
];
static EAPOL_TYPES: Names = &[(0, "EAP packet"), (1, "Start"), (2, "Logoff"), (3, "Key"), (4, "Alert"), (5, "Key agreement")];

fields! {
    STP_HEADER = group("stp", "Spanning tree", "IEEE 802.1D §9.3");
    STP_PROTOCOL = hex("stp.protocol", "Protocol", "IEEE 802.1D §9.3");
    STP_VERSION = dec("stp.version", "Version", "IEEE 802.1D §9.3").names(STP_VERSIONS);
    STP_TYPE = hex("stp.type", "Type", "IEEE 802.1D §9.3").names(STP_TYPES);
    STP_FLAGS = hex("stp.flags", "Flags", "IEEE 802.1D §9.3");
    STP_TCACK = flag("stp.flags.tcack", "Topology change acknowledged", "IEEE 802.1D §9.3");
    STP_AGREEMENT = flag("stp.flags.agreement", "Agreement", "IEEE 802.1D §9.3");
    STP_FORWARDING = flag("stp.flags.forwarding", "Forwarding", "IEEE 802.1D §9.3");
    STP_LEARNING = flag("stp.flags.learning", "Learning", "IEEE 802.1D §9.3");
    STP_ROLE = dec("stp.flags.port_role", "Port role", "IEEE 802.1D §9.3").names(ROLES);
    STP_PROPOSAL = flag("stp.flags.proposal", "Proposal", "IEEE 802.1D §9.3");
    STP_TC = flag("stp.flags.tc", "Topology change", "IEEE 802.1D §9.3");
    STP_ROOT_PRIO = dec("stp.root.prio", "Root priority", "IEEE 802.1D §9.2.5");
    STP_ROOT_EXT = dec("stp.root.ext", "Root system extension", "IEEE 802.1D §9.2.5");
    STP_ROOT = mac("stp.root.hw", "Root bridge", "IEEE 802.1D §9.2.5");
    STP_COST = dec("stp.root.cost", "Cost to the root", "IEEE 802.1D §9.2.6");
    STP_BRIDGE_PRIO = dec("stp.bridge.prio", "Bridge priority", "IEEE 802.1D §9.2.5");
    STP_BRIDGE_EXT = dec("stp.bridge.ext", "Bridge system extension", "IEEE 802.1D §9.2.5");
    STP_BRIDGE = mac("stp.bridge.hw", "Bridge", "IEEE 802.1D §9.2.5");
    STP_PORT = hex("stp.port", "Port", "IEEE 802.1D §9.2.7");
    STP_AGE = dec("stp.msg_age", "Message age (1/256 s)", "IEEE 802.1D §9.2.8").oracle("-");
    STP_MAX_AGE = dec("stp.max_age", "Maximum age (1/256 s)", "IEEE 802.1D §9.2.8").oracle("-");
    STP_HELLO = dec("stp.hello", "Hello time (1/256 s)", "IEEE 802.1D §9.2.8").oracle("-");
    STP_FORWARD = dec("stp.forward", "Forward delay (1/256 s)", "IEEE 802.1D §9.2.8").oracle("-");
    STP_DATA = raw("stp.data", "More", "IEEE 802.1Q §14.4").oracle("-");
    LLDP_HEADER = group("lldp", "Link layer discovery", "IEEE 802.1AB §8");
    LLDP_TLV = group("lldp.tlv", "TLV", "IEEE 802.1AB §8.4").oracle("-");
    LLDP_TYPE = dec("lldp.tlv.type", "Type", "IEEE 802.1AB §8.4.1").names(TLVS);
    LLDP_LEN = dec("lldp.tlv.len", "Length", "IEEE 802.1AB §8.4.2");
    LLDP_SUBTYPE = dec("lldp.subtype", "Subtype", "IEEE 802.1AB §8.5").oracle("-");
    LLDP_ID = raw("lldp.id", "Identifier", "IEEE 802.1AB §8.5").oracle("-");
    LLDP_TTL = dec("lldp.time_to_live", "Time to live (s)", "IEEE 802.1AB §8.5.4");
    LLDP_PORT = text("lldp.port.desc", "Port description", "IEEE 802.1AB §8.5.5");
    LLDP_NAME = text("lldp.tlv.system.name", "System name", "IEEE 802.1AB §8.5.6");
    LLDP_DESC = text("lldp.tlv.system.desc", "System description", "IEEE 802.1AB §8.5.7");
    LLDP_DATA = raw("lldp.data", "Data", "IEEE 802.1AB §8.5").oracle("-");
    EAPOL_HEADER = group("eapol", "802.1X authentication", "IEEE 802.1X §11.3");
    EAPOL_VERSION = dec("eapol.version", "Version", "IEEE 802.1X §11.3.1");
    EAPOL_TYPE = dec("eapol.type", "Type", "IEEE 802.1X §11.3.2").names(EAPOL_TYPES);
    EAPOL_LEN = dec("eapol.len", "Length", "IEEE 802.1X §11.3.3");
    MACSEC_TAG = group("macsec", "MACsec tag", "IEEE 802.1AE §9.3");
    MACSEC_V = flag("macsec.TCI.V", "Version", "IEEE 802.1AE §9.5");
    MACSEC_ES = flag("macsec.TCI.ES", "End station", "IEEE 802.1AE §9.5");
    MACSEC_SC = flag("macsec.TCI.SC", "Channel identifier present", "IEEE 802.1AE §9.5");
    MACSEC_SCB = flag("macsec.TCI.SCB", "Single copy broadcast", "IEEE 802.1AE §9.5");
    MACSEC_E = flag("macsec.TCI.E", "Encrypted", "IEEE 802.1AE §9.5");
    MACSEC_C = flag("macsec.TCI.C", "Text changed", "IEEE 802.1AE §9.5");
    MACSEC_AN = dec("macsec.AN", "Association number", "IEEE 802.1AE §9.6");
    MACSEC_SL = dec("macsec.SL", "Short length", "IEEE 802.1AE §9.7");
    MACSEC_PN = dec("macsec.PN", "Packet number", "IEEE 802.1AE §9.8");
    MACSEC_SYSTEM = mac("macsec.SCI.system_identifier", "System", "IEEE 802.1AE §9.9");
    MACSEC_PORT = dec("macsec.SCI.port_identifier", "Port", "IEEE 802.1AE §9.9");
    MACSEC_ETYPE = hex("macsec.etype", "Type", "IEEE 802.1AE §9.3").names(super::names::ETHERTYPES);
    AVSP = group("avsp", "Arista timestamp", "Arista vendor specific protocol");
    AVSP_SUBTYPE = hex("avsp.sub_type", "Subtype", "Arista vendor specific protocol");
    AVSP_VERSION = hex("avsp.ver", "Version", "Arista vendor specific protocol");
    AVSP_SECONDS = dec("avsp.64sec", "Seconds", "Arista vendor specific protocol");
    AVSP_SHORT = dec("avsp.48sec", "Seconds (lower 16 bits)", "Arista vendor specific protocol");
    AVSP_NANOS = dec("avsp.64ns", "Nanoseconds", "Arista vendor specific protocol");
    AVSP_SHORT_NANOS = dec("avsp.48ns", "Nanoseconds", "Arista vendor specific protocol");
    AVSP_ETYPE = hex("avsp.etype", "Type", "Arista vendor specific protocol").names(super::names::ETHERTYPES);
}

notes! {
    ENCRYPTED = Chat, Security, "macsec.note.encrypted", "The frame is encrypted; without its key nothing more can be read", "IEEE 802.1AE §9.5";
}

pub(super) static STP: Layer =
    layer("stp", "Spanning tree", FIELDS, NOTES, &[LayerClaim::Sap(0x42), LayerClaim::Named("stp")], stp);
pub(super) static LLDP: Layer = layer("lldp", "LLDP", &[], &[], &[LayerClaim::EtherType(0x88cc)], lldp);
pub(super) static EAPOL: Layer = layer("eapol", "802.1X", &[], &[], &[LayerClaim::EtherType(0x888e)], |r, turn| {
    r.group(&EAPOL_HEADER, |r| {
        r.u8(&EAPOL_VERSION)?;
        r.u8(&EAPOL_TYPE)?;
        turn.limit = Some(usize::from(r.u16(&EAPOL_LEN)?));
        Ok(Next::Data)
    })
});
pub(super) static MACSEC: Layer = layer("macsec", "MACsec", &[], &[], &[LayerClaim::EtherType(0x88e5)], macsec);
pub(super) static ARISTA: Layer = layer("avsp", "Arista timestamp", &[], &[], &[LayerClaim::EtherType(0xd28b)], arista);

fn bridge_id(r: &mut Reader<'_>, [prio, ext, address]: [F; 3]) -> Result<(), Stop> {
    r.peek(2)?;
    r.scaled(prio, bits(0, 4), 4096)?;
    r.bits(ext, bits(4, 12))?;
    r.skip(2)?;
    r.mac(address).map(|_| ())
}

fn stp(r: &mut Reader<'_>, turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.group(&STP_HEADER, |r| {
        // GARP registrations share the service access point.
        if r.u16(&STP_PROTOCOL)? != 0 {
            return Ok(Next::Data);
        }
        let version = r.u8(&STP_VERSION)?;
        let kind = r.u8(&STP_TYPE)?;
        if kind == 0x80 {
            turn.limit = Some(0);
            return Ok(Next::Done);
        }
        r.bit_group(&STP_FLAGS, bits(0, 8), |r, _| {
            r.bits(&STP_TCACK, bits(0, 1))?;
            r.bits(&STP_AGREEMENT, bits(1, 1))?;
            r.bits(&STP_FORWARDING, bits(2, 1))?;
            r.bits(&STP_LEARNING, bits(3, 1))?;
            r.bits(&STP_ROLE, bits(4, 2))?;
            r.bits(&STP_PROPOSAL, bits(6, 1))?;
            r.bits(&STP_TC, bits(7, 1)).map(|_| ())
        })?;
        r.skip(1)?;
        bridge_id(r, [&STP_ROOT_PRIO, &STP_ROOT_EXT, &STP_ROOT])?;
        r.u32(&STP_COST)?;
        bridge_id(r, [&STP_BRIDGE_PRIO, &STP_BRIDGE_EXT, &STP_BRIDGE])?;
        r.u16(&STP_PORT)?;
        for field in [&STP_AGE, &STP_MAX_AGE, &STP_HELLO, &STP_FORWARD] {
            r.u16(field)?;
        }
        // Newer versions go on: a version 1 length, and the instances of multiple spanning tree.
        if version >= 2 && !r.is_empty() {
            r.bytes(&STP_DATA, r.left())?;
        }
        turn.limit = Some(0);
        Ok(Next::Done)
    })
}

fn lldp(r: &mut Reader<'_>, turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.group(&LLDP_HEADER, |r| {
        while !r.is_empty() {
            let kind = r.group(&LLDP_TLV, |r| {
                r.peek(2)?;
                let kind = r.bits(&LLDP_TYPE, bits(0, 7))?;
                let len = r.bits(&LLDP_LEN, bits(7, 9))? as usize;
                r.skip(2)?;
                r.peek(len)?;
                let whole: Option<F> = match kind {
                    4 => Some(&LLDP_PORT),
                    5 => Some(&LLDP_NAME),
                    6 => Some(&LLDP_DESC),
                    3 if len == 2 => Some(&LLDP_TTL),
                    1 | 2 if len > 1 => None,
                    _ => Some(&LLDP_DATA),
                };
                match (whole, len) {
                    (_, 0) => {}
                    (Some(f), 2) if kind == 3 => {
                        r.u16(f)?;
                    }
                    (Some(f), n) => {
                        r.bytes(f, n)?;
                    }
                    (None, n) => {
                        r.u8(&LLDP_SUBTYPE)?;
                        r.bytes(&LLDP_ID, n.saturating_sub(1))?;
                    }
                }
                Ok(kind)
            })?;
            if kind == 0 {
                break;
            }
        }
        turn.limit = Some(0);
        Ok(Next::Done)
    })
}

/// The integrity check value at the end, in the default cipher suites (IEEE 802.1AE §14.5).
const ICV: usize = 16;

fn macsec(r: &mut Reader<'_>, turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.group(&MACSEC_TAG, |r| {
        let tag = r.span(1);
        for (i, field) in [&MACSEC_V, &MACSEC_ES].into_iter().enumerate() {
            r.bits(field, bits(i as u8, 1))?;
        }
        let with_channel = r.bits(&MACSEC_SC, bits(2, 1))? == 1;
        r.bits(&MACSEC_SCB, bits(3, 1))?;
        let encrypted = r.bits(&MACSEC_E, bits(4, 1))? == 1;
        let changed = r.bits(&MACSEC_C, bits(5, 1))? == 1;
        r.bits(&MACSEC_AN, bits(6, 2))?;
        r.skip(1)?;
        r.u8(&MACSEC_SL)?;
        r.u32(&MACSEC_PN)?;
        if with_channel {
            r.mac(&MACSEC_SYSTEM)?;
            r.u16(&MACSEC_PORT)?;
        }
        if encrypted || changed {
            r.note(&ENCRYPTED, tag);
            return Ok(Next::Data);
        }
        let value = r.u16(&MACSEC_ETYPE)?;
        let on_wire = u64::from(turn.wire_len).saturating_sub(r.at()) as usize;
        turn.limit = Some(on_wire.saturating_sub(ICV));
        Ok(ether(value))
    })
}

fn arista(r: &mut Reader<'_>, _turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.group(&AVSP, |r| {
        let subtype = r.u16(&AVSP_SUBTYPE)?;
        let version = r.u16(&AVSP_VERSION)?;
        match (subtype, version & 0xff) {
            (1, 0x10 | 0x11) => {
                r.u32(&AVSP_SECONDS)?;
                r.u32(&AVSP_NANOS)?;
            }
            (1, 0x20 | 0x21) => {
                r.u16(&AVSP_SHORT)?;
                r.u32(&AVSP_SHORT_NANOS)?;
            }
            _ => return Ok(Next::Data),
        }
        Ok(ether(r.u16(&AVSP_ETYPE)?))
    })
}
