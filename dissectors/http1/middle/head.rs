//! Heads on their way through: where their lines stand, what of them says how the message is framed and where it goes, and what about
//! them two readers could read differently.

use super::super::body::{self, Frame};
use super::super::head::Head;
use super::super::parse::{self, Length, Line, Transfer};
use super::super::{notes as n, quick};
use memchr::{memchr, memchr_iter};
use wirelore_kit::Note;

/// A head may be so long, bytes.
pub const MOST_HEAD: usize = 256 << 10;

/// One header line, as places in its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    start: u32,
    name: u32,
    colon: u32,
    end: u32,
    next: u32,
    /// It goes on in further lines (obs-fold).
    pub folded: bool,
}

impl Row {
    fn of(start: usize, name: usize, colon: usize, end: usize, next: usize) -> Row {
        // A head is shorter than 4 GiB by far.
        let [start, name, colon, end, next] = [start, name, colon, end, next].map(|n| n as u32);
        Row { start, name, colon, end, next, folded: false }
    }

    /// Where it begins.
    #[must_use]
    pub const fn start(&self) -> usize {
        self.start as usize
    }

    /// Where the next one begins.
    #[must_use]
    pub const fn next(&self) -> usize {
        self.next as usize
    }

    /// Where its name stands.
    #[must_use]
    pub const fn name_at(&self) -> std::ops::Range<usize> {
        self.start as usize..self.name as usize
    }

    /// Its name as written.
    #[must_use]
    pub fn name<'b>(&self, head: &'b [u8]) -> &'b [u8] {
        head.get(self.name_at()).unwrap_or(&[])
    }

    /// Where its value stands, blanks around it left out.
    #[must_use]
    pub fn value_at(&self, head: &[u8]) -> std::ops::Range<usize> {
        let (start, end) = ((self.colon as usize).saturating_add(1), self.end as usize);
        let text = head.get(start..end).unwrap_or(&[]);
        let blank = |b: &&u8| matches!(b, b' ' | b'\t');
        let front = text.iter().take_while(blank).count();
        let back = text.get(front..).unwrap_or(&[]).iter().rev().take_while(blank).count();
        let start = start.saturating_add(front);
        start..end.saturating_sub(back).max(start)
    }

    /// Its value as written.
    #[must_use]
    pub fn value<'b>(&self, head: &'b [u8]) -> &'b [u8] {
        head.get(self.value_at(head)).unwrap_or(&[])
    }

    /// All of it with its line end.
    #[must_use]
    pub fn raw<'b>(&self, head: &'b [u8]) -> &'b [u8] {
        head.get(self.start()..self.next()).unwrap_or(&[])
    }
}

/// The lines of a head; memory that is used again for the next.
#[derive(Debug, Default)]
pub struct Lines {
    /// Length of the first line without its line end.
    pub first: usize,
    /// Where the headers begin.
    pub headers: usize,
    /// Length of the head, blank line included.
    pub len: usize,
    /// The header lines.
    pub rows: Vec<Row>,
    /// What about its lines could be read differently.
    pub wrong: Option<&'static Note>,
    /// Some header is folded.
    pub folds: bool,
}

impl Lines {
    /// Finds the head that begins `b`; false while its end is missing. Up to `searched` there is no end.
    pub fn find(&mut self, b: &[u8], searched: &mut usize) -> bool {
        if *searched == 0 && self.usual(b) {
            return true;
        }
        let Some(len) = parse::head_end(b, *searched) else {
            *searched = b.len();
            return false;
        };
        let again = std::mem::take(searched) > 0;
        let head = b.get(..len).unwrap_or(b);
        if !(again && self.usual(head)) {
            self.careful(head);
        }
        true
    }

    /// Takes a whole head apart again.
    pub fn again(&mut self, head: &[u8]) {
        if !self.usual(head) || self.len != head.len() {
            self.careful(head);
        }
    }

    /// A head that nothing is odd about, in one pass.
    fn usual(&mut self, b: &[u8]) -> bool {
        self.rows.clear();
        let rows = &mut self.rows;
        let found = quick::lines(b, |start, name, end| {
            let name = start.saturating_add(name);
            rows.push(Row::of(start, name, name, end, end.saturating_add(2)));
            true
        });
        let Some(found) = found else { return false };
        (self.len, self.wrong, self.folds) = (found.len, None, false);
        (self.first, self.headers) = (found.first, found.first.saturating_add(2));
        true
    }

    /// Any head: takes its lines apart and says what is odd about them.
    pub fn careful(&mut self, head: &[u8]) {
        let line = Line::of(head);
        self.take(head, line);
    }

    /// A trailer section: as a head without first line.
    pub fn trailer(&mut self, section: &[u8]) {
        self.take(section, Line { len: 0, all: 0 });
    }

    /// Whether a folded line says what framing, routing or forwarding goes by: readers differ on where it ends.
    #[must_use]
    pub fn hides_framing(&self, bytes: &[u8]) -> bool {
        let hides = |r: &Row| known(r.name(bytes)).is_some_and(Known::must_not_fold);
        self.folds && self.rows.iter().any(|r| r.folded && hides(r))
    }

    /// Takes the lines behind the first one apart.
    fn take(&mut self, head: &[u8], first: Line) {
        self.rows.clear();
        (self.first, self.headers, self.len, self.folds) = (first.len, first.all, head.len(), false);
        self.wrong = odd_bytes(head);
        let mut at = first.all;
        loop {
            let rest = head.get(at..).unwrap_or(&[]);
            let line = Line::of(rest);
            if line.len == 0 {
                break;
            }
            let next = at.saturating_add(line.all);
            let text = rest.get(..line.len).unwrap_or(rest);
            if matches!(text.first(), Some(b' ' | b'\t')) {
                self.folds = true;
                match self.rows.last_mut() {
                    Some(row) => {
                        (row.end, row.next, row.folded) = (at.saturating_add(line.len) as u32, next as u32, true);
                    }
                    // Nothing stands there that could go on.
                    None => self.wrong = self.wrong.or(Some(&n::OBS_FOLD)),
                }
            } else if let Some(h) = parse::header(text, line.len, line.len) {
                let colon = memchr(b':', text).unwrap_or(line.len);
                if h.spaced {
                    self.wrong = self.wrong.or(Some(&n::SPACE_BEFORE_COLON));
                } else if h.bad_name {
                    self.wrong = self.wrong.or(Some(&n::BAD_NAME));
                }
                let end = at.saturating_add(line.len);
                self.rows.push(Row::of(at, at.saturating_add(h.name), at.saturating_add(colon), end, next));
            } else {
                self.wrong = self.wrong.or(Some(&n::NO_COLON));
                let end = at.saturating_add(line.len);
                self.rows.push(Row::of(at, at, end, end, next));
            }
            at = next;
        }
    }
}

/// Bytes that must not stand in a head.
fn odd_bytes(head: &[u8]) -> Option<&'static Note> {
    if memchr(0, head).is_some() {
        return Some(&n::NUL);
    }
    let before = |i: usize| i.checked_sub(1).and_then(|p| head.get(p));
    if memchr_iter(b'\n', head).any(|i| before(i) != Some(&b'\r')) {
        return Some(&n::BARE_LF);
    }
    memchr_iter(b'\r', head).any(|i| head.get(i.saturating_add(1)) != Some(&b'\n')).then_some(&n::BARE_CR)
}

/// A header that framing, routing or forwarding needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Host.
    Host,
    /// Content-Length.
    Length,
    /// Transfer-Encoding.
    Transfer,
    /// Connection.
    Connection,
    /// Upgrade.
    Upgrade,
    /// Expect.
    Expect,
    /// Accept.
    Accept,
    /// TE.
    Te,
    /// Max-Forwards.
    MaxForwards,
    /// For one hop only, and gone behind it: Keep-Alive, Proxy-Connection, Proxy-Authorization, Proxy-Authenticate, HTTP2-Settings.
    Hop,
}

impl Known {
    /// Whether nothing is taken from it when it is folded.
    const fn must_not_fold(self) -> bool {
        !matches!(self, Known::Accept | Known::Hop)
    }
}

/// What a header name is known as.
#[must_use]
pub fn known(name: &[u8]) -> Option<Known> {
    let (word, known): (&[u8], Known) = match (name.len(), name.first()? | 0x20) {
        (2, b't') => (b"te", Known::Te),
        (4, b'h') => (b"host", Known::Host),
        (6, b'a') => (b"accept", Known::Accept),
        (6, b'e') => (b"expect", Known::Expect),
        (7, b'u') => (b"upgrade", Known::Upgrade),
        (10, b'c') => (b"connection", Known::Connection),
        (10, b'k') => (b"keep-alive", Known::Hop),
        (12, b'm') => (b"max-forwards", Known::MaxForwards),
        (14, b'c') => (b"content-length", Known::Length),
        (14, b'h') => (b"http2-settings", Known::Hop),
        (16, b'p') => (b"proxy-connection", Known::Hop),
        (17, b't') => (b"transfer-encoding", Known::Transfer),
        (18, b'p') => (b"proxy-authenticate", Known::Hop),
        (19, b'p') => (b"proxy-authorization", Known::Hop),
        _ => return None,
    };
    name.eq_ignore_ascii_case(word).then_some(known)
}

/// What the headers of a head say, as far as framing, routing and forwarding go.
#[derive(Debug, Default)]
pub struct Said<'b> {
    /// Content-Length.
    pub length: Option<u64>,
    /// Content-Length lines.
    pub lengths: u32,
    /// The same length is said more than once.
    pub repeated: bool,
    /// Transfer-Encoding, all lines together.
    pub transfer: Option<Transfer>,
    /// Host, the first.
    pub host: Option<&'b [u8]>,
    /// Host lines.
    pub hosts: u32,
    /// Upgrade.
    pub upgrade: &'b [u8],
    /// Connection says `close`.
    pub close: bool,
    /// Connection says `keep-alive`.
    pub keep_alive: bool,
    /// Connection names Upgrade.
    pub upgrades: bool,
    /// Connection names anything else.
    pub names: bool,
    /// There are headers for one hop only.
    pub hops: bool,
    /// TE says that trailers are understood.
    pub trailers: bool,
    /// The client waits for a 100 before it sends its body.
    pub expects: bool,
    /// JSON is wanted rather than a page.
    pub json: bool,
    /// Max-Forwards.
    pub max_forwards: Option<&'b [u8]>,
    /// What two readers could read differently.
    pub wrong: Option<&'static Note>,
}

impl<'b> Said<'b> {
    /// Reads the headers.
    #[must_use]
    pub fn of(head: &'b [u8], lines: &Lines) -> Said<'b> {
        let mut said = Said { wrong: lines.wrong, ..Said::default() };
        for row in &lines.rows {
            let Some(known) = known(row.name(head)) else { continue };
            // Some readers take a tab for a blank and some do not.
            if known == Known::Transfer && row.raw(head).contains(&b'\t') {
                said.suspect(&n::CODING_ODD);
            }
            said.add(known, row.value(head), row.folded);
        }
        if said.transfer.is_some() && said.lengths > 0 {
            said.suspect(&n::LENGTH_AND_CODING);
        }
        said
    }

    fn suspect(&mut self, what: &'static Note) {
        self.wrong = self.wrong.or(Some(what));
    }

    fn add(&mut self, known: Known, value: &'b [u8], folded: bool) {
        if folded && known.must_not_fold() {
            self.suspect(&n::OBS_FOLD);
        }
        match known {
            Known::Host => {
                self.hosts = self.hosts.saturating_add(1);
                if self.hosts == 1 {
                    self.host = Some(value);
                } else {
                    self.suspect(&n::MANY_HOSTS);
                }
            }
            Known::Length => {
                let Length { value: length, odd, .. } = parse::content_length(value);
                self.lengths = self.lengths.saturating_add(1);
                // A list of equal numbers is the same as one (RFC 9110 §8.6); all else that is odd is no length.
                let list =
                    odd && length.is_some() && value.iter().all(|b| b.is_ascii_digit() || matches!(b, b',' | b' ' | b'\t'));
                let list = list && memchr(b',', value).is_some();
                if length.is_none() || (odd && !list) {
                    self.suspect(&n::LENGTH_ODD);
                } else if self.lengths > 1 && length != self.length {
                    self.suspect(&n::LENGTHS_DIFFER);
                }
                self.repeated |= list || self.lengths > 1;
                self.length = length.or(self.length);
            }
            Known::Transfer => {
                // Nothing but words and commas: whoever hides a coding behind other bytes means it to be seen by one reader only.
                if !value.iter().all(|b| parse::is_tchar(*b) || matches!(b, b',' | b' ')) || value.is_empty() {
                    self.suspect(&n::CODING_ODD);
                }
                self.transfer.get_or_insert_default().add(value);
            }
            Known::Connection => {
                for word in words(value) {
                    if word.eq_ignore_ascii_case(b"close") {
                        self.close = true;
                    } else if word.eq_ignore_ascii_case(b"keep-alive") {
                        self.keep_alive = true;
                    } else if word.eq_ignore_ascii_case(b"upgrade") {
                        self.upgrades = true;
                    } else {
                        self.names = true;
                    }
                }
                self.hops = true;
            }
            Known::Upgrade => {
                self.upgrade = value;
                self.hops = true;
            }
            Known::Te => {
                self.hops = true;
                self.trailers |= words(value).any(is_trailers);
            }
            Known::Hop => self.hops = true,
            Known::Expect => self.expects |= value.eq_ignore_ascii_case(b"100-continue"),
            Known::Accept => {
                let at = |s: &[u8]| memchr::memmem::find(value, s);
                self.json |= at(b"application/json").is_some_and(|j| at(b"text/html").is_none_or(|h| j < h));
            }
            Known::MaxForwards => self.max_forwards = Some(value),
        }
    }

    /// How the body is framed; `bodiless` as in [`body::frame`].
    #[must_use]
    pub fn frame(&self, response: bool, bodiless: bool) -> Frame {
        let head = Head { response, length: self.length, transfer: self.transfer.clone(), ..Head::default() };
        body::frame(&head, bodiless)
    }
}

/// Whether a word of TE is the one that may go on.
#[must_use]
pub fn is_trailers(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"trailers")
}

/// The words of a list with commas.
pub fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|b| *b == b',').map(<[u8]>::trim_ascii).filter(|w| !w.is_empty())
}

/// The first line of a request.
#[derive(Debug, Clone, Copy)]
pub struct RequestLine<'b> {
    /// Method.
    pub method: &'b [u8],
    /// Target as written.
    pub target: &'b [u8],
    /// HTTP/1.0.
    pub old: bool,
    /// What is wrong with it.
    pub wrong: Option<&'static Note>,
}

/// Reads a request's first line strictly (RFC 9112 §3); what is wrong is said, and what can be made out is given all the same.
#[must_use]
pub fn request_line(line: &[u8]) -> RequestLine<'_> {
    let parts = parse::request_line(line);
    let part = |r: &std::ops::Range<usize>| line.get(r.clone()).unwrap_or(&[]);
    let (method, target, version) = (part(&parts.method), part(&parts.target), part(&parts.version));
    let visible = |b: &u8| *b > b' ' && *b != 0x7f;
    let wrong: Option<&'static Note> = if method.is_empty() || !method.iter().all(|b| parse::is_tchar(*b)) || target.is_empty() {
        Some(&n::ODD_REQUEST_LINE)
    } else if version.is_empty() {
        Some(&n::NO_VERSION)
    } else if parts.odd || !target.iter().all(visible) {
        Some(&n::ODD_REQUEST_LINE)
    } else {
        match version {
            [b'H', b'T', b'T', b'P', b'/', b'1', b'.', x] if x.is_ascii_digit() => None,
            [b'H', b'T', b'T', b'P', b'/', a, b'.', b] if a.is_ascii_digit() && b.is_ascii_digit() => Some(&n::VERSION_UNKNOWN),
            _ => Some(&n::ODD_REQUEST_LINE),
        }
    };
    RequestLine { method, target, old: version == b"HTTP/1.0", wrong }
}

/// The first line of a response: status, whether it is HTTP/1.0, and what is wrong with it (RFC 9112 §4).
#[must_use]
pub fn status_line(line: &[u8]) -> (u16, bool, Option<&'static Note>) {
    let parts = parse::status_line(line);
    let version = line.get(parts.version.clone()).unwrap_or(&[]);
    let good = version.starts_with(b"HTTP/1.") && !parts.odd && parts.status >= 100;
    (parts.status, version == b"HTTP/1.0", (!good).then_some(&n::ODD_STATUS_LINE))
}

/// What is wrong with the transfer codings of a head (RFC 9112 §6.1, §6.3).
#[must_use]
pub fn wrong_coding(said: &Said<'_>, old: bool, response: bool) -> Option<&'static Note> {
    let t = said.transfer.as_ref()?;
    if old {
        return Some(&n::CODING_IN_10);
    }
    if t.not_last || (!t.chunked && !response) {
        return Some(&n::CHUNKED_NOT_LAST);
    }
    // `identity` is none any more, and what no one knows may hide one.
    let named = t.codings.len();
    (t.unknown || (!t.chunked && named == 0)).then_some(&n::CODING_ODD)
}
