//! Every name that a filter may use, and what stands behind it.

use crate::facts::{FACTS, Fact, FactName, verdicts};
use crate::shorthand::shorthands;
use crate::types::Type;
use crate::values::Chosen;
use std::collections::BTreeMap;
use wirelore_kit::near::distance;
use wirelore_kit::{F, Kind, Names};

/// What a name reads.
#[derive(Debug, Clone, PartialEq)]
pub enum Reads {
    /// These fields: `ip.addr` is `ip.src` and `ip.dst`.
    Fields(Vec<F>),
    /// The bytes of a field in messages of a kind.
    Chosen(Chosen),
    /// Bytes that no protocol reads: the field that they are where a layer ends in them, and the payloads.
    Unread(Vec<F>),
    /// A fact of rows.
    Fact(Fact),
    /// A protocol by its short name; where messages of it are rows, its number among [`wirelore_store::Schema::protocols`].
    Protocol {
        /// Short name.
        name: &'static str,
        /// Number in the store.
        number: Option<u16>,
        /// Whether it also stands inside of other protocols' messages, where it has no rows.
        content: bool,
    },
}

/// A name of the language.
#[derive(Debug, Clone, PartialEq)]
pub struct Name {
    /// As it is written.
    pub name: &'static str,
    /// What a person reads.
    pub label: &'static str,
    /// Its type.
    pub of: Type,
    /// Names of its numbers.
    pub values: Names,
    /// What it reads.
    pub reads: Reads,
}

/// Every name, sorted.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    names: BTreeMap<&'static str, Name>,
}

/// Names that stand for several fields, as Wireshark has them.
const EITHER: &[(&str, &str, &[&str])] = &[
    ("eth.addr", "Address of either end", &["eth.dst", "eth.src"]),
    ("eth.ig", "Group address of either end", &["eth.dst.ig", "eth.src.ig"]),
    ("eth.lg", "Locally administered address of either end", &["eth.dst.lg", "eth.src.lg"]),
    ("http.content_length", "Content-Length, as a number", &["http.content_length_header"]),
    ("ip.addr", "Address of either end", &["ip.src", "ip.dst"]),
    ("ipv6.addr", "Address of either end", &["ipv6.src", "ipv6.dst"]),
    ("tcp.port", "Port of either end", &["tcp.srcport", "tcp.dstport"]),
    ("udp.port", "Port of either end", &["udp.srcport", "udp.dstport"]),
    ("sctp.port", "Port of either end", &["sctp.srcport", "sctp.dstport"]),
    ("wlan.addr", "Address of any party", &["wlan.ra", "wlan.ta", "wlan.da", "wlan.sa", "wlan.bssid"]),
];

/// Names that Wireshark gives to kinds of messages, and the field that all of these have.
const KINDS: &[(&str, &str, &str)] =
    &[("http.request", "A request", "http.request.method"), ("http.response", "A response", "http.response.code")];

/// Names that Wireshark gives to whole lines in messages of a kind: the field here, what those messages begin with, what others do.
const LINES: &[(&str, &str, [&str; 3])] = &[
    ("http.request.line", "Header line of a request", ["http.header", "http.request.method", "http.response.version"]),
    ("http.response.line", "Header line of a response", ["http.header", "http.response.version", "http.request.method"]),
];

/// Where bytes stand that no protocol reads: as data, else as payload.
const UNREAD: &[&str] = &["data.data", "tcp.payload", "udp.payload"];

impl Registry {
    /// The names of these fields, of these protocols (short name and label, in the order of the store's schema), and of all facts. A
    /// heading whose name has no dot (`tcp`) is a protocol too.
    #[must_use]
    pub fn new(
        fields: impl IntoIterator<Item = F>,
        protocols: impl IntoIterator<Item = (&'static str, &'static str)>,
    ) -> Registry {
        let mut registry = Registry::default();
        for (number, (name, label)) in (0u16..).zip(protocols) {
            let reads = Reads::Protocol { name, number: Some(number), content: false };
            registry.names.entry(name).or_insert(Name { name, label, of: Type::Protocol, values: &[], reads });
        }
        let mut others: Vec<F> = Vec::new();
        for f in fields {
            if f.kind == Kind::Group && !f.name.contains('.') {
                let reads = Reads::Protocol { name: f.name, number: None, content: false };
                let name = Name { name: f.name, label: f.label, of: Type::Protocol, values: &[], reads };
                registry.names.entry(f.name).or_insert(name);
                continue;
            }
            registry.add(f.name, f);
            if !matches!(f.oracle, "" | "-") && f.oracle != f.name {
                others.push(f);
            }
        }
        // Where Wireshark calls a field otherwise, its name does too.
        for f in others {
            registry.add(f.oracle, f);
        }
        for (name, label, of) in EITHER {
            registry.either(name, label, of);
        }
        for (name, of) in TYPES {
            if let Some(n) = registry.names.get_mut(name) {
                n.of = *of;
            }
        }
        for (name, label, of) in KINDS {
            registry.either(name, label, &[of]);
            if let Some(n) = registry.names.get_mut(name) {
                (n.of, n.values) = (Type::Nothing, &[]);
            }
        }
        let unread: Vec<F> = UNREAD.iter().filter_map(|n| registry.one(n)).collect();
        if let Some(n) = registry.names.get_mut("data.data").filter(|_| unread.len() == UNREAD.len()) {
            n.reads = Reads::Unread(unread);
        }
        for (name, label, [field, with, without]) in LINES {
            let [field, with, without] = [field, with, without].map(|n| registry.one(n));
            if let (Some(field), Some(with), Some(without)) = (field, with, without) {
                let reads = Reads::Chosen(Chosen { field, with, without });
                registry.names.insert(name, Name { name, label, of: Type::Text, values: &[], reads });
            }
        }
        for FactName { name, label, of, values, fact } in FACTS.iter().copied().chain(verdicts()) {
            registry.names.insert(name, Name { name, label, of, values, reads: Reads::Fact(fact) });
        }
        registry
    }

    /// These protocols also stand inside of other protocols' messages, where they have no rows (JSON).
    #[must_use]
    pub fn with_content<'n>(mut self, protocols: impl IntoIterator<Item = &'n str>) -> Registry {
        for name in protocols {
            if let Some(Name { reads: Reads::Protocol { content, .. }, .. }) = self.names.get_mut(name) {
                *content = true;
            }
        }
        self
    }

    fn add(&mut self, name: &'static str, f: F) {
        let fresh = || Name { name, label: f.label, of: Type::of(f.kind), values: f.values, reads: Reads::Fields(Vec::new()) };
        if let Reads::Fields(all) = &mut self.names.entry(name).or_insert_with(fresh).reads
            && !all.iter().any(|g| g.is(f))
        {
            all.push(f);
        }
    }

    /// The field of that name.
    fn one(&self, name: &str) -> Option<F> {
        match &self.names.get(name)?.reads {
            Reads::Fields(all) => all.first().copied(),
            _ => None,
        }
    }

    fn either(&mut self, name: &'static str, label: &'static str, of: &[&str]) {
        let known: Vec<&Name> = of.iter().filter_map(|n| self.names.get(n)).collect();
        let Some(first) = known.first() else { return };
        let (ty, values) = (first.of, first.values);
        let fields = known.iter().flat_map(|n| if let Reads::Fields(f) = &n.reads { f.as_slice() } else { &[] }).copied();
        let reads = Reads::Fields(fields.collect());
        self.names.insert(name, Name { name, label, of: ty, values, reads });
    }

    /// The name that is written so, or was before its protocol was renamed.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Name> {
        self.names.get(name).or_else(|| self.renamed(name))
    }

    /// What a name is called now that Wireshark too reads by the name that its protocol had once (`ssl.record`, `bootp.type`).
    #[must_use]
    pub fn renamed(&self, name: &str) -> Option<&Name> {
        let fits = |rest: &&str| rest.is_empty() || rest.starts_with('.');
        OLD.iter().find_map(|(old, new)| {
            let rest = name.strip_prefix(old).filter(fits)?;
            self.names.get(format!("{new}{rest}").as_str()).filter(|_| !self.names.contains_key(name))
        })
    }

    /// Every name, sorted.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.names.values()
    }

    /// Names near one that nobody knows, the likeliest first.
    #[must_use]
    pub fn nearest(&self, name: &str) -> Vec<&'static str> {
        let lower = name.to_ascii_lowercase();
        if let Some(n) = self.names.get(lower.as_str()) {
            return vec![n.name];
        }
        for (old, new) in RENAMED {
            let now = lower.strip_prefix(old).map(|rest| format!("{new}{rest}"));
            if let Some(n) = now.and_then(|n| self.names.get(n.as_str())) {
                return vec![n.name];
            }
        }
        let first = |n: &str| n.split('.').next().unwrap_or_default().to_owned();
        let last = |n: &str| n.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        let (own, end) = (first(&lower), last(name));
        let mut scored: Vec<(usize, bool, &'static str)> = Vec::new();
        for n in self.names.keys().copied().chain(shorthands().map(|(name, ..)| name)) {
            let near = distance(&lower, &n.to_ascii_lowercase());
            // Another protocol's field of the same name is meant more often than letters suggest.
            let score = if last(n) == end { near.min(2).saturating_add(near / 4) } else { near };
            if score <= (name.len() / 3).min(2usize.max(name.len() / 5)) {
                scored.push((score, first(n) != own, n));
            }
        }
        scored.sort_unstable();
        scored.into_iter().take(MOST_NEAR).map(|(.., n)| n).collect()
    }
}

/// Names of protocols that Wireshark renamed and still reads.
const OLD: &[(&str, &str)] = &[("ssl", "tls"), ("bootp", "dhcp")];

/// What names of protocols were before Wireshark renamed them.
const RENAMED: &[(&str, &str)] = &[("ssl", "tls"), ("bootp", "dhcp"), ("pop3", "pop")];

/// Types that Wireshark gives to fields which are kept otherwise here: text of digits as a number, numbers as text, bits as yes or no.
const TYPES: &[(&str, Type)] = &[
    ("dhcp.cookie", Type::Ipv4),
    ("http.content_length_header", Type::Text),
    ("http.file_data", Type::Text),
    ("http2.headers.age", Type::Unsigned),
    ("http2.headers.max_forwards", Type::Unsigned),
    ("icmp.pref_level", Type::Signed),
    ("mqtt.conack.flags.reserved", Type::Bool),
    ("quic.key_phase", Type::Bool),
    ("resp.integer", Type::Signed),
    ("sip.Content-Length", Type::Unsigned),
    ("sip.Expires", Type::Unsigned),
    ("sip.Max-Forwards", Type::Unsigned),
    ("tcp.flags.res", Type::Bool),
    ("tcp.options.user_to_granularity", Type::Bool),
    ("x509af.version", Type::Signed),
];

/// So many names are proposed for one that nobody knows.
const MOST_NEAR: usize = 5;
