//! Rules as mitmproxy spells them on its command line: parts behind a separator, which is the first character.

use super::file::header;
use super::{Act, On, Remote, Replace, Rule, Source, Written};
use crate::filter::{Filter, compile};
use bytes::Bytes;
use std::path::PathBuf;

/// Which option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// `--map-local`.
    MapLocal,
    /// `--map-remote`.
    MapRemote,
    /// `--modify-headers`.
    ModifyHeaders,
    /// `--modify-body`.
    ModifyBody,
    /// `--block-list`.
    BlockList,
}

/// Why a pattern is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpellingError {
    /// The option.
    pub option: &'static str,
    /// As it was given.
    pub pattern: String,
    /// What is wrong, and what to write.
    pub what: String,
}

impl std::fmt::Display for SpellingError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}: {}", self.option, self.pattern, self.what)
    }
}

impl std::error::Error for SpellingError {}

impl Spelling {
    /// As it is typed.
    #[must_use]
    pub const fn option(self) -> &'static str {
        match self {
            Spelling::MapLocal => "--map-local",
            Spelling::MapRemote => "--map-remote",
            Spelling::ModifyHeaders => "--modify-headers",
            Spelling::ModifyBody => "--modify-body",
            Spelling::BlockList => "--block-list",
        }
    }

    const fn form(self) -> &'static str {
        match self {
            Spelling::MapLocal => "[/FILTER]/URL-REGEX/PATH",
            Spelling::MapRemote => "[/FILTER]/URL-REGEX/REPLACEMENT",
            Spelling::ModifyHeaders => "[/FILTER]/NAME/[@]VALUE",
            Spelling::ModifyBody => "[/FILTER]/REGEX/[@]REPLACEMENT",
            Spelling::BlockList => "/FILTER/STATUS",
        }
    }

    /// Makes a rule of a pattern.
    ///
    /// # Errors
    /// [`SpellingError`].
    pub fn parse(self, pattern: &str) -> Result<Rule, SpellingError> {
        self.rule(pattern).map_err(|what| SpellingError { option: self.option(), pattern: pattern.into(), what })
    }

    fn rule(self, pattern: &str) -> Result<Rule, String> {
        let form = || format!("write {}; the first character separates and may be any that the parts do not have", self.form());
        let separator = pattern.chars().next().ok_or_else(form)?;
        let rest = pattern.strip_prefix(separator).unwrap_or_default();
        let name = format!("{} {pattern}", self.option());
        let make = |on, filter: &str, acts| {
            let filter = Filter::parse(filter).map_err(|e| e.to_string())?;
            Ok::<Rule, String>(Rule::new(name.clone(), Written::CommandLine, on, filter, acts))
        };
        if self == Spelling::BlockList {
            let (filter, status) = rest.rsplit_once(separator).ok_or_else(form)?;
            let status: u16 = status.parse().map_err(|_| format!("{status:?} is no status; {}", form()))?;
            // mitmproxy took the number from nginx.
            return match status {
                444 => make(On::Request, filter, vec![Act::Reset]),
                200..=599 => make(On::Request, filter, vec![Act::Block(status)]),
                _ => Err(format!("{status} is no status between 200 and 599, nor 444 (break off)")),
            };
        }
        let parts: Vec<&str> = rest.splitn(3, separator).collect();
        let (filter, subject, value) = match parts[..] {
            [subject, value] => ("", subject, value),
            [filter, subject, value] => (filter, subject, value),
            _ => return Err(form()),
        };
        let find = |body| compile(subject, body, false).map_err(|w| format!("{subject:?} is no regular expression: {w}"));
        match self {
            Spelling::MapLocal => {
                let path = value
                    .strip_prefix("~/")
                    .zip(std::env::var_os("HOME"))
                    .map_or_else(|| value.into(), |(v, h)| PathBuf::from(h).join(v));
                if !path.exists() {
                    return Err(format!("{} is not there", path.display()));
                }
                let mut rule = make(On::Request, filter, vec![Act::MapLocal(path)])?;
                rule.url = Some(find(false)?);
                Ok(rule)
            }
            Spelling::MapRemote => {
                let with = Source::Bytes(Bytes::from(groups_of_python(value)));
                let url = find(false)?;
                let replace = Replace { find: url.clone(), with, groups: true };
                let mut rule = make(On::Request, filter, vec![Act::MapRemote(Remote::Url(replace))])?;
                rule.url = Some(url);
                Ok(rule)
            }
            Spelling::ModifyHeaders => {
                let value = match value.strip_prefix('@') {
                    Some(file) => std::fs::read_to_string(file).map_err(|e| format!("{file}: {e}"))?.trim_end().to_string(),
                    None => value.to_string(),
                };
                let (name, value) = header(&format!("{subject}: {value}"))?;
                let act = if value.is_empty() { Act::RemoveHeader(name) } else { Act::SetHeader(name, value) };
                make(On::Message, filter, vec![act])
            }
            Spelling::ModifyBody => {
                let (with, groups) = match value.strip_prefix('@') {
                    Some(file) if !std::path::Path::new(file).is_file() => return Err(format!("{file} is no file")),
                    Some(file) => (Source::File(PathBuf::from(file)), false),
                    None => (Source::Bytes(Bytes::from(groups_of_python(value))), true),
                };
                make(On::Message, filter, vec![Act::ReplaceBody(Replace { find: find(true)?, with, groups })])
            }
            Spelling::BlockList => Err(form()),
        }
    }
}

/// `--anticache`: questions without validators, so that servers answer in full.
#[must_use]
pub fn anticache() -> Rule {
    let acts = ["If-Modified-Since", "If-None-Match"].map(|n| Act::RemoveHeader(Bytes::from_static(n.as_bytes())));
    Rule::new("--anticache".into(), Written::CommandLine, On::Request, everything(), acts.to_vec())
}

/// `--anticomp`: questions that accept no content coding.
#[must_use]
pub fn anticomp() -> Rule {
    let act = Act::SetHeader(Bytes::from_static(b"Accept-Encoding"), Bytes::from_static(b"identity"));
    let http = Filter::parse("~http").unwrap_or_else(|_| everything());
    Rule::new("--anticomp".into(), Written::CommandLine, On::Request, http, vec![act])
}

/// `--throttle`.
#[must_use]
pub fn throttle(pace: crate::verdict::Pace) -> Rule {
    Rule::new("--throttle".into(), Written::CommandLine, On::Connection, everything(), vec![Act::Throttle(pace)])
}

fn everything() -> Filter {
    Filter::everything()
}

/// Python's `\1` and `\g<name>` as `${1}` and `${name}`; `$` means itself there.
fn groups_of_python(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let behind = rest.get(c.len_utf8()..).unwrap_or_default();
        let digits = behind.len().saturating_sub(behind.trim_start_matches(|d: char| d.is_ascii_digit()).len());
        rest = match c {
            '$' => {
                out.push_str("$$");
                behind
            }
            '\\' if digits > 0 => {
                let (group, after) = behind.split_at(digits.min(2));
                out.push_str(&format!("${{{group}}}"));
                after
            }
            '\\' if behind.starts_with("g<") && behind.contains('>') => {
                let (group, after) = behind.trim_start_matches("g<").split_once('>').unwrap_or_default();
                out.push_str(&format!("${{{group}}}"));
                after
            }
            '\\' if behind.starts_with('\\') => {
                out.push('\\');
                behind.get(1..).unwrap_or_default()
            }
            '\\' if behind.starts_with('n') => {
                out.push('\n');
                behind.get(1..).unwrap_or_default()
            }
            _ => {
                out.push(c);
                behind
            }
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacements_of_python_keep_their_meaning() {
        assert_eq!(groups_of_python(r"http://x/\1?\g<rest>&c=$5\\1\n"), "http://x/${1}?${rest}&c=$$5\\1\n");
        assert_eq!(groups_of_python(r"\"), r"\");
    }

    #[test]
    fn faulty_patterns_say_what_to_write() {
        let error = |s: Spelling, p: &str| s.parse(p).unwrap_err().to_string();
        assert!(error(Spelling::MapRemote, "|only").contains("[/FILTER]/URL-REGEX/REPLACEMENT"));
        assert!(error(Spelling::BlockList, ":~d x:999").contains("nor 444"));
        assert!(error(Spelling::BlockList, ":~url x:404").contains("did you mean ~u"));
        assert!(error(Spelling::MapLocal, "|x|/not/there").contains("is not there"));
        assert!(error(Spelling::ModifyHeaders, "/~q/Bad Name/x").contains("no blanks"));
        assert!(error(Spelling::ModifyBody, "").contains("[@]REPLACEMENT"));
        let rule = Spelling::BlockList.parse(":~d ads & ~u a:b:404").unwrap();
        assert_eq!((rule.filter.text(), rule.does().as_str()), ("~d ads & ~u a:b", "block with 404"));
    }
}
