//! DHCP (RFC 2131) and the BOOTP that it grew out of (RFC 951): how a host gets its address.

mod fields;
mod options;

use fields as f;
use wirelore_kit::{
    AfterGapPromise, BitRange, Claim, Dissector, Framing, More, Out, Peek, Reader, Relay, Side, Spec, Stop, Transport, Turn,
    Value, Verdict,
};

/// All that the house knows of DHCP.
pub static SPEC: Spec = Spec {
    name: "dhcp",
    label: "DHCP",
    framing: Framing::Datagram,
    fields: f::ALL,
    notes: f::NOTES,
    claims: &[Claim::Udp(67), Claim::Udp(68), Claim::Named("dhcp")],
    probe,
    resync: None,
    states: f::STATES,
    after_gap: AfterGapPromise::Within(0),
    relay: Relay::Opaque,
    middle: None,
    new: |_| Box::new(Dhcp),
    explain: &[("en", include_str!("explain.en.toml"))],
};

/// Bytes before the options (RFC 2131 §2).
const HEADER: usize = 236;
/// What tells DHCP options from a vendor's own area (RFC 1497).
const COOKIE: [u8; 4] = [99, 130, 83, 99];

/// Nothing is remembered: each message carries the number of its transaction.
#[derive(Debug, Clone, Copy)]
struct Dhcp;

struct Head {
    request: bool,
    id: u32,
    yours: [u8; 4],
    said: options::Said,
}

impl Dissector for Dhcp {
    fn read(&mut self, _: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let head = r.group(&f::DHCP, message)?;
        let kind = head.said.kind.and_then(|k| f::KIND.name_of(u64::from(k)));
        let name = kind.unwrap_or(if head.request { "Boot request" } else { "Boot reply" });
        let [a, b, c, d] = head.yours;
        let address = if head.yours == [0; 4] { String::new() } else { format!(" {a}.{b}.{c}.{d}") };
        let wanted = head.said.wanted.map(|[a, b, c, d]| format!(" {a}.{b}.{c}.{d}")).unwrap_or_default();
        let host = head.said.host.map(|h| format!(", {h}")).unwrap_or_default();
        out.summary(format_args!("{name}{}{host}, transaction 0x{:08x}", if head.request { wanted } else { address }, head.id));
        let state = match head.said.kind {
            Some(1) => Some(&f::SELECTING),
            Some(3) => Some(&f::REQUESTING),
            Some(5) => Some(&f::BOUND),
            Some(4 | 6 | 7) => Some(&f::INIT),
            _ => None,
        };
        if let Some(state) = state {
            out.state(Side::Client, state);
        }
        // Offers answer the Discover, what comes after answers the Request (or Inform).
        let offer = matches!(head.said.kind, Some(1 | 2));
        let key = u64::from(head.id) << 1 | u64::from(offer);
        if head.request {
            out.asks(key);
        } else {
            out.answers(key, if offer { More::Yes } else { More::No });
        }
        Ok(())
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(*self))
    }

    fn weight(&self) -> usize {
        size_of::<Dhcp>()
    }
}

fn message(r: &mut Reader<'_>) -> Result<Head, Stop> {
    let op = r.u8(&f::OP)?;
    if !matches!(op, 1 | 2) {
        return Err(Stop::Bad(&f::NO_OP));
    }
    let hardware = r.u8(&f::HARDWARE)?;
    let len = r.u8(&f::HARDWARE_LEN)?;
    r.u8(&f::HOPS)?;
    let id = r.u32(&f::ID)?;
    r.u16(&f::SECS)?;
    r.bit_group(&f::FLAGS, BitRange { first: 0, len: 16 }, |r, _| {
        r.bits(&f::BROADCAST, BitRange { first: 0, len: 1 })?;
        r.bits(&f::RESERVED, BitRange { first: 1, len: 15 }).map(|_| ())
    })?;
    r.skip(2)?;
    r.ipv4(&f::CLIENT)?;
    let yours = r.ipv4(&f::YOURS)?;
    r.ipv4(&f::SERVER)?;
    r.ipv4(&f::RELAY)?;
    let used = usize::from(len.min(16));
    match (hardware, used) {
        (1, 6) => {
            r.mac(&f::MAC)?;
        }
        (_, 0) => {}
        _ => {
            r.bytes(&f::ADDRESS, used)?;
        }
    }
    if used < 16 {
        r.bytes(&f::ADDRESS_PADDING, 16usize.saturating_sub(used))?;
    }
    // Option 52 may put options into these two; the place of what it says is at the end, so look ahead.
    let over = r.rest().get(192..).map_or(0, options::overload);
    let mut said = options::Said::default();
    for (bit, field, len) in [(2, &f::SERVER_NAME, 64), (1, &f::FILE, 128)] {
        let bytes = r.peek(len)?;
        if over & bit != 0 {
            r.attempt(&f::OVERLOADED, len, |r| options::read(r, &mut said))?;
        } else {
            let end = bytes.iter().position(|b| *b == 0).unwrap_or(len);
            let text = String::from_utf8_lossy(bytes.get(..end).unwrap_or(bytes)).into_owned();
            r.valued(field, len, Value::from(text))?;
        }
    }
    if r.left() >= 4 && r.peek(4)? == COOKIE {
        r.bytes(&f::COOKIE, 4)?;
        options::read(r, &mut said)?;
    } else if r.left() > 0 {
        r.bytes(&f::VENDOR_AREA, r.left())?;
    }
    Ok(Head { request: op == 1, id, yours, said })
}

/// The header's length, an operation that exists, and the cookie.
fn probe(peek: &Peek<'_>) -> Verdict {
    let bytes = if peek.to_server.is_empty() { peek.to_client } else { peek.to_server };
    match bytes.first() {
        _ if peek.transport != Transport::Udp => Verdict::No,
        None => Verdict::More,
        Some(1 | 2) if bytes.get(HEADER..HEADER + 4) == Some(&COOKIE) => Verdict::Sure,
        Some(1 | 2) if bytes.len() >= HEADER => Verdict::Likely,
        _ => Verdict::No,
    }
}
