//! What a server staples to its handshake about itself: its CA's word on whether the certificate was revoked (OCSP, RFC 6960).
//!
//! Only "revoked" is heeded, and without looking at the signature: nobody but the server can be harmed by a forged one, and the server
//! itself sends it. That nothing is stapled, or "good", proves nothing and is not needed.

/// One element of DER: its tag, its content, and what comes behind it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0usize, |n, b| n << 8 | usize::from(*b)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// The content of the first element, if it has this tag, and what comes behind it.
fn of(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    element(der).filter(|(t, ..)| *t == tag).map(|(_, content, rest)| (content, rest))
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const GENERALIZED_TIME: u8 = 0x18;

/// Since when the certificate with this serial number is revoked, as far as a stapled OCSP response says so: `20260304050607Z`.
pub(super) fn revoked(response: &[u8], serial: &[u8]) -> Option<String> {
    let (response, _) = of(SEQUENCE, response)?;
    let (_status, _, rest) = element(response)?;
    let (bytes, _) = of(0xa0, rest)?;
    let (bytes, _) = of(SEQUENCE, bytes)?;
    let (_kind, rest) = of(0x06, bytes)?;
    let (basic, _) = of(0x04, rest)?;
    let (basic, _) = of(SEQUENCE, basic)?;
    let (data, _) = of(SEQUENCE, basic)?;
    // Version and responder, in whatever form, stand before the time at which this was produced.
    let mut rest = data;
    let responses = loop {
        let (tag, _, behind) = element(rest)?;
        if tag == GENERALIZED_TIME {
            break of(SEQUENCE, behind)?.0;
        }
        rest = behind;
    };
    let mut rest = responses;
    while let Some((single, behind)) = of(SEQUENCE, rest) {
        let (id, status) = of(SEQUENCE, single)?;
        let number = (|| {
            let (_, _, rest) = element(id)?;
            let (_, _, rest) = element(rest)?;
            let (_, _, rest) = element(rest)?;
            of(INTEGER, rest).map(|(number, _)| number)
        })()?;
        if let Some((revoked, _)) = of(0xa1, status)
            && number == serial
        {
            let since = of(GENERALIZED_TIME, revoked).map(|(time, _)| time).unwrap_or_default();
            return Some(String::from_utf8_lossy(since).into_owned());
        }
        rest = behind;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn garbage_says_nothing() {
        for garbage in [&b""[..], b"\x30", b"\x30\x80", b"\x30\x84\xff\xff\xff\xff", b"\x30\x03\x0a\x01\x06", &[0x30; 100]] {
            assert_eq!(revoked(garbage, &[1]), None);
        }
    }
}
