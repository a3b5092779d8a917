//! The command line: what can be asked, in the words that hands know from tshark and mitmproxy.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// See, understand and change what programs say to each other over a network.
#[derive(Debug, Parser)]
#[command(name = "wirelore", version, about, long_about = None, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do; without it, opens the window on the files given.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Opens these captures in the window.
    #[command(flatten)]
    pub open: Open,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open captures in the window.
    Open(Open),
    /// Capture packets on interfaces of this machine, or of another.
    Capture(Box<crate::capturing::args::Capture>),
    /// Offer a capture to other programs over a connection (pcap-over-IP).
    Serve(crate::capturing::serve::Serve),
    /// Stand between clients and servers: record, decrypt, judge and change what passes.
    Proxy(Box<Proxy>),
    /// Run a program, and record and decrypt all that it says to others.
    #[cfg(target_os = "linux")]
    Run(Box<crate::run::Run>),
    /// The first steps of a program that is run.
    #[cfg(target_os = "linux")]
    #[command(name = "__inside", hide = true)]
    Inside(crate::run::inside::Inside),
    /// Steer a running proxy: held messages, rules, requests of our own.
    Control(Control),
    /// Make a request of your own, and send it.
    Compose(Compose),
    /// The authority of this computer that the proxy signs with: show it, trust it, take that back.
    Ca(crate::authority::Ca),
    /// Say in plain words what is in a capture.
    Summary(Summary),
    /// Print packets or messages, a line each, or in full.
    Dump(Box<crate::dump::Dump>),
    /// List the names of fields and protocols, and what they mean.
    Fields(crate::fields::Fields),
    /// Find text, a regular expression or bytes in everything that was decoded.
    Find(Box<crate::find::Find>),
    /// Print all that was read as one JSON object, for other programs.
    Report(Report),
    /// List every file, body and letter that was transferred; save them with --save.
    Objects(Objects),
    /// Write what was read in another form: tables, HARs, letters, files, bytes, requests as commands.
    Export(Box<crate::exporting::args::Export>),
    /// Write a capture in another format, or a part of it with the keys that belong to it.
    Convert(Box<crate::convert::Convert>),
    /// Show what differs between two exchanges of HTTP, line by line.
    Diff(crate::differing::Diff),
    /// Print statistics: conversations, endpoints, protocols, traffic over time, findings.
    Stats(crate::statistics::Stats),
    /// A filter must match so many rows: for scripts, told by the exit code.
    Assert(crate::asserting::Assert),
    /// Print what a shell completes.
    Completions(crate::manual::Completions),
    /// Print a page of the manual, or write all of them.
    Man(crate::manual::Man),
}

/// Where from.
#[derive(Debug, Args, Clone, Default)]
pub struct From {
    /// Capture to read (pcap or pcapng, also .gz, .zst, .lz4); `-` is standard input.
    #[arg(short = 'r', long = "read", value_name = "FILE")]
    pub file: PathBuf,
    /// TLS keys in the SSLKEYLOGFILE format, followed while the file grows; by default the file that SSLKEYLOGFILE names.
    #[arg(long, value_name = "FILE")]
    pub keylog: Option<PathBuf>,
    /// Do not resolve names (names are never looked up: accepted for hands that type it).
    #[arg(short = 'n', hide_short_help = true)]
    pub no_resolve: bool,
    /// Read a port's flows as a protocol: `tcp.port==8888,http`. May be given several times.
    #[arg(short = 'd', long = "decode-as", value_name = "PORT,PROTOCOL")]
    pub decode_as: Vec<String>,
    /// Read with so many shards.
    #[arg(long, value_name = "N", hide = true)]
    pub shards: Option<usize>,
}

/// `wirelore open`.
#[derive(Debug, Args, Default)]
pub struct Open {
    /// Captures to open.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// TLS keys in the SSLKEYLOGFILE format.
    #[arg(long, value_name = "FILE")]
    pub keylog: Option<PathBuf>,
}

/// `wirelore summary`.
#[derive(Debug, Args)]
pub struct Summary {
    /// Where from.
    #[command(flatten)]
    pub from: From,
    /// Say nothing but the summary: no progress on standard error.
    #[arg(short, long)]
    pub quiet: bool,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// `wirelore report`.
#[derive(Debug, Args)]
pub struct Report {
    /// Where from.
    #[command(flatten)]
    pub from: From,
    /// As JSON (the only form there is; said so that scripts keep meaning the same).
    #[arg(long)]
    pub json: bool,
    /// Indent it for reading.
    #[arg(long)]
    pub pretty: bool,
}

/// `wirelore objects`.
#[derive(Debug, Args)]
pub struct Objects {
    /// Where from.
    #[command(flatten)]
    pub from: From,
    /// Save them to this folder, which is made if it is not there; nothing in it is written over.
    #[arg(long, value_name = "DIR")]
    pub save: Option<PathBuf>,
    /// Print a JSON object for each, with the whole digest.
    #[arg(long)]
    pub json: bool,
}

/// `wirelore proxy`, with mitmproxy's spellings.
#[derive(Debug, Clone, Args)]
pub struct Proxy {
    /// Without a window; so it is too where there is no display.
    #[arg(long)]
    pub headless: bool,
    /// What to be: `regular`, `socks5`, `reverse:https://example.org`; behind an @ where to listen: `regular@8081`. Several may be given.
    #[arg(short = 'm', long = "mode", value_name = "MODE[@[HOST:]PORT]")]
    pub modes: Vec<String>,
    /// Listen on this address; by default 127.0.0.1 and ::1, which only this machine reaches.
    #[arg(long, value_name = "HOST")]
    pub listen_host: Option<String>,
    /// Listen on this port.
    #[arg(short = 'p', long = "listen-port", value_name = "PORT", default_value_t = 8080)]
    pub port: u16,
    /// Record to this session file, a pcapng that Wireshark opens and decrypts; by default to a temporary one, removed at the end.
    #[arg(short = 'w', long = "write", value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// Certificate of the CA that signs for servers (PEM); by default one of our own, made at the first start.
    #[arg(long, value_name = "FILE")]
    pub ca_cert: Option<PathBuf>,
    /// Its key (PEM), if it does not stand in the same file.
    #[arg(long, value_name = "FILE", requires = "ca_cert")]
    pub ca_key: Option<PathBuf>,
    /// Believe servers that these certificates vouch for (PEM), besides the system's.
    #[arg(long, value_name = "FILE")]
    pub upstream_ca: Vec<PathBuf>,
    /// Believe every server, whatever its certificate says.
    #[arg(short = 'k', long)]
    pub ssl_insecure: bool,
    /// Believe this host, whatever its certificate says.
    #[arg(long, value_name = "HOST")]
    pub except: Vec<String>,
    /// Show this certificate (PEM, with its key) to servers that ask for one; or, from a folder, HOST.pem to that host.
    #[arg(long, value_name = "FILE|FOLDER")]
    pub client_certs: Option<PathBuf>,
    /// Write the TLS secrets of both legs to this file, for other programs; by default to the one that SSLKEYLOGFILE names.
    #[arg(long, value_name = "FILE")]
    pub keylog: Option<PathBuf>,
    /// Pass hosts through unopened that this regular expression finds in `host:port`.
    #[arg(long, value_name = "REGEX")]
    pub ignore_hosts: Vec<String>,
    /// Open only hosts that this regular expression finds in `host:port`.
    #[arg(long, value_name = "REGEX", conflicts_with = "ignore_hosts")]
    pub allow_hosts: Vec<String>,
    /// Pass well-known hosts through unopened: banks and payment, health, services whose programs trust only themselves.
    #[arg(long, value_enum, value_name = "LIST", value_delimiter = ',')]
    pub pass_preset: Vec<crate::presets::Preset>,
    /// Pass a host through unopened once its clients have refused our certificate so often.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub give_up: u32,
    /// Ask clients for this user and password (Basic, SOCKS).
    #[arg(long, value_name = "USER:PASSWORD")]
    pub proxyauth: Option<String>,
    /// Pass on, byte for byte, what two readers could read differently, instead of refusing it.
    #[arg(long)]
    pub lax: bool,
    /// Name us in `Via` to servers.
    #[arg(long, value_name = "NAME", default_value = "")]
    pub via: String,
    /// Print a line for each exchange of HTTP when it is answered, and for each message of other protocols.
    #[arg(long)]
    pub flow_lines: bool,
    /// Set an option of mitmproxy by its name: `ssl_insecure=true`. Those are known that mean something here.
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Show clients this certificate (PEM, with its key) instead of one made by the CA: for all hosts, for one, or for `*.example.org`.
    #[arg(long, value_name = "[HOST=]FILE")]
    pub certs: Vec<String>,
    /// When the disk is full: `go` on and stop recording, or `block` the traffic until there is room.
    #[arg(long, value_enum, value_name = "go|block", default_value = "go")]
    pub record_full: crate::proxying::WhenFull,
    /// Show the messages of the leg to the server too, which says the same as the client's unless something was changed.
    #[arg(long)]
    pub both_legs: bool,
    /// Open a browser that goes through here and trusts us, in a fresh profile that is removed in the end; nothing else is changed.
    #[arg(long, value_enum, value_name = "chromium|firefox", num_args = 0..=1)]
    pub browser: Option<Option<crate::browser::Kind>>,
    /// The page that the browser begins with; by default ours, which shows that it works.
    #[arg(long, value_name = "URL", requires = "browser", default_value = "http://wirelore.proxy/")]
    pub browser_url: String,
    /// An argument for the browser besides.
    #[arg(long, value_name = "ARGUMENT", requires = "browser", allow_hyphen_values = true, hide_short_help = true)]
    pub browser_arg: Vec<String>,
    /// How connections come to transparent listeners.
    #[command(flatten)]
    pub leading: crate::leading::Leading,
    /// Rules and breakpoints.
    #[command(flatten)]
    pub gating: Gating,
}

/// Rules and breakpoints of `wirelore proxy`, in mitmproxy's spellings.
#[derive(Debug, Args, Clone, Default)]
#[command(next_help_heading = "Rules")]
pub struct Gating {
    /// Rules, read again whenever the file changes; by default `wirelore/rules.toml` in the configuration folder, if it is there.
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// Hold messages that the filter matches until they are let go over the control socket or in the window.
    #[arg(long, value_name = "FILTER")]
    pub intercept: Option<String>,
    /// Answer from a file or folder: `[/FILTER]/URL-REGEX/PATH`. The first character separates.
    #[arg(long, value_name = "PATTERN")]
    pub map_local: Vec<String>,
    /// Send requests elsewhere: `[/FILTER]/URL-REGEX/REPLACEMENT`.
    #[arg(short = 'M', long, value_name = "PATTERN")]
    pub map_remote: Vec<String>,
    /// Set a header, or remove it: `[/FILTER]/NAME/[@]VALUE`; `@` reads the value from a file, an empty one removes.
    #[arg(short = 'H', long, value_name = "PATTERN")]
    pub modify_headers: Vec<String>,
    /// Replace in bodies: `[/FILTER]/REGEX/[@]REPLACEMENT`; `@` reads the replacement from a file.
    #[arg(short = 'B', long, value_name = "PATTERN")]
    pub modify_body: Vec<String>,
    /// Wait for bodies of up to so many bytes (`64m`), in memory, where a rule or a breakpoint is about them; longer ones stream past it.
    #[arg(long, value_name = "SIZE", default_value = "16m", value_parser = crate::options::size)]
    pub keep_bodies: u64,
    /// Block requests: `/FILTER/STATUS`; status 444 breaks the connection off.
    #[arg(long, value_name = "PATTERN")]
    pub block_list: Vec<String>,
    /// Ask servers for full answers: no `If-Modified-Since`, no `If-None-Match`.
    #[arg(long)]
    pub anticache: bool,
    /// Ask servers for answers without content coding.
    #[arg(long)]
    pub anticomp: bool,
    /// Pace connections as a slow line would: `2g`, `3g`, `dsl`, ... or `DOWN/UP/LATENCY` as in `500kbit/100kbit/300ms`.
    #[arg(long, value_name = "PROFILE")]
    pub throttle: Option<String>,
    /// Answer requests from the exchanges of a capture; what is not in it goes to the server.
    #[arg(short = 'S', long, value_name = "FILE")]
    pub server_replay: Vec<PathBuf>,
    /// Answer requests that the replayed captures do not have with this status instead of asking the server.
    #[arg(long, value_name = "STATUS", requires = "server_replay", value_parser = clap::value_parser!(u16).range(200..600))]
    pub server_replay_extra: Option<u16>,
    /// Make the control socket here; by default in $XDG_RUNTIME_DIR/wirelore.
    #[arg(long, value_name = "PATH")]
    pub control: Option<PathBuf>,
    /// Make no control socket.
    #[arg(long, conflicts_with = "control")]
    pub no_control: bool,
}

/// `wirelore compose`.
#[derive(Debug, Args)]
pub struct Compose {
    /// Where the request goes, and what it asks for.
    #[arg(value_name = "URL", conflicts_with = "curl")]
    pub url: Option<String>,
    /// Make the request that this curl command would send.
    #[arg(long, value_name = "COMMAND")]
    pub curl: Option<String>,
    /// Its method; by default GET, or POST with a body.
    #[arg(short = 'X', long = "request", value_name = "METHOD")]
    pub method: Option<String>,
    /// A header, sent as it is written. May be given several times.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub headers: Vec<String>,
    /// Its body.
    #[arg(short = 'd', long, value_name = "TEXT")]
    pub data: Option<String>,
    /// Send it through the proxy that runs, and print what came back, instead of printing the request.
    #[arg(long)]
    pub send: bool,
    /// Send it so often.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "send")]
    pub times: u32,
    /// The proxy's control socket; by default that of the one proxy that runs.
    #[arg(long, value_name = "PATH", requires = "send")]
    pub socket: Option<PathBuf>,
}

/// `wirelore control`.
#[derive(Debug, Args)]
pub struct Control {
    /// What to do: `help` says what there is.
    #[arg(value_name = "ORDER")]
    pub order: String,
    /// What the order takes: `message=3`, `filter='~m POST'`, or a JSON object.
    #[arg(value_name = "NAME=VALUE")]
    pub with: Vec<String>,
    /// The proxy's control socket; by default that of the one proxy that runs.
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Indent what is printed.
    #[arg(long)]
    pub pretty: bool,
}

/// Exit codes, those of Wireshark's `ws_exit_codes.h` where they mean the same.
pub mod exit {
    /// Done.
    pub const DONE: i32 = 0;
    /// An option was wrong.
    pub const OPTION: i32 = 1;
    /// An interface is not there, or does not do what was asked.
    pub const INTERFACE: i32 = 2;
    /// The file is not what it should be.
    pub const FILE: i32 = 3;
    /// A filter cannot be read.
    pub const FILTER: i32 = 4;
    /// The system does not let you.
    pub const CAPABILITY: i32 = 5;
    /// The program could not start.
    pub const INIT: i32 = 8;
    /// A file could not be opened.
    pub const OPEN: i32 = 9;
    /// There is no interface to capture on.
    pub const NO_INTERFACES: i32 = 12;
    /// libpcap failed.
    pub const PCAP: i32 = 13;
    /// Reading failed.
    pub const READ: i32 = 14;
    /// Writing failed.
    pub const WRITE: i32 = 15;
    /// What was asserted does not hold.
    pub const UNMET: i32 = 20;
    /// Capturing broke off.
    pub const CAPTURE: i32 = 17;
}
