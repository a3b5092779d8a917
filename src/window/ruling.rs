//! Rules as the window knows them: those in force, what they changed, and the text of the one that is written.

use crate::door::Proxied;
use crate::view;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wirelore_kit::Problem;
use wirelore_kit::field::Role;
use wirelore_kit::middle::{Judgement, Transit};
use wirelore_store::Snapshot;

/// Where a rule was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// On the command line.
    CommandLine,
    /// In the file of rules, at this line.
    File(usize),
    /// Here, or over the control socket; its text where it is known.
    Running(Option<String>),
}

/// A rule in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What it is called.
    pub name: String,
    /// Which messages.
    pub when: String,
    /// What it does to them.
    pub does: String,
    /// Whether it is asked.
    pub enabled: bool,
    /// How often it did something.
    pub hits: u64,
    /// Where it was written.
    pub origin: Origin,
}

/// What is done to rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Switch one on or off, by its name.
    Enable(String, bool),
    /// Take one away, by its name.
    Remove(String),
    /// Add what this text says, in the language of the file of rules; in the place of one, by its name.
    Write(Option<String>, String),
    /// Ask one earlier or later among those that were written here.
    Move(String, bool),
}

/// A message that did not go on as it came.
#[derive(Debug, Clone)]
pub struct Edited {
    /// Counts them.
    pub number: u64,
    /// Number of its connection.
    pub conn: u64,
    /// As it came.
    pub original: Arc<Transit>,
    /// What became of it.
    pub became: Arc<Judgement>,
    /// Names of rules with what each did.
    pub hits: Vec<(String, String)>,
}

/// Rules of a proxy. Calls are cheap.
pub trait Ruled: Send + Sync {
    /// Those in force, in the order in which they are asked.
    fn rules(&self) -> Vec<Rule>;

    /// The file of rules, which is read again whenever it changes.
    fn file(&self) -> Option<PathBuf>;

    /// Changes them.
    ///
    /// # Errors
    /// [`Problem`]: what in the text is no rule, and where; nothing is changed then.
    fn change(&self, change: &Change) -> Result<(), Problem>;

    /// Messages that did not go on as they came, oldest first; those of the last while.
    fn edits(&self) -> Vec<Edited>;
}

/// A rule that is being written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// The rule that it takes the place of.
    pub replaces: Option<String>,
    /// Its text.
    pub text: String,
    /// What is wrong with it.
    pub wrong: Option<String>,
}

/// What of a proxy's rules is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// A rule, by its name.
    Rule(String),
    /// A message that was changed, by its number.
    Edit(u64),
}

/// The rules of a tab's proxy.
pub struct Ruling {
    of: Arc<dyn Ruled>,
    /// In the order in which they are asked.
    pub rules: Vec<Rule>,
    /// What they changed, newest first.
    pub edits: Vec<Edited>,
    /// Their file.
    pub file: Option<PathBuf>,
    /// The rule that is written.
    pub draft: Option<Draft>,
    /// What is looked at.
    pub looked: Option<Looked>,
    read: Option<Instant>,
}

/// So often rules are asked for while they are looked at.
const EVERY: Duration = Duration::from_millis(250);

impl Ruling {
    /// Of a proxy.
    #[must_use]
    pub fn new(proxy: &Arc<dyn Proxied>) -> Ruling {
        let of = proxy.ruled();
        Ruling { of, rules: Vec::new(), edits: Vec::new(), file: None, draft: None, looked: None, read: None }
    }

    /// Takes what is new; while it is looked at.
    pub fn step(&mut self) {
        if self.read.is_none_or(|at| at.elapsed() >= EVERY) {
            self.read_again();
        }
    }

    fn read_again(&mut self) {
        self.rules = self.of.rules();
        self.edits = self.of.edits();
        self.edits.reverse();
        self.file = self.of.file();
        self.read = Some(Instant::now());
    }

    /// The rule that is looked at.
    #[must_use]
    pub fn rule(&self) -> Option<&Rule> {
        match &self.looked {
            Some(Looked::Rule(name)) => self.rules.iter().find(|r| r.name == *name),
            _ => None,
        }
    }

    /// The changed message that is looked at.
    #[must_use]
    pub fn edit(&self) -> Option<&Edited> {
        match &self.looked {
            Some(Looked::Edit(n)) => self.edits.iter().find(|e| e.number == *n),
            _ => None,
        }
    }

    /// Changes rules; what is wrong stands in the draft.
    ///
    /// # Errors
    /// [`Problem`], where there is no draft to stand in.
    pub fn change(&mut self, change: &Change) -> Result<(), Problem> {
        let went = self.of.change(change);
        self.read_again();
        match (went, change) {
            (Ok(()), Change::Write(..)) => {
                self.draft = None;
                self.looked = self.rules.last().map(|r| Looked::Rule(r.name.clone()));
                Ok(())
            }
            (Ok(()), _) => Ok(()),
            (Err(p), Change::Write(..)) => {
                if let Some(d) = &mut self.draft {
                    d.wrong = Some(format!("{}\n{}", p.what, p.why));
                }
                Ok(())
            }
            (Err(p), _) => Err(p),
        }
    }

    /// Begins to write a rule.
    pub fn write(&mut self, text: String, replaces: Option<String>) {
        self.draft = Some(Draft { replaces, text, wrong: None });
    }
}

/// A rule to begin with.
pub const EXAMPLE: &str = "[[rule]]
name = 'new rule'
when = '~d example.org'
on = 'response'
set-header = 'X-Seen-By: wirelore'
";

/// A word as a pattern that matches it alone.
fn quoted(word: &str) -> String {
    let mut out = String::new();
    for c in word.chars() {
        if matches!(c, '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '^' | '$' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The path in a request's target, be that a path or, as proxies are told it, a whole address.
fn path_in(target: &str) -> Option<&str> {
    let bare = target.split(['?', '#']).next()?;
    match bare.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)),
        None => Some(bare).filter(|p| p.starts_with('/')),
    }
}

/// A rule for messages like this one.
#[must_use]
pub fn like(s: &Snapshot, message: u32) -> Option<String> {
    let row = s.message(message)?;
    let asked = view::some(row.exchange).and_then(|e| s.exchange(e)).and_then(|x| view::some(x.ask)).unwrap_or(message);
    let said = |r: Role| view::role(s, asked, r).filter(|v| !v.is_empty() && !v.contains(['\'', '"', '\n']));
    let flow = s.flow(row.conv.flow)?;
    let host = said(Role::Authority).map(|h| h.rsplit_once(':').map_or(h.clone(), |(name, _)| name.to_owned()));
    let host = host.unwrap_or_else(|| s.name_of(&flow.server().ip).map_or_else(|| flow.server().ip.to_string(), str::to_owned));
    let path = said(Role::Path).and_then(|target| path_in(&target).map(str::to_owned));
    let mut when = format!("~d ^{}$", quoted(&host));
    if let Some(path) = &path {
        when.push_str(&format!(" & ~u {}", quoted(path)));
    }
    let name = format!("{host}{}", path.unwrap_or_default());
    Some(format!(
        "[[rule]]\nname = '{name}'\nwhen = '{when}'\non = 'response'\n\n# What it does: one of these, or several.\nset-header = 'X-Seen-By: wirelore'\n# replace-body = {{ text = 'old', with = 'new' }}\n# answer = {{ status = 503, body = 'not today' }}\n# delay = '500ms'\n# hold = true\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_an_address_as_proxies_are_told_it_is_found() {
        assert_eq!(path_in("/a/b?c=/d#e"), Some("/a/b"));
        assert_eq!(path_in("http://127.0.0.1:8000/x.sh?y"), Some("/x.sh"));
        assert_eq!(path_in("http://example.org"), None);
        assert_eq!(path_in("*"), None);
        assert_eq!(path_in("example.org:443"), None);
    }
}
