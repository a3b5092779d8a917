//! What the authority makes, as others judge it: OpenSSL in its strict mode, and rustls as a client that trusts nothing else.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use wirelore_ca::{Authority, Names, Scope, authority, pem};
use x509_parser::prelude::{FromDer, X509Certificate};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn run(program: &str, args: &[&str]) -> (bool, String) {
    let output = Command::new(program).args(args).output().unwrap_or_else(|e| panic!("{program}: {e}"));
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), said)
}

/// A leaf written to a file, and what strict OpenSSL says of it for a host.
fn openssl_verifies(authority: &Authority, dir: &Path, host: &str, how: &str) -> (bool, String) {
    let leaf = authority.leaf(&Names::of(host)).expect("a leaf");
    let (file, ca) = (dir.join("leaf.pem"), dir.join("ca.pem"));
    let chain: String = leaf.cert.iter().map(|c| pem::block("CERTIFICATE", c)).collect();
    std::fs::write(&file, chain).expect("written");
    std::fs::write(&ca, authority.certificate_pem()).expect("written");
    let file = file.display().to_string();
    let (_, text) = run("openssl", &["x509", "-in", &file, "-noout", "-text"]);
    let asked = host.trim_matches(['[', ']']);
    let (good, said) = run(
        "openssl",
        &[
            "verify",
            "-x509_strict",
            "-purpose",
            "sslserver",
            how,
            asked,
            "-CAfile",
            &ca.display().to_string(),
            "-untrusted",
            &file,
            &file,
        ],
    );
    (good, format!("{said}\n{text}"))
}

#[test]
fn strict_openssl_accepts_leaves_for_names_and_addresses() {
    let dir = folder();
    let authority = Authority::load_or_create(dir.path()).expect("an authority");
    let long = format!("{}.example.org", ["a"; 40].join("."));
    for (host, how) in [
        ("example.org", "-verify_hostname"),
        ("a_b.example.org", "-verify_hostname"),
        (long.as_str(), "-verify_hostname"),
        ("192.0.2.1", "-verify_ip"),
        ("[2001:db8::1]", "-verify_ip"),
    ] {
        let (good, said) = openssl_verifies(&authority, dir.path(), host, how);
        assert!(good, "{host}: {said}");
        let critical = said.contains("X509v3 Subject Alternative Name: critical");
        assert_eq!(
            critical,
            host == long || how == "-verify_ip",
            "a SAN is critical exactly where there is no subject ({host}): {said}"
        );
    }
}

#[test]
fn the_key_is_readable_by_its_owner_only_and_stays_the_same() {
    use std::os::unix::fs::PermissionsExt;
    let dir = folder();
    let inner = dir.path().join("not/there/yet");
    let (first, origin) = Authority::open(&inner, &Scope::default()).expect("made");
    assert_eq!(origin, authority::Origin::Made);
    let mode = |name: &str| std::fs::metadata(inner.join(name)).expect(name).permissions().mode() & 0o7777;
    assert_eq!(mode(authority::KEY_FILE), 0o600);
    assert_eq!(mode("wirelore-ca-cert.pem"), 0o644);
    assert_eq!(std::fs::metadata(&inner).expect("folder").permissions().mode() & 0o7777, 0o700);
    assert!(!std::fs::read_to_string(inner.join("wirelore-ca-cert.pem")).expect("text").contains("PRIVATE"));
    let (second, origin) = Authority::open(&inner, &Scope::default()).expect("found");
    assert_eq!(origin, authority::Origin::Found);
    assert_eq!(first.fingerprint(), second.fingerprint());
    assert_ne!(first.fingerprint(), Authority::load_or_create(folder().path()).expect("another").fingerprint());
    let left: Vec<_> = std::fs::read_dir(&inner).expect("list").map(|e| e.expect("entry").file_name()).collect();
    assert_eq!(left.len(), 4, "nothing half written is left: {left:?}");
}

#[test]
fn many_that_start_at_once_agree_on_one_authority() {
    let dir = folder();
    let prints: Vec<String> = std::thread::scope(|s| {
        let threads: Vec<_> =
            (0..8).map(|_| s.spawn(|| Authority::load_or_create(dir.path()).expect("one").fingerprint())).collect();
        threads.into_iter().map(|t| t.join().expect("no panic")).collect()
    });
    assert!(prints.iter().all(|p| *p == prints[0]), "{prints:?}");
}

#[test]
fn leaves_are_kept_and_told_apart_by_upstream() {
    let authority = Authority::load_or_create(folder().path()).expect("an authority");
    let upstream = rcgen::generate_simple_self_signed(["www.example.org".into(), "*.cdn.example".into(), "example.org".into()]);
    let upstream = upstream.expect("made").cert;
    let plain = authority.leaf(&Names::of("example.org")).expect("a leaf");
    assert!(Arc::ptr_eq(&plain, &authority.leaf(&Names::of("example.org")).expect("the same")));
    let copied = authority.leaf(&Names::of("example.org").with_upstream(upstream.der())).expect("a leaf");
    assert!(!Arc::ptr_eq(&plain, &copied));
    let (_, parsed) = X509Certificate::from_der(&copied.cert[0]).expect("a certificate");
    let san = parsed.subject_alternative_name().expect("read").expect("there");
    let names: Vec<String> = san.value.general_names.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["DNSName(example.org)", "DNSName(www.example.org)", "DNSName(*.cdn.example)"], "asked first, none twice");
    let days = (parsed.validity().not_after.timestamp() - parsed.validity().not_before.timestamp()) / 86_400;
    assert_eq!(days, 197);
}

#[test]
fn an_upstream_certificate_that_is_garbage_adds_nothing() {
    let authority = Authority::load_or_create(folder().path()).expect("an authority");
    for garbage in [&b""[..], b"\x30\x82\xff\xff", &[0x30; 3000]] {
        let leaf = authority.leaf(&Names::of("example.org").with_upstream(garbage)).expect("a leaf all the same");
        let (_, parsed) = X509Certificate::from_der(&leaf.cert[0]).expect("a certificate");
        assert_eq!(parsed.subject_alternative_name().expect("read").expect("there").value.general_names.len(), 1);
    }
}

#[test]
fn a_limited_authority_is_held_to_its_limits_by_others() {
    let dir = folder();
    let scope = Scope::parse("example.org,10.0.0.0/8").expect("a scope");
    let (authority, _) = Authority::open(dir.path(), &scope).expect("an authority");
    assert_eq!(authority.scope(), &scope, "read back from the certificate");
    for (host, how, inside) in [
        ("www.example.org", "-verify_hostname", true),
        ("example.com", "-verify_hostname", false),
        ("10.1.2.3", "-verify_ip", true),
        ("192.0.2.1", "-verify_ip", false),
        ("[::1]", "-verify_ip", false),
    ] {
        assert_eq!(authority.covers(host), inside, "{host}");
        let (good, said) = openssl_verifies(&authority, dir.path(), host, how);
        assert_eq!(good, inside, "{host}: {said}");
    }
    let only_addresses = folder();
    let (authority, _) = Authority::open(only_addresses.path(), &Scope::parse("::1").expect("a scope")).expect("an authority");
    assert!(openssl_verifies(&authority, only_addresses.path(), "::1", "-verify_ip").0);
    assert!(!openssl_verifies(&authority, only_addresses.path(), "example.org", "-verify_hostname").0);
}

#[test]
fn names_outside_of_the_limits_are_not_copied() {
    let dir = folder();
    let (authority, _) = Authority::open(dir.path(), &Scope::parse("example.org").expect("a scope")).expect("an authority");
    let upstream = rcgen::generate_simple_self_signed(["www.example.org".into(), "elsewhere.example".into()]).expect("made").cert;
    let leaf = authority.leaf(&Names::of("example.org").with_upstream(upstream.der())).expect("a leaf");
    let (_, parsed) = X509Certificate::from_der(&leaf.cert[0]).expect("a certificate");
    assert_eq!(parsed.subject_alternative_name().expect("read").expect("there").value.general_names.len(), 2);
}

/// A CA made by OpenSSL, as users bring them: key in `key.pem`, certificate in `ca.pem`, both in `both.pem`.
fn brought(dir: &Path, key: &[&str]) {
    let path = |name: &str| dir.join(name).display().to_string();
    let (made, said) = run("openssl", &[&key[..1], &["-out", &path("key.pem")], &key[1..]].concat());
    assert!(made, "{said}");
    let subject =
        ["req", "-x509", "-new", "-subj", "/CN=Brought CA", "-days", "30", "-sha256", "-addext", "keyUsage=critical,keyCertSign"];
    let (made, said) = run("openssl", &[&subject[..], &["-key", &path("key.pem"), "-out", &path("ca.pem")]].concat());
    assert!(made, "{said}");
    let read = |name: &str| std::fs::read_to_string(dir.join(name)).expect(name);
    std::fs::write(dir.join("both.pem"), read("key.pem") + &read("ca.pem")).expect("written");
}

#[test]
fn a_ca_brought_along_signs_with_any_common_key() {
    for key in [
        &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"][..],
        &["ecparam", "-name", "prime256v1", "-genkey", "-noout"],
        &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        &["genpkey", "-algorithm", "ED25519"],
        &["genrsa", "2048"],
        &["genrsa", "-traditional", "2048"],
    ] {
        let dir = folder();
        brought(dir.path(), key);
        let apart = Authority::from_files(&dir.path().join("ca.pem"), Some(&dir.path().join("key.pem")));
        let together = Authority::from_files(&dir.path().join("both.pem"), None);
        for authority in [apart, together] {
            let authority = authority.unwrap_or_else(|e| panic!("{key:?}: {e}"));
            assert_eq!(authority.name(), "Brought CA");
            let (good, said) = openssl_verifies(&authority, dir.path(), "example.org", "-verify_hostname");
            assert!(good, "{key:?}: {said}");
        }
    }
}

#[test]
fn what_is_no_ca_is_refused_with_its_reason() {
    let dir = folder();
    let path = |name: &str| dir.path().join(name);
    brought(dir.path(), &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    let leaf = rcgen::generate_simple_self_signed(["example.org".into()]).expect("made");
    std::fs::write(path("leaf.pem"), leaf.cert.pem() + &leaf.signing_key.serialize_pem()).expect("written");
    let why = |certificate: &str, key: Option<&str>| {
        Authority::from_files(&path(certificate), key.map(path).as_deref()).expect_err("refused").to_string()
    };
    assert!(why("leaf.pem", None).contains("it is no CA"), "{}", why("leaf.pem", None));
    assert!(why("leaf.pem", Some("key.pem")).contains("does not belong to the key"));
    assert!(why("ca.pem", None).contains("no private key"));
    assert!(why("key.pem", None).contains("no CERTIFICATE"));
    assert!(why("nowhere.pem", None).contains("nowhere.pem"));
}

#[test]
fn an_intermediate_brought_along_is_sent_with_its_leaves() {
    let dir = folder();
    let path = |name: &str| dir.path().join(name).display().to_string();
    brought(dir.path(), &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    let made = run(
        "openssl",
        &[
            "req",
            "-new",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            "/CN=Between",
            "-keyout",
            &path("ik.pem"),
            "-out",
            &path("i.csr"),
        ],
    );
    assert!(made.0, "{}", made.1);
    std::fs::write(
        dir.path().join("ext"),
        "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n",
    )
    .expect("written");
    let made = run(
        "openssl",
        &[
            "x509",
            "-req",
            "-in",
            &path("i.csr"),
            "-CA",
            &path("ca.pem"),
            "-CAkey",
            &path("key.pem"),
            "-CAcreateserial",
            "-days",
            "20",
            "-extfile",
            &path("ext"),
            "-out",
            &path("i.pem"),
        ],
    );
    assert!(made.0, "{}", made.1);
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).expect(name);
    // The order in which people paste them should not matter.
    let text = read("ca.pem") + &read("i.pem");
    let authority = Authority::from_pem(text.as_bytes(), read("ik.pem").as_bytes()).expect("an authority");
    let leaf = authority.leaf(&Names::of("example.org")).expect("a leaf");
    assert_eq!(leaf.cert.len(), 2, "the leaf and the intermediate, not the root");
    std::fs::write(dir.path().join("chain"), leaf.cert.iter().map(|c| pem::block("CERTIFICATE", c)).collect::<String>())
        .expect("written");
    let (good, said) = run(
        "openssl",
        &["verify", "-CAfile", &path("ca.pem"), "-untrusted", &path("chain"), "-verify_hostname", "example.org", &path("chain")],
    );
    assert!(good, "{said}");
}

#[test]
fn the_pkcs12_file_opens_without_a_password_and_holds_no_key() {
    let dir = folder();
    let authority = Authority::load_or_create(dir.path()).expect("an authority");
    let path = dir.path().join("wirelore-ca-cert.p12").display().to_string();
    let (good, said) = run("openssl", &["pkcs12", "-in", &path, "-passin", "pass:", "-nokeys"]);
    assert!(good && said.contains(authority.certificate_pem()), "{said}");
    assert!(said.contains("friendlyName: Wirelore CA"), "{said}");
    let (_, said) = run("openssl", &["pkcs12", "-in", &path, "-passin", "pass:", "-nocerts", "-nodes", "-info"]);
    assert!(said.contains("Iteration 2048") && !said.contains("PRIVATE"), "{said}");
    let (good, said) = run("openssl", &["pkcs12", "-in", &path, "-passin", "pass:wrong", "-nokeys"]);
    assert!(!good && said.contains("invalid password"), "its MAC is checked: {said}");
}
