//! One open capture: its snapshot, its selection, and where each of its panes stands.

mod listed;
mod out;
mod talk;

use crate::carried::BodyKeeper;
use crate::desk::{Answer, Desk, Prepared};
use crate::door::{Capture, Conversations, Finder, Hit, Sieve, Waker};
use crate::exports::Exporter;
use crate::follow::FollowKeeper;
use crate::ladder;
use crate::ladder::keep::{CourseKeeper, LadderKeeper};
use crate::listing::{Item, Lister, lists_packets};
use crate::objects::Objects;
use crate::panes::statistics::Figures;
use crate::prefs::Prefs;
use crate::rows::{RowFolds, Rows};
use crate::seeking::Seeking;
use crate::select::{Focus, History, Level, Selection, Stop};
use crate::sifting::Sifting;
use crate::sniffing::Sniffing;
use crate::steering::Steering;
use crate::trace::Traced;
use crate::widgets::tree::Folds;
use crate::widgets::vlist::VState;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use wirelore_filter::Registry;
use wirelore_kit::{BufId, Dir, Span, What};
use wirelore_store::{Jobs, Snapshot};

/// A pane that keys can go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Region {
    /// The list.
    #[default]
    List,
    /// The ladder, the stream or the body.
    View,
    /// The fields.
    Fields,
    /// The bytes.
    Bytes,
}

impl Region {
    /// In the order in which keys walk them.
    pub const ALL: [Region; 4] = [Region::List, Region::View, Region::Fields, Region::Bytes];

    /// The widget that has egui's focus then.
    #[must_use]
    pub fn id(self) -> egui::Id {
        egui::Id::unique(match self {
            Region::List => "wirelore list",
            Region::View => "wirelore view",
            Region::Fields => "wirelore fields",
            Region::Bytes => "wirelore bytes",
        })
    }
}

/// What the pointer is over, in bytes and fields: the same path as the selection, but provisional.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Hover {
    /// Bytes of a buffer of the shown tree.
    pub span: Option<Span>,
    /// A node of the shown tree.
    pub node: Option<usize>,
    /// A message or packet, in a list or the ladder.
    pub row: Option<ladder::What>,
}

/// An open capture.
pub struct Tab {
    /// File name.
    pub title: String,
    /// Where it is.
    pub path: PathBuf,
    capture: Box<dyn Capture>,
    sieve: Arc<dyn Sieve>,
    /// The snapshot of this frame.
    pub snap: Arc<Snapshot>,
    /// Trees, lines, strands.
    pub desk: Desk,
    jobs: Jobs,
    /// How deep one looks.
    pub level: Level,
    /// The one selection.
    pub selection: Selection,
    /// Where one was.
    pub history: History,
    /// What is looked for.
    pub seeking: Seeking,
    finder: Arc<dyn Finder>,
    /// Which rows are listed.
    pub sifting: Sifting,
    /// Only this connection.
    pub only: Option<u32>,
    packet_rows: Lister,
    exchange_rows: Lister,
    rows: Arc<Rows>,
    row_folds: RowFolds,
    /// Place of the list of packets.
    pub packet_list: VState,
    /// Place of the list of exchanges.
    pub exchange_list: VState,
    /// Place of the story.
    pub story_list: VState,
    /// Open groups.
    pub folds: Folds,
    /// Place of the fields.
    pub field_list: VState,
    /// Place of the bytes.
    pub byte_list: VState,
    /// The buffer shown, if one was chosen.
    pub buffer: Option<BufId>,
    /// A byte to bring into view.
    pub reveal_byte: Option<u64>,
    /// A node to bring into view.
    pub reveal_node: bool,
    reveal_row: bool,
    /// Last frame's hover, read by all panes.
    pub hover: Hover,
    /// This frame's, written by any.
    pub hover_next: Hover,
    /// Where keys go.
    pub region: Region,
    source: Arc<dyn Conversations>,
    /// States and TCP events of the flow that is looked at.
    pub courses: CourseKeeper,
    /// The ladder.
    pub ladders: LadderKeeper,
    /// Place of the ladder, in points.
    pub ladder_list: VState,
    /// The arrow of the selection is to be brought into view.
    pub reveal_step: bool,
    /// The followed stream.
    pub follows: FollowKeeper,
    /// Place of the stream.
    pub stream_list: VState,
    /// The selected message is to be brought into view in the stream.
    pub reveal_stream: bool,
    /// What was found is to be brought into view.
    pub reveal_hit: bool,
    /// Place of the body.
    pub body_list: VState,
    /// Bodies made readable.
    bodies: BodyKeeper,
    /// The bytes that the body was brought into view for.
    pub body_seen: Option<Span>,
    /// Statistics, once looked at.
    pub figures: Figures,
    exporter: Arc<dyn Exporter>,
    /// What was transferred, once looked at.
    pub objects: Objects,
    /// Packets that the user marked.
    pub marked: BTreeSet<u32>,
    /// Whether reading was stopped by the user.
    pub stopped: bool,
    shown: Option<Arc<Prepared>>,
    /// Measures how long opening takes.
    pub traced: Option<Traced>,
    /// The captures on interfaces that bring it something.
    pub sniffing: Vec<Sniffing>,
    /// The proxy whose traffic this is.
    pub steering: Option<Steering>,
}

impl Tab {
    /// A tab over an open capture.
    #[must_use]
    pub fn new(path: PathBuf, capture: Box<dyn Capture>, prefs: &Prefs, wake: &Waker) -> Tab {
        let title = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
        let w = wake.clone();
        Tab {
            title,
            path,
            snap: capture.snapshot(),
            desk: Desk::new(capture.trees(), wake.clone()),
            jobs: Jobs::new(2, move || w()),
            source: capture.conversations(),
            sieve: capture.sieve(),
            level: prefs.level,
            selection: Selection::default(),
            history: History::default(),
            seeking: Seeking::default(),
            finder: capture.finder(),
            sifting: Sifting::default(),
            only: None,
            packet_rows: Lister::default(),
            exchange_rows: Lister::default(),
            rows: Arc::default(),
            row_folds: RowFolds::default(),
            packet_list: VState::default(),
            exchange_list: VState::default(),
            story_list: VState::default(),
            folds: Folds::default(),
            field_list: VState::default(),
            byte_list: VState::default(),
            buffer: None,
            reveal_byte: None,
            reveal_node: false,
            reveal_row: false,
            hover: Hover::default(),
            hover_next: Hover::default(),
            region: Region::List,
            courses: CourseKeeper::default(),
            ladders: LadderKeeper::default(),
            ladder_list: VState::default(),
            reveal_step: true,
            follows: FollowKeeper::default(),
            stream_list: VState::default(),
            reveal_stream: true,
            reveal_hit: false,
            body_list: VState::default(),
            bodies: BodyKeeper::default(),
            body_seen: None,
            figures: Figures::default(),
            exporter: capture.exporter(),
            objects: Objects::default(),
            marked: BTreeSet::new(),
            stopped: false,
            shown: None,
            traced: None,
            steering: None,
            sniffing: Vec::new(),
            capture,
        }
    }

    /// Takes the newest snapshot and lists; once a frame, before anything is drawn. `now` is egui's clock in seconds.
    pub fn step(&mut self, prefs: &Prefs, registry: &Registry, now: f64) {
        self.reveal_row |= self.sifting.read(registry);
        let new = self.capture.snapshot();
        if new.generation() != self.snap.generation() {
            // Trees and lines made of a half-read capture may say less than is known at its end; and behind its end only what is
            // read again, with new keys or as another protocol, makes a newer snapshot.
            if new.progress().done {
                self.desk.forget();
            }
            self.snap = new;
            self.follow_rows();
        }
        if let Some(s) = &mut self.steering {
            s.step();
        }
        for s in &mut self.sniffing {
            s.step();
        }
        if let Some(hit) = self.seeking.step() {
            self.go_to_hit(&hit);
        }
        let (snap, jobs, sieve) = (self.snap.clone(), self.jobs.clone(), self.sieve.clone());
        let wanted = self.wanted(prefs, lists_packets(self.level));
        if self.lister_mut().step(&jobs, &snap, &sieve, &wanted, now) {
            self.reveal_row |= self.list_state().reveal.is_none() && self.lister().now.wanted != wanted;
            self.take_list();
        }
        self.fold_rows();
        if self.selection.focus == Focus::Nothing && snap.packets() > 0 {
            self.selection = Selection::packet(&snap, 0, None);
        }
        if self.reveal_row
            && *self.rows.wanted() == wanted
            && let Some(row) = self.rows.row_of(&snap, &self.selection)
        {
            self.reveal_row = false;
            self.list_state_mut().show_row(row);
        }
        self.hover = std::mem::take(&mut self.hover_next);
        if let Some(t) = &mut self.traced {
            t.step(self.rows.len(&snap), snap.progress().done);
        }
    }

    /// A selected message whose conversation was read again has a newer row: the one that its packet leads to.
    fn follow_rows(&mut self) {
        let old = self.selection;
        if old.message.and_then(|m| self.snap.message(m)).is_some_and(|m| m.withdrawn)
            && let Some(packet) = old.packet
        {
            let new = Selection::packet(&self.snap, packet, None);
            let focus = if new.message.is_some() { old.focus } else { Focus::Packet };
            self.selection = Selection { focus, ..new };
            self.buffer = None;
            self.reveal_all();
        }
    }

    /// Whether a row's messages are shown below it.
    #[must_use]
    pub fn is_unfolded(&self, item: Item) -> bool {
        self.row_folds.is_open(item)
    }

    /// Opens or shuts a row of the list; `None` turns it round.
    pub fn unfold(&mut self, item: Item, open: Option<bool>) {
        if self.row_folds.set(item, open) {
            self.fold_rows();
        }
    }

    /// Opens or shuts the selected row; what has nothing to shut goes to the row it belongs to.
    pub fn unfold_row(&mut self, open: Option<bool>) {
        if lists_packets(self.level) {
            return;
        }
        let Some(row) = self.rows.row_of(&self.snap, &self.selection) else { return };
        let Some(item) = self.rows.item(row) else { return };
        if open == Some(false) && (self.rows.is_below(row) || !self.row_folds.is_open(item) || matches!(item, Item::Message(_))) {
            // To the row that this one stands under.
            let above = (0..row).rev().filter_map(|r| self.rows.item(r));
            let up = above.take(100_000).find(|i| match item {
                Item::Message(_) if self.rows.is_below(row) => matches!(i, Item::Exchange(_) | Item::Talk(_)),
                _ => matches!(i, Item::Flow(_)),
            });
            if let Some(up) = up {
                let to = up.select(&self.snap, &Selection::default());
                self.select(to);
            }
            return;
        }
        self.unfold(item, open);
    }

    /// Jobs of this capture.
    #[must_use]
    pub const fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    /// Whether anything is under way: reading, listing, trees.
    #[must_use]
    pub fn busy(&self) -> bool {
        self.lister().busy()
            || self.desk.busy()
            || self.figures.busy()
            || self.courses.busy()
            || self.ladders.busy()
            || self.follows.busy()
            || self.bodies.busy()
            || self.seeking.progress().is_some()
            || self.objects.progress().is_some()
            || !self.snap.progress().done
    }

    /// Whether it grows as somebody speaks: behind it stands a proxy or a capture.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        self.steering.is_some() || !self.sniffing.is_empty()
    }

    /// Whether something behind it still brings packets.
    #[must_use]
    pub fn records(&self) -> bool {
        self.steering.as_ref().is_some_and(|s| s.state.running) || self.sniffing.iter().any(|s| s.state.running)
    }

    /// Stops reading.
    pub fn stop(&mut self) {
        self.stopped = true;
        self.capture.cancel();
    }

    /// The tree of what is selected; while a new one is made, the one before stays if it is of the same thing.
    #[must_use]
    pub fn tree(&mut self) -> Answer<Arc<Prepared>> {
        let Some(subject) = self.selection.subject() else { return Answer::Waiting };
        let answer = self.desk.tree(subject);
        if let Answer::Here(t) = &answer {
            self.shown = Some(t.clone());
        }
        answer
    }

    /// The tree that was shown last, for what needs one at once.
    #[must_use]
    pub fn shown(&self) -> Option<Arc<Prepared>> {
        self.shown.clone().filter(|t| Some(t.of) == self.selection.subject())
    }

    /// Selects something and notes the step.
    pub fn select(&mut self, selection: Selection) {
        if selection.subject() != self.selection.subject() {
            self.buffer = None;
            self.body_list.top = 0.0;
        }
        self.selection = selection;
        self.note_stop();
        self.reveal_all();
    }

    /// Brings the selection into view in every pane.
    pub const fn reveal_all(&mut self) {
        self.reveal_row = true;
        self.reveal_step = true;
        self.reveal_stream = true;
    }

    fn note_stop(&mut self) {
        self.history.visit(Stop { selection: self.selection, level: self.level, filter: self.sifting.text.clone() });
    }

    /// Goes to a level; what is selected stays.
    pub fn go_level(&mut self, level: Level) {
        if self.level == level {
            return;
        }
        self.level = level;
        // At the levels of packets the packet is what is looked at, above them the message.
        let s = self.selection;
        let focus = match (level, s.focus) {
            (Level::Exchanges | Level::Story, Focus::Packet) if s.message.is_some() => Focus::Message,
            (Level::Exchanges | Level::Story, Focus::Packet) if s.flow.is_some() => Focus::Flow,
            (Level::Packets, Focus::Message | Focus::Exchange | Focus::Flow) if s.packet.is_some() => Focus::Packet,
            (_, f) => f,
        };
        if focus != s.focus {
            self.selection = Selection { focus, ..s.bare() };
            self.buffer = None;
        }
        self.note_stop();
        self.reveal_row = true;
    }

    /// Changes the filter; the selection stays, listed or not.
    pub fn set_filter(&mut self, filter: String, only: Option<u32>) {
        if self.sifting.text != filter || self.only != only {
            self.sifting.text = filter;
            self.only = only;
            self.reveal_row = true;
        }
    }

    /// Steps back or forward.
    pub fn travel(&mut self, back: bool) {
        let stop = if back { self.history.back() } else { self.history.forward() };
        if let Some(stop) = stop {
            self.selection = stop.selection;
            self.level = stop.level;
            self.sifting.text = stop.filter;
            self.buffer = None;
            self.reveal_all();
            self.reveal_node = true;
        }
    }

    /// Selects a node of the shown tree and its bytes.
    pub fn select_node(&mut self, node: usize) {
        let Some(t) = self.shown() else { return };
        let Some(n) = t.tree.nodes.get(node) else { return };
        self.selection.node = Some(node);
        self.selection.span = Some(n.span).filter(|s| s.len > 0);
        self.folds.uncover(&t.tree, node);
        self.reveal_node = true;
        if n.span.len > 0 && t.tree.buffer(n.span.buf).is_some() {
            self.buffer = Some(n.span.buf);
            self.reveal_byte = Some(n.span.at);
        }
        self.note_stop();
    }

    /// Selects a byte and the narrowest field around it.
    pub fn select_byte(&mut self, buf: BufId, at: u64) {
        let Some(t) = self.shown() else { return };
        match t.tree.node_at(buf, at) {
            Some(node) => {
                self.select_node(node);
                self.reveal_byte = Some(at);
            }
            None => {
                self.selection.node = None;
                self.selection.span = Some(Span::new(buf, at, 1));
                self.note_stop();
            }
        }
    }

    /// The buffer to show: the chosen one, that of the selected bytes, or the first.
    #[must_use]
    pub fn shown_buffer(&self, t: &Prepared) -> Option<BufId> {
        let held = |b: &BufId| t.tree.buffer(*b).is_some();
        self.buffer
            .filter(held)
            .or_else(|| self.selection.span.map(|s| s.buf).filter(held))
            .or_else(|| t.tree.buffers.first().map(|b| b.id))
    }

    /// Moves by `by` rows in the list.
    pub fn move_row(&mut self, by: i64) {
        let list = self.listing();
        let len = list.len(&self.snap);
        if len == 0 {
            return;
        }
        let row = match list.row_of(&self.snap, &self.selection) {
            Some(row) => row.saturating_add_signed(by).min(len - 1),
            None => 0,
        };
        if let Some(item) = list.item(row) {
            let selection = item.select(&self.snap, &self.selection.bare());
            self.select(selection);
        }
    }

    /// Goes to the first or the last row; at the end, new rows are followed.
    pub fn move_to_end(&mut self, last: bool) {
        self.move_row(if last { i64::MAX } else { i64::MIN });
        if last && !self.snap.progress().done {
            self.reveal_row = false;
            self.list_state_mut().stick = true;
        }
    }

    /// Moves by `by` nodes in the fields.
    pub fn move_node(&mut self, by: i64) {
        let Some(t) = self.shown() else { return };
        let rows = self.folds.visible(&t.tree);
        if rows.is_empty() {
            return;
        }
        let at = self.selection.node.and_then(|n| rows.binary_search(&(n as u32)).ok());
        let from = at.map_or(if by == 1 { -1 } else { 0 }, |a| a as i64);
        let to = from.saturating_add(by).clamp(0, rows.len() as i64 - 1) as usize;
        if let Some(n) = rows.get(to) {
            self.select_node(*n as usize);
        }
    }

    /// Moves by `by` bytes.
    pub fn move_byte(&mut self, by: i64) {
        let Some(t) = self.shown() else { return };
        let Some(b) = self.shown_buffer(&t).and_then(|id| t.tree.buffer(id)) else { return };
        let last = b.base.saturating_add(b.bytes.len() as u64).saturating_sub(1);
        let span = self.selection.span.filter(|s| s.buf == b.id);
        // From a field one steps out of it, not through each of its bytes.
        let at = match span {
            Some(s) if by > 0 => s.end().saturating_sub(1).saturating_add_signed(by),
            Some(s) => s.at.saturating_add_signed(by),
            None => b.base,
        };
        self.select_byte(b.id, at.clamp(b.base, last));
    }

    /// Folds or unfolds the selected node; folding a leaf goes to its parent.
    pub fn fold(&mut self, open: bool) {
        let (Some(t), Some(n)) = (self.shown(), self.selection.node) else { return };
        let Some(node) = t.tree.nodes.get(n) else { return };
        let group = node.end as usize > n + 1;
        match (group, open, self.folds.is_open(&t.tree, n)) {
            (true, true, false) => self.folds.set(&t.tree, n, true),
            (true, false, true) => self.folds.set(&t.tree, n, false),
            (_, true, _) if group => self.select_node(n + 1),
            (_, false, _) => {
                if let Some(p) = crate::widgets::tree::parents(&t.tree, n).last() {
                    self.select_node(*p);
                }
            }
            _ => {}
        }
    }

    /// The question of an answer, the answer of a question.
    #[must_use]
    pub fn other_half(&self) -> Option<u32> {
        let m = self.selection.message?;
        let x = self.snap.exchange(self.selection.exchange?)?;
        let other = if x.ask == m { x.answer } else { x.ask };
        crate::view::some(other).filter(|o| *o != m)
    }

    /// The next (or previous) packet or message of the same connection.
    pub fn step_in_conversation(&mut self, forward: bool) {
        let Some(flow) = self.selection.flow else { return };
        let s = self.snap.clone();
        let next = if lists_packets(self.level) {
            let Some(f) = s.flow(flow) else { return };
            let here = self.selection.packet.unwrap_or(f.first_packet);
            // At most a million rows are looked at; beyond that a filter is the better way.
            let same = |p: &u32| s.packet(*p).is_some_and(|r| r.flow == flow);
            let found = if forward {
                (here.saturating_add(1)..=f.last_packet).take(1_000_000).find(same)
            } else {
                (f.first_packet..here).rev().take(1_000_000).find(same)
            };
            found.map(|p| Selection::packet(&s, p, self.selection.message))
        } else {
            let all = s.messages_of(flow);
            let at = self.selection.message.and_then(|m| all.binary_search(&m).ok());
            let to = match (at, forward) {
                (Some(a), true) => a.checked_add(1),
                (Some(a), false) => a.checked_sub(1),
                (None, _) => Some(0),
            };
            to.and_then(|t| all.get(t)).map(|m| Selection::message(&s, *m, None))
        };
        if let Some(next) = next {
            self.select(next);
        }
    }

    /// Opens the search, or goes to its field.
    pub const fn seek(&mut self) {
        self.seeking.open = true;
        self.seeking.focus = true;
    }

    /// Looks for what the search's field says.
    pub fn start_seeking(&mut self) {
        let (finder, s, jobs) = (self.finder.clone(), self.snap.clone(), self.jobs.clone());
        self.seeking.start(&finder, &s, &jobs);
    }

    /// Goes to the next or previous hit of the search.
    pub fn step_hit(&mut self, forward: bool) {
        if let Some(hit) = self.seeking.go(forward) {
            self.go_to_hit(&hit);
        }
    }

    fn go_to_hit(&mut self, hit: &Hit) {
        let s = self.snap.clone();
        let to = match hit.message {
            Some(m) => Selection::message(&s, m, Some(hit.packet)),
            None => Selection::packet(&s, hit.packet, None),
        };
        if hit.message.is_none() && !lists_packets(self.level) {
            self.level = Level::Packets;
        }
        self.select(Selection { span: hit.span, ..to });
        if let Some(span) = hit.span {
            self.buffer = Some(span.buf);
            self.reveal_byte = Some(span.at);
        }
    }

    /// The next (or previous) listed row with a note or trouble, going round at the ends.
    pub fn step_note(&mut self, forward: bool) -> bool {
        let list = self.listing();
        let (s, len) = (self.snap.clone(), list.len(&self.snap));
        let trouble = wirelore_kit::verdict::trouble();
        let here = list.row_of(&s, &self.selection).unwrap_or(0);
        let marked = |row: &u64| {
            list.item(*row).is_some_and(|i| match i {
                Item::Packet(p) => s.packet(p).is_some_and(|r| crate::view::packet_severity(&r, trouble).is_some()),
                i => crate::listing::worst(&s, i).is_some(),
            })
        };
        let ahead = || (here + 1..len).chain(0..here);
        let behind = || (0..here).rev().chain((here + 1..len).rev());
        let found = if forward { ahead().find(marked) } else { behind().find(marked) };
        if let Some(item) = found.and_then(|r| list.item(r)) {
            let to = item.select(&s, &self.selection.bare());
            self.select(to);
        }
        found.is_some()
    }

    /// What is selected, as steps of the breadcrumb: text and where a click leads.
    #[must_use]
    pub fn crumbs(&self) -> Vec<(String, Option<(Level, Selection)>)> {
        let s = &self.snap;
        let sel = self.selection.bare();
        let mut out = vec![(self.title.clone(), None)];
        if let Some(f) = sel.flow.and_then(|f| s.flow(f)) {
            let server = s.name_of(&f.server().ip).map_or_else(|| f.server().to_string(), |n| format!("{n}:{}", f.server().port));
            out.push((format!("{} · {server}", crate::view::flow_name(&f)), Some((Level::Exchanges, Selection::flow(s, f.id)))));
        }
        if sel.focus != Focus::Flow {
            if let Some(m) = sel.message
                && let Some(row) = s.message(m)
            {
                let half = if row.dir == Dir::ToServer { "request" } else { "response" };
                let text = s.summary(m);
                let text = if text.is_empty() { half.to_owned() } else { text.to_owned() };
                out.push((text, Some((Level::Exchanges, Selection::message(s, m, sel.packet)))));
            }
            if let Some(p) = sel.packet {
                out.push((
                    format!("packet {}", crate::format::number(u64::from(p) + 1)),
                    Some((Level::Packets, Selection::packet(s, p, sel.message))),
                ));
            }
        }
        if let (Some(t), Some(n)) = (self.shown(), self.selection.node)
            && let Some(node) = t.tree.nodes.get(n)
        {
            out.push((node.field.label.to_owned(), None));
        }
        if let Some(span) = self.selection.span {
            out.push((crate::format::range(&span), None));
        }
        out
    }

    /// What is selected in words for the clipboard.
    #[must_use]
    pub fn row_text(&self) -> String {
        match self.selection.subject() {
            Some(What::Packet(p)) => match self.desk.line(p) {
                Answer::Here(l) => format!("{}\t{}\t{}\t{}\t{}", p + 1, l.source, l.destination, l.protocol, l.info),
                _ => format!("{}", p + 1),
            },
            Some(What::Message(m)) => self.snap.summary(m).to_owned(),
            None => String::new(),
        }
    }
}
