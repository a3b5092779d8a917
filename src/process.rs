//! Which process speaks: found while a connection lives, kept in the capture, and shown with its flows wherever that is read.
//!
//! What is found is written into the file as custom blocks (`wirelore_record::said::Process`); a session that reads the file takes them
//! into the store (`Snapshot::process_of`). So it makes no difference whether a capture is being made or was made last year.

#[cfg(target_os = "linux")]
mod diag;
#[cfg(target_os = "linux")]
mod find;
#[cfg(target_os = "linux")]
mod sniffed;
#[cfg(target_os = "linux")]
mod watch;

#[cfg(target_os = "linux")]
pub use find::Finder;
#[cfg(target_os = "linux")]
pub use sniffed::Sniffed;
#[cfg(target_os = "linux")]
pub use watch::{Asked, Watcher};

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};
use wirelore_kit::{Endpoint, Transport};
use wirelore_record::said;
use wirelore_store::{Builder, Owned, Process};

/// What the record says of a process that was found just now.
#[must_use]
pub fn record(tie: Option<u64>, udp: bool, local: SocketAddr, remote: SocketAddr, process: Process) -> said::Process {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let Process { pid, name, command } = process;
    let time = i64::try_from(time).unwrap_or(i64::MAX);
    said::Process { tie, transport: if udp { 17 } else { 6 }, local, remote, time, pid, name, command }
}

/// Proxied connections of which one half of what is to be known may still come.
const MOST_WAITING: usize = 4096;

/// Takes what a session file says of processes into the store. The leg to a server belongs to the process whose connection it carries on.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    /// Legs to servers of late: tie, our end, theirs.
    legs: VecDeque<(u64, SocketAddr, SocketAddr)>,
    /// Processes of connections of late.
    known: VecDeque<(u64, i64, Process)>,
}

impl Owners {
    /// A leg to a server begins.
    pub(crate) fn leg(&mut self, tie: u64, ours: SocketAddr, server: SocketAddr, builder: &mut Builder) {
        if let Some((_, time, process)) = self.known.iter().find(|(t, ..)| *t == tie) {
            add(builder, Transport::Tcp, ours, server, *time, process.clone());
        }
        push(&mut self.legs, (tie, ours, server));
    }

    /// A process was found.
    pub(crate) fn process(&mut self, said: said::Process, builder: &mut Builder) {
        let said::Process { tie, transport, local, remote, time, pid, name, command } = said;
        let process = Process { pid, name, command };
        let transport = match transport {
            6 => Transport::Tcp,
            17 => Transport::Udp,
            _ => return,
        };
        if let Some(tie) = tie {
            for (_, ours, server) in self.legs.iter().filter(|(t, ..)| *t == tie) {
                add(builder, Transport::Tcp, *ours, *server, time, process.clone());
            }
            push(&mut self.known, (tie, time, process.clone()));
        }
        add(builder, transport, local, remote, time, process);
    }
}

fn push<T>(queue: &mut VecDeque<T>, item: T) {
    if queue.len() >= MOST_WAITING {
        queue.pop_front();
    }
    queue.push_back(item);
}

fn add(builder: &mut Builder, transport: Transport, local: SocketAddr, remote: SocketAddr, time: i64, process: Process) {
    let end = |a: SocketAddr| Endpoint { ip: a.ip().to_canonical(), port: a.port() };
    builder.facts().processes.add(Owned { transport, local: end(local), remote: end(remote), time, process });
}
