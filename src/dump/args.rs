//! The flags of `wirelore dump`: tshark's, where it has them.

use crate::cli::{Colour, From};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use wirelore_export::separated::Layout;
use wirelore_export::time::TimeStyle;

/// What packets are printed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub enum Form {
    /// A line for each packet; with -V its tree, with -x its bytes.
    #[default]
    Text,
    /// The same line with tabs between its columns.
    Tabs,
    /// The fields named with -e, laid out with -E.
    Fields,
    /// A JSON list of whole packets.
    Json,
    /// The same with the bytes of each field instead of its value.
    Jsonraw,
    /// Lines of JSON for Elasticsearch's bulk interface.
    Ek,
    /// Packets as XML, every field with its place.
    Pdml,
    /// The columns of the list as XML.
    Psml,
}

/// A capture format to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// pcapng, with interfaces, comments and keys.
    Pcapng,
    /// Classic pcap with microseconds.
    Pcap,
    /// Classic pcap with nanoseconds.
    Nsecpcap,
}

/// `wirelore dump`.
#[derive(Debug, Args, Default, Clone)]
pub struct Dump {
    /// Where from.
    #[command(flatten)]
    pub from: From,
    /// A line for each message instead of each packet.
    #[arg(short, long)]
    pub messages: bool,
    /// Only the packets that this display filter holds for (with -m: the messages). The language is Wireshark's: `http.request and ip.src
    /// == 10.0.0.0/8`.
    #[arg(short = 'Y', long = "filter", value_name = "FILTER", visible_short_alias = 'R')]
    pub filter: Option<String>,
    /// Read twice, as tshark's filters of the first pass want it (reading is always so here: accepted for hands that type it).
    #[arg(short = '2', hide_short_help = true)]
    pub two_passes: bool,
    /// Print what packets hold as: text, tabs, fields (with -e), json, jsonraw, ek, pdml or psml.
    #[arg(short = 'T', value_enum, value_name = "FORM", default_value = "text", hide_possible_values = true)]
    pub form: Form,
    /// A field to print with -T fields, json, ek or pdml, by the name that filters use, or a column: `_ws.col.Info`. May be given several
    /// times.
    #[arg(short = 'e', value_name = "FIELD")]
    pub fields: Vec<String>,
    /// How -T fields lays out its lines: header=y, separator=, (or /t, /s), occurrence=f|l|a, aggregator=, quote=d|s|n, bom=y. May be given
    /// several times.
    #[arg(short = 'E', value_name = "OPTION=VALUE")]
    pub layout: Vec<String>,
    /// With -T json, ek or pdml: write only what is directly inside these protocols and fields, as in "ip ip.flags".
    #[arg(short = 'j', value_name = "NAMES")]
    pub inside: Option<String>,
    /// The same, with all that is further inside.
    #[arg(short = 'J', value_name = "NAMES", conflicts_with = "inside")]
    pub below: Option<String>,
    /// With -T json: keys that would stand twice in an object become one with a list.
    #[arg(long)]
    pub no_duplicate_keys: bool,
    /// Print the whole tree of each.
    #[arg(short = 'V', long)]
    pub tree: bool,
    /// Print the trees of these protocols, of the others a line: `-O http,tls`.
    #[arg(short = 'O', value_name = "PROTOCOLS", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Print the bytes of each.
    #[arg(short = 'x', long)]
    pub hex: bool,
    /// Print what each message carries, made readable by its content: JSON, XML, HTML, forms, multiparts, protobuf, text.
    #[arg(long, requires = "messages")]
    pub bodies: bool,
    /// Read no more than so many packets (with -m: print no more than so many messages).
    #[arg(short = 'c', long, value_name = "N")]
    pub count: Option<u32>,
    /// How times are shown: r(elative), d(elta), dd (to the line before), e(poch), a, ad, adoy (here), u, ud, udoy (UTC); with .N digits.
    #[arg(short = 't', long, value_name = "STYLE[.DIGITS]", default_value = "r", value_parser = style)]
    pub time: TimeStyle,
    /// Write the packets to this capture instead of printing them; `.gz`, `.zst` and `.lz4` pack it.
    #[arg(short = 'w', long = "write", value_name = "FILE", conflicts_with = "messages")]
    pub write: Option<PathBuf>,
    /// The format that -w writes.
    #[arg(short = 'F', value_enum, value_name = "FORMAT", default_value = "pcapng", hide_possible_values = true)]
    pub format: Option<Format>,
    /// Print the packets although they are written to a file.
    #[arg(short = 'P', long)]
    pub print: bool,
    /// Print a conversation instead: `tcp,ascii,0` is what TCP stream 0 carries. tcp, udp, tls, http, http2 or websocket; ascii, hex, raw or
    /// yaml; the stream by number or as ADDRESS:PORT,ADDRESS:PORT, of HTTP/2 with its stream inside.
    #[arg(long, value_name = "PROTOCOL,FORM,STREAM[,INSIDE]")]
    pub follow: Vec<String>,
    /// Print a statistic behind the packets, in tshark's words: `follow,tcp,ascii,0`, or what `wirelore stats` knows: `conv,tcp`, `io,phs`.
    #[arg(short = 'z', value_name = "STATISTIC")]
    pub statistics: Vec<String>,
    /// Write every object of a kind to a folder, as `export --objects` does: http,DIR. May be given several times.
    #[arg(long, value_name = "KIND,DIR")]
    pub export_objects: Vec<String>,
    /// A setting as Wireshark calls it: `tls.keylog_file:FILE`, `tcp.relative_sequence_numbers:FALSE`.
    #[arg(short = 'o', value_name = "NAME:VALUE")]
    pub settings: Vec<String>,
    /// Write out each line at once.
    #[arg(short = 'l', long)]
    pub line_buffered: bool,
    /// Print no packets: only what -z or --follow asks for.
    #[arg(short = 'q', long)]
    pub quiet: bool,
    /// When to colour.
    #[arg(long, value_enum, default_value = "auto", value_name = "WHEN")]
    pub color: Colour,
    /// Wait for the file to grow.
    #[arg(short = 'f', long)]
    pub tail: bool,
}

fn style(text: &str) -> Result<TimeStyle, String> {
    TimeStyle::parse(text)
        .ok_or_else(|| "a, ad, adoy, d, dd, e, r, u, ud or udoy, and behind a point the digits, 0 to 9, as in r.3".to_owned())
}

impl Dump {
    /// The layout of `-T fields`.
    ///
    /// # Errors
    /// What is wrong with an option.
    pub fn layout(&self) -> Result<Layout, String> {
        let mut layout = Layout::default();
        for option in &self.layout {
            layout.set(option).map_err(|why| format!("-E {option}: {why}."))?;
        }
        Ok(layout)
    }
}
