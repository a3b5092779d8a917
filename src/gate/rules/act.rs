//! Rules applied to one message.

use super::{Act, Remote, Replace, Rule, Source, answer, local, remote};
use crate::conn::Conn;
use crate::filter::Decode;
use crate::judge::brings_messages;
use crate::set::Replies;
use crate::verdict::Hit;
use bytes::Bytes;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
use wirelore_kit::middle::{Judgement, Origin, Part, Stage, Transit};

/// What became of one message so far.
pub(crate) struct Work<'a> {
    pub(crate) conn: &'a Conn,
    pub(crate) came: &'a Transit,
    /// What it was made, once something was changed.
    pub(crate) now: Option<Box<Transit>>,
    /// Its body is there, or can be waited for.
    pub(crate) body_to_come: bool,
    pub(crate) decode: Option<Decode>,
    pub(crate) wait: Duration,
    /// What was done, and by which rule.
    pub(crate) hits: Vec<Hit>,
    /// The rules that did something.
    pub(crate) used: Vec<Arc<Rule>>,
    /// A rule wants it held.
    pub(crate) hold: Option<Arc<Rule>>,
}

/// How it goes on behind a rule.
pub(crate) enum Turn {
    /// The next rule is asked.
    Next,
    /// No rule is asked any more.
    Stop,
    /// Nothing can be said before the body is there.
    NeedBody,
    /// This becomes of the message.
    End(Judgement),
    /// This request is sent to that server, and what answers there is the answer.
    Fetch(Origin, Box<Transit>),
}

impl Work<'_> {
    pub(crate) fn message(&self) -> &Transit {
        self.now.as_deref().unwrap_or(self.came)
    }

    fn change(&mut self) -> &mut Transit {
        self.now.get_or_insert_with(|| Box::new(self.came.clone()))
    }

    /// Applies a rule that fits.
    pub(crate) fn apply(&mut self, rule: &Arc<Rule>) -> Turn {
        let mut did = Vec::new();
        let mut turn = if rule.stop { Turn::Stop } else { Turn::Next };
        for act in &rule.acts {
            match self.act(act, rule, &mut did) {
                Turn::Next => {}
                Turn::NeedBody => return Turn::NeedBody,
                end => {
                    turn = end;
                    break;
                }
            }
        }
        if !did.is_empty() {
            self.hits.push(Hit { rule: rule.name.clone(), did: did.join(", ") });
            self.used.push(Arc::clone(rule));
        }
        turn
    }

    /// Answers from earlier exchanges.
    pub(crate) fn reply(&mut self, replies: &dyn Replies) -> Turn {
        let m = self.message();
        let (answer, did) = match (replies.answer(m), replies.otherwise()) {
            (Some(found), _) => found,
            (None, Some(status)) => {
                let text = Bytes::from(format!("No exchange of the capture answers {}.\n", String::from_utf8_lossy(&m.line)));
                (answer::http(m, status, "text/plain; charset=utf-8", text), format!("no exchange fits: answered with {status}"))
            }
            (None, None) => return Turn::Next,
        };
        self.hits.push(Hit { rule: "server replay".into(), did });
        Turn::End(Judgement::Answer(Box::new(answer)))
    }

    fn act(&mut self, act: &Act, rule: &Arc<Rule>, did: &mut Vec<String>) -> Turn {
        let for_questions = matches!(act, Act::Method(_) | Act::MapRemote(_) | Act::MapLocal(_));
        // Where a message is a piece of a body, or has none, its headers only say what it is.
        let for_heads = matches!(act, Act::SetHeader(..) | Act::AddHeader(..) | Act::RemoveHeader(_) | Act::ReplaceHeader(..));
        if for_questions && self.came.part != Part::Request || for_heads && self.came.part == Part::Message {
            return Turn::Next;
        }
        match act {
            // Paces the connection: asked elsewhere.
            Act::Throttle(_) => {}
            Act::Delay(time) => {
                self.wait = self.wait.saturating_add(*time);
                did.push(format!("delayed by {time:?}"));
            }
            Act::Line(replace) => {
                if let Some(line) = self.replaced(&self.message().line.clone(), replace, did) {
                    let line = line.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
                    self.change().line = line;
                    did.push("changed the line".into());
                }
            }
            Act::Method(method) => {
                let line = &self.message().line;
                let rest = line.iter().position(|b| *b == b' ').and_then(|at| line.get(at..)).unwrap_or_default();
                let new = Bytes::from([method, rest].concat());
                if new != *line {
                    did.push(format!("made the method {}", String::from_utf8_lossy(method)));
                    self.change().line = new;
                }
            }
            Act::Status(status) => {
                let m = self.message();
                if !answer::is_http(m.proto) {
                    did.push(format!("left the status: for {} change the line", m.proto));
                } else if matches!(m.part, Part::Response | Part::Interim) {
                    self.change().line = answer::status_line(self.came, *status);
                    did.push(format!("made the status {status}"));
                }
            }
            Act::SetHeader(name, value) => self.set_header(name, value, did),
            Act::AddHeader(name, value) => {
                did.push(format!("added {}", String::from_utf8_lossy(name)));
                self.change().headers.push((name.clone(), value.clone()));
            }
            Act::RemoveHeader(name) => {
                if self.message().headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name)) {
                    self.change().headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
                    did.push(format!("removed {}", String::from_utf8_lossy(name)));
                }
            }
            Act::ReplaceHeader(name, replace) => {
                for i in 0..self.message().headers.len() {
                    let Some((n, value)) = self.message().headers.get(i).cloned() else { continue };
                    if n.eq_ignore_ascii_case(name)
                        && let Some(new) = self.replaced(&value, replace, did)
                        && let Some((_, slot)) = self.change().headers.get_mut(i)
                    {
                        *slot = new.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n' | 0)).collect();
                        did.push(format!("changed {}", String::from_utf8_lossy(name)));
                    }
                }
            }
            Act::SetBody(_) | Act::ReplaceBody(_) => return self.body(act, did),
            Act::Hold => self.hold = Some(Arc::clone(rule)),
            Act::MapRemote(to) => return self.map_remote(to, did),
            Act::MapLocal(_) | Act::Answer(_) | Act::Block(_) => return self.answer(act, rule, did),
            Act::Drop => {
                did.push("dropped it".into());
                return Turn::End(Judgement::Drop);
            }
            Act::Reset => {
                did.push("broke the connection off".into());
                return Turn::End(Judgement::Reset);
            }
        }
        Turn::Next
    }

    fn set_header(&mut self, name: &Bytes, value: &Bytes, did: &mut Vec<String>) {
        let mut same = self.message().headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        if same.next().is_some_and(|(_, v)| v == value) && same.next().is_none() {
            return;
        }
        let headers = &mut self.change().headers;
        // The first of that name keeps its place.
        let mut first = true;
        headers.retain_mut(|(n, v)| {
            if !n.eq_ignore_ascii_case(name) {
                return true;
            }
            n.clone_from(name);
            v.clone_from(value);
            std::mem::replace(&mut first, false)
        });
        if first {
            headers.push((name.clone(), value.clone()));
        }
        did.push(format!("set {}", String::from_utf8_lossy(name)));
    }

    /// What these bytes become; `None` where nothing is replaced.
    fn replaced(&self, bytes: &[u8], replace: &Replace, did: &mut Vec<String>) -> Option<Bytes> {
        if !replace.find.is_match(bytes) {
            return None;
        }
        let with = match replace.with.read() {
            Ok(with) => with,
            Err(why) => {
                did.push(format!("left it as it was: {why}"));
                return None;
            }
        };
        let new = if replace.groups {
            replace.find.replace_all(bytes, &with[..])
        } else {
            replace.find.replace_all(bytes, regex::bytes::NoExpand(&with))
        };
        Some(Bytes::from(new.into_owned()))
    }

    fn body(&mut self, act: &Act, did: &mut Vec<String>) -> Turn {
        if self.message().stage == Stage::Head {
            if self.body_to_come {
                return Turn::NeedBody;
            }
            if brings_messages(self.message()) {
                return Turn::Next;
            }
            did.push("left the body: it is endless, or too large to be kept".into());
            return Turn::Next;
        }
        let coding = self.message().header("content-encoding").cloned();
        match act {
            Act::SetBody(source) => match source.read() {
                Ok(body) => {
                    let m = self.change();
                    m.body = body;
                    m.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(b"content-encoding"));
                    did.push("gave it another body".into());
                }
                Err(why) => did.push(format!("left the body: {why}")),
            },
            Act::ReplaceBody(replace) => {
                let plain: Cow<'_, [u8]> = match (&coding, self.decode) {
                    (None, _) => Cow::Owned(self.message().body.to_vec()),
                    (Some(coding), Some(decode)) => match decode(coding, &self.message().body) {
                        Ok(plain) => Cow::Owned(plain),
                        Err(why) => {
                            did.push(format!("left the body: {why}"));
                            return Turn::Next;
                        }
                    },
                    (Some(coding), None) => {
                        did.push(format!("left the body: it is coded as {}", String::from_utf8_lossy(coding)));
                        return Turn::Next;
                    }
                };
                if let Some(new) = self.replaced(&plain, replace, did) {
                    let m = self.change();
                    m.body = new;
                    let mut words = "changed the body".to_string();
                    if let Some(coding) = coding {
                        m.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(b"content-encoding"));
                        words = format!("changed the body, which goes on without {}", String::from_utf8_lossy(&coding));
                    }
                    did.push(words);
                }
            }
            _ => {}
        }
        Turn::Next
    }

    fn map_remote(&mut self, to: &Remote, did: &mut Vec<String>) -> Turn {
        let sent = match remote::send(to, self.message()) {
            Ok(sent) => sent,
            Err(why) => {
                did.push(format!("left it: {why}"));
                return Turn::Next;
            }
        };
        if !sent.same && self.message().stage == Stage::Head {
            if self.body_to_come {
                return Turn::NeedBody;
            }
            did.push("left it: a body that is endless or too large cannot be sent elsewhere".into());
            return Turn::Next;
        }
        did.push(format!("sent it to {}", remote::written(&sent.origin)));
        let request = Box::new(sent.request);
        if sent.same {
            self.now = Some(request);
            return Turn::Stop;
        }
        Turn::Fetch(sent.origin, request)
    }

    fn answer(&mut self, act: &Act, rule: &Rule, did: &mut Vec<String>) -> Turn {
        let m = self.message();
        let http = answer::is_http(m.proto);
        if m.part == Part::Response && m.stage == Stage::Head && self.body_to_come {
            return Turn::NeedBody;
        }
        let (words, made) = match act {
            Act::Block(status) => (format!("blocked with {status}"), answer::refusal(m, *status, &rule.name)),
            Act::Answer(given) => match answer::given(m, given) {
                Ok(a) => ("answered".to_string(), Some(a)),
                Err(why) => {
                    did.push(format!("left it: {why}"));
                    return Turn::Next;
                }
            },
            Act::MapLocal(_) if !http => {
                did.push(format!("left it: {} has no files", m.proto));
                return Turn::Next;
            }
            Act::MapLocal(path) => {
                let (words, a) = from_file(m, rule, path);
                (words, Some(a))
            }
            _ => return Turn::Next,
        };
        let Some(mut made) = made else {
            did.push(format!("dropped it: {} has no words to refuse with", m.proto));
            return Turn::End(Judgement::Drop);
        };
        did.push(words);
        if m.part == Part::Request {
            return Turn::End(Judgement::Answer(Box::new(made)));
        }
        // In the place of an answer that is on its way.
        (made.dir, made.part) = (m.dir, m.part);
        Turn::End(Judgement::Change(Box::new(made)))
    }
}

/// The answer from a mapped file or folder.
fn from_file(m: &Transit, rule: &Rule, path: &std::path::Path) -> (String, Transit) {
    let url = m.url.as_deref().unwrap_or_default();
    // What stands behind the match of `url` goes on inside the folder; without `url`, the whole path does.
    let behind = rule.url.as_ref().and_then(|r| r.find(url.as_bytes())).and_then(|f| url.get(f.end()..));
    let rest = behind.unwrap_or_else(|| remote::path_of(url));
    let text = "text/plain; charset=utf-8";
    match local::find(path, rest).map(|file| (local::read(&file), file)) {
        Ok((Ok(body), file)) => {
            (format!("answered from {}", file.display()), answer::http(m, 200, local::media_type(&file), body))
        }
        Ok((Err(why), _)) => (format!("answered with 500: {why}"), answer::http(m, 500, text, Bytes::from(format!("{why}\n")))),
        Err(local::Nothing::Missing) => {
            let told = format!("{} has no file for this address.\n", path.display());
            (format!("answered with 404: no file in {}", path.display()), answer::http(m, 404, text, Bytes::from(told)))
        }
        Err(local::Nothing::Outside) => {
            let told = Bytes::from_static(b"This address leads out of the folder.\n");
            (format!("answered with 403: the path leads out of {}", path.display()), answer::http(m, 403, text, told))
        }
    }
}

/// What an act does, in words.
pub(super) fn describe(act: &Act) -> String {
    let show = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    let from = |s: &Source| match s {
        Source::Bytes(b) => format!("{} bytes", b.len()),
        Source::File(p) => p.display().to_string(),
    };
    match act {
        Act::Delay(t) => format!("delay by {t:?}"),
        Act::Throttle(p) => {
            let rate = |r: Option<u64>| r.map_or("unpaced".to_string(), |r| format!("{r} B/s"));
            format!("pace to {} down, {} up, {:?} later each way", rate(p.down), rate(p.up), p.latency)
        }
        Act::Line(r) => format!("replace {} in the line", r.find),
        Act::Method(m) => format!("make the method {}", show(m)),
        Act::Status(s) => format!("make the status {s}"),
        Act::SetHeader(n, v) => format!("set {}: {}", show(n), show(v)),
        Act::AddHeader(n, v) => format!("add {}: {}", show(n), show(v)),
        Act::RemoveHeader(n) => format!("remove {}", show(n)),
        Act::ReplaceHeader(n, r) => format!("replace {} in {}", r.find, show(n)),
        Act::SetBody(s) => format!("give it the body {}", from(s)),
        Act::ReplaceBody(r) => format!("replace {} in the body", r.find),
        Act::MapRemote(Remote::Server { host, .. }) => format!("send to {host}"),
        Act::MapRemote(Remote::Url(r)) => format!("send elsewhere: {} replaced in the URL", r.find),
        Act::MapLocal(p) => format!("answer from {}", p.display()),
        Act::Answer(a) => a.line.as_ref().map_or_else(|| format!("answer with {}", a.status), |l| format!("answer {}", show(l))),
        Act::Block(s) => format!("block with {s}"),
        Act::Drop => "drop".into(),
        Act::Reset => "break the connection off".into(),
        Act::Hold => "hold".into(),
    }
}
