//! Header names that have a field of their own, and what each is read for.

use super::fields as f;
use wirelore_kit::{F, Flags};

/// What a header's value is read for besides being shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Only shown.
    Plain,
    /// Host.
    Host,
    /// The body's length.
    Length,
    /// Transfer codings.
    Transfer,
    /// Content codings.
    Coding,
    /// The media type.
    Type,
    /// Another protocol is offered or taken.
    Upgrade,
    /// 100-continue.
    Expect,
    /// Pairs of the client's cookies.
    Cookie,
    /// One cookie with its attributes.
    SetCookie,
    /// Ranges asked for.
    Range,
    /// The range sent.
    ContentRange,
    /// A scheme and a secret.
    Credentials,
    /// Told to the protocol that an upgrade leads to, under this name.
    Fact(&'static str),
}

/// A header's name in lower case, its field, its use.
pub type Header = (&'static str, F, Use);

/// By rising length of the name.
static HEADERS: &[Header] = &[
    ("te", &f::TE, Use::Plain),
    ("age", &f::AGE, Use::Plain),
    ("via", &f::VIA, Use::Plain),
    ("date", &f::DATE, Use::Plain),
    ("etag", &f::ETAG, Use::Plain),
    ("host", &f::HOST, Use::Host),
    ("link", &f::LINK, Use::Plain),
    ("vary", &f::VARY, Use::Plain),
    ("range", &f::RANGE, Use::Range),
    ("accept", &f::ACCEPT, Use::Plain),
    ("cookie", &f::COOKIE, Use::Cookie),
    ("expect", &f::EXPECT, Use::Expect),
    ("origin", &f::ORIGIN, Use::Plain),
    ("server", &f::SERVER, Use::Plain),
    ("expires", &f::EXPIRES, Use::Plain),
    ("referer", &f::REFERER, Use::Plain),
    ("trailer", &f::TRAILER, Use::Plain),
    ("upgrade", &f::UPGRADE, Use::Upgrade),
    ("location", &f::LOCATION, Use::Plain),
    ("connection", &f::CONNECTION, Use::Plain),
    ("keep-alive", &f::KEEP_ALIVE, Use::Plain),
    ("set-cookie", &f::SET_COOKIE, Use::SetCookie),
    ("user-agent", &f::USER_AGENT, Use::Plain),
    ("content-type", &f::CONTENT_TYPE, Use::Type),
    ("accept-ranges", &f::ACCEPT_RANGES, Use::Plain),
    ("authorization", &f::AUTHORIZATION, Use::Credentials),
    ("cache-control", &f::CACHE_CONTROL, Use::Plain),
    ("content-range", &f::CONTENT_RANGE, Use::ContentRange),
    ("if-none-match", &f::IF_NONE_MATCH, Use::Plain),
    ("last-modified", &f::LAST_MODIFIED, Use::Plain),
    ("content-length", &f::CONTENT_LENGTH, Use::Length),
    ("http2-settings", &f::HTTP2_SETTINGS, Use::Fact("http2-settings")),
    ("accept-encoding", &f::ACCEPT_ENCODING, Use::Plain),
    ("accept-language", &f::ACCEPT_LANGUAGE, Use::Plain),
    ("x-forwarded-for", &f::X_FORWARDED_FOR, Use::Plain),
    ("content-encoding", &f::CONTENT_ENCODING, Use::Coding),
    ("www-authenticate", &f::WWW_AUTHENTICATE, Use::Plain),
    ("if-modified-since", &f::IF_MODIFIED_SINCE, Use::Plain),
    ("sec-websocket-key", &f::WS_KEY, Use::Fact("sec-websocket-key")),
    ("transfer-encoding", &f::TRANSFER_ENCODING, Use::Transfer),
    ("proxy-authenticate", &f::PROXY_AUTHENTICATE, Use::Plain),
    ("content-disposition", &f::CONTENT_DISPOSITION, Use::Plain),
    ("proxy-authorization", &f::PROXY_AUTHORIZATION, Use::Credentials),
    ("sec-websocket-accept", &f::WS_ACCEPT, Use::Fact("sec-websocket-accept")),
    ("sec-websocket-version", &f::WS_VERSION, Use::Fact("sec-websocket-version")),
    ("sec-websocket-protocol", &f::WS_PROTOCOL, Use::Fact("sec-websocket-protocol")),
    ("sec-websocket-extensions", &f::WS_EXTENSIONS, Use::Fact("sec-websocket-extensions")),
    ("strict-transport-security", &f::STS, Use::Plain),
];

/// Where the names of each length begin in [`HEADERS`].
#[allow(clippy::indexing_slicing, reason = "worked out at build time")]
static STARTS: [u8; 32] = {
    let mut starts = [0u8; 32];
    let mut i = 0;
    while i < HEADERS.len() {
        let mut len = HEADERS[i].0.len() + 1;
        while len < 32 {
            starts[len] += 1;
            len += 1;
        }
        i += 1;
    }
    starts
};

/// The field of a header name, in any case.
#[must_use]
pub fn known(name: &[u8]) -> Option<(F, Use)> {
    let from = usize::from(*STARTS.get(name.len())?);
    let to = usize::from(*STARTS.get(name.len().saturating_add(1))?);
    let first = name.first()? | 0x20;
    let same = |h: &&(&str, F, Use)| h.0.as_bytes().first() == Some(&first) && h.0.as_bytes().eq_ignore_ascii_case(name);
    HEADERS.get(from..to)?.iter().find(same).map(|h| (h.1, h.2))
}

/// Whether a header is told in rows: its field is a column, or framing and exchange need it.
const fn is_told(h: &(&str, F, Use)) -> bool {
    h.1.flags.has(Flags::KEY)
        || matches!(
            h.2,
            Use::Host | Use::Length | Use::Transfer | Use::Coding | Use::Type | Use::Upgrade | Use::Expect | Use::Fact(_)
        )
}

/// Of the headers told in rows, the place in [`HEADERS`] plus one, by length and first letter of the name: no two have both in common.
#[allow(clippy::indexing_slicing, reason = "worked out at build time")]
static TOLD: [[u8; 32]; 32] = {
    let mut told = [[0u8; 32]; 32];
    let mut i = 0;
    while i < HEADERS.len() {
        let name = HEADERS[i].0.as_bytes();
        if is_told(&HEADERS[i]) {
            let slot = &mut told[name.len()][(name[0] & 31) as usize];
            assert!(*slot == 0, "two headers of one length begin with the same letter: compare both");
            *slot = i as u8 + 1;
        }
        i += 1;
    }
    told
};

/// The same, for rows, of a name that is a token: names that are neither columns nor of use for framing are passed over.
#[inline]
#[must_use]
pub fn told_in_rows(name: &[u8]) -> Option<&'static Header> {
    let at = *TOLD.get(name.len())?.get(usize::from(name.first()? & 31))?;
    let h = HEADERS.get(usize::from(at).checked_sub(1)?)?;
    // Of one length by the table. In a token, what becomes a letter or hyphen with this bit was one, in either case.
    let differs = h.0.bytes().zip(name).fold(0, |d, (known, b)| d | (known ^ (b | 0x20)));
    (differs == 0).then_some(h)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_table_is_found() {
        for (name, field, _) in HEADERS {
            let found = known(name.to_ascii_uppercase().as_bytes()).expect(name);
            assert!(found.0.is(field), "{name}: the table is not sorted by length");
            let told = told_in_rows(name.to_ascii_uppercase().as_bytes());
            assert_eq!(told.is_some_and(|t| t.1.is(field)), is_told(&(name, field, found.1)), "{name}");
        }
        assert!(known(b"x-unheard-of").is_none());
    }
}
