//! Fingerprints of hellos: JA3 and JA3S (MD5 over what was offered and chosen) and JA4, which sorts first so that shuffling changes nothing.

use super::crypto::prf::Hash;
use super::cursor::Cursor;
use super::names::is_grease;
use super::session::as_tls;
use std::cell::RefCell;
use std::rc::Rc;

/// What a ClientHello offers, in its order, GREASE left out.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Offer {
    legacy: u16,
    suites: Vec<u16>,
    extensions: Vec<u16>,
    groups: Vec<u16>,
    formats: Vec<u8>,
    signatures: Vec<u16>,
    newest: u16,
    alpn: Option<Vec<u8>>,
    name: bool,
}

/// Numbers of two bytes up to the end.
fn numbers(mut c: Cursor<'_>, to: &mut Vec<u16>) {
    while let Some(v) = c.u16() {
        if !is_grease(v) {
            to.push(v);
        }
    }
}

/// Which of two versions is newer; those of DTLS count downwards.
fn newer(a: u16, b: u16) -> u16 {
    if as_tls(b) > as_tls(a) || a == 0 { b } else { a }
}

/// Reads the body of a ClientHello.
#[must_use]
pub fn offer(body: &[u8]) -> Option<Offer> {
    let mut c = Cursor(body);
    let mut o = Offer { legacy: c.u16()?, ..Offer::default() };
    c.take(32)?;
    c.vector(1)?;
    if as_tls(o.legacy) != o.legacy {
        c.vector(1)?;
    }
    numbers(c.vector(2)?, &mut o.suites);
    c.vector(1)?;
    let mut extensions = c.vector(2).unwrap_or(Cursor(&[]));
    while let Some((kind, mut data)) = extensions.extension() {
        if is_grease(kind) {
            continue;
        }
        o.extensions.push(kind);
        match kind {
            0 => o.name = true,
            10 => numbers(data.vector(2).unwrap_or(Cursor(&[])), &mut o.groups),
            11 => o.formats = data.vector(1).map_or(Vec::new(), |f| f.0.to_vec()),
            13 => numbers(data.vector(2).unwrap_or(Cursor(&[])), &mut o.signatures),
            16 => o.alpn = data.vector(2).and_then(|mut l| l.vector(1)).map(|n| n.0.to_vec()),
            43 => {
                let mut versions = Vec::new();
                numbers(data.vector(1).unwrap_or(Cursor(&[])), &mut versions);
                o.newest = versions.into_iter().fold(0, newer);
            }
            _ => {}
        }
    }
    Some(o)
}

fn decimals<T: Copy + Into<u16>>(to: &mut String, values: &[T]) {
    for (i, v) in values.iter().enumerate() {
        if i > 0 {
            to.push('-');
        }
        decimal((*v).into(), to);
    }
}

fn decimal(v: u16, to: &mut String) {
    let digits = [v / 10_000, v / 1000 % 10, v / 100 % 10, v / 10 % 10, v % 10];
    let leading = digits.iter().take(4).take_while(|d| **d == 0).count();
    to.extend(digits.iter().skip(leading).map(|d| digit(*d as u8)));
}

/// A digit of a hexadecimal number. (Each new connection has hundreds of them: formatting them one by one took a tenth of reading it.)
fn digit(half: u8) -> char {
    char::from(half.saturating_add(if half < 10 { b'0' } else { b'a' - 10 }))
}

fn hex(bytes: &[u8]) -> String {
    let mut s = String::with_capacity(bytes.len().saturating_mul(2));
    for b in bytes {
        s.push(digit(b >> 4));
        s.push(digit(b & 15));
    }
    s
}

/// The MD5 of a JA3 text in hex.
#[must_use]
pub fn md5(text: &str) -> String {
    hex(&Hash::Md5.digest(&[text.as_bytes()]))
}

impl Offer {
    /// The text whose MD5 is JA3.
    #[must_use]
    pub fn ja3(&self) -> String {
        let mut s = format!("{},", self.legacy);
        decimals(&mut s, &self.suites);
        s.push(',');
        decimals(&mut s, &self.extensions);
        s.push(',');
        decimals(&mut s, &self.groups);
        s.push(',');
        decimals(&mut s, &self.formats);
        s
    }

    /// JA4. It begins with what carries the hello: QUIC's has parameters for it, DTLS has versions of its own.
    #[must_use]
    pub fn ja4(&self) -> String {
        let carrier = if as_tls(self.legacy) != self.legacy {
            'd'
        } else if self.extensions.iter().any(|e| matches!(e, 57 | 0xffa5)) {
            'q'
        } else {
            't'
        };
        let version = match if self.newest == 0 { self.legacy } else { self.newest } {
            0x0304 => "13",
            0x0303 => "12",
            0x0302 => "11",
            0x0301 => "10",
            0x0300 => "s3",
            0x0002 => "s2",
            0xfeff => "d1",
            0xfefd => "d2",
            0xfefc => "d3",
            _ => "00",
        };
        let two = |n: usize| n.min(99);
        let mut s = format!(
            "{carrier}{version}{}{:02}{:02}",
            if self.name { 'd' } else { 'i' },
            two(self.suites.len()),
            two(self.extensions.len())
        );
        match self.alpn.as_deref() {
            Some([first, .., last]) | Some([first @ last]) if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() => {
                s.push(char::from(*first));
                s.push(char::from(*last));
            }
            Some(name) if !name.is_empty() => {
                let hex = hex(name);
                s.extend(hex.chars().next());
                s.extend(hex.chars().last());
            }
            _ => s.push_str("00"),
        }
        let listed = |values: &mut dyn Iterator<Item = u16>| {
            let mut l = String::with_capacity(128);
            for v in values {
                if !l.is_empty() {
                    l.push(',');
                }
                l.extend(v.to_be_bytes().into_iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]));
            }
            l
        };
        let mut suites = self.suites.clone();
        suites.sort_unstable();
        let mut extensions: Vec<u16> = self.extensions.iter().copied().filter(|e| !matches!(e, 0 | 16)).collect();
        extensions.sort_unstable();
        let suites = listed(&mut suites.into_iter());
        let mut rest = listed(&mut extensions.into_iter());
        if !self.signatures.is_empty() && !rest.is_empty() {
            rest.push('_');
            rest.push_str(&listed(&mut self.signatures.iter().copied()));
        }
        for part in [suites, rest] {
            s.push('_');
            if part.is_empty() {
                s.push_str("000000000000");
            } else {
                s.push_str(hex(&Hash::Sha256.digest(&[part.as_bytes()])).get(..12).unwrap_or_default());
            }
        }
        s
    }
}

/// Offers whose JA4 is remembered by each thread.
const RECENT: usize = 16;

thread_local! {
    /// A client offers the same in each of its hellos, though often in another order: its JA4 is made once.
    static KNOWN: RefCell<Vec<(Offer, Rc<str>)>> = const { RefCell::new(Vec::new()) };
}

/// [`Offer::ja4`], made now or not long ago.
#[must_use]
pub fn ja4(mut offer: Offer) -> Rc<str> {
    // Their order is nothing to it.
    offer.extensions.sort_unstable();
    KNOWN.with_borrow_mut(|known| {
        if let Some((_, made)) = known.iter().find(|(o, _)| *o == offer) {
            return Rc::clone(made);
        }
        let made: Rc<str> = offer.ja4().into();
        known.truncate(RECENT.saturating_sub(1));
        known.insert(0, (offer, Rc::clone(&made)));
        made
    })
}

/// The text whose MD5 is JA3S, of the body of a ServerHello.
#[must_use]
pub fn ja3s(body: &[u8]) -> Option<String> {
    let mut c = Cursor(body);
    let version = c.u16()?;
    c.take(32)?;
    c.vector(1)?;
    let suite = c.u16()?;
    c.u8()?;
    let mut extensions = c.vector(2).unwrap_or(Cursor(&[]));
    let mut s = format!("{version},{suite},");
    let mut kinds = Vec::new();
    while let Some((kind, _)) = extensions.extension() {
        kinds.push(kind);
    }
    decimals(&mut s, &kinds);
    Some(s)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_of_an_offer_is_that_of_its_shuffled_twin_and_of_no_other() {
        let made = |extensions: &[u16], signatures: &[u16]| {
            let (extensions, signatures) = (extensions.to_vec(), signatures.to_vec());
            Offer { legacy: 0x0303, newest: 0x0304, suites: vec![0x1301, 0x1302], extensions, signatures, ..Offer::default() }
        };
        for _ in 0..2 {
            let one = ja4(made(&[13, 43, 51], &[0x0403]));
            assert_eq!(one, ja4(made(&[51, 13, 43], &[0x0403])));
            assert_eq!(*one, made(&[43, 51, 13], &[0x0403]).ja4());
            assert_ne!(one, ja4(made(&[13, 43, 51], &[0x0804])));
            assert_ne!(one, ja4(made(&[13, 43], &[0x0403])));
        }
        // Others in between do not change it.
        for n in 100..140 {
            assert_eq!(*ja4(made(&[n], &[])), made(&[n], &[]).ja4());
        }
    }
}
