//! Commands that wait for their replies: RFC 2920 lets several be under way, and captures lose some of either.

use std::collections::VecDeque;

/// So many commands are remembered; of a capture without replies the oldest are let go.
const MOST_ASKED: usize = 1024;

/// What was asked, as far as its reply is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// EHLO, HELO, LHLO.
    Hello,
    /// AUTH; its reply may ask for more.
    Auth,
    /// STARTTLS.
    StartTls,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA: the reply is leave to send.
    Data,
    /// BDAT.
    Chunk,
    /// BDAT LAST: the reply is the verdict.
    LastChunk,
    /// The letter behind DATA: the reply is the verdict.
    Letter,
    /// RSET.
    Reset,
    /// QUIT.
    Quit,
    /// Any other.
    Other,
}

impl Kind {
    /// What a reply answers, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Kind::Hello => "the hello",
            Kind::Auth => "AUTH",
            Kind::StartTls => "STARTTLS",
            Kind::Mail => "MAIL",
            Kind::Rcpt => "RCPT",
            Kind::Data => "DATA",
            Kind::Chunk => "BDAT",
            Kind::LastChunk => "BDAT LAST, the end of the letter",
            Kind::Letter => "the letter",
            Kind::Reset => "RSET",
            Kind::Quit => "QUIT",
            Kind::Other => "another command",
        }
    }

    /// Whether a reply of that code can answer it.
    const fn takes(self, code: u16) -> bool {
        match (self, code) {
            (Kind::Data, 354) | (Kind::Auth, 235 | 334) | (Kind::StartTls, 220) | (Kind::Quit, 221) => true,
            (_, 354 | 334 | 235) => false,
            (Kind::Data | Kind::Auth | Kind::StartTls, 200..400) => false,
            (Kind::Quit, _) => true,
            (_, 221) => false,
            _ => true,
        }
    }
}

/// A command that waits for its reply.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its exchange.
    pub key: u64,
    /// What it is.
    pub kind: Kind,
    /// Its reply may be lost in a hole.
    pub doubtful: bool,
    /// In LMTP, whose reply it will be.
    pub recipient: Option<Box<[u8]>>,
}

/// Commands in the order of sending.
#[derive(Debug, Clone, Default)]
pub struct Queue {
    list: VecDeque<Asked>,
    /// In LMTP: the recipients that the server took.
    pub accepted: Vec<Box<[u8]>>,
}

impl Queue {
    /// Adds one.
    pub fn push(&mut self, asked: Asked) {
        if self.list.len() >= MOST_ASKED {
            self.list.pop_front();
        }
        self.list.push_back(asked);
    }

    /// Puts one back: its reply asked for more.
    pub fn again(&mut self, asked: Asked) {
        self.list.push_front(asked);
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The oldest.
    pub fn first(&self) -> Option<&Asked> {
        self.list.front()
    }

    /// The youngest.
    pub fn last(&self) -> Option<Asked> {
        self.list.back().cloned()
    }

    /// One by its place.
    pub fn get(&self, at: usize) -> Option<&Asked> {
        self.list.get(at)
    }

    /// Whether the oldest is certain to wait.
    pub fn sure(&self) -> bool {
        self.list.front().is_some_and(|a| !a.doubtful)
    }

    /// Whether one of a kind waits.
    pub fn any(&self, kind: Kind) -> bool {
        self.list.iter().any(|a| a.kind == kind)
    }

    /// Whether anything of an exchange waits.
    pub fn has(&self, key: u64) -> bool {
        self.list.iter().any(|a| a.key == key)
    }

    /// The place of the one that a reply of that code answers: the first that can be answered so, else the first.
    pub fn fits(&self, code: u16) -> Option<usize> {
        let found = self.list.iter().position(|a| a.kind.takes(code));
        found.or((!self.list.is_empty() && code >= 400).then_some(0))
    }

    /// Takes the one that a reply answers; those before it have lost theirs.
    pub fn take(&mut self, code: u16) -> Option<Asked> {
        let at = self.fits(code)?;
        self.list.drain(..at);
        self.list.pop_front()
    }

    /// Replies were lost.
    pub fn doubt(&mut self) {
        self.list.iter_mut().for_each(|a| a.doubtful = true);
    }

    /// The client goes on: what it doubtfully waited for has come.
    pub fn drop_doubtful(&mut self) {
        self.list.retain(|a| !a.doubtful);
    }

    /// Says for whom the youngest will be answered.
    pub fn name_last(&mut self, recipient: Option<Box<[u8]>>) {
        if let Some(last) = self.list.back_mut() {
            last.recipient = recipient;
        }
    }

    /// Bytes of memory held besides the struct.
    pub fn weight(&self) -> usize {
        let names = |n: usize, b: Option<&Box<[u8]>>| n.saturating_add(b.map_or(0, |b| b.len()));
        let asked = self.list.iter().fold(0, |n, a| names(n, a.recipient.as_ref()));
        let accepted = self.accepted.iter().fold(0, |n, a| names(n, Some(a)));
        self.list.capacity().saturating_mul(size_of::<Asked>()).saturating_add(asked).saturating_add(accepted)
    }
}
