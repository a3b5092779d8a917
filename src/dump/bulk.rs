//! `-e` without trees: where only plain fields are asked for, all packets are read in one go on several threads, and nothing else is kept.

use super::names::column;
use super::{Dump, Form, Out};
use crate::harvest::harvest;
use crate::later;
use crate::names::{fields, registry};
use crate::reading::Failure;
use crate::session::Session;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use wirelore_export::frame::{self, Clock, Frame};
use wirelore_export::separated::Layout;
use wirelore_export::shape::{also, name_of};
use wirelore_export::spell::{self, Place};
use wirelore_filter::{Fact, FactSource, Reads, Type, Wants};
use wirelore_kit::{F, Field, Kind, Transport, Value};
use wirelore_store::query::{Bits, MessageFact};
use wirelore_store::{Snapshot, Work};

/// Where the values of a name come from.
pub(crate) enum Source {
    /// What is known of the frame as such.
    Frame(&'static str),
    /// What rows know of their messages: times of answers, frames of questions.
    Exchange(Fact, F),
    /// These fields.
    Fields(Vec<F>),
}

impl Source {
    /// The fact that it is.
    pub(crate) const fn fact(&self) -> Option<Fact> {
        if let Source::Exchange(fact, _) = self { Some(*fact) } else { None }
    }
}

/// What is read in bulk.
pub(super) struct Bulk {
    names: Vec<String>,
    sources: Vec<Source>,
    wants: Wants,
    /// The columns that a field goes to, by its address.
    columns: HashMap<usize, Vec<usize>>,
    layout: Layout,
}

fn address(f: F) -> usize {
    std::ptr::from_ref(f).addr()
}

impl Bulk {
    /// The plan for what is asked; `None` where that needs trees.
    pub(super) fn plan(args: &Dump, layout: &Layout) -> Option<Bulk> {
        if args.form != Form::Fields || args.fields.is_empty() || args.fields.iter().any(|n| column(n).is_some()) {
            return None;
        }
        let sources: Vec<Source> = args.fields.iter().map(|name| source(name)).collect::<Option<_>>()?;
        let mut wants = Wants::default();
        let mut columns: HashMap<usize, Vec<usize>> = HashMap::new();
        for (i, source) in sources.iter().enumerate() {
            let Source::Fields(all) = source else { continue };
            for f in all {
                columns.entry(address(f)).or_default().push(i);
                if !wants.fields.iter().any(|w| w.is(f)) {
                    wants.fields.push(f);
                }
            }
        }
        Some(Bulk { names: args.fields.clone(), sources, wants, columns, layout: layout.clone() })
    }

    /// Prints the packets of `rows`.
    pub(super) fn print(
        &self,
        out: &mut Out<'_>,
        session: &Session,
        s: &Arc<Snapshot>,
        rows: Bits,
        clock: &mut Clock,
    ) -> Result<(), Failure> {
        let wants = Wants { facts: self.sources.iter().filter_map(Source::fact).collect(), ..Wants::default() };
        let later = later::find_out(&session.recall, s, &wants, &Work::new())?;
        let facts = FactSource::new(Arc::clone(s), &wants).with_later(later);
        let mut text = String::new();
        let mut values: Vec<Vec<String>> = self.names.iter().map(|_| Vec::new()).collect();
        let mut failed = None;
        let mut each = |n: u32, fill: &mut dyn FnMut(&mut Vec<Vec<String>>)| {
            let Some(frame) = clock.at(s, n) else { return ControlFlow::Continue(()) };
            values.iter_mut().for_each(Vec::clear);
            for (source, values) in self.sources.iter().zip(&mut values) {
                match source {
                    Source::Frame(name) => values.extend(of_frame(&frame, name)),
                    Source::Exchange(fact, f) => facts.of_packet(n, *fact, &mut |v| {
                        values.push(spell::spelled(f.name, f, &written(f, v.value), &[], Place::Column));
                        true
                    }),
                    Source::Fields(_) => {}
                }
            }
            fill(&mut values);
            text.clear();
            self.layout.line(&mut text, values.iter().map(Vec::as_slice));
            match out.text(&text) {
                Ok(()) => ControlFlow::Continue(()),
                Err(e) => {
                    failed = Some(e);
                    ControlFlow::Break(())
                }
            }
        };
        if self.wants.fields.is_empty() {
            for n in rows.iter() {
                if each(n, &mut |_| {}) == ControlFlow::Break(()) {
                    break;
                }
            }
        } else {
            harvest(&session.recall, s, &self.wants, rows, &Work::new(), &mut |row| {
                each(row.packet, &mut |values| {
                    for part in row.parts() {
                        for k in &part.kept {
                            for i in self.columns.get(&address(k.field)).into_iter().flatten() {
                                let (Some(name), Some(values)) = (self.names.get(*i), values.get_mut(*i)) else { continue };
                                values.push(spell::spelled(name, k.field, &k.value, part.bytes(k), Place::Column));
                            }
                        }
                    }
                })
            })?;
        }
        failed.map_or(Ok(()), Err)
    }
}

/// Where a name's values come from, if no tree is needed.
pub(crate) fn source(name: &str) -> Option<Source> {
    let fact = frame::FIELDS.iter().find(|f| f.name == name);
    if let Some(fact) = fact {
        let plain = name.starts_with("frame.") && name != "frame.protocols";
        return (plain || name.starts_with("tcp.time_") || name.starts_with("udp.time_")).then_some(Source::Frame(fact.name));
    }
    if let Some((fact, of)) = exchange(name) {
        return Some(Source::Exchange(fact, of));
    }
    let stands = |f: &F| name_of(f) == name || f.name == name || also(name_of(f)).contains(&name);
    // Protocols may share a field.
    let mut all: Vec<F> = Vec::new();
    for f in fields().filter(stands) {
        if !all.iter().any(|known| known.is(f)) {
            all.push(f);
        }
    }
    let plain = !all.is_empty() && all.iter().all(|f| f.kind != Kind::Group);
    plain.then_some(Source::Fields(all))
}

/// The facts of a frame that have a name.
pub(crate) fn facts(f: &Frame, name: &str) -> impl Iterator<Item = (F, Value)> {
    f.facts()
        .chain(f.times_in_stream(Transport::Tcp))
        .chain(f.times_in_stream(Transport::Udp))
        .filter(move |(field, _)| field.name == name)
}

/// How values of exchanges are spelled: no tree has them.
static SECONDS: Field = Field::new("exchange.time", "Time", Kind::Duration);
static FLOAT: Field = Field::new("exchange.milliseconds", "Time", Kind::Text);
static FRAME: Field = Field::new("exchange.frame", "Frame", Kind::Dec);

/// A value as the field that stands for its fact takes it: a number with a fraction, in billionths, is text.
pub(crate) fn written(of: F, value: &Value) -> Value {
    match value {
        Value::I64(n) if of.is(&FLOAT) => {
            let text = format!("{}.{:09}", n / 1_000_000_000, (n % 1_000_000_000).abs());
            Value::from(text.trim_end_matches('0').trim_end_matches('.'))
        }
        other => other.clone(),
    }
}

/// The fact of an exchange that is called so.
pub(super) fn exchange(name: &str) -> Option<(Fact, F)> {
    let name = registry().get(name)?;
    let Reads::Fact(fact) = name.reads else { return None };
    let of = match fact {
        Fact::Message(of) => {
            matches!(of, MessageFact::AnswerTo(_) | MessageFact::AnsweredIn(_) | MessageFact::AnsweredAfter(_))
        }
        _ => fact.looks_ahead(),
    };
    let how: F = match name.of {
        Type::Duration => &SECONDS,
        Type::Float => &FLOAT,
        _ => &FRAME,
    };
    of.then_some((fact, how))
}

/// A fact of a frame, as it is spelled.
fn of_frame(f: &Frame, name: &str) -> Vec<String> {
    facts(f, name).map(|(field, value)| spell::spelled(name, field, &value, &[], Place::Column)).collect()
}
