//! Where a converted capture goes: standard output, or a file that appears under its name only when it is whole; packed as its name says.

use crate::cli::exit;
use crate::packing::{self, Packing};
use crate::reading::Failure;
use std::fs::{File, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

type Raw = BufWriter<Box<dyn Write + Send>>;

/// The output.
pub(super) struct Sink {
    packing: Packing<Raw>,
    /// The file under its temporary name, and the name it gets.
    becomes: Option<(NamedTempFile, PathBuf)>,
    name: String,
}

impl Sink {
    /// Opens the output; `-` is standard output.
    pub(super) fn new(path: &Path) -> Result<Sink, Failure> {
        let name = path.display().to_string();
        let failed = |e: io::Error| Failure {
            text: format!("{name} cannot be written: {e}. Check that the folder is there and that you may write to it."),
            code: exit::WRITE,
        };
        let (out, becomes): (Box<dyn Write + Send>, _) = if name == "-" {
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
        let packing = Packing::new(packing::named(path), raw);
        Ok(Sink { packing, becomes, name })
    }

    /// Ends the packing, and gives the file its name.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let Sink { packing, becomes, name } = self;
        packing.finish().map_err(|e| failed(&name, &e))?;
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
        self.packing.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.packing.flush()
    }
}
