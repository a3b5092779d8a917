//! A proxy that runs: its listeners and workers, from start to stop.

use crate::configs::Configs;
use crate::datagrams;
use crate::gather;
use crate::mode::Mode;
use crate::options::Options;
use crate::send::{self, Sender};
use crate::shared::{Counts, How, Listener, Shared};
use crate::worker::{Load, Worker, accept};
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::rc::Rc;
use std::sync::{Arc, RwLock};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, watch};
use wirelore_ca::Trust;
use wirelore_ca::keylog::KeyLogFile;
use wirelore_gate::Event;

/// More threads than this win nothing: two legs' TLS keep one core busy at a GB in two seconds.
const MOST_WORKERS: usize = 4;

/// With what a proxy is started.
pub struct Settings {
    /// Where to listen, and for what.
    pub listen: Vec<(Mode, SocketAddr)>,
    /// Whom upstream is believed to be.
    pub trust: Trust,
    /// Where the secrets of both legs are written to for other programs.
    pub keylog: Option<KeyLogFile>,
    /// What may be changed later.
    pub options: Options,
    /// All else.
    pub how: How,
}

/// Why a proxy does not start.
#[derive(Debug)]
pub enum Error {
    /// A listener could not be opened.
    Listen(SocketAddr, io::Error),
    /// A thread or its runtime could not be made.
    Thread(io::Error),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Listen(at, e) => {
                let what_to_do = match e.kind() {
                    io::ErrorKind::AddrInUse => {
                        "Another program listens there, perhaps another proxy: end it, or choose another port with -p."
                    }
                    io::ErrorKind::PermissionDenied => "Ports below 1024 need privileges: choose another port with -p.",
                    io::ErrorKind::AddrNotAvailable => "This machine does not have that address: see `ip addr`.",
                    _ => "Choose another address with --listen-host, or another port with -p.",
                };
                write!(f, "Listening at {at} failed: {e}. {what_to_do}")
            }
            Error::Thread(e) => write!(f, "A thread of the proxy could not be started: {e}. Close other programs and try again."),
        }
    }
}

impl std::error::Error for Error {}

/// A proxy that runs. Dropping it stops it.
pub struct Proxy {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
    sender: Sender,
}

impl Proxy {
    /// Opens the listeners and starts the workers.
    ///
    /// # Errors
    /// [`Error`].
    pub fn start(settings: Settings) -> Result<Proxy, Error> {
        allow_descriptors();
        let mut sockets = Vec::new();
        let mut listeners = Vec::new();
        for (mode, at) in settings.listen {
            let open = Open::at(at, &mode).map_err(|e| Error::Listen(at, e))?;
            let at = open.address().unwrap_or(at);
            let number = settings.how.recorder.listener(&format!("{mode} at {at}"));
            listeners.push(Listener { mode, at, number });
            sockets.push(open);
        }
        let rearmed = Arc::new(tokio::sync::Notify::new());
        let tell = Arc::clone(&rearmed);
        settings.how.gate.listen(Arc::new(move |event| {
            if matches!(event, Event::Rules(_)) {
                tell.notify_waiters();
            }
        }));
        let shared = Arc::new(Shared {
            listeners,
            configs: Configs::new(settings.trust, settings.keylog),
            how: settings.how,
            options: RwLock::new(Arc::new(settings.options)),
            refusals: Default::default(),
            counts: Counts::default(),
            rearmed,
            enough: tokio::sync::Notify::new(),
        });
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let (stop, stopped) = watch::channel(false);
        let mut queues = Vec::new();
        let mut workers = Vec::new();
        for _ in 0..cores.min(MOST_WORKERS) {
            let (queue, take) = mpsc::unbounded_channel();
            let load = Arc::new(Load::default());
            workers.push((Arc::clone(&load), queue));
            queues.push((load, take));
        }
        let mut threads = Vec::new();
        for (n, (load, take)) in queues.into_iter().enumerate() {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .on_thread_park(gather::before_sleep)
                .build()
                .map_err(Error::Thread)?;
            let (shared, stopped, sockets, workers) =
                (Arc::clone(&shared), stopped.clone(), std::mem::take(&mut sockets), workers.clone());
            let thread = std::thread::Builder::new().name(format!("relay {n}")).spawn(move || {
                let local = tokio::task::LocalSet::new();
                local.block_on(&runtime, async move {
                    let worker = Worker::new(shared, load);
                    for (at, Open { connections, datagrams }) in sockets.into_iter().enumerate() {
                        if let Some(socket) = connections {
                            tokio::task::spawn_local(accept(socket, at, workers.clone()));
                        }
                        if let (Some(socket), Mode::Reverse(to)) = (datagrams, worker.shared.mode(at)) {
                            tokio::task::spawn_local(datagrams::listen(Rc::clone(&worker), socket, at, to));
                        }
                    }
                    worker.run(take, stopped).await;
                });
            });
            threads.push(thread.map_err(Error::Thread)?);
        }
        let (sender, thread) = send::start(Arc::clone(&shared), stopped).map_err(Error::Thread)?;
        threads.push(thread);
        Ok(Proxy { shared, stop, threads, sender })
    }

    /// Where it listens, and for what.
    #[must_use]
    pub fn listeners(&self) -> Vec<(Mode, SocketAddr)> {
        self.shared.listeners.iter().map(|l| (l.mode.clone(), l.at)).collect()
    }

    /// How many connections there were, and how many are open.
    #[must_use]
    pub fn connections(&self) -> (u64, u64) {
        self.shared.counts.read()
    }

    /// Until a [`Stopper`] says so.
    pub(crate) async fn enough(&self) {
        self.shared.enough.notified().await;
    }

    /// Ends [`crate::Signals::wait`] from elsewhere.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.shared))
    }

    /// Sends requests of our own.
    #[must_use]
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// Closes listeners and connections and waits until that is done.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // Workers that are gone need no telling.
        let _ = self.stop.send(true);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Ends a proxy as a signal does, changes its options, and knows its counts.
#[derive(Clone)]
pub struct Stopper(Arc<Shared>);

impl Stopper {
    /// Ends it.
    pub fn stop(&self) {
        self.0.enough.notify_one();
    }

    /// How many connections there were, and how many are open.
    #[must_use]
    pub fn connections(&self) -> (u64, u64) {
        self.0.counts.read()
    }

    /// Puts other options in force, for connections that begin from now on.
    pub fn set(&self, options: Options) {
        self.0.set(options);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.end();
    }
}

/// A connection takes two descriptors, and many shells allow 1024: as many as this process may have are asked for.
fn allow_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where that is not allowed, fewer connections are carried at once; who comes beyond waits.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// The sockets of a listener.
struct Open {
    connections: Option<TcpListener>,
    datagrams: Option<UdpSocket>,
}

impl Open {
    fn at(at: SocketAddr, mode: &Mode) -> io::Result<Open> {
        let (tcp, udp) = if let Mode::Reverse(to) = mode { to.scheme.transports() } else { (true, false) };
        let connections = if tcp { Some(listen(at, mode)?) } else { None };
        // Where both are taken up, at one port.
        let at = connections.as_ref().and_then(|l| l.local_addr().ok()).unwrap_or(at);
        let datagrams = if udp { Some(UdpSocket::bind(at)?) } else { None };
        if let Some(socket) = &datagrams {
            socket.set_nonblocking(true)?;
        }
        Ok(Open { connections, datagrams })
    }

    fn address(&self) -> Option<SocketAddr> {
        let of_datagrams = || self.datagrams.as_ref()?.local_addr().ok();
        self.connections.as_ref().and_then(|l| l.local_addr().ok()).or_else(of_datagrams)
    }
}

fn listen(at: SocketAddr, mode: &Mode) -> io::Result<TcpListener> {
    use socket2::{Domain, Protocol, Socket, Type};
    let socket = Socket::new(Domain::for_address(at), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if at.is_ipv6() {
        // An IPv6 listener takes IPv6 alone: where both are wanted, both are opened, and each says what it is.
        socket.set_only_v6(true)?;
    }
    if *mode == Mode::Transparent {
        // For TPROXY, which needs privileges; REDIRECT works without.
        let _ = if at.is_ipv4() { socket.set_ip_transparent_v4(true) } else { socket.set_ip_transparent_v6(true) };
    }
    socket.bind(&at.into())?;
    socket.listen(1024)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}
