//! Wirelore as a source of packets in Wireshark (its doc/extcap.adoc, "Extcap: Developer Reference"): linked into its folder of extcaps, it
//! offers the proxy, decrypted, with the secrets in the capture, and pcap-over-IP. Wireshark asks in four questions, each a start of this program.

use crate::cli::{Cli, Command, exit};
use crate::reading::Failure;
use clap::Parser;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use wirelore_proxy::Signals;

/// What Wireshark says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    interfaces: bool,
    interface: String,
    dlts: bool,
    config: bool,
    capture: bool,
    fifo: PathBuf,
    port: Option<String>,
    mode: Option<String>,
    host: Option<String>,
}

/// The proxy, and what its record is made of (LINKTYPE_RAW).
const PROXY: &str = "wirelore-proxy";
/// pcap-over-IP.
const OVER_IP: &str = "wirelore-tcp";

/// Whether a command line is a question of Wireshark's.
#[must_use]
pub fn is_asked(words: &[String]) -> bool {
    words.iter().any(|w| w.starts_with("--extcap-"))
}

fn parse(words: &[String]) -> Result<Asked, Failure> {
    let mut asked = Asked::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word.as_str(), None),
        };
        let mut value = || {
            let missing = || Failure { text: format!("{name} wants a value."), code: exit::OPTION };
            value.clone().or_else(|| words.next().cloned()).ok_or_else(missing)
        };
        match name {
            "--extcap-interfaces" => asked.interfaces = true,
            "--extcap-interface" => asked.interface = value()?,
            "--extcap-dlts" => asked.dlts = true,
            "--extcap-config" => asked.config = true,
            "--capture" => asked.capture = true,
            "--fifo" => asked.fifo = value()?.into(),
            "--port" => asked.port = Some(value()?),
            "--mode" => asked.mode = Some(value()?),
            "--host" => asked.host = Some(value()?),
            // Its version, and filters, which mean nothing to a proxy.
            "--extcap-version" if word.contains('=') => {}
            "--extcap-capture-filter" | "--extcap-version" | "--extcap-control-in" | "--extcap-control-out" => {
                value()?;
            }
            _ => {}
        }
    }
    Ok(asked)
}

/// Answers a question of Wireshark's.
///
/// # Errors
/// What cannot be done; Wireshark shows the sentence.
pub fn run(words: &[String]) -> Result<(), Failure> {
    let asked = parse(words)?;
    if asked.interfaces {
        return say(&format!(
            "extcap {{version={}}}{{help={}}}{{display=Wirelore}}\n\
             interface {{value={PROXY}}}{{display=Wirelore: a proxy, its traffic decrypted}}\n\
             interface {{value={OVER_IP}}}{{display=Wirelore: pcap-over-IP}}\n",
            env!("CARGO_PKG_VERSION"),
            env!("CARGO_PKG_REPOSITORY"),
        ));
    }
    let proxy = match asked.interface.as_str() {
        PROXY => true,
        OVER_IP => false,
        other => {
            return Err(Failure {
                text: format!("{other} is no interface of Wirelore's; {PROXY} and {OVER_IP} are."),
                code: exit::INTERFACE,
            });
        }
    };
    match (asked.dlts, asked.config, asked.capture) {
        (true, _, _) if proxy => say("dlt {number=101}{name=RAW}{display=Raw IP}\n"),
        (true, _, _) => say("dlt {number=1}{name=EN10MB}{display=As the other side sends it}\n"),
        (_, true, _) if proxy => say(PROXY_OPTIONS),
        (_, true, _) => say(OVER_IP_OPTIONS),
        (_, _, true) if proxy => capture_proxy(&asked),
        (_, _, true) => capture_over_ip(&asked),
        _ => Ok(()),
    }
}

const PROXY_OPTIONS: &str = "\
arg {number=0}{call=--port}{display=Port}{type=integer}{range=1,65535}{default=8080}{tooltip=Where programs find the proxy on this machine}
arg {number=1}{call=--mode}{display=Mode}{type=string}{default=regular}{tooltip=regular, socks5, reverse:https://example.org}
";

const OVER_IP_OPTIONS: &str = "\
arg {number=0}{call=--host}{display=Host}{type=string}{default=127.0.0.1}{required=true}{tooltip=The machine that offers packets}
arg {number=1}{call=--port}{display=Port}{type=integer}{range=1,65535}{default=57012}{required=true}{tooltip=Its port}
";

fn say(text: &str) -> Result<(), Failure> {
    std::io::stdout().write_all(text.as_bytes()).map_err(|e| Failure::write(&e))
}

/// The pipe that Wireshark reads.
fn fifo(path: &Path) -> Result<std::fs::File, Failure> {
    std::fs::OpenOptions::new().write(true).open(path).map_err(|e| Failure {
        text: format!("The pipe {} cannot be opened: {e}. Wireshark makes it and names it with --fifo.", path.display()),
        code: exit::WRITE,
    })
}

/// Starts a proxy and sends its record while it is written, until Wireshark has had enough.
fn capture_proxy(asked: &Asked) -> Result<(), Failure> {
    let file = super::temporary()?;
    let record = file.path().display().to_string();
    let port = asked.port.clone().unwrap_or_else(|| "8080".into());
    let mode = asked.mode.clone().unwrap_or_else(|| "regular".into());
    let words = ["wirelore", "proxy", "--headless", "--no-control", "-p", &port, "-m", &mode, "-w", &record];
    let args = match Cli::try_parse_from(words).map(|c| c.command) {
        Ok(Some(Command::Proxy(args))) => args,
        Ok(_) => return Err(Failure { text: "The proxy's flags cannot be read.".into(), code: exit::OPTION }),
        Err(e) => return Err(Failure { text: e.to_string(), code: exit::OPTION }),
    };
    let signals = Signals::listen().map_err(|e| Failure { text: format!("Signals cannot be heard: {e}."), code: exit::INIT })?;
    let started = crate::proxying::start(&args)?;
    let (stopper, growth) = (started.proxy.stopper(), wirelore_capture::Growth::default());
    let over = growth.clone();
    let hear = move || {
        signals.wait_for_one();
        stopper.stop();
        over.over();
    };
    let _ = std::thread::Builder::new().name("signals".into()).spawn(hear);
    let mut out = fifo(&asked.fifo)?;
    let mut from = std::fs::File::open(file.path())
        .map_err(|e| Failure { text: format!("The record cannot be read: {e}."), code: exit::READ })?;
    loop {
        let over = growth.wait(u64::MAX, Duration::from_millis(50)).over;
        // The record holds whole blocks at any moment.
        if std::io::copy(&mut from, &mut out).is_err() || over {
            break;
        }
    }
    started.proxy.stop();
    let finished = started.recorder.finish();
    // The last of it, if anybody still reads.
    let _ = std::io::copy(&mut from, &mut out);
    finished.map(drop).map_err(|e| Failure { text: e.to_string(), code: exit::WRITE })
}

/// Passes on what another machine offers.
fn capture_over_ip(asked: &Asked) -> Result<(), Failure> {
    let host = asked.host.as_deref().unwrap_or("127.0.0.1");
    let at = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let mut feed = super::feed::connection(&format!("{at}:{}", asked.port.as_deref().unwrap_or("57012")))?;
    let mut out = fifo(&asked.fifo)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match feed.bytes.read(&mut buffer) {
            Ok(0) | Err(_) => return Ok(()),
            Ok(n) => {
                if out.write_all(buffer.get(..n).unwrap_or_default()).is_err() {
                    // Wireshark has had enough.
                    return Ok(());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn wiresharks_questions_are_told_from_ours() {
        assert!(is_asked(&words("--extcap-interfaces --extcap-version=4.0")));
        assert!(!is_asked(&words("capture -i lo")));
    }

    #[test]
    fn values_come_behind_a_space_or_an_equals_sign() {
        let line = "--capture --extcap-interface wirelore-tcp --fifo=/tmp/x --port 4000 --host ::1 --extcap-capture-filter tcp";
        let want = Asked {
            capture: true,
            interface: OVER_IP.into(),
            fifo: "/tmp/x".into(),
            port: Some("4000".into()),
            host: Some("::1".into()),
            ..Asked::default()
        };
        assert_eq!(parse(&words(line)).expect("good"), want);
    }
}
