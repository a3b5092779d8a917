//! A letter that was sent by SMTP as a `swaks` command that sends it again: same envelope, same bytes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// How the connection was encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tls {
    /// Not at all.
    #[default]
    None,
    /// After STARTTLS.
    Started,
    /// From its first byte.
    AtOnce,
}

/// A letter with its envelope.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Letter {
    /// Name or address of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the client called itself.
    pub helo: String,
    /// The envelope's sender; empty for notices that nobody shall answer.
    pub from: String,
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// Encryption.
    pub tls: Tls,
    /// The letter, dots not doubled, without the line that ends it.
    pub data: Vec<u8>,
    /// The packet that completed it, counted from 1.
    pub frame: u32,
}

/// The command, for a POSIX shell. A letter that came in chunks (BDAT) without a line end at its end gets one: DATA cannot do without.
#[must_use]
pub fn swaks(l: &Letter) -> String {
    let quoted = crate::copy_as::shell;
    let mut words = vec![format!("swaks --server {} --port {}", quoted(&l.host), l.port)];
    if !l.helo.is_empty() {
        words.push(format!("--ehlo {}", quoted(&l.helo)));
    }
    words.push(format!("--from {}", quoted(if l.from.is_empty() { "<>" } else { &l.from })));
    words.push(format!("--to {}", quoted(&l.to.join(","))));
    match l.tls {
        Tls::None => {}
        Tls::Started => words.push("--tls".into()),
        Tls::AtOnce => words.push("--tls-on-connect".into()),
    }
    // swaks would replace words between % and add a line: it is told to send the letter as it goes over the wire.
    words.push("--no-data-fixup --data -".into());
    let (wire, command) = (wired(&l.data), words.join(" \\\n  "));
    match text(&wire) {
        Some(text) => format!("awk '{{printf \"%s\\r\\n\", $0}}' <<'LETTER' | {command}\n{text}LETTER"),
        None => format!("base64 -d <<'LETTER' | {command}\n{}\nLETTER", STANDARD.encode(wire)),
    }
}

/// The bytes as lines of text, if a shell can hold them so.
fn text(wire: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(wire).ok()?.strip_suffix("\r\n")?;
    let mut out = String::new();
    for line in text.split("\r\n") {
        if line == "LETTER" || line.chars().any(|c| c.is_control() && c != '\t') {
            return None;
        }
        out.push_str(line);
        out.push('\n');
    }
    Some(out)
}

/// With dots doubled at the beginnings of lines, and the line that ends it (RFC 5321 §4.5.2).
fn wired(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len().saturating_add(8));
    let mut begins = true;
    for b in data {
        if begins && *b == b'.' {
            out.push(b'.');
        }
        out.push(*b);
        begins = *b == b'\n';
    }
    if !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(data: &[u8]) -> Letter {
        let to = vec!["a@x.test".into(), "b@x.test".into()];
        Letter {
            host: "192.0.2.25".into(),
            port: 587,
            helo: "me".into(),
            to,
            tls: Tls::Started,
            data: data.to_vec(),
            ..Letter::default()
        }
    }

    #[test]
    fn plain_letters_stand_as_they_are_and_others_in_base64() {
        let line = swaks(&letter(b"Subject: hi\r\n\r\nit's me\r\n.100%FROM%\r\n"));
        assert_eq!(
            line,
            "awk '{printf \"%s\\r\\n\", $0}' <<'LETTER' | swaks --server 192.0.2.25 --port 587 \\\n  --ehlo me \\\n  --from '<>' \\\n  --to \
             a@x.test,b@x.test \\\n  --tls \\\n  --no-data-fixup --data -\nSubject: hi\n\nit's me\n..100%FROM%\n.\nLETTER"
        );
        for odd in [&b"a\r\n.\r\nb\0\r\n"[..], b"LETTER\r\n", b"bare\nline\r\n", b"\xff\r\n"] {
            let line = swaks(&letter(odd));
            let text = line.strip_suffix("\nLETTER").and_then(|l| l.rsplit_once('\n')).expect("a body").1;
            let wire = STANDARD.decode(text).expect("base64");
            assert!(
                wire.ends_with(b"\r\n.\r\n") && !wire[..wire.len() - 5].windows(5).any(|w| w == b"\r\n.\r\n"),
                "{odd:?}: {wire:?}"
            );
        }
    }
}
