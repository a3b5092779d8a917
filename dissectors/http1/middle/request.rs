//! Requests on their way to the server.

use super::super::body::Frame;
use super::super::{fact, notes as n, parse};
use super::cursor::Cursor;
use super::exchange::{Asking, Exchange, Kept, Kind};
use super::flow::{self, Flow, Way};
use super::forward::{self, Bad, Hop, Target};
use super::head::{self, Lines, MOST_HEAD, RequestLine, Said};
use super::page::{self, For};
use super::{Go, Http1, MOST_ASKED, State, Waits, edit, told};
use crate::coding::transfer::base64;
use bytes::{Bytes, BytesMut};
use wirelore_kit::middle::{Judgement, Origin, Refusal, Stage, Step};
use wirelore_kit::{Dir, Fact, Hint, Note, Side, Text};

impl Http1 {
    /// Reads on in the client's direction.
    pub(super) fn upward(&mut self, cur: &mut Cursor, steps: &mut Vec<Step>) -> Go {
        match self.up.state {
            State::Wait => Go::Stop,
            State::Done => {
                cur.skip(cur.rest().len(), steps);
                Go::Stop
            }
            State::Head => self.request(cur, steps),
            State::Body(frame) => self.request_body(cur, frame, steps),
            State::Skip(frame) => match flow::read(cur, frame, Way::Skip, self.unfolds(), steps) {
                Flow::More(frame) => self.up_stop(State::Skip(frame)),
                Flow::Done => self.after_request(),
                Flow::Bad(note) => self.refuse_midway(note, steps),
            },
            State::Keep(frame) => self.keep_request(cur, frame, steps),
        }
    }

    const fn up_stop(&mut self, state: State) -> Go {
        self.up.state = state;
        Go::Stop
    }

    /// Reads a request's head.
    fn request(&mut self, cur: &mut Cursor, steps: &mut Vec<Step>) -> Go {
        match cur.rest() {
            [] | [b'\r'] => return Go::Stop,
            [b'\r', b'\n', ..] if !self.blank || self.lax => {
                if std::mem::replace(&mut self.blank, true) {
                    told(steps, &n::LEADING_CRLF, "let through as it is");
                }
                if self.forwards() {
                    cur.skip(2, steps)
                } else {
                    cur.pass(2)
                }
                return Go::On;
            }
            [first, ..] if !parse::is_tchar(*first) => {
                let note = if matches!(first, b'\r' | b'\n') { &n::LEADING_CRLF } else { &n::NOT_HTTP };
                if self.lax && !self.forwards() {
                    return self.copy_on(cur, note, steps);
                }
                return self.refuse(note, For::default(), steps);
            }
            _ => {}
        }
        if self.asked.len() >= MOST_ASKED {
            return Go::Stop;
        }
        let mut lines = std::mem::take(&mut self.lines);
        let go = if lines.find(cur.rest(), &mut self.up.searched) && lines.len <= MOST_HEAD {
            self.request_head(cur, &lines, steps)
        } else if cur.rest().len() > MOST_HEAD {
            self.refuse(&n::HEAD_REFUSED, For::default(), steps)
        } else {
            Go::Stop
        };
        self.lines = lines;
        go
    }

    fn request_head(&mut self, cur: &mut Cursor, lines: &Lines, steps: &mut Vec<Step>) -> Go {
        self.blank = false;
        let head = cur.rest().get(..lines.len).unwrap_or(&[]);
        let line = head::request_line(head.get(..lines.first).unwrap_or(&[]));
        let said = Said::of(head, lines);
        let client = For { json: said.json, head: line.method == b"HEAD", close: true };
        let wrong = wrong(&line, &said);
        let mut opaque = false;
        if let Some(note) = wrong {
            if !self.lax {
                return self.refuse(note, client, steps);
            }
            told(steps, note, "let through as it is");
            let coded = said.transfer.as_ref().is_some_and(|t| !t.chunked || t.not_last || t.unknown);
            opaque = line.wrong.is_some()
                || note == &n::CONNECT_BODY
                || coded
                || (said.transfer.is_none() && said.length.is_none() && said.lengths > 0);
        }
        let mut exchange = self.exchange(&line, &said);
        if exchange.kind == Kind::Upgrade {
            exchange.offer = offer(head, lines);
        }
        let connect = exchange.kind == Kind::Connect;
        let frame = said.frame(false, connect);
        if self.judge {
            exchange.url = if connect { Some(Text(line.target).to_string().into()) } else { self.url(&line, &said) };
        }
        // What nobody judges goes on at once, if its server is connected.
        let admitted = self.pass.as_ref().is_none_or(|pass| may_pass(head, lines, pass));
        if !self.judge && !opaque && admitted {
            if !self.forwards() && !self.is_alone() {
                cur.pass(lines.len);
                return self.went(exchange, frame);
            }
            if !connect
                && said.max_forwards.is_none()
                && let Ok(target) = Target::absolute(line.target)
                && self.server.as_ref().is_some_and(|s| target.is(s))
            {
                let ready = forward::request(head, lines, &said, Some(&target), self.hop(exchange.close));
                cur.skip(lines.len, steps);
                steps.push(Step::Send { dir: Dir::ToServer, bytes: ready });
                return self.went(exchange, frame);
            }
        }
        let asking = Asking {
            head: Bytes::new(),
            frame,
            kept: None,
            exchange,
            expects: said.expects && frame != Frame::Nothing,
            opaque,
            tunnel: connect && self.forwards(),
            origin: None,
            ready: Bytes::new(),
        };
        let asking = Box::new(Asking { head: cur.take(lines.len, steps), ..asking });
        self.up.state = State::Wait;
        if !admitted {
            self.answer_refusal(asking, &who_are_you());
        } else if self.judge && !opaque {
            self.judge_request(asking, Stage::Head, lines, steps);
        } else {
            self.prepare(asking, lines, steps);
        }
        Go::On
    }

    /// The exchange that a request begins.
    fn exchange(&mut self, line: &RequestLine<'_>, said: &Said<'_>) -> Exchange {
        let mut exchange = Exchange::new(self.exchanges);
        self.exchanges = self.exchanges.wrapping_add(1);
        exchange.json = said.json;
        exchange.kind = match line.method {
            b"HEAD" => Kind::Head,
            b"CONNECT" => Kind::Connect,
            _ if !said.upgrade.is_empty() && (!self.forwards() || forward::keeps_upgrade(said)) => Kind::Upgrade,
            _ => Kind::Plain,
        };
        // Only a proxy has two connections that end apart.
        exchange.close = self.forwards() && (said.close || line.old);
        exchange
    }

    /// A request's head has gone on.
    fn went(&mut self, exchange: Exchange, frame: Frame) -> Go {
        self.asked.push_back(exchange);
        if frame == Frame::Nothing {
            return self.after_request();
        }
        self.up.state = State::Body(frame);
        Go::On
    }

    /// A request is complete.
    fn after_request(&mut self) -> Go {
        let open = self.asked.back().is_some_and(|e| e.own.is_none() && matches!(e.kind, Kind::Connect | Kind::Upgrade));
        if open {
            self.waits = Waits::Answer;
            self.up.state = State::Wait;
        } else {
            self.up.state = State::Head;
        }
        Go::On
    }

    fn request_body(&mut self, cur: &mut Cursor, frame: Frame, steps: &mut Vec<Step>) -> Go {
        match flow::read(cur, frame, Way::Pass, self.unfolds(), steps) {
            Flow::More(frame) => self.up_stop(State::Body(frame)),
            Flow::Done => self.after_request(),
            Flow::Bad(note) if self.lax => self.copy_on(cur, note, steps),
            Flow::Bad(note) => {
                cur.flush(steps);
                self.refuse_midway(note, steps)
            }
        }
    }

    /// From here on nothing can be told apart: everything is copied.
    fn copy_on(&mut self, cur: &mut Cursor, note: &'static Note, steps: &mut Vec<Step>) -> Go {
        cur.flush(steps);
        told(steps, note, "let through as it is; from here on nothing is read");
        self.up.rest = cur.take_left();
        let down = std::mem::take(&mut self.down.rest);
        self.become_it(None, down, steps)
    }

    /// A request is not let through.
    fn refuse(&mut self, note: &'static Note, client: For, steps: &mut Vec<Step>) -> Go {
        let (status, refusal) = page::refused(note, false);
        told(steps, note, format!("refused with {status}"));
        let mut exchange = Exchange::new(self.exchanges);
        exchange.own = Some(page::of(&refusal, For { close: true, ..client }));
        exchange.close = true;
        self.asked.push_back(exchange);
        self.up.state = State::Done;
        Go::On
    }

    /// The body of a request whose head has gone on is not let through.
    fn refuse_midway(&mut self, note: &'static Note, steps: &mut Vec<Step>) -> Go {
        let (status, refusal) = page::refused(note, false);
        self.up.state = State::Done;
        match self.asked.back_mut().filter(|e| !e.started) {
            Some(exchange) => {
                told(steps, note, format!("refused with {status}"));
                exchange.close = true;
                // A request that we answer ourselves has its answer.
                if exchange.own.is_none() {
                    exchange.own = Some(page::of(&refusal, exchange.page()));
                }
            }
            None => {
                told(steps, note, "refused: the connection is closed");
                self.close(steps);
                return Go::Over;
            }
        }
        Go::On
    }

    /// The body is larger than what is kept: the request is judged by its head, and the body goes on as it comes.
    fn judge_request_alone(&mut self, asking: Box<Asking>, lines: &Lines, steps: &mut Vec<Step>) {
        told(steps, &n::BODY_NOT_KEPT, "the request is judged without it");
        self.judge_request(asking, Stage::Head, lines, steps);
    }

    /// Hands a request over to be judged.
    fn judge_request(&mut self, asking: Box<Asking>, stage: Stage, lines: &Lines, steps: &mut Vec<Step>) {
        let ticket = self.ticket();
        let e = &asking.exchange;
        let kept = asking.kept.as_ref().filter(|_| stage == Stage::Whole);
        let message = edit::transit(&asking.head, lines, kept, false, e.number, stage, e.url.as_deref());
        steps.push(Step::Judge { ticket, message: Box::new(message) });
        self.waits = Waits::Judgement(ticket);
        self.up.state = State::Wait;
        self.asking = Some(asking);
    }

    /// Does what was judged of the request that waits.
    pub(super) fn judged_request(&mut self, judgement: Judgement, steps: &mut Vec<Step>) {
        let Some(mut asking) = self.asking.take() else { return };
        self.waits = Waits::No;
        let mut lines = std::mem::take(&mut self.lines);
        lines.again(&asking.head);
        match judgement {
            Judgement::Pass => self.prepare(asking, &lines, steps),
            Judgement::Body if asking.kept.is_some() => self.prepare(asking, &lines, steps),
            Judgement::Body => self.keep(asking, &lines, steps),
            Judgement::Change(to) => {
                let changed = edit::change(&asking.head, &lines, asking.kept.as_ref(), asking.frame, &to, false, false);
                if changed.odd {
                    told(steps, &n::EDIT_FRAMED, "the request goes on as it was edited");
                    asking.exchange.close = true;
                }
                (asking.head, asking.ready) = (changed.head, Bytes::new());
                if let Some(kept) = &mut asking.kept {
                    kept.raw = changed.body.unwrap_or_else(|| std::mem::take(&mut kept.raw));
                }
                lines.again(&asking.head);
                if asking.exchange.kind == Kind::Upgrade {
                    asking.exchange.offer = offer(&asking.head, &lines);
                }
                self.prepare(asking, &lines, steps);
            }
            Judgement::Drop => {
                asking.exchange.dropped = true;
                self.asked.push_back(asking.exchange);
                self.up.go(State::Done);
            }
            Judgement::Answer(answer) => {
                // Behind a tunnel that did not come about, the client may have sent on as if it had.
                asking.exchange.close |= asking.tunnel;
                let bytes = edit::answer(&answer, asking.exchange.kind == Kind::Head);
                self.answer_own(asking, bytes);
            }
            Judgement::Reset => self.close(steps),
        }
        self.lines = lines;
    }

    /// Keeps the body of the request that is judged.
    fn keep(&mut self, mut asking: Box<Asking>, lines: &Lines, steps: &mut Vec<Step>) {
        match asking.frame {
            Frame::Counted(len) if len > self.keep as u64 => {
                asking.kept = Some(Kept::default());
                return self.judge_request_alone(asking, lines, steps);
            }
            Frame::Nothing => {
                asking.kept = Some(Kept { whole: true, ..Kept::default() });
                return self.judge_request(asking, Stage::Whole, lines, steps);
            }
            _ => {}
        }
        asking.kept = Some(Kept { chunked: matches!(asking.frame, Frame::Chunked(_)), ..Kept::default() });
        if asking.expects {
            self.owes_continue = true;
            asking.exchange.continued = true;
        }
        self.up.go(State::Keep(asking.frame));
        self.asking = Some(asking);
    }

    fn keep_request(&mut self, cur: &mut Cursor, frame: Frame, steps: &mut Vec<Step>) -> Go {
        let Some(mut asking) = self.asking.take() else { return self.up_stop(State::Done) };
        let mut none = BytesMut::new();
        let kept = asking.kept.as_mut();
        let raw = kept.map_or(&mut none, |k| &mut k.raw);
        let flow = flow::read(cur, frame, Way::Keep(raw), self.unfolds(), steps);
        let full = raw.len() > self.keep;
        let mut lines = std::mem::take(&mut self.lines);
        lines.again(&asking.head);
        let go = match flow {
            Flow::More(frame) if full => {
                asking.frame = frame;
                self.judge_request_alone(asking, &lines, steps);
                Go::On
            }
            Flow::More(frame) => {
                self.asking = Some(asking);
                self.up_stop(State::Keep(frame))
            }
            Flow::Done => {
                if let Some(kept) = &mut asking.kept {
                    kept.whole = true;
                }
                asking.frame = Frame::Nothing;
                self.judge_request(asking, Stage::Whole, &lines, steps);
                Go::On
            }
            Flow::Bad(note) if self.lax => {
                told(steps, note, "let through as it is; from here on nothing is read");
                asking.opaque = true;
                self.prepare(asking, &lines, steps);
                Go::On
            }
            Flow::Bad(note) => {
                self.asked.push_back(asking.exchange);
                self.refuse_midway(note, steps)
            }
        };
        self.lines = lines;
        go
    }

    /// Makes a request ready for its server and says where that is.
    fn prepare(&mut self, mut asking: Box<Asking>, lines: &Lines, steps: &mut Vec<Step>) {
        self.waits = Waits::Ready;
        self.up.state = State::Wait;
        if !self.forwards() {
            asking.origin.clone_from(&self.away);
            asking.ready = asking.head.clone();
            self.asking = Some(asking);
            return;
        }
        let head = asking.head.clone();
        let line = head::request_line(head.get(..lines.first).unwrap_or(&[]));
        let said = Said::of(&head, lines);
        if asking.tunnel {
            match forward::host_port(line.target) {
                Some((host, Some(port))) => {
                    asking.origin = Some(Origin { host: String::from_utf8_lossy(host).into_owned(), port, tls: false });
                    self.asking = Some(asking);
                }
                _ => self.answer_refusal(asking, &no_tunnel(line.target)),
            }
            return;
        }
        let mut hop = self.hop(asking.exchange.close);
        if let (Some(value), b"OPTIONS" | b"TRACE") = (said.max_forwards, line.method) {
            hop.forwards = std::str::from_utf8(value).ok().and_then(|v| v.parse::<u32>().ok());
            if hop.forwards == Some(0) {
                let bytes = edit::last_hop(&head, lines, line.method == b"TRACE");
                return self.answer_own(asking, bytes);
            }
            hop.forwards = hop.forwards.map(|f| f.saturating_sub(1));
        }
        let target = match Target::absolute(line.target) {
            Ok(target) => target,
            Err(bad) => match own_page(line.target, &said) {
                // Whoever drives us has pages of its own, which can be asked for in any form.
                Some(host) if bad == Bad::Relative => {
                    asking.origin = Some(Origin { host: host.to_owned(), port: 80, tls: false });
                    asking.ready = asking.head.clone();
                    self.asking = Some(asking);
                    return;
                }
                _ => return self.answer_refusal(asking, &no_target(bad, line.target)),
            },
        };
        if said.host.is_some_and(|h| !h.eq_ignore_ascii_case(target.authority)) {
            let words = format!("Host said {}, the target {}", Text(said.host.unwrap_or(&[])), Text(target.authority));
            told(steps, &n::HOST_REPLACED, words);
        }
        asking.ready = forward::request(&head, lines, &said, Some(&target), hop);
        asking.origin = Some(target.origin());
        self.asking = Some(asking);
    }

    /// What changes on our hop.
    pub(super) fn hop(&self, close: bool) -> Hop<'_> {
        Hop { name: &self.name, close, lax: self.lax, forwards: None }
    }

    /// Sends the request that is ready, or asks for its server. False: earlier requests must be answered first.
    pub(super) fn depart(&mut self, steps: &mut Vec<Step>) -> bool {
        let Some(asking) = &mut self.asking else {
            self.waits = Waits::No;
            return true;
        };
        let connected = asking.origin.is_none() || (!asking.tunnel && asking.origin == self.server);
        if connected {
            self.release(steps);
            return true;
        }
        if !self.asked.is_empty() {
            return false;
        }
        let Some(origin) = asking.origin.clone() else { return false };
        let tunnel = asking.tunnel;
        self.leave();
        self.waits = Waits::Route;
        steps.push(if tunnel { Step::Tunnel(origin) } else { Step::Route(origin) });
        true
    }

    /// The request goes on.
    fn release(&mut self, steps: &mut Vec<Step>) {
        let Some(asking) = self.asking.take() else { return };
        let asking = *asking;
        self.waits = Waits::No;
        self.up.woken = true;
        steps.push(Step::Send { dir: Dir::ToServer, bytes: asking.ready });
        let mut frame = asking.frame;
        if let Some(kept) = asking.kept {
            if kept.whole {
                frame = Frame::Nothing;
            }
            if !kept.raw.is_empty() {
                steps.push(Step::Send { dir: Dir::ToServer, bytes: kept.raw.freeze() });
            }
        }
        self.went(asking.exchange, frame);
        if asking.opaque {
            let down = std::mem::take(&mut self.down.rest);
            self.become_it(None, down, steps);
        }
    }

    /// The server that was asked for is connected.
    pub(super) fn routed(&mut self, steps: &mut Vec<Step>) {
        if self.waits != Waits::Route {
            return;
        }
        let Some(asking) = &mut self.asking else { return };
        if asking.tunnel {
            steps.push(Step::Send {
                dir: Dir::ToClient,
                bytes: Bytes::from_static(b"HTTP/1.1 200 Connection established\r\n\r\n"),
            });
            self.become_it(Some(Hint::Probe), Bytes::new(), steps);
            return;
        }
        self.server = asking.origin.clone();
        self.down = super::Lane::new();
        (self.fresh, self.closing) = (true, false);
        self.release(steps);
    }

    /// The server that was asked for cannot be reached.
    pub(super) fn unreachable(&mut self, refusal: &Refusal) {
        if self.waits == Waits::Route
            && let Some(asking) = self.asking.take()
        {
            self.answer_refusal(asking, refusal);
        }
    }

    /// We answer a request ourselves, with a page.
    fn answer_refusal(&mut self, mut asking: Box<Asking>, refusal: &Refusal) {
        // Behind a tunnel that did not come about, the client may have sent on as if it had.
        asking.exchange.close |= (asking.tunnel && refusal.status != 407) || asking.expects;
        let page = page::of(refusal, asking.exchange.page());
        self.answer_own(asking, page);
    }

    /// We answer a request ourselves; its body is read and thrown away.
    fn answer_own(&mut self, asking: Box<Asking>, bytes: Bytes) {
        let asking = *asking;
        let whole = asking.kept.as_ref().is_some_and(|k| k.whole);
        let mut exchange = asking.exchange;
        self.waits = Waits::No;
        exchange.own = Some(bytes);
        // Whoever waits for a 100 and gets this may send the body or leave it out: nobody knows what comes next.
        exchange.close |= asking.expects && !exchange.continued;
        let done = exchange.close;
        self.asked.push_back(exchange);
        self.up.go(match asking.frame {
            _ if done => State::Done,
            Frame::Nothing => State::Head,
            _ if whole => State::Head,
            frame => State::Skip(frame),
        });
    }

    /// The address asked for, for those who judge.
    fn url(&self, line: &RequestLine<'_>, said: &Said<'_>) -> Option<Box<str>> {
        if Target::absolute(line.target).is_ok() {
            return Some(Text(line.target).to_string().into());
        }
        let host = said.host.filter(|h| !h.is_empty())?;
        let path = if line.target == b"*" { &b""[..] } else { line.target };
        let scheme = if self.secure { "https" } else { "http" };
        Some(format!("{scheme}://{}{}", Text(host), Text(path)).into())
    }
}

/// What a request that offers an upgrade says to the protocol that comes of it.
fn offer(head: &[u8], lines: &Lines) -> Vec<Fact> {
    let target = head::request_line(head.get(..lines.first).unwrap_or(&[])).target;
    let mut all = edit::upgrade_facts(Side::Client, head, lines);
    all.push(fact(Side::Client, "path", target));
    all
}

/// What about a request's head is not let through.
fn wrong(line: &RequestLine<'_>, said: &Said<'_>) -> Option<&'static Note> {
    if let Some(note) = line.wrong.or(said.wrong).or_else(|| head::wrong_coding(said, line.old, false)) {
        return Some(note);
    }
    if said.hosts == 0 && !line.old {
        return Some(&n::NO_HOST);
    }
    if said.host.is_some_and(|h| !forward::good_host(h)) {
        return Some(&n::HOST_BAD);
    }
    let body = said.transfer.is_some() || said.length.is_some_and(|l| l > 0);
    (line.method == b"CONNECT" && body).then_some(&n::CONNECT_BODY)
}

/// Names under which whoever drives us has pages of its own.
const PAGES: [&str; 2] = ["wirelore.proxy", "mitm.it"];

/// The page's host, if a request that is in no form for a proxy is for one.
fn own_page(target: &[u8], said: &Said<'_>) -> Option<&'static str> {
    // Whoever is to be told of the proxy by this file does not ask through the proxy yet.
    if matches!(target, b"/proxy.pac" | b"/wpad.dat") {
        return PAGES.into_iter().next();
    }
    let (host, _) = forward::host_port(said.host?)?;
    PAGES.into_iter().find(|p| target.starts_with(b"/") && host.eq_ignore_ascii_case(p.as_bytes()))
}

/// Whether Proxy-Authorization says `pass` (RFC 7617); the time that takes does not tell how much of it is right.
fn may_pass(head: &[u8], lines: &Lines, pass: &str) -> bool {
    let row = lines.rows.iter().find(|r| r.name(head).eq_ignore_ascii_case(b"proxy-authorization"));
    let Some(value) = row.map(|r| r.value(head)) else { return false };
    let Some((scheme, word)) = value.split_at_checked(6) else { return false };
    let given = if scheme.eq_ignore_ascii_case(b"basic ") { base64(word.trim_ascii()) } else { None };
    let given = given.unwrap_or_default();
    let differs = given.iter().zip(pass.as_bytes()).fold(0, |d, (a, b)| d | (a ^ b));
    given.len() == pass.len() && differs == 0
}

fn who_are_you() -> Refusal {
    Refusal {
        status: 407,
        what: "This proxy wants a user and a password".to_owned(),
        why: "The request carries none, or others than the proxy was started with (RFC 9110 \u{a7}11.7).".to_owned(),
        what_to_do: "Enter them where the proxy is set up: for curl, -x http://USER:PASSWORD@HOST:PORT.".to_owned(),
    }
}

fn no_tunnel(target: &[u8]) -> Refusal {
    Refusal {
        status: 400,
        what: "The request for a tunnel names no host and port".to_owned(),
        why: format!("CONNECT asks for \u{201c}{}\u{201d}; RFC 9112 \u{a7}3.2.3 wants a host, a colon and a port.", Text(target)),
        what_to_do: "Ask as in: CONNECT example.org:443 HTTP/1.1".to_owned(),
    }
}

fn no_target(bad: Bad, target: &[u8]) -> Refusal {
    let target = Text(target.get(..target.len().min(200)).unwrap_or(target));
    let (status, what, why) = match bad {
        Bad::Relative => (
            400,
            "This is a proxy, and the request names no server",
            format!(
                "It asks for \u{201c}{target}\u{201d}, as one asks a server. A proxy is asked for a whole address: GET http://example.org/ \
                 HTTP/1.1 (RFC 9112 \u{a7}3.2.2)."
            ),
        ),
        Bad::Scheme => {
            (501, "This proxy forwards http and https addresses only", format!("The request is for \u{201c}{target}\u{201d}."))
        }
        Bad::Authority => (
            400,
            "The address in the request has no proper host and port",
            format!("The request is for \u{201c}{target}\u{201d} (RFC 3986 \u{a7}3.2)."),
        ),
    };
    Refusal {
        status,
        what: what.to_owned(),
        why,
        what_to_do: "Enter this proxy's address and port as the HTTP proxy in the settings of your browser or program, and ask again. For \
                     curl: curl -x http://127.0.0.1:8080 http://example.org/. To stand in front of a server that clients reach directly, \
                     start Wirelore with -m reverse:URL. Its own pages are at http://wirelore.proxy/."
            .to_owned(),
    }
}
