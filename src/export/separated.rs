//! Chosen fields as columns, a line for each packet: tshark's `-T fields` with its `-E`.

use crate::shape::{Role, Shape};
use crate::spell::Place;

/// Which of several values of one field are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Occurrence {
    /// The first.
    First,
    /// The last.
    Last,
    /// All, with the aggregator between them.
    #[default]
    All,
}

/// How lines are written (`-E`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The names of the fields stand in the first line.
    pub header: bool,
    /// A byte order mark stands before everything.
    pub bom: bool,
    /// What stands between fields.
    pub separator: char,
    /// Which values of a field.
    pub occurrence: Occurrence,
    /// What stands between the values of one field.
    pub aggregator: char,
    /// What stands around a field that is there.
    pub quote: Option<char>,
    /// Control characters in text are written as escapes.
    pub escape: bool,
}

impl Default for Layout {
    fn default() -> Layout {
        let (header, bom, escape) = (false, false, true);
        Layout { header, bom, separator: '\t', occurrence: Occurrence::All, aggregator: ',', quote: None, escape }
    }
}

impl Layout {
    /// Takes one `-E` argument: `header=y`, `separator=/t`.
    ///
    /// # Errors
    /// What is wrong with it and what may stand there.
    pub fn set(&mut self, option: &str) -> Result<(), String> {
        let (key, value) = option.split_once('=').ok_or("it has the form NAME=VALUE, as in separator=,")?;
        let yes = |value: &str| match value {
            "y" | "Y" => Ok(true),
            "n" | "N" => Ok(false),
            _ => Err(format!("{key} is y or n, not {value}")),
        };
        let one = |value: &str| match value {
            "/t" => Ok('\t'),
            "/s" => Ok(' '),
            _ => {
                let mut chars = value.chars();
                match (chars.next(), chars.next()) {
                    (Some(c), None) => Ok(c),
                    _ => Err(format!("{key} is one character, /t for a tab or /s for a space, not {value}")),
                }
            }
        };
        match key {
            "header" => self.header = yes(value)?,
            "bom" => self.bom = yes(value)?,
            "escape" => self.escape = yes(value)?,
            "separator" => self.separator = one(value)?,
            "aggregator" => self.aggregator = one(value)?,
            "occurrence" => {
                self.occurrence = match value {
                    "f" => Occurrence::First,
                    "l" => Occurrence::Last,
                    "a" => Occurrence::All,
                    _ => return Err(format!("occurrence is f, l or a (first, last, all), not {value}")),
                }
            }
            "quote" => {
                self.quote = match value {
                    "d" => Some('"'),
                    "s" => Some('\''),
                    "n" => None,
                    _ => return Err(format!("quote is d, s or n (double, single, none), not {value}")),
                }
            }
            _ => {
                return Err(format!("{key} is not known; header, separator, occurrence, aggregator, quote, escape and bom are"));
            }
        }
        Ok(())
    }

    /// The line of names.
    #[must_use]
    pub fn head(&self, names: &[String]) -> String {
        let mut line = String::new();
        if self.bom {
            line.push('\u{feff}');
        }
        if self.header {
            for (i, name) in names.iter().enumerate() {
                if i > 0 {
                    line.push(self.separator);
                }
                line.push_str(name);
            }
            line.push('\n');
        }
        line
    }

    /// One line out of the values of each field.
    pub fn line<'v>(&self, out: &mut String, fields: impl Iterator<Item = &'v [String]>) {
        for (i, values) in fields.enumerate() {
            if i > 0 {
                out.push(self.separator);
            }
            let values = match self.occurrence {
                Occurrence::All => values,
                Occurrence::First => values.get(..1).unwrap_or(&[]),
                Occurrence::Last => values.get(values.len().saturating_sub(1)..).unwrap_or(&[]),
            };
            if values.is_empty() {
                continue;
            }
            out.extend(self.quote);
            for (j, v) in values.iter().enumerate() {
                if j > 0 {
                    out.push(self.aggregator);
                }
                match self.quote {
                    // A quote inside quotes is doubled, as readers of such files expect.
                    Some(q) if v.contains(q) => v.chars().for_each(|c| {
                        out.push(c);
                        if c == q {
                            out.push(q);
                        }
                    }),
                    _ => out.push_str(v),
                }
            }
            out.extend(self.quote);
        }
        out.push('\n');
    }
}

/// The values of a field in a packet, as `-e` writes them.
#[must_use]
pub fn values(shape: &Shape<'_>, name: &str, place: Place) -> Vec<String> {
    shape
        .named(name)
        .map(|i| match i.role {
            Role::Field => i.show(place),
            // It is there, and has no value.
            Role::Heading => "1".into(),
            Role::Protocol => i.title(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_laid_out_as_asked() {
        let mut l = Layout::default();
        for o in ["separator=,", "quote=d", "aggregator=/s", "header=y"] {
            l.set(o).expect(o);
        }
        let fields = [vec!["a\"b".to_owned(), "c".to_owned()], vec![], vec!["d".to_owned()]];
        let mut line = String::new();
        l.line(&mut line, fields.iter().map(Vec::as_slice));
        assert_eq!(line, "\"a\"\"b c\",,\"d\"\n");
        assert_eq!(l.head(&["x".into(), "y".into()]), "x,y\n");
        l.set("occurrence=l").expect("last");
        let mut line = String::new();
        l.line(&mut line, fields.iter().map(Vec::as_slice));
        assert_eq!(line, "\"c\",,\"d\"\n");
        for wrong in ["separator", "separator=ab", "header=x", "colour=y", "occurrence=z", "quote=q"] {
            assert!(l.set(wrong).is_err(), "{wrong}");
        }
    }
}
