//! The trust stores of a computer: the system's, NSS's (Chromium, Firefox, Thunderbird) and Java's; what each needs, and what it holds.

use super::step::{Step, find, output};
use super::{Entry, Subject};
use crate::{Error, authority, pem};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// Where to look. Tests look elsewhere than at the computer that they run on.
#[derive(Debug, Clone)]
pub struct Places {
    /// The root of the file system.
    pub root: PathBuf,
    /// The user's home, if there is one.
    pub home: Option<PathBuf>,
}

/// Kinds of stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// That of the operating system, which most programs read.
    System,
    /// A certificate database of NSS: a browser's profile.
    Nss,
    /// The `cacerts` of a Java runtime.
    Java,
}

impl Kind {
    /// As it is written on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Kind::System => "system",
            Kind::Nss => "nss",
            Kind::Java => "java",
        }
    }

    /// Reads [`Kind::word`].
    pub fn parse(word: &str) -> Option<Kind> {
        [Kind::System, Kind::Nss, Kind::Java].into_iter().find(|k| k.word() == word)
    }
}

/// Folders in which systems look for roots of the administrator, and what makes them look again.
const ANCHORS: &[(&str, &str, &str, &[&str])] = &[
    ("Debian, Ubuntu", "usr/local/share/ca-certificates", "update-ca-certificates", &[]),
    ("Fedora, RHEL", "etc/pki/ca-trust/source/anchors", "update-ca-trust", &["extract"]),
    ("Arch", "etc/ca-certificates/trust-source/anchors", "update-ca-trust", &[]),
    ("openSUSE", "etc/pki/trust/anchors", "update-ca-certificates", &[]),
];

/// Folders under a home that hold NSS databases themselves, or profiles that do.
const NSS: &[(&str, &str, bool)] = &[
    ("Chromium and Chrome", ".pki/nssdb", false),
    ("Chromium (snap)", "snap/chromium/current/.pki/nssdb", false),
    ("Firefox", ".mozilla/firefox", true),
    ("Firefox (newer)", ".config/mozilla/firefox", true),
    ("Firefox (snap)", "snap/firefox/common/.mozilla/firefox", true),
    ("Firefox (Flatpak)", ".var/app/org.mozilla.firefox/.mozilla/firefox", true),
    ("Thunderbird", ".thunderbird", true),
];

/// Java's password for what is no secret.
const CHANGEIT: &str = "changeit";

/// A trust store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// Its kind.
    pub kind: Kind,
    /// What it is, for people.
    pub name: String,
    /// Its folder or file.
    pub place: PathBuf,
    root: PathBuf,
}

/// Whether a store holds an authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Yes.
    Trusted,
    /// No.
    Absent,
    /// It cannot be found out, for this reason.
    Unknown(String),
}

/// All stores of a computer.
pub fn stores(places: &Places) -> Vec<Store> {
    let mut found = Vec::new();
    let mut add = |kind, name: String, place: PathBuf| found.push(Store { kind, name, place, root: places.root.clone() });
    for (name, folder, ..) in ANCHORS {
        let place = places.root.join(folder);
        if place.is_dir() {
            add(Kind::System, format!("system ({name})"), place);
        }
    }
    for (name, folder, profiles) in NSS {
        let Some(folder) = places.home.as_ref().map(|home| home.join(folder)) else { continue };
        let inside = || fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut databases: Vec<PathBuf> = if *profiles { inside().collect() } else { vec![folder.clone()] };
        databases.retain(|d| d.join("cert9.db").is_file());
        databases.sort();
        for place in databases {
            let profile =
                if *profiles { format!(", profile {}", place.file_name().unwrap_or_default().display()) } else { String::new() };
            add(Kind::Nss, format!("{name}{profile}"), place);
        }
    }
    let mut seen = BTreeSet::new();
    let homes = fs::read_dir(places.root.join("usr/lib/jvm")).into_iter().flatten().flatten().map(|e| e.path());
    let mut homes: Vec<PathBuf> = homes.collect();
    homes.sort();
    for home in homes {
        let Ok(place) = fs::canonicalize(home.join("lib/security/cacerts")) else { continue };
        // Several runtimes may share one file; and Debian makes it from the system's store, with which it then comes and goes.
        let of_the_system =
            place.starts_with(places.root.join("etc/ssl/certs")) || place.starts_with(places.root.join("etc/pki"));
        if seen.insert(place.clone()) && !of_the_system {
            add(Kind::Java, format!("Java ({})", home.file_name().unwrap_or_default().display()), place);
        }
    }
    found
}

impl Store {
    /// The store that an installation went to.
    pub fn of(entry: &Entry, places: &Places) -> Store {
        let name = format!("{} store {}", entry.kind.word(), entry.place.display());
        Store { kind: entry.kind, name, place: entry.place.clone(), root: places.root.clone() }
    }

    /// What installing does, in order. `file` holds the certificate in PEM.
    ///
    /// # Errors
    /// If a program that it needs is missing, or the file cannot be read.
    pub fn install(&self, subject: &Subject, file: &Path) -> Result<Vec<Step>, Error> {
        Ok(match self.kind {
            Kind::System => {
                let content = fs::read(file).map_err(Error::file(file, "read the certificate"))?;
                vec![Step::Write { path: self.anchor(subject), content }, self.refresh()?]
            }
            Kind::Nss => {
                let mut args = self.nss(&["-A", "-a", "-t", "C,,", "-n", &subject.alias, "-i"]);
                args.push(file.into());
                vec![Step::run(certutil()?, args)]
            }
            Kind::Java => {
                let mut args = self.java(&["-importcert", "-noprompt", "-trustcacerts", "-alias", &subject.alias]);
                args.extend(["-file".into(), file.into()]);
                vec![Step::run(keytool()?, args)]
            }
        })
    }

    /// What taking it back does, in order. It is no fault if it is gone already.
    ///
    /// # Errors
    /// If a program that it needs is missing.
    pub fn uninstall(&self, subject: &Subject) -> Result<Vec<Step>, Error> {
        Ok(match self.kind {
            Kind::System => vec![Step::Remove(self.anchor(subject)), self.refresh()?],
            Kind::Nss => vec![Step::run(certutil()?, self.nss(&["-D", "-n", &subject.alias])).lenient()],
            Kind::Java => vec![Step::run(keytool()?, self.java(&["-delete", "-alias", &subject.alias])).lenient()],
        })
    }

    /// Whether it holds this authority, by its fingerprint.
    pub fn state(&self, subject: &Subject) -> State {
        let listed = match self.kind {
            Kind::System => fs::read(self.anchor(subject)).map_err(|e| e.kind()).or_else(|kind| match kind {
                std::io::ErrorKind::NotFound => Ok(Vec::new()),
                kind => Err(kind.to_string()),
            }),
            // Both programs fail in the same way if the name is not there.
            Kind::Nss => certutil()
                .map_err(|e| e.to_string())
                .map(|program| output(&program.into(), &self.nss(&["-L", "-a", "-n", &subject.alias])).unwrap_or_default()),
            Kind::Java => keytool().map_err(|e| e.to_string()).map(|program| {
                output(&program.into(), &self.java(&["-exportcert", "-rfc", "-alias", &subject.alias])).unwrap_or_default()
            }),
        };
        match listed {
            Err(why) => State::Unknown(why),
            Ok(text) => {
                let certificates = pem::certificates(&text, "the store").unwrap_or_default();
                let ours = certificates.iter().any(|c| authority::fingerprint(c) == subject.fingerprint);
                if ours { State::Trusted } else { State::Absent }
            }
        }
    }

    /// The file of an authority in the system's folder.
    fn anchor(&self, subject: &Subject) -> PathBuf {
        self.place.join(format!("{}.crt", subject.alias))
    }

    /// Makes the system read its folder again.
    fn refresh(&self) -> Result<Step, Error> {
        let known = ANCHORS.iter().find(|(_, folder, ..)| self.place.ends_with(folder));
        let (_, _, program, args) = known.ok_or_else(|| {
            Error::unusable(
                self.place.display().to_string(),
                "this is no folder of roots that is known here",
                "Install it by hand.",
            )
        })?;
        let mut args: Vec<OsString> = args.iter().map(Into::into).collect();
        if self.root != Path::new("/") && *program == "update-ca-certificates" {
            // Debian's script has no option for another root, but one for each of its places.
            let places = [
                ("--certsconf", "etc/ca-certificates.conf"),
                ("--certsdir", "usr/share/ca-certificates"),
                ("--localcertsdir", "usr/local/share/ca-certificates"),
                ("--etccertsdir", "etc/ssl/certs"),
                ("--hooksdir", "etc/ca-certificates/update.d"),
            ];
            args.extend(places.into_iter().flat_map(|(option, path)| [option.into(), self.root.join(path).into()]));
        }
        let program = needed(program, "It belongs to the package ca-certificates.")?;
        Ok(Step::run(program, args))
    }

    fn nss(&self, args: &[&str]) -> Vec<OsString> {
        let mut database = OsString::from("sql:");
        database.push(&self.place);
        ["-d".into(), database].into_iter().chain(args.iter().map(Into::into)).collect()
    }

    fn java(&self, args: &[&str]) -> Vec<OsString> {
        let (verb, rest) = args.split_first().unwrap_or((&"", &[]));
        let store = ["-keystore".into(), self.place.clone().into(), "-storepass".into(), CHANGEIT.into()];
        [OsString::from(verb)].into_iter().chain(store).chain(rest.iter().map(Into::into)).collect()
    }
}

fn certutil() -> Result<PathBuf, Error> {
    needed("certutil", "Install NSS's tools: `apt install libnss3-tools`, `dnf install nss-tools` or `pacman -S nss`.")
}

fn keytool() -> Result<PathBuf, Error> {
    needed("keytool", "It comes with every Java runtime: put its folder on the PATH.")
}

fn needed(program: &str, cure: &'static str) -> Result<PathBuf, Error> {
    find(program).ok_or_else(|| Error::unusable(program, "this program is needed and was not found", cure))
}
