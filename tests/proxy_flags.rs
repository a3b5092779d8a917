//! Flags of `wirelore proxy` from outside: a line for each exchange, a certificate of the user's own, mitmproxy's options.

#[path = "support/peers.rs"]
mod peers;

use peers::{Folder, are_here, free, run, server};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

#[test]
fn each_exchange_is_a_line_and_a_certificate_of_ones_own_is_shown() {
    if !are_here(&["curl", "python3", "openssl"]) {
        return;
    }
    let folder = Folder::new("lines");
    folder.certificate();
    folder.put("small", "hello");
    let (port, tls) = (free(), free());
    let root = folder.0.clone();
    let mut plain = Command::new("python3");
    plain.args(["-m", "http.server", "-b", "127.0.0.1", &port.to_string()]).current_dir(&root).stderr(Stdio::null());
    let _plain = server(&mut plain, port);
    let mut secure = Command::new("openssl");
    secure
        .args(["s_server", "-quiet", "-WWW", "-accept", &tls.to_string(), "-cert", "cert.pem", "-key", "key.pem"])
        .current_dir(&root);
    let _secure = server(secure.stderr(Stdio::null()), tls);
    let own = format!("localhost={}", folder.path("both.pem").display());
    let mut child = Command::new(env!("CARGO_BIN_EXE_wirelore"))
        .args(["proxy", "--headless", "--no-control", "--flow-lines", "-m", "regular@127.0.0.1:0", "--certs", &own])
        .args(["--set", "ssl_insecure=true"])
        .env("XDG_CONFIG_HOME", folder.path("config"))
        .env("HOME", &root)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the proxy starts");
    let mut said = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
    let line = said.find(|l| l.starts_with("Listening at ")).expect("it listens");
    let at = line.split(' ').nth(2).expect("an address").to_owned();
    std::thread::spawn(move || said.for_each(drop));
    let child = peers::Running(child);
    let curl =
        |args: &[&str]| run(Command::new("curl").args(["-sS", "--max-time", "20", "-x", &format!("http://{at}")]).args(args));
    let (ok, said) = curl(&[&format!("http://127.0.0.1:{port}/small")]);
    assert!(ok && said == "hello", "{said}");
    // Only who is shown the user's own certificate can believe it.
    let (ok, said) =
        curl(&["--cacert", folder.path("cert.pem").to_str().expect("text"), &format!("https://localhost:{tls}/small")]);
    assert!(ok && said == "hello", "{said}");
    let mut child = child;
    let (ok, _) = run(Command::new("kill").args(["-INT", &child.0.id().to_string()]));
    assert!(ok && child.0.wait().expect("it ends").success());
    let lines: Vec<String> = BufReader::new(child.0.stdout.take().expect("piped")).lines().map_while(Result::ok).collect();
    let has = |parts: &[&str]| lines.iter().any(|l| parts.iter().all(|p| l.contains(p)));
    assert!(has(&[&format!("GET http://127.0.0.1:{port}/small << 200 OK"), "ms"]), "{lines:?}");
    assert!(has(&[&format!("GET https://localhost:{tls}/small << 200")]), "{lines:?}");
    assert_eq!(lines.len(), 3, "two exchanges and a tunnel: {lines:?}");
}

#[test]
fn an_option_that_is_not_known_is_refused_with_those_that_are_near() {
    let (ok, said) =
        run(Command::new(env!("CARGO_BIN_EXE_wirelore")).args(["proxy", "--headless", "--set", "modify_header=/a/b"]));
    assert!(!ok && said.contains("the nearest are modify_headers"), "{said}");
}
