//! One end of a connection that passes through us: its socket, its TLS if it speaks that, its leg in the record, and what waits to go out.

use crate::breath::Breath;
use crate::buffers::{Out, READ, take_secrets, was_missed};
use crate::gather;
use crate::pace::Pace;
use crate::tls::Tls;
use rustls::ProtocolVersion;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use wirelore_record::{Ended, Lane, LegId, Side};

/// Less than this is copied when it has to wait for a socket.
const KEPT: usize = 32 * 1024;
/// So much memory is kept to be used again: what goes out to one end at a time.
const SPARE: usize = 4;

/// What a worker has once for all its connections. Borrowed only within one poll.
pub struct Io {
    /// Where sockets are read to.
    pub read: Vec<u8>,
    /// The rest.
    pub rest: Rest,
}

/// What is needed while bytes are on their way.
pub struct Rest {
    /// Where what goes out to one end is made.
    pub out: Out,
    /// What TLS has to say itself, to the end that was read.
    own: Out,
    /// Memory to go on with where an end keeps what was made for it.
    spare: Vec<Out>,
    /// Small pieces of plaintext for one end, joined before they are sealed.
    pub plain: Vec<u8>,
    /// The record.
    pub lane: Lane,
    /// Nanoseconds since 1970, as of the beginning of this poll.
    pub now: i64,
}

impl Io {
    /// Fresh ones.
    #[must_use]
    pub fn new(lane: Lane) -> Io {
        Io {
            read: vec![0; READ],
            rest: Rest { out: Out::default(), own: Out::default(), spare: Vec::new(), plain: Vec::new(), lane, now: now() },
        }
    }

    /// Looks at the clock.
    pub fn tick(&mut self) {
        self.rest.now = now();
    }
}

/// Nanoseconds since 1970.
#[must_use]
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// How an end stopped sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// In order: `close_notify`, FIN, or both.
    Fin,
    /// Broken off: a reset, or TLS that failed.
    Reset,
}

/// Why an end failed.
#[derive(Debug)]
pub enum Fault {
    /// The socket.
    Io(io::Error),
    /// TLS; our alert is on its way.
    Tls(rustls::Error),
    /// The peer was gone before the handshake was through.
    Early,
}

/// TLS with TLS inside.
struct Outer {
    tls: Tls,
    rest: Vec<u8>,
}

impl Outer {
    /// Takes bytes of the wire, of which the first `kept` stand in the record already; what is in them goes to the TLS inside.
    fn take(
        &mut self,
        (tls, inner): (&mut Tls, &mut Vec<u8>),
        (bytes, kept): (&mut [u8], usize),
        (leg, opener, queue): (LegId, bool, &mut Out),
        rest: &mut Rest,
        sink: &mut dyn FnMut(&[u8], &mut Rest),
    ) -> Result<(usize, bool), Fault> {
        let at = (leg, opener, &mut *queue);
        let (_, used, ended) = take(&mut self.tls, bytes, kept, at, rest, &mut |p, _| inner.extend_from_slice(p))?;
        keep(&mut self.rest, bytes, used);
        let mut bytes = std::mem::take(inner);
        let (all, mut said) = (bytes.len(), Out::default());
        let went = take(tls, &mut bytes, all, (leg, opener, &mut said), rest, sink);
        self.say(said.bytes(), queue, rest)?;
        let (plain, used, closed) = went?;
        keep(inner, &bytes, used);
        Ok((plain, closed || ended))
    }

    /// Seals what the TLS inside has to say itself.
    fn say(&mut self, said: &[u8], queue: &mut Out, rest: &mut Rest) -> Result<(), Fault> {
        if said.is_empty() {
            return Ok(());
        }
        let mut own = std::mem::take(&mut rest.own);
        let went = self.tls.seal(&mut self.rest, said, &mut own);
        queue.put(own.bytes());
        own.clear();
        rest.own = own;
        went.map_err(Fault::Tls)
    }
}

/// One end.
pub struct End {
    tcp: TcpStream,
    /// Its TLS.
    pub tls: Option<Tls>,
    /// TLS around that: the client speaks TLS to us as to its proxy.
    outer: Option<Box<Outer>>,
    /// Read from the wire, not a whole TLS record yet.
    rest: Vec<u8>,
    /// Plaintext that was read to be looked at and has not gone on.
    pub ahead: Vec<u8>,
    /// Bytes of the wire that wait for the socket.
    queue: Out,
    /// So many of them are written.
    queued: usize,
    /// They may wait for what goes out next: nobody waits for them.
    leisurely: bool,
    leg: LegId,
    /// The peer opened the connection: in the record, what it sends goes to the server of the leg.
    opener: bool,
    /// It sends no more plaintext.
    pub gone: Option<Gone>,
    /// It said so in TLS.
    notified: bool,
    /// We said so in TLS.
    farewell: bool,
    /// Its half of the TCP connection is closed.
    fin: bool,
    /// We send no more.
    shut: bool,
    /// Bytes of plaintext read from it, and written to it.
    pub counts: [u64; 2],
    /// How fast it may be read, where a rule says so.
    pub pace: Option<Pace>,
    /// When it is not read for a moment, because it brings more than can be followed.
    breath: Breath,
    /// It asked for a certificate that we do not have.
    pub missed: bool,
}

impl End {
    /// An end whose leg has been opened in the record.
    #[must_use]
    pub fn new(tcp: TcpStream, side: Side, leg: LegId) -> End {
        End::opened(tcp, matches!(side, Side::Client), leg)
    }

    /// The same, where the peer opened the connection, or we did.
    #[must_use]
    pub fn opened(tcp: TcpStream, by_peer: bool, leg: LegId) -> End {
        End {
            tcp,
            tls: None,
            outer: None,
            rest: Vec::new(),
            ahead: Vec::new(),
            queue: Out::default(),
            queued: 0,
            leisurely: false,
            leg,
            opener: by_peer,
            gone: None,
            notified: false,
            farewell: false,
            fin: false,
            shut: false,
            counts: [0; 2],
            pace: None,
            breath: Breath::default(),
            missed: false,
        }
    }

    /// Its socket.
    #[must_use]
    pub fn socket(&self) -> &TcpStream {
        &self.tcp
    }

    /// Its leg in the record.
    #[must_use]
    pub fn leg(&self) -> LegId {
        self.leg
    }

    /// Whether bytes wait for its socket.
    #[must_use]
    pub fn is_backed_up(&self) -> bool {
        self.waits() && !self.leisurely
    }

    fn waits(&self) -> bool {
        self.queued < self.queue.bytes().len()
    }

    /// Whether the end of our handshake waits for what goes out next.
    #[must_use]
    pub fn is_leisurely(&self) -> bool {
        self.leisurely
    }

    /// It waits no longer.
    pub fn hurry(&mut self) {
        self.leisurely = false;
    }

    /// From here on TLS is spoken, within the TLS that is spoken already; what was read ahead are its first bytes.
    pub fn begin(&mut self, tls: Tls) {
        let rest = std::mem::replace(&mut self.rest, std::mem::take(&mut self.ahead));
        if let Some(tls) = self.tls.replace(tls) {
            self.outer = Some(Box::new(Outer { tls, rest }));
        }
    }

    /// Reads what is there; plaintext goes to `sink`. `Ok(0)`: nothing for the sink, but something happened (TLS's own words, the end).
    pub fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut Io,
        sink: &mut dyn FnMut(&[u8], &mut Rest),
    ) -> Poll<Result<usize, Fault>> {
        let most = match &mut self.pace {
            Some(pace) => ready!(pace.poll(cx, &self.tcp)),
            None => usize::MAX,
        };
        let Io { read, rest } = io;
        ready!(self.breath.poll(cx, &rest.lane));
        let kept = match &self.outer {
            Some(outer) => &outer.rest,
            None => &self.rest,
        };
        if let Some(to) = read.get_mut(..kept.len()) {
            to.copy_from_slice(kept);
        }
        let kept = kept.len();
        let end = read.len().min(kept.saturating_add(most));
        let mut buf = ReadBuf::new(read.get_mut(kept..end).unwrap_or_default());
        match ready!(Pin::new(&mut self.tcp).poll_read(cx, &mut buf)) {
            Ok(()) => {}
            Err(e) => {
                self.gone = Some(Gone::Reset);
                self.fin = true;
                rest.lane.end(self.leg, self.opener, Ended::Rst, rest.now);
                return Poll::Ready(Err(Fault::Io(e)));
            }
        }
        let fresh = buf.filled().len();
        gather::came(fresh);
        if let Some(pace) = &mut self.pace {
            pace.took(fresh);
        }
        self.breath.took(fresh);
        if fresh == 0 {
            self.fin = true;
            self.gone.get_or_insert(Gone::Fin);
            rest.lane.end(self.leg, self.opener, Ended::Fin, rest.now);
            return Poll::Ready(Ok(0));
        }
        let all = kept.saturating_add(fresh);
        let bytes = read.get_mut(..all).unwrap_or_default();
        let waiting = self.queue.bytes().len();
        let Some(tls) = &mut self.tls else {
            rest.lane.bytes(self.leg, self.opener, bytes, rest.now);
            self.counts = count(self.counts, fresh, 0);
            sink(bytes, rest);
            return Poll::Ready(Ok(fresh));
        };
        let went = match &mut self.outer {
            Some(outer) => {
                let inner = (tls, &mut self.rest);
                outer.take(inner, (bytes, kept), (self.leg, self.opener, &mut self.queue), rest, sink)
            }
            None => take(tls, bytes, kept, (self.leg, self.opener, &mut self.queue), rest, sink).map(|(plain, used, closed)| {
                keep(&mut self.rest, bytes, used);
                (plain, closed)
            }),
        };
        Poll::Ready(went.map(|(plain, closed)| {
            self.counts = count(self.counts, plain, 0);
            // TLS may have put something behind what waits, and that is for now.
            self.leisurely &= self.queue.bytes().len() == waiting;
            if closed || self.notified {
                // What comes behind goodbye is nobody's.
                self.notified = true;
                self.rest = Vec::new();
                self.gone.get_or_insert(Gone::Fin);
            }
            plain
        }))
    }

    /// Has TLS take in what was read before it began; a client says hello.
    fn poll_start(&mut self, rest: &mut Rest) -> Result<(), Fault> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        let mut bytes = std::mem::take(&mut self.rest);
        let all = bytes.len();
        let mut ahead = std::mem::take(&mut self.ahead);
        let mut said = Out::default();
        let at = (self.leg, self.opener, &mut said);
        let went = take(tls, &mut bytes, all, at, rest, &mut |p, _| ahead.extend_from_slice(p));
        self.ahead = ahead;
        match &mut self.outer {
            Some(outer) => outer.say(said.bytes(), &mut self.queue, rest)?,
            None => self.queue.put(said.bytes()),
        }
        let (_, used, closed) = went?;
        keep(&mut self.rest, &bytes, used);
        if closed {
            self.notified = true;
            self.gone.get_or_insert(Gone::Fin);
        }
        Ok(())
    }

    /// Goes through the handshake of the TLS that was begun. Plaintext that comes with it is kept in [`End::ahead`].
    ///
    /// # Errors
    /// Why it failed; our alert, if there is one, was sent.
    pub async fn handshake(&mut self, io: &RefCell<Io>) -> Result<(), Fault> {
        self.shake_hands(io, false).await
    }

    /// The same, but in TLS 1.3 what we say last in it (a server our ticket, a client its Finished) may wait for what goes out next, and go
    /// with it: a write less for us, a packet less for the other end.
    ///
    /// # Errors
    /// Those of [`End::handshake`].
    pub async fn handshake_leisurely(&mut self, io: &RefCell<Io>) -> Result<(), Fault> {
        self.shake_hands(io, true).await
    }

    async fn shake_hands(&mut self, io: &RefCell<Io>, leisurely: bool) -> Result<(), Fault> {
        let mut started = false;
        poll_fn(|cx| {
            let io = &mut *io.borrow_mut();
            io.tick();
            if !started {
                started = true;
                if let Err(e) = self.poll_start(&mut io.rest) {
                    let _ = self.poll_flush(cx, &mut io.rest);
                    return Poll::Ready(Err(e));
                }
            }
            loop {
                if leisurely && !self.missed && self.outer.is_none() && self.tls.as_ref().is_some_and(is_through_13) {
                    self.leisurely = self.waits();
                    return Poll::Ready(Ok(()));
                }
                let flushed = self.poll_flush(cx, &mut io.rest)?.is_ready();
                if !self.tls.as_ref().is_some_and(Tls::is_handshaking) {
                    return if flushed { Poll::Ready(Ok(())) } else { Poll::Pending };
                }
                let mut ahead = std::mem::take(&mut self.ahead);
                let went = self.poll_read(cx, io, &mut |p, _| ahead.extend_from_slice(p));
                self.ahead = ahead;
                self.missed |= was_missed();
                if let Err(e) = ready!(went) {
                    let _ = self.poll_flush(cx, &mut io.rest);
                    return Poll::Ready(Err(e));
                }
                if self.gone.is_some() && self.tls.as_ref().is_some_and(Tls::is_handshaking) {
                    return Poll::Ready(Err(Fault::Early));
                }
            }
        })
        .await
    }

    /// Waits until it says something, be it TLS's own words.
    ///
    /// # Errors
    /// What it says is that it does not want us.
    pub async fn hear(&mut self, io: &RefCell<Io>) -> Result<(), Fault> {
        poll_fn(|cx| {
            let io = &mut *io.borrow_mut();
            io.tick();
            let mut ahead = std::mem::take(&mut self.ahead);
            let went = self.poll_read(cx, io, &mut |p, _| ahead.extend_from_slice(p));
            self.ahead = ahead;
            went.map_ok(|_| ())
        })
        .await
    }

    /// Puts plaintext on its way out: sealed, if TLS is spoken. It lies in `rest.out` until [`End::poll_flush`].
    ///
    /// # Errors
    /// TLS cannot send.
    pub fn put(&mut self, plain: &[u8], rest: &mut Rest) -> Result<(), Fault> {
        self.counts = count(self.counts, 0, plain.len());
        let Some(tls) = &mut self.tls else {
            rest.out.put(plain);
            return Ok(());
        };
        // Many small records become few: a third of what sealing them costs.
        if plain.len() < 4096 && rest.plain.len() < 8192 {
            rest.plain.extend_from_slice(plain);
            return Ok(());
        }
        let went = seal_joined(tls, &mut self.rest, rest);
        went.and_then(|()| tls.seal(&mut self.rest, plain, &mut rest.out)).map_err(Fault::Tls)
    }

    /// Writes what was put and what waits. Ready when nothing waits any more.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>, rest: &mut Rest) -> Poll<Result<(), Fault>> {
        self.wrap(rest)?;
        self.poll_write(cx, rest)
    }

    /// Seals what was put and is not sealed yet.
    fn wrap(&mut self, rest: &mut Rest) -> Result<(), Fault> {
        if let Some(tls) = &mut self.tls {
            seal_joined(tls, &mut self.rest, rest).map_err(Fault::Tls)?;
        }
        if let Some(outer) = &mut self.outer
            && !rest.out.bytes().is_empty()
        {
            let inner = rest.out.bytes().to_vec();
            rest.out.clear();
            outer.tls.seal(&mut outer.rest, &inner, &mut rest.out).map_err(Fault::Tls)?;
        }
        Ok(())
    }

    /// Writes what waits and what lies in `rest.out`.
    fn poll_write(&mut self, cx: &mut Context<'_>, rest: &mut Rest) -> Poll<Result<(), Fault>> {
        if self.leisurely && rest.out.bytes().is_empty() {
            return Poll::Ready(Ok(()));
        }
        self.leisurely = false;
        if self.is_backed_up() || self.shut {
            if !self.shut {
                self.queue.put(rest.out.bytes());
            }
            rest.out.clear();
        }
        let Rest { out, lane, now, spare, .. } = rest;
        // Whoever captures what is written now finds the secrets for it in the record already.
        lane.tell_secrets();
        let mut at = 0;
        let direct = !self.is_backed_up();
        loop {
            let bytes = if direct { out.bytes().get(at..) } else { self.queue.bytes().get(self.queued..) }.unwrap_or_default();
            if bytes.is_empty() {
                break;
            }
            match Pin::new(&mut self.tcp).poll_write(cx, bytes) {
                Poll::Ready(Ok(n)) => {
                    lane.bytes(self.leg, !self.opener, bytes.get(..n).unwrap_or_default(), *now);
                    if direct {
                        at = at.saturating_add(n);
                    } else {
                        self.queued = self.queued.saturating_add(n);
                    }
                }
                Poll::Ready(Err(e)) => {
                    out.clear();
                    self.queue = Out::default();
                    self.queued = 0;
                    self.shut = true;
                    return Poll::Ready(Err(Fault::Io(e)));
                }
                Poll::Pending => {
                    if direct {
                        let left = out.bytes().get(at..).unwrap_or_default();
                        if left.len() < KEPT {
                            self.queue.put(left);
                            out.clear();
                        } else {
                            // Much is not copied: it waits where it lies.
                            self.queue = std::mem::replace(out, spare.pop().unwrap_or_default());
                            self.queued = at;
                        }
                    }
                    return Poll::Pending;
                }
            }
        }
        out.clear();
        if !self.queue.is_empty() {
            let mut done = std::mem::take(&mut self.queue);
            self.queued = 0;
            done.clear();
            if done.is_usual() && spare.len() < SPARE {
                spare.push(done);
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Tells the peer that no more comes, behind everything that was put: `close_notify` if TLS is spoken and `tls_too`, and FIN.
    pub fn poll_shut(&mut self, cx: &mut Context<'_>, rest: &mut Rest, fin: bool, tls_too: bool) -> Poll<Result<(), Fault>> {
        if self.shut {
            return Poll::Ready(Ok(()));
        }
        self.leisurely = false;
        if let Some(tls) = self.tls.as_mut().filter(|_| tls_too && !self.farewell) {
            self.farewell = true;
            seal_joined(tls, &mut self.rest, rest).map_err(Fault::Tls)?;
            tls.close(&mut self.rest, &mut rest.out);
            self.wrap(rest)?;
            if let Some(outer) = &mut self.outer {
                outer.tls.close(&mut outer.rest, &mut rest.out);
            }
            ready!(self.poll_write(cx, rest))?;
        }
        ready!(self.poll_flush(cx, rest))?;
        if fin {
            self.shut = true;
            let went = ready!(Pin::new(&mut self.tcp).poll_shutdown(cx));
            rest.lane.end(self.leg, !self.opener, Ended::Fin, rest.now);
            went.map_err(Fault::Io)?;
        }
        Poll::Ready(Ok(()))
    }

    /// Whether the peer's half of the TCP connection is closed (not only its TLS).
    #[must_use]
    pub fn is_fin(&self) -> bool {
        self.fin
    }

    /// Whether it ended as its protocol demands: without TLS by FIN, with TLS by `close_notify`.
    #[must_use]
    pub fn said_goodbye(&self) -> bool {
        self.tls.is_none() || self.notified
    }

    /// Whether a goodbye can be put behind what was put just now.
    #[must_use]
    pub fn may_end(&self) -> bool {
        !self.shut && !self.is_backed_up()
    }

    /// Whether we send no more.
    #[must_use]
    pub fn is_shut(&self) -> bool {
        self.shut
    }

    /// Has the socket closed with RST instead of FIN.
    pub fn reset(&mut self, rest: &mut Rest) {
        // If the option cannot be set it closes with FIN: still closed.
        let _ = socket2::SockRef::from(&self.tcp).set_linger(Some(Duration::ZERO));
        if !self.shut {
            rest.lane.end(self.leg, !self.opener, Ended::Rst, rest.now);
        }
        self.shut = true;
    }
}

/// Whether a handshake of TLS 1.3 is over.
fn is_through_13(tls: &Tls) -> bool {
    !tls.is_handshaking() && tls.version() == Some(ProtocolVersion::TLSv1_3)
}

/// Joins the plaintext that waits into one record.
fn seal_joined(tls: &mut Tls, pending: &mut [u8], rest: &mut Rest) -> Result<(), rustls::Error> {
    if rest.plain.is_empty() {
        return Ok(());
    }
    let went = tls.seal(pending, &rest.plain, &mut rest.out);
    rest.plain.clear();
    went
}

fn count(c: [u64; 2], read: usize, written: usize) -> [u64; 2] {
    [c[0].saturating_add(read as u64), c[1].saturating_add(written as u64)]
}

/// Keeps what is not a whole record yet.
fn keep(rest: &mut Vec<u8>, bytes: &[u8], used: usize) {
    let left = bytes.get(used..).unwrap_or_default();
    rest.clear();
    rest.extend_from_slice(left);
    if left.is_empty() && rest.capacity() > 0 {
        *rest = Vec::new();
    }
}

/// Gives bytes of the wire to TLS, and them and the secrets to the record: secrets first. The first `kept` bytes stand there already.
/// Comes to: bytes of plaintext, bytes of the wire used, whether no more plaintext comes.
fn take(
    tls: &mut Tls,
    bytes: &mut [u8],
    kept: usize,
    (leg, to_server, queue): (LegId, bool, &mut Out),
    rest: &mut Rest,
    sink: &mut dyn FnMut(&[u8], &mut Rest),
) -> Result<(usize, usize, bool), Fault> {
    let mut plain = 0usize;
    // Decrypting is done in place. Secrets come out of handshakes only: there the bytes are copied to follow them.
    let fresh = bytes.get(kept..).unwrap_or_default();
    let handshaking = tls.is_handshaking();
    let before = if handshaking { fresh.to_vec() } else { Vec::new() };
    if !handshaking && !fresh.is_empty() {
        rest.lane.bytes(leg, to_server, fresh, rest.now);
    }
    let mut own = std::mem::take(&mut rest.own);
    let (taken, went) = tls.feed(bytes, &mut own, &mut |p| {
        plain = plain.saturating_add(p.len());
        sink(p, rest);
    });
    queue.put(own.bytes());
    own.clear();
    rest.own = own;
    take_secrets(|lines| {
        for line in lines.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
            rest.lane.secret(line);
        }
    });
    if !before.is_empty() {
        rest.lane.bytes(leg, to_server, &before, rest.now);
    }
    went.map(|()| (plain, taken.used, taken.closed)).map_err(Fault::Tls)
}
