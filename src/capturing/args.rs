//! `wirelore capture`: its flags, as tshark and dumpcap have them. Those behind an `-i` are about that interface, those before any about all.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use std::path::PathBuf;

/// `wirelore capture`.
#[derive(Debug, Args)]
pub struct Capture {
    /// From where.
    #[command(flatten)]
    pub from: Interfaces,
    /// List the interfaces, numbered as -i takes them.
    #[arg(short = 'D', long)]
    pub list_interfaces: bool,
    /// List the kinds of headers that the interfaces give, as -y takes them.
    #[arg(short = 'L', long)]
    pub list_data_link_types: bool,
    /// Capture on another machine, by `ssh HOST tcpdump`; the command is shown.
    #[arg(long, value_name = "[USER@]HOST", conflicts_with_all = ["list_interfaces", "list_data_link_types"])]
    pub ssh: Option<String>,
    /// Hand over each packet at once, for quiet links; otherwise packets come in lots, within 50 ms.
    #[arg(long)]
    pub immediate: bool,
    /// Stop after so many packets.
    #[arg(short = 'c', long, value_name = "N")]
    pub count: Option<u64>,
    /// Stop when: `duration:SECONDS`, `filesize:KB`, `packets:N`, `files:N`. May be given several times.
    #[arg(short = 'a', long = "autostop", value_name = "WHEN")]
    pub autostop: Vec<String>,
    /// Begin another file whenever: `duration:SECONDS`, `filesize:KB`, `packets:N`; keep the newest: `files:N`.
    #[arg(short = 'b', long = "ring-buffer", value_name = "WHEN", requires = "write")]
    pub ring: Vec<String>,
    /// Write to this file (pcapng; `.gz`, `.zst` and `.lz4` pack it, and `.gz` and `.lz4` are whole up to a second before whatever happens); `-` is standard output. Then packets are printed only with -P.
    #[arg(short = 'w', long = "write", value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// Print packets although they are written to a file.
    #[arg(short = 'P', long)]
    pub print: bool,
    /// Say nothing but what is wrong.
    #[arg(short, long)]
    pub quiet: bool,
    /// Without a window (there is none for this yet: accepted for hands and scripts that type it).
    #[arg(long, hide_short_help = true)]
    pub headless: bool,
    /// Let other programs follow over a connection, as pcap-over-IP; without a host on this machine only.
    #[arg(long, value_name = "[HOST:]PORT", conflicts_with = "ring")]
    pub serve: Option<String>,
    /// How packets are printed.
    #[command(flatten)]
    pub shown: Shown,
    /// What to capture, as with -f: `wirelore capture -i lo tcp port 80`.
    #[arg(value_name = "FILTER", trailing_var_arg = true, conflicts_with = "filter")]
    pub words: Vec<String>,
}

/// How packets are printed, as `wirelore dump` does it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Printing")]
pub struct Shown {
    /// TLS keys in the SSLKEYLOGFILE format, followed while the file grows; by default the file that SSLKEYLOGFILE names.
    #[arg(long, value_name = "FILE")]
    pub keylog: Option<PathBuf>,
    /// Do not resolve names (names are never looked up: accepted for hands that type it).
    #[arg(short = 'n', hide_short_help = true)]
    pub no_resolve: bool,
    /// Read a port's flows as a protocol: `tcp.port==8888,http`. May be given several times.
    #[arg(short = 'd', long = "decode-as", value_name = "PORT,PROTOCOL")]
    pub decode_as: Vec<String>,
    /// A line for each message instead of each packet.
    #[arg(short, long)]
    pub messages: bool,
    /// Print only what this display filter holds for; everything is recorded all the same.
    #[arg(short = 'Y', long = "display-filter", value_name = "FILTER")]
    pub display: Option<String>,
    /// Print what packets hold as `wirelore dump -T` does: text, tabs, fields (with -e), json, jsonraw, ek, pdml or psml.
    #[arg(short = 'T', value_name = "FORM")]
    pub form: Option<String>,
    /// A field to print with -T fields, json, ek or pdml. May be given several times.
    #[arg(short = 'e', value_name = "FIELD")]
    pub fields: Vec<String>,
    /// How -T fields lays out its lines: header=y, separator=, ... May be given several times.
    #[arg(short = 'E', value_name = "OPTION=VALUE")]
    pub layout: Vec<String>,
    /// Print the whole tree of each.
    #[arg(short = 'V', long)]
    pub tree: bool,
    /// Print the trees of these protocols, of the others a line: `-O http,tls`.
    #[arg(short = 'O', value_name = "PROTOCOLS")]
    pub only: Option<String>,
    /// Print the bytes of each.
    #[arg(short = 'x', long)]
    pub hex: bool,
    /// How times are shown.
    #[arg(short = 't', long, default_value = "r", value_name = "STYLE[.DIGITS]")]
    pub time: String,
    /// When to colour.
    #[arg(long, value_enum, default_value = "auto", value_name = "WHEN")]
    pub color: crate::cli::Colour,
}

/// From which interfaces, and how from each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interfaces {
    /// In the order of their `-i`; one without a name where there was none.
    pub wanted: Vec<Wanted>,
}

/// An interface that was asked for, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its name or number, or `TCP@HOST:PORT`; `None`: the first that is up.
    pub name: Option<String>,
    /// Capture filter, in libpcap's words.
    pub filter: String,
    /// Bytes kept of each packet.
    pub snaplen: Option<u32>,
    /// Only what is sent to or from this machine.
    pub not_promiscuous: bool,
    /// Kernel buffer, MiB.
    pub buffer: u32,
    /// Kind of headers.
    pub link: Option<String>,
    /// Frames as a radio hears them.
    pub monitor: bool,
    /// Which clock gives the times.
    pub clock: Option<String>,
}

impl Default for Wanted {
    fn default() -> Wanted {
        Wanted {
            name: None,
            filter: String::new(),
            snaplen: None,
            not_promiscuous: false,
            buffer: 64,
            link: None,
            monitor: false,
            clock: None,
        }
    }
}

fn option(id: &'static str, short: char, long: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(id).short(short).long(long).value_name(value).help(help).action(ArgAction::Append)
}

fn flag(id: &'static str, short: char, long: &'static str, help: &'static str) -> Arg {
    Arg::new(id).short(short).long(long).help(help).num_args(0).default_missing_value("true").action(ArgAction::Append)
}

impl Args for Interfaces {
    fn augment_args(cmd: Command) -> Command {
        cmd.arg(option(
            "interface",
            'i',
            "interface",
            "IF",
            "Capture on this interface, by name or number (-D), or from TCP@HOST:PORT. May be given several times",
        ))
        .arg(option(
            "filter",
            'f',
            "filter",
            "FILTER",
            "Capture only what this finds, in the language of tcpdump: `tcp port 80 and host 192.0.2.1`",
        ))
        .arg(flag("not_promiscuous", 'p', "no-promiscuous-mode", "Only what is sent to or from this machine, not what passes by"))
        .arg(
            option("snaplen", 's', "snapshot-length", "BYTES", "Keep so many bytes of each packet")
                .value_parser(clap::value_parser!(u32).range(0..=262_144)),
        )
        .arg(
            option("buffer", 'B', "buffer-size", "MIB", "Room for packets that wait in the kernel; 64 MiB if nothing is said")
                .value_parser(clap::value_parser!(u32).range(1..=2047)),
        )
        .arg(option("link", 'y', "linktype", "TYPE", "Kind of headers (-L lists them)"))
        .arg(flag("monitor", 'I', "monitor-mode", "Frames as a radio hears them, those of others too"))
        .arg(
            Arg::new("clock")
                .long("time-stamp-type")
                .value_name("TYPE")
                .help("Which clock gives the times")
                .action(ArgAction::Append)
                .value_parser(["host", "host_lowprec", "host_hiprec", "adapter", "adapter_unsynced"]),
        )
    }

    fn augment_args_for_update(cmd: Command) -> Command {
        Self::augment_args(cmd)
    }
}

impl FromArgMatches for Interfaces {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Interfaces, clap::Error> {
        let at = |id: &str| -> Vec<usize> {
            let given = matches.value_source(id) == Some(ValueSource::CommandLine);
            matches.indices_of(id).filter(|_| given).into_iter().flatten().collect()
        };
        let texts = |id: &str| matches.get_many::<String>(id).into_iter().flatten().cloned().collect::<Vec<_>>();
        let numbers = |id: &str| matches.get_many::<u32>(id).into_iter().flatten().copied().collect::<Vec<_>>();
        let starts = at("interface");
        let mut usual = Wanted::default();
        let mut wanted: Vec<Wanted> =
            texts("interface").into_iter().map(|name| Wanted { name: Some(name), ..Wanted::default() }).collect();
        // Those before any -i are the usual ones, for all.
        let mut give = |at: usize, set: &dyn Fn(&mut Wanted)| match starts.iter().rposition(|s| *s < at) {
            Some(i) => wanted.get_mut(i).into_iter().for_each(set),
            None => {
                set(&mut usual);
                wanted.iter_mut().for_each(set);
            }
        };
        for (at, text) in at("filter").into_iter().zip(texts("filter")) {
            give(at, &|w| w.filter.clone_from(&text));
        }
        for (at, n) in at("snaplen").into_iter().zip(numbers("snaplen")) {
            give(at, &|w| w.snaplen = Some(n).filter(|n| *n > 0));
        }
        for (at, n) in at("buffer").into_iter().zip(numbers("buffer")) {
            give(at, &|w| w.buffer = n);
        }
        for (at, text) in at("link").into_iter().zip(texts("link")) {
            give(at, &|w| w.link = Some(text.clone()));
        }
        for (at, text) in at("clock").into_iter().zip(texts("clock")) {
            give(at, &|w| w.clock = Some(text.clone()));
        }
        for at in at("not_promiscuous") {
            give(at, &|w| w.not_promiscuous = true);
        }
        for at in at("monitor") {
            give(at, &|w| w.monitor = true);
        }
        if wanted.is_empty() {
            wanted.push(usual);
        }
        Ok(Interfaces { wanted })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        capture: Capture,
    }

    fn wanted(line: &str) -> Vec<Wanted> {
        let words = ["capture"].into_iter().chain(line.split_whitespace());
        Line::try_parse_from(words).unwrap_or_else(|e| panic!("{line}: {e}")).capture.from.wanted
    }

    #[test]
    fn what_stands_before_any_interface_is_for_all_and_what_stands_behind_one_for_it() {
        let got = wanted("-s 96 -p -i lo -i eth0 -f udp -s 200");
        let all = Wanted { snaplen: Some(96), not_promiscuous: true, ..Wanted::default() };
        let lo = Wanted { name: Some("lo".into()), ..all.clone() };
        let eth0 = Wanted { name: Some("eth0".into()), filter: "udp".into(), snaplen: Some(200), ..all };
        assert_eq!(got, [lo, eth0]);
    }

    #[test]
    fn a_flag_behind_one_interface_is_not_for_the_other() {
        let got = wanted("-i lo -i eth0 -p -B 2 -y EN10MB --time-stamp-type host");
        let eth0 = Wanted {
            name: Some("eth0".into()),
            not_promiscuous: true,
            buffer: 2,
            link: Some("EN10MB".into()),
            clock: Some("host".into()),
            ..Wanted::default()
        };
        assert_eq!(got, [Wanted { name: Some("lo".into()), ..Wanted::default() }, eth0]);
    }

    #[test]
    fn without_an_interface_there_is_one_to_be_chosen() {
        assert_eq!(wanted("-f arp"), [Wanted { filter: "arp".into(), ..Wanted::default() }]);
    }

    #[test]
    fn words_at_the_end_are_the_filter() {
        let line = Line::try_parse_from(["capture", "-i", "lo", "tcp", "port", "80"]).expect("good");
        assert_eq!(line.capture.words.join(" "), "tcp port 80");
        assert!(Line::try_parse_from(["capture", "-f", "udp", "tcp"]).is_err());
    }
}
