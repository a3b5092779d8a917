//! What is said of servers that do TLS badly: the right check, in words, for each way of doing it badly.

mod badly;

use badly::{Case, Maker, cases};
use rustls::pki_types::ServerName;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use wirelore_ca::trust::{ClientCertificates, Options, Silence};
use wirelore_ca::{Failure, Trust};

/// A handshake with a server and one question; what failed, in words.
fn meet(trust: &Trust, clients: &ClientCertificates, host: &str, address: SocketAddr) -> Result<String, Box<Failure>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let mut config = config.dangerous().with_custom_certificate_verifier(trust.verifier()).with_no_client_auth();
    if let Some(certificate) = clients.of(host) {
        config.client_auth_cert_resolver = certificate;
    }
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let name = ServerName::try_from(host.to_owned()).expect("a name");
    let mut tls = rustls::ClientConnection::new(Arc::new(config), name).expect("a connection");
    let mut tcp = TcpStream::connect(address).expect("connected");
    tcp.set_read_timeout(Some(Duration::from_millis(500))).expect("set");
    let mut stream = rustls::Stream::new(&mut tls, &mut tcp);
    let mut answer = String::new();
    let asked = stream.write_all(b"GET / HTTP/1.0\r\n\r\n").and_then(|()| stream.read_to_string(&mut answer).map(|_| ()));
    match asked {
        Err(e) if answer.is_empty() => match e.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(error) => Err(Box::new(Trust::explain(error, host))),
            None => Err(Box::new(Failure::unanswered(
                host,
                match e.kind() {
                    ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Silence::Reset,
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => Silence::TimedOut,
                    _ => Silence::Closed,
                },
            ))),
        },
        _ => Ok(answer),
    }
}

fn trusting(folder: &Path) -> Trust {
    Trust::new(&Options { roots: vec![folder.join("root.pem")], only_given: true, ..Options::default() }).expect("roots")
}

#[test]
fn every_bad_server_is_told_by_what_is_bad_about_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let make = Maker::new(folder.path());
    let trust = trusting(folder.path());
    let mut wrong = Vec::new();
    let all = cases(&make);
    assert!(all.iter().filter(|c| c.said.is_some()).count() >= 40);
    for Case { name, host, server, said } in &all {
        let running = server.start();
        match (meet(&trust, &ClientCertificates::default(), host, running.address), said) {
            (Ok(answer), None) if answer.contains("200 ok") => {}
            (Err(failure), Some((check, words))) => {
                let text = failure.to_string();
                let missing: Vec<_> = words.iter().filter(|w| !text.contains(**w)).collect();
                if failure.check != *check || !missing.is_empty() {
                    wrong.push(format!("{name}: {} instead of {check}, without {missing:?}: {text}", failure.check));
                }
                if std::env::var_os("SHOW").is_some() {
                    println!("{name}:\n    {text}");
                }
            }
            (met, said) => wrong.push(format!("{name}: {met:?} where {said:?} should be said")),
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

fn case<'a>(all: &'a [Case], name: &str) -> &'a Case {
    all.iter().find(|c| c.name == name).expect("a case of that name")
}

#[test]
fn an_exception_holds_for_its_host_and_certificate_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let make = Maker::new(folder.path());
    let (trust, all, none) = (trusting(folder.path()), cases(&make), ClientCertificates::default());
    let (expired, stranger) = (case(&all, "expired").server.start(), case(&all, "self-signed").server.start());
    let failure = meet(&trust, &none, "localhost", expired.address).expect_err("not yet excepted");
    let shown = failure.fingerprint.clone().expect("the fingerprint of what was refused");
    trust.except("LOCALHOST.", Some(&shown));
    assert!(meet(&trust, &none, "localhost", expired.address).is_ok());
    assert_eq!(trust.forgiven("localhost").expect("remembered").check, "expired");
    assert_eq!(meet(&trust, &none, "localhost", stranger.address).expect_err("another certificate").check, "self-signed");
    assert_eq!(meet(&trust, &none, "127.0.0.1", expired.address).expect_err("another host").check, "expired");
    trust.except("localhost", None);
    assert!(meet(&trust, &none, "localhost", stranger.address).is_ok());
    trust.unexcept("localhost");
    assert_eq!(meet(&trust, &none, "localhost", expired.address).expect_err("taken back").check, "expired");
}

#[test]
fn believing_everyone_still_finds_out_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let make = Maker::new(folder.path());
    let options = Options { roots: vec![folder.path().join("root.pem")], only_given: true, insecure: true, ..Options::default() };
    let (trust, all, none) = (Trust::new(&options).expect("roots"), cases(&make), ClientCertificates::default());
    let running = case(&all, "another host").server.start();
    assert!(meet(&trust, &none, "localhost", running.address).is_ok());
    assert_eq!(trust.forgiven("localhost").expect("found out").check, "wrong-host");
}

#[test]
fn a_server_that_wants_a_client_certificate_gets_the_one_for_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let make = Maker::new(folder.path());
    let (trust, all) = (trusting(folder.path()), cases(&make));
    let file = make.client();
    let hosts = folder.path().join("hosts");
    std::fs::create_dir(&hosts).expect("a folder");
    std::fs::copy(&file, hosts.join("localhost.pem")).expect("copied");
    let wants = case(&all, "wants a client certificate (1.3)").server.start();
    let one = ClientCertificates::load(&file).expect("a file for all");
    let by_host = ClientCertificates::load(&hosts).expect("a folder by host");
    assert!(by_host.of("localhost").is_some() && by_host.of("example.org").is_none() && one.of("example.org").is_some());
    for clients in [one, by_host] {
        meet(&trust, &clients, "localhost", wants.address).unwrap_or_else(|e| panic!("let in: {e}"));
    }
    std::fs::rename(hosts.join("localhost.pem"), hosts.join("_.example.org.pem")).expect("renamed");
    let under = ClientCertificates::load(&hosts).expect("a folder by host");
    assert!(under.of("a.b.example.org").is_some() && under.of("example.org").is_none() && under.of("badexample.org").is_none());
}

/// A server whose key is not the one of its certificate.
#[derive(Debug)]
struct Stolen(Arc<rustls::sign::CertifiedKey>);

impl rustls::server::ResolvesServerCert for Stolen {
    fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<rustls::sign::CertifiedKey>> {
        Some(self.0.clone())
    }
}

#[test]
fn a_copied_certificate_without_its_key_is_found_out() {
    use wirelore_ca::{Authority, Names};
    let (one, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let leaf = |folder: &tempfile::TempDir| {
        Authority::load_or_create(folder.path()).and_then(|a| a.leaf(&Names::of("localhost"))).expect("a leaf")
    };
    let mixed = rustls::sign::CertifiedKey::new(leaf(&one).cert.clone(), leaf(&other).key.clone());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let config = Arc::new(config.with_no_client_auth().with_cert_resolver(Arc::new(Stolen(Arc::new(mixed)))));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let (mut tcp, _) = listener.accept().expect("a client");
        let mut tls = rustls::ServerConnection::new(config).expect("a connection");
        let _ = tls.complete_io(&mut tcp);
    });
    let trust =
        Trust::new(&Options { roots: vec![one.path().join("wirelore-ca-cert.pem")], only_given: true, ..Options::default() });
    let failure = meet(&trust.expect("roots"), &ClientCertificates::default(), "localhost", address).expect_err("refused");
    assert_eq!(failure.check, "bad-signature");
    assert!(failure.to_string().contains("could not prove"), "{failure}");
}

#[test]
fn roots_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("empty.pem");
    std::fs::write(&file, "nothing").expect("written");
    let load =
        |roots: Vec<std::path::PathBuf>| Trust::new(&Options { roots, only_given: true, ..Options::default() }).map(|_| ());
    assert!(load(vec![file]).expect_err("no certificate").to_string().contains("empty.pem"));
    assert!(load(vec![folder.path().join("nowhere")]).expect_err("no file").to_string().contains("nowhere"));
    assert!(load(vec![]).is_err(), "nobody to believe");
}

#[test]
fn a_chain_that_was_verified_is_believed_for_its_own_names_and_dates_only() {
    use rustls::pki_types::UnixTime;
    use std::time::SystemTime;
    use wirelore_ca::{Authority, Names};
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::load_or_create(folder.path()).expect("an authority");
    let leaf = authority.leaf(&Names::of("one.test")).expect("a leaf");
    let root = folder.path().join("wirelore-ca-cert.pem");
    let trust = Trust::new(&Options { roots: vec![root], only_given: true, ..Options::default() }).expect("roots");
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let check = |host: &str, since: Duration| {
        let (leaf, others) = leaf.cert.split_first().expect("a chain");
        let name = ServerName::try_from(host.to_owned()).expect("a name");
        trust.check(leaf, others, &name, &[], UnixTime::since_unix_epoch(since)).map_err(|f| f.check)
    };
    let years = Duration::from_secs(20 * 366 * 86400);
    for _ in 0..3 {
        assert_eq!(check("one.test", since), Ok(()));
        assert!(check("two.test", since).is_err(), "another name");
        assert!(check("one.test", since + years).is_err(), "after its end");
        assert!(check("one.test", since.saturating_sub(years)).is_err(), "before its beginning");
    }
    assert_eq!(check("one.test", since + Duration::from_secs(299)), Ok(()));
}
