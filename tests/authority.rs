//! `wirelore ca` as one types it: what it prints, what it changes, and that it changes nothing unasked. In a home and a root of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Computer(tempfile::TempDir);

impl Computer {
    fn new() -> Computer {
        let folder = tempfile::tempdir().expect("a folder");
        for below in ["home/.pki/nssdb", "root"] {
            fs::create_dir_all(folder.path().join(below)).expect("made");
        }
        Computer(folder)
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    /// Whether it went well, and all that it said.
    fn ca(&self, args: &[&str]) -> (bool, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_wirelore"))
            .arg("ca")
            .args(args)
            .arg("--root")
            .arg(self.path("root"))
            .env("HOME", self.path("home"))
            .env_remove("XDG_CONFIG_HOME")
            .output()
            .expect("runs");
        let said = [output.stdout, output.stderr].map(|b| String::from_utf8_lossy(&b).into_owned()).concat();
        (output.status.success(), said)
    }

    fn well(&self, args: &[&str]) -> String {
        let (good, said) = self.ca(args);
        assert!(good, "{args:?}: {said}");
        said
    }

    /// A browser's database, if NSS's tools are here.
    fn with_browser(&self) -> bool {
        let database = format!("sql:{}", self.path("home/.pki/nssdb").display());
        match Command::new("certutil").args(["-N", "--empty-password", "-d", &database]).status() {
            Ok(status) => {
                assert!(status.success());
                true
            }
            Err(e) => {
                eprintln!("SKIPPED: certutil: {e}");
                false
            }
        }
    }

    /// Every file and what is in it.
    fn all(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.0.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("list").flatten() {
                match entry.file_type().expect("a type").is_dir() {
                    true => folders.push(entry.path()),
                    false => drop(found.insert(entry.path(), fs::read(entry.path()).expect("read"))),
                }
            }
        }
        found
    }
}

fn fingerprint(file: &Path) -> String {
    let output =
        Command::new("openssl").args(["x509", "-noout", "-fingerprint", "-sha256", "-in"]).arg(file).output().expect("openssl");
    String::from_utf8_lossy(&output.stdout).trim().rsplit('=').next().unwrap_or_default().to_owned()
}

#[test]
fn looking_makes_nothing() {
    let computer = Computer::new();
    for what in ["show", "path", "export", "install", "status", "rotate", "delete"] {
        let (good, said) = computer.ca(&[what]);
        assert!(!good && said.contains("wirelore ca create"), "{what}: {said}");
    }
    assert!(computer.well(&["uninstall"]).contains("Nothing is installed"));
    assert!(computer.all().is_empty());
}

#[test]
fn what_is_shown_is_what_openssl_sees() {
    let computer = Computer::new();
    assert!(computer.well(&["create", "--only", "example.org"]).contains("Nothing trusts it yet"));
    assert!(computer.well(&["create"]).contains("There is one already"));
    let path = PathBuf::from(computer.well(&["path"]).trim());
    assert_eq!(path, computer.path("home/.config/wirelore/wirelore-ca-cert.pem"));
    let shown = computer.well(&["show"]);
    assert!(shown.contains(&fingerprint(&path)) && shown.contains("speaks for   example.org"), "{shown}");
    assert!(!shown.contains("PRIVATE"));
    assert_eq!(computer.well(&["export"]), fs::read_to_string(&path).expect("read"));
    let der = computer.path("out.cer");
    computer.well(&["export", &der.display().to_string()]);
    assert_eq!(fs::read(&der).expect("read")[0], 0x30, "the ending tells the form");
}

#[test]
fn installing_is_shown_first_and_taken_back_whole() {
    let computer = Computer::new();
    if !computer.with_browser() {
        return;
    }
    computer.well(&["create"]);
    let before = computer.all();
    let shown = computer.well(&["install"]);
    assert!(shown.contains("certutil -d sql:") && shown.contains("Nothing was changed"), "{shown}");
    assert_eq!(computer.all(), before, "showing changes nothing");
    assert!(computer.well(&["install", "java", "--yes"]).contains("No trust store was found"));
    assert!(computer.well(&["install", "--yes"]).contains("done: Chromium and Chrome"));
    assert!(computer.well(&["status"]).contains("trusted"));
    assert!(computer.well(&["install", "--yes"]).contains("already there"));
    let (good, said) = computer.ca(&["delete", "--yes"]);
    assert!(!good && said.contains("still installed in 1 places"), "{said}");
    assert!(computer.well(&["uninstall"]).contains("Nothing was changed"));
    assert!(computer.well(&["uninstall", "--yes"]).contains("done"));
    assert!(computer.well(&["status"]).contains("not trusted"));
    let names = |all: &BTreeMap<PathBuf, Vec<u8>>| all.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&computer.all()), names(&before), "no file is left over");
}

#[test]
fn what_an_authority_left_behind_is_taken_back_after_it_was_replaced() {
    let computer = Computer::new();
    if !computer.with_browser() {
        return;
    }
    computer.well(&["create"]);
    computer.well(&["install", "--yes"]);
    let path = computer.path("home/.config/wirelore/wirelore-ca-cert.pem");
    let old = fingerprint(&path);
    assert!(computer.well(&["rotate"]).contains("Nothing was changed"));
    assert_eq!(fingerprint(&path), old);
    assert!(computer.well(&["rotate", "--yes"]).contains("The old one stays installed in 1 places"));
    assert_ne!(fingerprint(&path), old);
    let listed = || {
        let database = format!("sql:{}", computer.path("home/.pki/nssdb").display());
        let output = Command::new("certutil").args(["-L", "-d", &database]).output().expect("certutil");
        String::from_utf8_lossy(&output.stdout).matches("wirelore-ca-").count()
    };
    assert_eq!(listed(), 1);
    computer.well(&["install", "--yes"]);
    assert_eq!(listed(), 2);
    computer.well(&["uninstall", "--yes"]);
    assert_eq!(listed(), 0);
    computer.well(&["delete", "--yes"]);
    let left: Vec<PathBuf> = computer.all().into_keys().filter(|p| p.starts_with(computer.path("home/.config"))).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_store_that_cannot_be_written_is_told_and_not_remembered() {
    let computer = Computer::new();
    // A folder of anchors with nothing that could be told of it: the file is written, and the command has no bundle to write to.
    fs::create_dir_all(computer.path("root/usr/local/share/ca-certificates")).expect("made");
    computer.well(&["create"]);
    let (good, said) = computer.ca(&["install", "system", "--yes"]);
    assert!(!good && said.contains("failed: system (Debian, Ubuntu)") && said.contains("update-ca-certificates"), "{said}");
    assert!(said.contains("sudo wirelore ca install system --yes --folder '"), "{said}");
    computer.well(&["uninstall"]);
    let (_, _) = computer.ca(&["uninstall", "--yes"]);
    assert!(
        !computer.path("root/usr/local/share/ca-certificates").read_dir().expect("list").any(|_| true),
        "what was half done is undone"
    );
}
