//! FTP's data connection: one open message each way, a file's bytes or a listing read as a table.
//!
//! Nothing in its bytes says what it is: it is read where a control connection announced it, and that also says what it is for.

use super::listing::{self, Shape};
use std::num::NonZeroUsize;
use wirelore_kit::{
    About, AfterGap, AfterGapPromise, Claim, Dir, Dissector, End, F, Field, Framing, Hint, How, Kind, Level, Note, Out, Peek,
    Reader, Relay, Role, Severity, Spec, Start, State, Stop, Turn, Verdict,
};

macro_rules! fields {
    ($($id:ident = $field:expr;)*) => {
        $(pub(super) static $id: Field = $field;)*
        static ALL: &[F] = &[$(&$id),*];
    };
}

const fn own(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    Field::new(name, label, Kind::Text).rfc(rfc).oracle("-")
}

fields! {
    COMMAND = Field::new("ftp-data.command", "Command", Kind::Text).key().role(Role::Method).rfc("RFC 959 §5.3.1").oracle("-");
    FILE = own("ftp-data.file", "File", "RFC 959 §5.3.2").key().role(Role::File);
    CONTENT = Field::new("ftp-data.data", "Data", Kind::Bytes).rfc("RFC 959 §3").oracle("-");
    ENTRY = own("ftp-data.entry", "Entry", "RFC 3659 §7");
    TYPE = own("ftp-data.type", "Type", "RFC 3659 §7.5.1");
    PERMISSIONS = own("ftp-data.permissions", "Permissions", "RFC 959 §4.1.3");
    LINKS = Field::new("ftp-data.links", "Links", Kind::Dec).rfc("RFC 959 §4.1.3").oracle("-");
    OWNER = own("ftp-data.owner", "Owner", "RFC 959 §4.1.3");
    GROUP = own("ftp-data.group", "Group", "RFC 959 §4.1.3");
    SIZE = Field::new("ftp-data.size", "Size", Kind::Dec).rfc("RFC 3659 §7.5.7").oracle("-");
    MODIFIED = own("ftp-data.modified", "Last change", "RFC 3659 §7.5.3");
    NAME = own("ftp-data.name", "Name", "RFC 3659 §7.3");
    TARGET = own("ftp-data.target", "Points to", "RFC 959 §4.1.3");
    FACT = own("ftp-data.fact", "Fact", "RFC 3659 §7.5");
    FACT_NAME = own("ftp-data.fact.name", "Name of the fact", "RFC 3659 §7.2");
    FACT_VALUE = own("ftp-data.fact.value", "Value of the fact", "RFC 3659 §7.2");
    TOTAL = own("ftp-data.total", "Total", "RFC 959 §4.1.3");
    BETWEEN = own("ftp-data.between", "Between the columns", "RFC 959 §4.1.3");
    EOL = Field::new("ftp-data.eol", "End of line", Kind::Bytes).rfc("RFC 959 §3.1.1.1").oracle("-");
}

static PACKED: Note = Note::new(
    "ftp-data.note.packed",
    "The bytes are in block or compressed mode and not the file's own",
    Severity::Note,
    About::Limit,
)
.rfc("RFC 959 §3.4");
static NOTES: &[&Note] = &[&PACKED];

static SENDING: State = State { name: "ftp-data.state.sending", label: "Sending data" };
static DONE: State = State { name: "ftp-data.state.done", label: "All data sent" };

/// The data connection.
pub static SPEC: Spec = Spec {
    name: "ftp-data",
    label: "FTP data",
    framing: Framing::Stream,
    fields: ALL,
    notes: NOTES,
    claims: &[Claim::Named("ftp-data")],
    probe: |_: &Peek<'_>| Verdict::No,
    resync: None,
    states: &[&SENDING, &DONE],
    after_gap: AfterGapPromise::Within(0),
    relay: Relay::Opaque,
    middle: None,
    new: |start| Box::new(Data::new(start)),
    explain: &[("en", include_str!("explain-data.en.toml"))],
};

/// A line of a listing may be so long; more is no listing.
const MOST_LINE: usize = 8 << 10;
/// The first line decides whether bytes of unknown purpose are a listing, within so many bytes.
const MOST_FIRST: usize = 512;
/// So many entries are read in one go.
const MOST_LINES: usize = 4096;

/// What the bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// A file's, or nobody knows.
    Bytes,
    /// Lines of a listing.
    Listing(Option<Shape>),
    /// Not said; the first line will tell.
    Unknown,
}

#[derive(Debug, Clone, Copy)]
struct Half {
    open: bool,
    what: What,
    bytes: u64,
}

#[derive(Debug, Clone)]
struct Data {
    about: Box<str>,
    packed: bool,
    halves: [Half; 2],
}

impl Data {
    fn new(start: &Start) -> Data {
        let about: &str = start.expected.as_ref().map_or("", |e| &e.about);
        let (about, packed) = match about.split_once(" [MODE ") {
            Some((about, _)) => (about, true),
            None => (about, false),
        };
        let what = match about.split(' ').next().unwrap_or("") {
            _ if packed => What::Bytes,
            "" => What::Unknown,
            "LIST" | "STAT" => What::Listing(None),
            "NLST" => What::Listing(Some(Shape::Names)),
            "MLSD" => What::Listing(Some(Shape::Facts)),
            _ => What::Bytes,
        };
        Data { about: about.into(), packed, halves: [Half { open: false, what, bytes: 0 }; 2] }
    }

    fn half(&mut self, dir: Dir) -> &mut Half {
        let [a, b] = &mut self.halves;
        if dir == Dir::ToServer { a } else { b }
    }

    /// The name of the file that is moved, where one is.
    fn file(&self) -> Option<&str> {
        let (verb, name) = self.about.split_once(' ')?;
        matches!(verb, "RETR" | "STOR" | "STOU" | "APPE").then_some(name)
    }
}

/// Reads what is there: whole lines of a listing, or bytes. Returns what the bytes are known to be by now.
fn content(r: &mut Reader<'_>, what: What, ended: bool) -> Result<What, Stop> {
    let what = if what == What::Unknown { sniff(r, ended)? } else { what };
    let What::Listing(mut shape) = what else {
        r.bytes(&CONTENT, r.left())?;
        return Ok(what);
    };
    for n in 0..MOST_LINES {
        let rest = r.rest();
        let window = rest.get(..MOST_LINE).unwrap_or(rest);
        let len = match memchr::memchr(b'\n', window).and_then(|i| NonZeroUsize::new(i.saturating_add(1))) {
            Some(len) => len.get(),
            None if rest.len() >= MOST_LINE => {
                r.bytes(&CONTENT, MOST_LINE)?;
                continue;
            }
            None if rest.is_empty() => break,
            None if ended => rest.len(),
            None if n > 0 => break,
            None => return Err(Stop::Short { need: r.left().saturating_add(1) }),
        };
        let line = rest.get(..len).unwrap_or(rest);
        let shape = *shape.get_or_insert_with(|| listing::shape(line));
        listing::entry(r, len, shape)?;
    }
    // Each line may have a shape of its own unless the command says which it is.
    Ok(what)
}

/// Whether the first line looks like an entry of a listing.
fn sniff(r: &Reader<'_>, ended: bool) -> Result<What, Stop> {
    let rest = r.rest();
    let first = rest.get(..MOST_FIRST).unwrap_or(rest);
    match memchr::memchr(b'\n', first) {
        Some(i) => {
            let line = first.get(..=i).unwrap_or(first);
            let is = listing::shape(line) != Shape::Other;
            Ok(if is { What::Listing(None) } else { What::Bytes })
        }
        None if rest.len() >= MOST_FIRST || ended => Ok(What::Bytes),
        None => Err(Stop::Short { need: r.left().saturating_add(1) }),
    }
}

impl Dissector for Data {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let (here, at) = (r.span(0), r.at());
        if r.is_empty() {
            return Err(Stop::Short { need: 1 });
        }
        let half = *self.half(turn.dir);
        if !half.open {
            if !self.about.is_empty() {
                r.derived(&COMMAND, here, &*self.about);
            }
            if let Some(name) = self.file() {
                r.derived(&FILE, here, name);
            }
            if self.packed {
                r.note(&PACKED, here);
            }
            out.open();
            out.state(turn.dir.sender(), &SENDING);
            if self.about.is_empty() {
                out.summary("Data")
            } else {
                out.summary(&*self.about)
            }
            self.half(turn.dir).open = true;
            if r.level() == Level::Tree {
                // Its first line may take until the end of the connection; an open message can wait for that.
                return Ok(());
            }
        }
        let what = if r.level() == Level::Tree {
            content(r, half.what, turn.ended || r.is_bounded())?
        } else {
            // Lines are read for trees alone.
            r.bytes(&CONTENT, r.left())?;
            half.what
        };
        let taken = r.since(at);
        out.piece(taken);
        if out.level() > Level::Rows {
            out.inner(turn.dir.index() as u64, turn.dir, taken, How::Verbatim, Hint::Bytes("file"));
        }
        let half = self.half(turn.dir);
        half.what = what;
        half.bytes = half.bytes.saturating_add(u64::from(taken.len));
        Ok(())
    }

    fn gap(&mut self, dir: Dir, missing: u64, _: &mut Out<'_>) -> AfterGap {
        let half = self.half(dir);
        if missing == u64::MAX {
            return AfterGap::GiveUp;
        }
        half.bytes = half.bytes.saturating_add(missing);
        AfterGap::Carry
    }

    fn end(&mut self, dir: Dir, how: End, out: &mut Out<'_>) {
        let half = *self.half(dir);
        if !half.open {
            return;
        }
        let about = if self.about.is_empty() { "Data" } else { &*self.about };
        out.summary(format_args!("{about}: {} bytes", half.bytes));
        out.inner_end(dir.index() as u64, dir, how);
        // A connection that was reset or whose end was not seen may have had more to say.
        if how == End::Fin {
            out.state(dir.sender(), &DONE);
            out.close();
        }
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(self.clone()))
    }

    fn weight(&self) -> usize {
        size_of::<Data>().saturating_add(self.about.len())
    }
}
