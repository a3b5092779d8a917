//! Where a capture filter is wrong. libpcap says only that it is; we ask it about beginnings of the filter until we know the word.
//!
//! A beginning is sound if libpcap takes it with some continuation of a fixed list. The first word whose beginning is not is the one at fault;
//! if all are sound, something is missing at the end. Names of hosts are not looked up for that: whoever types one would ask the network
//! about each letter.

use crate::capturing::helper::{Helper, Refused};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::ops::Range;
use std::process::{Child, ChildStdin, ChildStdout};
use std::sync::{Mutex, PoisonError};
use wirelore_kit::near::distance;

/// What is wrong with a filter, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Which bytes of the text; empty at its end where something is missing.
    pub span: Range<usize>,
    /// What is wrong, in a sentence.
    pub what: String,
    /// What may be meant instead, in a sentence, or "".
    pub advice: String,
}

impl Wrong {
    /// For a terminal: the sentence, the filter, and a mark under the word.
    #[must_use]
    pub fn drawn(&self, filter: &str) -> String {
        let before = filter.get(..self.span.start).unwrap_or(filter).chars().count();
        let wide = filter.get(self.span.clone()).unwrap_or_default().chars().count().max(1);
        let advice = if self.advice.is_empty() { String::new() } else { format!(" {}", self.advice) };
        let column = before.saturating_add(1);
        format!(
            "The capture filter is wrong at column {column}: {}{advice}\n\n    {filter}\n    {}{}",
            self.what,
            " ".repeat(before),
            "^".repeat(wide)
        )
    }
}

/// Asks libpcap, in a process of its own that holds no privilege. May be asked from any thread.
pub struct Checker(Mutex<Asked>);

/// What libpcap says against a filter.
struct Said {
    /// It is well formed, and no packet can match.
    never: bool,
    text: String,
}

struct Asked {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Drop for Asked {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

/// Words that the language knows (pcap-filter(7)).
const KNOWN: &[&str] = &[
    "aarp",
    "action",
    "address1",
    "address2",
    "address3",
    "address4",
    "ah",
    "and",
    "arp",
    "atalk",
    "broadcast",
    "carp",
    "clnp",
    "decnet",
    "dir",
    "direction",
    "dst",
    "esis",
    "esp",
    "ether",
    "fddi",
    "gateway",
    "geneve",
    "greater",
    "host",
    "icmp",
    "icmp6",
    "icmpcode",
    "icmptype",
    "icmp6type",
    "icmp6code",
    "ifindex",
    "ifname",
    "igmp",
    "igrp",
    "inbound",
    "ip",
    "ip6",
    "ipx",
    "isis",
    "iso",
    "lat",
    "len",
    "length",
    "less",
    "link",
    "llc",
    "mask",
    "mopdl",
    "moprc",
    "mpls",
    "multicast",
    "net",
    "netbeui",
    "not",
    "on",
    "or",
    "outbound",
    "pim",
    "port",
    "portrange",
    "ppp",
    "pppoed",
    "pppoes",
    "proto",
    "protochain",
    "ra",
    "radio",
    "rarp",
    "reason",
    "rnr",
    "rset",
    "ruleset",
    "sca",
    "sctp",
    "slip",
    "src",
    "srnr",
    "stp",
    "subtype",
    "ta",
    "tcp",
    "tcpflags",
    "tcp-ack",
    "tcp-cwr",
    "tcp-ece",
    "tcp-fin",
    "tcp-push",
    "tcp-rst",
    "tcp-syn",
    "tcp-urg",
    "tr",
    "type",
    "udp",
    "vlan",
    "vrrp",
    "wlan",
];

/// Words behind which a name of a host or network may stand.
const NAMING: &[&str] = &["host", "src", "dst", "net", "gateway", "ra", "ta"];

/// Continuations: whatever can be expected behind a sound beginning, one of these makes it whole.
const MORE: &[&str] = &[
    "",
    "1",
    "1.2.3.4",
    "tcp",
    "port 1",
    "host 1.2.3.4",
    "= 1",
    "00:00:00:00:00:00",
    "1-2",
    "mask 255.0.0.0",
    "proto 6",
    "multicast",
    "host 00:00:00:00:00:00",
    "data",
    "dst port 1",
    "1 = 1",
    "0] = 1",
    "] = 1",
    "lo",
    "in",
    "::1",
    "net 10.0.0.0/8",
    "dst host 1.2.3.4",
];

impl Checker {
    /// Starts the process.
    ///
    /// # Errors
    /// The helper does not run.
    pub fn start(helper: &Helper) -> Result<Checker, Refused> {
        let (child, stdin, stdout) = helper.start(&["check".to_owned()])?.talk();
        Ok(Checker(Mutex::new(Asked { child, stdin: Some(stdin), stdout })))
    }

    /// Whether libpcap takes a filter for a kind of headers (LINKTYPE_ registry); else what it says.
    fn compiles(&self, link_type: i32, filter: &str) -> Result<(), Said> {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = || Said { never: false, text: "the program that checks filters is gone".to_owned() };
        let line = json!([link_type, filter]);
        let stdin = asked.stdin.as_mut().ok_or_else(gone)?;
        writeln!(stdin, "{line}").and_then(|()| stdin.flush()).map_err(|_| gone())?;
        let mut answer = String::new();
        asked.stdout.read_line(&mut answer).map_err(|_| gone())?;
        let answer: Value = serde_json::from_str(&answer).map_err(|_| gone())?;
        if answer.get("ok") == Some(&Value::Bool(true)) {
            return Ok(());
        }
        let text = answer.get("text").and_then(Value::as_str).unwrap_or_default().to_owned();
        Err(Said { never: answer.get("never") == Some(&Value::Bool(true)), text })
    }

    /// Whether a filter is one for this kind of headers (1: Ethernet).
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn check(&self, link_type: i32, filter: &str) -> Result<(), Wrong> {
        locate(filter, |text| self.compiles(link_type, text))
    }
}

/// A word of a filter.
#[derive(Debug, Clone, Copy)]
struct Word<'f> {
    at: usize,
    text: &'f str,
}

impl Word<'_> {
    fn span(&self) -> Range<usize> {
        self.at..self.at.saturating_add(self.text.len())
    }

    fn is_known(&self) -> bool {
        KNOWN.contains(&self.text)
    }

    /// A word of letters that the language does not know, and that is no address.
    fn is_name(&self) -> bool {
        let address = self.text.contains(':') || self.text.starts_with(|c: char| c.is_ascii_digit());
        !self.is_known() && !address && self.text.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '\\')
    }
}

/// The words of a filter: names, numbers and addresses in one piece, signs each alone or as the pair that they make.
fn words(filter: &str) -> Vec<Word<'_>> {
    let part = |c: char| c.is_alphanumeric() || "_.:-/\\".contains(c);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = filter.get(at..).filter(|r| !r.is_empty()) {
        let Some(first) = rest.chars().next() else { break };
        let len = if first.is_whitespace() {
            at = at.saturating_add(first.len_utf8());
            continue;
        } else if part(first) {
            rest.find(|c| !part(c)).unwrap_or(rest.len())
        } else if ["&&", "||", "!=", "==", "<=", ">=", "<<", ">>"].iter().any(|p| rest.starts_with(p)) {
            2
        } else {
            first.len_utf8()
        };
        found.push(Word { at, text: rest.get(..len).unwrap_or(rest) });
        at = at.saturating_add(len);
    }
    found
}

/// A beginning as libpcap is asked about it: names of hosts are replaced by an address.
fn asked(words: &[Word<'_>]) -> String {
    let mut text = String::new();
    for (i, word) in words.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|i| words.get(i)).map_or("", |w| w.text);
        let named = word.is_name()
            && (NAMING.contains(&before) || (word.text.contains('.') && !["port", "portrange", "proto"].contains(&before)));
        text.push_str(if named { "127.0.0.1" } else { word.text });
        text.push(' ');
    }
    text
}

/// Finds the word at fault. `compiles` is libpcap's opinion of a text.
fn locate(filter: &str, compiles: impl Fn(&str) -> Result<(), Said>) -> Result<(), Wrong> {
    let words = words(filter);
    // What a host is called is looked up when the capture begins.
    let bare = words.iter().enumerate().find(|(i, w)| {
        let before = i.checked_sub(1).and_then(|i| words.get(i)).map_or("", |w| w.text);
        w.is_name()
            && !w.text.contains('.')
            && (before.is_empty() || ["and", "or", "not", "&&", "||", "!", "("].contains(&before))
    });
    let verdict = compiles(&asked(&words));
    let Err(said) = verdict else {
        return bare.map_or(Ok(()), |(_, w)| Err(unknown(*w, filter)));
    };
    if said.never {
        let what = "No packet can ever match all of this.".into();
        return Err(Wrong { span: 0..filter.len(), what, advice: "`or` may be meant for `and`.".into() });
    }
    let sound = |n: usize| {
        let begun = words.get(..n).unwrap_or_default();
        let open = |c: &str| begun.iter().filter(|w| w.text == c).count();
        let closing = ")".repeat(open("(").saturating_sub(open(")")));
        MORE.iter().any(|more| compiles(&format!("{}{more} {closing}", asked(begun))).map_or_else(|s| s.never, |()| true))
    };
    // Beginnings are sound up to some word, and from there on not.
    let (mut good, mut bad) = (0, words.len().saturating_add(1));
    while bad.saturating_sub(good) > 1 {
        let middle = good.midpoint(bad);
        if sound(middle) { good = middle } else { bad = middle }
    }
    match words.get(good) {
        Some(word) if word.is_name() => Err(unknown(*word, filter)),
        Some(word) => Err(Wrong { span: word.span(), what: unexpected(word.text, &said.text), advice: display_filter(filter) }),
        None => {
            let last = words.last().map_or("", |w| w.text);
            let what = if last.is_empty() {
                "There is nothing in it.".into()
            } else {
                format!("It ends too early: something must follow `{last}`.")
            };
            Err(Wrong { span: filter.len()..filter.len(), what, advice: String::new() })
        }
    }
}

fn unexpected(word: &str, said: &str) -> String {
    // "syntax error" says nothing that the mark does not; anything else does.
    match said.rsplit(": ").next() {
        Some(why) if !why.contains("syntax error") && !why.is_empty() => format!("`{word}`: {why}."),
        _ => format!("`{word}` cannot stand here."),
    }
}

fn unknown(word: Word<'_>, filter: &str) -> Wrong {
    let near = KNOWN.iter().map(|k| (distance(word.text, k), *k)).filter(|(d, k)| *d <= 2 && *d < k.len()).min();
    let display = display_filter(filter);
    let advice = match (word.text, near) {
        _ if !display.is_empty() => display,
        ("http", _) => "Capture filters know no HTTP: `tcp port 80`.".into(),
        ("https" | "tls" | "ssl", _) => "Capture filters know no TLS: `tcp port 443`.".into(),
        ("dns", _) => "Capture filters know no DNS: `port 53`.".into(),
        (_, Some((_, k))) => format!("Is `{k}` meant?"),
        (other, None) => format!("For a host of this name: `host {other}`."),
    };
    Wrong { span: word.span(), what: format!("`{}` is no word of this language.", word.text), advice }
}

/// Advice for those who wrote a display filter.
fn display_filter(filter: &str) -> String {
    let fields = ["ip.", "ipv6.", "tcp.", "udp.", "eth.", "http.", "dns.", "tls.", "frame."];
    if fields.iter().any(|f| filter.contains(f)) {
        return "This looks like a display filter. Capture filters are shorter: `host 192.0.2.1`, `tcp port 80`.".into();
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_where_libpcap_cuts_them() {
        let texts = |f: &'static str| words(f).iter().map(|w| w.text).collect::<Vec<_>>();
        assert_eq!(texts("tcp[13]&2!=0"), ["tcp", "[", "13", "]", "&", "2", "!=", "0"]);
        assert_eq!(texts("net 10.0.0.0/8 and (host ::1)"), ["net", "10.0.0.0/8", "and", "(", "host", "::1", ")"]);
    }

    #[test]
    fn names_of_hosts_are_not_looked_up_while_somebody_types() {
        let got = asked(&words("host example.org and tcp port http"));
        assert_eq!(got, "host 127.0.0.1 and tcp port http ");
    }

    #[test]
    fn the_mark_stands_under_the_word() {
        let wrong = Wrong { span: 4..7, what: "`prt` is no word of this language.".into(), advice: String::new() };
        assert!(wrong.drawn("tcp prt 80").ends_with("\n\n    tcp prt 80\n        ^^^"));
    }

    #[test]
    fn distances_are_counted_in_letters() {
        assert_eq!((distance("prt", "port"), distance("hots", "host"), distance("", "ip"), distance("tcp", "tcp")), (1, 2, 2, 0));
    }
}
