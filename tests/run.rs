//! Programs run with `wirelore run`, as a user without privileges: what they say is recorded whole, once, and decrypted, whether or not they
//! heed their environment. Skipped loudly where the system gives such users no namespaces.
#![cfg(target_os = "linux")]

#[path = "support/peers.rs"]
mod peers;
mod support;

use peers::{Folder, Running, are_here, free};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use wirelore::session::Session;
use wirelore_kit::Dir;
use wirelore_store::{Flow, FlowFlags, Snapshot};

/// How this computer is called inside.
const HOST: &str = "host.wirelore.internal";

/// Somebody without privileges, and where he may write.
struct Nobody {
    home: Folder,
    /// Words before a command that make it his.
    before: Vec<String>,
}

impl Nobody {
    /// `None` after saying why: there are no namespaces for him.
    fn new() -> Option<Nobody> {
        if !are_here(&["curl", "unshare", "setpriv"]) {
            return None;
        }
        let home = Folder::new("run");
        let mut before = Vec::new();
        if is_root() {
            before.extend("setpriv --reuid 65534 --regid 65534 --clear-groups --".split(' ').map(str::to_owned));
            std::os::unix::fs::chown(&home.0, Some(65534), Some(65534)).expect("a folder of his");
        }
        let nobody = Nobody { home, before };
        if nobody
            .command("unshare")
            .args(["-Urn", "ip", "link", "add", "type", "veth"])
            .output()
            .is_ok_and(|o| o.status.success())
        {
            return Some(nobody);
        }
        eprintln!("!!!! SKIPPED, NOT PASSED: users have no namespaces here");
        None
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut all = self.before.iter();
        let mut command = match all.next() {
            Some(first) => {
                let mut command = Command::new(first);
                command.args(all).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.current_dir(&self.home.0).env("HOME", &self.home.0).env("TMPDIR", &self.home.0);
        command.env("XDG_CONFIG_HOME", self.home.path("config")).env_remove("SSLKEYLOGFILE");
        command
    }

    /// Runs a program with `wirelore run`, recording to a file.
    fn run(&self, flags: &[&str], program: &[&str]) -> (Output, PathBuf) {
        let record = self.home.path(&format!("{}.pcapng", free()));
        let mut command = self.command(wirelore());
        command.args(["run", "--no-control", "-w"]).arg(&record).args(flags).arg("--").args(program);
        let out = command.stdin(Stdio::null()).output().expect("it runs");
        eprintln!("{}", String::from_utf8_lossy(&out.stderr));
        (out, record)
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0)
}

/// The program, where everybody may run it.
fn wirelore() -> PathBuf {
    static COPY: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    let built = Path::new(env!("CARGO_BIN_EXE_wirelore"));
    COPY.get_or_init(|| {
        let reached = Command::new("setpriv").args(["--reuid", "65534", "--clear-groups", "test", "-x"]).arg(built).status();
        if !is_root() || reached.is_ok_and(|s| s.success()) {
            return built.to_owned();
        }
        // A folder of root's: a copy elsewhere, one for each program that was built.
        let copy = std::env::temp_dir().join("wirelore-under-test");
        let _ = std::fs::remove_file(&copy);
        std::fs::copy(built, &copy).expect("copied");
        copy
    })
    .clone()
}

/// Answers every HTTP request with its own path, a little later.
fn http() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let at = listener.local_addr().expect("its address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(stream));
        }
    });
    at
}

fn answer(mut stream: TcpStream) {
    let mut lines = BufReader::new(stream.try_clone().expect("a clone")).lines().map_while(Result::ok);
    while let Some(first) = lines.next() {
        let path = first.split(' ').nth(1).unwrap_or("/").to_owned();
        for _ in lines.by_ref().take_while(|l| !l.is_empty()) {}
        thread::sleep(Duration::from_millis(60));
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{path}", path.len());
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// A TLS server, whose certificate for [`HOST`] and localhost is in `ca.pem` of the folder, and that shows a page.
fn tls(home: &Folder) -> (Running, u16) {
    let made = rcgen::generate_simple_self_signed([HOST.to_owned(), "localhost".to_owned()]).expect("made");
    let (cert, key) = (home.put("ca.pem", made.cert.pem()), home.put("key.pem", made.signing_key.serialize_pem()));
    let port = free();
    let mut server = Command::new("openssl");
    server.args(["s_server", "-quiet", "-www", "-accept", &format!("127.0.0.1:{port}"), "-cert"]).arg(cert).arg("-key").arg(key);
    (peers::server(&mut server, port), port)
}

fn read(record: &Path) -> Session {
    support::read(record, 1).expect("a capture")
}

/// Lines of the questions that were read in a protocol, each with the name of the process that asked.
fn asked(s: &Snapshot, protocol: &str) -> Vec<String> {
    let of = |p: u16| s.schema().protocol_name(p) == protocol;
    let all = s.each_message().filter(|(_, m)| !m.withdrawn && of(m.protocol) && m.dir == Dir::ToServer);
    all.map(|(id, m)| {
        let who = s.process_of(m.conv.flow).map_or("?", |p| p.name.as_str());
        format!("{who}: {}", s.summary(id))
    })
    .collect()
}

/// The program's own packets to a port: over IPv6 it may have been refused before.
fn of(s: &Snapshot, port: u16) -> Flow<'_> {
    let all = s.each_flow().filter(|f| f.server().port == port && !f.flags.has(FlowFlags::SYNTHETIC));
    all.max_by_key(|f| f.byte_count()).expect("its packets")
}

#[test]
fn curl_is_recorded_whole_and_decrypted_once() {
    let Some(nobody) = Nobody::new() else { return };
    if !are_here(&["openssl"]) {
        return;
    }
    let (_server, port) = tls(&nobody.home);
    let url = format!("https://{HOST}:{port}/page");
    let upstream = nobody.home.path("ca.pem");
    let flags = ["--host-loopback", "--upstream-ca", upstream.to_str().expect("text")];
    let (out, record) = nobody.run(&flags, &["curl", "-sS", "-4", "--http1.1", &url]);
    assert!(
        out.status.success() && String::from_utf8_lossy(&out.stdout).contains("Cipher"),
        "curl trusts us, we trust the server"
    );
    let session = read(&record);
    let s = session.store.snapshot();
    assert_eq!(asked(&s, "http"), ["curl: GET /page"]);
    let flow = of(&s, port);
    let whole = [FlowFlags::SYN, FlowFlags::SYN_BACK, FlowFlags::FIN, FlowFlags::FIN_BACK];
    assert!(whole.iter().all(|f| flow.flags.has(*f)) && !flow.flags.has(FlowFlags::GAPS), "{:?}", flow.flags);
    assert!(flow.client().ip.to_string().starts_with("10.0."), "in a network of its own");
    // The proxy's leg to the server is there, and says nothing twice.
    assert!(s.each_flow().any(|f| f.server().port == port && f.flags.has(FlowFlags::TWIN)));
    if support::has_tshark() {
        let out = Command::new("tshark")
            .arg("-r")
            .arg(&record)
            .args(["-Y", "http.request && eth", "-T", "fields", "-e", "http.request.uri"])
            .output();
        let out = out.expect("tshark runs");
        assert_eq!(String::from_utf8_lossy(&out.stdout).trim(), "/page", "others read it too: secrets stand before the packets");
    }
}

#[test]
fn what_heeds_no_variables_is_recorded_too() {
    let Some(nobody) = Nobody::new() else { return };
    if !are_here(&["python3"]) {
        return;
    }
    let web = http().port();
    let names = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let port = names.local_addr().expect("its address").port();
    thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((n, from)) = names.recv_from(&mut buffer) {
            // The question comes back as its own answer, marked as one.
            buffer[2] |= 0x80;
            let _ = names.send_to(&buffer[..n], from);
        }
    });
    let script = format!(
        r#"
import socket, urllib.request
print(urllib.request.urlopen("http://{HOST}:{web}/urllib").read().decode())
s = socket.create_connection(("{HOST}", {web}))
s.sendall(b"GET /raw HTTP/1.1\r\nhost: x\r\n\r\n")
print(s.recv(1000).decode().splitlines()[-1])
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.settimeout(10)
u.sendto(b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03org\x00\x00\x01\x00\x01", ("{HOST}", {port}))
print(len(u.recv(1500)))
try: socket.create_connection(("{HOST}", 1))
except ConnectionRefusedError: print("refused")
"#
    );
    let (out, record) = nobody.run(&["--host-loopback"], &["python3", "-c", &script]);
    assert_eq!(String::from_utf8_lossy(&out.stdout), "/urllib\n/raw\n29\nrefused\n");
    let session = read(&record);
    let s = session.store.snapshot();
    let mut http = asked(&s, "http");
    http.sort();
    assert_eq!(http, ["python3: GET /raw", "python3: GET /urllib"]);
    let datagrams = s.each_flow().find(|f| f.server().port == port).expect("the question");
    assert_eq!(datagrams.packet_count(), 2);
    assert_eq!(s.process_of(datagrams.id).map(|p| p.name.as_str()), Some("python3"));
}

#[test]
fn the_loopback_of_this_computer_is_closed_unless_it_is_opened() {
    let Some(nobody) = Nobody::new() else { return };
    let url = format!("http://{HOST}:{}/", http().port());
    for (flags, code) in [(&[][..], 7), (&["--host-loopback"][..], 0), (&["--host-loopback", "--no-proxy"][..], 0)] {
        let (out, _) = nobody.run(flags, &["curl", "-s", "-m", "20", &url]);
        assert_eq!(out.status.code(), Some(code), "{flags:?}");
        assert!(!String::from_utf8_lossy(&out.stderr).contains("nobody listens"), "{flags:?}");
    }
    // Who means this computer by 127.0.0.1 is told.
    let url = format!("http://127.0.0.1:{}/", http().port());
    let (out, _) = nobody.run(&[], &["curl", "-s", "-m", "20", &url]);
    assert_eq!(out.status.code(), Some(7));
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(said.contains("reaches as host.wirelore.internal, with --host-loopback."), "{said}");
}

#[test]
fn without_a_proxy_keys_that_the_program_writes_are_in_the_record() {
    let Some(nobody) = Nobody::new() else { return };
    if !are_here(&["openssl"]) {
        return;
    }
    let (_server, port) = tls(&nobody.home);
    let url = format!("https://{HOST}:{port}/keys");
    let (out, record) = nobody.run(&["--host-loopback", "--no-proxy"], &["curl", "-sSk", "-4", "--http1.1", &url]);
    assert!(out.status.success());
    let session = read(&record);
    let s = session.store.snapshot();
    assert_eq!(asked(&s, "http"), ["curl: GET /keys"]);
    assert!(s.each_flow().all(|f| !f.flags.has(FlowFlags::SYNTHETIC)), "nothing but packets");
}

#[test]
fn what_a_program_says_to_itself_is_recorded_too() {
    let Some(nobody) = Nobody::new() else { return };
    if !are_here(&["python3"]) {
        return;
    }
    let script = "import http.server,threading,urllib.request\ns=http.server.ThreadingHTTPServer(('127.0.0.1',0),http.server.SimpleHTTPRequestHandler)\n\
                  threading.Thread(target=s.serve_forever,daemon=True).start()\n\
                  print(urllib.request.urlopen('http://127.0.0.1:%d/own' % s.server_port).status)";
    nobody.home.put("own", "my own");
    let (out, record) = nobody.run(&[], &["python3", "-c", script]);
    assert_eq!(String::from_utf8_lossy(&out.stdout), "200\n");
    let session = read(&record);
    let asked = asked(&session.store.snapshot(), "http");
    // The program may be gone before anybody can look whose its connection was.
    assert!(asked == ["python3: GET /own"] || asked == ["?: GET /own"], "{asked:?}");
}

#[test]
fn a_large_body_arrives_as_it_was_sent() {
    let Some(nobody) = Nobody::new() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let port = listener.local_addr().expect("its address").port();
    let body: Vec<u8> = (0..5_000_000_u32).flat_map(|n| (n.wrapping_mul(2_654_435_761) >> 7).to_le_bytes()).collect();
    let sent = body.clone();
    // What comes in goes out again.
    let echo = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut all = Vec::new();
        stream.read_to_end(&mut all).expect("read");
        stream.write_all(&all).expect("written");
        all == sent
    });
    nobody.home.put("body", &body);
    let script = format!(
        "import socket,sys,threading\ns=socket.create_connection(('{HOST}',{port}))\nb=open('body','rb').read()\n\
         s.sendall(b); s.shutdown(1)\ng=b''.join(iter(lambda: s.recv(1<<16), b''))\nprint(g==b)"
    );
    let (out, record) = nobody.run(&["--host-loopback"], &["python3", "-c", &script]);
    assert_eq!(String::from_utf8_lossy(&out.stdout), "True\n");
    assert!(echo.join().expect("the echo"));
    let session = read(&record);
    let s = session.store.snapshot();
    let flow = of(&s, port);
    assert!(!flow.flags.has(FlowFlags::GAPS) && flow.byte_count() > 40_000_000);
}

#[test]
fn streams_exit_codes_and_signals_are_the_programs() {
    let Some(nobody) = Nobody::new() else { return };
    for mode in ["env", "namespace"] {
        let mode = ["--mode", mode, "-q"];
        let code = |program: &[&str]| nobody.run(&mode, program).0.status.code();
        assert_eq!(code(&["true"]), Some(0));
        assert_eq!(code(&["sh", "-c", "exit 7"]), Some(7));
        assert_eq!(code(&["sh", "-c", "kill -KILL $$"]), Some(137));
        assert_eq!(code(&["/no/such/program"]), Some(127));
        assert_eq!(code(&["/etc"]), Some(126));

        let mut command = nobody.command(wirelore());
        command.args(["run", "--no-control"]).args(mode).args(["--", "sh", "-c"]);
        command.arg("trap 'echo heard; exit 9' TERM; echo ready; cat; while :; do sleep 0.05; done");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
        assert_eq!(lines.next().as_deref(), Some("ready"));
        child.stdin.take().expect("piped").write_all(b"through\n").expect("written");
        assert_eq!(lines.next().as_deref(), Some("through"));
        let killed = Command::new("kill").arg(child.id().to_string()).status().expect("kill");
        assert!(killed.success());
        assert_eq!(lines.next().as_deref(), Some("heard"));
        assert_eq!(child.wait().expect("its end").code(), Some(9));
    }
}

#[test]
fn by_its_environment_alone_a_program_is_recorded_and_decrypted() {
    let Some(nobody) = Nobody::new() else { return };
    if !are_here(&["openssl"]) {
        return;
    }
    let (_server, port) = tls(&nobody.home);
    let (upstream, url) = (nobody.home.path("ca.pem"), format!("https://localhost:{port}/env"));
    let flags = ["--mode", "env", "--upstream-ca", upstream.to_str().expect("text")];
    let (out, record) = nobody.run(&flags, &["curl", "-sS", "--http1.1", &url]);
    assert!(
        out.status.success() && String::from_utf8_lossy(&out.stdout).contains("Cipher"),
        "curl trusts us, we trust the server"
    );
    let session = read(&record);
    let s = session.store.snapshot();
    assert!(asked(&s, "http").iter().any(|l| l.starts_with("curl: GET /env")), "{:?}", asked(&s, "http"));
}

#[test]
fn where_namespaces_are_forbidden_it_says_so_and_goes_on() {
    let Some(nobody) = Nobody::new() else { return };
    let url = format!("http://127.0.0.1:{}/", http().port());
    // A user namespace in which no other may be made, and a process in it without any capability.
    let strip = "echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all \"$@\"";
    let run = |mode: &str| {
        let mut command = nobody.command("unshare");
        command.args(["-Ur", "sh", "-c", strip, "sh"]).arg(wirelore());
        command.args(["run", "--no-control", "--mode", mode, "-w", "x.pcapng", "--", "curl", "-s", &url]);
        let out = command.output().expect("it runs");
        (out.status.code(), String::from_utf8_lossy(&out.stdout).into_owned(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    let (code, said, told) = run("auto");
    assert_eq!((code, said.as_str()), (Some(0), "/"), "{told}");
    assert!(told.contains("sudo sysctl user.max_user_namespaces=10000"), "{told}");
    let (code, said, told) = run("namespace");
    assert_eq!((code, said.as_str()), (Some(125), ""), "{told}");
    assert!(told.contains("no network of its own"), "{told}");
}

#[test]
fn a_browser_is_recorded_whole() {
    let Some(nobody) = Nobody::new() else { return };
    if !are_here(&["openssl", "chromium"]) {
        return;
    }
    let (_server, port) = tls(&nobody.home);
    let (upstream, url) = (nobody.home.path("ca.pem"), format!("https://{HOST}:{port}/browser"));
    let flags = ["--host-loopback", "--upstream-ca", upstream.to_str().expect("text")];
    let began = Instant::now();
    let program = ["chromium", "--headless=new", "--disable-gpu", "--user-data-dir=profile", "--dump-dom", &url];
    let (out, record) = nobody.run(&flags, &program);
    eprintln!("{:?}", began.elapsed());
    assert!(String::from_utf8_lossy(&out.stdout).contains("Cipher"), "{}", String::from_utf8_lossy(&out.stdout));
    let session = read(&record);
    let s = session.store.snapshot();
    let asked = asked(&s, "http");
    assert!(asked.iter().any(|l| l == "chromium: GET /browser"), "{asked:?}");
    let flow = of(&s, port);
    assert!(flow.flags.has(FlowFlags::SYN) && !flow.flags.has(FlowFlags::GAPS));
}

#[test]
fn java_reads_the_store_of_certificates() {
    let Some(nobody) = Nobody::new() else { return };
    if !are_here(&["keytool"]) {
        return;
    }
    let list = "keytool -list -storepass changeit -keystore \
                $(echo $JAVA_TOOL_OPTIONS | sed 's/.*trustStore=\\([^ ]*\\).*/\\1/') 2>/dev/null";
    let (out, _) = nobody.run(&[], &["sh", "-c", list]);
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(said.contains("trustedCertEntry") && said.contains("wirelore"), "{said}");
}
