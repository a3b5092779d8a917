//! Trust that is installed and taken back, in a root and a home of our own, by the real programs; skipped loudly where they are missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use wirelore_ca::Authority;
use wirelore_ca::install::{Entry, Journal, Kind, Places, State, Step, Store, Subject, stores};

struct Computer {
    folder: tempfile::TempDir,
    authority: Authority,
    subject: Subject,
}

impl Computer {
    fn new() -> Computer {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = Authority::load_or_create(&folder.path().join("conf")).expect("an authority");
        let subject = Subject::of(&authority);
        Computer { folder, authority, subject }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn file(&self) -> PathBuf {
        self.path("conf/wirelore-ca-cert.pem")
    }

    fn places(&self) -> Places {
        Places { root: self.path("root"), home: Some(self.path("home")) }
    }

    fn store(&self, kind: Kind) -> Store {
        let found = stores(&self.places());
        found.iter().find(|s| s.kind == kind).unwrap_or_else(|| panic!("no {kind:?} among {found:?}")).clone()
    }
}

fn perform(steps: &[Step]) {
    for step in steps {
        step.perform().unwrap_or_else(|e| panic!("{step}: {e}"));
    }
}

fn has(program: &str) -> bool {
    let there = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"].iter().any(|folder| Path::new(folder).join(program).is_file());
    if !there {
        eprintln!("SKIPPED: {program} is not installed");
    }
    there
}

/// In and out again; what was there before must be as it was.
fn in_and_out(computer: &Computer, store: &Store) {
    assert_eq!(store.state(&computer.subject), State::Absent);
    perform(&store.install(&computer.subject, &computer.file()).expect("a plan"));
    assert_eq!(store.state(&computer.subject), State::Trusted);
    let other = Subject { fingerprint: "00".into(), ..computer.subject.clone() };
    assert_eq!(store.state(&other), State::Absent, "the name alone proves nothing");
    let undo = store.uninstall(&computer.subject).expect("a plan");
    perform(&undo);
    assert_eq!(store.state(&computer.subject), State::Absent);
    perform(&undo);
}

#[test]
fn debians_store_trusts_and_forgets() {
    if !has("update-ca-certificates") {
        return;
    }
    let computer = Computer::new();
    for folder in
        ["usr/local/share/ca-certificates", "usr/share/ca-certificates", "etc/ssl/certs", "etc/ca-certificates/update.d"]
    {
        fs::create_dir_all(computer.path("root").join(folder)).expect("made");
    }
    fs::write(computer.path("root/etc/ca-certificates.conf"), "").expect("written");
    let before = rcgen::generate_simple_self_signed(["before.example".into()]).expect("made").cert.pem();
    fs::write(computer.path("root/usr/local/share/ca-certificates/before.crt"), &before).expect("written");
    let store = computer.store(Kind::System);
    assert!(store.name.contains("Debian"));
    let bundle = || fs::read_to_string(computer.path("root/etc/ssl/certs/ca-certificates.crt")).expect("a bundle");
    perform(&store.install(&computer.subject, &computer.file()).expect("a plan"));
    assert!(bundle().contains(computer.authority.certificate_pem()) && bundle().contains(before.trim_end()));
    // What the system gives its programs now verifies a leaf of ours.
    let leaf = computer.authority.leaf(&wirelore_ca::Names::of("example.org")).expect("a leaf");
    fs::write(computer.path("leaf.pem"), wirelore_ca::pem::block("CERTIFICATE", &leaf.cert[0])).expect("written");
    let verify = || {
        let certs = computer.path("root/etc/ssl/certs");
        Command::new("openssl").arg("verify").arg("-no-CAfile").arg("-CApath").arg(certs).arg(computer.path("leaf.pem")).status()
    };
    assert!(verify().expect("openssl").success());
    perform(&store.uninstall(&computer.subject).expect("a plan"));
    assert!(!bundle().contains(computer.authority.certificate_pem()) && bundle().contains(before.trim_end()));
    assert!(!verify().expect("openssl").success());
    let left: Vec<_> =
        fs::read_dir(computer.path("root/etc/ssl/certs")).expect("list").flatten().map(|e| e.file_name()).collect();
    assert!(!left.iter().any(|n| n.to_string_lossy().contains("wirelore")), "no dangling link stays: {left:?}");
    in_and_out(&computer, &store);
}

#[test]
fn browsers_databases_trust_and_forget() {
    if !has("certutil") {
        return;
    }
    let computer = Computer::new();
    let databases = ["home/.pki/nssdb", "home/.mozilla/firefox/ab12.default", "home/.mozilla/firefox/cd34.work space"];
    for folder in databases {
        let folder = computer.path(folder);
        fs::create_dir_all(&folder).expect("made");
        let database = format!("sql:{}", folder.display());
        let made = Command::new("certutil").args(["-N", "--empty-password", "-d", &database]).status();
        assert!(made.expect("certutil").success());
    }
    fs::create_dir_all(computer.path("home/.mozilla/firefox/Crash Reports")).expect("made");
    let found = stores(&computer.places());
    let names: Vec<&str> = found.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["Chromium and Chrome", "Firefox, profile ab12.default", "Firefox, profile cd34.work space"]);
    for store in &found {
        in_and_out(&computer, store);
    }
}

#[test]
fn java_trusts_and_forgets() {
    if !has("keytool") {
        return;
    }
    let computer = Computer::new();
    for home in ["one", "same-as-one"] {
        fs::create_dir_all(computer.path("root/usr/lib/jvm").join(home).join("lib/security")).expect("made");
    }
    let (one, same) = ("root/usr/lib/jvm/one/lib/security/cacerts", "root/usr/lib/jvm/same-as-one/lib/security/cacerts");
    let made = Command::new("keytool")
        .args(["-genkeypair", "-alias", "before", "-keyalg", "EC", "-dname", "CN=before", "-storepass", "changeit", "-keystore"])
        .arg(computer.path(one))
        .output()
        .expect("keytool");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
    std::os::unix::fs::symlink(computer.path(one), computer.path(same)).expect("a link");
    let found = stores(&computer.places());
    assert_eq!(found.len(), 1, "a file that two runtimes share is one store: {found:?}");
    in_and_out(&computer, &found[0]);
}

#[test]
fn other_systems_stores_are_known_by_their_folders() {
    for (folder, name, command) in [
        ("etc/pki/ca-trust/source/anchors", "Fedora", "update-ca-trust"),
        ("etc/ca-certificates/trust-source/anchors", "Arch", "update-ca-trust"),
        ("etc/pki/trust/anchors", "openSUSE", "update-ca-certificates"),
    ] {
        let computer = Computer::new();
        fs::create_dir_all(computer.path("root").join(folder)).expect("made");
        let store = computer.store(Kind::System);
        assert!(store.name.contains(name), "{}", store.name);
        match store.install(&computer.subject, &computer.file()) {
            Ok(steps) => {
                let shown: Vec<String> = steps.iter().map(ToString::to_string).collect();
                assert!(shown[0].contains(folder) && shown[1].contains(command), "{shown:?}");
            }
            // Elsewhere than at home the program is not there; then its name is told.
            Err(e) => assert!(e.to_string().contains(command), "{e}"),
        }
    }
}

#[test]
fn an_empty_computer_has_no_stores() {
    let computer = Computer::new();
    assert_eq!(stores(&computer.places()), []);
    assert_eq!(stores(&Places { root: computer.path("root"), home: None }), []);
}

#[test]
fn what_was_installed_is_remembered_until_it_is_taken_back() {
    let computer = Computer::new();
    let entry = |kind, place: &str| Entry { kind, place: computer.path(place), subject: computer.subject.clone() };
    let folder = computer.path("conf");
    let mut journal = Journal::open(&folder).expect("none yet");
    let (system, nss) = (entry(Kind::System, "anchors"), entry(Kind::Nss, "a profile\twith a tab"));
    for entry in [&system, &nss, &system] {
        journal.add(entry.clone()).expect("written");
    }
    // As root one can write into another's folder; what is written there must be the other's.
    use std::os::unix::fs::{MetadataExt, chown};
    if chown(&folder, Some(12_345), None).is_ok() {
        journal.add(system.clone()).expect("written");
        assert_eq!(fs::metadata(folder.join("installed")).expect("there").uid(), 12_345);
    }
    let mut again = Journal::open(&folder).expect("there");
    assert_eq!(again.entries(), [system.clone(), nss.clone()]);
    again.remove(&system).expect("written");
    again.remove(&nss).expect("written");
    assert!(!folder.join("installed").exists(), "an empty list is no file");
    assert!(again.add(entry(Kind::Nss, "a\nb")).is_err(), "what cannot be written down is not done");
}
