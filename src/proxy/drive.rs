//! Driving a protocol in the middle: its steps are done in order, both ends are read for it, and what needs time is asked of the caller.

use crate::copy::Over;
use crate::end::{End, Gone, Io};
use bytes::Bytes;
use std::collections::VecDeque;
use std::task::{Context, Poll};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use wirelore_gate::{Answered, Outcome};
use wirelore_kit::middle::{Agreed, Judgement, Middle, News, Origin, Step, Transit};
use wirelore_kit::{Dir, End as How, Hint, Note};

/// A protocol that holds more than this is not read for.
const HELD: usize = 64 * 1024;

/// What a protocol in the middle needs its caller for.
#[derive(Debug)]
pub enum Ask {
    /// [`Step::Route`].
    Route(Origin),
    /// [`Step::Tunnel`].
    Tunnel(Origin),
    /// [`Step::Judge`].
    Judge(u64, Box<Transit>),
    /// A message that was held has been judged.
    Judged(u64, Outcome),
    /// [`Step::Becomes`].
    Becomes(Hint),
    /// [`Step::Opaque`].
    Opaque,
    /// [`Step::Expect`].
    Expect(Agreed),
    /// The server has ended and was only one of several.
    ServerGone,
    /// [`Step::Told`].
    Told(&'static Note, String),
    /// It is over.
    Over(Over),
}

/// A judgement that took its time, with its ticket.
pub type Later = (u64, Outcome);
/// A message that nobody sent, and who is told whether it found its place.
pub type Own = (Transit, Answered);

/// A protocol in the middle of a connection.
pub struct Drive {
    middle: Box<dyn Middle>,
    steps: VecDeque<Step>,
    fresh: Vec<Step>,
    /// The middle has been told of the end of what comes from the client, from the server.
    ended: [bool; 2],
    /// No more goes to the server, to the client.
    finish: [bool; 2],
    /// Close when all is out.
    closing: bool,
    /// Not in order: with resets.
    breaking: bool,
    /// Messages that are being judged; held ones are for as long as somebody looks at them.
    judging: usize,
    /// Its servers come and go: the end of one is not the end of the connection.
    forward: bool,
    /// What the client sent last, kept where it may have been meant for us.
    recent: Bytes,
    /// So many bytes of the server stand with the client already: they were passed on before it was known what they are.
    said: usize,
    later: (UnboundedSender<Later>, UnboundedReceiver<Later>),
    /// Messages that nobody sent, where somebody may inject such.
    injected: Option<UnboundedReceiver<Own>>,
}

impl Drive {
    /// Takes up a protocol.
    #[must_use]
    pub fn new(middle: Box<dyn Middle>, forward: bool) -> Drive {
        Drive {
            middle,
            steps: VecDeque::new(),
            fresh: Vec::new(),
            ended: [false; 2],
            finish: [false; 2],
            closing: false,
            breaking: false,
            judging: 0,
            forward,
            recent: Bytes::new(),
            said: 0,
            later: unbounded_channel(),
            injected: None,
        }
    }

    /// Where judgements that come later are sent.
    #[must_use]
    pub fn later(&self) -> UnboundedSender<Later> {
        self.later.0.clone()
    }

    /// Where messages that nobody sent are put.
    pub fn injector(&mut self) -> UnboundedSender<Own> {
        let (to, from) = unbounded_channel();
        self.injected = Some(from);
        to
    }

    /// Bytes that were read before it began.
    pub fn push(&mut self, dir: Dir, bytes: Bytes) {
        if !bytes.is_empty() {
            self.keep_recent(dir, &bytes);
            self.middle.push(dir, bytes, &mut self.fresh);
            self.steps.extend(self.fresh.drain(..));
        }
    }

    /// The first bytes that it sends to the client stand there already.
    #[must_use]
    pub fn behind(self, said: usize) -> Drive {
        Drive { said, ..self }
    }

    /// What the client sent last.
    #[must_use]
    pub fn recent(&self) -> &[u8] {
        &self.recent
    }

    fn keep_recent(&mut self, dir: Dir, bytes: &Bytes) {
        if self.forward && dir == Dir::ToServer {
            self.recent = bytes.clone();
        }
    }

    /// A step was done.
    pub fn tell(&mut self, news: News) {
        if matches!(news, News::Judged { .. }) {
            self.judging = self.judging.saturating_sub(1);
        }
        self.middle.tell(news, &mut self.fresh);
        // What comes of it stands before what was to come later.
        for step in self.fresh.drain(..).rev() {
            self.steps.push_front(step);
        }
    }

    /// A new server stands in the place of the old one.
    pub fn server_is_new(&mut self) {
        let ([_, from_server], [to_server, _]) = (&mut self.ended, &mut self.finish);
        (*from_server, *to_server) = (false, false);
    }

    /// Goes on until something is needed.
    pub fn poll(&mut self, cx: &mut Context<'_>, io: &mut Io, client: &mut End, server: &mut Option<End>) -> Poll<Ask> {
        loop {
            if let Some(ask) = self.poll_steps(cx, io, client, server) {
                return Poll::Ready(ask);
            }
            if self.forward && self.ended == [false, true] && server.is_some() && !self.closing {
                return Poll::Ready(Ask::ServerGone);
            }
            if let Poll::Ready(Some((ticket, outcome))) = self.later.1.poll_recv(cx) {
                return Poll::Ready(Ask::Judged(ticket, outcome));
            }
            if let Some(Poll::Ready(Some((message, answered)))) = self.injected.as_mut().map(|i| i.poll_recv(cx)) {
                answered(self.middle.inject(message, &mut self.fresh));
                self.steps.extend(self.fresh.drain(..));
                continue;
            }
            self.middle.idle(&mut self.fresh);
            if !self.fresh.is_empty() {
                self.steps.extend(self.fresh.drain(..));
                continue;
            }
            let mut moved = false;
            for from in [Dir::ToServer, Dir::ToClient] {
                match self.poll_from(cx, io, client, server.as_mut(), from) {
                    Poll::Ready(Some(over)) => return Poll::Ready(Ask::Over(over)),
                    Poll::Ready(None) => moved = true,
                    Poll::Pending => {}
                }
            }
            match self.poll_ends(cx, io, client, server.as_mut()) {
                Poll::Ready(Some(over)) => return Poll::Ready(Ask::Over(over)),
                Poll::Ready(None) => moved = true,
                Poll::Pending => {}
            }
            if !moved && self.steps.is_empty() {
                return Poll::Pending;
            }
        }
    }

    /// Does what can be done at once; the first step that cannot is asked for.
    fn poll_steps(&mut self, cx: &mut Context<'_>, io: &mut Io, client: &mut End, server: &mut Option<End>) -> Option<Ask> {
        let mut filled = None;
        let ask = loop {
            let Some(step) = self.steps.pop_front() else { break None };
            let ask = match step {
                Step::Send { dir, bytes } => {
                    let bytes = self.not_yet_said(dir, bytes);
                    if filled.is_some_and(|d| d != dir) {
                        flush(cx, io, client, server.as_mut(), filled.take());
                    }
                    filled = Some(dir);
                    let to = if dir == Dir::ToServer { server.as_mut() } else { Some(&mut *client) };
                    if let Some(Err(fault)) = to.map(|to| to.put(&bytes, &mut io.rest)) {
                        break Some(Ask::Over(Over::Broken(usize::from(dir == Dir::ToServer), fault)));
                    }
                    continue;
                }
                Step::Finish { dir } => {
                    if let Some(f) = self.finish.get_mut(side(dir)) {
                        *f = true;
                    }
                    continue;
                }
                Step::Close => {
                    self.closing = true;
                    continue;
                }
                Step::Break => {
                    (self.closing, self.breaking) = (true, true);
                    continue;
                }
                Step::Route(origin) => Ask::Route(origin),
                Step::Tunnel(origin) => Ask::Tunnel(origin),
                // What stands with the client already is not judged any more.
                Step::Judge { ticket, message } if self.said > 0 && message.dir == Dir::ToClient => {
                    self.tell(News::Judged { ticket, judgement: Judgement::Pass });
                    continue;
                }
                Step::Judge { ticket, message } => {
                    self.judging = self.judging.saturating_add(1);
                    Ask::Judge(ticket, message)
                }
                Step::Becomes { hint, rest } => {
                    keep_ahead(client, server.as_mut(), &rest);
                    Ask::Becomes(hint)
                }
                Step::Opaque { rest } => {
                    keep_ahead(client, server.as_mut(), &rest);
                    Ask::Opaque
                }
                Step::Expect(agreed) => Ask::Expect(agreed),
                Step::Told { note, words } => Ask::Told(note, words),
            };
            break Some(ask);
        };
        flush(cx, io, client, server.as_mut(), filled);
        ask
    }

    /// Without what stands with the client already.
    fn not_yet_said(&mut self, dir: Dir, mut bytes: Bytes) -> Bytes {
        if dir == Dir::ToClient && self.said > 0 {
            let n = self.said.min(bytes.len());
            self.said = self.said.saturating_sub(n);
            return bytes.split_off(n);
        }
        bytes
    }

    /// Reads one end for the middle. `Ready(None)`: something came.
    fn poll_from(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut Io,
        client: &mut End,
        server: Option<&mut End>,
        dir: Dir,
    ) -> Poll<Option<Over>> {
        let (from, to) = match (dir, server) {
            (Dir::ToServer, server) => (client, server),
            (Dir::ToClient, Some(server)) => (server, Some(client)),
            (Dir::ToClient, None) => return Poll::Pending,
        };
        if let Some(to) = to
            && to.is_backed_up()
        {
            match to.poll_flush(cx, &mut io.rest) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(()) | Err(_)) => {}
            }
        }
        let ended = self.ended.get(side(dir)).copied().unwrap_or(true);
        if ended || self.closing || self.middle.holds(dir) && self.middle.weight() > HELD {
            return Poll::Pending;
        }
        let mut got: Vec<u8> = Vec::new();
        match from.poll_read(cx, io, &mut |plain, _| got.extend_from_slice(plain)) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(_)) => {}
            // One of several servers broke off: its client can still be told.
            Poll::Ready(Err(_)) if self.forward && dir == Dir::ToClient => {}
            Poll::Ready(Err(fault)) => return Poll::Ready(Some(Over::Broken(side(dir), fault))),
        }
        if !got.is_empty() {
            let bytes = Bytes::from(got);
            self.keep_recent(dir, &bytes);
            self.middle.push(dir, bytes, &mut self.fresh);
        }
        if let Some(gone) = from.gone {
            if let Some(e) = self.ended.get_mut(side(dir)) {
                *e = true;
            }
            let how = if gone == Gone::Fin { How::Fin } else { How::Reset };
            self.middle.end(dir, how, &mut self.fresh);
        }
        self.steps.extend(self.fresh.drain(..));
        Poll::Ready(None)
    }

    /// Passes ends on, and closes.
    fn poll_ends(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut Io,
        client: &mut End,
        mut server: Option<&mut End>,
    ) -> Poll<Option<Over>> {
        let mut moved = false;
        for end in [Some(&mut *client), server.as_deref_mut()].into_iter().flatten() {
            if end.is_backed_up() && end.poll_flush(cx, &mut io.rest).is_ready() {
                moved = true;
            }
        }
        let [to_server, to_client] = self.finish.map(|f| f || self.closing);
        let mut open = false;
        for (wanted, end) in [(to_client, Some(&mut *client)), (to_server, server.as_deref_mut())] {
            let Some(end) = end else { continue };
            if !wanted {
                open = true;
            } else if !end.is_shut() {
                if self.breaking {
                    if end.is_backed_up() {
                        open = true;
                    } else {
                        end.reset(&mut io.rest);
                        moved = true;
                    }
                } else if end.poll_shut(cx, &mut io.rest, true, true).is_ready() {
                    moved = true;
                } else {
                    open = true;
                }
            }
        }
        let heard = client.gone.is_some() && server.as_ref().is_none_or(|s| s.gone.is_some());
        if !open && (self.closing || heard) && self.steps.is_empty() {
            return Poll::Ready(Some(Over::Done));
        }
        // A client that left while no server is there leaves nothing to do, unless its last message is still being judged: it may have closed
        // its half only, and wait for the answer.
        let idle = self.steps.is_empty() && self.judging == 0;
        if client.gone == Some(Gone::Fin) && server.is_none() && idle && !client.is_backed_up() {
            return Poll::Ready(Some(Over::Done));
        }
        if moved { Poll::Ready(None) } else { Poll::Pending }
    }
}

/// The place of a direction in pairs: what comes from the client first.
fn side(dir: Dir) -> usize {
    usize::from(dir == Dir::ToClient)
}

fn keep_ahead(client: &mut End, server: Option<&mut End>, [from_client, from_server]: &[Bytes; 2]) {
    client.ahead.extend_from_slice(from_client);
    if let Some(server) = server {
        server.ahead.extend_from_slice(from_server);
    }
}

/// Writes what was put for one direction. What cannot go now waits with its end, whose faults show when it is read.
fn flush(cx: &mut Context<'_>, io: &mut Io, client: &mut End, server: Option<&mut End>, dir: Option<Dir>) {
    let to = match dir {
        Some(Dir::ToServer) => server,
        Some(Dir::ToClient) => Some(client),
        None => None,
    };
    if let Some(to) = to {
        let _ = to.poll_flush(cx, &mut io.rest);
    }
}
