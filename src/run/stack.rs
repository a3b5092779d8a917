//! The other end of the program's wire: a thread that takes its packets, records them, and carries what they mean on to the world.

use super::keylog::KeyLog;
use super::plan::Outside;
use super::tcp::Connections;
use super::udp::Datagrams;
use super::wire::{ETHERNET, Seen, Unreachable, Wire, echo, look, now, unreachable};
use crate::process::{Finder, record};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{LinkAddr, recvfrom};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use wirelore_record::{Recorder, Tap};

/// What the thread is given.
pub struct Inside {
    /// Packet sockets that do not block: of the wire, and of the program's loopback.
    pub sockets: [OwnedFd; 2],
    /// Where their packets are recorded.
    pub taps: [Tap; 2],
    /// What stands behind addresses.
    pub outside: Outside,
    /// Our own proxy, if connections go through it.
    pub proxy: Option<SocketAddr>,
    /// The key log that the program writes.
    pub keylog: KeyLog,
    /// Finds whose connections are.
    pub finder: Finder,
    /// The record.
    pub recorder: Recorder,
}

/// The thread.
pub struct Stack {
    /// Closing it says that the program has ended.
    stop: Option<UnixStream>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

/// Packets taken at once, before anything else is looked at.
const AT_ONCE: usize = 256;
/// So long after the program's end its last segments may still be on the way.
const LAST: Duration = Duration::from_millis(150);

impl Stack {
    /// Starts it.
    ///
    /// # Errors
    /// The system's.
    pub fn start(inside: Inside) -> io::Result<Stack> {
        let (stop, stopped) = UnixStream::pair()?;
        let thread = std::thread::Builder::new().name("inside".into()).spawn(move || Run::new(inside, stopped).run())?;
        Ok(Stack { stop: Some(stop), thread: Some(thread) })
    }

    /// The program has ended: takes what is still on the wire, and ends too.
    ///
    /// # Errors
    /// Why it could not go on before.
    pub fn finish(&mut self) -> io::Result<()> {
        self.stop = None;
        self.thread.take().map_or(Ok(()), |t| t.join().unwrap_or_else(|_| Err(io::Error::other("its thread failed"))))
    }
}

struct Run {
    wire: Wire,
    loopback: OwnedFd,
    loopback_tap: Tap,
    connections: Connections,
    datagrams: Datagrams,
    outside: Outside,
    keylog: KeyLog,
    finder: Finder,
    recorder: Recorder,
    stopped: UnixStream,
    buffer: Vec<u8>,
}

impl Run {
    fn new(inside: Inside, stopped: UnixStream) -> Run {
        let Inside { sockets: [socket, loopback], taps: [tap, loopback_tap], outside, proxy, keylog, finder, recorder } = inside;
        let mut wire = Wire::new(socket, tap);
        // First sequence numbers need not be secret on a wire that only the program is at; they need to differ.
        let connections = Connections::new(&mut wire, outside.clone(), proxy, now().cast_unsigned());
        Run {
            wire,
            loopback,
            loopback_tap,
            connections,
            datagrams: Datagrams::new(outside.clone()),
            outside,
            keylog,
            finder,
            recorder,
            stopped,
            buffer: vec![0; 0x2_0000],
        }
    }

    fn run(mut self) -> io::Result<()> {
        let mut ends: Option<Instant> = None;
        loop {
            // Secrets are to stand before the packets that need them: a program writes them before it sends.
            self.keylog.follow();
            self.take()?;
            self.take_loopback();
            let next = self.connections.turn(&mut self.wire);
            self.datagrams.turn(&mut self.wire);
            self.wire.turn();
            if ends.is_some_and(|at| Instant::now() >= at) {
                self.keylog.follow();
                return Ok(());
            }
            let idle = if ends.is_some() { LAST / 5 } else { Duration::from_secs(10) };
            let stopped = self.wait(next.unwrap_or(idle).min(idle), ends.is_none())?;
            if stopped && ends.is_none() {
                ends = Some(Instant::now() + LAST);
            }
        }
    }

    /// Waits until something can be done. True: the program has ended.
    fn wait(&self, most: Duration, for_the_end: bool) -> io::Result<bool> {
        let mut all = vec![PollFd::new(self.wire.fd(), PollFlags::POLLIN), PollFd::new(self.loopback.as_fd(), PollFlags::POLLIN)];
        if for_the_end {
            all.push(PollFd::new(self.stopped.as_fd(), PollFlags::POLLIN));
        }
        let fixed = all.len();
        for wish in self.connections.wishes().chain(self.datagrams.wishes()) {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::POLLIN, wish.read);
            flags.set(PollFlags::POLLOUT, wish.write);
            // One that nothing is wanted of would wake us for ever once it hangs up.
            if !flags.is_empty() {
                all.push(PollFd::new(wish.fd, flags));
            }
        }
        // A wait that is rounded down to nothing would be a loop that never rests.
        let millis = most.as_millis().max(u128::from(!most.is_zero()));
        let most = PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX);
        match poll(&mut all, most) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(e) => return Err(e.into()),
        }
        Ok(for_the_end && all.get(fixed - 1).is_some_and(|fd| fd.any() == Some(true)))
    }

    /// Takes the program's packets.
    fn take(&mut self) -> io::Result<()> {
        for _ in 0..AT_ONCE {
            let Some(packet) = self.wire.next()? else { break };
            match look(&packet) {
                Some(Seen::Tcp { ends, opens }) => {
                    if opens {
                        self.whose(false, ends);
                    }
                    self.connections.segment(packet, ends, opens, &mut self.wire);
                }
                Some(Seen::Udp { ends, payload }) => {
                    if !self.datagrams.knows(ends) {
                        self.whose(true, ends);
                    }
                    self.datagrams.send(&packet, ends, payload, &mut self.wire);
                }
                // Only the gateway is known to be there; what is beyond is not for us to say.
                Some(Seen::Other { to, echo: true }) => {
                    let here = self.outside.plan.gateways().any(|g| g == to);
                    let back = if here { echo(&packet) } else { unreachable(&packet, Unreachable::Forbidden) };
                    if let Some(back) = back {
                        self.wire.send(&back);
                    }
                }
                Some(Seen::Other { .. }) | None => {}
            }
        }
        Ok(())
    }

    /// Finds whose a conversation is that begins: the program waits meanwhile, so that it cannot be over before.
    fn whose(&mut self, udp: bool, (local, remote): (SocketAddr, SocketAddr)) {
        if let Some(process) = self.finder.find(udp, local, remote) {
            self.recorder.say(&record(None, udp, local, remote, process).written());
        }
    }

    /// Takes what the program says to itself.
    fn take_loopback(&mut self) {
        // A packet on a loopback is seen twice, as it leaves and as it arrives.
        const LEAVES: u8 = 4;
        let mut opened = Vec::new();
        for _ in 0..AT_ONCE {
            let Ok((n, from)) = recvfrom::<LinkAddr>(self.loopback.as_raw_fd(), &mut self.buffer) else { break };
            let leaves = from.is_some_and(|a| a.pkttype() == LEAVES);
            if !leaves && let Some(frame) = self.buffer.get(..n) {
                self.loopback_tap.packet(now(), frame);
                opened.extend(frame.get(ETHERNET..).and_then(look).and_then(|seen| match seen {
                    Seen::Tcp { ends, opens: true } => Some(ends),
                    _ => None,
                }));
            }
        }
        for ends in opened {
            self.whose(false, ends);
        }
    }
}
