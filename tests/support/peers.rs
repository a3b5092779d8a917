//! Real programs on both sides of the proxy, for tests: a folder that goes away again, ports, a proxy in front of a server, commands.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A program that ends with this value.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder of its own, which others may read, and which goes away with this value.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Folder {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("wirelore-{name}-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file.
    pub fn put(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    /// A certificate for localhost that nobody vouches for, and its key: `cert.pem`, `key.pem`, both in `both.pem`.
    pub fn certificate(&self) {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("made");
        let (cert, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        self.put("both.pem", format!("{key}{cert}"));
        self.put("cert.pem", cert);
        self.put("key.pem", key);
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::env::var_os("KEEP").is_none() {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

/// A port that is free now.
pub fn free() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port()
}

/// Whether all of these programs are there; says loudly which is not.
pub fn are_here(programs: &[&str]) -> bool {
    let dirs = std::env::var("PATH").unwrap_or_default();
    let here =
        |p: &str| Path::new(p).is_absolute() && Path::new(p).exists() || dirs.split(':').any(|d| Path::new(d).join(p).exists());
    let missing: Vec<&&str> = programs.iter().filter(|p| !here(p)).collect();
    if !missing.is_empty() {
        eprintln!("!!!! SKIPPED, NOT PASSED: {missing:?} not installed");
    }
    missing.is_empty()
}

/// Starts a server and waits until it listens.
pub fn server(command: &mut Command, port: u16) -> Running {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("the server starts");
    let running = Running(child);
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing listens at port {port}");
        std::thread::sleep(Duration::from_millis(30));
    }
    running
}

/// What a command said on both its outputs, and whether it went well.
pub fn run(command: &mut Command) -> (bool, String) {
    let out = command.stdin(Stdio::null()).output().expect("the program runs");
    (out.status.success(), String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned())
}

/// Starts a proxy with these arguments, with `home` as its home, and waits until it says where it listens. It has a CA of its own there, not
/// that of whoever runs the tests. What else it says is shown with the test.
pub fn proxy(home: &Path, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> (Running, SocketAddr) {
    let args: Vec<_> = args.into_iter().map(|a| a.as_ref().to_owned()).collect();
    let steered = args.iter().any(|a| a == "--control");
    let mut child = Command::new(env!("CARGO_BIN_EXE_wirelore"))
        .args(["proxy", "--headless"])
        .args((!steered).then_some("--no-control"))
        .args(args)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_DATA_HOME", home.join("data"))
        .env("HOME", home)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the proxy starts");
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    let at = loop {
        let line = lines.next().expect("the proxy says where it listens").expect("text");
        if let Some(at) = line.strip_prefix("Listening at ").and_then(|l| l.split(' ').next()) {
            break at.parse().expect("an address");
        }
    };
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(|l| eprintln!("proxy: {l}")));
    (Running(child), at)
}

/// The proxy in front of a server.
pub struct Proxy {
    child: Running,
    pub at: SocketAddr,
    pub record: PathBuf,
}

impl Proxy {
    /// `reverse:` of that URL, with flags besides.
    pub fn before(folder: &Folder, url: &str, flags: &[&str]) -> Proxy {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let record = folder.path(&format!("record-{number}.pcapng"));
        let mode = format!("reverse:{url}@127.0.0.1:0");
        let args = [OsStr::new("--ssl-insecure"), "-w".as_ref(), record.as_ref(), "--mode".as_ref(), mode.as_ref()];
        let (child, at) = proxy(&folder.0, args.into_iter().chain(flags.iter().map(OsStr::new)));
        Proxy { child, at, record }
    }

    pub fn port(&self) -> u16 {
        self.at.port()
    }

    /// Ends it. Gives what its record shows of messages, a line each, with their trees.
    pub fn stop(mut self) -> String {
        let pid = self.child.0.id().to_string();
        let (ok, said) = run(Command::new("kill").args(["-INT", &pid]));
        assert!(ok, "{said}");
        let status = self.child.0.wait().expect("it ends");
        assert!(status.success(), "the proxy ended with {status}");
        let (ok, shown) = run(Command::new(env!("CARGO_BIN_EXE_wirelore")).args(["dump", "-m", "-V", "-r"]).arg(&self.record));
        assert!(ok, "{shown}");
        shown
    }
}
