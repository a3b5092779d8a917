//! `--columns`: tables of chosen columns, those that rows have and any field, all of them brought by reading the capture again once.

use crate::asserting::Of;
use crate::dump::bulk::{Source, facts, source, written};
use crate::dump::names::{check, column as list_column};
use crate::exporting::Material;
use crate::harvest::{self, Part};
use crate::later;
use crate::reading::Failure;
use crate::tabling;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use wirelore_export::frame::Clock;
use wirelore_export::rows::{self, Row};
use wirelore_export::separated::values;
use wirelore_export::shape::shape;
use wirelore_export::spell::{self, Place};
use wirelore_filter::{Fact, FactSource, Wants};
use wirelore_kit::row::NONE;
use wirelore_kit::{F, Kind, PacketLine, TreeSource, What};
use wirelore_store::query::Bits;

/// The values of one column in one row: a field may come several times, or not at all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Values(Vec<Value>);

impl Values {
    /// As JSON: none is null, several are a list.
    #[must_use]
    pub fn json(&self) -> Value {
        match self.0.as_slice() {
            [] => Value::Null,
            [one] => one.clone(),
            all => all.into(),
        }
    }

    /// In a line of comma-separated values: several stand with commas between them, in quotes.
    #[must_use]
    pub fn csv(&self) -> String {
        let text = |v: &Value| match v {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        self.0.iter().map(text).collect::<Vec<_>>().join(",")
    }
}

/// Where the values of a column come from.
enum Origin {
    /// A column that the rows have, by its index.
    Own(usize),
    /// What is known of a frame as such.
    Frame(&'static str),
    /// What rows know of the messages completed in a packet.
    Exchange(Fact, F),
    /// These fields.
    Fields(Vec<F>),
    /// A packet's tree.
    Tree,
}

/// Chosen columns.
pub struct Columns {
    names: Vec<String>,
    origins: Vec<Origin>,
    /// The columns that a field goes to, by its address.
    of_field: HashMap<usize, Vec<usize>>,
    wants: Wants,
}

fn address(f: F) -> usize {
    std::ptr::from_ref(f).addr()
}

impl Columns {
    /// Those of `names`, for a kind of rows; none means those that the rows have.
    ///
    /// # Errors
    /// The names that are not known; fields of rows that have none.
    pub fn of(of: Of, names: &[String]) -> Result<Columns, Failure> {
        let own = tabling::columns(of);
        // The columns of the list by Wireshark's names, in its order.
        let listed = |name: &str| {
            let ours = ["packet", "time", "source", "destination", "protocol", "length", "info"];
            list_column(name).and_then(|c| ours.get(c)).copied().filter(|_| of == Of::Packets)
        };
        let mut all = Columns { names: names.to_vec(), origins: Vec::new(), of_field: HashMap::new(), wants: Wants::default() };
        for (at, name) in names.iter().enumerate() {
            let short = listed(name).unwrap_or(name);
            let origin = match own.iter().position(|c| c.name == short) {
                Some(own) => Origin::Own(own),
                None => {
                    check("--columns", std::slice::from_ref(name))?;
                    match source(name) {
                        Some(Source::Frame(name)) => Origin::Frame(name),
                        Some(Source::Exchange(fact, field)) => Origin::Exchange(fact, field),
                        Some(Source::Fields(fields)) => Origin::Fields(fields),
                        None => Origin::Tree,
                    }
                }
            };
            let refused = |why: &str| {
                let own: Vec<&str> = own.iter().map(|c| c.name).collect();
                let text = format!("--columns {name}: {why} These rows have: {}.", own.join(", "));
                Failure { text, code: crate::cli::exit::OPTION }
            };
            match &origin {
                Origin::Own(_) => {}
                _ if of == Of::Connections => {
                    return Err(refused("connections have no fields; --of messages and --of packets have."));
                }
                Origin::Tree if of != Of::Packets => {
                    return Err(refused("a heading or a protocol is there or not, and has no value; --of packets shows that."));
                }
                Origin::Exchange(..) if of != Of::Packets => {
                    return Err(refused("it is told of packets: --of packets has it."));
                }
                Origin::Fields(fields) => {
                    for f in fields {
                        all.of_field.entry(address(f)).or_default().push(at);
                        if !all.wants.fields.iter().any(|w| w.is(f)) {
                            all.wants.fields.push(f);
                        }
                    }
                }
                _ => {}
            }
            all.origins.push(origin);
        }
        Ok(all)
    }

    /// Whether none was chosen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Their names.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.names.clone()
    }

    /// A row's values with their names.
    #[must_use]
    pub fn record(&self, values: &[Values]) -> Map<String, Value> {
        self.names.iter().cloned().zip(values.iter().map(Values::json)).collect()
    }

    /// Hands on the values of the chosen rows (rising), or of all: packets and connections in their order, messages and exchanges in the
    /// order of the packets that complete them.
    ///
    /// # Errors
    /// The bytes are gone, it was cancelled, or what `take` says.
    pub fn each(
        &self,
        m: &Material<'_>,
        of: Of,
        chosen: Option<&[u32]>,
        take: &mut dyn FnMut(&[Values]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match of {
            Of::Packets => self.packets(m, chosen, take),
            Of::Messages | Of::Exchanges => self.messages(m, of, chosen, take),
            Of::Connections => tabling::each(m, of, chosen, &mut |_, row| {
                let mut values = self.blank();
                self.own(&mut values, row);
                take(&values)
            }),
        }
    }

    fn blank(&self) -> Vec<Values> {
        self.names.iter().map(|_| Values::default()).collect()
    }

    fn own(&self, values: &mut [Values], row: &Row) {
        for (origin, values) in self.origins.iter().zip(values) {
            if let Origin::Own(at) = origin {
                values.0.extend(row.values.get(*at).map(rows::Datum::json).filter(|v| !v.is_null()));
            }
        }
    }

    fn part(&self, values: &mut [Values], part: &Part) {
        for k in &part.kept {
            for at in self.of_field.get(&address(k.field)).into_iter().flatten() {
                let (Some(name), Some(values)) = (self.names.get(*at), values.get_mut(*at)) else { continue };
                values.0.push(typed(name, k.field, &k.value, part.bytes(k)));
            }
        }
    }

    fn frame(&self, values: &mut [Values], m: &Material<'_>, known: &FactSource, clock: &mut Clock, n: u32) {
        let Some(frame) = clock.at(m.snapshot, n) else { return };
        for (origin, values) in self.origins.iter().zip(values) {
            match origin {
                Origin::Frame(name) => values.0.extend(facts(&frame, name).map(|(f, v)| typed(name, f, &v, &[]))),
                Origin::Exchange(fact, f) => {
                    known.of_packet(n, *fact, &mut |v| {
                        values.0.push(typed(f.name, f, &written(f, v.value), &[]));
                        true
                    });
                }
                _ => {}
            }
        }
    }

    /// What is known of packets besides their bytes.
    fn known(&self, m: &Material<'_>) -> Result<FactSource, Failure> {
        let of = |o: &Origin| if let Origin::Exchange(fact, _) = o { Some(*fact) } else { None };
        let wants = Wants { facts: self.origins.iter().filter_map(of).collect(), ..Wants::default() };
        let later = later::find_out(m.recall, m.snapshot, &wants, m.work)?;
        Ok(FactSource::new(Arc::clone(m.snapshot), &wants).with_later(later))
    }

    fn has(&self, what: impl Fn(&Origin) -> bool) -> bool {
        self.origins.iter().any(what)
    }

    fn packets(
        &self,
        m: &Material<'_>,
        chosen: Option<&[u32]>,
        take: &mut dyn FnMut(&[Values]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let s = m.snapshot;
        let (trees, own) = (self.has(|o| matches!(o, Origin::Tree)), self.has(|o| matches!(o, Origin::Own(_))));
        let mut rows = Bits::none(s.packets());
        match chosen {
            Some(chosen) => chosen.iter().for_each(|n| rows.set(*n)),
            None => rows = Bits::all(s.packets()),
        }
        let mut clock = Clock::default();
        let known = self.known(m)?;
        let mut one = |n: u32, parts: &mut dyn FnMut(&mut Vec<Values>)| -> Result<(), Failure> {
            let mut values = self.blank();
            if own {
                let line = m.recall.lines(n..n.saturating_add(1), m.work.cancel())?.pop().unwrap_or_else(PacketLine::default);
                if let Some(row) = rows::packet(s, n, &line) {
                    self.own(&mut values, &row);
                }
            }
            if trees {
                let frame = Clock::default().of_message(s, n);
                let tree = m.recall.tree(What::Packet(n), m.work.cancel())?;
                let shape = shape(&tree, &frame);
                for ((origin, name), to) in self.origins.iter().zip(&self.names).zip(&mut values) {
                    if matches!(origin, Origin::Tree) {
                        to.0.extend(self::values(&shape, name, Place::Column).into_iter().map(Value::from));
                    }
                }
            }
            parts(&mut values);
            self.frame(&mut values, m, &known, &mut clock, n);
            take(&values)
        };
        if self.wants.fields.is_empty() {
            m.work.expect(u64::from(s.packets()));
            for n in rows.iter() {
                m.work.did(1);
                if m.work.is_cancelled() {
                    return Err(crate::recall::cancelled().into());
                }
                one(n, &mut |_| {})?;
            }
            return Ok(());
        }
        let mut failed = None;
        harvest::harvest(m.recall, s, &self.wants, rows, m.work, &mut |row| match one(row.packet, &mut |values| {
            row.parts().for_each(|p| self.part(values, p))
        }) {
            Ok(()) => ControlFlow::Continue(()),
            Err(e) => {
                failed = Some(e);
                ControlFlow::Break(())
            }
        })?;
        failed.map_or(Ok(()), Err)
    }

    /// Messages, or exchanges as their question with its packet's layers and its answer.
    fn messages(
        &self,
        m: &Material<'_>,
        of: Of,
        chosen: Option<&[u32]>,
        take: &mut dyn FnMut(&[Values]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let s = m.snapshot;
        let make = if of == Of::Messages { rows::message } else { rows::exchange };
        let all = crate::exporting::count(s, of);
        // By packet: the messages completed in it that belong to wanted rows.
        let (mut packets, mut wanted) = (Bits::none(s.packets()), BTreeMap::<u32, Vec<u32>>::new());
        let (mut row_of, mut still, mut bare) = (HashMap::<u32, u32>::new(), HashMap::<u32, usize>::new(), Vec::new());
        let mut want = |id: u32| {
            let messages = match of {
                Of::Messages => vec![id],
                _ => s.exchange(id).map_or_else(Vec::new, |e| vec![e.ask, e.answer]),
            };
            let done: Vec<(u32, u32)> =
                messages.into_iter().filter_map(|n| Some((n, s.message(n)?.done))).filter(|(_, done)| *done != NONE).collect();
            for (n, done) in &done {
                packets.set(*done);
                wanted.entry(*done).or_default().push(*n);
                row_of.insert(*n, id);
            }
            if done.is_empty() { bare.push(id) } else { _ = still.insert(id, done.len()) }
        };
        match chosen {
            Some(chosen) => chosen.iter().for_each(|id| want(*id)),
            None => (0..all).for_each(want),
        }
        let mut finish = |id: u32, mut values: Vec<Values>| -> Result<(), Failure> {
            let Some(row) = make(s, id) else { return Ok(()) };
            self.own(&mut values, &row);
            take(&values)
        };
        let (mut open, mut framed, mut clock) = (HashMap::<u32, Vec<Values>>::new(), HashSet::new(), Clock::default());
        let known = self.known(m)?;
        let mut failed = None;
        let mut at = |packet: u32, row: Option<&harvest::Row>| -> Result<(), Failure> {
            for n in wanted.get(&packet).into_iter().flatten() {
                let Some(id) = row_of.get(n).copied() else { continue };
                let values = open.entry(id).or_insert_with(|| self.blank());
                // Layers and times are those of the packet that completed the first of them: the question's.
                if framed.insert(id) {
                    row.into_iter().for_each(|r| self.part(values, &r.layers));
                    self.frame(values, m, &known, &mut clock, packet);
                }
                let part = row.and_then(|r| r.messages.iter().find(|p| p.message == Some(*n)));
                part.into_iter().for_each(|p| self.part(values, p));
                let left = still.entry(id).or_default();
                *left = left.saturating_sub(1);
                if *left == 0 {
                    framed.remove(&id);
                    let values = open.remove(&id).unwrap_or_default();
                    finish(id, values)?;
                }
            }
            Ok(())
        };
        if self.wants.fields.is_empty() {
            packets.iter().try_for_each(|n| at(n, None))?;
        } else {
            harvest::harvest(m.recall, s, &self.wants, packets, m.work, &mut |row| match at(row.packet, Some(row)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(e) => {
                    failed = Some(e);
                    ControlFlow::Break(())
                }
            })?;
        }
        failed.map_or(Ok(()), Err)?;
        // What the capture ends in has no packet that completes it.
        bare.into_iter().try_for_each(|id| finish(id, self.blank()))
    }
}

/// A field's value: numbers that are written in decimal are numbers, the rest is as columns spell it.
fn typed(name: &str, field: F, value: &wirelore_kit::Value, bytes: &[u8]) -> Value {
    match (field.kind, value) {
        (Kind::Bool, wirelore_kit::Value::Bool(yes)) => (*yes).into(),
        (Kind::Bool, wirelore_kit::Value::U64(n)) => (*n != 0).into(),
        (Kind::Dec, wirelore_kit::Value::U64(n)) => (*n).into(),
        (Kind::Signed, wirelore_kit::Value::I64(n)) => (*n).into(),
        _ => spell::spelled(name, field, value, bytes, Place::Column).into(),
    }
}
