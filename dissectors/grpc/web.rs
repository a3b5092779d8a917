//! gRPC-Web in base64 (application/grpc-web-text): undone four characters at a time, and handed on as gRPC-Web.

use super::fields as f;
use wirelore_kit::{Dir, Dissector, End, Hint, How, Out, Reader, Start, Stop, Told, Turn};

/// One direction's text; pieces may be padded in the middle, since each write is coded by itself.
#[derive(Debug, Clone)]
pub struct Base64 {
    hint: Hint,
    open: [bool; 2],
}

impl Base64 {
    /// For the bytes behind `start`'s hint.
    #[must_use]
    pub fn new(start: &Start) -> Base64 {
        let facts = start.hint.facts().into();
        Base64 { hint: Hint::Media(Box::new(Told { name: "application/grpc-web".into(), facts })), open: [false; 2] }
    }

    fn open(&mut self, dir: Dir) -> &mut bool {
        let [a, b] = &mut self.open;
        if dir == Dir::ToServer { a } else { b }
    }
}

/// The value of a character; padding counts as none.
const fn value(c: u8) -> Option<u32> {
    Some(match c {
        b'A'..=b'Z' => c.wrapping_sub(b'A') as u32,
        b'a'..=b'z' => c.wrapping_sub(b'a').wrapping_add(26) as u32,
        b'0'..=b'9' => c.wrapping_sub(b'0').wrapping_add(52) as u32,
        b'+' => 62,
        b'/' => 63,
        b'=' => 0,
        _ => return None,
    })
}

impl Dissector for Base64 {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let rest = r.rest();
        let len = rest.len() & !3;
        if len == 0 {
            r.peek(4)?;
        }
        let text = rest.get(..len).unwrap_or(&[]);
        let mut made = out.memory();
        for c in text.chunks_exact(4) {
            let mut bits = 0u32;
            for b in c {
                bits = (bits << 6) | value(*b).ok_or(Stop::Bad(&f::NOT_GRPC))?;
            }
            let pad = c.iter().filter(|b| **b == b'=').count();
            made.extend(bits.to_be_bytes().iter().skip(1).take(3usize.saturating_sub(pad)));
        }
        let span = r.span(len);
        r.text(&f::BASE64, len)?;
        if !std::mem::replace(self.open(turn.dir), true) {
            out.open();
            out.summary("Messages in base64");
        }
        out.piece(span);
        out.inner_made(0, turn.dir, made, span, How::Unpacked, self.hint.clone());
        Ok(())
    }

    fn end(&mut self, dir: Dir, how: End, out: &mut Out<'_>) {
        if std::mem::take(self.open(dir)) && how == End::Fin {
            out.close();
        }
        out.inner_end(0, dir, how);
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(self.clone()))
    }

    fn weight(&self) -> usize {
        size_of::<Base64>()
    }
}
