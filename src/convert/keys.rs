//! Secrets on their way through: which lines of a key log are kept, what is added, what is written out.

use std::collections::HashSet;
use std::io::{self, Write};
use wirelore_capture::secrets;

/// Which secrets the output holds.
#[derive(Debug)]
pub(super) enum Keep {
    All,
    None,
    /// Those of the TLS sessions with these client randoms.
    Of(HashSet<[u8; 32]>),
}

/// The rules for secrets, and what became of them.
pub(super) struct Keys {
    pub(super) keep: Keep,
    /// A key log to be added.
    pub(super) inject: Option<Vec<u8>>,
    /// A key log that gets what the capture holds.
    pub(super) extract: Option<Box<dyn Write>>,
    /// Blocks of secrets that were left out whole, and that are not a TLS key log.
    pub(super) other_left_out: u64,
    /// Lines of key logs written.
    pub(super) lines: u64,
    /// Whether any secrets were.
    pub(super) written: bool,
}

fn random(line: &[u8]) -> Option<[u8; 32]> {
    let hex = line.split(u8::is_ascii_whitespace).nth(1)?;
    let text = std::str::from_utf8(hex).ok().filter(|t| t.len() == 64)?;
    let mut random = [0; 32];
    for (i, byte) in random.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(i * 2..i * 2 + 2)?, 16).ok()?;
    }
    Some(random)
}

impl Keys {
    /// What of these secrets is to be written; nothing where none are.
    pub(super) fn pass(&mut self, kind: u32, data: &[u8]) -> Option<Vec<u8>> {
        let tls = kind == secrets::TLS_KEY_LOG;
        let kept = match &self.keep {
            Keep::All => data.to_vec(),
            Keep::None => return None,
            Keep::Of(_) if !tls => {
                self.other_left_out += 1;
                return None;
            }
            Keep::Of(randoms) => {
                let wanted = |line: &&[u8]| random(line).is_some_and(|r| randoms.contains(&r));
                let lines = data.split(|b| *b == b'\n').map(<[u8]>::trim_ascii).filter(wanted);
                lines.flat_map(|l| [l, b"\n"].concat()).collect()
            }
        };
        if tls {
            self.lines +=
                kept.split(|b| *b == b'\n').filter(|l| !l.trim_ascii().is_empty() && !l.starts_with(b"#")).count() as u64;
        }
        self.written |= !kept.is_empty();
        (!kept.is_empty()).then_some(kept)
    }

    /// The key log to be added, once.
    pub(super) fn injected(&mut self) -> Option<Vec<u8>> {
        let log = self.inject.take()?;
        self.pass(secrets::TLS_KEY_LOG, &log)
    }

    /// Writes what the capture holds to the key log that was asked for.
    pub(super) fn extracted(&mut self, kind: u32, data: &[u8]) -> io::Result<()> {
        match &mut self.extract {
            Some(out) if kind == secrets::TLS_KEY_LOG => {
                out.write_all(data)?;
                if data.ends_with(b"\n") { Ok(()) } else { out.write_all(b"\n") }
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_key_log_only_lines_of_wanted_sessions_stay() {
        let (a, b) = ("aa".repeat(32), "bb".repeat(32));
        let log = format!(
            "# made by hand\r\nCLIENT_RANDOM {a} 01\r\nCLIENT_RANDOM {b} 02\nRSA 0011 22\nSERVER_TRAFFIC_SECRET_0 {a} 03"
        );
        let keep = Keep::Of([[0xaa; 32]].into_iter().collect());
        let mut keys = Keys { keep, inject: None, extract: None, other_left_out: 0, lines: 0, written: false };
        let kept = keys.pass(secrets::TLS_KEY_LOG, log.as_bytes()).expect("some");
        assert_eq!(String::from_utf8_lossy(&kept), format!("CLIENT_RANDOM {a} 01\nSERVER_TRAFFIC_SECRET_0 {a} 03\n"));
        assert_eq!(keys.lines, 2);
        assert_eq!(keys.pass(secrets::SSH_KEY_LOG, b"x"), None);
        assert_eq!(keys.other_left_out, 1);
    }
}
