//! TCP of the program: each connection that it opens ends here, in a TCP of our own, and goes on outside in a socket of this computer.
//!
//! A SYN is answered only when the connection outside stands: the program waits as long as it would, and is refused where it would be.

use super::dial::{Dialling, Undialled, Went};
use super::plan::Outside;
use super::wire::{Unreachable, Wire, endpoint, refusal, unreachable};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{Socket as Tcp, SocketBuffer, State};
use smoltcp::time::{Duration as Span, Instant as Moment};
use smoltcp::wire::{HardwareAddress, IpListenEndpoint};
use socket2::Socket;
use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

/// Bytes that wait in each direction of a connection, at most.
const WINDOW: usize = 128 << 10;
/// Connections at once.
const MOST: usize = 4096;
/// The system gives up an unanswered SYN after about two minutes; so does this.
const DIALS: Duration = Duration::from_secs(130);
/// A connection that has ended is remembered for so long, for the case that its last segment was lost.
const LINGERS: Duration = Duration::from_secs(1);

/// From the program, to whom it thinks.
type Ends = (SocketAddr, SocketAddr);

/// Connections of the program.
pub struct Connections {
    interface: Interface,
    sockets: SocketSet<'static>,
    all: HashMap<Ends, Connection>,
    outside: Outside,
    /// Our own proxy, if everything goes through it.
    proxy: Option<SocketAddr>,
    began: Instant,
}

enum Connection {
    /// The connection outside is being made; `asked` is the program's SYN.
    Dialling { dialling: Dialling, asked: Vec<u8>, since: Instant },
    /// It stands.
    Open(Open),
}

struct Open {
    tcp: SocketHandle,
    /// Gone when the connection is over.
    outside: Option<Socket>,
    /// The other side has ended its direction.
    ended: bool,
    /// We have told the other side that the program has.
    shut: bool,
    /// The other side takes no more just now.
    full: bool,
    /// Both have ended.
    over: Option<Instant>,
}

/// What is to be waited for.
pub struct Wish<'a> {
    /// The socket.
    pub fd: BorrowedFd<'a>,
    /// Until something can be read.
    pub read: bool,
    /// Until something can be written.
    pub write: bool,
}

impl Connections {
    /// None yet. `seed` for the first sequence numbers.
    #[must_use]
    pub fn new(wire: &mut Wire, outside: Outside, proxy: Option<SocketAddr>, seed: u64) -> Connections {
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = seed;
        let mut interface = Interface::new(config, wire, Moment::ZERO);
        // Whatever address the program means, it means us.
        interface.set_any_ip(true);
        Connections { interface, sockets: SocketSet::new(Vec::new()), all: HashMap::new(), outside, proxy, began: Instant::now() }
    }

    fn moment(&self) -> Moment {
        Moment::from_micros(i64::try_from(self.began.elapsed().as_micros()).unwrap_or(i64::MAX))
    }

    /// A segment of the program.
    pub fn segment(&mut self, packet: Vec<u8>, ends: Ends, opens: bool, wire: &mut Wire) {
        let known = match self.all.get(&ends) {
            // The program asks again while we dial.
            Some(Connection::Dialling { .. }) => return,
            Some(Connection::Open(open)) => {
                // A port that is used again, of a connection that both ends have done with.
                let again = opens && open.over.is_some();
                if again {
                    self.forget(ends);
                }
                !again
            }
            None => false,
        };
        if known || !opens {
            wire.waiting.push_back(packet);
            return;
        }
        let Some(to) = self.outside.of(ends.1) else {
            if let Some(answer) = refusal(&packet) {
                wire.send(&answer);
            }
            return;
        };
        let dialling = if self.all.len() < MOST { Dialling::start(to, self.proxy) } else { Err(Undialled::Unreachable) };
        match dialling {
            Ok(dialling) => {
                self.all.insert(ends, Connection::Dialling { dialling, asked: packet, since: Instant::now() });
            }
            Err(why) => refuse(&packet, why, wire),
        }
    }

    /// Moves everything as far as it goes. Gives when it is to be called again at the latest.
    pub fn turn(&mut self, wire: &mut Wire) -> Option<Duration> {
        self.dial(wire);
        // Bytes taken make room, and room makes segments: twice is enough for both to be seen.
        for _ in 0..2 {
            let now = self.moment();
            self.interface.poll(now, wire, &mut self.sockets);
            self.carry();
        }
        let now = self.moment();
        self.interface.poll(now, wire, &mut self.sockets);
        let next = self.interface.poll_delay(now, &self.sockets).map(Duration::from);
        let waits = self
            .all
            .values()
            .any(|c| matches!(c, Connection::Dialling { .. }) || matches!(c, Connection::Open(o) if o.over.is_some()));
        let soon = waits.then_some(LINGERS);
        [next, soon].into_iter().flatten().min()
    }

    /// What is to be waited for.
    pub fn wishes(&self) -> impl Iterator<Item = Wish<'_>> {
        self.all.values().filter_map(|c| match c {
            Connection::Dialling { dialling, .. } => {
                let write = dialling.writes();
                Some(Wish { fd: dialling.socket().as_fd(), read: !write, write })
            }
            Connection::Open(open) => {
                let room = self.sockets.get::<Tcp<'_>>(open.tcp).can_send();
                Some(Wish { fd: open.outside.as_ref()?.as_fd(), read: room && !open.ended, write: open.full })
            }
        })
    }

    /// Goes on with what is being dialled.
    fn dial(&mut self, wire: &mut Wire) {
        let ready: Vec<Ends> =
            self.all.iter().filter(|(_, c)| matches!(c, Connection::Dialling { .. })).map(|(ends, _)| *ends).collect();
        for ends in ready {
            let Some(Connection::Dialling { dialling, asked, since }) = self.all.remove(&ends) else { continue };
            match dialling.step() {
                Went::On(_) if since.elapsed() > DIALS => {}
                Went::On(dialling) => {
                    self.all.insert(ends, Connection::Dialling { dialling, asked, since });
                }
                Went::Failed(why) => refuse(&asked, why, wire),
                Went::Done(outside) => {
                    let mut tcp = Tcp::new(SocketBuffer::new(vec![0; WINDOW]), SocketBuffer::new(vec![0; WINDOW]));
                    // What the other side says goes on at once, as it came.
                    tcp.set_nagle_enabled(false);
                    tcp.set_ack_delay(Some(Span::from_millis(2)));
                    let (addr, port) = endpoint(ends.1);
                    if tcp.listen(IpListenEndpoint { addr: Some(addr), port }).is_err() {
                        refuse(&asked, Undialled::Unreachable, wire);
                        continue;
                    }
                    let tcp = self.sockets.add(tcp);
                    let open = Open { tcp, outside: Some(outside), ended: false, shut: false, full: false, over: None };
                    self.all.insert(ends, Connection::Open(open));
                    // Exactly one socket listens at that address while this SYN is taken.
                    wire.waiting.push_front(asked);
                    let now = self.moment();
                    self.interface.poll(now, wire, &mut self.sockets);
                }
            }
        }
    }

    /// Carries bytes between both sides.
    fn carry(&mut self) {
        let mut gone = Vec::new();
        for (ends, connection) in &mut self.all {
            if let Connection::Open(open) = connection {
                open.carry(self.sockets.get_mut::<Tcp<'_>>(open.tcp));
                if open.over.is_some_and(|since| since.elapsed() > LINGERS) {
                    gone.push(*ends);
                }
            }
        }
        for ends in gone {
            self.forget(ends);
        }
    }

    fn forget(&mut self, ends: Ends) {
        if let Some(Connection::Open(open)) = self.all.remove(&ends) {
            self.sockets.remove(open.tcp);
        }
    }
}

fn refuse(asked: &[u8], why: Undialled, wire: &mut Wire) {
    let answer = match why {
        Undialled::Refused => refusal(asked),
        Undialled::Unreachable => unreachable(asked, Unreachable::Host),
    };
    if let Some(answer) = answer {
        wire.send(&answer);
    }
}

impl Open {
    fn carry(&mut self, tcp: &mut Tcp<'_>) {
        let Some(mut outside) = self.outside.take() else { return };
        match tcp.state() {
            // The program gave up between its SYN and now.
            State::Listen => {
                tcp.abort();
                return self.done();
            }
            State::SynReceived => {}
            State::Closed => {
                if !(self.ended && self.shut) {
                    // The program broke it off, and so the other side is told.
                    let _ = outside.set_linger(Some(Duration::ZERO));
                }
                return self.done();
            }
            _ => {
                if self.program_says(tcp, &mut outside).is_err() || self.other_says(tcp, &mut outside).is_err() {
                    tcp.abort();
                    return self.done();
                }
                if tcp.state() == State::TimeWait {
                    return self.done();
                }
            }
        }
        self.outside = Some(outside);
    }

    fn done(&mut self) {
        self.over = Some(Instant::now());
    }

    /// From the program to the other side.
    fn program_says(&mut self, tcp: &mut Tcp<'_>, outside: &mut Socket) -> Result<(), ErrorKind> {
        self.full = false;
        while tcp.can_recv() {
            let written = tcp.recv(|bytes| match outside.write(bytes) {
                Ok(n) => (n, Ok(n)),
                Err(e) => (0, Err(e.kind())),
            });
            match written {
                Ok(Ok(0)) => return Err(ErrorKind::WriteZero),
                Ok(Ok(_) | Err(ErrorKind::Interrupted)) => {}
                Ok(Err(ErrorKind::WouldBlock)) => {
                    self.full = true;
                    return Ok(());
                }
                Ok(Err(kind)) => return Err(kind),
                Err(_) => break,
            }
        }
        if !self.shut && !tcp.may_recv() && tcp.recv_queue() == 0 {
            self.shut = true;
            // One that is gone already is told by its next read.
            let _ = outside.shutdown(Shutdown::Write);
        }
        Ok(())
    }

    /// From the other side to the program.
    fn other_says(&mut self, tcp: &mut Tcp<'_>, outside: &mut Socket) -> Result<(), ErrorKind> {
        while !self.ended && tcp.can_send() {
            let read = tcp.send(|room| match outside.read(room) {
                Ok(n) => (n, Ok(n)),
                Err(e) => (0, Err(e.kind())),
            });
            match read {
                Ok(Ok(0)) => {
                    self.ended = true;
                    tcp.close();
                }
                Ok(Ok(_) | Err(ErrorKind::Interrupted)) => {}
                Ok(Err(ErrorKind::WouldBlock)) | Err(_) => break,
                Ok(Err(kind)) => return Err(kind),
            }
        }
        Ok(())
    }
}
