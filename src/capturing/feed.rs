//! Where the packets of a capture come from: the helper, another machine over ssh, or a connection. All of them give bytes of a capture.

use crate::capturing::args::Wanted;
use crate::capturing::helper::{self, Helper, Refused};
use crate::cli::exit;
use crate::reading::Failure;
use std::io::{BufRead, Read};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Bytes of a capture that is being made, and the word that ends it.
pub struct Feed {
    /// What comes; read to its end.
    pub bytes: Box<dyn Read + Send>,
    /// Ends it.
    pub stopper: Stopper,
    /// From where, for people: "lo, eth0".
    pub what: String,
    /// Packets of this computer's interfaces.
    pub local: bool,
}

/// Ends a feed. Clones end the same one.
#[derive(Clone)]
pub struct Stopper(Arc<Mutex<Ender>>);

enum Ender {
    Helper { child: Child, stdin: Option<std::process::ChildStdin>, listener: Option<JoinHandle<Option<String>>> },
    Ssh { child: Child, stream: UnixStream, asked: bool },
    Connection { stream: TcpStream, asked: bool },
}

/// How a feed ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to.
    Asked,
    /// By itself, and that is in order: the other side has no more.
    Over,
    /// It broke off: why.
    Broke(String),
}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stopper {
    /// Asks it to end; what is on its way still comes.
    pub fn stop(&self) {
        match &mut *lock(&self.0) {
            Ender::Helper { stdin, .. } => helper::stop(stdin),
            Ender::Ssh { child, stream, asked } => {
                *asked = true;
                // Its bytes end in whole packets for us, wherever they are cut. What it started may outlive it, and must not keep us.
                let _ = child.kill();
                let _ = stream.shutdown(Shutdown::Both);
            }
            Ender::Connection { stream, asked } => {
                *asked = true;
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }

    /// How it ended, once its bytes have.
    #[must_use]
    pub fn ended(&self) -> Ended {
        match &mut *lock(&self.0) {
            Ender::Helper { child, stdin, listener } => {
                let asked = stdin.is_none();
                let status = child.wait();
                let lost = listener.take().and_then(|l| l.join().ok()).flatten();
                match status {
                    Ok(s) if s.success() => match lost {
                        Some(lost) if !asked => Ended::Broke(lost),
                        _ => Ended::Asked,
                    },
                    Ok(s) => Ended::Broke(format!("the helper wirelore-capture ended unexpectedly ({s})")),
                    Err(e) => Ended::Broke(e.to_string()),
                }
            }
            Ender::Ssh { child, asked, .. } => match child.wait() {
                _ if *asked => Ended::Asked,
                Ok(s) if s.success() => Ended::Over,
                Ok(s) => Ended::Broke(format!("ssh ended ({s}); what it said stands above")),
                Err(e) => Ended::Broke(e.to_string()),
            },
            Ender::Connection { asked, .. } => {
                if *asked {
                    Ended::Asked
                } else {
                    Ended::Over
                }
            }
        }
    }

    /// The helper's process, where there is one.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        match &*lock(&self.0) {
            Ender::Helper { child, .. } | Ender::Ssh { child, .. } => Some(child.id()),
            Ender::Connection { .. } => None,
        }
    }
}

/// An interface that went away, as the helper tells it.
fn lost(line: &str) -> Option<String> {
    let v: serde_json::Value = serde_json::from_str(line).ok()?;
    if v.get("event")? != "lost" {
        return None;
    }
    Some(format!("{} gives no more packets: {}", v.get("interface")?.as_str()?, v.get("text")?.as_str()?))
}

/// Captures on interfaces of this machine.
///
/// # Errors
/// What the helper or libpcap refuses.
pub fn interfaces(wanted: &[Wanted], immediate: bool) -> Result<Feed, Refused> {
    let helper = Helper::find()?;
    let (mut capturing, names) = helper.start(&words(wanted, immediate))?.opened(&helper)?;
    let stdout = capturing.stdout.take();
    let mut told = capturing.told;
    // What it tells must be read, lest it waits for us. What became of its interfaces is worth keeping; counters stand in its pcapng too.
    let listen = move || {
        let (mut line, mut why) = (String::new(), None);
        while told.read_line(&mut line).is_ok_and(|n| n > 0) {
            why = why.or_else(|| lost(&line));
            line.clear();
        }
        why
    };
    // Without this thread nothing is lost but words.
    let listener = std::thread::Builder::new().name("capture words".into()).spawn(listen).ok();
    let ender = Ender::Helper { child: capturing.child, stdin: capturing.stdin, listener };
    let stopper = Stopper(Arc::new(Mutex::new(ender)));
    let bytes: Box<dyn Read + Send> = match stdout {
        Some(stdout) => Box::new(stdout),
        None => Box::new(std::io::empty()),
    };
    Ok(Feed { bytes, stopper, what: names.join(", "), local: true })
}

/// What the helper is asked for.
fn words(wanted: &[Wanted], immediate: bool) -> Vec<String> {
    let mut words = vec!["capture".to_owned()];
    if immediate {
        words.push("--immediate".into());
    }
    for w in wanted {
        let mut add = |flag: &str, value: Option<String>| {
            words.push(flag.into());
            words.extend(value);
        };
        add("-i", Some(w.name.clone().unwrap_or_default()));
        if !w.filter.is_empty() {
            add("-f", Some(w.filter.clone()));
        }
        if let Some(n) = w.snaplen {
            add("-s", Some(n.to_string()));
        }
        if w.not_promiscuous {
            add("-p", None);
        }
        add("-B", Some(w.buffer.to_string()));
        if let Some(link) = &w.link {
            add("-y", Some(link.clone()));
        }
        if w.monitor {
            add("-I", None);
        }
        if let Some(clock) = &w.clock {
            add("--time-stamp-type", Some(clock.clone()));
        }
    }
    words
}

/// The command that captures on another machine: arguments of `ssh`.
///
/// # Errors
/// A host that would be read as an option.
pub fn ssh_words(host: &str, wanted: &Wanted) -> Result<Vec<String>, Failure> {
    if host.is_empty() || host.starts_with('-') {
        return Err(Failure {
            text: format!("--ssh {host}: this is no host. Write for example --ssh root@server."),
            code: exit::OPTION,
        });
    }
    let mut remote = String::from("exec tcpdump -U -w -");
    if let Some(name) = &wanted.name {
        remote.push_str(&format!(" -i {}", in_shell(name)));
    }
    if let Some(n) = wanted.snaplen {
        remote.push_str(&format!(" -s {n}"));
    }
    if wanted.not_promiscuous {
        remote.push_str(" -p");
    }
    // The connection that carries the packets must not be captured: each packet of it would make another.
    let own = "not (host ${SSH_CONNECTION%% *} and tcp port ${SSH_CONNECTION##* })";
    if wanted.filter.is_empty() {
        remote.push_str(&format!(" \"{own}\""));
    } else {
        remote.push_str(&format!(" \"{own} and (\"{}\")\"", in_shell(&wanted.filter)));
    }
    Ok(vec!["-T".into(), "--".into(), host.into(), remote])
}

/// A word as a POSIX shell takes it.
fn in_shell(word: &str) -> String {
    if !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-:@".contains(c)) {
        return word.into();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// The same as a line that can be typed.
#[must_use]
pub fn as_typed(words: &[String]) -> String {
    let all: Vec<String> = words.iter().map(|w| in_shell(w)).collect();
    format!("ssh {}", all.join(" "))
}

/// Captures on another machine.
///
/// # Errors
/// ssh does not start.
pub fn ssh(host: &str, wanted: &Wanted) -> Result<Feed, Failure> {
    let words = ssh_words(host, wanted)?;
    // Its words and its question for a password are for the user.
    let fails = |e: std::io::Error| Failure {
        text: format!("ssh does not start: {e}. Install it (sudo apt-get install openssh-client), or check PATH."),
        code: exit::INIT,
    };
    // A pipe could not be closed from here while it is read.
    let (ours, theirs) = UnixStream::pair().map_err(fails)?;
    let stream = ours.try_clone().map_err(fails)?;
    let child = Command::new("ssh").args(&words).stdin(Stdio::null()).stdout(OwnedFd::from(theirs)).spawn().map_err(fails)?;
    let stopper = Stopper(Arc::new(Mutex::new(Ender::Ssh { child, stream, asked: false })));
    Ok(Feed { bytes: Box::new(ours), stopper, what: format!("{host}, by ssh"), local: false })
}

/// Reads the pcap-over-IP that is offered at `HOST:PORT`.
///
/// # Errors
/// Nobody answers there.
pub fn connection(at: &str) -> Result<Feed, Failure> {
    let nobody = |why: String| Failure {
        text: format!(
            "Nobody offers packets at {at}: {why}. The other side may run `wirelore serve`, or `tcpdump -U -w - | nc -l -p PORT`."
        ),
        code: exit::INTERFACE,
    };
    let all = at.to_socket_addrs().map_err(|e| nobody(format!("write TCP@HOST:PORT ({e})")))?;
    let mut last = "the name has no address".to_owned();
    for address in all {
        match TcpStream::connect_timeout(&address, Duration::from_secs(10)) {
            Ok(stream) => {
                let other = stream.try_clone().map_err(|e| nobody(e.to_string()))?;
                let stopper = Stopper(Arc::new(Mutex::new(Ender::Connection { stream: other, asked: false })));
                return Ok(Feed { bytes: Box::new(stream), stopper, what: format!("TCP@{at}"), local: false });
            }
            Err(e) => last = e.to_string(),
        }
    }
    Err(nobody(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remote_command_leaves_its_own_connection_out_and_quotes_what_was_given() {
        let wanted =
            Wanted { name: Some("eth0".into()), filter: "port 80 or host 'x'".into(), snaplen: Some(96), ..Wanted::default() };
        let words = ssh_words("root@server", &wanted).expect("good");
        let remote = words.last().map(String::as_str).unwrap_or_default();
        assert_eq!(
            remote,
            r#"exec tcpdump -U -w - -i eth0 -s 96 "not (host ${SSH_CONNECTION%% *} and tcp port ${SSH_CONNECTION##* }) and ("'port 80 or host '\''x'\'''")""#
        );
        assert_eq!(words.get(..3).map(<[String]>::to_vec), Some(vec!["-T".into(), "--".into(), "root@server".into()]));
        assert!(ssh_words("-oProxyCommand=x", &wanted).is_err());
    }

    #[test]
    fn the_helper_gets_every_wish_behind_its_interface() {
        let lo = Wanted { name: Some("lo".into()), filter: "tcp".into(), not_promiscuous: true, ..Wanted::default() };
        assert_eq!(words(&[lo], true).join(" "), "capture --immediate -i lo -f tcp -p -B 64");
    }
}
