//! TLS that begins within a protocol that nobody reads: how far into a connection it may, and what its first bytes look like.
//!
//! Databases, directories and chats agree in words of their own to go on in TLS (STARTTLS in LDAP and XMPP, MySQL's request for it). The
//! words need not be understood: a client that suddenly says ClientHello has agreed on it.

/// TLS begins within so many bytes of a connection, both directions together, or is not looked for.
pub const WITHIN: usize = 64 << 10;

/// Whether a piece of bytes, as it was sent, begins with the record of a ClientHello (RFC 8446 §5.1 and §4.1.2; RFC 5246 §6.2.1).
///
/// Seven of its first eleven bytes hardly vary and its two lengths must agree, so that other protocols are not taken for it.
///
/// ```
/// use wirelore_kit::within::is_hello;
/// assert!(is_hello(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 0x5a]));
/// assert!(!is_hello(b"STARTTLS\r\n"));
/// ```
#[must_use]
pub fn is_hello(piece: &[u8]) -> bool {
    // The least: version, random, three lists of which two are not empty.
    const LEAST: u16 = 2 + 32 + 1 + 4 + 2;
    let [0x16, 3, 0..=4, r1, r2, 1, 0, h1, h2, 3, 0..=4, ..] = *piece else { return false };
    let (record, hello) = (u16::from_be_bytes([r1, r2]), u16::from_be_bytes([h1, h2]));
    // A long hello may be cut into several records.
    hello >= LEAST && record > 4 && record <= hello.saturating_add(4)
}

/// Where in a piece of bytes a ClientHello begins: at its beginning, or behind MySQL's SSLRequest, which is not answered, so that both may
/// come together. Anywhere else it may be something that carries it.
#[must_use]
pub fn hello_behind(piece: &[u8]) -> Option<usize> {
    /// Its head, a length and a number, and its 32 bytes.
    const REQUEST: usize = 36;
    let requested = piece.starts_with(&[0x20, 0, 0, 1]) && piece.get(REQUEST..).is_some_and(is_hello);
    is_hello(piece).then_some(0).or(requested.then_some(REQUEST))
}

/// Where in `turn`, all that a client said before it was answered, a ClientHello begins with which it ends.
#[must_use]
pub fn hello_at_end(turn: &[u8]) -> Option<usize> {
    let ends = |from: usize| {
        let mut rest = turn.get(from..).unwrap_or_default();
        while let [0x16, 3, _, a, b, ..] = *rest {
            let Some(behind) = rest.get(usize::from(u16::from_be_bytes([a, b])).saturating_add(5)..) else { return false };
            rest = behind;
        }
        rest.is_empty()
    };
    memchr::memchr_iter(0x16, turn).find(|i| turn.get(*i..).is_some_and(is_hello) && ends(*i))
}

/// Whether a server that says this answers a hello: with its own, or with an alert. `None`: too little to tell.
#[must_use]
pub fn answers_hello(said: &[u8]) -> Option<bool> {
    let fits = |i: usize, ok: fn(u8) -> bool| said.get(i).is_none_or(|b| ok(*b));
    match *said {
        [0x16, 3, 0..=4, _, _, 2, ..] | [0x15, 3, 0..=4, 0, 2, 1..=2, ..] => Some(true),
        [_, _, _, _, _, _, ..] => Some(false),
        _ if fits(0, |b| b == 0x16 || b == 0x15) && fits(1, |b| b == 3) && fits(2, |b| b <= 4) => None,
        _ => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_is_told_by_its_head_and_its_two_lengths() {
        let head = |record: u16, hello: u16| {
            let ([a, b], [c, d]) = (record.to_be_bytes(), hello.to_be_bytes());
            [0x16, 3, 1, a, b, 1, 0, c, d, 3, 3]
        };
        assert!(is_hello(&head(516, 512)));
        assert!(is_hello(&head(100, 512)), "cut into several records");
        assert!(!is_hello(&head(517, 512)), "a record longer than its message");
        assert!(!is_hello(&head(14, 10)), "too short to be one");
        assert!(!is_hello(&head(516, 512)[..10]), "too little to tell");
        let mut answer = head(516, 512);
        answer[5] = 2;
        assert!(!is_hello(&answer), "a ServerHello");
    }

    #[test]
    fn a_turn_ends_with_a_hello_or_does_not() {
        let mut hello = vec![0x16, 3, 1, 0, 45, 1, 0, 0, 41, 3, 3];
        hello.resize(50, 7);
        let behind = [b"starttls \x16\x03".as_slice(), &hello].concat();
        assert_eq!(hello_at_end(&behind), Some(11));
        assert_eq!(hello_at_end(&hello), Some(0));
        assert_eq!(hello_at_end(&[&hello[..], b"x"].concat()), None);
        assert_eq!(hello_at_end(&behind[..50]), None);
        let cut = [&[0x16, 3, 1, 0, 20], &hello[5..25], &[0x16, 3, 1, 0, 25], &hello[25..]].concat();
        assert_eq!(hello_at_end(&cut), Some(0), "cut into two records");
    }

    #[test]
    fn a_hello_is_answered_with_a_hello_or_an_alert() {
        for (said, what) in [
            (&[0x16, 3, 3, 0, 90, 2][..], Some(true)),
            (&[0x15, 3, 1, 0, 2, 2, 40], Some(true)),
            (&[0x16, 3, 3, 0, 90, 1], Some(false)),
            (&[0x16, 3], None),
            (&[], None),
            (b"H", Some(false)),
            (b"4\x01\x00\x5d\x00\x00", Some(false)),
        ] {
            assert_eq!(answers_hello(said), what, "{said:?}");
        }
    }
}
