//! `wirelore run -- CMD`: a program, whose traffic alone is recorded and decrypted, without root.
//!
//! On Linux it gets a network of its own (`run/inside.rs`): every packet that it sends passes a wire whose other end is ours
//! (`run/stack.rs`), is recorded there, and is carried on to the world through a proxy that was started for it. The record has the
//! program's packets as they were, the proxy's leg to each server, and the keys of both. The leg between our end of the wire and the proxy
//! says once more what the packets say: it is marked as their twin (`wirelore_record::Options::twins`) and makes no rows.
//! Where namespaces are forbidden the program is told by its environment to go through the proxy (`run/environment.rs`).

mod dial;
mod environment;
pub mod inside;
mod jks;
mod keylog;
mod netlink;
mod plan;
mod program;
#[cfg(feature = "window")]
mod show;
mod stack;
mod tcp;
mod udp;
mod wire;

use crate::cli::{Cli, Command, Gating, Proxy, exit};
use crate::process::Finder;
use crate::proxying::{self, Started};
use crate::reading::Failure;
use crate::session::Session;
use clap::{Args, Parser, ValueEnum};
use environment::Trusted;
use keylog::KeyLog;
use plan::{HOST_NAME, Outside, Plan};
use program::{Forbidden, Program, Start};
use stack::{Inside, Stack};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use wirelore_capture::Growth;
use wirelore_kit::Transport;
use wirelore_record::{Recorder, TapSpec};
use wirelore_store::{Flow, Snapshot};

/// The exit code when the program could not even be tried, as `env`, `timeout` and `nohup` have it.
pub const NOT_STARTED: i32 = 125;

/// How a program is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// In a network of its own, or where that is not possible by its environment.
    Auto,
    /// In a network of its own: all its packets are recorded.
    Namespace,
    /// By its environment: what it sends through the proxy is recorded.
    Env,
}

/// `wirelore run`.
#[derive(Debug, Args)]
pub struct Run {
    /// Record to this session file, a pcapng that Wireshark opens and decrypts; by default to a temporary one, removed at the end.
    #[arg(short = 'w', long = "write", value_name = "FILE")]
    write: Option<PathBuf>,
    /// How the program is watched.
    #[arg(long, value_enum, default_value = "auto", value_name = "auto|namespace|env")]
    mode: Mode,
    /// The same as --mode env.
    #[arg(long, conflicts_with = "mode")]
    no_namespace: bool,
    /// Record packets only, and the keys that the program itself writes down; nothing is opened, nothing is changed.
    #[arg(long, conflicts_with = "no_namespace")]
    no_proxy: bool,
    /// Let the program reach this computer's own loopback, as host.wirelore.internal; by default it can not.
    #[arg(long)]
    host_loopback: bool,
    /// Show it in the window from the start; closing that ends nothing.
    #[arg(long)]
    open: bool,
    /// Say nothing of our own.
    #[arg(short, long)]
    quiet: bool,
    /// Where the program writes its TLS keys, by SSLKEYLOGFILE; they are kept there. By default a temporary file.
    #[arg(long, value_name = "FILE")]
    keylog: Option<PathBuf>,
    /// Certificate of the CA that signs for servers (PEM); by default one of our own.
    #[arg(long, value_name = "FILE")]
    ca_cert: Option<PathBuf>,
    /// Its key (PEM), if it does not stand in the same file.
    #[arg(long, value_name = "FILE", requires = "ca_cert")]
    ca_key: Option<PathBuf>,
    /// Believe servers that these certificates vouch for (PEM), besides the system's.
    #[arg(long, value_name = "FILE")]
    upstream_ca: Vec<PathBuf>,
    /// Believe every server, whatever its certificate says.
    #[arg(short = 'k', long)]
    ssl_insecure: bool,
    /// Pass hosts through unopened that this regular expression finds in `host:port`.
    #[arg(long, value_name = "REGEX")]
    ignore_hosts: Vec<String>,
    /// Open only hosts that this regular expression finds in `host:port`.
    #[arg(long, value_name = "REGEX", conflicts_with = "ignore_hosts")]
    allow_hosts: Vec<String>,
    /// Rules and breakpoints.
    #[command(flatten)]
    gating: Gating,
    /// The program and its arguments.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

fn system(what: impl std::fmt::Display) -> impl FnOnce(std::io::Error) -> Failure {
    move |e| Failure { text: format!("{what}: {e}."), code: NOT_STARTED }
}

/// Runs it. The program's exit code becomes ours.
///
/// # Errors
/// Why it did not start, or its exit code without words.
pub fn run(args: &Run) -> Result<(), Failure> {
    // From here on signals wait for us; threads of ours and the program's first steps inherit that.
    let signals = program::Signals::block().map_err(system("signals"))?;
    let home = tempfile::Builder::new().prefix("wirelore-run-").tempdir().map_err(system("a temporary folder"))?;
    let talk = Talk { quiet: args.quiet };
    if args.open {
        can_show()?;
    }
    let trusted = Trusted::reserve(home.path()).map_err(system(home.path().display()))?;
    let keylog = args.keylog.clone().unwrap_or_else(|| home.path().join("keys.log"));
    let mut start = Start { home: home.path(), command: &args.command, variables: vec![], plan: None, over: Vec::new() };
    start.variables.push(("SSLKEYLOGFILE".into(), Some(keylog.as_os_str().to_owned())));

    let (program, sockets, outside) = match inside(args, &mut start, &trusted, &talk)? {
        Some((program, sockets, outside)) => (Some(program), Some(sockets), Some(outside)),
        None => (None, None, None),
    };
    let watch = Watch::start(args, outside.is_some())?;
    let keys = KeyLog::new(keylog, watch.recorder.clone());
    if let Some(authority) = watch.started.as_ref().map(|s| s.authority.clone()) {
        trusted.fill(&authority).map_err(system(home.path().display()))?;
    }
    let (mut stack, mut following) = (None, None);
    let mut program = match (program, sockets, outside) {
        (Some(program), Some(sockets), Some(outside)) => {
            let name = short_name(&args.command);
            let taps = watch.recorder.taps([
                TapSpec { name: &name, description: "all packets between the program and the world", link_type: ETHERNET },
                TapSpec { name: &format!("{name} lo"), description: "what the program said to itself", link_type: ETHERNET },
            ]);
            let recorder = watch.recorder.clone();
            let finder = Finder::within(program.pid());
            let inside = Inside { sockets, taps, outside, proxy: watch.proxy(), keylog: keys, finder, recorder };
            stack = Some(Stack::start(inside).map_err(system("a thread"))?);
            program
        }
        _ => {
            let proxy = watch.proxy().ok_or_else(|| Failure { text: "There is no proxy.".into(), code: NOT_STARTED })?;
            start.variables.extend(trusted.variables());
            start.variables.extend(environment::through(proxy));
            environment::java_through(proxy, &mut start.variables);
            following = Some(keys.meanwhile().map_err(system("a thread"))?);
            start.alone().map_err(system("the program"))?
        }
    };
    talk.say(format_args!("Recording to {}.", watch.recorder.path().display()));
    let name = short_name(&args.command);
    #[cfg(feature = "window")]
    let shows = args.open.then(|| show::Shows::new(args, &watch)).transpose()?;
    let goes = || -> Result<program::Ended, Failure> {
        let began = program.go(&watch.arguments(&args.command));
        let ended = began.and_then(|()| program.wait(&signals)).map_err(system("the program"))?;
        if let Some(stack) = &mut stack {
            stack.finish().map_err(system("The program's network stopped before its end"))?;
        }
        drop(following);
        watch.finish(args, &talk, &name, ended)?;
        Ok(ended)
    };
    #[cfg(feature = "window")]
    let ended = match shows {
        Some(shows) => shows.beside(goes, &signals, &talk, &name)?,
        None => goes()?,
    };
    #[cfg(not(feature = "window"))]
    let ended = goes()?;
    drop(home);
    match ended.code() {
        0 => Ok(()),
        code => Err(Failure { text: String::new(), code }),
    }
}

/// Refuses `--open` before anything runs where no window can be.
fn can_show() -> Result<(), Failure> {
    let failure = |text: &str| Err(Failure { text: text.into(), code: NOT_STARTED });
    if !cfg!(feature = "window") {
        return failure("--open: this build has no window. Leave it away, or build with the feature `window`.");
    }
    let display = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|v| std::env::var_os(v).is_some_and(|v| !v.is_empty()));
    if display {
        Ok(())
    } else {
        failure(
            "--open: there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set). Leave it away, and open what -w FILE keeps where there is one.",
        )
    }
}

/// LINKTYPE_ETHERNET.
const ETHERNET: u16 = 1;

/// What we say ourselves; standard output is the program's.
struct Talk {
    quiet: bool,
}

impl Talk {
    fn say(&self, text: std::fmt::Arguments<'_>) {
        if !self.quiet {
            eprintln!("wirelore: {text}");
        }
    }
}

/// A program in a network of its own, its sockets, and what stands behind them.
type Entered = (Program, [std::os::fd::OwnedFd; 2], Outside);

/// Starts the program in a network of its own, up to the point where it waits for us. `None`: that is not wanted, or not possible.
fn inside(args: &Run, start: &mut Start<'_>, trusted: &Trusted, talk: &Talk) -> Result<Option<Entered>, Failure> {
    if args.no_namespace || args.mode == Mode::Env {
        return if args.no_proxy {
            Err(Failure {
                text: "--no-proxy with --mode env would record nothing. Leave one of them away.".into(),
                code: exit::OPTION,
            })
        } else {
            Ok(None)
        };
    }
    let plan = Plan::here();
    let resolv = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let (resolver, resolv) = plan::resolv_conf(&resolv, plan.resolver());
    start.plan = Some(plan);
    start.lay_over("resolv.conf", &resolv, &["/etc/resolv.conf"])?;
    let mut hosts = fs::read_to_string("/etc/hosts").unwrap_or_else(|_| "127.0.0.1 localhost\n::1 localhost\n".into());
    for gateway in plan.gateways() {
        hosts.push_str(&format!("{gateway} {HOST_NAME}\n"));
    }
    start.lay_over("hosts", &hosts, &["/etc/hosts"])?;
    // Helpers that resolve names for others would do so outside, unseen; without them programs ask for themselves.
    start.hide(&["/run/nscd", "/run/systemd/resolve/io.systemd.Resolve"])?;
    let own = start.variables.clone();
    start.variables.extend(environment::without_local_proxies());
    if !args.no_proxy {
        start.over_existing(&trusted.bundle, environment::SYSTEM_BUNDLES);
        start.variables.extend(trusted.variables());
    }
    match start.inside() {
        Ok((program, sockets, troubles)) => {
            for trouble in troubles {
                talk.say(format_args!("{trouble}"));
            }
            Ok(Some((program, sockets, Outside { plan, resolver, loopback: args.host_loopback })))
        }
        Err(why) if args.mode == Mode::Namespace || args.no_proxy => Err(why.into()),
        Err(Forbidden { why, what_to_do }) => {
            (start.variables, start.plan) = (own, None);
            talk.say(format_args!("The program gets no network of its own: {why}. {what_to_do}"));
            talk.say(format_args!(
                "Instead it is told by its environment to go through the proxy; what heeds no such word is not recorded."
            ));
            Ok(None)
        }
    }
}

/// What a program is called.
fn short_name(command: &[OsString]) -> String {
    let first = command.first().map(OsString::as_os_str).unwrap_or_else(|| OsStr::new(""));
    Path::new(first).file_name().unwrap_or(first).to_string_lossy().into_owned()
}

/// The record, and the proxy, if there is one.
struct Watch {
    recorder: Recorder,
    started: Option<Started>,
    /// Of a record without a proxy.
    session: Option<Session>,
}

impl Watch {
    fn start(args: &Run, namespace: bool) -> Result<Watch, Failure> {
        let options = wirelore_record::Options { twins: namespace, ..wirelore_record::Options::default() };
        if args.no_proxy {
            let growth: Growth = options.growth.clone();
            let recorder = crate::recording::open(args.write.as_deref(), options)?;
            let session = proxying::read_along(&recorder, growth, false)?;
            return Ok(Watch { recorder, started: None, session: Some(session) });
        }
        let started = proxying::start_recording(&proxy_arguments(args)?, options)?;
        Ok(Watch { recorder: started.recorder.clone(), started: Some(started), session: None })
    }

    /// Arguments for the program before its own: browsers of Chromium's family read no certificates from files that others name.
    fn arguments(&self, command: &[OsString]) -> Vec<OsString> {
        let Some(started) = &self.started else { return Vec::new() };
        if !crate::browser::Kind::Chromium.programs().contains(&short_name(command).as_str()) {
            return Vec::new();
        }
        let pins = [started.authority.key_pin(), started.authority.leaf_key_pin()].join(",");
        vec![format!("--ignore-certificate-errors-spki-list={pins}").into()]
    }

    /// Where the proxy listens.
    fn proxy(&self) -> Option<SocketAddr> {
        Some(self.started.as_ref()?.proxy.listeners().first()?.1)
    }

    /// What reads the record.
    #[cfg(feature = "window")]
    fn session(&self) -> Option<&Session> {
        self.started.as_ref().map(|s| &s.session).or(self.session.as_ref())
    }

    /// Ends the record, and says what is in it.
    fn finish(self, args: &Run, talk: &Talk, name: &str, ended: program::Ended) -> Result<(), Failure> {
        let Watch { recorder, started, session } = self;
        let session = match started {
            Some(Started { proxy, session, .. }) => {
                proxy.stop();
                Some(session)
            }
            None => session,
        };
        let path = recorder.path().to_owned();
        let finished = recorder.finish();
        if let Some(mut session) = session {
            session.wait()?;
            let snapshot = session.store.snapshot();
            talk.say(format_args!(
                "{name} {ended}: {} packets, {} messages, {} conversations{}.",
                snapshot.packets(),
                snapshot.messages(),
                snapshot.flows(),
                if args.write.is_some() { format!(" in {}", path.display()) } else { "; -w FILE keeps them".into() },
            ));
            if let Some(port) = refused_inside(&snapshot) {
                talk.say(format_args!(
                    "At port {port} of its loopback nobody listens: that loopback is its own. What listens on this computer's it reaches as \
                     {HOST_NAME}{}.",
                    if args.host_loopback { "" } else { ", with --host-loopback" }
                ));
            }
        }
        finished.map_err(|e| Failure { text: e.to_string(), code: exit::WRITE })?;
        Ok(())
    }
}

/// The port at which the program found nobody on the loopback that is its own (in a network of its own: other loopbacks are not captured).
fn refused_inside(s: &Snapshot) -> Option<u16> {
    let refused = |f: &Flow<'_>| f.transport == Transport::Tcp && f.server().ip.is_loopback() && f.packets == [1, 1];
    s.each_flow().find(refused).map(|f| f.server().port)
}

/// The proxy's flags: on a free port of the loopback, otherwise as here.
fn proxy_arguments(args: &Run) -> Result<Proxy, Failure> {
    let line = ["wirelore", "proxy", "--headless", "--listen-host", "127.0.0.1", "-p", "0"];
    let parsed = Cli::try_parse_from(line).map_err(|e| Failure { text: e.to_string(), code: exit::OPTION })?;
    let Some(Command::Proxy(mut proxy)) = parsed.command else {
        return Err(Failure { text: "The proxy has no flags.".into(), code: NOT_STARTED });
    };
    proxy.write.clone_from(&args.write);
    proxy.ca_cert.clone_from(&args.ca_cert);
    proxy.ca_key.clone_from(&args.ca_key);
    proxy.upstream_ca.clone_from(&args.upstream_ca);
    proxy.ssl_insecure = args.ssl_insecure;
    proxy.ignore_hosts.clone_from(&args.ignore_hosts);
    proxy.allow_hosts.clone_from(&args.allow_hosts);
    proxy.gating = args.gating.clone();
    Ok(*proxy)
}
