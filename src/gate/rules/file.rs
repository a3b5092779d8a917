//! The file of rules: TOML, read strictly, with faults shown at their place.

use super::remote::parse_server;
use super::{Act, Answer, On, Remote, Replace, Rule, Source, Written, parse_delay, parse_throttle};
use crate::filter::{Filter, compile};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer, StrDeserializer};
use std::marker::PhantomData;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// Rules in one file; more are a mistake, not a set of rules.
const MOST: usize = 10_000;

/// Why a text is no set of rules, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesError {
    /// The file.
    pub path: PathBuf,
    /// Counted from 1; 0 where the file could not be read at all.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// The line itself, with carets below it, may be empty.
    pub shown: String,
    /// What is wrong.
    pub what: String,
}

impl std::fmt::Display for RulesError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.line == 0 {
            return write!(f, "{}: {}", self.path.display(), self.what);
        }
        write!(f, "{}:{}:{}: {}", self.path.display(), self.line, self.column, self.what)?;
        if self.shown.is_empty() { Ok(()) } else { write!(f, "\n{}", self.shown) }
    }
}

impl std::error::Error for RulesError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    rule: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    name: Option<String>,
    #[serde(default = "yes")]
    enabled: bool,
    when: Option<Spanned<String>>,
    on: Option<Spanned<On>>,
    url: Option<Spanned<String>>,
    delay: Option<Spanned<String>>,
    throttle: Option<Spanned<String>>,
    line: Option<Spanned<Many<Replaces>>>,
    method: Option<Spanned<String>>,
    status: Option<Spanned<u16>>,
    remove_header: Option<Spanned<Many<String>>>,
    set_header: Option<Spanned<Many<String>>>,
    add_header: Option<Spanned<Many<String>>>,
    replace_header: Option<Spanned<Many<Replaces>>>,
    body: Option<Spanned<Gives>>,
    replace_body: Option<Spanned<Many<Replaces>>>,
    map_remote: Option<Spanned<String>>,
    map_local: Option<Spanned<PathBuf>>,
    answer: Option<Spanned<Answers>>,
    block: Option<Spanned<u16>>,
    #[serde(default)]
    drop: bool,
    #[serde(default)]
    reset: bool,
    #[serde(default)]
    hold: bool,
    #[serde(default)]
    stop: bool,
}

const fn yes() -> bool {
    true
}

/// Something to find, and what to put there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Replaces {
    /// Of `replace-header`.
    name: Option<String>,
    regex: Option<String>,
    text: Option<String>,
    with: Option<String>,
    with_file: Option<PathBuf>,
}

/// A body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Gives {
    text: Option<String>,
    file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answers {
    status: Option<u16>,
    line: Option<String>,
    #[serde(default)]
    headers: Vec<String>,
    body: Option<String>,
    file: Option<PathBuf>,
}

/// One, or a list.
struct Many<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> serde::de::Visitor<'de> for Visitor<T> {
            type Value = Many<T>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("one, or a list of such")
            }
            fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<Many<T>, E> {
                T::deserialize(StrDeserializer::new(v)).map(|t| Many(vec![t]))
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Many<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(|t| Many(vec![t]))
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, seq: A) -> Result<Many<T>, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Many)
            }
        }
        from.deserialize_any(Visitor(PhantomData))
    }
}

/// Reads rules. `path` is told in faults; files that rules name are looked for beside it.
///
/// # Errors
/// [`RulesError`] of the first fault.
pub fn parse_rules(text: &str, path: &Path, written: &dyn Fn(usize) -> Written) -> Result<Vec<Rule>, RulesError> {
    let reader = Reader { text, path };
    let file: File = toml::from_str(text).map_err(|e| reader.fault(e.span().unwrap_or(0..0), e.message()))?;
    if file.rule.len() > MOST {
        return Err(reader.fault(0..0, &format!("{} rules; at most {MOST} are read", file.rule.len())));
    }
    file.rule.into_iter().enumerate().map(|(i, e)| reader.rule(i, e, written)).collect()
}

struct Reader<'t> {
    text: &'t str,
    path: &'t Path,
}

impl Reader<'_> {
    fn fault(&self, at: Range<usize>, what: &str) -> RulesError {
        let before = self.text.get(..at.start).unwrap_or(self.text);
        let begin = before.rfind('\n').map_or(0, |i| i.saturating_add(1));
        let line = self.text.get(begin..).unwrap_or_default().lines().next().unwrap_or_default();
        let column = before.get(begin..).unwrap_or_default().chars().count();
        let wide = self.text.get(at).unwrap_or_default().lines().next().unwrap_or_default().chars().count().max(1);
        RulesError {
            path: self.path.to_path_buf(),
            line: before.matches('\n').count().saturating_add(1),
            column: column.saturating_add(1),
            shown: format!("  {}\n  {}{}", line.replace('\t', " "), " ".repeat(column), "^".repeat(wide)),
            what: what.to_string(),
        }
    }

    /// A fault at a part of a text that stands in quotes at `at`.
    fn fault_within(&self, at: Range<usize>, value: &str, part: Range<usize>, what: &str) -> RulesError {
        let quote = at.start.saturating_add(1);
        let inside = quote..quote.saturating_add(value.len());
        // Only where it stands as it is: escapes would shift the place.
        if self.text.get(inside) != Some(value) {
            return self.fault(at, what);
        }
        self.fault(quote.saturating_add(part.start)..quote.saturating_add(part.end), what)
    }

    fn beside(&self, file: &Path) -> PathBuf {
        if let (Ok(rest), Some(home)) = (file.strip_prefix("~"), std::env::var_os("HOME")) {
            return PathBuf::from(home).join(rest);
        }
        self.path.parent().map_or_else(|| file.to_path_buf(), |folder| folder.join(file))
    }

    fn rule(&self, index: usize, entry: Spanned<Entry>, written: &dyn Fn(usize) -> Written) -> Result<Rule, RulesError> {
        let at = entry.span();
        let line = self.fault(at.clone(), "").line;
        let e = entry.into_inner();
        let when = e.when.as_ref().map_or("", |w| w.get_ref());
        let filter = Filter::parse(when).map_err(|f| {
            let place = e.when.as_ref().map_or(0..0, Spanned::span);
            let what = if f.help.is_empty() { f.what.clone() } else { format!("{} ({})", f.what, f.help) };
            self.fault_within(place, when, f.at, &what)
        })?;
        let url = match &e.url {
            Some(u) => Some(self.regex(u.get_ref(), &u.span(), false)?),
            None => None,
        };
        let acts = self.acts(&e, url.as_ref())?;
        if acts.is_empty() && !e.stop {
            return Err(self.fault(
                at,
                "This rule does nothing: say for instance `block = 404`, `hold = true` or `set-header = \"Name: value\"`",
            ));
        }
        let on = self.on(&e, &acts, &at, &filter)?;
        let name = e.name.unwrap_or_else(|| format!("rule {}", index.saturating_add(1)));
        let mut rule = Rule::new(name, written(line), on, filter, acts);
        rule.url = url;
        rule.stop = e.stop;
        rule.enabled = e.enabled.into();
        Ok(rule)
    }

    fn on(&self, e: &Entry, acts: &[Act], at: &Range<usize>, filter: &Filter) -> Result<On, RulesError> {
        let usual = if acts.iter().any(|a| matches!(a, Act::Throttle(_))) {
            On::Connection
        } else if acts
            .iter()
            .any(|a| matches!(a, Act::MapRemote(_) | Act::MapLocal(_) | Act::Answer(_) | Act::Block(_) | Act::Method(_)))
        {
            On::Request
        } else if acts.iter().all(|a| matches!(a, Act::Delay(_))) {
            // A question and its answer are not both meant.
            On::Request
        } else if acts.iter().any(|a| matches!(a, Act::Status(_))) {
            On::Response
        } else {
            On::Message
        };
        let on = e.on.as_ref().map_or(usual, |o| *o.get_ref());
        let place = e.on.as_ref().map_or(at.clone(), Spanned::span);
        if on == On::Connection {
            let fits = |a: &Act| {
                matches!(
                    a,
                    Act::Throttle(_)
                        | Act::Delay(_)
                        | Act::Block(_)
                        | Act::Reset
                        | Act::MapRemote(Remote::Server { tls: None, .. })
                )
            };
            if let Some(act) = acts.iter().find(|a| !fits(a)) {
                let what = format!(
                    "A connection can be blocked, reset, delayed, throttled or sent to another host:port; \"{}\" needs messages",
                    super::act::describe(act)
                );
                return Err(self.fault(place, &what));
            }
            if let Some(word) = filter.asks_for_messages() {
                let place = e.when.as_ref().map_or(place, Spanned::span);
                let what = format!(
                    "~{} asks for messages, but this rule is about connections: ~d, ~port, ~src and ~dst are known of them",
                    word.name
                );
                return Err(self.fault(place, &what));
            }
        } else if acts.iter().any(|a| matches!(a, Act::Throttle(_))) {
            return Err(self.fault(place, "Connections are throttled, not messages: leave `on` out, or use `delay`"));
        }
        Ok(on)
    }

    fn acts(&self, e: &Entry, url: Option<&regex::bytes::Regex>) -> Result<Vec<Act>, RulesError> {
        let mut acts = Vec::new();
        if let Some(d) = &e.delay {
            acts.push(Act::Delay(parse_delay(d.get_ref()).map_err(|w| self.fault(d.span(), &w))?));
        }
        if let Some(t) = &e.throttle {
            acts.push(Act::Throttle(parse_throttle(t.get_ref()).map_err(|w| self.fault(t.span(), &w))?));
        }
        for (list, header) in [(&e.line, false), (&e.replace_header, true), (&e.replace_body, false)] {
            let Some(list) = list else { continue };
            let body = e.replace_body.as_ref().is_some_and(|b| std::ptr::eq(b, list));
            for r in &list.get_ref().0 {
                let replace = self.replace(r, &list.span(), body)?;
                match (&r.name, header) {
                    (Some(n), true) => acts.push(Act::ReplaceHeader(Bytes::from(n.clone()), replace)),
                    (None, false) => acts.push(if body { Act::ReplaceBody(replace) } else { Act::Line(replace) }),
                    (None, true) => return Err(self.fault(list.span(), "`name` says which header; it is missing")),
                    (Some(_), false) => return Err(self.fault(list.span(), "`name` is for replace-header only")),
                }
            }
        }
        if let Some(m) = &e.method {
            acts.push(Act::Method(Bytes::from(m.get_ref().clone())));
        }
        if let Some(s) = &e.status {
            acts.push(Act::Status(self.status(s)?));
        }
        for name in e.remove_header.iter().flat_map(|l| &l.get_ref().0) {
            acts.push(Act::RemoveHeader(Bytes::from(name.clone())));
        }
        for (list, act) in [(&e.set_header, Act::SetHeader as fn(Bytes, Bytes) -> Act), (&e.add_header, Act::AddHeader)] {
            let Some(list) = list else { continue };
            for line in &list.get_ref().0 {
                let (name, value) = header(line).map_err(|w| self.fault(list.span(), &w))?;
                acts.push(act(name, value));
            }
        }
        if let Some(b) = &e.body {
            acts.push(Act::SetBody(self.source(b.get_ref().text.as_ref(), b.get_ref().file.as_ref(), &b.span())?));
        }
        self.ends(e, url, &mut acts)?;
        Ok(acts)
    }

    /// What ends a message's way, of which a rule may do one.
    fn ends(&self, e: &Entry, url: Option<&regex::bytes::Regex>, acts: &mut Vec<Act>) -> Result<(), RulesError> {
        let before = acts.len();
        if let Some(m) = &e.map_remote {
            let remote = match url {
                Some(find) => {
                    let with = Source::Bytes(Bytes::from(m.get_ref().clone()));
                    Remote::Url(Replace { find: find.clone(), with, groups: true })
                }
                None => parse_server(m.get_ref()).map_err(|w| self.fault(m.span(), &w))?,
            };
            acts.push(Act::MapRemote(remote));
        }
        if let Some(p) = &e.map_local {
            let path = self.beside(p.get_ref());
            if !path.exists() {
                return Err(self.fault(p.span(), &format!("{} is not there", path.display())));
            }
            acts.push(Act::MapLocal(path));
        }
        if let Some(a) = &e.answer {
            acts.push(Act::Answer(self.given(a)?));
        }
        if let Some(s) = &e.block {
            acts.push(Act::Block(self.status(s)?));
        }
        acts.extend(e.drop.then_some(Act::Drop));
        acts.extend(e.reset.then_some(Act::Reset));
        if acts.len().saturating_sub(before) > 1 {
            let second = acts.last().map(super::act::describe).unwrap_or_default();
            let place = [&e.block].iter().find_map(|s| s.as_ref().map(Spanned::span));
            let place =
                place.or_else(|| e.answer.as_ref().map(Spanned::span)).or_else(|| e.map_local.as_ref().map(Spanned::span));
            let what = format!("A message can end in one way only; \"{second}\" is one too many: make it a rule of its own");
            return Err(self.fault(place.unwrap_or(0..0), &what));
        }
        acts.extend(e.hold.then_some(Act::Hold));
        Ok(())
    }

    fn given(&self, a: &Spanned<Answers>) -> Result<Answer, RulesError> {
        let (at, a) = (a.span(), a.get_ref());
        let headers: Result<Vec<_>, String> = a.headers.iter().map(|h| header(h)).collect();
        let body = match (&a.body, &a.file) {
            (None, None) => Source::Bytes(Bytes::new()),
            (text, file) => self.source(text.as_ref(), file.as_ref(), &at)?,
        };
        let status = a.status.unwrap_or(200);
        if !(100..=999).contains(&status) {
            return Err(self.fault(at, &format!("{status} is no status: three digits")));
        }
        if a.line.as_ref().is_some_and(|l| l.contains(['\r', '\n'])) {
            return Err(self.fault(at, "`line` is one line without its end"));
        }
        let headers = headers.map_err(|w| self.fault(at, &w))?;
        Ok(Answer { line: a.line.clone().map(Bytes::from), status, headers, body })
    }

    fn status(&self, s: &Spanned<u16>) -> Result<u16, RulesError> {
        let status = *s.get_ref();
        if (200..=599).contains(&status) { Ok(status) } else { Err(self.fault(s.span(), "A status is between 200 and 599")) }
    }

    fn source(&self, text: Option<&String>, file: Option<&PathBuf>, at: &Range<usize>) -> Result<Source, RulesError> {
        match (text, file) {
            (Some(text), None) => Ok(Source::Bytes(Bytes::from(text.clone()))),
            (None, Some(file)) => {
                let path = self.beside(file);
                if path.is_file() {
                    Ok(Source::File(path))
                } else {
                    Err(self.fault(at.clone(), &format!("{} is no file", path.display())))
                }
            }
            _ => Err(self.fault(at.clone(), "Say either the text or the file, and one of them")),
        }
    }

    fn replace(&self, r: &Replaces, at: &Range<usize>, body: bool) -> Result<Replace, RulesError> {
        let with = self.source(r.with.as_ref(), r.with_file.as_ref(), at)?;
        match (&r.regex, &r.text) {
            (Some(regex), None) => Ok(Replace { find: self.regex(regex, at, body)?, with, groups: r.with_file.is_none() }),
            (None, Some(text)) => Ok(Replace { find: self.regex(&regex::escape(text), at, body)?, with, groups: false }),
            _ => Err(self.fault(at.clone(), "Say what is replaced: either `regex` or `text`")),
        }
    }

    fn regex(&self, text: &str, at: &Range<usize>, body: bool) -> Result<regex::bytes::Regex, RulesError> {
        compile(text, body, false).map_err(|w| self.fault(at.clone(), &format!("This is no regular expression: {w}")))
    }
}

/// `Name: value`.
pub(super) fn header(line: &str) -> Result<(Bytes, Bytes), String> {
    let (name, value) = line.split_once(':').ok_or_else(|| format!("{line:?} is no header: write \"Name: value\""))?;
    if name.is_empty() || name.bytes().any(|b| b <= b' ' || b == 0x7f) || value.contains(['\r', '\n', '\0']) {
        return Err(format!("{line:?} is no header: a name has no blanks, a value has no line ends"));
    }
    Ok((Bytes::copy_from_slice(name.as_bytes()), Bytes::copy_from_slice(value.trim().as_bytes())))
}
