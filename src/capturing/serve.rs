//! pcap-over-IP, offered: whoever connects gets a capture from its beginning and then whatever comes, as bytes of the file.
//!
//! Each client is read for by a thread of its own, out of the file: one that is slow keeps nobody waiting and fills no memory.

use crate::cli::exit;
use crate::reading::Failure;
use clap::Args;
use std::fs::File;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use wirelore_capture::Growth;

/// `wirelore serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Capture to offer.
    #[arg(short = 'r', long = "read", value_name = "FILE")]
    pub file: PathBuf,
    /// Where; without a host on this machine only.
    #[arg(value_name = "[HOST:]PORT", default_value = "57012")]
    pub at: String,
    /// Send also what the file grows by.
    #[arg(short = 'f', long)]
    pub follow: bool,
}

/// Clients that may read at once.
const MOST: usize = 64;
/// Bytes sent at once.
const AT_ONCE: usize = 256 * 1024;

/// Where to listen: `PORT` on this machine only, or `HOST:PORT`.
///
/// # Errors
/// It is no address, or taken.
pub fn listen(at: &str) -> Result<TcpListener, Failure> {
    let wrong = |why: String| Failure { text: format!("Packets cannot be offered at {at}: {why}."), code: exit::INIT };
    let listener = match at.parse::<u16>() {
        Ok(port) => TcpListener::bind((Ipv4Addr::LOCALHOST, port)),
        Err(_) => TcpListener::bind(at),
    };
    listener.map_err(|e| wrong(e.to_string()))
}

/// Offers a file to all who connect, while it grows. Ends with the process.
///
/// # Errors
/// There is no thread for it.
pub fn offer(listener: TcpListener, file: File, growth: Growth) -> Result<SocketAddr, Failure> {
    let failed = |e: std::io::Error| Failure { text: format!("Packets cannot be offered: {e}."), code: exit::INIT };
    let at = listener.local_addr().map_err(failed)?;
    let (file, clients) = (Arc::new(file), Arc::new(AtomicUsize::new(0)));
    let accept = move || {
        for client in listener.incoming().flatten() {
            if clients.fetch_add(1, Ordering::AcqRel) >= MOST {
                // Closed at once: it may come again.
                clients.fetch_sub(1, Ordering::AcqRel);
                continue;
            }
            let (file, growth, count) = (Arc::clone(&file), growth.clone(), Arc::clone(&clients));
            let send = move || {
                // A client that goes away is its own affair.
                let _ = send(&client, &file, &growth);
                count.fetch_sub(1, Ordering::AcqRel);
            };
            if std::thread::Builder::new().name("pcap client".into()).spawn(send).is_err() {
                clients.fetch_sub(1, Ordering::AcqRel);
            }
        }
    };
    std::thread::Builder::new().name("pcap-over-IP".into()).spawn(accept).map_err(failed)?;
    Ok(at)
}

fn send(mut client: &TcpStream, file: &File, growth: &Growth) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let (mut at, mut buffer) = (0_u64, vec![0; AT_ONCE]);
    loop {
        let grown = growth.wait(at, Duration::from_secs(1));
        let more = usize::try_from(grown.len.saturating_sub(at)).unwrap_or(AT_ONCE).min(AT_ONCE);
        if more == 0 {
            if grown.over {
                return client.flush();
            }
            continue;
        }
        let n = file.read_at(buffer.get_mut(..more).unwrap_or_default(), at)?;
        if n == 0 {
            // It became shorter: nothing that was promised is there.
            return Ok(());
        }
        client.write_all(buffer.get(..n).unwrap_or_default())?;
        at = at.saturating_add(n as u64);
    }
}

/// Runs `wirelore serve`.
///
/// # Errors
/// What stopped it.
pub fn run(args: &Serve) -> Result<(), Failure> {
    let unreadable = |e: std::io::Error| Failure {
        text: format!("{} cannot be read: {e}. Check the path and that you may read it.", args.file.display()),
        code: exit::OPEN,
    };
    let file = File::open(&args.file).map_err(unreadable)?;
    let growth = Growth::default();
    let len = || file.metadata().map(|m| m.len());
    growth.grown(len().map_err(unreadable)?);
    if !args.follow {
        growth.over();
    }
    let signals = wirelore_proxy::Signals::listen()
        .map_err(|e| Failure { text: format!("Signals cannot be heard: {e}."), code: exit::INIT })?;
    let at = offer(listen(&args.at)?, file.try_clone().map_err(unreadable)?, growth.clone())?;
    eprintln!(
        "{} is offered at {at}: `wirelore capture -i TCP@{at}` or `wireshark -k -i TCP@{at}` reads it. Ctrl+C ends it.",
        args.file.display()
    );
    let stopped = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let hear = Arc::clone(&stopped);
    let heard = std::thread::Builder::new().name("signals".into()).spawn(move || {
        signals.wait_for_one();
        hear.store(true, Ordering::Release);
    });
    heard.map_err(|e| Failure { text: format!("Signals cannot be heard: {e}."), code: exit::INIT })?;
    while !stopped.load(Ordering::Acquire) {
        std::thread::sleep(Duration::from_millis(100));
        if args.follow {
            growth.grown(len().map_err(unreadable)?);
        }
    }
    Ok(())
}
