//! The rules of a proxy as the window sees and changes them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use wirelore_gate::{Gate, Written};
use wirelore_kit::Problem;
use wirelore_window::ruling::{Change, Edited, Origin, Rule, Ruled};

/// Rules of one gate.
pub struct Rules {
    gate: Gate,
    file: Option<PathBuf>,
    /// The texts of those that were written in the window, by name.
    texts: Mutex<BTreeMap<String, String>>,
}

fn gone(name: &str) -> Problem {
    Problem {
        what: format!("The rule {name} could not be changed"),
        why: "It is not there any more, or stands at the end of its list already.".into(),
        what_to_do: "Look at the list as it is now.".into(),
    }
}

impl Rules {
    /// Of this gate, whose file of rules this is.
    #[must_use]
    pub fn new(gate: Gate, file: Option<PathBuf>) -> Rules {
        Rules { gate, file, texts: Mutex::default() }
    }

    fn texts(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, replaces: Option<&str>, text: &str) -> Result<(), Problem> {
        let wrong = |e: wirelore_gate::RulesError| Problem {
            what: if e.line == 0 { e.what.clone() } else { format!("Line {}, column {}: {}", e.line, e.column, e.what) },
            why: e.shown,
            what_to_do: "Nothing was changed.".into(),
        };
        // Looked at before the old one goes: a fault leaves it in force.
        wirelore_gate::parse_rules(text, Path::new("new rule"), &|_| Written::Running).map_err(wrong)?;
        // It is asked where the old one was asked.
        let running = |r: &wirelore_gate::RuleShown| r.written == Written::Running;
        let all = self.gate.rules();
        let behind = replaces.and_then(|old| {
            let at = all.iter().position(|r| r.name == old)?;
            Some(all.iter().skip(at + 1).filter(|r| running(r)).count())
        });
        if let Some(old) = replaces {
            self.gate.remove(old);
            self.texts().remove(old);
        }
        let names = self.gate.add(text).map_err(wrong)?;
        for name in &names {
            for _ in 0..behind.unwrap_or(0) {
                self.gate.shift(name, true);
            }
        }
        let mut texts = self.texts();
        // Of several in one text none can be edited without the others.
        if let [name] = names.as_slice() {
            texts.insert(name.clone(), text.to_owned());
        }
        Ok(())
    }
}

impl Ruled for Rules {
    fn rules(&self) -> Vec<Rule> {
        let texts = self.texts();
        let shown = |r: wirelore_gate::RuleShown| Rule {
            origin: match r.written {
                Written::CommandLine => Origin::CommandLine,
                Written::File(line) => Origin::File(line),
                Written::Running => Origin::Running(texts.get(&r.name).cloned()),
            },
            name: r.name,
            when: r.when,
            does: r.does,
            enabled: r.enabled,
            hits: r.hits,
        };
        self.gate.rules().into_iter().map(shown).collect()
    }

    fn file(&self) -> Option<PathBuf> {
        self.file.clone()
    }

    fn change(&self, change: &Change) -> Result<(), Problem> {
        let (name, done) = match change {
            Change::Enable(name, on) => (name, self.gate.enable(name, *on)),
            Change::Remove(name) => (name, self.gate.remove(name)),
            Change::Move(name, earlier) => (name, self.gate.shift(name, *earlier)),
            Change::Write(replaces, text) => return self.write(replaces.as_deref(), text),
        };
        if done { Ok(()) } else { Err(gone(name)) }
    }

    fn edits(&self) -> Vec<Edited> {
        let shown = |e: wirelore_gate::Edit| Edited {
            number: e.number,
            conn: e.conn,
            original: e.original,
            became: e.became,
            hits: e.hits.into_iter().map(|h| (h.rule, h.did)).collect(),
        };
        self.gate.edits().into_iter().map(shown).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str) -> String {
        format!("[[rule]]\nname = '{name}'\nwhen = '~d a.test'\non = 'response'\nset-header = 'X: 1'\n")
    }

    fn names(r: &Rules) -> Vec<String> {
        r.rules().into_iter().map(|r| r.name).collect()
    }

    #[test]
    fn rules_are_written_moved_switched_and_a_wrong_edit_leaves_the_old_one_in_force() {
        let r = Rules::new(Gate::new(), None);
        for name in ["one", "two"] {
            r.change(&Change::Write(None, rule(name))).expect("a rule");
        }
        r.change(&Change::Move("two".into(), true)).expect("room above");
        assert_eq!(names(&r), ["two", "one"]);
        assert!(r.change(&Change::Move("two".into(), true)).is_err(), "it is the first");
        let wrong = r.change(&Change::Write(Some("one".into()), "[[rule]]\nwhen = '~zz'".into())).expect_err("no filter");
        assert!(wrong.what.starts_with("Line 2"), "{}", wrong.what);
        assert_eq!(names(&r), ["two", "one"]);
        r.change(&Change::Write(Some("one".into()), rule("uno"))).expect("a rule");
        assert_eq!(names(&r), ["two", "uno"]);
        r.change(&Change::Write(Some("two".into()), rule("due"))).expect("a rule");
        assert_eq!(names(&r), ["due", "uno"], "an edited rule stays in its place");
        r.change(&Change::Write(Some("due".into()), rule("two"))).expect("a rule");
        r.change(&Change::Enable("uno".into(), false)).expect("known");
        assert!(r.rules().iter().any(|r| r.name == "uno" && !r.enabled && matches!(r.origin, Origin::Running(Some(_)))));
        r.change(&Change::Remove("two".into())).expect("known");
        assert_eq!(names(&r), ["uno"]);
    }
}
