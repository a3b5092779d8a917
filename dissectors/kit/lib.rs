//! The ground: the words that every room of Wirelore speaks, and the contract that dissectors keep.
//!
//! It knows no protocol, does no IO and has no clock.
//!
//! A dissector reads with a [`Reader`]: taking bytes, naming them and fixing their range are one call.
//!
//! ```
//! use wirelore_kit::*;
//! static LEN: Field = Field::new("toy.len", "Length", Kind::Dec);
//! static WORD: Field = Field::new("toy.word", "Word", Kind::Text).key();
//!
//! let (mut sink, mut memo) = (Sink::default(), Memo::default());
//! let buf = BufId::arrival(0);
//! let mut r = Reader::new(b"\x05hello", buf, 0, true, Level::Tree, &mut sink, &mut memo);
//! let n = r.u8(&LEN).unwrap();
//! let word = r.text(&WORD, n.into()).unwrap();
//! assert_eq!(word.to_string(), "hello");
//! assert_eq!(sink.nodes[1].span, Span::new(buf, 1, 5));
//! assert_eq!(sink.cells.len(), 1); // WORD is a KEY field, so it is a column too
//! ```

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

pub mod chunks;
pub mod compare;
pub mod explain;
pub mod field;
pub mod held;
pub mod inflate;
mod keep;
pub mod layer;
pub mod middle;
pub mod near;
pub mod note;
pub mod out;
pub mod reader;
pub mod row;
pub mod secrets;
pub mod sink;
pub mod source;
pub mod span;
pub mod spec;
pub mod talk;
pub mod tree;
pub mod value;
pub mod verdict;
pub mod within;

pub use explain::{Explanations, FieldProse, NoteProse};
pub use field::{DATA, F, Field, Flags, Kind, Names, Role, TRAILING, UNKNOWN};
pub use inflate::{Broken, Copied, Inflater, Swift, Wrap, gunzip};
pub use keep::Keep;
pub use layer::{Layer, LayerClaim, LayerTurn, LayersRead, Next, PacketBytes, Pseudo, read_layers, read_packet};
pub use note::{About, Note, Noted, Severity};
pub use out::{Chunk, End, More, Op, Ops, Out};
pub use reader::{Memo, Reader, Stop};
pub use row::{Endpoint, Evidence, MessageState, PacketFacts, PacketRow, TcpAnalysis};
pub use secrets::{KeyLogRead, KeyTable, KeysThen, NoSecrets, SecretId, Secrets};
pub use sink::{Cell, Level, Mark, Sink};
pub use source::{Cancel, PacketLine, Problem, Strand, TreeSource, What};
pub use span::{BitRange, BufId, BufKind, ConvId, Dir, How, Piece, Side, Span};
pub use spec::{
    AfterGap, AfterGapPromise, Claim, Dissector, Expect, Expected, Fact, Framing, Hint, Peek, Relay, Resync, Spec, Start, State,
    Told, Transport, Turn, Verdict, content_reader_of, media_makes_rows, reader_of,
};
pub use tree::{Buffer, Node, Tie, Tree};
pub use value::{Text, Value};
