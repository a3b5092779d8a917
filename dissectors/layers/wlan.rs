//! IEEE 802.11 frames, as far as the addresses and what data frames carry; radiotap in front of them.

use super::{bits, dec, fields, flag, group, hex, layer, mac, named, notes, raw};
use wirelore_kit::{F, Layer, LayerClaim, LayerTurn, Names, Next, Reader, Stop, Value};

static TYPES: Names = &[(0, "Management"), (1, "Control"), (2, "Data"), (3, "Extension")];
static TYPES_SUBTYPES: Names = &[
    (0x00, "Association request"),
    (0x01, "Association response"),
    (0x02, "Reassociation request"),
    (0x03, "Reassociation response"),
    (0x04, "Probe request"),
    (0x05, "Probe response"),
    (0x08, "Beacon"),
    (0x0a, "Disassociation"),
    (0x0b, "Authentication"),
    (0x0c, "Deauthentication"),
    (0x0d, "Action"),
    (0x18, "Block ack request"),
    (0x19, "Block ack"),
    (0x1a, "Power-save poll"),
    (0x1b, "Request to send"),
    (0x1c, "Clear to send"),
    (0x1d, "Acknowledgment"),
    (0x20, "Data"),
    (0x24, "Null (no data)"),
    (0x28, "QoS data"),
    (0x2c, "QoS null (no data)"),
];
static DIRECTIONS: Names = &[
    (0, "Between stations, or management"),
    (1, "To the distribution system"),
    (2, "From the distribution system"),
    (3, "Between access points"),
];

fields! {
    RADIOTAP_HEADER = group("radiotap", "Radiotap", "radiotap.org");
    RT_VERSION = dec("radiotap.version", "Version", "radiotap.org");
    RT_PAD = hex("radiotap.pad", "Padding", "radiotap.org");
    RT_LENGTH = dec("radiotap.length", "Header length", "radiotap.org");
    RT_PRESENT = hex("radiotap.present.word", "Present fields", "radiotap.org");
    RT_DATA = raw("radiotap.data", "Fields", "radiotap.org").oracle("-");
    WLAN = group("wlan", "IEEE 802.11", "IEEE 802.11 §9.2");
    FC_VERSION = dec("wlan.fc.version", "Version", "IEEE 802.11 §9.2.4.1.2");
    FC_TYPE = dec("wlan.fc.type", "Type", "IEEE 802.11 §9.2.4.1.3").names(TYPES);
    FC_SUBTYPE = dec("wlan.fc.subtype", "Subtype", "IEEE 802.11 §9.2.4.1.3");
    FC_TYPE_SUBTYPE = hex("wlan.fc.type_subtype", "Type and subtype", "IEEE 802.11 §9.2.4.1.3").names(TYPES_SUBTYPES);
    FC_DS = hex("wlan.fc.ds", "Direction", "IEEE 802.11 §9.2.4.1.4").names(DIRECTIONS);
    FC_FRAG = flag("wlan.fc.frag", "More fragments", "IEEE 802.11 §9.2.4.1.5");
    FC_RETRY = flag("wlan.fc.retry", "Retry", "IEEE 802.11 §9.2.4.1.6");
    FC_POWER = flag("wlan.fc.pwrmgt", "Going to sleep", "IEEE 802.11 §9.2.4.1.7");
    FC_MORE = flag("wlan.fc.moredata", "More data buffered", "IEEE 802.11 §9.2.4.1.8");
    FC_PROTECTED = flag("wlan.fc.protected", "Protected", "IEEE 802.11 §9.2.4.1.9");
    FC_ORDER = flag("wlan.fc.order", "HT control or strict order", "IEEE 802.11 §9.2.4.1.10");
    DURATION = dec("wlan.duration", "Duration (µs)", "IEEE 802.11 §9.2.4.2");
    RA = mac("wlan.ra", "Receiver", "IEEE 802.11 §9.2.4.3");
    TA = mac("wlan.ta", "Transmitter", "IEEE 802.11 §9.2.4.3");
    DA = mac("wlan.da", "Destination", "IEEE 802.11 §9.2.4.3");
    SA = mac("wlan.sa", "Source", "IEEE 802.11 §9.2.4.3");
    BSSID = mac("wlan.bssid", "Network (BSSID)", "IEEE 802.11 §9.2.4.3");
    SEQ = dec("wlan.seq", "Sequence number", "IEEE 802.11 §9.2.4.4");
    FRAGMENT = dec("wlan.frag", "Fragment number", "IEEE 802.11 §9.2.4.4");
    QOS = hex("wlan.qos", "Quality of service", "IEEE 802.11 §9.2.4.5");
    HT = raw("wlan.htc", "HT control", "IEEE 802.11 §9.2.4.6").oracle("-");
}

notes! {
    RT_SHORT = Error, Malformed, "radiotap.note.length", "The header length is below 8 bytes", "radiotap.org";
    PROTECTED = Chat, Security, "wlan.note.protected", "The frame is encrypted; without its key nothing more can be read", "IEEE 802.11 §12";
}

pub(super) static RADIOTAP: Layer =
    layer("radiotap", "Radiotap", FIELDS, NOTES, &[LayerClaim::Link(127), LayerClaim::Named("radiotap")], radiotap);
pub(super) static LAYER: Layer = layer("wlan", "802.11", &[], &[], &[LayerClaim::Link(105), LayerClaim::Named("wlan")], wlan);

fn radiotap(r: &mut Reader<'_>, _turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.group(&RADIOTAP_HEADER, |r| {
        r.u8(&RT_VERSION)?;
        r.u8(&RT_PAD)?;
        let len = r.uint_le(&RT_LENGTH, 2)? as usize;
        r.uint_le(&RT_PRESENT, 4)?;
        if len < 8 {
            return Err(Stop::Bad(&RT_SHORT));
        }
        if len > 8 {
            r.bytes(&RT_DATA, len.saturating_sub(8))?;
        }
        Ok(named("wlan"))
    })
}

const MANAGEMENT: u64 = 0;
const CONTROL: u64 = 1;
const DATA: u64 = 2;

fn wlan(r: &mut Reader<'_>, _turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.group(&WLAN, |r| {
        let head = r.span(2);
        let subtype = r.bits(&FC_SUBTYPE, bits(0, 4))?;
        let kind = r.bits(&FC_TYPE, bits(4, 2))?;
        r.bits(&FC_VERSION, bits(6, 2))?;
        r.skip(1)?;
        r.derived(&FC_TYPE_SUBTYPE, head, kind << 4 | subtype);
        let order = r.bits(&FC_ORDER, bits(0, 1))? == 1;
        let at = r.span(1);
        let protected = r.bits(&FC_PROTECTED, bits(1, 1))? == 1;
        r.bits(&FC_MORE, bits(2, 1))?;
        r.bits(&FC_POWER, bits(3, 1))?;
        r.bits(&FC_RETRY, bits(4, 1))?;
        r.bits(&FC_FRAG, bits(5, 1))?;
        // The upper bit is "from", the lower one "to" the distribution system.
        let ds = r.bits(&FC_DS, bits(6, 2))?;
        r.skip(1)?;
        r.uint_le(&DURATION, 2)?;
        if kind == CONTROL {
            r.mac(&RA)?;
            // Acknowledgments and clear-to-send name the receiver only.
            if !matches!(subtype, 12 | 13) && r.left() >= 6 {
                r.mac(&TA)?;
            }
            return Ok(Next::Data);
        }
        if !matches!(kind, MANAGEMENT | DATA) {
            return Ok(Next::Data);
        }
        addresses(r, ds)?;
        if protected {
            r.note(&PROTECTED, at);
        }
        if kind == MANAGEMENT || subtype & 4 != 0 {
            return Ok(Next::Data);
        }
        if subtype & 8 != 0 {
            r.uint_le(&QOS, 2)?;
            if order {
                r.bytes(&HT, 4)?;
            }
        }
        Ok(if protected { Next::Data } else { named("llc") })
    })
}

/// Three addresses, the sequence control, perhaps a fourth: what each means depends on the direction (IEEE 802.11 §9.3.2.1).
fn addresses(r: &mut Reader<'_>, ds: u64) -> Result<(), Stop> {
    let meaning: [[F; 2]; 3] = match ds {
        0 => [[&RA, &DA], [&TA, &SA], [&BSSID, &BSSID]],
        1 => [[&RA, &BSSID], [&TA, &SA], [&DA, &DA]],
        2 => [[&RA, &DA], [&TA, &BSSID], [&SA, &SA]],
        _ => [[&RA, &RA], [&TA, &TA], [&DA, &DA]],
    };
    for [first, second] in meaning {
        let at = r.span(6);
        let a = r.mac(first)?;
        if !std::ptr::eq(first, second) {
            r.derived(second, at, Value::Mac(a));
        }
    }
    let control = r.span(2);
    let value = u16::from_le_bytes(r.peek(2)?.try_into().unwrap_or_default());
    r.valued(&SEQ, 2, Value::U64(u64::from(value >> 4)))?;
    r.derived(&FRAGMENT, control, u64::from(value & 15));
    if ds == 3 {
        r.mac(&SA)?;
    }
    Ok(())
}
