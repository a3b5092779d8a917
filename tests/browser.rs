//! Browsers that the proxy opens: they go through it, trust it, and leave nothing behind. Skipped loudly where there is no browser.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// A program that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port")
}

fn until_it_listens(at: SocketAddr) {
    let begun = Instant::now();
    while TcpStream::connect(at).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(30), "nothing listens at {at}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A TLS server for localhost whose certificate only the proxy believes, and the lines that it is sent.
fn server(folder: &Path) -> (Running, SocketAddr, Receiver<String>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
    std::fs::write(folder.join("server.pem"), made.cert.pem()).expect("written");
    std::fs::write(folder.join("server-key.pem"), made.signing_key.serialize_pem()).expect("written");
    let at = free();
    let mut child = Command::new("openssl")
        .args(["s_server", "-quiet", "-accept", &at.to_string(), "-cert", "server.pem", "-key", "server-key.pem"])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl");
    let (send, lines) = channel();
    let output = BufReader::new(child.stdout.take().expect("piped"));
    std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
    let running = Running(child);
    until_it_listens(at);
    (running, at, lines)
}

fn browser_asks_through_the_proxy(kind: &str, headless: &[&str], programs: &[&str]) {
    let there = |program: &&&str| Path::new("/usr/bin").join(program).is_file();
    if !programs.iter().any(|p| there(&p)) {
        eprintln!("SKIPPED: none of {programs:?} is installed");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (_server, at, lines) = server(folder.path());
    let proxy = free();
    let temporary = folder.path().join("tmp");
    std::fs::create_dir(&temporary).expect("made");
    let url = format!("https://localhost:{}/seen", at.port());
    let mut wirelore = Running(
        Command::new(env!("CARGO_BIN_EXE_wirelore"))
            .args(["proxy", "--listen-host", "127.0.0.1", "-p", &proxy.port().to_string(), "--no-control", "--upstream-ca"])
            .arg(folder.path().join("server.pem"))
            .args(["--browser", kind, "--browser-url", &url])
            .args(headless.iter().flat_map(|arg| ["--browser-arg", arg]))
            .env("XDG_CONFIG_HOME", folder.path().join("conf"))
            .env("TMPDIR", &temporary)
            .stderr(Stdio::null())
            .spawn()
            .expect("the proxy"),
    );
    let begun = Instant::now();
    let mut heard = Vec::new();
    while !heard.iter().any(|line: &String| line.starts_with("GET /seen ")) {
        assert!(begun.elapsed() < Duration::from_secs(90), "{kind} never asked; the server heard {heard:?}");
        heard.extend(lines.recv_timeout(Duration::from_millis(200)));
    }
    let profiles =
        || std::fs::read_dir(&temporary).expect("list").flatten().filter(|e| e.file_name().to_string_lossy().contains("browser"));
    let of_ours = || {
        let all = std::fs::read_dir("/proc").into_iter().flatten().flatten().map(|e| e.path().join("cmdline"));
        let mark = temporary.display().to_string();
        all.filter(|p| std::fs::read(p).is_ok_and(|c| String::from_utf8_lossy(&c).contains(&mark))).count()
    };
    assert!(profiles().count() == 1 && of_ours() > 0);
    let asked = Command::new("kill").args(["-INT", &wirelore.0.id().to_string()]).status();
    assert!(asked.expect("kill").success());
    let ended = wirelore.0.wait().expect("an end");
    assert_eq!(ended.code(), Some(0));
    assert_eq!(profiles().count(), 0, "the profile is removed");
    assert_eq!(of_ours(), 0, "no process is left");
}

#[test]
fn chromium_goes_through_us_and_trusts_us() {
    browser_asks_through_the_proxy("chromium", &["--headless=new", "--disable-gpu", "--disable-dev-shm-usage"], &["chromium"]);
}

#[test]
fn firefox_goes_through_us_and_trusts_us() {
    browser_asks_through_the_proxy("firefox", &["--headless"], &["firefox", "firefox-esr"]);
}

#[test]
fn a_browser_that_cannot_start_is_told_with_its_own_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let fake = folder.path().join("chromium");
    std::fs::write(&fake, "#!/bin/sh\necho 'Missing X server or $DISPLAY' >&2\nexit 1\n").expect("written");
    std::fs::set_permissions(&fake, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("set");
    let output = Command::new(env!("CARGO_BIN_EXE_wirelore"))
        .args(["proxy", "--listen-host", "127.0.0.1", "-p", "0", "--no-control", "--browser"])
        .env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()))
        .env("XDG_CONFIG_HOME", folder.path())
        .env("TMPDIR", folder.path())
        .output()
        .expect("runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("chromium ended at once: Missing X server or $DISPLAY"), "{said}");
    let left =
        std::fs::read_dir(folder.path()).expect("list").flatten().any(|e| e.file_name().to_string_lossy().contains("browser"));
    assert!(!left, "the profile is removed");
}

/// By its own judgement, with nothing switched off: validity, names, key usage, chain.
#[test]
fn chromium_believes_us_where_the_authority_is_installed_and_only_there() {
    if !Path::new("/usr/bin/chromium").is_file() || !Path::new("/usr/bin/certutil").is_file() {
        eprintln!("SKIPPED: chromium and certutil are not both installed");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path().join("home");
    let database = home.join(".pki/nssdb");
    std::fs::create_dir_all(&database).expect("made");
    let made = Command::new("certutil").args(["-N", "--empty-password", "-d", &format!("sql:{}", database.display())]).status();
    assert!(made.expect("certutil").success());
    let (_server, at, lines) = server(folder.path());
    let proxy = free();
    let wirelore = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wirelore"));
        command.args(args).current_dir(folder.path()).env("HOME", &home).env_remove("XDG_CONFIG_HOME").stderr(Stdio::null());
        command
    };
    let port = proxy.port().to_string();
    let _proxy = Running(
        wirelore(&[
            "proxy",
            "--listen-host",
            "127.0.0.1",
            "-p",
            &port,
            "--no-control",
            "-w",
            "session.pcapng",
            "--upstream-ca",
            "server.pem",
        ])
        .spawn()
        .expect("the proxy"),
    );
    until_it_listens(proxy);
    for (installed, path) in [(false, "/before"), (true, "/installed"), (false, "/after")] {
        let order = if installed { "install" } else { "uninstall" };
        assert!(wirelore(&["ca", order, "nss", "--yes"]).stdout(Stdio::null()).status().expect("wirelore").success());
        let browser = Command::new("chromium")
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--proxy-bypass-list=<-loopback>",
            ])
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .arg(format!("--proxy-server=http://{proxy}"))
            .arg(format!("https://localhost:{}{path}", at.port()))
            .env("HOME", &home)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let _browser = Running(browser.expect("chromium"));
        let wanted = format!("GET {path} ");
        // That nothing comes cannot be waited for: what comes, comes within a second on a machine at rest.
        let patience = Duration::from_secs(if installed { 90 } else { 8 });
        let begun = Instant::now();
        let mut heard = false;
        while !heard && begun.elapsed() < patience {
            heard = lines.recv_timeout(Duration::from_millis(200)).is_ok_and(|line| line.starts_with(&wanted));
        }
        assert_eq!(heard, installed, "{path}");
    }
}
