//! `wirelore fields`: every name that filters may use, most of which `-e` and columns take too, as text or JSON, with what it means and where it is defined.

use crate::names;
use crate::reading::Failure;
use clap::Args;
use std::collections::BTreeMap;
use std::io::Write;
use wirelore_dissectors::{TABLE, layers::LAYERS};
use wirelore_export::{frame, shape};
use wirelore_filter::{Type, shorthands};
use wirelore_kit::{Explanations, F, Kind, Names, explain};

/// `wirelore fields`.
#[derive(Debug, Args, Default, Clone)]
pub struct Fields {
    /// Only names that begin so: `http.`.
    #[arg(value_name = "PREFIX", default_value = "")]
    pub prefix: String,
    /// As JSON, with what each field means.
    #[arg(long)]
    pub json: bool,
    /// List protocols instead.
    #[arg(long, conflicts_with = "values")]
    pub protocols: bool,
    /// List the names of values instead.
    #[arg(long)]
    pub values: bool,
}

/// A name.
struct Entry {
    name: &'static str,
    label: &'static str,
    /// Wireshark's word for the kind of value, and how numbers of it are shown.
    kind: (&'static str, &'static str),
    values: Names,
    /// The field behind it; filters know names besides, of what is worked out from several packets or from other names.
    field: Option<F>,
    /// What it stands for, if for others.
    of: Vec<&'static str>,
}

impl Entry {
    fn of(name: &'static str, field: F) -> Entry {
        Entry { name, label: field.label, kind: kind(field.kind), values: field.values, field: Some(field), of: Vec::new() }
    }
}

fn entries(prefix: &str) -> Vec<Entry> {
    let mut by_name: BTreeMap<&'static str, Entry> = BTreeMap::new();
    for field in names::fields().chain(frame::FIELDS.iter().copied()) {
        for name in [field.name, shape::name_of(field)] {
            by_name.entry(name).or_insert_with(|| Entry::of(name, field));
        }
    }
    for (alias, of) in shape::aliases() {
        let Some(field) = by_name.get(of).and_then(|e| e.field) else { continue };
        by_name.entry(alias).or_insert_with(|| Entry::of(alias, field)).of.push(of);
    }
    for n in names::registry().names() {
        let (kind, values) = (filtered(n.of), n.values);
        by_name.entry(n.name).or_insert(Entry { name: n.name, label: n.label, kind, values, field: None, of: Vec::new() });
    }
    for (name, of, label) in shorthands() {
        let kind = ("FT_NONE", "");
        by_name.entry(name).or_insert(Entry { name, label, kind, values: &[], field: None, of: vec![of] });
    }
    by_name.into_values().filter(|e| e.name.starts_with(prefix)).collect()
}

/// Wireshark's word for a type of the filter's.
const fn filtered(of: Type) -> (&'static str, &'static str) {
    match of {
        Type::Nothing => ("FT_NONE", ""),
        Type::Protocol => ("FT_PROTOCOL", ""),
        Type::Bool => ("FT_BOOLEAN", ""),
        Type::Unsigned => ("FT_UINT64", "BASE_DEC"),
        Type::Signed => ("FT_INT64", "BASE_DEC"),
        Type::Float => ("FT_DOUBLE", ""),
        Type::Char => ("FT_CHAR", ""),
        Type::Text => ("FT_STRING", ""),
        Type::Bytes => ("FT_BYTES", ""),
        Type::Ipv4 => ("FT_IPv4", ""),
        Type::Ipv6 | Type::Address => ("FT_IPv6", ""),
        Type::Mac => ("FT_ETHER", ""),
        Type::Duration => ("FT_RELATIVE_TIME", ""),
        Type::Time => ("FT_ABSOLUTE_TIME", ""),
    }
}

/// Wireshark's word for a kind of value, and how numbers of it are shown.
const fn kind(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Group => ("FT_NONE", ""),
        Kind::Bool => ("FT_BOOLEAN", ""),
        Kind::Dec => ("FT_UINT64", "BASE_DEC"),
        Kind::Hex => ("FT_UINT64", "BASE_HEX"),
        Kind::Signed => ("FT_INT64", "BASE_DEC"),
        Kind::Text => ("FT_STRING", ""),
        Kind::Bytes => ("FT_BYTES", ""),
        Kind::Ipv4 => ("FT_IPv4", ""),
        Kind::Ipv6 => ("FT_IPv6", ""),
        Kind::Mac => ("FT_ETHER", ""),
        Kind::Duration => ("FT_RELATIVE_TIME", ""),
        Kind::Time => ("FT_ABSOLUTE_TIME", ""),
    }
}

/// The prose of everything, in English.
fn prose() -> Explanations {
    let texts = TABLE.iter().map(|s| s.explain).chain(LAYERS.iter().map(|l| l.explain));
    let mut all = Explanations::default();
    for (language, text) in texts.flatten().chain(explain::COMMON).chain(crate::recall::EXPLAIN) {
        if *language == "en"
            && let Ok(one) = Explanations::parse(text)
        {
            all.join(one);
        }
    }
    all
}

/// Runs the command.
///
/// # Errors
/// Writing failed.
pub fn run(args: &Fields) -> Result<(), Failure> {
    let text = match (args.json, args.protocols, args.values) {
        (true, true, _) => protocols_json(&args.prefix),
        (true, ..) => fields_json(args),
        (false, true, _) => protocols(&args.prefix),
        (false, _, true) => values(&args.prefix),
        _ => fields(&args.prefix),
    };
    std::io::stdout().write_all(text.as_bytes()).map_err(|e| Failure::write(&e))
}

/// Short name and label of each protocol, packet layers first.
fn all_protocols(prefix: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let all = LAYERS.iter().map(|l| (l.name, l.label)).chain(TABLE.iter().map(|s| (s.name, s.label)));
    all.filter(move |(name, _)| name.starts_with(prefix))
}

/// `P`, label, name: as `tshark -G protocols` and `-G fields` have them.
fn protocols(prefix: &str) -> String {
    all_protocols(prefix).map(|(name, label)| format!("P\t{label}\t{name}\n")).collect()
}

fn protocols_json(prefix: &str) -> String {
    let list: Vec<serde_json::Value> =
        all_protocols(prefix).map(|(name, label)| serde_json::json!({ "name": name, "label": label })).collect();
    format!("{:#}\n", serde_json::Value::Array(list))
}

/// Lines as those of `tshark -G fields`: `F`, label, name, type, protocol, base, bit mask, what it is; and here: where it is defined.
fn fields(prefix: &str) -> String {
    let prose = prose();
    let mut out = String::new();
    for e in entries(prefix) {
        let (kind, base) = e.kind;
        let what = match (e.field, e.of.as_slice()) {
            // What is worked out from other names.
            (None, [of]) => format!("In filters: {of}."),
            (field, _) => field.and_then(|f| prose.field.get(f.name)).map_or(String::new(), |p| p.what.clone()),
        };
        let defined = e.field.map_or("", |f| f.rfc);
        let protocol = e.name.split('.').next().unwrap_or(e.name);
        let line = ["F", e.label, e.name, kind, protocol, base, "0x0", &what, defined].map(|c| c.replace(['\t', '\n'], " "));
        out.push_str(&line.join("\t"));
        out.push('\n');
    }
    out
}

/// Lines as those of `tshark -G values`: `V`, name, number, what it is called.
fn values(prefix: &str) -> String {
    let mut out = String::new();
    for e in entries(prefix) {
        for (number, name) in e.values {
            out.push_str(&format!("V\t{}\t{number}\t{name}\n", e.name));
        }
    }
    out
}

fn fields_json(args: &Fields) -> String {
    let prose = prose();
    let list: Vec<serde_json::Value> = entries(&args.prefix)
        .into_iter()
        .map(|e| {
            let mut o = serde_json::Map::new();
            let mut put = |key: &str, value: serde_json::Value| {
                o.insert(key.into(), value);
            };
            put("name", e.name.into());
            put("label", e.label.into());
            put("type", e.kind.0.into());
            put("base", e.kind.1.into());
            put("defined", e.field.map_or("", |f| f.rfc).into());
            if !e.of.is_empty() {
                put("stands_for", e.of.into());
            }
            if let Some(p) = e.field.and_then(|f| prose.field.get(f.name)) {
                for (key, text) in [("what", &p.what), ("why", &p.why), ("watch", &p.watch), ("try", &p.r#try)] {
                    if !text.is_empty() {
                        put(key, text.as_str().into());
                    }
                }
            }
            if !e.values.is_empty() {
                let values = e.values.iter().map(|(n, name)| (n.to_string(), serde_json::Value::from(*name)));
                put("values", values.collect::<serde_json::Map<_, _>>().into());
            }
            o.into()
        })
        .collect();
    format!("{:#}\n", serde_json::Value::Array(list))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_listed_under_its_names_and_aliases_say_what_they_stand_for() {
        let ip = entries("ip.addr");
        assert_eq!(ip.first().map(|e| e.of.as_slice()), Some(["ip.dst", "ip.src"].as_slice()));
        assert!(fields("http.").lines().all(|l| l.starts_with("F\t") && l.split('\t').count() == 9));
        assert!(fields("http.").contains("http.request.method\tFT_STRING\thttp"));
        assert!(values("dns.qry.type").contains("\t28\tAAAA"));
        // What filters know besides.
        assert!(fields("http.").contains("\thttp.time\tFT_RELATIVE_TIME\thttp"));
        assert!(fields("smtp.req").contains("In filters: smtp.req.command."));
        for name in names::registry().names().map(|n| n.name).chain(shorthands().map(|(name, ..)| name)) {
            assert!(entries(name).iter().any(|e| e.name == name), "{name}");
        }
        let json: serde_json::Value =
            serde_json::from_str(&fields_json(&Fields { prefix: "tcp.flags.syn".into(), ..Fields::default() })).expect("JSON");
        assert!(json[0]["what"].as_str().is_some_and(|w| w.len() > 20), "{json}");
    }
}
