//! `--set NAME=VALUE`: options by mitmproxy's names as far as they mean something here, and some of our own; the same names are for what is
//! changed while the proxy runs.

use crate::cli::{Proxy, exit};
use crate::presets::Preset;
use crate::reading::Failure;
use clap::ValueEnum;
use std::path::PathBuf;
use wirelore_kit::near::distance;

/// What an option does with its value; what is wrong with it.
type Put = fn(&mut Proxy, &str) -> Result<(), String>;

/// Options by their names.
const OPTIONS: &[(&str, Put)] = &[
    ("allow_hosts", |a, v| push(&mut a.allow_hosts, v)),
    ("anticache", |a, v| yes_or_no(v).map(|b| a.gating.anticache = b)),
    ("anticomp", |a, v| yes_or_no(v).map(|b| a.gating.anticomp = b)),
    ("block_list", |a, v| push(&mut a.gating.block_list, v)),
    ("certs", |a, v| push(&mut a.certs, v)),
    ("client_certs", |a, v| path(&mut a.client_certs, v)),
    ("flow_detail", |a, v| number::<u8>(v).map(|n| a.flow_lines = n > 0)),
    ("give_up", |a, v| number(v).map(|n| a.give_up = n)),
    ("http2", |_, v| only(v, true, "HTTP/2 is spoken where client and server both do")),
    ("ignore_hosts", |a, v| push(&mut a.ignore_hosts, v)),
    ("intercept", |a, v| {
        a.gating.intercept = Some(v.to_owned()).filter(|v| !v.is_empty());
        Ok(())
    }),
    ("listen_host", |a, v| {
        a.listen_host = Some(v.to_owned()).filter(|v| !v.is_empty());
        Ok(())
    }),
    ("listen_port", |a, v| number(v).map(|n| a.port = n)),
    ("map_local", |a, v| push(&mut a.gating.map_local, v)),
    ("map_remote", |a, v| push(&mut a.gating.map_remote, v)),
    ("mode", |a, v| push(&mut a.modes, v)),
    ("modify_body", |a, v| push(&mut a.gating.modify_body, v)),
    ("modify_headers", |a, v| push(&mut a.gating.modify_headers, v)),
    ("pass_preset", |a, v| {
        if v.is_empty() {
            a.pass_preset.clear();
        } else {
            a.pass_preset.push(Preset::from_str(v, true).map_err(|_| format!("{v:?} is no list: banking, health or pinned"))?);
        }
        Ok(())
    }),
    ("proxyauth", |a, v| {
        a.proxyauth = Some(v.to_owned()).filter(|v| !v.is_empty());
        Ok(())
    }),
    ("save_stream_file", |a, v| path(&mut a.write, v.trim_start_matches('+'))),
    ("server_replay", |a, v| {
        if v.is_empty() {
            a.gating.server_replay.clear();
        } else {
            a.gating.server_replay.push(PathBuf::from(v));
        }
        Ok(())
    }),
    ("server_replay_extra", |a, v| match v {
        "forward" => {
            a.gating.server_replay_extra = None;
            Ok(())
        }
        status => number(status).map(|n| a.gating.server_replay_extra = Some(n)),
    }),
    ("ssl_insecure", |a, v| yes_or_no(v).map(|b| a.ssl_insecure = b)),
    ("ssl_verify_upstream_trusted_ca", |a, v| {
        a.upstream_ca.push(PathBuf::from(v));
        Ok(())
    }),
    ("stream_large_bodies", |a, v| size(v).map(|n| a.gating.keep_bodies = n)),
    ("throttle", |a, v| {
        a.gating.throttle = Some(v.to_owned()).filter(|v| !v.is_empty());
        Ok(())
    }),
    ("validate_inbound_headers", |a, v| yes_or_no(v).map(|b| a.lax = !b)),
    ("via", |a, v| {
        a.via = v.to_owned();
        Ok(())
    }),
    ("websocket", |_, v| only(v, true, "WebSockets are always read")),
];

fn push(to: &mut Vec<String>, value: &str) -> Result<(), String> {
    // mitmproxy: an option of several values that is set to nothing has none.
    if value.is_empty() {
        to.clear();
    } else {
        to.push(value.to_owned());
    }
    Ok(())
}

fn path(to: &mut Option<PathBuf>, value: &str) -> Result<(), String> {
    *to = Some(PathBuf::from(value)).filter(|p| !p.as_os_str().is_empty());
    Ok(())
}

/// Bytes, with mitmproxy's suffixes: `500k`, `64m`, `1g`.
///
/// # Errors
/// It is no such number, or none at all.
pub fn size(value: &str) -> Result<u64, String> {
    let lower = value.to_ascii_lowercase();
    let (digits, shift) = [("k", 10), ("m", 20), ("g", 30)]
        .iter()
        .find_map(|(suffix, shift)| Some((lower.strip_suffix(suffix)?, *shift)))
        .unwrap_or((&lower, 0));
    let bytes = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(1 << shift)).filter(|n| *n > 0);
    bytes.ok_or_else(|| format!("{value:?} is no size; write one as 500k, 64m or 1g"))
}

fn number<N: std::str::FromStr>(value: &str) -> Result<N, String> {
    value.parse().map_err(|_| format!("{value:?} is no number that fits"))
}

/// mitmproxy: an option without a value is switched on, `toggle` turns its default around.
fn yes_or_no(value: &str) -> Result<bool, String> {
    match value {
        "" | "true" | "toggle" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("{value:?} is neither true nor false")),
    }
}

fn only(value: &str, is: bool, why: &str) -> Result<(), String> {
    if yes_or_no(value)? == is { Ok(()) } else { Err(format!("it cannot be {}: {why}", !is)) }
}

/// Sets an option.
///
/// # Errors
/// It is not known, with the nearest that are, or the value does not fit.
pub fn put(args: &mut Proxy, name: &str, value: &str) -> Result<(), String> {
    let known = OPTIONS.iter().find(|(n, _)| *n == name);
    let (_, put) = known.ok_or_else(|| format!("there is no option {name} here; {}", nearest(name)))?;
    put(args, value)
}

/// The flags, with what `--set` says in them.
///
/// # Errors
/// An option that is not known, with the nearest that are, or a value that does not fit.
pub fn applied(args: &Proxy) -> Result<Proxy, Failure> {
    let mut args = args.clone();
    for text in std::mem::take(&mut args.set) {
        let (name, value) = text.split_once('=').unwrap_or((&text, ""));
        let wrong = |why: String| Failure { text: format!("--set {text}: {why}."), code: exit::OPTION };
        put(&mut args, name, value).map_err(wrong)?;
    }
    Ok(args)
}

/// The options whose names are most like this one, in words.
fn nearest(name: &str) -> String {
    let mut scored: Vec<(usize, &str)> = OPTIONS.iter().map(|(n, _)| (unlike(name, n), *n)).collect();
    scored.sort_unstable();
    let near: Vec<&str> = scored.iter().filter(|(d, n)| *d <= n.len() / 2).take(3).map(|(_, n)| *n).collect();
    if near.is_empty() {
        let all: Vec<&str> = OPTIONS.iter().map(|(n, _)| *n).collect();
        return format!("these are: {}", all.join(", "));
    }
    format!("the nearest are {}", near.join(", "))
}

/// How unlike two names are: by their letters; less if one holds the other.
fn unlike(a: &str, b: &str) -> usize {
    if a.len() > 2 && (b.contains(a) || a.contains(b)) { 1 } else { distance(a, b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn with(set: &[&str]) -> Result<Proxy, Failure> {
        let flags = set.iter().flat_map(|s| ["--set", s]);
        let cli = Cli::try_parse_from(["wirelore", "proxy"].into_iter().chain(flags)).expect("flags");
        let Some(Command::Proxy(args)) = cli.command else { panic!("a proxy") };
        applied(&args)
    }

    #[test]
    fn options_are_the_flags_that_they_stand_for() {
        let args = with(&[
            "ssl_insecure=true",
            "listen_port=9090",
            "map_local=|x|y",
            "anticache",
            "mode=socks5@1080",
            "flow_detail=0",
            "stream_large_bodies=3m",
        ]);
        let args = args.unwrap_or_else(|f| panic!("{}", f.text));
        assert!(args.ssl_insecure && args.gating.anticache && !args.flow_lines);
        assert_eq!(args.gating.keep_bodies, 3 << 20);
        assert_eq!((args.port, args.modes.len(), args.gating.map_local.len()), (9090, 1, 1));
    }

    #[test]
    fn what_is_not_known_names_what_is_near() {
        let said = |set: &str| with(&[set]).err().map_or_else(String::new, |f| f.text);
        assert!(said("ssl_insecur=true").contains("the nearest are ssl_insecure"), "{}", said("ssl_insecur=true"));
        assert!(said("xyzzy=1").contains("these are: allow_hosts"));
        assert!(said("http2=false").contains("cannot be false"));
        assert!(said("listen_port=x").contains("no number"));
        assert!(said("stream_large_bodies=much").contains("500k, 64m or 1g"));
    }

    #[test]
    fn options_stand_in_order_so_that_one_is_found_at_once() {
        assert!(OPTIONS.is_sorted_by(|a, b| a.0 < b.0));
    }
}
