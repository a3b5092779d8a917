//! What was installed where, written down before it is done, so that it can be taken back later, also for an authority that is gone.

use super::{Kind, Subject};
use crate::Error;
use std::path::{Path, PathBuf};

const FILE: &str = "installed";
const HEAD: &str = "# Where this folder's authority was installed; `wirelore ca uninstall` reads this to take it back.\n";

/// One installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// In a store of which kind.
    pub kind: Kind,
    /// Where the store lies.
    pub place: PathBuf,
    /// What was installed.
    pub subject: Subject,
}

/// The list of installations, in the folder of the authority.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    entries: Vec<Entry>,
}

impl Journal {
    /// The list of a folder; empty if there is none.
    pub fn open(folder: &Path) -> Result<Journal, Error> {
        let path = folder.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(Error::file(&path, "read the list of installations")(e)),
        };
        let entries = text.lines().filter(|l| !l.starts_with('#')).filter_map(|line| {
            let mut parts = line.splitn(4, '\t');
            let kind = Kind::parse(parts.next()?)?;
            let (alias, fingerprint) = (parts.next()?.to_owned(), parts.next()?.to_owned());
            Some(Entry { kind, place: parts.next()?.into(), subject: Subject { alias, fingerprint } })
        });
        Ok(Journal { entries: entries.collect(), path })
    }

    /// What is installed.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Writes one down.
    pub fn add(&mut self, entry: Entry) -> Result<(), Error> {
        if entry.place.to_string_lossy().contains('\n') {
            let cure = "Install it there by hand.";
            return Err(Error::unusable(
                entry.place.display().to_string(),
                "a path with a line break cannot be written down",
                cure,
            ));
        }
        if !self.entries.contains(&entry) {
            self.entries.push(entry);
        }
        self.save()
    }

    /// Strikes one out.
    pub fn remove(&mut self, entry: &Entry) -> Result<(), Error> {
        self.entries.retain(|e| e != entry);
        self.save()
    }

    fn save(&self) -> Result<(), Error> {
        if self.entries.is_empty() {
            return match std::fs::remove_file(&self.path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    Err(Error::file(&self.path, "remove the list of installations")(e))
                }
                _ => Ok(()),
            };
        }
        let lines: String = (self.entries.iter())
            .map(|e| format!("{}\t{}\t{}\t{}\n", e.kind.word(), e.subject.alias, e.subject.fingerprint, e.place.display()))
            .collect();
        crate::authority::replace(&self.path, format!("{HEAD}{lines}").as_bytes(), 0o600)?;
        self.give_to_the_owner_of_the_folder()
    }

    /// System stores are written as root, often with another's folder: its owner must be able to read the list afterwards.
    fn give_to_the_owner_of_the_folder(&self) -> Result<(), Error> {
        #[cfg(unix)]
        if let Some(folder) = self.path.parent() {
            use std::os::unix::fs::{MetadataExt, chown};
            let owner = std::fs::metadata(folder).map_err(Error::file(folder, "look at the folder"))?;
            let ours = std::fs::metadata(&self.path).map_err(Error::file(&self.path, "look at the list of installations"))?;
            if (owner.uid(), owner.gid()) != (ours.uid(), ours.gid()) {
                // A group that is not ours to give is no harm.
                let given = chown(&self.path, Some(owner.uid()), Some(owner.gid()))
                    .or_else(|_| chown(&self.path, Some(owner.uid()), None));
                given.map_err(Error::file(&self.path, "give the list of installations to its owner"))?;
            }
        }
        Ok(())
    }
}
