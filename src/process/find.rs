//! Finding the process behind a socket on Linux: `/proc/net` says which inode an address has, `/proc/PID/fd` who holds it.

use super::diag::Diag;
use std::collections::HashMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use wirelore_store::Process;

/// Sockets whose process is remembered, at most.
const MOST: usize = 1 << 16;
/// Bytes of a command line that are kept.
const MOST_COMMAND: usize = 4096;

/// What a table of the system says of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Socket {
    /// Its own end.
    pub local: SocketAddr,
    /// The other one; unspecified with port 0 where there is none.
    pub remote: SocketAddr,
    /// The number of the user who made it.
    pub user: u32,
    /// Its inode; 0 where nobody holds it any more.
    pub inode: u64,
}

/// Finds processes, and remembers which sockets they held.
#[derive(Debug, Default)]
pub struct Finder {
    held: HashMap<u64, u32>,
    /// Processes that were found last: whoever opened one connection opens the next.
    latest: Vec<u32>,
    /// A process whose network namespace is meant instead of ours, which it shares with its descendants.
    within: Option<u32>,
    diag: Option<Diag>,
}

impl Finder {
    /// In the network namespace of this program.
    #[must_use]
    pub fn here() -> Finder {
        // Without it the system's tables say the same, later.
        Finder { diag: Diag::open().ok(), ..Finder::default() }
    }

    /// In the network namespace of a process and its descendants.
    #[must_use]
    pub fn within(pid: u32) -> Finder {
        Finder { within: Some(pid), ..Finder::default() }
    }

    /// The process that owns a socket between these ends. A datagram socket may speak with anybody.
    #[must_use]
    pub fn find(&mut self, udp: bool, local: SocketAddr, remote: SocketAddr) -> Option<Process> {
        let direct = if udp { None } else { self.diag.as_mut().and_then(|d| d.tcp(local, remote).ok()) };
        let found = direct.unwrap_or_else(|| self.socket(udp, local, remote).map(|s| (s.user, s.inode)));
        // Without an inode nobody holds it any more.
        let (user, inode) = found.filter(|(_, inode)| *inode != 0)?;
        self.owner(inode, user)
    }

    fn socket(&self, udp: bool, local: SocketAddr, remote: SocketAddr) -> Option<Socket> {
        let tables = if udp { ["udp", "udp6"] } else { ["tcp", "tcp6"] };
        let who = self.within.map_or_else(|| "self".to_owned(), |pid| pid.to_string());
        let mut near = None;
        for table in tables {
            let Ok(text) = fs::read_to_string(format!("/proc/{who}/net/{table}")) else { continue };
            for socket in text.lines().skip(1).filter_map(line) {
                let same_port = socket.local.port() == local.port();
                let here = same(socket.local.ip(), local.ip());
                if !same_port || socket.inode == 0 || !(here || udp && socket.local.ip().is_unspecified()) {
                    continue;
                }
                if socket.remote.port() == remote.port() && same(socket.remote.ip(), remote.ip()) {
                    return Some(socket);
                }
                if udp && socket.remote.port() == 0 {
                    near = Some(socket);
                }
            }
        }
        near
    }

    /// Who holds the socket of that inode, which a user made.
    fn owner(&mut self, inode: u64, user: u32) -> Option<Process> {
        let wanted = PathBuf::from(format!("socket:[{inode}]"));
        let known = self.held.get(&inode).copied().filter(|pid| holds(*pid, &wanted));
        let latest = || self.latest.iter().rev().copied().find(|pid| holds(*pid, &wanted));
        let pid = known.or_else(latest).or_else(|| {
            // The newest first: it is rather them that open connections. One who made a socket may have become another user since, and
            // one whose parent has ended is nobody's descendant.
            let newest = |mut all: Vec<u32>| {
                all.sort_unstable_by_key(|pid| std::cmp::Reverse(*pid));
                all
            };
            let within = newest(self.within.map(descendants).unwrap_or_default());
            within.into_iter().find(|pid| holds(*pid, &wanted)).or_else(|| {
                let (own, others): (Vec<u32>, Vec<u32>) =
                    newest(everybody()).into_iter().partition(|pid| owner_of(*pid) == Some(user));
                own.into_iter().chain(others).find(|pid| holds(*pid, &wanted))
            })
        })?;
        if self.held.len() >= MOST {
            self.held.clear();
        }
        self.held.insert(inode, pid);
        self.latest.retain(|p| *p != pid);
        self.latest.push(pid);
        if self.latest.len() > 16 {
            self.latest.remove(0);
        }
        process(pid)
    }
}

fn everybody() -> Vec<u32> {
    let Ok(all) = fs::read_dir("/proc") else { return Vec::new() };
    all.flatten().filter_map(|e| e.file_name().to_str()?.parse().ok()).collect()
}

/// A process, all that it started, and all that they did, as far as the system says (CONFIG_PROC_CHILDREN).
fn descendants(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let mut at = 0;
    while let Some(pid) = all.get(at).copied() {
        at += 1;
        let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { continue };
        for task in tasks.flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            all.extend(children.split_whitespace().filter_map(|c| c.parse::<u32>().ok()));
        }
    }
    all
}

fn owner_of(pid: u32) -> Option<u32> {
    fs::metadata(format!("/proc/{pid}")).ok().map(|m| std::os::unix::fs::MetadataExt::uid(&m))
}

/// Whether a process holds a file of that name. Others' processes do not let themselves be looked at without root.
fn holds(pid: u32, wanted: &Path) -> bool {
    let Ok(fds) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    fds.flatten().any(|fd| fs::read_link(fd.path()).is_ok_and(|to| to == wanted))
}

/// What is known of a process.
#[must_use]
pub fn process(pid: u32) -> Option<Process> {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim_end().to_owned();
    let mut command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    command.truncate(MOST_COMMAND);
    let arguments = command.split(|b| *b == 0).filter(|a| !a.is_empty()).map(String::from_utf8_lossy);
    // As one would type it.
    let quoted = arguments.map(|a| if a.contains([' ', '\t', '"']) { format!("'{a}'") } else { a.into_owned() });
    Some(Process { pid, name, command: quoted.collect::<Vec<_>>().join(" ") })
}

fn same(a: IpAddr, b: IpAddr) -> bool {
    a.to_canonical() == b.to_canonical()
}

/// A line of `/proc/net/tcp` or `udp` and their IPv6 forms: addresses as hexadecimal numbers of the machine's byte order, ports as they are.
fn line(line: &str) -> Option<Socket> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let (local, remote) = (address(words.next()?)?, address(words.next()?)?);
    // State, queues, timer, retransmissions before the user; a timeout behind it.
    let user = words.nth(4)?.parse().ok()?;
    let inode = words.nth(1)?.parse().ok()?;
    Some(Socket { local, remote, user, inode })
}

fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| Some(u32::from_str_radix(ip.get(at..at.checked_add(8)?)?, 16).ok()?.to_ne_bytes());
    let ip = match ip.len() {
        8 => IpAddr::from(Ipv4Addr::from(word(0)?)),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            IpAddr::from(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream, UdpSocket};

    #[test]
    fn a_line_of_the_system_is_read() {
        let text =
            "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 31337 1 0 100 0 0 10 0";
        let socket = line(text).expect("a socket");
        assert_eq!((socket.local.port(), socket.user, socket.inode), (8080, 1000, 31337));
        assert_eq!(socket.local.ip().to_string(), "127.0.0.1");
        assert_eq!(line("  sl  local_address"), None);
        assert_eq!(address("0000000000000000FFFF00000100007F:0050").map(|a| a.ip().to_canonical()), Some([127, 0, 0, 1].into()));
    }

    #[test]
    fn our_own_connections_are_ours() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let to = listener.local_addr().expect("its address");
        let stream = TcpStream::connect(to).expect("a connection");
        let from = stream.local_addr().expect("its address");
        let mut finder = Finder::here();
        let found = finder.find(false, from, to).expect("a process");
        assert_eq!(found.pid, std::process::id());
        assert!(!found.name.is_empty() && !found.command.is_empty());
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let at = socket.local_addr().expect("its address");
        let found = finder.find(true, at, "192.0.2.1:53".parse().expect("an address"));
        assert_eq!(found.map(|p| p.pid), Some(std::process::id()));
        let by_table = Finder::default().find(false, from, to).map(|p| p.pid);
        assert_eq!(by_table, Some(std::process::id()), "the tables say the same");
        drop((stream, socket));
        assert_eq!(finder.find(false, from, to), None, "nobody holds it any more");
    }
}
