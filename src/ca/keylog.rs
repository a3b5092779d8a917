//! Writing TLS secrets to an SSLKEYLOGFILE (RFC 9850), so that other programs can decrypt what passed: for both legs, if the proxy says so.

use crate::Error;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A key log that grows. Clones write to the same file.
#[derive(Debug, Clone)]
pub struct KeyLogFile {
    path: PathBuf,
    file: Arc<File>,
}

impl KeyLogFile {
    /// Opens a file for appending; a new one is readable by its owner only, since it opens every connection that it names.
    pub fn append(path: &Path) -> Result<KeyLogFile, Error> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(Error::file(path, "open the key log"))?;
        Ok(KeyLogFile { path: path.to_owned(), file: Arc::new(file) })
    }

    /// Writes one line, with or without its newline, in one call: what several processes append does not mix.
    pub fn line(&self, line: &[u8]) -> Result<(), Error> {
        let mut whole = line.strip_suffix(b"\n").unwrap_or(line).to_vec();
        whole.push(b'\n');
        (&*self.file).write_all(&whole).map_err(Error::file(&self.path, "write the key log"))
    }
}

/// A line of a key log: a label, the client's random and a secret.
pub fn line(label: &str, client_random: &[u8], secret: &[u8]) -> Vec<u8> {
    // Ten such lines belong to each new connection of a proxy: no branch and no look into a table for a digit.
    let digit = |half: u8| half.saturating_add(if half < 10 { b'0' } else { b'a' - 10 });
    let hex = |line: &mut Vec<u8>, bytes: &[u8]| {
        for b in bytes {
            line.extend_from_slice(&[digit(b >> 4), digit(b & 15)]);
        }
    };
    let mut line = Vec::with_capacity(256);
    line.extend_from_slice(label.as_bytes());
    line.push(b' ');
    hex(&mut line, client_random);
    line.push(b' ');
    hex(&mut line, secret);
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_log_is_its_owners_and_grows() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        for n in 0..2u8 {
            KeyLogFile::append(&path).unwrap().line(&line("CLIENT_RANDOM", &[n; 2], &[0xab, 0x0c])).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "CLIENT_RANDOM 0000 ab0c\nCLIENT_RANDOM 0101 ab0c\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
