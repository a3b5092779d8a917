//! What a tab knows of the conversation that is looked at: its ladder, its course, its bytes; and moving in them.

use super::Tab;
use crate::carried::Made;
use crate::door::{Conversations, Course, Followed};
use crate::follow::{Cut, Lines};
use crate::ladder::{Ladder, Scope, Shows};
use crate::prefs::{BodyForm, Prefs, View};
use crate::select::{Focus, Level, Selection};
use std::sync::Arc;
use wirelore_kit::{Buffer, ConvId, Problem, Span};
use wirelore_store::FlowFlags;

impl Tab {
    /// Whole conversations, for jobs.
    #[must_use]
    pub fn source(&self) -> Arc<dyn Conversations> {
        self.source.clone()
    }

    /// What a ladder would be of.
    #[must_use]
    pub fn ladder_scope(&self, prefs: &Prefs) -> Option<Scope> {
        let sel = &self.selection;
        let flow = sel.flow?;
        // A data connection belongs to the conversation that caused it.
        let home = crate::view::caused_from(&self.snap, flow).unwrap_or(flow);
        if prefs.ladder.whole || sel.focus == Focus::Flow {
            return Some(Scope::Flow(home));
        }
        let conv = sel.message.and_then(|m| self.snap.message(m)).map(|m| m.conv);
        Some(match (sel.exchange, conv) {
            (Some(e), _) => Scope::Exchange(flow, e),
            (None, Some(c)) => Scope::Conversation(c),
            (None, None) => Scope::Flow(home),
        })
    }

    /// The ladder of a scope, as far as it is made.
    pub fn ladder(&mut self, scope: Scope, prefs: &Prefs) -> Option<Arc<Ladder>> {
        let (s, jobs) = (self.snap.clone(), self.jobs.clone());
        let course = self.courses.of(scope.flow(), &s, &jobs, &self.source).and_then(Result::ok);
        let shows = Shows { tcp: prefs.ladder.tcp, carriers: prefs.ladder.carriers };
        let before = self.ladders.newest();
        let now = self.ladders.of(scope, shows, course.as_ref(), &s, &jobs);
        // A new ladder shows where the selection is.
        if let Some(n) = &now
            && !before.is_some_and(|b| Arc::ptr_eq(&b, n))
        {
            self.reveal_step = true;
        }
        now
    }

    /// States and TCP events of the selected flow, as far as they are read.
    pub fn course(&mut self) -> Option<Arc<Course>> {
        let (s, jobs) = (self.snap.clone(), self.jobs.clone());
        self.courses.of(self.selection.flow?, &s, &jobs, &self.source)?.ok()
    }

    /// Whether what is selected belongs to a connection that a proxy relayed.
    #[must_use]
    pub fn is_leg(&self) -> bool {
        self.selection.flow.and_then(|f| self.snap.flow(f)).is_some_and(|f| f.flags.has(FlowFlags::SYNTHETIC))
    }

    /// Goes to the other leg of a proxied connection: to the same exchange of it, as far as it is read, else to the connection.
    pub fn cross(&mut self) {
        let Some(flow) = self.selection.flow else { return };
        let Some(other) = self.source.other_legs(flow).first().copied() else { return };
        let s = self.snap.clone();
        let of = |flow: u32| s.each_exchange().filter(move |(_, x)| x.conv.flow == flow).map(|(n, _)| n);
        let at = self.selection.exchange.and_then(|e| of(flow).position(|n| n == e));
        let same = at.and_then(|n| of(other).nth(n)).and_then(|e| s.exchange(e));
        // The half that was looked at is looked at there, too.
        let answers =
            self.selection.exchange.and_then(|e| s.exchange(e)).is_some_and(|x| self.selection.message == Some(x.answer));
        let message = same.and_then(|x| crate::view::some(if answers { x.answer } else { x.ask }));
        let to = message.map_or_else(|| Selection::flow(&s, other), |m| Selection::message(&s, m, None));
        self.select(to);
    }

    /// The selected connection as somebody else saw it: of one that the proxy relayed what an interface captured, and the other way round.
    #[must_use]
    pub fn other_picture(&self) -> Option<u32> {
        let flow = self.selection.flow?;
        self.twins().captured(flow).or_else(|| self.twins().relayed(flow))
    }

    /// Goes there: what was captured is looked at as packets, what was relayed as what was said.
    pub fn see_other_picture(&mut self) {
        let Some(other) = self.other_picture() else { return };
        let s = self.snap.clone();
        let captured = s.flow(other).is_some_and(|f| !f.flags.has(FlowFlags::SYNTHETIC));
        match s.flow(other).filter(|_| captured) {
            Some(f) => {
                self.select(Selection::packet(&s, f.first_packet, None));
                self.go_level(Level::Packets);
            }
            None => {
                self.select(Selection::flow(&s, other));
                self.go_level(Level::Exchanges);
            }
        }
    }

    /// The conversation that would be followed.
    #[must_use]
    pub fn followed(&self) -> Option<ConvId> {
        let outer = ConvId { flow: self.selection.flow?, inner: 0 };
        let own = self.selection.message.and_then(|m| self.snap.message(m)).map(|m| m.conv);
        Some(if self.follows.outer { outer } else { own.unwrap_or(outer) })
    }

    /// The lines of a conversation, as far as they are made.
    pub fn follow(&mut self, conv: ConvId, cut: Cut) -> Option<Result<Arc<Lines>, Problem>> {
        let (s, jobs) = (self.snap.clone(), self.jobs.clone());
        self.follows.of(conv, cut, &s, &jobs, &self.source)
    }

    /// Where the searched text occurs in a stream.
    pub fn hits(&mut self, conv: ConvId, shown: &Arc<Followed>) -> Arc<Vec<u32>> {
        let jobs = self.jobs.clone();
        self.follows.hits(conv, shown, &jobs)
    }

    /// A body made readable, as soon as it is.
    ///
    /// # Errors
    /// In words, where the work broke.
    pub fn body_of(&mut self, b: &Buffer, media: &str, form: BodyForm, columns: usize) -> Option<Result<Arc<Made>, String>> {
        self.bodies.of(b, media, form, columns, &self.jobs)
    }

    /// The texture of a body that is a picture.
    pub fn body_texture(&mut self, ctx: &egui::Context, made: &Arc<Made>) -> Option<egui::TextureHandle> {
        self.bodies.texture(ctx, made)
    }

    /// Selects bytes and the narrowest field around their first.
    pub fn select_span(&mut self, span: Span) {
        self.select_byte(span.buf, span.at);
        self.selection.span = Some(span);
        self.buffer = Some(span.buf);
        self.reveal_byte = Some(span.at);
    }

    /// Forgets what was read again: it is about to be read otherwise.
    pub fn forget(&mut self) {
        self.desk.forget();
        self.courses.forget();
        self.follows.forget();
    }

    /// Moves by a step in the large pane: an arrow of the ladder, a line of what scrolls.
    pub fn move_view(&mut self, by: i64, view: View) {
        match view {
            View::Ladder => self.move_step(by),
            View::Stream => self.stream_list.top += by as f64,
            View::Body | View::Fields => self.body_list.top += by as f64,
        }
    }

    /// Moves by a page in the large pane.
    pub fn page_view(&mut self, down: bool) {
        let sign = if down { 1.0 } else { -1.0 };
        for list in [&mut self.ladder_list, &mut self.stream_list, &mut self.body_list] {
            list.top += sign * (list.page as f64 * 0.9);
        }
    }

    /// Moves by arrows of the ladder.
    pub fn move_step(&mut self, by: i64) {
        let Some(l) = self.ladders.newest() else { return };
        let last = l.steps.len() as i64 - 1;
        let at = l.row_of(&self.selection).map_or(0, |a| (a as i64).saturating_add(by).clamp(0, last.max(0)));
        if let Some(step) = l.steps.get(at as usize) {
            let to = crate::panes::ladder::select(&self.snap, step.what, self);
            self.select(to);
        }
    }
}
