//! Where a converted capture goes: standard output, or a file that appears under its name only when it is whole; packed as its name says.

use super::wrong;
use crate::cli::exit;
use crate::reading::Failure;
use flate2::write::GzEncoder;
use lz4_flex::frame::FrameEncoder;
use std::fs::{File, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

type Raw = BufWriter<Box<dyn Write>>;

/// Bytes on their way to the file.
enum Packing {
    Plain(Raw),
    Gzip(Box<GzEncoder<Raw>>),
    Lz4(Box<FrameEncoder<Raw>>),
}

/// The output.
pub(super) struct Sink {
    packing: Packing,
    /// The file under its temporary name, and the name it gets.
    becomes: Option<(NamedTempFile, PathBuf)>,
    name: String,
}

/// What can be asked of a name: how the capture is packed, and the name without that ending.
fn ending(path: &Path) -> (Option<String>, PathBuf) {
    let packed = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    match packed.filter(|e| matches!(e.as_str(), "gz" | "lz4" | "zst")) {
        Some(packed) => (Some(packed), path.with_extension("")),
        None => (None, path.to_path_buf()),
    }
}

/// Whether a name, packed or not, is that of a classic pcap.
pub(super) fn names_pcap(path: &Path) -> bool {
    let inner = ending(path).1;
    inner.extension().is_some_and(|e| ["pcap", "cap", "dmp"].iter().any(|k| e.eq_ignore_ascii_case(k)))
}

impl Sink {
    /// Opens the output; `-` is standard output.
    pub(super) fn new(path: &Path) -> Result<Sink, Failure> {
        let name = path.display().to_string();
        let failed = |e: io::Error| Failure {
            text: format!("{name} cannot be written: {e}. Check that the folder is there and that you may write to it."),
            code: exit::WRITE,
        };
        let packed = ending(path).0;
        if packed.as_deref() == Some("zst") {
            return Err(wrong(format!(
                "-w {name}: zstd is read here but not written. Name it .gz or .lz4, or write `-w - | zstd`."
            )));
        }
        let (out, becomes): (Box<dyn Write>, _) = if name == "-" {
            (Box::new(io::stdout()), None)
        } else if std::fs::metadata(path).is_ok_and(|m| !m.is_file()) {
            // A device or a pipe is written to; it can not be put in place of anything.
            (Box::new(File::options().write(true).open(path).map_err(failed)?), None)
        } else {
            // A link stays a link: what it names is replaced.
            let place = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
            let folder = place.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let mut temporary = tempfile::Builder::new();
            // The umask takes away what others may not have, as for any file that is made.
            let mode = std::fs::metadata(&place).map_or_else(|_| Permissions::from_mode(0o666), |m| m.permissions());
            let file = temporary.prefix(".wirelore-").permissions(mode).tempfile_in(folder).map_err(failed)?;
            (Box::new(file.reopen().map_err(failed)?), Some((file, place)))
        };
        let raw = BufWriter::with_capacity(256 * 1024, out);
        let packing = match packed.as_deref() {
            Some("gz") => Packing::Gzip(Box::new(GzEncoder::new(raw, flate2::Compression::default()))),
            Some("lz4") => Packing::Lz4(Box::new(FrameEncoder::new(raw))),
            _ => Packing::Plain(raw),
        };
        Ok(Sink { packing, becomes, name })
    }

    /// Ends the packing, and gives the file its name.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let Sink { packing, becomes, name } = self;
        let went = match packing {
            Packing::Plain(raw) => Ok(raw),
            Packing::Gzip(gz) => gz.finish(),
            Packing::Lz4(lz4) => lz4.finish().map_err(io::Error::from),
        };
        went.and_then(|mut raw| raw.flush()).map_err(|e| failed(&name, &e))?;
        match becomes {
            Some((file, place)) => file.persist(place).map(|_| ()).map_err(|e| failed(&name, &e.error)),
            None => Ok(()),
        }
    }

    /// How to say that writing failed.
    pub(super) fn failed(&self, e: &io::Error) -> Failure {
        failed(&self.name, e)
    }
}

fn failed(name: &str, e: &io::Error) -> Failure {
    if e.kind() == io::ErrorKind::BrokenPipe {
        return Failure::write(e);
    }
    Failure { text: format!("Writing {name} failed: {e}."), code: exit::WRITE }
}

impl Write for Sink {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match &mut self.packing {
            Packing::Plain(w) => w.write(buf),
            Packing::Gzip(w) => w.write(buf),
            Packing::Lz4(w) => w.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.packing {
            Packing::Plain(w) => w.flush(),
            Packing::Gzip(w) => w.flush(),
            Packing::Lz4(w) => w.flush(),
        }
    }
}
