//! Packets in each of the forms that `-T` names.

use super::bulk::Bulk;
use super::names::{TITLES, check as check_names, column};
use super::{Dump, Form, Out, wrong};
use crate::reading::Failure;
use crate::session::Session;
use wirelore_export::frame::Frame;
use wirelore_export::json::{self, Pick};
use wirelore_export::separated::{Layout, values};
use wirelore_export::shape::{Shape, shape};
use wirelore_export::spell::Place;
use wirelore_export::{pdml, text};
use wirelore_kit::{Cancel, PacketLine, Tree, TreeSource, What, verdict};
use wirelore_store::Snapshot;

/// What writes this, as PDML and PSML say it.
const CREATOR: &str = concat!("wirelore/", env!("CARGO_PKG_VERSION"));

/// Checks flags that concern the form of packets, before anything is read.
///
/// # Errors
/// What is wrong with them.
pub(super) fn check(args: &Dump) -> Result<(), Failure> {
    args.layout().map_err(wrong)?;
    if args.form == Form::Fields && args.fields.is_empty() {
        return Err(wrong("-T fields prints the fields that -e names; name one at least, as in -e ip.src.".into()));
    }
    if args.form != Form::Text && args.messages {
        return Err(wrong("-m prints lines; -T is for packets. Leave one of them out.".into()));
    }
    if !args.fields.is_empty() && !matches!(args.form, Form::Fields | Form::Json | Form::Ek | Form::Pdml) {
        return Err(wrong("-e is for -T fields, json, ek and pdml.".into()));
    }
    check_names("-e", &args.fields)
}

/// Prints packets.
pub(super) struct Packets<'a> {
    args: &'a Dump,
    layout: Layout,
    pick: Pick,
    /// The columns of the list are printed or asked for.
    columns: bool,
    /// How to do without trees.
    bulk: Option<Bulk>,
    first: bool,
    /// Where one packet is put together.
    text: String,
}

impl<'a> Packets<'a> {
    pub(super) fn new(args: &'a Dump) -> Result<Packets<'a>, Failure> {
        let words = |s: &Option<String>| s.iter().flat_map(|s| s.split_whitespace().map(str::to_owned)).collect::<Vec<_>>();
        let whole = args.below.is_some();
        let pick = Pick {
            only: if whole { words(&args.below) } else { words(&args.inside) },
            whole,
            no_duplicates: args.no_duplicate_keys,
            raw: args.hex || args.form == Form::Jsonraw,
            raw_only: args.form == Form::Jsonraw,
        };
        let columns =
            matches!(args.form, Form::Text | Form::Tabs | Form::Psml) || args.fields.iter().any(|f| column(f).is_some());
        let layout = args.layout().map_err(wrong)?;
        let bulk = Bulk::plan(args, &layout);
        Ok(Packets { args, layout, pick, columns, bulk, first: true, text: String::new() })
    }

    /// How all packets are printed in one go, where that can be done.
    pub(super) fn bulk(&self) -> Option<&Bulk> {
        self.bulk.as_ref()
    }

    pub(super) fn begin(&mut self, out: &mut Out<'_>) -> Result<(), Failure> {
        match self.args.form {
            Form::Fields => out.text(&self.layout.head(&self.args.fields)),
            Form::Json | Form::Jsonraw => out.text("[\n"),
            Form::Pdml => out.text(&pdml::head(CREATOR, &self.args.from.file.display().to_string())),
            Form::Psml => out.text(&pdml::summary_head(CREATOR, &TITLES)),
            Form::Text | Form::Tabs | Form::Ek => Ok(()),
        }
    }

    pub(super) fn end(&mut self, out: &mut Out<'_>) -> Result<(), Failure> {
        match self.args.form {
            Form::Json | Form::Jsonraw => out.text(if self.first { "]\n" } else { "\n]\n" }),
            Form::Pdml => out.text(pdml::FOOT),
            Form::Psml => out.text(pdml::SUMMARY_FOOT),
            Form::Text | Form::Tabs | Form::Fields | Form::Ek => Ok(()),
        }
    }

    /// Prints one packet.
    pub(super) fn packet(
        &mut self,
        out: &mut Out<'_>,
        session: &Session,
        s: &Snapshot,
        frame: &Frame,
        cancel: &Cancel,
    ) -> Result<(), Failure> {
        let n = frame.number;
        let line = if self.columns { line(session, n, cancel)? } else { PacketLine::default() };
        let columns = || {
            let number = (u64::from(n) + 1).to_string();
            let time = self.args.time.show(&frame.times(), frame.digits);
            let len = frame.len.to_string();
            [number, time, line.source.clone(), line.destination.clone(), line.protocol.clone(), len, line.info.clone()]
        };
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        match self.args.form {
            Form::Text => return self.lines(out, session, s, frame, &line, cancel),
            Form::Tabs => {
                text.push_str(&columns().map(|c| c.replace('\t', " ")).join("\t"));
                text.push('\n');
            }
            Form::Psml => pdml::summary(&mut text, columns().iter().map(String::as_str)),
            Form::Fields | Form::Json | Form::Jsonraw | Form::Ek | Form::Pdml => {
                let tree = session.recall.tree(What::Packet(n), cancel)?;
                let shape = shape(&tree, frame);
                if self.args.fields.is_empty() {
                    self.whole(&mut text, &shape, frame);
                } else {
                    let columns = if self.columns { columns().to_vec() } else { Vec::new() };
                    self.chosen(&mut text, &shape, frame, &columns);
                }
            }
        }
        self.first = false;
        out.text(&text)?;
        self.text = text;
        Ok(())
    }

    fn whole(&self, text: &mut String, shape: &Shape<'_>, frame: &Frame) {
        match self.args.form {
            Form::Ek => json::bulk(text, shape, frame.time, &self.pick),
            Form::Pdml => pdml::packet(text, shape, frame, &self.pick),
            _ => {
                if !self.first {
                    text.push_str(",\n");
                }
                json::packet(text, shape, frame.time, &self.pick);
            }
        }
    }

    /// The fields that -e names.
    fn chosen(&self, text: &mut String, shape: &Shape<'_>, frame: &Frame, columns: &[String]) {
        let of = |name: &String| match column(name) {
            Some(c) => columns.get(c).cloned().into_iter().collect(),
            None => values(shape, name, Place::Column),
        };
        let fields: Vec<(String, Vec<String>)> = self.args.fields.iter().map(|name| (name.clone(), of(name))).collect();
        match self.args.form {
            Form::Ek => json::bulk_chosen(text, &fields, frame.time),
            Form::Pdml => pdml::chosen(text, &fields, frame),
            Form::Json | Form::Jsonraw => {
                if !self.first {
                    text.push_str(",\n");
                }
                json::chosen(text, &fields, frame.time);
            }
            _ => self.layout.line(text, fields.iter().map(|(_, v)| v.as_slice())),
        }
    }

    /// A packet as a line; if wanted, its tree and its bytes.
    fn lines(
        &mut self,
        out: &mut Out<'_>,
        session: &Session,
        s: &Snapshot,
        frame: &Frame,
        line: &PacketLine,
        cancel: &Cancel,
    ) -> Result<(), Failure> {
        let n = frame.number;
        let time = self.args.time.show(&frame.times(), frame.digits);
        let trouble = s.packet(n).is_some_and(|row| row.bits & verdict::trouble() != 0);
        out.line(&text::packet_line(n, &time, frame.len, line), if trouble { "31" } else { "" })?;
        let trees = self.args.tree || !self.args.only.is_empty();
        if !trees && !self.args.hex {
            return Ok(());
        }
        let tree = session.recall.tree(What::Packet(n), cancel)?;
        if trees {
            out.line(&text::tree_of(&tree, &self.args.only), "")?;
        }
        if self.args.hex {
            self.bytes(out, &tree)?;
        }
        Ok(())
    }

    fn bytes(&self, out: &mut Out<'_>, tree: &Tree) -> Result<(), Failure> {
        for (i, b) in tree.buffers.iter().enumerate() {
            if i > 0 {
                out.line(&format!("{} ({} bytes):", b.label, b.bytes.len()), "")?;
            }
            out.line(&text::hex(b), "")?;
        }
        Ok(())
    }
}

fn line(session: &Session, n: u32, cancel: &Cancel) -> Result<PacketLine, Failure> {
    Ok(session.recall.lines(n..n.saturating_add(1), cancel)?.into_iter().next().unwrap_or_default())
}
