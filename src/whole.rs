//! Files that appear under their names when they are whole: what is written to them has no name until then, so that whatever ends the
//! program before leaves nothing behind, and the file that was there before stays.

use crate::cli::exit;
use crate::packing::{self, Packing};
use crate::reading::Failure;
use std::fs::{File, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tempfile::TempPath;

/// What others may do with a file that somebody asked for, before the umask.
const OPEN: u32 = 0o666;
/// And with one that holds keys.
const SECRET: u32 = 0o600;

/// A file that is not there yet.
pub struct Whole {
    file: File,
    /// Its name until it is whole, where the file system has no files without one.
    named: Option<TempPath>,
    place: PathBuf,
    /// Whether nothing was there: the permissions are ours to choose.
    fresh: bool,
}

impl Whole {
    /// One that gets this name. A link stays a link: what it names is replaced.
    ///
    /// # Errors
    /// The folder is not there, or may not be written to.
    pub fn new(path: &Path) -> io::Result<Whole> {
        let place = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let before = std::fs::metadata(&place).ok().map(|m| m.permissions());
        let (file, named) = match nameless(folder(&place)) {
            Some(file) => (file, None),
            None => {
                let mode = Permissions::from_mode(OPEN);
                let made = tempfile::Builder::new().prefix(".wirelore-").permissions(mode).tempfile_in(folder(&place))?;
                let (file, named) = made.into_parts();
                (file, Some(named))
            }
        };
        let fresh = before.is_none();
        if let Some(before) = before {
            file.set_permissions(before)?;
        }
        Ok(Whole { file, named, place, fresh })
    }

    /// Another handle, to write to.
    ///
    /// # Errors
    /// The system has no more.
    pub fn handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// It holds keys: nobody else may read it, unless there was a file that they could.
    ///
    /// # Errors
    /// The file system keeps no permissions.
    pub fn is_secret(&self) -> io::Result<()> {
        if self.fresh { self.file.set_permissions(Permissions::from_mode(SECRET)) } else { Ok(()) }
    }

    /// As [`Whole::finish`], with what was written on the disk in any case.
    ///
    /// # Errors
    /// As there.
    pub fn finish_on_disk(self) -> io::Result<()> {
        self.file.sync_all()?;
        self.finish()
    }

    /// Gives it its name. What takes the place of another file lies on the disk before: half of it after a power cut would be worse than the
    /// one before.
    ///
    /// # Errors
    /// The disk is full; the name cannot be given.
    pub fn finish(self) -> io::Result<()> {
        if !self.fresh {
            self.file.sync_all()?;
        }
        match self.named {
            Some(named) => named.persist(&self.place).map_err(|e| e.error),
            None => give_name(&self.file, &self.place),
        }
    }
}

impl Write for Whole {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.file.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn folder(place: &Path) -> &Path {
    place.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file without a name, where there is such a thing.
fn nameless(folder: &Path) -> Option<File> {
    let flags = nix::fcntl::OFlag::O_TMPFILE.bits();
    // That it can be named later is known only by a look at where it would be named from.
    File::options().write(true).mode(OPEN).custom_flags(flags).open(folder).ok().filter(|f| through(f).exists())
}

/// How the system names an open file.
fn through(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

fn give_name(file: &File, place: &Path) -> io::Result<()> {
    let link = |to: &Path| {
        let here = nix::fcntl::AT_FDCWD;
        nix::unistd::linkat(here, &through(file), here, to, nix::fcntl::AtFlags::AT_SYMLINK_FOLLOW).map_err(io::Error::from)
    };
    match link(place) {
        // A link takes no other file's place; a new name does.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
        went => return went,
    }
    let beside = tempfile::Builder::new().prefix(".wirelore-").make_in(folder(place), |to| link(to))?;
    beside.into_temp_path().persist(place).map_err(|e| e.error)
}

type Raw = BufWriter<Box<dyn Write + Send>>;

/// Where what was asked for goes: standard output, a device, or a file that appears under its name when it is whole; packed as its name
/// says.
pub struct Sink {
    packing: Packing<Raw>,
    becomes: Option<Whole>,
    name: String,
}

impl Sink {
    /// Opens the output; `-` is standard output.
    ///
    /// # Errors
    /// It cannot be written to.
    pub fn new(path: &Path) -> Result<Sink, Failure> {
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
            let whole = Whole::new(path).map_err(failed)?;
            (Box::new(whole.handle().map_err(failed)?), Some(whole))
        };
        let packing = Packing::new(packing::named(path), BufWriter::with_capacity(256 * 1024, out));
        Ok(Sink { packing, becomes, name })
    }

    /// What was written holds keys.
    ///
    /// # Errors
    /// The file system keeps no permissions.
    pub fn is_secret(&self) -> Result<(), Failure> {
        self.becomes.as_ref().map_or(Ok(()), Whole::is_secret).map_err(|e| self.failed(&e))
    }

    /// Ends the packing, and gives the file its name.
    ///
    /// # Errors
    /// The disk is full; the name cannot be given.
    pub fn finish(self) -> Result<(), Failure> {
        let Sink { packing, becomes, name } = self;
        packing.finish().map_err(|e| failed(&name, &e))?;
        becomes.map_or(Ok(()), Whole::finish).map_err(|e| failed(&name, &e))
    }

    /// How to say that writing failed.
    #[must_use]
    pub fn failed(&self, e: &io::Error) -> Failure {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    }

    fn write(path: &Path, text: &[u8], secret: bool) {
        let mut whole = Whole::new(path).expect("a folder of ours");
        whole.write_all(text).expect("room");
        if secret {
            whole.is_secret().expect("permissions");
        }
        whole.finish().expect("a name");
    }

    #[test]
    fn a_file_has_the_permissions_of_any_file_and_one_with_keys_those_of_a_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let (plain, secret, usual) = (folder.path().join("plain"), folder.path().join("secret"), folder.path().join("usual"));
        File::create(&usual).expect("a file");
        write(&plain, b"x", false);
        write(&secret, b"x", true);
        assert_eq!((mode(&plain), mode(&secret)), (mode(&usual), 0o600));
        std::fs::set_permissions(&plain, Permissions::from_mode(0o640)).expect("ours");
        write(&plain, b"y", true);
        assert_eq!((mode(&plain), std::fs::read(&plain).expect("it is there")), (0o640, b"y".to_vec()), "as it was before");
    }

    #[test]
    fn a_file_that_is_given_up_leaves_nothing_and_what_was_there_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        write(&path, b"before", false);
        let mut whole = Whole::new(&path).expect("a folder of ours");
        whole.write_all(b"half").expect("room");
        let hidden = || std::fs::read_dir(folder.path()).expect("a folder").count();
        if nameless(folder.path()).is_none() {
            eprintln!("SKIPPED in part: this file system has no files without names");
        } else {
            assert_eq!(hidden(), 1, "while it is written it has no name that could stay");
        }
        drop(whole);
        assert_eq!((hidden(), std::fs::read(&path).expect("it is there")), (1, b"before".to_vec()));
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, link) = (folder.path().join("a"), folder.path().join("b"));
        write(&path, b"before", false);
        std::os::unix::fs::symlink(&path, &link).expect("a link");
        write(&link, b"after", false);
        assert!(link.is_symlink() && !path.is_symlink());
        assert_eq!(std::fs::read(&path).expect("it is there"), b"after");
    }
}
