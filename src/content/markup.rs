//! XML and HTML with a line for each tag; what is cut, unclosed or crossed is shown where it stands.

use crate::cursor::Cursor;
use crate::page::{Ink, Page};
use crate::script::{self, Language};
use std::ops::Range;

/// Elements without an end (HTML §13.1.2).
const VOID: [&str; 14] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"];
/// Elements whose end may be left out, and which do not stand in each other.
const LOOSE: [&str; 12] = ["dd", "dt", "li", "option", "p", "rp", "rt", "tbody", "td", "th", "thead", "tr"];
/// A text of at most so many bytes stays on the line of its tags.
const SHORT: usize = 80;

/// Shows it; HTML has elements without an end, and others that hold no tags.
pub fn show(page: &mut Page<'_>, text: &str, html: bool) {
    let mut m = Markup { c: Cursor::new(text), text, html, open: Vec::new() };
    while m.c.peek().is_some() && !page.is_full() {
        m.step(page);
    }
    if !html && let Some(name) = m.open.last() {
        page.note(format!("The text ends inside <{}>, {} deep: it was cut, or is not complete.", clip(name), m.open.len()));
    }
    page.fresh();
    page.indent(-(m.open.len() as isize));
}

fn clip(name: &str) -> String {
    name.chars().take(40).collect()
}

struct Markup<'t> {
    c: Cursor<'t>,
    text: &'t str,
    html: bool,
    open: Vec<&'t str>,
}

impl<'t> Markup<'t> {
    fn step(&mut self, page: &mut Page<'_>) {
        let rest = self.c.rest();
        let special = [
            ("<!--", "-->", "comment"),
            ("<![CDATA[", "]]>", "CDATA section"),
            ("<?", "?>", "instruction"),
            ("<!", ">", "declaration"),
        ];
        if let Some((_, end, what)) = special.iter().find(|s| rest.starts_with(s.0)) {
            let (range, ended) = self.c.through(end);
            if !ended {
                page.note(format!("The text ends inside a {what}."));
            }
            page.fresh();
            let ink = if *what == "CDATA section" { Ink::Text } else { Ink::Comment };
            script::lines(page, ink, self.text, range, 0);
            page.fresh();
        } else if rest.starts_with("</") {
            self.close(page);
        } else if rest.starts_with('<')
            && rest.as_bytes().get(1).is_some_and(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b':') || *b >= 0x80)
        {
            self.tag(page);
        } else {
            let from = self.c.at;
            // A lone `<` is text.
            self.c.one();
            let to = self.c.take(|b| b != b'<').end;
            self.words(page, from..to);
        }
    }

    /// Text between tags: its lines, without the blanks around them.
    fn words(&self, page: &mut Page<'_>, range: Range<usize>) {
        let mut at = range.start;
        for line in self.text.get(range).unwrap_or("").split_inclusive('\n') {
            let shown = line.trim();
            if !shown.is_empty() {
                let from = at + (line.len() - line.trim_start().len());
                page.fresh();
                page.put(Ink::Plain, shown, from..from + shown.len());
                page.fresh();
            }
            at += line.len();
        }
    }

    fn name(&mut self) -> &'t str {
        let range = self.c.take(|b| !(b.is_ascii_whitespace() || matches!(b, b'>' | b'/' | b'=' | b'<' | b'"' | b'\'')));
        self.text.get(range).unwrap_or("")
    }

    fn same(&self, a: &str, b: &str) -> bool {
        if self.html { a.eq_ignore_ascii_case(b) } else { a == b }
    }

    fn close(&mut self, page: &mut Page<'_>) {
        let from = self.c.at;
        self.c.at += 2;
        let name = self.name();
        self.c.take(|b| b != b'>' && b != b'<');
        if self.c.peek() == Some(b'>') {
            self.c.one();
        }
        // What is looked for stands near the top, or nowhere: a search through all would cost its square.
        let found = self.open.iter().rev().take(256).position(|o| self.same(o, name));
        page.fresh();
        match found {
            Some(deep) => {
                if deep > 0 && !self.html {
                    page.note(format!("</{}> ends while an element inside it is open.", clip(name)));
                }
                self.open.truncate(self.open.len() - 1 - deep);
                page.indent(-(deep as isize + 1));
                page.copy(Ink::Name, self.text, from..self.c.at);
            }
            None => {
                page.note(format!("</{}> ends what was not begun.", clip(name)));
                page.copy(Ink::Fault, self.text, from..self.c.at);
            }
        }
        page.fresh();
    }

    fn tag(&mut self, page: &mut Page<'_>) {
        let from = self.c.at;
        self.c.at += 1;
        let name = self.name();
        let is = |list: &[&str]| list.iter().any(|e| name.eq_ignore_ascii_case(e));
        if self.html && is(&LOOSE) && self.open.last().is_some_and(|o| o.eq_ignore_ascii_case(name)) {
            self.open.pop();
            page.indent(-1);
        }
        page.fresh();
        page.copy(Ink::Name, self.text, from..self.c.at);
        let alone = self.attributes(page);
        if alone || (self.html && is(&VOID)) {
            page.fresh();
            return;
        }
        if self.html && is(&["script", "style", "pre", "textarea"]) {
            self.raw(page, name);
            return;
        }
        // A short text and its end stay on the line.
        let rest = self.c.rest();
        let brief = rest.find('<').filter(|n| *n <= SHORT).and_then(|n| {
            let word = rest.get(..n)?;
            let after = rest.get(n..)?.strip_prefix("</")?;
            let end = after.find('>')?;
            (self.same(after.get(..end)?.trim_end(), name) && !word.trim().contains('\n')).then_some((n, n + 2 + end + 1))
        });
        if let Some((word, end)) = brief {
            let at = self.c.at;
            let shown = rest.get(..word).unwrap_or("");
            let lead = shown.len() - shown.trim_start().len();
            let trimmed = shown.trim();
            if !trimmed.is_empty() {
                page.put(Ink::Plain, trimmed, at + lead..at + lead + trimmed.len());
            }
            page.copy(Ink::Name, self.text, at + word..at + end);
            self.c.at = at + end;
            page.fresh();
            return;
        }
        page.fresh();
        self.open.push(name);
        page.indent(1);
    }

    /// Attributes and the end of the tag; whether it says that it has no content.
    fn attributes(&mut self, page: &mut Page<'_>) -> bool {
        loop {
            let gap = self.c.blanks();
            let Some(b) = self.c.peek() else {
                page.note("The text ends inside a tag.");
                return true;
            };
            match b {
                b'>' => {
                    let range = self.c.one();
                    page.copy(Ink::Name, self.text, range);
                    return false;
                }
                b'/' if self.c.rest().starts_with("/>") => {
                    self.c.at += 2;
                    let at = self.c.at;
                    page.copy(Ink::Name, self.text, at - 2..at);
                    return true;
                }
                b'<' => {
                    page.note("A tag begins inside a tag.");
                    return false;
                }
                _ => {}
            }
            if !gap.is_empty() {
                page.put(Ink::Plain, " ", gap);
            }
            let from = self.c.at;
            match b {
                b'=' => {
                    let range = self.c.one();
                    page.copy(Ink::Mark, self.text, range);
                    self.c.blanks();
                    let range = match self.c.peek() {
                        Some(b'"' | b'\'') => self.quoted(page),
                        _ => self.c.take(|b| !(b.is_ascii_whitespace() || b == b'>' || b == b'<')),
                    };
                    page.copy(Ink::Text, self.text, range);
                }
                b'"' | b'\'' => {
                    let range = self.quoted(page);
                    page.copy(Ink::Text, self.text, range);
                }
                _ => {
                    if self.name().is_empty() {
                        self.c.one();
                    }
                    page.copy(Ink::Word, self.text, from..self.c.at);
                }
            }
        }
    }

    fn quoted(&mut self, page: &mut Page<'_>) -> Range<usize> {
        let from = self.c.at;
        let quote = if self.c.peek() == Some(b'"') { "\"" } else { "'" };
        self.c.at += 1;
        let (range, ended) = self.c.through(quote);
        if !ended {
            page.note("The text ends inside the value of an attribute.");
        }
        from..range.end
    }

    /// Scripts, styles and text that keeps its lines.
    fn raw(&mut self, page: &mut Page<'_>, name: &str) {
        let rest = self.c.rest().as_bytes();
        let end = (0..rest.len()).find(|i| {
            rest.get(*i..*i + 2) == Some(b"</")
                && rest.get(*i + 2..*i + 2 + name.len()).is_some_and(|n| n.eq_ignore_ascii_case(name.as_bytes()))
        });
        let (from, to) = (self.c.at, self.c.at + end.unwrap_or(rest.len()));
        let inside = self.text.get(from..to).unwrap_or("");
        if !inside.trim().is_empty() {
            page.fresh();
            page.indent(1);
            let lead = inside.len() - inside.trim_start_matches(['\r', '\n']).len();
            let shown = inside.trim_start_matches(['\r', '\n']).trim_end();
            if name.eq_ignore_ascii_case("script") {
                script::show(page, shown, from + lead, Language::Script);
            } else if name.eq_ignore_ascii_case("style") {
                script::show(page, shown, from + lead, Language::Css);
            } else {
                script::lines(page, Ink::Plain, self.text, from + lead..from + lead + shown.len(), 0);
            }
            page.fresh();
            page.indent(-1);
        }
        self.c.at = to;
        match end {
            Some(_) => {
                let end = self.c.take(|b| b != b'>').end;
                if self.c.peek().is_some() {
                    self.c.one();
                }
                page.copy(Ink::Name, self.text, to..self.c.at.max(end));
            }
            None => page.note(format!("The text ends inside <{}>.", clip(name))),
        }
        page.fresh();
    }
}
