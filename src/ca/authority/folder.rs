//! The folder that an authority lives in: made at first run, the key readable by nobody else, never half written.

use super::{Authority, Scope};
use crate::signer::random;
use crate::{Error, pem};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Key and certificate, mode 0600.
pub const KEY_FILE: &str = "wirelore-ca.pem";
/// What is written beside it for others to take: only the certificate.
pub const FILES: [&str; 3] = ["wirelore-ca-cert.pem", "wirelore-ca-cert.cer", "wirelore-ca-cert.p12"];

/// Whether an authority was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was made just now: nobody trusts it yet.
    Made,
    /// It was there already.
    Found,
}

impl Authority {
    /// The authority of a folder; made, with the folder, if there is none. Several programs may do so at once: one of them makes it.
    pub fn load_or_create(folder: &Path) -> Result<Authority, Error> {
        Authority::open(folder, &Scope::default()).map(|(authority, _)| authority)
    }

    /// The same, with the names that a new one is limited to, and saying whether it was new.
    pub fn open(folder: &Path, scope: &Scope) -> Result<(Authority, Origin), Error> {
        let path = folder.join(KEY_FILE);
        let origin = if path.exists() {
            Origin::Found
        } else {
            let (authority, key) = Authority::make(scope)?;
            make_folder(folder)?;
            let text = format!("{}{}", pem::block("PRIVATE KEY", &key), authority.certificate_pem());
            if write_new(&path, text.as_bytes())? { Origin::Made } else { Origin::Found }
        };
        // Read back in either case, so that what is used is what the file says.
        let authority = Authority::from_files(&path, None)?;
        authority.write_certificate(folder)?;
        Ok((authority, origin))
    }

    /// Makes a new authority in the place of a folder's. The old one's key is gone for good afterwards, so what it signed, and what still
    /// trusts it, cannot be misused.
    pub fn rotate(folder: &Path, scope: &Scope) -> Result<Authority, Error> {
        let path = folder.join(KEY_FILE);
        let (old, aside) = (path.exists(), folder.join(format!("{KEY_FILE}.old")));
        if old {
            fs::rename(&path, &aside).map_err(Error::file(&path, "move the old CA aside"))?;
        }
        let made = Authority::open(folder, scope);
        if old {
            let (undone, removed) = match &made {
                Ok(_) => (Ok(()), fs::remove_file(&aside)),
                Err(_) => (fs::rename(&aside, &path), Ok(())),
            };
            undone.and(removed).map_err(Error::file(&aside, "put the old CA away"))?;
        }
        made.map(|(authority, _)| authority)
    }

    /// Deletes a folder's authority, key and certificates.
    pub fn delete(folder: &Path) -> Result<(), Error> {
        for name in [KEY_FILE].into_iter().chain(FILES) {
            let path = folder.join(name);
            match fs::remove_file(&path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(Error::file(&path, "delete the file")(e)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes the certificate into a folder, in each of its forms, where it is not there already.
    pub fn write_certificate(&self, folder: &Path) -> Result<(), Error> {
        let [pem, der, p12] = FILES.map(|name| folder.join(name));
        let mut stale = false;
        for (path, content) in [(pem, self.certificate_pem().as_bytes()), (der, self.certificate_der())] {
            if fs::read(&path).ok().as_deref() != Some(content) {
                replace(&path, content, 0o644)?;
                stale = true;
            }
        }
        // Salted, and so different each time: it is as old as the others.
        if stale || !p12.exists() {
            replace(&p12, &self.certificate_p12()?, 0o644)?;
        }
        Ok(())
    }

    /// An authority from files: a certificate and, unless it stands in the same file, its key.
    pub fn from_files(certificate: &Path, key: Option<&Path>) -> Result<Authority, Error> {
        let read = |path: &Path| fs::read(path).map_err(Error::file(path, "read the CA"));
        let from = read(certificate)?;
        let name = certificate.display().to_string();
        match key {
            Some(key) => Authority::read(&from, &name, &read(key)?, &key.display().to_string()),
            None => Authority::read(&from, &name, &from, &name),
        }
    }
}

fn make_folder(folder: &Path) -> Result<(), Error> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(Error::file(folder, "make the folder of the CA"))
}

/// Writes a whole file beside `path` with its mode from the beginning.
fn write_beside(path: &Path, content: &[u8], mode: u32) -> Result<PathBuf, Error> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{:016x}.new", u64::from_be_bytes(random()?)));
    let beside = path.with_file_name(name);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(&beside).map_err(Error::file(&beside, "make the file"))?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(Error::file(&beside, "write the file"))?;
    Ok(beside)
}

/// Writes a file that must not be there, mode 0600. False: another program was faster, and its file stays.
fn write_new(path: &Path, content: &[u8]) -> Result<bool, Error> {
    let beside = write_beside(path, content, 0o600)?;
    // A link, unlike a rename, does not write over what is there.
    let linked = fs::hard_link(&beside, path);
    let there = path.exists();
    if linked.is_err() && !there {
        // File systems without links: a rename is all that is left.
        return fs::rename(&beside, path).map(|()| true).map_err(Error::file(path, "put the CA key in its place"));
    }
    fs::remove_file(&beside).map_err(Error::file(&beside, "remove what is no longer needed"))?;
    Ok(linked.is_ok())
}

/// Writes a file anew, whole or not at all.
pub(crate) fn replace(path: &Path, content: &[u8], mode: u32) -> Result<(), Error> {
    let beside = write_beside(path, content, mode)?;
    fs::rename(&beside, path).map_err(Error::file(path, "put the file in its place"))
}
