//! Requests of our own: sent on connections of their own, over TLS or plain, believed and recorded like all others. No rule judges them.

use crate::dial::dial;
use crate::end::{End, Fault, now};
use crate::hello::Hello;
use crate::shared::Shared;
use crate::tls::Tls;
use crate::words;
use crate::worker::{Load, Worker};
use bytes::{Bytes, BytesMut};
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use wirelore_ca::Trust;
use wirelore_gate::Composed;
use wirelore_kit::middle::{Judgement, Middle, News, Origin, Part, Place, Refusal, Setting, Stage, Step, Transit};
use wirelore_kit::{Dir, End as How, Hint, Start, Transport, reader_of};
use wirelore_record::{Kind, Leg, Note, Side};

/// A server that says nothing for so long is given up.
const PATIENCE: Duration = Duration::from_secs(60);
/// Of an answer that is none of the protocol so many bytes are kept.
const MOST: usize = 16 << 20;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Number of the connection in the record.
    pub tie: u64,
    /// From the first byte sent to the last one read.
    pub took: Duration,
    /// The answer, where it is one.
    pub answer: Option<Transit>,
    /// All bytes as they came.
    pub bytes: Bytes,
}

/// What is done with a reply, on the sending thread: it must be quick.
pub type Then = Box<dyn FnOnce(Result<Reply, Refusal>) + Send>;

/// Sends requests, on a thread of their own, until the proxy stops.
#[derive(Clone)]
pub struct Sender {
    queue: UnboundedSender<(Composed, Then)>,
}

impl Sender {
    /// Sends a request; the reply comes later. Where the proxy has stopped, `then` is dropped.
    pub fn send(&self, request: Composed, then: Then) {
        let _ = self.queue.send((request, then));
    }
}

/// Starts the thread.
pub(crate) fn start(shared: Arc<Shared>, stop: watch::Receiver<bool>) -> io::Result<(Sender, JoinHandle<()>)> {
    let (queue, take) = unbounded_channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let thread = std::thread::Builder::new().name("send".into()).spawn(move || {
        tokio::task::LocalSet::new().block_on(&runtime, serve(shared, take, stop));
    })?;
    Ok((Sender { queue }, thread))
}

async fn serve(shared: Arc<Shared>, mut take: UnboundedReceiver<(Composed, Then)>, mut stop: watch::Receiver<bool>) {
    let worker = Worker::new(shared, Arc::new(Load::default()));
    loop {
        let (request, then) = tokio::select! {
            order = take.recv() => match order {
                Some(order) => order,
                None => return,
            },
            _ = stop.changed() => return,
        };
        let worker = Rc::clone(&worker);
        tokio::task::spawn_local(async move {
            let tie = worker.shared.counts.next();
            let went = one(&worker, tie, &request).await;
            if let Err(refusal) = &went {
                note(&worker, tie, words::refused(refusal));
            }
            worker.io.borrow_mut().rest.lane.turn();
            then(went);
        });
    }
}

fn note(worker: &Worker, tie: u64, note: Note<'_>) {
    let mut io = worker.io.borrow_mut();
    io.tick();
    let now = io.rest.now;
    io.rest.lane.note(tie, note, now);
}

async fn one(worker: &Worker, tie: u64, request: &Composed) -> Result<Reply, Refusal> {
    let origin = &request.origin;
    let tcp = dial(&worker.names, &origin.host, origin.port).await.map_err(|e| words::undialled(&e, origin))?;
    let began = Instant::now();
    let unknown = std::net::SocketAddr::from(([0, 0, 0, 0], 0));
    let (ours, theirs) = (tcp.local_addr().unwrap_or(unknown), tcp.peer_addr().unwrap_or(unknown));
    let leg = Leg { side: Side::Server, client: ours, server: theirs, listener: 0, tie, time: now(), host: &origin.host };
    let leg = worker.io.borrow_mut().rest.lane.open(leg);
    note(worker, tie, Note::new(Kind::Told, "A request of our own: composed or sent again."));
    let mut end = End::new(tcp, Side::Server, leg);
    let went = speak(worker, &mut end, request, (ours, theirs)).await;
    let mut io = worker.io.borrow_mut();
    io.tick();
    let now = io.rest.now;
    io.rest.lane.close(leg, now);
    let (answer, bytes) = went?;
    Ok(Reply { tie, took: began.elapsed(), answer, bytes })
}

type Ends = (std::net::SocketAddr, std::net::SocketAddr);

async fn speak(worker: &Worker, end: &mut End, request: &Composed, ends: Ends) -> Result<(Option<Transit>, Bytes), Refusal> {
    let origin = &request.origin;
    if origin.tls {
        handshake(worker, end, &origin.host).await?;
    }
    let mut reader = Reader::new(worker, request, ends);
    let mut sent = false;
    let mut got = BytesMut::new();
    let said = poll_fn(|cx| {
        let io = &mut *worker.io.borrow_mut();
        io.tick();
        if !sent {
            sent = true;
            end.put(&request.bytes, &mut io.rest)?;
        }
        loop {
            // A server may answer before it has read all; what it does not take any more shows when it is read.
            let _ = end.poll_flush(cx, &mut io.rest);
            io.rest.lane.turn();
            if reader.is_done() || got.len() > MOST {
                return Poll::Ready(Ok(()));
            }
            if end.gone.is_some() {
                reader.end();
                return Poll::Ready(Ok(()));
            }
            let before = got.len();
            match end.poll_read(cx, io, &mut |plain, _| got.extend_from_slice(plain)) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(_)) => reader.push(got.get(before..).unwrap_or_default()),
                // What came before it broke off is still an answer of sorts.
                Poll::Ready(Err(fault)) if got.is_empty() => return Poll::Ready(Err(fault)),
                Poll::Ready(Err(_)) => {
                    reader.end();
                    return Poll::Ready(Ok(()));
                }
            }
        }
    });
    match tokio::time::timeout(PATIENCE, said).await {
        Ok(Ok(())) => Ok((reader.answer, got.freeze())),
        Ok(Err(fault)) => Err(broken(origin, &fault)),
        Err(_) if !got.is_empty() => Ok((reader.answer, got.freeze())),
        Err(_) => Err(Refusal {
            status: 504,
            what: format!("{}:{} took the request and did not answer.", origin.host, origin.port),
            why: format!("Nothing came for {} seconds.", PATIENCE.as_secs()),
            what_to_do: "Look at the recorded connection: the request may not be whole, or the server waits for more.".into(),
        }),
    }
}

async fn handshake(worker: &Worker, end: &mut End, host: &str) -> Result<(), Refusal> {
    let explain = |e: &rustls::Error| words::upstream(&Trust::explain(e, host));
    let hello = Hello { alpn: vec![b"http/1.1".to_vec()], ..Hello::of(host) };
    let config = worker.shared.configs.question(&hello, host).map_err(|e| explain(&e))?;
    let name = ServerName::try_from(host.to_owned())
        .map_err(|e| explain(&rustls::Error::General(format!("{host} is no name of a server: {e}"))))?;
    let conn = UnbufferedClientConnection::new(config, name).map_err(|e| explain(&e))?;
    end.begin(Tls::Client(Box::new(conn)));
    let shaken = tokio::time::timeout(PATIENCE, end.handshake(&worker.io)).await;
    shaken.unwrap_or(Err(Fault::Io(io::ErrorKind::TimedOut.into()))).map_err(|fault| match fault {
        Fault::Tls(e) => explain(&e),
        other => words::upstream(&words::broke_off(host, &other)),
    })
}

fn broken(origin: &Origin, fault: &Fault) -> Refusal {
    let how = match fault {
        Fault::Tls(e) => e.to_string(),
        Fault::Io(e) => e.to_string(),
        Fault::Early => "it closed the connection".into(),
    };
    Refusal {
        status: 502,
        what: format!("{}:{} broke off.", origin.host, origin.port),
        why: format!("While the request was sent: {how}."),
        what_to_do: "Look at the recorded connection to see how far it came.".into(),
    }
}

/// Reads the answer with the protocol's own part in the middle: we stand between ourselves and the server.
struct Reader {
    middle: Option<Box<dyn Middle>>,
    steps: Vec<Step>,
    answer: Option<Transit>,
    over: bool,
}

impl Reader {
    fn new(worker: &Worker, request: &Composed, (ours, theirs): Ends) -> Reader {
        let hint = Hint::Alpn(b"http/1.1"[..].into());
        let table = worker.shared.table;
        let spec = reader_of(table, &hint).and_then(|i| table.get(i));
        let start = Start {
            transport: Transport::Tcp,
            client: Some((ours.ip(), ours.port())),
            server: Some((theirs.ip(), theirs.port())),
            hint,
            midstream: false,
            expected: None,
            inside: request.origin.tls.then_some("tls"),
        };
        let setting = Setting { lax: true, table, ..Setting::new(start, Place::Between, true) };
        let middle = spec.and_then(|s| s.middle).map(|serve| (serve.new)(&setting));
        let mut reader = Reader { middle, steps: Vec::new(), answer: None, over: false };
        // The answer's framing depends on the question. One that is malformed on purpose is read as a GET would be.
        if !reader.asked(request.bytes.clone()) {
            reader.middle = spec.and_then(|s| s.middle).map(|serve| (serve.new)(&setting));
            reader.over = false;
            let asked = reader.asked(Bytes::from_static(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
            reader.over |= !asked;
        }
        reader
    }

    /// Hands the question over; whether it is one.
    fn asked(&mut self, bytes: Bytes) -> bool {
        let Some(middle) = self.middle.as_mut() else { return false };
        middle.push(Dir::ToServer, bytes, &mut self.steps);
        self.go();
        !self.over && self.answer.is_none()
    }

    fn is_done(&self) -> bool {
        self.answer.is_some()
    }

    fn push(&mut self, bytes: &[u8]) {
        if let Some(middle) = self.middle.as_mut().filter(|_| !self.over) {
            middle.push(Dir::ToClient, Bytes::copy_from_slice(bytes), &mut self.steps);
            self.go();
        }
    }

    fn end(&mut self) {
        if let Some(middle) = self.middle.as_mut().filter(|_| !self.over) {
            middle.end(Dir::ToClient, How::Fin, &mut self.steps);
            self.go();
        }
    }

    fn go(&mut self) {
        while !self.steps.is_empty() {
            for step in std::mem::take(&mut self.steps) {
                let Some(middle) = self.middle.as_mut() else { return };
                match step {
                    Step::Judge { ticket, message } => {
                        let judgement = match (message.part, message.stage) {
                            (Part::Response, Stage::Head) => Judgement::Body,
                            _ => Judgement::Pass,
                        };
                        let whole = message.part == Part::Response && (message.stage == Stage::Whole || self.answer.is_some());
                        if whole {
                            self.answer = Some(*message);
                            return;
                        }
                        middle.tell(News::Judged { ticket, judgement }, &mut self.steps);
                    }
                    Step::Close | Step::Break | Step::Opaque { .. } | Step::Becomes { .. } | Step::Tunnel(_) | Step::Route(_) => {
                        self.over = true
                    }
                    Step::Send { .. } | Step::Expect(_) | Step::Finish { .. } | Step::Told { .. } => {}
                }
            }
        }
    }
}
