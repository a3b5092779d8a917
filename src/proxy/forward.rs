//! A client that speaks to us as to a proxy, and the driving of protocols in the middle with all that they need.

use crate::copy::Over;
use crate::course::Course;
use crate::drive::{Ask, Drive};
use crate::end::Fault;
use crate::hello::{First, look};
use crate::own::{Asked, is_own};
use crate::rearm::{Due, Rearm};
use crate::words;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;
use wirelore_engine::identify::{Decision, Question, identify};
use wirelore_gate::Outcome;
use wirelore_kit::middle::{Judgement, News, Origin, Place, Transit};
use wirelore_kit::{Claim, Dir, Hint, Spec};
use wirelore_record::{Kind, Note};

/// Who has said a line, and nothing more for so long, waits for an answer.
const PAUSE: Duration = Duration::from_millis(500);

impl Course {
    /// A listener that clients are told to use as their proxy.
    pub(crate) async fn regular(&mut self) -> Over {
        match self.first_words().await {
            First::Whole(hello) => {
                let host = hello.name.clone().unwrap_or_else(|| self.host());
                if let Err(over) =
                    self.tls_to_client((&host, hello.takes), None, self.own_protocol(&hello.alpn).as_deref(), None).await
                {
                    return over;
                }
            }
            First::Strange(why) => {
                self.note(words::strange(&why));
                return Over::Done;
            }
            First::Other | First::Part => {}
        }
        if matches!(self.client.ahead.first(), Some(4 | 5)) {
            return self.socks().await;
        }
        let spec = self.speaker(&Hint::Probe).await.or_else(|| self.says_http());
        let Some((spec, serve)) = spec.and_then(|spec| Some((spec, spec.middle.filter(|m| m.forward)?))) else {
            self.not_understood().await;
            return Over::Done;
        };
        self.conn.proto = Some(spec.name);
        let start = self.start(&Hint::Proto(spec.name), None);
        let judge = self.worker.shared.gate.wants(&self.conn);
        let setting = self.setting(start, Place::Forward, judge);
        match self.drive(Drive::new((serve.new)(&setting), true)).await {
            Ok(hint) => match self.own_host.take() {
                Some(host) => self.own_tunnel(&host).await,
                None => self.between(hint).await,
            },
            Err(over) => over,
        }
    }

    /// Drives a protocol in the middle until it becomes another.
    ///
    /// # Errors
    /// It is over.
    pub(crate) async fn drive(&mut self, drive: Drive) -> Result<Hint, Over> {
        let mut drive = drive.behind(std::mem::take(&mut self.greeted));
        for (dir, end) in [(Dir::ToServer, Some(&mut self.client)), (Dir::ToClient, self.server.as_mut())] {
            let ahead = end.map(|e| std::mem::take(&mut e.ahead)).unwrap_or_default();
            drive.push(dir, ahead.into());
        }
        let judged = self.worker.shared.gate.wants(&self.conn);
        if let Some(proto) = self.conn.proto.filter(|_| judged) {
            let to = drive.injector();
            // A connection that is gone takes nothing any more.
            self.worker.shared.gate.join(&self.conn, proto, Box::new(move |m, answered| _ = to.send((m, answered))));
        }
        let mut rearm = (!judged).then(|| Rearm::of(&self.worker.shared, &self.conn));
        loop {
            match self.next_ask(&mut drive, &mut rearm).await {
                Ask::Route(origin) if is_own(&origin.host) => {
                    let page = self.own_page(&Asked::in_bytes(drive.recent()), false, 0);
                    drive.tell(News::Answer(Box::new(page)));
                }
                Ask::Tunnel(origin) if is_own(&origin.host) => {
                    self.own_host = Some(origin.host);
                    drive.tell(News::Routed(Ok(())));
                }
                Ask::Route(origin) => {
                    let went = self.meet(&origin).await;
                    if went.is_ok() {
                        drive.server_is_new();
                    }
                    drive.tell(News::Routed(went));
                }
                Ask::Tunnel(origin) => {
                    let went = self.reach(&Origin { tls: false, ..origin }).await;
                    drive.tell(News::Routed(went));
                }
                Ask::Judge(ticket, message) => {
                    let later = drive.later();
                    let then = move |outcome| {
                        // A connection that is gone needs no judgement any more.
                        let _ = later.send((ticket, outcome));
                    };
                    if let Some(outcome) = self.worker.shared.gate.judge(&self.conn, *message, then) {
                        self.judged(&mut drive, ticket, outcome);
                    }
                }
                Ask::Judged(ticket, outcome) => self.judged(&mut drive, ticket, outcome),
                Ask::Becomes(hint) => return Ok(hint),
                Ask::Opaque => return Err(self.copy().await),
                Ask::Expect(agreed) => {
                    let at = self.expect(&agreed).await;
                    drive.tell(News::Listening { key: agreed.key, at });
                }
                Ask::ServerGone => self.drop_server(),
                Ask::Told(note, words) => {
                    self.note(Note { rule: note.name, why: &words, ..Note::new(Kind::Told, note.label) });
                }
                Ask::Over(over) => return Err(over),
            }
        }
    }

    async fn next_ask(&mut self, drive: &mut Drive, rearm: &mut Option<Rearm>) -> Ask {
        let Course { worker, client, server, conn, tie, .. } = self;
        poll_fn(|cx| {
            let io = &mut *worker.io.borrow_mut();
            io.tick();
            let ask = drive.poll(cx, io, client, server);
            io.rest.lane.turn();
            let read = [client.counts[0], server.as_ref().map_or(0, |s| s.counts[0])];
            while ask.is_pending() {
                match rearm.as_mut().map_or(Poll::Pending, |r| r.poll(cx, &worker.shared, conn, read)) {
                    Poll::Pending => break,
                    Poll::Ready(Due::Close) => return Poll::Ready(Ask::Over(Over::Done)),
                    Poll::Ready(Due::Tell { reopened }) => {
                        let now = io.rest.now;
                        io.rest.lane.note(*tie, words::unread(reopened), now);
                    }
                }
            }
            ask
        })
        .await
    }

    /// Does what the gate said, after the time that it said.
    fn judged(&mut self, drive: &mut Drive, ticket: u64, mut outcome: Outcome) {
        if !outcome.wait.is_zero() {
            let (later, wait) = (drive.later(), outcome.wait);
            outcome.wait = std::time::Duration::ZERO;
            tokio::task::spawn_local(async move {
                tokio::time::sleep(wait).await;
                let _ = later.send((ticket, outcome));
            });
            return;
        }
        let edited = !matches!(outcome.judgement, Judgement::Pass | Judgement::Body);
        for hit in &outcome.hits {
            let kind = if edited { Kind::Edited } else { Kind::Hit };
            self.note(Note { kind, ..words::hit(hit) });
        }
        if outcome.judgement == Judgement::Reset {
            let mut io = self.worker.io.borrow_mut();
            self.client.reset(&mut io.rest);
            if let Some(server) = self.server.as_mut() {
                server.reset(&mut io.rest);
            }
        }
        drive.tell(News::Judged { ticket, judgement: outcome.judgement });
    }

    /// Waits for a client's first bytes, which stay ahead.
    pub(crate) async fn first_words(&mut self) -> First {
        loop {
            match look(&self.client.ahead) {
                First::Part if self.client.gone.is_none() => self.read_client().await,
                first => return first,
            }
        }
    }

    /// Says something to the client. `None`: it is gone.
    pub(crate) async fn say(&mut self, bytes: &[u8]) -> Option<()> {
        let Course { worker, client, .. } = self;
        let mut put = false;
        poll_fn(|cx| {
            let io = &mut *worker.io.borrow_mut();
            io.tick();
            if !put {
                put = true;
                if let Err(fault) = client.put(bytes, &mut io.rest) {
                    return Poll::Ready(Err(fault));
                }
            }
            client.poll_flush(cx, &mut io.rest)
        })
        .await
        .ok()
    }

    /// Reads the client's next bytes, which stay ahead.
    pub(crate) async fn read_client(&mut self) {
        let Course { worker, client, .. } = self;
        poll_fn(|cx| {
            let io = &mut *worker.io.borrow_mut();
            io.tick();
            let mut ahead = std::mem::take(&mut client.ahead);
            let came = client.poll_read(cx, io, &mut |p, _| ahead.extend_from_slice(p));
            client.ahead = ahead;
            came.map(|_| ())
        })
        .await;
    }

    /// A first line that is none of HTTP/1, but means to be of HTTP: its reader says what is wrong with it.
    fn says_http(&self) -> Option<&'static Spec> {
        let line = self.client.ahead.split(|b| *b == b'\n').next()?.trim_ascii_end();
        let last = line.rsplit(u8::is_ascii_whitespace).next()?;
        let says = last.get(..5).is_some_and(|w| w.eq_ignore_ascii_case(b"HTTP/")) && last.len() < line.len();
        let pages = |s: &&Spec| s.middle.is_some_and(|m| m.forward) && s.claims.contains(&Claim::Alpn(b"http/1.1"));
        self.worker.shared.table.iter().copied().find(|s| says && pages(s))
    }

    /// Which protocol the client speaks to us, by its first bytes alone.
    pub(crate) async fn speaker(&mut self, hint: &Hint) -> Option<&'static Spec> {
        let table = self.worker.shared.table;
        let start = self.start(hint, None);
        let mut silent = false;
        loop {
            let ended = self.client.gone.is_some() || silent;
            let question =
                Question { table, start: &start, bytes: [&self.client.ahead, &[]], ended, roles_open: false, not: 0, user: None };
            match identify(&question) {
                Decision::Is { index, .. } => return table.get(index).copied(),
                // Behind a whole line it may be waiting for us.
                Decision::Wait if !ended && self.client.ahead.contains(&b'\n') => {
                    silent = tokio::time::timeout(PAUSE, self.read_client()).await.is_err();
                }
                Decision::Wait if !ended => self.read_client().await,
                Decision::Nobody if !ended && self.client.ahead.is_empty() => self.read_client().await,
                Decision::Nobody | Decision::Wait => return None,
            }
        }
    }

    /// Has a protocol's every message answered by us.
    pub(crate) async fn answer_all(&mut self, mut drive: Drive, answer: impl Fn(&Course, &Transit) -> Transit) -> Over {
        drive.push(Dir::ToServer, std::mem::take(&mut self.client.ahead).into());
        self.drop_server();
        loop {
            match self.next_ask(&mut drive, &mut None).await {
                Ask::Judge(ticket, message) => {
                    let judgement = Judgement::Answer(Box::new(answer(self, &message)));
                    drive.tell(News::Judged { ticket, judgement });
                }
                Ask::Over(over) => return over,
                Ask::Told(..) => {}
                _ => return Over::Broken(1, Fault::Early),
            }
        }
    }

    /// The protocol that we speak ourselves, of those that a client offers.
    pub(crate) fn own_protocol(&self, offered: &[Vec<u8>]) -> Option<Vec<u8>> {
        offered.iter().find(|name| self.speaks_pages(name)).cloned()
    }
}
