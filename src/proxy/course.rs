//! The course of one connection: where its client wants to go, who is dialled, which protocol it turns out to speak, what is done with it.

use crate::chain::{Chain, Speech};
use crate::copy::{Over, Told, poll_copy};
use crate::dial::dial;
use crate::drive::Drive;
use crate::end::{End, Fault, now};
use crate::hello::{First, Hello, look};
use crate::mode::{Mode, Scheme, Target};
use crate::pace::Pace;
use crate::rearm::{Due, Rearm};
use crate::socks::reply_of;
use crate::words;
use crate::worker::Worker;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use wirelore_ca::Trust;
use wirelore_engine::identify::{Decision, PEEK, Question, identify};
use wirelore_gate::{Conn, Dialling};
use wirelore_kit::middle::{Middle, Origin, Place, Refusal, Setting};
use wirelore_kit::{Hint, Relay, Spec, Start, Transport};
use wirelore_record::{Kind, Leg, Note, Side};

/// A protocol may keep us guessing for so long with bytes on the table; then they go on unread.
const GUESSING: Duration = Duration::from_millis(40);

/// A client that has said nothing for so long does not speak TLS: there it would speak first, and at once.
const SILENT: Duration = Duration::from_millis(500);

/// A ClientHello that has begun may take so long to come.
const HELLO: Duration = Duration::from_secs(10);

/// A connection of a client through us.
pub struct Course {
    pub(crate) worker: Rc<Worker>,
    pub(crate) client: End,
    pub(crate) server: Option<End>,
    /// Where the server is that `server` is connected to.
    pub(crate) origin: Option<Origin>,
    /// The number that both legs share.
    pub(crate) tie: u64,
    pub(crate) listener: usize,
    pub(crate) peer: SocketAddr,
    pub(crate) conn: Conn,
    /// What SOCKS calls the reason for which the last server was not reached.
    pub(crate) undialled: Option<u8>,
    /// Waits for a connection that was announced on this one.
    pub(crate) expecting: Option<AbortHandle>,
    /// The host of our own that a tunnel was opened to.
    pub(crate) own_host: Option<String>,
    /// The server is not connected yet: a rule may answer in its place.
    pub(crate) away: bool,
    /// How TLS is begun with the server once it is connected: as the client asked, by that name.
    pub(crate) meant: Option<(Hello, String)>,
    /// So much of what the server said first stands with the client already, of what lies in its `ahead`.
    pub(crate) greeted: usize,
}

/// What first bytes turned out to be.
enum Seen {
    /// TLS.
    Hello(Hello),
    /// TLS of a kind that we cannot answer.
    Strange(String),
    /// A protocol of the table, or none of it.
    Speaks(Option<&'static Spec>),
    /// An end is gone.
    Over(Over),
}

impl Course {
    /// Takes up a connection that was accepted, at that address of ours.
    pub fn new(worker: Rc<Worker>, (tcp, local): (TcpStream, SocketAddr), peer: SocketAddr, listener: usize, tie: u64) -> Course {
        let number = worker.shared.listener_number(listener);
        let leg = Leg { side: Side::Client, client: peer, server: local, listener: number, tie, time: now(), host: "" };
        let leg = worker.io.borrow_mut().rest.lane.open(leg);
        worker.shared.counts.opened();
        let client = End::new(tcp, Side::Client, leg);
        Course {
            worker,
            client,
            server: None,
            origin: None,
            tie,
            listener,
            peer,
            conn: Conn::new(tie, peer),
            undialled: None,
            expecting: None,
            own_host: None,
            away: false,
            meant: None,
            greeted: 0,
        }
    }

    /// Goes through with it.
    pub async fn run(mut self) {
        let mode = self.worker.shared.mode(self.listener);
        let over = match &mode {
            Mode::Regular | Mode::Upstream(_) => self.regular().await,
            Mode::Transparent => self.transparent().await,
            Mode::Reverse(to) => self.reverse(to).await,
        };
        self.settle(over);
    }

    /// The last words in the record, and RST where an end broke off.
    pub(crate) fn settle(&mut self, over: Over) {
        let mut io = self.worker.io.borrow_mut();
        io.tick();
        if let Over::Broken(side, fault) = over {
            let rest = &mut io.rest;
            match (side, self.server.as_mut()) {
                (0, Some(server)) => server.reset(rest),
                (1, _) if !self.client.is_shut() => self.client.reset(rest),
                _ => {}
            }
            if let Fault::Tls(e @ rustls::Error::AlertReceived(_)) = &fault
                && side == 1
            {
                // In TLS 1.3 a server says only behind the handshake that it misses a certificate of ours.
                let host = self.origin.as_ref().map_or("the server", |o| &o.host);
                rest.lane.note(self.tie, words::handshake(&Trust::explain(e, host), Side::Server), rest.now);
            } else if let Fault::Io(e) = &fault
                && (side, e.kind()) == (1, std::io::ErrorKind::ConnectionReset)
            {
                rest.lane.note(self.tie, words::server_reset(), rest.now);
            } else if let Fault::Tls(e) = &fault {
                let what = format!("TLS failed while data was on its way: {e}.");
                rest.lane.note(self.tie, Note { side: Some(words::side(side)), ..Note::new(Kind::Handshake, &what) }, rest.now);
            }
        }
    }

    /// The name that is put into leaf certificates when none was asked for.
    pub(crate) fn host(&self) -> String {
        self.origin.as_ref().map_or_else(
            || self.client.socket().local_addr().map_or_else(|_| "localhost".into(), |a| a.ip().to_string()),
            |o| o.host.clone(),
        )
    }

    /// Says something about this connection in the record.
    pub(crate) fn note(&self, note: Note<'_>) {
        let mut io = self.worker.io.borrow_mut();
        io.tick();
        let now = io.rest.now;
        io.rest.lane.note(self.tie, note, now);
    }

    /// Connects to an origin as the gate says.
    ///
    /// # Errors
    /// The refusal to tell the client.
    pub(crate) async fn dial(&mut self, origin: &Origin) -> Result<(), Refusal> {
        self.conn.server = Some(origin.clone());
        let mut to = origin.clone();
        match self.worker.shared.gate.connect(&self.conn) {
            Dialling::Go => {}
            Dialling::GoTo(other, hit) => {
                self.note(words::hit(&hit));
                to = other;
            }
            Dialling::Block(refusal, hit) => {
                self.note(words::hit(&hit));
                return Err(refusal);
            }
            Dialling::Delay(wait, hit) => {
                self.note(words::hit(&hit));
                tokio::time::sleep(wait).await;
            }
            Dialling::Reset(hit) => {
                self.note(words::hit(&hit));
                let mut io = self.worker.io.borrow_mut();
                self.client.reset(&mut io.rest);
                return Err(words::reset_by(&hit));
            }
        }
        if self.worker.shared.is_us(&to) {
            return Err(words::loop_to_us(&to));
        }
        let chain = match self.worker.shared.mode(self.listener) {
            Mode::Upstream(chain) => Some(chain),
            _ => None,
        };
        let (host, port) = chain.as_ref().map_or((&to.host, to.port), |c| (&c.host, c.port));
        let tcp = match dial(&self.worker.names, host, port).await {
            Ok(tcp) => tcp,
            Err(e) => {
                self.undialled = Some(reply_of(&e));
                let refusal = words::undialled(&e, &Origin { host: host.clone(), port, tls: false });
                self.note(words::refused(&refusal));
                return Err(refusal);
            }
        };
        let (ours, theirs) = (tcp.local_addr().unwrap_or(self.peer), tcp.peer_addr().unwrap_or(self.peer));
        self.conn.server_address = Some(theirs);
        let number = self.worker.shared.listener_number(self.listener);
        let leg = Leg {
            side: Side::Server,
            client: ours,
            server: theirs,
            listener: number,
            tie: self.tie,
            time: now(),
            host: &to.host,
        };
        let leg = self.worker.io.borrow_mut().rest.lane.open(leg);
        self.drop_server();
        let mut server = End::new(tcp, Side::Server, leg);
        if let Some(slow) = self.worker.shared.gate.pace(&self.conn) {
            self.note(words::paced(&slow));
            self.client.pace = Some(Pace::new(slow.up, slow.latency));
            server.pace = Some(Pace::new(slow.down, slow.latency));
        }
        self.server = Some(server);
        if let Some(chain) = chain {
            self.ask_upstream(&chain, &to).await?;
        }
        self.origin = Some(to);
        Ok(())
    }

    /// Asks the proxy upstream, which we are connected to, to connect to the server.
    async fn ask_upstream(&mut self, chain: &Chain, to: &Origin) -> Result<(), Refusal> {
        let mut why = None;
        if chain.speech == Speech::Https {
            let hello = Hello::of(&chain.host);
            why = self.tls_to_server(&hello, &chain.host).await.err().map(|failure| failure.to_string());
        }
        if let (None, Some(server)) = (&why, self.server.as_mut()) {
            why = chain.ask(&self.worker.io, server, to).await.err();
        }
        let Some(why) = why else { return Ok(()) };
        self.drop_server();
        let refusal = words::refused_upstream(chain, to, why);
        self.note(words::refused(&refusal));
        Err(refusal)
    }

    /// A client that was led here by the system: where it meant to go is asked of the socket.
    async fn transparent(&mut self) -> Over {
        let socket = socket2::SockRef::from(self.client.socket());
        let meant = socket.original_dst_v4().or_else(|_| socket.original_dst_v6()).ok().and_then(|a| a.as_socket());
        // Without REDIRECT's memory it is TPROXY, where our own end bears the server's address.
        let Some(to) = meant.or_else(|| self.client.socket().local_addr().ok()) else { return Over::Done };
        let origin = Origin { host: to.ip().to_canonical().to_string(), port: to.port(), tls: false };
        match self.reach(&origin).await {
            Ok(()) => self.between(Hint::Probe).await,
            Err(refusal) => self.refuse(&refusal).await,
        }
    }

    pub(crate) fn drop_server(&mut self) {
        if let Some(old) = self.server.take() {
            let mut io = self.worker.io.borrow_mut();
            io.tick();
            let now = io.rest.now;
            io.rest.lane.close(old.leg(), now);
        }
    }

    /// A reverse listener: everything goes to one server.
    async fn reverse(&mut self, to: &Target) -> Over {
        let origin = Origin { host: to.host.clone(), port: to.port, tls: to.tls };
        // Only requests of the protocols that we can answer in are waited for before the server is there.
        let asks = matches!(to.scheme, Scheme::Http | Scheme::Https | Scheme::Tcp | Scheme::Tls);
        let reached = if asks { self.reach(&origin).await } else { self.dial(&origin).await };
        if let Err(refusal) = reached {
            return self.refuse(&refusal).await;
        }
        if to.tls && !self.away && !self.brings_tls().await {
            let hello = Hello::of(&to.host);
            if let Err(failure) = self.tls_to_server(&hello, &to.host).await {
                self.note(words::handshake(&failure, Side::Server));
                return self.refuse(&words::upstream(&failure)).await;
            }
        }
        self.between(to.scheme.speaks()).await
    }

    /// Whether the client speaks TLS itself. One that says nothing may wait for its server's greeting.
    async fn brings_tls(&mut self) -> bool {
        let first = tokio::time::timeout(SILENT, self.first_words()).await;
        matches!(first, Ok(First::Whole(_) | First::Strange(_)))
    }

    /// A tunnel, or whatever stands for one: finds out what is spoken, and does what that needs, until it is over.
    pub(crate) async fn between(&mut self, mut hint: Hint) -> Over {
        let mut inside = None;
        if self.away {
            match self.alone().await {
                Ok((how, within)) => (hint, inside) = (how.unwrap_or(hint), within),
                Err(over) => return over,
            }
        }
        loop {
            match self.sniff(&hint, inside).await {
                Seen::Over(over) => return over,
                Seen::Strange(why) => {
                    self.note(words::strange(&why));
                    return self.copy_unopened().await;
                }
                Seen::Hello(hello) => match self.open_tls(hello).await {
                    Ok(Some(alpn)) => {
                        inside = Some("tls");
                        hint = match (alpn, hint) {
                            (Some(name), _) => Hint::Alpn(name),
                            (None, Hint::Over { inner, .. }) => Hint::Proto(inner),
                            (None, _) => Hint::Probe,
                        };
                    }
                    Ok(None) => return self.copy_unopened().await,
                    Err(over) => return over,
                },
                Seen::Speaks(spec) => {
                    self.conn.proto = spec.map(|s| s.name);
                    let Some(middle) = self.middle_of(spec, &hint, inside) else { return self.copy().await };
                    match self.drive(Drive::new(middle, false)).await {
                        Ok(next) => hint = next,
                        Err(over) => return over,
                    }
                }
            }
        }
    }

    pub(crate) fn start(&self, hint: &Hint, inside: Option<&'static str>) -> Start {
        let end = |a: SocketAddr| (a.ip(), a.port());
        let port = self.origin.as_ref().map(|o| o.port);
        Start {
            transport: Transport::Tcp,
            client: Some(end(self.peer)),
            server: self.conn.server_address.map(|a| (a.ip(), port.unwrap_or(a.port()))),
            hint: hint.clone(),
            midstream: false,
            expected: None,
            inside,
        }
    }

    /// The protocol's own part in the middle, if it must be there.
    fn middle_of(&self, spec: Option<&'static Spec>, hint: &Hint, inside: Option<&'static str>) -> Option<Box<dyn Middle>> {
        let judge = self.worker.shared.gate.wants(&self.conn);
        let serve = match spec {
            None if matches!(hint, Hint::Bytes(_)) && !judge => return None,
            // Bytes of no known protocol are judged piece by piece, and TLS may begin within them.
            None => wirelore_kit::chunks::SERVE,
            Some(spec) => {
                let serve = spec.middle?;
                // What can be spoken to a proxy needs watching there; between a client and its one server nothing in it is ours.
                if !judge && (serve.forward || spec.relay == Relay::Opaque) {
                    return None;
                }
                serve
            }
        };
        let setting = self.setting(self.start(hint, inside), Place::Between, judge);
        Some((serve.new)(&setting))
    }

    pub(crate) fn setting(&self, start: Start, place: Place, judge: bool) -> Setting {
        let options = self.worker.shared.options();
        let (name, auth) = (options.via.clone(), options.auth.clone());
        let shared = &self.worker.shared;
        Setting { start, place, judge, keep: shared.gate.keep(), lax: options.lax, name, auth, away: None, table: shared.table }
    }

    /// Looks at first bytes of both sides; whoever speaks first decides.
    async fn sniff(&mut self, hint: &Hint, inside: Option<&'static str>) -> Seen {
        let table = self.worker.shared.table;
        let start = self.start(hint, inside);
        let mut ended = false;
        loop {
            let Some(server) = &self.server else { return Seen::Over(Over::Done) };
            if !matches!(hint, Hint::Bytes(_)) && !self.client.ahead.is_empty() {
                match look(&self.client.ahead) {
                    First::Whole(hello) => {
                        self.forget_greeting();
                        return Seen::Hello(hello);
                    }
                    First::Strange(why) => return Seen::Strange(why),
                    First::Part if !ended => {
                        ended = self.read_ahead(HELLO).await;
                        continue;
                    }
                    First::Part | First::Other => {}
                }
            }
            let spoken = !self.client.ahead.is_empty() || !server.ahead.is_empty();
            let greets = self.client.ahead.is_empty() && spoken;
            let question = Question {
                table,
                start: &start,
                bytes: [&self.client.ahead, &server.ahead],
                ended,
                roles_open: false,
                not: 0,
                user: None,
            };
            if spoken || !matches!(hint, Hint::Probe) {
                match identify(&question) {
                    Decision::Is { index, .. } => {
                        let spec = table.get(index).copied();
                        // TLS is ours to open: its hello is still to come.
                        if spec.is_none_or(|s| s.name != "tls") || ended {
                            return Seen::Speaks(spec);
                        }
                    }
                    Decision::Nobody | Decision::Wait if ended && greets => {
                        // A greeting alone tells little: the client gets it, and what it says to it decides.
                        if self.greet().await.is_none() {
                            return Seen::Speaks(None);
                        }
                    }
                    Decision::Nobody => return Seen::Speaks(None),
                    Decision::Wait if ended => return Seen::Speaks(None),
                    Decision::Wait => {}
                }
            }
            let gone = |e: &End| e.gone.is_some();
            if gone(&self.client) || self.server.as_ref().is_none_or(gone) {
                return Seen::Speaks(None);
            }
            // Nothing said yet: either may take its time. Something said that is not clear: it may be all that comes.
            let waits = greets && self.greeted > 0;
            if waits && self.greet().await.is_none() {
                return Seen::Speaks(None);
            }
            let patience = if spoken && !waits { GUESSING } else { Duration::MAX };
            ended = self.read_ahead(patience).await;
        }
    }

    /// Passes on what the server said first, which is kept to be looked at. `None`: the client is gone, or there is too much to be a greeting.
    async fn greet(&mut self) -> Option<()> {
        let said = self.server.as_ref()?.ahead.get(self.greeted..)?.to_vec();
        self.greeted = self.greeted.saturating_add(said.len());
        self.say(&said).await?;
        (self.greeted <= PEEK).then_some(())
    }

    /// What stands with the client already is not looked at any more.
    fn forget_greeting(&mut self) {
        let greeted = std::mem::take(&mut self.greeted);
        if let Some(server) = self.server.as_mut().filter(|_| greeted > 0) {
            server.ahead = server.ahead.get(greeted..).unwrap_or_default().to_vec();
        }
    }

    /// Reads from whichever end has something, to be looked at. True: nothing came in time.
    async fn read_ahead(&mut self, patience: Duration) -> bool {
        let io = &self.worker.io;
        let (client, server) = (&mut self.client, &mut self.server);
        let some = poll_fn(|cx| {
            let io = &mut *io.borrow_mut();
            io.tick();
            let mut came = false;
            for end in [Some(&mut *client), server.as_mut()].into_iter().flatten() {
                let mut ahead = std::mem::take(&mut end.ahead);
                if end.is_backed_up() {
                    let _ = end.poll_flush(cx, &mut io.rest);
                }
                if !end.is_fin() && end.poll_read(cx, io, &mut |p, _| ahead.extend_from_slice(p)).is_ready() {
                    came = true;
                }
                end.ahead = ahead;
            }
            if came { Poll::Ready(()) } else { Poll::Pending }
        });
        if patience == Duration::MAX {
            some.await;
            return false;
        }
        tokio::time::timeout(patience, some).await.is_err()
    }

    /// As [`Course::copy`], of what is never opened: no rule changes that.
    async fn copy_unopened(&mut self) -> Over {
        self.conn.proto = None;
        self.copy_all(None).await
    }

    /// Passes on what was read to be looked at, then everything.
    pub(crate) async fn copy(&mut self) -> Over {
        let rearm = Rearm::of(&self.worker.shared, &self.conn);
        self.copy_all(Some(rearm)).await
    }

    async fn copy_all(&mut self, mut rearm: Option<Rearm>) -> Over {
        self.forget_greeting();
        let Course { worker, client, server, conn, tie, .. } = self;
        let Some(server) = server.as_mut() else { return Over::Done };
        let io = &worker.io;
        let mut told = Told::default();
        let mut begun = false;
        poll_fn(|cx| {
            let io = &mut *io.borrow_mut();
            io.tick();
            if !begun {
                begun = true;
                let ahead = [std::mem::take(&mut client.ahead), std::mem::take(&mut server.ahead)];
                for (to, bytes) in [&mut *server, &mut *client].into_iter().zip(ahead) {
                    if let Err(fault) = to.put(&bytes, &mut io.rest) {
                        return Poll::Ready(Over::Broken(1, fault));
                    }
                    // What cannot go now waits with its end.
                    let _ = to.poll_flush(cx, &mut io.rest);
                }
            }
            let went = poll_copy(cx, io, [&mut *client, &mut *server], &mut told);
            io.rest.lane.turn();
            let read = [client.counts[0], server.counts[0]];
            while went.is_pending() {
                match rearm.as_mut().map_or(Poll::Pending, |r| r.poll(cx, &worker.shared, conn, read)) {
                    Poll::Pending => break,
                    Poll::Ready(Due::Close) => return Poll::Ready(Over::Done),
                    Poll::Ready(Due::Tell { reopened }) => {
                        let now = io.rest.now;
                        io.rest.lane.note(*tie, words::unread(reopened), now);
                    }
                }
            }
            went
        })
        .await
    }
}

impl Drop for Course {
    fn drop(&mut self) {
        // A worker that stops drops its connections in the middle of whatever they do, but never within a poll.
        if let Ok(mut io) = self.worker.io.try_borrow_mut() {
            io.tick();
            let now = io.rest.now;
            for end in [Some(&self.client), self.server.as_ref()].into_iter().flatten() {
                io.rest.lane.close(end.leg(), now);
            }
            io.rest.lane.turn();
        }
        self.worker.shared.counts.closed();
        self.worker.load.done();
    }
}
