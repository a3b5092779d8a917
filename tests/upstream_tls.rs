//! Bad TLS upstream, through the whole proxy: curl gets a page that says which check failed, and the record says it too; good servers pass.

#[path = "../src/ca/tests/badly/mod.rs"]
mod badly;

use badly::{Case, Maker, cases};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A proxy that ends with this value.
struct Proxy {
    child: Child,
    port: u16,
}

impl Proxy {
    fn start(folder: &Path, more: &[&str]) -> Proxy {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
        let child = Command::new(env!("CARGO_BIN_EXE_wirelore"))
            .args(["proxy", "--listen-host", "127.0.0.1", "--no-control", "-p", &port.to_string(), "-w", "session.pcapng"])
            .args(["--upstream-ca", "root.pem"])
            .args(more)
            .current_dir(folder)
            .env("XDG_CONFIG_HOME", folder)
            .stderr(Stdio::null())
            .spawn()
            .expect("the proxy");
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(30), "the proxy does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Proxy { child, port }
    }

    /// What curl gets: the status, and the page as text.
    fn get(&self, folder: &Path, host: &str, port: u16, more: &[&str]) -> (String, String) {
        let output = Command::new("curl")
            .args(["-s", "-S", "-m", "30", "-w", "\n%{http_code}", "--cacert", "wirelore/wirelore-ca-cert.pem"])
            .args(["-x", &format!("http://127.0.0.1:{}", self.port), &format!("https://{host}:{port}/")])
            .args(more)
            .current_dir(folder)
            .output()
            .expect("curl");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (page, status) = text.rsplit_once('\n').unwrap_or(("", &text));
        let page = page.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
        (status.to_owned(), page + &String::from_utf8_lossy(&output.stderr))
    }

    /// Ends it as Ctrl+C does.
    fn end(mut self) {
        let asked = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(asked.expect("kill").success());
        assert!(self.child.wait().expect("an end").success());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn every_bad_server_becomes_a_page_that_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let make = Maker::new(folder.path());
    let proxy = Proxy::start(folder.path(), &[]);
    let all = cases(&make);
    let mut wrong = Vec::new();
    for Case { name, host, server, said } in &all {
        let running = server.start();
        let (status, page) = proxy.get(folder.path(), host, running.address.port(), &[]);
        match said {
            None if status == "200" => {}
            Some((_, words)) if status == "502" && words.iter().all(|w| page.contains(w)) => {}
            _ => wrong.push(format!("{name}: {said:?} should be said, {status}: {page}")),
        }
    }
    proxy.end();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
    let record = std::fs::read(folder.path().join("session.pcapng")).expect("the record");
    for Case { name, said, .. } in &all {
        let Some((check, [.., word])) = said else { continue };
        let there = record.windows(word.len()).any(|w| w == word.as_bytes()) || word.starts_with("but ");
        assert!(
            there && record.windows(check.len()).any(|w| w == check.as_bytes()),
            "{name}: the record does not tell of {check}: {word}"
        );
    }
}

#[test]
fn a_client_of_h2_gets_the_page_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let make = Maker::new(folder.path());
    let proxy = Proxy::start(folder.path(), &[]);
    let all = cases(&make);
    let running = all.iter().find(|c| c.name == "expired").expect("the case").server.start();
    for version in ["--http2", "--http1.1"] {
        let (status, page) = proxy.get(folder.path(), "localhost", running.address.port(), &[version]);
        assert!(status == "502" && page.contains("2021-03-04"), "{version}: {status} {page}");
    }
}

#[test]
fn exceptions_and_insecure_let_through_what_was_meant() {
    let folder = tempfile::tempdir().expect("a folder");
    let make = Maker::new(folder.path());
    let all = cases(&make);
    let running = all.iter().find(|c| c.name == "self-signed").expect("the case").server.start();
    let port = running.address.port();
    for (more, host, status) in [
        (&["--except", "localhost"][..], "localhost", "200"),
        (&["--except", "localhost"], "127.0.0.1", "502"),
        (&["-k"], "localhost", "200"),
        (&["-k"], "127.0.0.1", "200"),
    ] {
        let proxy = Proxy::start(folder.path(), more);
        let (got, page) = proxy.get(folder.path(), host, port, &[]);
        assert_eq!(got, status, "{more:?} {host}: {page}");
        proxy.end();
    }
}

#[test]
fn a_client_certificate_is_shown_to_who_asks() {
    let folder = tempfile::tempdir().expect("a folder");
    let make = Maker::new(folder.path());
    let all = cases(&make);
    let file = make.client();
    for name in ["wants a client certificate (1.2)", "wants a client certificate (1.3)"] {
        let running = all.iter().find(|c| c.name == name).expect("the case").server.start();
        let proxy = Proxy::start(folder.path(), &["--client-certs", &file.display().to_string()]);
        let (status, page) = proxy.get(folder.path(), "localhost", running.address.port(), &[]);
        assert_eq!(status, "200", "{name}: {page}");
        proxy.end();
    }
}

#[test]
fn secrets_of_both_legs_are_written_for_other_programs() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let make = Maker::new(folder.path());
    let all = cases(&make);
    let running = all.iter().find(|c| c.name == "TLS 1.3 only").expect("the case").server.start();
    let proxy = Proxy::start(folder.path(), &["--keylog", "keys.log"]);
    assert_eq!(proxy.get(folder.path(), "localhost", running.address.port(), &[]).0, "200");
    proxy.end();
    let path = folder.path().join("keys.log");
    let text = std::fs::read_to_string(&path).expect("the key log");
    let mut legs: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix("CLIENT_TRAFFIC_SECRET_0 ")?.get(..64)).collect();
    legs.sort_unstable();
    legs.dedup();
    assert_eq!(legs.len(), 2, "{text}");
    assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
}

#[test]
fn what_a_limited_authority_may_not_sign_for_is_passed_through() {
    let folder = tempfile::tempdir().expect("a folder");
    let make = Maker::new(folder.path());
    let all = cases(&make);
    let running = all.iter().find(|c| c.name == "a good server").expect("the case").server.start();
    let made = Command::new(env!("CARGO_BIN_EXE_wirelore"))
        .args(["ca", "create", "--only", "example.org"])
        .env("XDG_CONFIG_HOME", folder.path())
        .status();
    assert!(made.expect("made").success());
    let proxy = Proxy::start(folder.path(), &[]);
    let (status, page) = proxy.get(folder.path(), "localhost", running.address.port(), &["--cacert", "root.pem"]);
    assert_eq!(status, "200", "the client sees the server's own certificate: {page}");
    let (status, _) = proxy.get(folder.path(), "localhost", running.address.port(), &[]);
    assert_eq!(status, "000", "and not ours");
    proxy.end();
}

#[test]
fn a_client_that_does_not_believe_us_is_told_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let make = Maker::new(folder.path());
    let all = cases(&make);
    let running = all.iter().find(|c| c.name == "a good server").expect("the case").server.start();
    let proxy = Proxy::start(folder.path(), &[]);
    // It knows the server's root and not ours.
    let (status, said) = proxy.get(folder.path(), "localhost", running.address.port(), &["--cacert", "root.pem"]);
    assert!(status == "000" && said.contains("certificate"), "{status}: {said}");
    proxy.end();
    let record = std::fs::read(folder.path().join("session.pcapng")).expect("the record");
    for word in ["client-distrusts", "alert 48, unknown_ca", "wirelore ca install"] {
        assert!(record.windows(word.len()).any(|w| w == word.as_bytes()), "{word}");
    }
}
