//! The flags of `wirelore export`.

use crate::asserting::Of;
use crate::cli::From;
use crate::objects::Kind;
use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use std::fmt::Write as _;
use std::path::PathBuf;
use wirelore_export::copy_as::FORMS;
use wirelore_export::rows;

/// `wirelore export`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["har", "copy_as", "jsonl", "json", "csv", "parquet", "eml", "mbox", "raw", "objects"]))]
#[command(after_long_help = columns())]
pub struct Export {
    /// Where from.
    #[command(flatten)]
    pub from: From,
    /// Write every HTTP exchange as a HAR 1.2 to this file, which is written over; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub har: Option<PathBuf>,
    /// Print every request as a command or code that makes it again: curl, httpie, wget, fetch, python, reqwest, openssl, websocat; letters: swaks.
    #[arg(long = "as", value_name = "FORM", value_parser = PossibleValuesParser::new(FORMS.map(|f| f.0)))]
    pub copy_as: Option<String>,
    /// Print each row as a JSON object on a line of its own; of messages the key fields, too.
    #[arg(long)]
    pub jsonl: bool,
    /// Print the same objects as one JSON array.
    #[arg(long)]
    pub json: bool,
    /// Print rows as comma-separated values (RFC 4180), names of columns first.
    #[arg(long)]
    pub csv: bool,
    /// Write rows as Parquet files below this folder, by day (UTC) and protocol: DIR/day=2026-11-23/protocol=http/CAPTURE-part-0.parquet.
    #[arg(long, value_name = "DIR")]
    pub parquet: Option<PathBuf>,
    /// The rows of --jsonl, --json, --csv and --parquet.
    #[arg(long, value_enum, value_name = "ROWS", default_value = "messages", conflicts_with_all = ["har", "copy_as", "eml", "mbox", "raw", "objects"])]
    pub of: Of,
    /// These columns instead of those that the rows have: columns by their names, and any field: packet,time,ip.src,http.host.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', conflicts_with_all = ["har", "copy_as", "parquet", "eml", "mbox", "raw", "objects"])]
    pub columns: Vec<String>,
    /// Write every letter that was sent or fetched (SMTP, LMTP, POP3, IMAP) to this folder, byte for byte; nothing in it is written over.
    #[arg(long, value_name = "DIR")]
    pub eml: Option<PathBuf>,
    /// Write the same letters to one file (mbox, RFC 4155), which is written over; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub mbox: Option<PathBuf>,
    /// Write the bytes of a stream: 5 or tcp,5; udp,0; what is inside it: tls,5, http,5, http2,5,1, websocket,5. What is missing is said.
    #[arg(long, value_name = "STREAM")]
    pub raw: Option<String>,
    /// The side whose bytes --raw writes.
    #[arg(long, value_enum, default_value = "both", requires = "raw")]
    pub side: Side,
    /// Write --raw to this file, which is written over, instead of standard output.
    #[arg(short = 'w', long = "write", value_name = "FILE", requires = "raw")]
    pub write: Option<PathBuf>,
    /// Write every object of a kind to a folder: http, ftp, tftp, mail, certificates, websocket. Nothing in it is written over.
    #[arg(long, num_args = 2, value_names = ["KIND", "DIR"])]
    pub objects: Vec<String>,
    /// Only what matches, in the language of display filters: rows, exchanges, or the messages that letters and objects stand in.
    #[arg(short = 'Y', long = "filter", value_name = "FILTER", conflicts_with = "raw")]
    pub filter: Option<String>,
    /// Only the exchanges whose request or answer ends in this packet (as `dump -m` numbers them). May be given several times.
    #[arg(long, value_name = "N", conflicts_with_all = ["jsonl", "json", "csv", "parquet", "eml", "mbox", "raw", "objects"])]
    pub frame: Vec<u32>,
}

/// Whose bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Side {
    /// The client's.
    Client,
    /// The server's.
    Server,
    /// Both, in the order in which they came.
    Both,
}

impl Export {
    /// What --objects names.
    ///
    /// # Errors
    /// There is no such kind; says which there are.
    pub fn objects(&self) -> Result<Option<(Kind, PathBuf)>, String> {
        let [kind, folder] = self.objects.as_slice() else { return Ok(None) };
        Ok(Some((object_kind(kind)?, PathBuf::from(folder))))
    }
}

/// A kind of objects by its name, or by tshark's.
///
/// # Errors
/// There is no such kind; says which there are.
pub fn object_kind(name: &str) -> Result<Kind, String> {
    let known = || Kind::value_variants().iter().filter_map(ValueEnum::to_possible_value).collect::<Vec<_>>();
    Kind::from_str(name, true).map_err(|_| {
        let names: Vec<String> = known().iter().map(|v| v.get_name().to_owned()).collect();
        format!("{name} is no kind of objects; {} are.", names.join(", "))
    })
}

/// The columns of every kind of rows, for the manual.
fn columns() -> String {
    let mut text = String::from(
        "Columns keep their names and meanings. Times are UTC (ISO 8601 with nanoseconds; in Parquet microseconds, and the nanoseconds since \
         1970 as time_ns). Rows begin at 0, packets at 1. In JSON a message has `fields` besides: its key fields by their names, lists where \
         they come several times; in Parquet each is a column, and `repeated` has as JSON those that come several times.\n",
    );
    for (rows, columns) in [
        ("packets", rows::PACKETS),
        ("messages", rows::MESSAGES),
        ("exchanges", rows::EXCHANGES),
        ("connections", rows::CONNECTIONS),
    ] {
        let _ = write!(text, "\nColumns of {rows}:\n");
        for c in columns {
            let _ = writeln!(text, "  {:<16} {}", c.name, c.means);
        }
    }
    text
}
