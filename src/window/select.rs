//! The one selection of a tab: a path from connection over exchange and message down to packet, field and bytes.
//!
//! Every pane shows this path at its own resolution, none keeps one of its own. Depth never changes what is selected.

use serde::{Deserialize, Serialize};
use wirelore_kit::row::NONE;
use wirelore_kit::{Span, What};
use wirelore_store::Snapshot;

/// How deep one looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Level {
    /// What happened, in sentences.
    Story,
    /// Questions and answers.
    Exchanges,
    /// Packets.
    #[default]
    Packets,
    /// Bytes.
    Bytes,
}

impl Level {
    /// All, from above.
    pub const ALL: [Level; 4] = [Level::Story, Level::Exchanges, Level::Packets, Level::Bytes];

    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Level::Story => "Story",
            Level::Exchanges => "Exchanges",
            Level::Packets => "Packets",
            Level::Bytes => "Bytes",
        }
    }
}

/// What was chosen itself; the rest of the path follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Focus {
    /// Nothing yet.
    #[default]
    Nothing,
    /// A connection.
    Flow,
    /// An exchange, or a talk, as the row that stands for its messages; read by its question.
    Exchange,
    /// A message.
    Message,
    /// A packet.
    Packet,
}

/// The path.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Selection {
    /// Connection.
    pub flow: Option<u32>,
    /// Exchange.
    pub exchange: Option<u32>,
    /// Message.
    pub message: Option<u32>,
    /// Packet.
    pub packet: Option<u32>,
    /// What was chosen.
    pub focus: Focus,
    /// Node of the tree shown in the reader.
    pub node: Option<usize>,
    /// Bytes, in a buffer of that tree.
    pub span: Option<Span>,
}

impl Selection {
    /// A packet, with the message that ends in it (`keep` wins where the packet carries part of it).
    #[must_use]
    pub fn packet(s: &Snapshot, number: u32, keep: Option<u32>) -> Selection {
        let flow = s.packet(number).map(|p| p.flow).filter(|f| *f != NONE);
        let done = s.messages_done_in(number);
        let carries = |m: &u32| {
            done.contains(m) || s.message(*m).is_some_and(|m| m.first <= number && number <= m.done && Some(m.conv.flow) == flow)
        };
        let message = keep.filter(carries).or_else(|| done.first().copied());
        Selection {
            flow,
            exchange: exchange_of(s, message),
            message,
            packet: Some(number),
            focus: Focus::Packet,
            node: None,
            span: None,
        }
    }

    /// A message, with its first packet (`keep` wins where it carries part of the message).
    #[must_use]
    pub fn message(s: &Snapshot, number: u32, keep: Option<u32>) -> Selection {
        let Some(m) = s.message(number) else { return Selection::default() };
        let last = if m.done == NONE { m.first } else { m.done };
        let carries = |p: &u32| (m.first..=last).contains(p) && s.packet(*p).is_some_and(|p| p.flow == m.conv.flow);
        let packet = keep.filter(carries).unwrap_or(m.first);
        let exchange = Some(m.exchange).filter(|e| *e != NONE);
        Selection {
            flow: Some(m.conv.flow),
            exchange,
            message: Some(number),
            packet: Some(packet),
            focus: Focus::Message,
            node: None,
            span: None,
        }
    }

    /// A connection, with its first packet.
    #[must_use]
    pub fn flow(s: &Snapshot, number: u32) -> Selection {
        let Some(f) = s.flow(number) else { return Selection::default() };
        Selection { flow: Some(number), packet: Some(f.first_packet), focus: Focus::Flow, ..Default::default() }
    }

    /// What the reader shows: a message where one was chosen, else a packet.
    #[must_use]
    pub fn subject(&self) -> Option<What> {
        match self.focus {
            Focus::Nothing => None,
            Focus::Message | Focus::Exchange => self.message.map(What::Message),
            Focus::Packet => self.packet.map(What::Packet),
            Focus::Flow => self.packet.map(What::Packet),
        }
    }

    /// The same path without field and bytes.
    #[must_use]
    pub const fn bare(mut self) -> Selection {
        self.node = None;
        self.span = None;
        self
    }
}

fn exchange_of(s: &Snapshot, message: Option<u32>) -> Option<u32> {
    message.and_then(|m| s.message(m)).map(|m| m.exchange).filter(|e| *e != NONE)
}

/// One stop of the way back.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stop {
    /// What was selected.
    pub selection: Selection,
    /// How deep.
    pub level: Level,
    /// Under which filter.
    pub filter: String,
}

/// Where one was: back and forth.
#[derive(Debug, Default)]
pub struct History {
    stops: Vec<Stop>,
    at: usize,
}

/// Stops that are kept.
const MOST_STOPS: usize = 200;

impl History {
    /// Notes where one is now; what lay ahead is forgotten. Stepping through fields of one thing is not a stop of its own.
    pub fn visit(&mut self, stop: Stop) {
        if let Some(here) = self.stops.get_mut(self.at) {
            if here.selection.bare() == stop.selection.bare() && here.level == stop.level && here.filter == stop.filter {
                *here = stop;
                return;
            }
            self.stops.truncate(self.at + 1);
        }
        self.stops.push(stop);
        let surplus = self.stops.len().saturating_sub(MOST_STOPS);
        self.stops.drain(..surplus);
        self.at = self.stops.len() - 1;
    }

    /// Steps back.
    pub fn back(&mut self) -> Option<Stop> {
        self.at = self.at.checked_sub(1)?;
        self.stops.get(self.at).cloned()
    }

    /// Steps forward.
    pub fn forward(&mut self) -> Option<Stop> {
        let next = self.stops.get(self.at + 1)?.clone();
        self.at += 1;
        Some(next)
    }

    /// Whether there is a way back.
    #[must_use]
    pub const fn can_back(&self) -> bool {
        self.at > 0
    }

    /// Whether there is a way forward.
    #[must_use]
    pub const fn can_forward(&self) -> bool {
        self.at + 1 < self.stops.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stop(packet: u32) -> Stop {
        Stop { selection: Selection { packet: Some(packet), focus: Focus::Packet, ..Default::default() }, ..Default::default() }
    }

    #[test]
    fn back_and_forward_walk_the_same_way() {
        let mut h = History::default();
        for p in 0..3 {
            h.visit(stop(p));
        }
        assert_eq!(h.back(), Some(stop(1)));
        assert_eq!(h.back(), Some(stop(0)));
        assert_eq!(h.back(), None);
        assert_eq!(h.forward(), Some(stop(1)));
        h.visit(stop(9));
        assert!(!h.can_forward());
        assert_eq!(h.back(), Some(stop(1)));
    }

    #[test]
    fn fields_of_one_packet_are_one_stop_and_the_past_is_bounded() {
        let mut h = History::default();
        h.visit(stop(1));
        let mut with_node = stop(1);
        with_node.selection.node = Some(4);
        h.visit(with_node);
        assert!(!h.can_back());
        for p in 0..1000 {
            h.visit(stop(p));
        }
        assert_eq!(h.stops.len(), MOST_STOPS);
    }
}
