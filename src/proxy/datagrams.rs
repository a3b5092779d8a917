//! Datagrams between a client and a server: passed on one by one, recorded, judged where a rule wants them.

use crate::chain::Chain;
use crate::dial::Undialled;
use crate::drive::Own;
use crate::end::now;
use crate::mode::{Mode, Target};
use crate::relay::Relay;
use crate::slow::Slow;
use crate::words;
use crate::worker::Worker;
use bytes::Bytes;
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use wirelore_engine::identify::{Decision, Question, identify};
use wirelore_gate::{Conn, Dialling, Outcome};
use wirelore_kit::middle::{Judgement, Middle, News, Origin, Place, Refusal, Setting, Step};
use wirelore_kit::{Dir, Hint, Start, Transport};
use wirelore_record::{Datagrams, Kind, Leg, Note, Side};

/// A datagram is not longer (RFC 768 within IPv4 and IPv6 without jumbograms), bytes.
pub const MOST: usize = 65_535;
/// Datagrams of one client that may wait; what comes beyond is lost, as in any queue of a network.
const WAITING: usize = 256;
/// Nothing came for so long: a later datagram of the same client is a new conversation (RFC 4787 §4.3 asks for at least two minutes).
const IDLE: Duration = Duration::from_secs(120);

/// The way back to a client.
pub struct Back {
    /// The socket that its datagrams came to.
    pub socket: Rc<UdpSocket>,
    /// The client.
    pub client: SocketAddr,
    /// Its side in the record.
    pub leg: Rc<RefCell<Datagrams>>,
    /// What stands before each datagram on its way back, made from the server's address (SOCKS).
    pub head: fn(SocketAddr) -> Vec<u8>,
    /// Listener that the client came to.
    pub listener: usize,
}

/// Both ends of a queue into a session.
type Line<T> = (mpsc::UnboundedSender<T>, mpsc::UnboundedReceiver<T>);

/// Datagrams of one client to one server.
pub struct Session {
    worker: Rc<Worker>,
    back: Back,
    /// Notes about the whole go where its first datagram does.
    tie: u64,
    conn: Conn,
    hint: Hint,
    middle: Option<Box<dyn Middle>>,
    /// What waits for a judgement before it: to the client, to the server.
    queues: [VecDeque<Bytes>; 2],
    judged: Line<(u64, Outcome)>,
    injected: Line<Own>,
    server: Option<Server>,
    /// Slow lines to the client and to the server, where a rule wants them slow.
    slow: Option<[Slow; 2]>,
    /// The system said that nobody takes what was sent.
    refused: Option<io::Error>,
    over: bool,
}

/// A server that datagrams go to.
struct Server {
    socket: UdpSocket,
    at: SocketAddr,
    /// A proxy upstream that carries them there.
    relay: Option<Relay>,
    leg: Datagrams,
    /// Addresses of the same name, should nobody be at this one.
    others: VecDeque<SocketAddr>,
    /// The last datagram, while none has come back.
    last: Option<Bytes>,
}

/// Where a session's datagrams come from.
pub struct Inbox(mpsc::Sender<Bytes>);

impl Inbox {
    /// Whether its session is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.is_closed()
    }

    /// Hands a datagram over, which is lost where too many wait. `Some`: the session is over, and here it is again.
    pub fn give(&self, datagram: Bytes) -> Option<Bytes> {
        match self.0.try_send(datagram) {
            Err(mpsc::error::TrySendError::Closed(datagram)) => Some(datagram),
            _ => None,
        }
    }
}

/// The next datagram, and who sent it. Its memory is that of its bytes: what waits is mostly small.
///
/// # Errors
/// What the system says of an earlier one that was sent from here.
pub async fn receive(socket: &UdpSocket) -> io::Result<(Bytes, SocketAddr)> {
    loop {
        socket.readable().await?;
        let mut buffer = Vec::with_capacity(MOST);
        match socket.try_recv_buf_from(&mut buffer) {
            Ok((_, from)) => return Ok((Bytes::copy_from_slice(&buffer), from)),
            Err(e) if e.kind() == ErrorKind::WouldBlock => {}
            Err(e) => return Err(e),
        }
    }
}

/// Clients whose conversations are kept at once, for one listener.
const MOST_CLIENTS: usize = 4096;

/// A reverse listener for datagrams: each client has a conversation of its own with the one server.
pub async fn listen(worker: Rc<Worker>, socket: std::net::UdpSocket, listener: usize, to: Target) {
    let Ok(socket) = UdpSocket::from_std(socket) else { return };
    let Ok(ours) = socket.local_addr() else { return };
    let socket = Rc::new(socket);
    let mut clients: HashMap<SocketAddr, Inbox> = HashMap::new();
    loop {
        // What the system says of an answer that a client did not take any more is of no use to anybody.
        let Ok((mut datagram, client)) = receive(&socket).await else { continue };
        if let Some(inbox) = clients.get(&client) {
            match inbox.give(datagram) {
                None => continue,
                Some(back) => datagram = back,
            }
        }
        if clients.len() >= MOST_CLIENTS {
            clients.retain(|_, inbox| !inbox.is_over());
        }
        if clients.len() >= MOST_CLIENTS {
            continue;
        }
        let tie = worker.shared.counts.next();
        let number = worker.shared.listener_number(listener);
        let leg = Leg { side: Side::Client, client, server: ours, listener: number, tie, time: now(), host: "" };
        let leg = Rc::new(RefCell::new(worker.io.borrow().rest.lane.open_datagrams(leg)));
        let back = Back { socket: Rc::clone(&socket), client, leg, head: |_| Vec::new(), listener };
        let origin = Origin { host: to.host.clone(), port: to.port, tls: false };
        let inbox = Session::begin(Rc::clone(&worker), back, tie, origin, to.scheme.speaks());
        let _ = inbox.give(datagram);
        clients.insert(client, inbox);
    }
}

/// What happened next.
enum Event {
    /// A datagram of the client.
    Asked(Bytes),
    /// A datagram of the server.
    Came(Bytes),
    /// The server's socket says that nobody is there.
    Nobody(io::Error),
    /// A slow line has carried something.
    Due,
    /// A judgement.
    Judged(u64, Outcome),
    /// A message of our own.
    Inject(Own),
    /// Nothing for long.
    Idle,
    /// The client's side is gone.
    Gone,
}

impl Session {
    /// Begins one, which ends by itself.
    pub fn begin(worker: Rc<Worker>, back: Back, tie: u64, to: Origin, hint: Hint) -> Inbox {
        let (inbox, take) = mpsc::channel(WAITING);
        let mut conn = Conn::new(tie, back.client);
        conn.server = Some(to.clone());
        worker.shared.counts.opened();
        worker.load.more();
        let session = Session {
            worker,
            back,
            tie,
            conn,
            hint,
            middle: None,
            queues: [VecDeque::new(), VecDeque::new()],
            judged: mpsc::unbounded_channel(),
            injected: mpsc::unbounded_channel(),
            server: None,
            slow: None,
            refused: None,
            over: false,
        };
        tokio::task::spawn_local(session.run(to, take));
        Inbox(inbox)
    }

    async fn run(mut self, to: Origin, mut take: mpsc::Receiver<Bytes>) {
        if self.dial(&to).await.is_err() {
            // Datagrams have no refusal: the record shows what was lost, and why.
            if let Some(lost) = take.recv().await {
                self.record_client(true, &lost);
            }
            return;
        }
        while !self.over {
            match self.next(&mut take).await {
                Event::Asked(datagram) => {
                    self.record_client(true, &datagram);
                    self.came(Dir::ToServer, datagram).await;
                }
                Event::Came(datagram) => {
                    let relayed = self.server.as_ref().is_some_and(|s| s.relay.is_some());
                    let whole = if relayed { Relay::unwrap(&datagram) } else { Some((None, datagram)) };
                    let Some((from, datagram)) = whole else { continue };
                    if let Some(server) = self.server.as_mut() {
                        server.at = from.unwrap_or(server.at);
                        server.last = None;
                        server.others.clear();
                        let mut io = self.worker.io.borrow_mut();
                        io.rest.lane.datagram(&mut server.leg, false, &datagram, now());
                    }
                    self.came(Dir::ToClient, datagram).await;
                }
                Event::Due => {
                    for (i, dir) in [Dir::ToClient, Dir::ToServer].into_iter().enumerate() {
                        while let Some(datagram) = self.slow.as_mut().and_then(|s| s.get_mut(i)?.take()) {
                            self.send_now(dir, datagram).await;
                        }
                    }
                }
                Event::Nobody(e) => self.refused = Some(e),
                Event::Judged(ticket, outcome) => self.fulfil(ticket, outcome).await,
                Event::Inject((message, answered)) => {
                    if let Some(middle) = self.middle.as_mut() {
                        let mut steps = Vec::new();
                        answered(middle.inject(message, &mut steps));
                        self.done(steps).await;
                    }
                }
                Event::Idle => self.over = Dir::BOTH.iter().all(|d| !self.holds(*d)),
                Event::Gone => self.over = true,
            }
            if let Some(e) = self.refused.take() {
                self.nobody(&e).await;
            }
            self.worker.io.borrow_mut().rest.lane.turn();
        }
    }

    async fn next(&mut self, take: &mut mpsc::Receiver<Bytes>) -> Event {
        let server = self.server.as_ref();
        let due = self.slow.as_ref().and_then(|lines| lines.iter().filter_map(Slow::due).min());
        tokio::select! {
            biased;
            Some((ticket, outcome)) = self.judged.1.recv() => Event::Judged(ticket, outcome),
            Some(own) = self.injected.1.recv() => Event::Inject(own),
            asked = take.recv() => asked.map_or(Event::Gone, Event::Asked),
            came = async { match server {
                Some(server) => receive(&server.socket).await,
                None => std::future::pending().await,
            } } => came.map_or_else(Event::Nobody, |(datagram, _)| Event::Came(datagram)),
            () = async { match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            } } => Event::Due,
            () = tokio::time::sleep(IDLE) => Event::Idle,
        }
    }

    fn record_client(&self, to_server: bool, datagram: &[u8]) {
        let server = self.server.as_ref().map_or(self.back.client, |s| s.at);
        let head = (self.back.head)(server);
        let mut io = self.worker.io.borrow_mut();
        let leg = &mut *self.back.leg.borrow_mut();
        // What a client of SOCKS sent was recorded as it came, with its head.
        if head.is_empty() || !to_server {
            io.rest.lane.datagram(leg, to_server, &[&head, datagram].concat(), now());
        }
    }

    /// Says something in the record.
    fn note(&self, note: Note<'_>) {
        let mut io = self.worker.io.borrow_mut();
        io.rest.lane.note_datagrams(&mut self.back.leg.borrow_mut(), note, now());
    }

    /// Finds the server, as the gate says.
    async fn dial(&mut self, origin: &Origin) -> Result<(), Refusal> {
        let mut to = origin.clone();
        let shared = &self.worker.shared;
        match shared.gate.connect(&self.conn) {
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
                return Err(words::reset_by(&hit));
            }
        }
        if let Some(slow) = shared.gate.pace(&self.conn) {
            self.slow = Some([Slow::new(slow.down, slow.latency), Slow::new(slow.up, slow.latency)]);
            self.note(words::paced(&slow));
        }
        let refusal = if shared.is_us(&to) {
            words::loop_to_us(&to)
        } else if let Mode::Upstream(chain) = shared.mode(self.back.listener) {
            match self.relayed(&chain, &to).await {
                Ok(()) => return Ok(()),
                Err(refusal) => refusal,
            }
        } else {
            match self.worker.names.of(&to.host).await {
                Ok(found) => {
                    let mut others: VecDeque<SocketAddr> = found.iter().map(|ip| SocketAddr::new(*ip, to.port)).collect();
                    match self.connect(&mut others, &to.host).await {
                        Ok(()) => return Ok(()),
                        Err(e) => words::undialled(&e, &to),
                    }
                }
                Err(e) => words::undialled(&e, &to),
            }
        };
        self.note(words::refused(&refusal));
        Err(refusal)
    }

    /// Has a proxy upstream carry the datagrams. They are recorded without what stands before each for the proxy.
    async fn relayed(&mut self, chain: &Chain, to: &Origin) -> Result<(), Refusal> {
        let relay = Relay::ask(&self.worker, chain, to, self.back.listener).await?;
        let at = to.host.parse().map_or(relay.at(), |ip| SocketAddr::new(ip, to.port));
        let (socket, ours) =
            bound(relay.at()).await.map_err(|e| words::refused_upstream(chain, to, format!("No way there: {e}.")))?;
        let said = format!("Carried by {chain}, which takes datagrams at {}.", relay.at());
        self.begin_server(socket, (ours, at), Some(relay), VecDeque::new(), &to.host);
        self.note(Note::new(Kind::Told, &said));
        Ok(())
    }

    fn begin_server(
        &mut self,
        socket: UdpSocket,
        (ours, at): (SocketAddr, SocketAddr),
        relay: Option<Relay>,
        others: VecDeque<SocketAddr>,
        host: &str,
    ) {
        self.conn.server_address = Some(at);
        let listener = self.worker.shared.listener_number(self.back.listener);
        let leg = Leg { side: Side::Server, client: ours, server: at, listener, tie: self.tie, time: now(), host };
        let leg = self.worker.io.borrow().rest.lane.open_datagrams(leg);
        self.server = Some(Server { socket, at, relay, leg, others, last: None });
    }

    /// Takes the first address to which there is a way.
    async fn connect(&mut self, others: &mut VecDeque<SocketAddr>, host: &str) -> Result<(), Undialled> {
        let mut last = Undialled::Silent;
        while let Some(at) = others.pop_front() {
            match bound(at).await {
                Ok((socket, ours)) => {
                    let others = std::mem::take(others);
                    self.begin_server(socket, (ours, at), None, others, host);
                    return Ok(());
                }
                Err(e) => last = Undialled::Refused(at, e),
            }
        }
        Err(last)
    }

    /// An answer of the system in the server's place: nobody is there.
    async fn nobody(&mut self, e: &io::Error) {
        let Some(server) = self.server.as_mut().filter(|_| e.kind() == ErrorKind::ConnectionRefused) else { return };
        let (at, last, mut others) = (server.at, server.last.take(), std::mem::take(&mut server.others));
        if others.is_empty() {
            let why = format!("{at} answers that nothing listens there.");
            let what_to_do = "Check that the server runs, and its port.";
            return self.note(Note { why: &why, what_to_do, ..Note::new(Kind::Refused, "A datagram has no receiver.") });
        }
        let host = self.conn.server.as_ref().map_or_else(String::new, |o| o.host.clone());
        if self.connect(&mut others, &host).await.is_ok()
            && let Some(datagram) = last
        {
            self.send(Dir::ToServer, datagram).await;
        }
    }

    fn holds(&self, dir: Dir) -> bool {
        self.middle.as_ref().is_some_and(|m| m.holds(dir))
    }

    fn queue(&mut self, dir: Dir) -> &mut VecDeque<Bytes> {
        let [to_client, to_server] = &mut self.queues;
        if dir == Dir::ToServer { to_server } else { to_client }
    }

    /// A datagram came: it goes on, or is judged first.
    async fn came(&mut self, dir: Dir, datagram: Bytes) {
        if self.middle.is_none() {
            self.stand_in_the_middle(&datagram);
        }
        if self.middle.is_none() {
            return self.send(dir, datagram).await;
        }
        let queue = self.queue(dir);
        if queue.len() < WAITING {
            queue.push_back(datagram);
        }
        self.turn().await;
    }

    /// Hands waiting datagrams over, one at a time: what stands in the middle would take two for one.
    async fn turn(&mut self) {
        for dir in [Dir::ToServer, Dir::ToClient] {
            while !self.holds(dir) {
                let Some(datagram) = self.queue(dir).pop_front() else { break };
                let Some(middle) = self.middle.as_mut() else { return self.send(dir, datagram).await };
                let mut steps = Vec::new();
                middle.push(dir, datagram, &mut steps);
                self.steps(steps).await;
            }
        }
    }

    /// If a rule may want these datagrams, finds out what they are.
    fn stand_in_the_middle(&mut self, first: &Bytes) {
        let shared = &self.worker.shared;
        if !shared.gate.wants(&self.conn) {
            return;
        }
        let (client, server) = (self.back.client, self.conn.server_address);
        let start = Start {
            transport: Transport::Udp,
            client: Some((client.ip(), client.port())),
            server: server.map(|a| (a.ip(), a.port())),
            hint: self.hint.clone(),
            midstream: false,
            expected: None,
            inside: None,
        };
        let question = Question {
            table: shared.table,
            start: &start,
            bytes: [first, &[]],
            ended: true,
            roles_open: false,
            not: 0,
            user: None,
        };
        let spec = match identify(&question) {
            Decision::Is { index, .. } => shared.table.get(index).copied(),
            Decision::Nobody | Decision::Wait => None,
        };
        let serve = spec.and_then(|s| s.middle).unwrap_or(wirelore_kit::chunks::SERVE);
        self.conn.proto = spec.filter(|s| s.middle.is_some()).map(|s| s.name);
        let setting = Setting {
            keep: shared.gate.keep(),
            lax: shared.options().lax,
            table: shared.table,
            ..Setting::new(start, Place::Between, true)
        };
        self.middle = Some((serve.new)(&setting));
        let to = self.injected.0.clone();
        shared.gate.join(&self.conn, self.conn.proto.unwrap_or("data"), Box::new(move |m, answered| _ = to.send((m, answered))));
    }

    /// Does what a judgement says, after the time that it says.
    async fn fulfil(&mut self, ticket: u64, mut outcome: Outcome) {
        if !outcome.wait.is_zero() {
            let (later, wait) = (self.judged.0.clone(), std::mem::take(&mut outcome.wait));
            tokio::task::spawn_local(async move {
                tokio::time::sleep(wait).await;
                // A session that is over needs no judgement any more.
                let _ = later.send((ticket, outcome));
            });
            return;
        }
        let edited = !matches!(outcome.judgement, Judgement::Pass | Judgement::Body);
        for hit in &outcome.hits {
            self.note(Note { kind: if edited { Kind::Edited } else { Kind::Hit }, ..words::hit(hit) });
        }
        self.over |= outcome.judgement == Judgement::Reset;
        let mut steps = Vec::new();
        if let Some(middle) = self.middle.as_mut() {
            middle.tell(News::Judged { ticket, judgement: outcome.judgement }, &mut steps);
        }
        self.done(steps).await;
    }

    async fn done(&mut self, steps: Vec<Step>) {
        self.steps(steps).await;
        self.turn().await;
    }

    async fn steps(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Send { dir, bytes } => self.send(dir, bytes).await,
                Step::Judge { ticket, message } => {
                    let later = self.judged.0.clone();
                    let then = move |outcome| _ = later.send((ticket, outcome));
                    if let Some(outcome) = self.worker.shared.gate.judge(&self.conn, *message, then) {
                        let _ = self.judged.0.send((ticket, outcome));
                    }
                }
                Step::Told { note, words } => {
                    self.note(Note { rule: note.name, why: &words, ..Note::new(Kind::Told, note.label) });
                }
                Step::Close | Step::Break => self.over = true,
                // The rest is of connections.
                _ => {}
            }
        }
    }

    /// Sends a datagram on, over a slow line where a rule says so.
    async fn send(&mut self, dir: Dir, datagram: Bytes) {
        let Some([to_client, to_server]) = &mut self.slow else { return self.send_now(dir, datagram).await };
        let line = if dir == Dir::ToServer { to_server } else { to_client };
        if !line.put(datagram) {
            self.note(Note { why: "The slow line is full.", ..Note::new(Kind::Told, "A datagram was lost here.") });
        }
    }

    /// Sends a datagram. One that the system does not take is lost, and that is said.
    async fn send_now(&mut self, dir: Dir, datagram: Bytes) {
        let sent = if dir == Dir::ToServer {
            let Some(server) = self.server.as_mut() else { return };
            self.worker.io.borrow_mut().rest.lane.datagram(&mut server.leg, true, &datagram, now());
            if !server.others.is_empty() {
                server.last = Some(datagram.clone());
            }
            let datagram = server.relay.as_ref().map_or(datagram.clone(), |r| r.wrap(&datagram).into());
            match server.socket.send(&datagram).await {
                // It is said of an earlier datagram; this one has not gone.
                Err(e) if e.kind() == ErrorKind::ConnectionRefused => {
                    self.refused = Some(e);
                    server.socket.send(&datagram).await
                }
                sent => sent,
            }
        } else {
            self.record_client(false, &datagram);
            let from = self.server.as_ref().map_or(self.back.client, |s| s.at);
            let whole = [&(self.back.head)(from), &datagram[..]].concat();
            self.back.socket.send_to(&whole, self.back.client).await
        };
        match sent {
            Err(e) if e.kind() == ErrorKind::ConnectionRefused => self.refused = Some(e),
            Err(e) => {
                let why = format!("The system did not take it: {e}.");
                self.note(Note { why: &why, ..Note::new(Kind::Told, "A datagram was lost here.") });
            }
            Ok(_) => {}
        }
    }
}

/// A socket from which that address is reached, and its own.
async fn bound(at: SocketAddr) -> io::Result<(UdpSocket, SocketAddr)> {
    let any: IpAddr = if at.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(at).await?;
    let ours = socket.local_addr()?;
    Ok((socket, ours))
}

impl Drop for Session {
    fn drop(&mut self) {
        self.worker.shared.counts.closed();
        self.worker.load.done();
    }
}
