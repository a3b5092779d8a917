//! Bytes of a protocol that nobody reads, in the middle: each piece is a message as it comes, so that they can be held and changed too. Where
//! TLS begins within them it is opened.

use crate::middle::{Middle, Part, Serve, Setting, Transit};
use crate::span::Dir;
use crate::talk::{Book, Draft, Next, Says, Talk, Talking};
use crate::within::{WITHIN, hello_behind};
use bytes::Bytes;

/// A piece handed to a judge is at most so long, bytes.
const MOST_PIECE: usize = 64 << 10;

/// How bytes of an unknown protocol stand in the middle.
pub static SERVE: Serve = Serve { forward: false, reopened: false, new };

fn new(setting: &Setting) -> Box<dyn Middle> {
    Box::new(Talking::new(Chunks { judge: setting.judge, count: 0, passed: 0 }, setting))
}

/// Each piece of bytes as one message. Its line is its first line where that is text, so that rules about lines fit; its body is all of it.
#[derive(Debug)]
struct Chunks {
    judge: bool,
    count: u64,
    /// Bytes that were passed on, in both directions.
    passed: usize,
}

/// The first line of a piece, if it is text.
fn line(piece: &Bytes) -> Bytes {
    let end = memchr::memchr2(b'\r', b'\n', piece).unwrap_or(piece.len()).min(1024);
    let is_text = |b: &[u8]| std::str::from_utf8(b).is_ok_and(|t| !t.chars().any(|c| c.is_control() && c != '\t'));
    piece.get(..end).filter(|l| is_text(l)).map(|l| piece.slice_ref(l)).unwrap_or_default()
}

impl Talk for Chunks {
    type Kind = ();

    fn name(&self) -> &'static str {
        "data"
    }

    fn next(&mut self, dir: Dir, bytes: &[u8], _seen: usize, _book: &mut Book<()>) -> Next {
        let within = self.passed < WITHIN;
        // A hello at the very beginning has been looked at: it could not be opened.
        let before = hello_behind(bytes).filter(|_| within && dir == Dir::ToServer);
        if before == Some(0) && self.passed > 0 {
            return Next::Anew;
        }
        if !self.judge && !within {
            return Next::Opaque;
        }
        let piece = before.filter(|n| *n > 0).unwrap_or(bytes.len().min(MOST_PIECE));
        self.passed = self.passed.saturating_add(piece);
        if !self.judge {
            return Next::Pass(piece);
        }
        self.count = self.count.saturating_add(1);
        Next::Whole(piece)
    }

    fn draft(&self, _dir: Dir, message: &Bytes, _book: &Book<()>) -> Draft {
        Draft { part: Part::Message, exchange: self.count.saturating_sub(1), line: line(message), body: message.clone() }
    }

    fn write(&mut self, _dir: Dir, was: &Bytes, now: &Transit) -> Bytes {
        let old = line(was);
        if now.line == old || now.body != *was {
            return now.body.clone();
        }
        // Only the line was changed: it takes the place of the old one.
        [&now.line, was.get(old.len()..).unwrap_or(&[])].concat().into()
    }

    fn goes(&mut self, _dir: Dir, _message: &Bytes, _says: &mut Says<'_, ()>) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::middle::{Judgement, News, Place, Step};
    use crate::spec::{Hint, Start, Transport};

    fn setting(judge: bool) -> Setting {
        let start = Start {
            transport: Transport::Tcp,
            client: None,
            server: None,
            hint: Hint::Probe,
            midstream: false,
            expected: None,
            inside: None,
        };
        Setting::new(start, Place::Between, judge)
    }

    fn sent(steps: &[Step]) -> Vec<u8> {
        steps.iter().flat_map(|s| if let Step::Send { bytes, .. } = s { bytes.to_vec() } else { Vec::new() }).collect()
    }

    #[test]
    fn each_piece_is_judged_and_its_line_or_all_of_it_can_be_changed() {
        let change = |f: fn(&mut Transit)| {
            let (mut m, mut steps) = (new(&setting(true)), Vec::new());
            m.push(Dir::ToServer, Bytes::from_static(b"hello\r\nworld"), &mut steps);
            assert!(m.holds(Dir::ToServer) && m.weight() >= 12);
            let Some(Step::Judge { ticket, mut message }) = steps.pop() else { panic!("nothing to judge") };
            assert_eq!((&*message.line, &*message.body), (&b"hello"[..], &b"hello\r\nworld"[..]));
            f(&mut message);
            m.tell(News::Judged { ticket, judgement: Judgement::Change(message) }, &mut steps);
            sent(&steps)
        };
        assert_eq!(change(|t| t.line = Bytes::from_static(b"bye")), b"bye\r\nworld");
        assert_eq!(change(|t| t.body = Bytes::from_static(b"\0")), b"\0");
    }

    #[test]
    fn without_a_judge_bytes_are_copied_once_tls_cannot_begin_any_more() {
        let (mut m, mut steps) = (new(&setting(false)), Vec::new());
        m.push(Dir::ToClient, Bytes::from_static(b"x"), &mut steps);
        assert!(matches!(steps.as_slice(), [Step::Send { .. }]), "{steps:?}");
        steps.clear();
        m.push(Dir::ToClient, vec![0; WITHIN].into(), &mut steps);
        m.push(Dir::ToServer, HELLO.into(), &mut steps);
        assert_eq!(sent(&steps).len(), WITHIN + HELLO.len());
        assert!(matches!(steps.last(), Some(Step::Opaque { .. })), "{:?}", steps.last());
    }

    /// The head of a ClientHello's record.
    const HELLO: &[u8] = &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 7];

    #[test]
    fn a_hello_within_begins_anew_and_one_that_could_not_be_opened_does_not() {
        for judge in [false, true] {
            let (mut m, mut steps) = (new(&setting(judge)), Vec::new());
            m.push(Dir::ToServer, Bytes::from_static(b"tls?"), &mut steps);
            // The hello waits for what is being judged before it.
            m.push(Dir::ToServer, HELLO.into(), &mut steps);
            if judge {
                let Some(Step::Judge { ticket, .. }) = steps.pop() else { panic!("nothing to judge") };
                m.tell(News::Judged { ticket, judgement: Judgement::Pass }, &mut steps);
            }
            assert_eq!(sent(&steps), b"tls?");
            let Some(Step::Becomes { rest: [to_server, _], .. }) = steps.pop() else { panic!("{steps:?}") };
            assert_eq!(&*to_server, HELLO);
        }
        let (mut m, mut steps) = (new(&setting(false)), Vec::new());
        m.push(Dir::ToServer, HELLO.into(), &mut steps);
        assert_eq!(sent(&steps), HELLO);
    }

    #[test]
    fn a_hello_that_came_together_with_mysqls_request_is_parted_from_it() {
        let request = [&[0x20, 0, 0, 1][..], &[9; 32]].concat();
        let (mut m, mut steps) = (new(&setting(false)), Vec::new());
        m.push(Dir::ToServer, [&request, HELLO].concat().into(), &mut steps);
        assert_eq!(sent(&steps), request);
        let Some(Step::Becomes { rest: [to_server, _], .. }) = steps.pop() else { panic!("{steps:?}") };
        assert_eq!(&*to_server, HELLO);
    }
}
