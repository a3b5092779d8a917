//! `wirelore proxy`: flags to a running proxy, its record read while it grows, and a summary at the end.

use crate::browser::{Browser, Wish};
use crate::cli::{Proxy as Args, exit};
use crate::control::{Control, Running, serve};
use crate::flow_lines::FlowLines;
use crate::leading::Led;
use crate::reading::Failure;
use crate::recording::RecordingWatch;
use crate::session::{Session, SessionOptions};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use wirelore_ca::authority::Origin;
use wirelore_ca::keylog::KeyLogFile;
use wirelore_ca::{Authority, Given, Scope, Trust, trust};
use wirelore_capture::{Growth, Source};
use wirelore_gate::Gate;
use wirelore_proxy::{How, Listen, Mode, Options, Passes, Proxy, Settings, Signals};
use wirelore_record::Recorder;

/// A flag that cannot be.
fn wrong(text: impl Into<String>) -> Failure {
    Failure { text: text.into(), code: exit::OPTION }
}

/// What happens when the disk is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum WhenFull {
    /// Traffic goes on, recording stops and says so; it goes on when there is room again.
    Go,
    /// Traffic waits until there is room.
    Block,
}

/// A proxy that runs, and what it records, read while it grows.
pub struct Started {
    /// The proxy.
    pub proxy: Proxy,
    /// Its session file.
    pub recorder: Recorder,
    /// What judges its messages.
    pub gate: Gate,
    /// The rows of its session file.
    pub session: Session,
    /// Whose certificates its clients see.
    pub authority: Arc<Authority>,
    /// The socket by which other programs steer it.
    control: Option<Control>,
    /// What leads connections to its transparent listeners; with this it is taken back.
    pub led: Option<Led>,
}

/// Starts it.
///
/// # Errors
/// Why it did not start.
pub fn start(args: &Args) -> Result<Started, Failure> {
    start_recording(args, wirelore_record::Options::default())
}

/// The same, recording as the options say.
///
/// # Errors
/// Why it did not start.
pub fn start_recording(args: &Args, options: wirelore_record::Options) -> Result<Started, Failure> {
    let args = &crate::options::applied(args)?;
    let (listen, authority) = (listeners(args)?, Arc::new(authority(args)?));
    let growth = options.growth.clone();
    let when_full = match args.record_full {
        WhenFull::Go => wirelore_record::WhenFull::Stop,
        WhenFull::Block => wirelore_record::WhenFull::Block,
    };
    let options = wirelore_record::Options { when_full, ..options };
    let recorder = crate::recording::open(args.write.as_deref(), options)?;
    begin(args, listen, authority, recorder.clone(), || read_along(&recorder, growth, args.both_legs))
}

/// Starts it with a record that others write too, and that a session reads already.
///
/// # Errors
/// Why it did not start.
pub fn start_beside(args: &Args, recorder: &Recorder, session: &Session) -> Result<Started, Failure> {
    let args = &crate::options::applied(args)?;
    begin(args, listeners(args)?, Arc::new(authority(args)?), recorder.clone(), || Ok(session.beside()))
}

fn begin(
    args: &Args,
    listen: Vec<(Mode, SocketAddr)>,
    authority: Arc<Authority>,
    recorder: Recorder,
    read: impl FnOnce() -> Result<Session, Failure>,
) -> Result<Started, Failure> {
    let trust = trust(args)?;
    let gate = crate::gating::gate(&args.gating)?;
    let how = How {
        table: wirelore_dissectors::TABLE,
        authority: authority.clone(),
        recorder: recorder.clone(),
        gate: gate.clone(),
        accepted: owners(&recorder),
    };
    let settings = Settings { listen, trust, keylog: keylog(args)?, options: changeable(args)?, how };
    let proxy = Proxy::start(settings).map_err(|e| Failure { text: e.to_string(), code: exit::INIT })?;
    let control = control(args, &proxy, &recorder, gate.clone())?;
    let session = read()?;
    let led = lead(args, &proxy)?;
    Ok(Started { proxy, recorder, gate, session, authority, control, led })
}

/// Runs it until a signal says stop.
///
/// # Errors
/// Why it did not start, or what was lost.
pub fn run(args: &Args) -> Result<(), Failure> {
    let args = &crate::options::applied(args)?;
    if args.leading.transparent_rules {
        let listen = listeners(args)?;
        let plan = args.leading.plan(listen.iter().map(|(mode, at)| (mode, *at)))?;
        return crate::leading::print(&plan);
    }
    let signals = Signals::listen().map_err(|e| Failure { text: format!("Signals cannot be heard: {e}."), code: exit::INIT })?;
    let Started { proxy, recorder, mut session, authority, control: _control, led, .. } = start(args)?;
    for (mode, at) in proxy.listeners() {
        eprintln!("Listening at {at} ({mode}).");
    }
    if args.proxyauth.is_none() && proxy.listeners().iter().any(|(_, at)| !at.ip().is_loopback()) {
        eprintln!("Others can reach this proxy too: whoever can, may use it. --proxyauth USER:PASSWORD asks them who they are.");
    }
    if !args.pass_preset.is_empty() {
        let hosts: usize = args.pass_preset.iter().map(|p| p.hosts().len()).sum();
        eprintln!(
            "{hosts} hosts and all below them are passed through unopened (--pass-preset); `wirelore control set` changes that."
        );
    }
    eprintln!("Recording to {}. Ctrl+C ends it.", recorder.path().display());
    let _browser = browser(args, &proxy, &authority)?;
    let watch = RecordingWatch::begin(&recorder);
    let lines = if args.flow_lines { FlowLines::begin(&session.store, session.again.clone()) } else { None };
    signals.wait(&proxy);
    drop((led, watch));
    let (connections, _) = proxy.connections();
    proxy.stop();
    let finished = recorder.finish();
    let read = session.wait();
    if let Some(lines) = lines {
        lines.end();
    }
    let snapshot = session.store.snapshot();
    eprintln!("{connections} connections, {} packets, {} messages.", snapshot.packets(), snapshot.messages());
    finished.map_err(|e| Failure { text: e.to_string(), code: exit::WRITE })?;
    read.map_err(Failure::from)
}

/// Has the processes of clients on this computer found and recorded.
#[cfg(target_os = "linux")]
fn owners(recorder: &Recorder) -> Option<Box<wirelore_proxy::Hears>> {
    use crate::process::{Asked, Finder, Watcher};
    let recorder = recorder.clone();
    // What this program itself sends through its proxy is nobody else's.
    let found = move |process: wirelore_record::said::Process| recorder.say(&process.written());
    let watcher = Watcher::start(Finder::here(), Some(std::process::id()), found).ok()?;
    Some(Box::new(move |tie, client, ours| {
        if client.ip().is_loopback() || client.ip() == ours.ip() {
            let _ = watcher.ask(Asked { tie: Some(tie), udp: false, local: client, remote: ours });
        }
    }))
}

#[cfg(not(target_os = "linux"))]
fn owners(_: &Recorder) -> Option<Box<wirelore_proxy::Hears>> {
    None
}

/// Has the system lead connections to the transparent listeners, if that is asked for.
fn lead(args: &Args, proxy: &Proxy) -> Result<Option<Led>, Failure> {
    let listeners = proxy.listeners();
    if !listeners.iter().any(|(mode, _)| matches!(mode, Mode::Transparent)) && !args.leading.transparent_apply {
        return Ok(None);
    }
    let folder = crate::authority::folder()?;
    let stale = crate::leading::take_back_stale(&folder);
    if stale > 0 {
        eprintln!("Took back the rules of {stale} earlier proxies that were killed.");
    }
    if !args.leading.transparent_apply {
        eprintln!("`--transparent-rules` prints the commands that lead connections here, `--transparent-apply` runs them.");
        return Ok(None);
    }
    let plan = args.leading.plan(listeners.iter().map(|(mode, at)| (mode, *at)))?;
    let led = Led::begin(&plan, &folder)?;
    let ports: Vec<String> = args.leading.transparent_ports.iter().map(u16::to_string).collect();
    eprintln!("Connections to port {} are led here, until this ends.", ports.join(", "));
    Ok(Some(led))
}

/// Where the certificate lies that clients are to trust.
#[must_use]
pub fn certificate(args: &Args) -> std::path::PathBuf {
    let own = || crate::authority::folder().map(|f| f.join(wirelore_ca::authority::FILES[0])).unwrap_or_default();
    args.ca_cert.clone().unwrap_or_else(own)
}

/// Opens the control socket, unless nobody wants it. Rules that send messages elsewhere are served all the same.
fn control(args: &Args, proxy: &Proxy, recorder: &Recorder, gate: Gate) -> Result<Option<Control>, Failure> {
    let running = Running::new(args, proxy, recorder.clone(), &gate);
    if args.gating.no_control {
        return Ok(None);
    }
    let rules = crate::gating::rules_file(&args.gating);
    match serve(args.gating.control.as_deref(), gate, Arc::new(running), rules) {
        Ok(control) => Ok(Some(control)),
        // Asked for by name, it must be there; else the proxy works without it.
        Err(text) if args.gating.control.is_some() => Err(Failure { text, code: exit::INIT }),
        Err(text) => {
            eprintln!("wirelore: {text}");
            Ok(None)
        }
    }
}

/// How much readers give way to relays, on the scale of `nice`.
const GIVE_WAY: i32 = 10;

/// Reads the record while it grows.
pub(crate) fn read_along(recorder: &Recorder, growth: Growth, both_legs: bool) -> Result<Session, Failure> {
    let options = wirelore_capture::Options {
        follow: true,
        growth: Some(growth),
        block_len: 256 * 1024,
        ..wirelore_capture::Options::default()
    };
    let source = Source::open(recorder.path(), options)
        .map_err(|e| Failure { text: format!("{e}. {}", e.what_to_do()), code: crate::reading::open_code(&e) })?;
    let options = SessionOptions { name: recorder.path().display().to_string(), both_legs, ..SessionOptions::default() };
    // Traffic comes first: what is read of it may be late, so its threads give way. They take after the thread that makes them.
    let begun = std::thread::Builder::new().name("read along".into()).spawn(move || {
        // Where that is not to be had, all are equal.
        let _ = rustix::process::nice(GIVE_WAY);
        Session::start(source, wirelore_dissectors::TABLE, options)
    });
    let failed = |why: String| Failure { text: format!("The record cannot be read while it grows: {why}."), code: exit::INIT };
    begun.map_err(|e| failed(e.to_string()))?.join().map_err(|_| failed("its thread ended early".into()))
}

/// Modes and places to listen. Without a host it is loopback, in both families.
fn listeners(args: &Args) -> Result<Vec<(Mode, SocketAddr)>, Failure> {
    let mut said = Vec::new();
    for mode in &args.modes {
        said.push(Listen::parse(mode).map_err(|e| wrong(e.to_string()))?);
    }
    if said.is_empty() {
        said.push(Listen { mode: Mode::Regular, host: None, port: None });
    }
    let mut found = Vec::new();
    let mut next = args.port;
    for listen in said {
        // Several without a port of their own stand side by side.
        let port = listen.port.unwrap_or_else(|| {
            let port = next;
            next = next.saturating_add(1);
            port
        });
        match listen.host.as_deref().or(args.listen_host.as_deref()) {
            Some(host) => found.push((listen.mode, SocketAddr::new(address(host)?, port))),
            None => {
                found.push((listen.mode.clone(), SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
                if port != 0 && has_ipv6() {
                    found.push((listen.mode, SocketAddr::from((Ipv6Addr::LOCALHOST, port))));
                }
            }
        }
    }
    Ok(found)
}

fn address(host: &str) -> Result<IpAddr, Failure> {
    if host.eq_ignore_ascii_case("localhost") {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    if host.is_empty() || host == "*" {
        return Ok(Ipv4Addr::UNSPECIFIED.into());
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse().map_err(|_| wrong(format!("{host} is no address to listen at. Write for example 127.0.0.1, 0.0.0.0 or ::1.")))
}

/// Whether this machine has an IPv6 loopback.
fn has_ipv6() -> bool {
    std::net::UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

/// The CA given, or that of this computer, which is made if there is none.
fn authority(args: &Args) -> Result<Authority, Failure> {
    let unusable = |e: wirelore_ca::Error| Failure { text: e.to_string(), code: exit::OPEN };
    let mut given = Given::default();
    args.certs.iter().try_for_each(|text| given.add(text)).map_err(unusable)?;
    if let Some(certificate) = &args.ca_cert {
        return Authority::from_files(certificate, args.ca_key.as_deref()).map(|a| a.showing(given)).map_err(unusable);
    }
    let folder = crate::authority::folder()?;
    let (authority, origin) = Authority::open(&folder, &Scope::default()).map_err(unusable)?;
    if origin == Origin::Made {
        eprint!("{}", crate::authority::first_words(&authority, &folder));
    }
    Ok(authority.showing(given))
}

/// Opens the browser that was asked for; it is closed in the end.
fn browser(args: &Args, proxy: &Proxy, authority: &Authority) -> Result<Option<Browser>, Failure> {
    let Some(kind) = args.browser else { return Ok(None) };
    let regular = proxy.listeners().into_iter().find(|(mode, _)| matches!(mode, Mode::Regular));
    let (_, at) = regular.ok_or_else(|| wrong("--browser: a browser needs a listener of the mode `regular`."))?;
    // One that listens everywhere is reached at home.
    let at = match at.ip() {
        ip if !ip.is_unspecified() => at,
        IpAddr::V4(_) => SocketAddr::from((Ipv4Addr::LOCALHOST, at.port())),
        IpAddr::V6(_) => SocketAddr::from((Ipv6Addr::LOCALHOST, at.port())),
    };
    let wish = Wish { kind, proxy: at, authority, url: &args.browser_url, more: &args.browser_arg };
    let browser = crate::browser::open(&wish)?;
    eprintln!("Opened {} in a profile of its own; it is closed when this ends.", browser.name);
    Ok(Some(browser))
}

fn trust(args: &Args) -> Result<Trust, Failure> {
    let options = trust::Options {
        roots: args.upstream_ca.clone(),
        only_given: false,
        insecure: args.ssl_insecure,
        exceptions: args.except.clone(),
        clients: args.client_certs.clone(),
    };
    Trust::new(&options).map_err(|e| Failure { text: e.to_string(), code: exit::OPEN })
}

/// The key log that was asked for, or the one that other programs on this computer write to.
fn keylog(args: &Args) -> Result<Option<KeyLogFile>, Failure> {
    let named = std::env::var_os("SSLKEYLOGFILE").filter(|v| !v.is_empty()).map(std::path::PathBuf::from);
    let opened = args.keylog.clone().or(named).map(|path| KeyLogFile::append(&path)).transpose();
    opened.map_err(|e| Failure { text: e.to_string(), code: exit::WRITE })
}

/// What can be changed later, as the flags say.
///
/// # Errors
/// What is wrong with a flag.
pub fn changeable(args: &Args) -> Result<Options, Failure> {
    Ok(Options {
        passes: passes(args)?,
        lax: args.lax,
        via: args.via.clone(),
        auth: args.proxyauth.as_deref().map(user_and_password).transpose()?,
        give_up: args.give_up,
    })
}

/// Which hosts are not opened.
fn passes(args: &Args) -> Result<Arc<Passes>, Failure> {
    let set = |flag: &str, patterns: &[String]| {
        regex::RegexSet::new(patterns.iter().map(|p| format!("(?i){p}"))).map_err(|e| wrong(format!("{flag}: {e}")))
    };
    let (ignored, allowed) = (set("--ignore-hosts", &args.ignore_hosts)?, set("--allow-hosts", &args.allow_hosts)?);
    let presets = args.pass_preset.clone();
    if ignored.is_empty() && allowed.is_empty() && presets.is_empty() {
        return Ok(Arc::new(|_, _| false));
    }
    Ok(Arc::new(move |host, port| {
        let at = format!("{host}:{port}");
        ignored.is_match(&at) || !allowed.is_empty() && !allowed.is_match(&at) || presets.iter().any(|p| p.has(host))
    }))
}

fn user_and_password(text: &str) -> Result<(String, String), Failure> {
    let (user, password) = text.split_once(':').ok_or_else(|| wrong("--proxyauth: write USER:PASSWORD."))?;
    Ok((user.to_owned(), password.to_owned()))
}
