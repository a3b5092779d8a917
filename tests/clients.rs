//! Real clients through the proxy: Python's, gRPC's, nghttp's, Chromium. What each did stands in the session file, and tshark, which knows
//! nothing of us, reads the same there.

#[path = "support/peers.rs"]
mod peers;

use peers::{Folder, Running, are_here, free, run, server};
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// A proxy, and a folder with a certificate for its servers.
struct Stage {
    folder: Folder,
    proxy: Running,
    at: SocketAddr,
    record: PathBuf,
}

impl Stage {
    fn new(name: &str, flags: &[&str]) -> Stage {
        let folder = Folder::new(name);
        folder.certificate();
        let (record, cert) = (folder.path("record.pcapng"), folder.path("cert.pem"));
        let own = [
            OsStr::new("-m"),
            "regular@127.0.0.1:0".as_ref(),
            "-w".as_ref(),
            record.as_ref(),
            "--upstream-ca".as_ref(),
            cert.as_ref(),
        ];
        let (proxy, at) = peers::proxy(&folder.0, own.into_iter().chain(flags.iter().map(OsStr::new)));
        Stage { folder, proxy, at, record }
    }

    /// Runs a script of Python; it knows the folder, the proxy's URL, and the certificate that is to be trusted.
    fn python(&self, text: &str) {
        let script = self.folder.put("script.py", text);
        let mut command = Command::new("python3");
        command.arg(&script).current_dir(&self.folder.0).env("PROXY", format!("http://{}", self.at));
        command.env("CA", self.folder.path("config/wirelore/wirelore-ca-cert.pem")).env_remove("no_proxy").env_remove("NO_PROXY");
        let (ok, said) = run(&mut command);
        assert!(ok, "{said}");
    }

    /// Ends the proxy. Gives its messages, a line each.
    fn end(&mut self) -> String {
        let (ok, said) = run(Command::new("kill").args(["-INT", &self.proxy.0.id().to_string()]));
        assert!(ok, "{said}");
        assert!(self.proxy.0.wait().expect("it ends").success());
        let (ok, shown) = run(Command::new(env!("CARGO_BIN_EXE_wirelore")).args(["dump", "-m", "-r"]).arg(&self.record));
        assert!(ok, "{shown}");
        shown
    }

    /// What tshark finds in the record: a line for each packet that fits. It must find no fault in it.
    fn tshark(&self, filter: &str, fields: &[&str]) -> Vec<String> {
        let mut command = Command::new("tshark");
        command.args(["-Y", filter, "-T", "fields"]).args(fields.iter().flat_map(|f| ["-e", f])).arg("-r").arg(&self.record);
        let out = command.output().expect("tshark");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).lines().map(str::to_owned).collect()
    }

    fn is_in_order(&self) {
        let faults = self.tshark("_ws.malformed || tls.ignored_unknown_record", &["frame.number"]);
        assert!(faults.is_empty(), "tshark finds faults in packets {faults:?}");
    }
}

/// Whether Python has these modules, new enough to be called so; says loudly which it has not.
fn python_has(modules: &[&str]) -> bool {
    let here = |m: &&&str| run(Command::new("python3").args(["-c", &format!("import {m}")])).0;
    let missing: Vec<&&str> = modules.iter().filter(|m| !here(m)).collect();
    if !missing.is_empty() {
        eprintln!("!!!! SKIPPED, NOT PASSED: Python has no {missing:?} (pip install)");
    }
    are_here(&["python3", "tshark"]) && missing.is_empty()
}

/// Messages of HTTP with that text, frames of HTTP/2 not counted.
fn asked(shown: &str, text: &str) -> usize {
    shown.lines().filter(|l| l.contains(text) && (l.contains(" HTTP ") || l.contains("HTTP/2 stream"))).count()
}

/// nginx with HTTP/1.1 and HTTP/2 over TLS, its files below `www`. Its port.
fn nginx(folder: &Folder, more: &str) -> (Running, u16) {
    let port = free();
    let conf = format!(
        "daemon off; worker_processes 1; pid {r}/pid; error_log {r}/error.log;\nevents {{ worker_connections 1024; }}\nhttp {{ access_log \
         {r}/access.log; client_body_temp_path {r}/b; proxy_temp_path {r}/p; fastcgi_temp_path {r}/f; uwsgi_temp_path {r}/u; scgi_temp_path \
         {r}/s; default_type application/octet-stream; types {{ text/html html; text/javascript js; image/svg+xml svg; }}\nserver {{ listen \
         127.0.0.1:{port} ssl http2; ssl_certificate {r}/cert.pem; ssl_certificate_key {r}/key.pem; root {r}/www; {more} }} }}\n",
        r = folder.0.display()
    );
    let conf = folder.put("nginx.conf", conf);
    (server(Command::new("nginx").arg("-c").arg(conf).arg("-p").arg(&folder.0), port), port)
}

/// A WebSocket server in TLS that gives every text back, in as little Python as can be.
const ECHO: &str = r#"
import base64, hashlib, socket, ssl, struct, sys, threading
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); tls.load_cert_chain('both.pem')
def serve(tcp):
    s = tls.wrap_socket(tcp, server_side=True)
    head = b''
    while not head.endswith(b'\r\n\r\n'): head += s.recv(1)
    key = [l.split(b':')[1].strip() for l in head.split(b'\r\n') if l.lower().startswith(b'sec-websocket-key')][0]
    accept = base64.b64encode(hashlib.sha1(key + b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest())
    s.sendall(b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ' + accept + b'\r\n\r\n')
    f = s.makefile('rb')
    while True:
        a = f.read(2)
        if len(a) < 2: return
        n = a[1] & 127
        if n == 126: n = struct.unpack('>H', f.read(2))[0]
        mask = f.read(4); data = bytes(b ^ mask[i % 4] for i, b in enumerate(f.read(n)))
        s.sendall(bytes([a[0], len(data)]) + data if len(data) < 126 else bytes([a[0], 126]) + struct.pack('>H', len(data)) + data)
        if a[0] & 15 == 8: return
def quietly(tcp):
    try: serve(tcp)
    except OSError: pass
listener = socket.create_server(('127.0.0.1', int(sys.argv[1])))
while True: threading.Thread(target=quietly, args=(listener.accept()[0],), daemon=True).start()
"#;

fn echo(folder: &Folder) -> (Running, u16) {
    let (script, port) = (folder.put("echo.py", ECHO), free());
    (
        server(
            Command::new("python3").arg(script).arg(port.to_string()).current_dir(&folder.0).stderr(std::process::Stdio::null()),
            port,
        ),
        port,
    )
}

#[test]
fn requests_and_httpx_speak_http_1_and_2_through_us() {
    if !python_has(&["requests", "h2", "httpx; httpx.Client(proxy=None)"]) || !are_here(&["nginx"]) {
        return;
    }
    let mut stage = Stage::new("httpx", &[]);
    std::fs::create_dir(stage.folder.path("www")).expect("made");
    stage.folder.put("www/a.html", "<p>hello</p>");
    let (_nginx, port) = nginx(&stage.folder, "");
    stage.python(&format!(
        r#"
import os, ssl, requests, httpx
url = 'https://localhost:{port}/a.html'
proxy, ca = os.environ['PROXY'], os.environ['CA']
s = requests.Session(); s.trust_env = False
for _ in range(3):
    assert s.get(url, proxies=dict(https=proxy), verify=ca).text == '<p>hello</p>'
context = ssl.create_default_context(cafile=ca)
for http2 in (False, True):
    with httpx.Client(http2=http2, proxy=proxy, verify=context, trust_env=False) as c:
        for _ in range(3):
            r = c.get(url)
            assert r.text == '<p>hello</p>' and r.http_version == ('HTTP/2' if http2 else 'HTTP/1.1'), r.http_version
"#
    ));
    let shown = stage.end();
    assert_eq!(asked(&shown, "GET /a.html"), 9, "{shown}");
    let found = |filter: &str| stage.tshark(filter, &["frame.number"]).len();
    assert_eq!(found("http.request.uri == \"/a.html\""), 2 * 6, "requests and httpx over HTTP/1.1, both legs");
    assert_eq!(found("http2.headers.path == \"/a.html\""), 2 * 3, "httpx over HTTP/2, both legs");
    stage.is_in_order();
}

#[test]
fn python_websockets_talks_through_us() {
    if !python_has(&["websockets.sync.client"]) {
        return;
    }
    let mut stage = Stage::new("websockets", &[]);
    let (_echo, port) = echo(&stage.folder);
    stage.python(&format!(
        r#"
import os, socket, ssl
from websockets.sync.client import connect
host, at = os.environ['PROXY'].removeprefix('http://').split(':')
tcp = socket.create_connection((host, int(at)))
tcp.sendall(b'CONNECT localhost:{port} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n')
head = b''
while not head.endswith(b'\r\n\r\n'): head += tcp.recv(1)
assert b' 200 ' in head
with connect('wss://localhost:{port}/chat', sock=tcp, ssl=ssl.create_default_context(cafile=os.environ['CA']), compression=None) as ws:
    for text in ('one', 'two ' * 100, 'three'):
        ws.send(text)
        assert ws.recv() == text
"#
    ));
    let shown = stage.end();
    assert!(shown.lines().filter(|l| l.contains("WebSocket") && l.contains("three")).count() >= 2, "{shown}");
    assert_eq!(stage.tshark("websocket.opcode == 1", &["frame.number"]).len(), 2 * 2 * 3, "both ways on both legs");
    stage.is_in_order();
}

#[test]
fn grpc_calls_pass_with_their_trailers() {
    if !python_has(&["grpc"]) {
        return;
    }
    let mut stage = Stage::new("grpc", &[]);
    let port = free();
    stage.python(&format!(
        r#"
import os
os.environ['http_proxy'] = os.environ['PROXY']
import grpc
from concurrent import futures
class Echo(grpc.GenericRpcHandler):
    def service(self, call):
        if call.method == '/wire.Echo/One':
            return grpc.unary_unary_rpc_method_handler(lambda asked, context: b'\x0a' + bytes([len(asked)]) + asked)
        if call.method == '/wire.Echo/Many':
            return grpc.unary_stream_rpc_method_handler(lambda asked, context: (bytes([8, n]) for n in range(5)))
        def refuse(asked, context): context.abort(grpc.StatusCode.NOT_FOUND, 'no such thing')
        return grpc.unary_unary_rpc_method_handler(refuse)
server = grpc.server(futures.ThreadPoolExecutor(4)); server.add_generic_rpc_handlers((Echo(),))
key, cert = open('key.pem', 'rb').read(), open('cert.pem', 'rb').read()
assert server.add_secure_port('127.0.0.1:{port}', grpc.ssl_server_credentials([(key, cert)])) == {port}
server.start()
channel = grpc.secure_channel('localhost:{port}', grpc.ssl_channel_credentials(open(os.environ['CA'], 'rb').read()))
for n in range(4):
    assert channel.unary_unary('/wire.Echo/One')(b'\x08\x07', timeout=20) == b'\x0a\x02\x08\x07'
assert len(list(channel.unary_stream('/wire.Echo/Many')(b'', timeout=20))) == 5
try: channel.unary_unary('/wire.Echo/Absent')(b'', timeout=20); raise SystemExit('no error came')
except grpc.RpcError as e: assert e.code() == grpc.StatusCode.NOT_FOUND and e.details() == 'no such thing', e
channel.close(); server.stop(1).wait()
"#
    ));
    let shown = stage.end();
    let with = |text: &str| shown.lines().filter(|l| l.contains(text)).count();
    assert!(with("/wire.Echo/One") >= 4 && with("/wire.Echo/Many") >= 1 && with("/wire.Echo/Absent") >= 1, "{shown}");
    let ends = |more: &str| stage.tshark(&format!("http2.header.name == \"grpc-status\"{more}"), &["frame.number"]).len();
    assert_eq!(ends(""), 2 * 6, "the end of each call on both legs");
    assert_eq!(ends(" && http2.header.value == \"no such thing\""), 2, "the refused call");
    stage.is_in_order();
}

#[test]
fn many_streams_of_nghttp_pass_at_once() {
    if !are_here(&["h2load", "nginx", "tshark"]) {
        return;
    }
    let folder = Folder::new("h2load");
    folder.certificate();
    std::fs::create_dir(folder.path("www")).expect("made");
    folder.put("www/a.html", "x".repeat(3000));
    let (_nginx, port) = nginx(&folder, "");
    let proxy = peers::Proxy::before(&folder, &format!("https://localhost:{port}"), &[]);
    let (ok, said) = run(Command::new("h2load").args([
        "-n",
        "400",
        "-c",
        "4",
        "-m",
        "50",
        &format!("https://localhost:{}/a.html", proxy.port()),
    ]));
    assert!(ok && said.contains("400 succeeded, 0 failed"), "{said}");
    let record = proxy.record.clone();
    let shown = proxy.stop();
    assert_eq!(asked(&shown, "GET /a.html"), 400);
    let (ok, said) = run(Command::new("tshark")
        .args(["-Y", "http2.headers.status == 200", "-T", "fields", "-e", "http2.headers.status", "-r"])
        .arg(record));
    let answers = said.split([',', '\n']).filter(|s| *s == "200").count();
    assert!(ok && answers == 2 * 400, "tshark sees {answers} answers in both legs");
}

#[test]
fn chromium_loads_a_page_with_many_parts_a_chat_and_a_download() {
    if !are_here(&["chromium", "nginx", "python3", "tshark"]) {
        return;
    }
    const PARTS: usize = 60;
    let folder = Folder::new("chromium");
    folder.certificate();
    std::fs::create_dir(folder.path("www")).expect("made");
    let (_echo, chat) = echo(&folder);
    let page = format!(
        "<!doctype html><title>parts</title><link rel=icon href=/part-0.svg><body><script>\n\
         const loaded = [...Array({PARTS}).keys()].map(n => new Promise(done => {{ const i = new Image(); i.onload = done; i.src = '/part-' + n + '.svg'; \
         document.body.append(i); }}));\n\
         const talked = new Promise(done => {{ const ws = new WebSocket('wss://localhost:{chat}/chat'); let n = 0; ws.onopen = () => ws.send('hello 0'); \
         ws.onmessage = e => {{ if (++n < 3) ws.send('hello ' + n); else {{ ws.close(); done(); }} }}; }});\n\
         Promise.all([...loaded, talked]).then(() => {{ const a = document.createElement('a'); a.href = '/big.bin'; a.download = 'big.bin'; \
         document.body.append(a); a.click(); return fetch('/big.bin').then(r => r.arrayBuffer()).then(b => fetch('/done?' + b.byteLength)); }});\n</script>"
    );
    folder.put("www/index.html", page);
    folder.put("www/done", "");
    std::fs::File::create(folder.path("www/big.bin")).and_then(|f| f.set_len(3 << 20)).expect("made");
    for n in 0..PARTS {
        folder.put(
            &format!("www/part-{n}.svg"),
            format!("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><text>{n}</text></svg>"),
        );
    }
    let (_nginx, port) = nginx(&folder, "");
    let (record, cert) = (folder.path("record.pcapng"), folder.path("cert.pem"));
    let url = format!("https://localhost:{port}/index.html");
    let args = [
        OsStr::new("-m"),
        "regular@127.0.0.1:0".as_ref(),
        "-w".as_ref(),
        record.as_ref(),
        "--upstream-ca".as_ref(),
        cert.as_ref(),
        "--browser=chromium".as_ref(),
        "--browser-url".as_ref(),
        url.as_ref(),
    ];
    let quiet = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage"]
        .into_iter()
        .flat_map(|a| [OsStr::new("--browser-arg"), a.as_ref()]);
    let (mut proxy, _) = peers::proxy(&folder.0, args.into_iter().chain(quiet));
    let begun = Instant::now();
    let asked = || std::fs::read_to_string(folder.path("access.log")).unwrap_or_default();
    while !asked().contains("GET /done?3145728 ") {
        assert!(begun.elapsed() < Duration::from_secs(120), "the page was never done; nginx was asked:\n{}", asked());
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(asked().lines().filter(|l| l.contains("GET /big.bin ")).count() >= 2, "the download besides the script's own");
    let (ok, _) = run(Command::new("kill").args(["-INT", &proxy.0.id().to_string()]));
    assert!(ok && proxy.0.wait().expect("it ends").success());
    let (ok, shown) = run(Command::new(env!("CARGO_BIN_EXE_wirelore")).args(["dump", "-m", "-r"]).arg(&record));
    assert!(ok);
    for n in 0..PARTS {
        assert!(shown.contains(&format!("GET /part-{n}.svg")), "part {n} is not in the session file");
    }
    assert!(shown.contains("hello 2") && shown.contains("GET /big.bin"), "no chat or no download in the session file");
    let tshark = |filter: &str| {
        let (ok, said) =
            run(Command::new("tshark").args(["-Y", filter, "-T", "fields", "-e", "http2.headers.path", "-r"]).arg(&record));
        assert!(ok, "{said}");
        said
    };
    let paths = tshark("http2.headers.path");
    assert!((0..PARTS).all(|n| paths.contains(&format!("/part-{n}.svg"))), "tshark does not find all parts");
    assert!(!tshark("websocket.payload.text contains \"hello 2\" || websocket.opcode == 1").is_empty(), "tshark finds no chat");
}
