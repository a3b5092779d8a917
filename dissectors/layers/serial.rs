//! Serial line framings: Cisco HDLC and frame relay (RFC 2427).

use super::{dec, ether, fields, flag, group, hex, layer, named, notes, raw};
use wirelore_kit::{Layer, LayerClaim, LayerTurn, Names, Next, Reader, Stop};

static CHDLC_ADDRESSES: Names = &[(0x0f, "One station"), (0x8f, "All stations")];
static NLPIDS: Names = &[
    (0x80, "SNAP"),
    (0x81, "ISO CLNP"),
    (0x82, "ISO ES-IS"),
    (0x83, "ISO IS-IS"),
    (0x8e, "IPv6"),
    (0xcc, "IPv4"),
    (0xcf, "PPP"),
];

fields! {
    CHDLC_HEADER = group("chdlc", "Cisco HDLC", "LINKTYPE_C_HDLC");
    CHDLC_ADDRESS = hex("chdlc.address", "Address", "LINKTYPE_C_HDLC").names(CHDLC_ADDRESSES);
    CHDLC_CONTROL = hex("chdlc.control", "Control", "LINKTYPE_C_HDLC");
    CHDLC_PROTOCOL = hex("chdlc.protocol", "Protocol", "LINKTYPE_C_HDLC").names(super::names::ETHERTYPES);
    FR = group("fr", "Frame relay", "ITU-T Q.922 §2");
    FR_ADDRESS = raw("fr.address", "Address bytes", "ITU-T Q.922 §3.3").oracle("-");
    FR_DLCI = dec("fr.dlci", "Data link connection", "ITU-T Q.922 §3.3");
    FR_FECN = flag("fr.fecn", "Congestion ahead", "ITU-T Q.922 §3.3");
    FR_BECN = flag("fr.becn", "Congestion behind", "ITU-T Q.922 §3.3");
    FR_DE = flag("fr.de", "Discard eligible", "ITU-T Q.922 §3.3");
    FR_CONTROL = hex("fr.control", "Control", "RFC 2427 §3");
    FR_PAD = raw("fr.padding", "Padding", "RFC 2427 §3").oracle("-");
    FR_NLPID = hex("fr.nlpid", "Network layer protocol", "RFC 2427 §3").names(NLPIDS);
    FR_OUI = hex("fr.snap.oui", "Organization code", "RFC 2427 §3");
    FR_PID = hex("fr.snap.pid", "Protocol", "RFC 2427 §3");
    FR_SNAP_TYPE = hex("fr.snaptype", "Type", "RFC 2427 §3").names(super::names::ETHERTYPES);
    FR_CISCO_TYPE = hex("fr.chdlctype", "Type", "LINKTYPE_FRELAY").names(super::names::ETHERTYPES);
}

notes! {
    ADDRESS_BAD = Error, Malformed, "fr.note.address", "No address byte says that it is the last", "ITU-T Q.922 §3.3";
}

pub(super) static CHDLC: Layer =
    layer("chdlc", "Cisco HDLC", FIELDS, NOTES, &[LayerClaim::Link(104), LayerClaim::Named("chdlc")], chdlc);
pub(super) static FRAME_RELAY: Layer = layer("fr", "Frame relay", &[], &[], &[LayerClaim::Link(107)], frame_relay);

fn chdlc(r: &mut Reader<'_>, _turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.group(&CHDLC_HEADER, |r| {
        r.u8(&CHDLC_ADDRESS)?;
        r.u8(&CHDLC_CONTROL)?;
        let value = r.u16(&CHDLC_PROTOCOL)?;
        // 8035 is Cisco's SLARP here, not RARP.
        Ok(if value == 0x8035 { named("slarp") } else { ether(value) })
    })
}

fn frame_relay(r: &mut Reader<'_>, _turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.group(&FR, |r| {
        let address = r.rest();
        let Some(len) = address.iter().take(4).position(|b| b & 1 == 1).map(|i| i.saturating_add(1)) else {
            return Err(if r.left() < 4 { Stop::Bad(&wirelore_kit::note::OVERRUN) } else { Stop::Bad(&ADDRESS_BAD) });
        };
        let at = r.span(len);
        r.bytes(&FR_ADDRESS, len)?;
        if let [a, b, ..] = *address {
            if len == 2 {
                r.derived(&FR_DLCI, at, u64::from(a >> 2) << 4 | u64::from(b >> 4));
            }
            if len >= 2 {
                for (field, bit) in [(&FR_FECN, 3), (&FR_BECN, 2), (&FR_DE, 1)] {
                    r.derived(field, at, u64::from(b >> bit & 1));
                }
            }
        }
        if r.rest().first() != Some(&3) {
            return Ok(ether(r.u16(&FR_CISCO_TYPE)?));
        }
        r.u8(&FR_CONTROL)?;
        if r.rest().first() == Some(&0) {
            r.bytes(&FR_PAD, 1)?;
        }
        match r.u8(&FR_NLPID)? {
            0xcc => Ok(ether(0x0800)),
            0x8e => Ok(ether(0x86dd)),
            0x80 => {
                let oui = r.u24(&FR_OUI)?;
                if oui == 0 {
                    return Ok(ether(r.u16(&FR_SNAP_TYPE)?));
                }
                let pid = r.u16(&FR_PID)?;
                Ok(if oui == 0x80c2 && matches!(pid, 1 | 7) { named("eth") } else { Next::Data })
            }
            _ => Ok(Next::Data),
        }
    })
}
