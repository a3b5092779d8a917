//! Workers: threads that each carry their connections from the first byte to the last, and share nothing while they do.

use crate::course::Course;
use crate::dial::Names;
use crate::end::Io;
use crate::shared::Shared;
use std::cell::RefCell;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::watch;

/// While there are connections a timer runs that is shorter than the patience of any of them: setting one that would be the next to run out
/// wakes the event loop, which costs two calls of the system and a turn for nothing.
const AHEAD: Duration = Duration::from_secs(10);

/// A connection that was accepted, on its way to its worker.
pub struct Accepted {
    socket: Socket,
    peer: SocketAddr,
    listener: usize,
}

/// Its socket: taken off the thread that accepted it, unless it stays there.
enum Socket {
    Here(tokio::net::TcpStream),
    There(TcpStream),
    Gone,
}

/// How many connections a worker carries.
#[derive(Debug, Default)]
pub struct Load(AtomicUsize);

impl Load {
    /// One more.
    pub fn more(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// One less.
    pub fn done(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What the connections of one thread share.
pub struct Worker {
    /// What all workers share.
    pub shared: Arc<Shared>,
    /// Buffers and the record.
    pub io: RefCell<Io>,
    /// Addresses of names.
    pub names: Names,
    /// How many connections it carries.
    pub load: Arc<Load>,
}

impl Worker {
    /// A worker of this thread.
    #[must_use]
    pub fn new(shared: Arc<Shared>, load: Arc<Load>) -> Rc<Worker> {
        let lane = shared.recorder.lane();
        Rc::new(Worker { shared, io: RefCell::new(Io::new(lane)), names: Names::default(), load })
    }

    fn take_up(self: &Rc<Worker>, accepted: Accepted) {
        let Accepted { socket, peer, listener } = accepted;
        let tcp = match socket {
            Socket::Here(tcp) => Some(tcp),
            Socket::There(tcp) => tokio::net::TcpStream::from_std(tcp).ok(),
            Socket::Gone => None,
        };
        let Some(tcp) = tcp else {
            self.load.done();
            return;
        };
        let _ = tcp.set_nodelay(true);
        let tie = self.shared.counts.next();
        let local = tcp.local_addr();
        if let (Some(hears), Ok(local)) = (&self.shared.accepted, &local) {
            hears(tie, peer, *local);
        }
        let course = Course::new(Rc::clone(self), (tcp, local.unwrap_or(peer)), peer, listener, tie);
        tokio::task::spawn_local(course.run());
    }

    /// Takes connections up until told to stop.
    pub async fn run(self: Rc<Worker>, mut queue: UnboundedReceiver<Accepted>, mut stop: watch::Receiver<bool>) {
        let (mut ahead, mut runs) = (std::pin::pin!(tokio::time::sleep(AHEAD)), true);
        loop {
            tokio::select! {
                accepted = queue.recv() => match accepted {
                    Some(accepted) => {
                        self.take_up(accepted);
                        if !std::mem::replace(&mut runs, true) {
                            ahead.set(tokio::time::sleep(AHEAD));
                        }
                    }
                    None => return,
                },
                () = ahead.as_mut(), if runs => {
                    runs = self.load.0.load(Ordering::Relaxed) > 0;
                    if runs {
                        ahead.set(tokio::time::sleep(AHEAD));
                    }
                }
                _ = stop.changed() => return,
            }
        }
    }
}

/// Accepts on one listener and hands each connection to the worker that carries the fewest; the first is that of this thread.
pub async fn accept(listener: TcpListener, at: usize, workers: Vec<(Arc<Load>, UnboundedSender<Accepted>)>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    loop {
        let (tcp, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(e) => {
                // Out of descriptors or memory: who waits in the queue goes on waiting; asking at once again would only burn.
                if !matches!(e.kind(), std::io::ErrorKind::ConnectionAborted | std::io::ErrorKind::Interrupted) {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                continue;
            }
        };
        let fewest = workers.iter().enumerate().min_by_key(|(_, (load, _))| load.0.load(Ordering::Relaxed));
        let Some((worker, (load, queue))) = fewest else { return };
        let socket = if worker == 0 { Socket::Here(tcp) } else { tcp.into_std().map_or(Socket::Gone, Socket::There) };
        load.more();
        if queue.send(Accepted { socket, peer, listener: at }).is_err() {
            load.done();
        }
    }
}
