//! HTTP/2 edited natively, with real peers: curl, h2load, nghttp, Chromium and Python before nginx and a server of gRPC. What each leg carried stands
//! in the session file, and tshark reads it without a fault.

#[path = "support/peers.rs"]
mod peers;
#[path = "support/talk.rs"]
mod talk;

use peers::{Folder, Proxy, Running, are_here, free, run, server};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use talk::Talk;

/// nginx with HTTP/2 over TLS that says what it was asked, and without TLS on the port behind it.
struct Site {
    folder: Folder,
    port: u16,
    plain: u16,
    _nginx: Running,
}

impl Site {
    fn new(name: &str) -> Site {
        let folder = Folder::new(name);
        folder.certificate();
        std::fs::create_dir(folder.path("www")).expect("made");
        let (port, plain, length) = (free(), free(), free());
        let conf = format!(
            "daemon off; worker_processes 1; pid {r}/pid; error_log {r}/error.log;\nevents {{ worker_connections 1024; }}\nhttp {{ access_log \
             {r}/access.log; client_body_temp_path {r}/b; proxy_temp_path {r}/p; fastcgi_temp_path {r}/f; uwsgi_temp_path {r}/u; scgi_temp_path \
             {r}/s; default_type text/plain; types {{ text/html html; image/svg+xml svg; }} client_max_body_size 100m; keepalive_requests 100000; \
             root {r}/www;\nserver {{ listen 127.0.0.1:{port} ssl http2; ssl_certificate {r}/cert.pem; ssl_certificate_key {r}/key.pem;\n\
             location /echo {{ add_header x-got \"$http_x_added\"; return 200 \"$request_method $request_uri $content_length\\n\"; }}\n\
             location /up {{ proxy_pass http://127.0.0.1:{length}/; }} }}\nserver {{ listen 127.0.0.1:{plain} http2; }}\n\
             server {{ listen 127.0.0.1:{length}; location / {{ return 200 \"$content_length bytes\\n\"; }} }} }}\n",
            r = folder.0.display(),
        );
        let conf = folder.put("nginx.conf", conf);
        let nginx = server(Command::new("nginx").arg("-c").arg(conf).arg("-p").arg(&folder.0), port);
        Site { folder, port, plain, _nginx: nginx }
    }

    fn proxy(&self, flags: &[&str]) -> Proxy {
        Proxy::before(&self.folder, &format!("https://localhost:{}", self.port), flags)
    }

    /// What curl says of an address behind the proxy; it trusts us.
    fn curl(&self, port: u16, path: &str, more: &[&str]) -> String {
        let ca = self.folder.path("config/wirelore/wirelore-ca-cert.pem");
        let mut command = Command::new("curl");
        command.args(["-s", "--http2", "--max-time", "30", "--cacert"]).arg(ca).args(more);
        let (ok, said) = run(command.arg(format!("https://localhost:{port}{path}")));
        assert!(ok, "{said}");
        said
    }
}

/// tshark finds nothing wrong in what was recorded, and so many packets that fit.
fn in_order(record: &Path, filter: &str) -> usize {
    let lines = |filter: &str| {
        let mut command = Command::new("tshark");
        let out = command.args(["-Y", filter, "-T", "fields", "-e", "frame.number", "-r"]).arg(record).output().expect("tshark");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).lines().count()
    };
    assert_eq!(lines("_ws.malformed || tls.ignored_unknown_record"), 0, "tshark finds faults");
    lines(filter)
}

#[test]
fn curl_keeps_http_2_where_rules_change_answer_and_block() {
    if !are_here(&["curl", "nginx", "tshark"]) {
        return;
    }
    let site = Site::new("h2edit-curl");
    let big: String = (0..200_000).map(|n| format!("line {n}\n")).collect();
    site.folder.put("www/big.txt", &big);
    let mapped = site.folder.put("mapped.txt", "from a file\n");
    let local = format!("|/mapped|{}", mapped.display());
    let proxy = site.proxy(&[
        "--modify-headers",
        "/~q/X-Added/yes",
        "--modify-body",
        "/~s & ~u big/line/longer line",
        "--modify-body",
        "/~q & ~u up/x/yz",
        "--map-local",
        &local,
        "--block-list",
        ":~u forbidden:403",
    ]);
    let port = proxy.port();
    let version = ["-w", "%{http_version} %{http_code}"];
    let echo = site.curl(port, "/echo?a", &["-D", "-", "-w", "%{http_version}"]);
    assert!(echo.contains("x-got: yes") && echo.ends_with("GET /echo?a \n2"), "{echo}");
    assert_eq!(site.curl(port, "/mapped", &version), "from a file\n2 200");
    assert!(site.curl(port, "/forbidden", &version).ends_with("2 403"));
    assert_eq!(site.curl(port, "/big.txt", &[]), big.replace("line", "longer line"), "a body grows by a third");
    let sent = site.folder.put("sent", "x".repeat(400_000));
    let sent = format!("@{}", sent.display());
    assert_eq!(site.curl(port, "/up", &["--data-binary", &sent]), "800000 bytes\n", "and its length with it");
    assert_eq!(site.curl(port, "/up", &["--data-binary", &sent, "-H", "Expect: 100-continue"]), "800000 bytes\n");
    let record = proxy.record.clone();
    let shown = proxy.stop();
    assert!(shown.contains("GET /mapped") && shown.contains("GET /forbidden"), "{shown}");
    assert_eq!(in_order(&record, "http2.header.name == \"x-added\""), 4, "on the server's leg, where it was asked");
}

#[test]
fn larger_bodies_are_judged_where_they_are_to_be_kept() {
    if !are_here(&["curl", "nginx"]) {
        return;
    }
    let site = Site::new("h2edit-large");
    // Above the 16 MiB that are usual; the last bytes are the ones that change.
    let large = [&b"a".repeat(17 << 20)[..], b"NEEDLE"].concat();
    site.folder.put("www/large", &large);
    let sent = format!("@{}", site.folder.put("sent", &large).display());
    for (size, end, arrives) in [("16m", "NEEDLE", large.len()), ("20m", "found", large.len() - 1)] {
        let proxy = site.proxy(&["--keep-bodies", size, "--modify-body", "/./NEEDLE/found"]);
        for version in ["--http1.1", "--http2"] {
            let got = site.curl(proxy.port(), "/large", &[version]);
            assert!(got.ends_with(end) && got.len() == arrives, "{size} {version}: {}", got.len());
            let said = site.curl(proxy.port(), "/up", &[version, "--data-binary", &sent]);
            assert_eq!(said, format!("{arrives} bytes\n"), "{size} {version}");
        }
        proxy.stop();
    }
}

#[test]
fn many_streams_at_once_pass_an_armed_host_whole() {
    if !are_here(&["h2load", "nghttp", "nginx", "tshark"]) {
        return;
    }
    let site = Site::new("h2edit-load");
    for n in 0..20 {
        site.folder.put(&format!("www/{n}.txt"), format!("part {n} ").repeat(500 * n));
    }
    let proxy = site.proxy(&["--modify-headers", "/~q/x-added/yes", "--modify-body", "/~s & ~u [13579].txt/part/piece of"]);
    let list: String = (0..20).map(|n| format!("https://localhost:{}/{n}.txt\n", proxy.port())).collect();
    let list = site.folder.put("list", list);
    let (ok, said) = run(Command::new("h2load").args(["-n", "800", "-c", "4", "-m", "50", "-i"]).arg(list));
    assert!(ok && said.contains("800 succeeded, 0 failed"), "{said}");
    // 40 rounds of 20 parts: the odd ones are longer by 4 bytes in each of their 500 n words.
    let want: usize =
        40 * (0..20).map(|n| 500 * n * (format!("part {n} ").len() + if n % 2 == 1 { 4 } else { 0 })).sum::<usize>();
    assert!(said.contains(&format!("({want}) data")), "{want} bytes are due: {said}");
    let (ok, said) = run(Command::new("nghttp").args(["-n", "-a", "-s", &format!("https://localhost:{}/7.txt", proxy.port())]));
    assert!(ok && said.contains("200"), "{said}");
    let record = proxy.record.clone();
    proxy.stop();
    assert!(in_order(&record, "http2.header.name == \"x-added\"") > 0);
}

#[test]
fn http_2_without_tls_is_edited_by_prior_knowledge() {
    if !are_here(&["curl", "nginx"]) {
        return;
    }
    let site = Site::new("h2edit-h2c");
    site.folder.put("www/a.txt", "plain text\n");
    let proxy = Proxy::before(&site.folder, &format!("h2c://127.0.0.1:{}", site.plain), &["--modify-body", "/~s/plain/changed"]);
    let url = format!("http://127.0.0.1:{}/a.txt", proxy.port());
    let (ok, said) =
        run(Command::new("curl").args(["-s", "--max-time", "20", "--http2-prior-knowledge", "-w", "%{http_version}", &url]));
    assert!(ok && said == "changed text\n2", "{said}");
    proxy.stop();
}

/// A proxy before the site that holds what is about `held`, and listens on that socket. It, and its port.
fn steered(site: &Site, socket: &Path) -> (Running, u16) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirelore"));
    command.args(["proxy", "--headless", "--intercept", "~u held", "--upstream-ca"]).arg(site.folder.path("cert.pem"));
    command.args(["-m", &format!("reverse:https://localhost:{}@127.0.0.1:0", site.port), "--control"]).arg(socket);
    command.env("XDG_CONFIG_HOME", site.folder.path("config")).env("HOME", &site.folder.0);
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().expect("the proxy starts");
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    let port = loop {
        let line = lines.next().expect("the proxy says where it listens").expect("text");
        if let Some(at) = line.strip_prefix("Listening at ").and_then(|l| l.split(' ').next()) {
            break at.rsplit(':').next().and_then(|p| p.parse().ok()).expect("an address");
        }
    };
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(|l| eprintln!("proxy: {l}")));
    (Running(child), port)
}

#[test]
fn a_stream_that_is_held_and_edited_by_hand_keeps_none_of_the_others() {
    if !are_here(&["nginx", "curl"]) {
        return;
    }
    let site = Site::new("h2edit-held");
    site.folder.put("www/a.txt", "fine\n");
    let socket = site.folder.path("control");
    let (proxy, port) = steered(&site, &socket);
    let body = format!("@{}", site.folder.put("body", "x".repeat(100_000)).display());
    let url = |path: &str| format!("https://localhost:{port}{path}");
    let ca = site.folder.path("config/wirelore/wirelore-ca-cert.pem");
    let mut command = Command::new("curl");
    command.current_dir(&site.folder.0).args(["-s", "-Z", "--http2", "--max-time", "60", "--parallel-max", "100"]);
    let common = |command: &mut Command, out: &str| {
        command.arg("--cacert").arg(&ca).args(["-o", out, "-w", "%{urlnum} %{http_version} %{http_code} %{num_connects}\n"]);
    };
    common(&mut command, "free#1");
    command.args([&url("/a.txt?[0-9]"), "--next", "-s", "--data-binary", &body]);
    common(&mut command, "held#1");
    command.arg(url("/echo/held/[0-2]"));
    let child = command.stdout(std::process::Stdio::piped()).spawn().expect("curl");
    let mut talk = Talk::new(&socket);
    let mut requests = talk.held(3);
    let begun = Instant::now();
    let is_there = |name: String| std::fs::read_to_string(site.folder.path(&name)).is_ok_and(|t| t == "fine\n");
    while !(0..10).all(|n| is_there(format!("free{n}"))) {
        assert!(begun.elapsed() < Duration::from_secs(30), "others go on while three are held");
        std::thread::sleep(Duration::from_millis(20));
    }
    requests.sort_by_key(|m| m["is"]["url"].to_string());
    let number = |m: &serde_json::Value| m["message"].clone();
    assert!(requests.iter().all(|m| m["is"]["body"]["text"].as_str().is_some_and(|t| t.len() == 100_000)), "whole");
    // The last of them goes first, changed; the second is answered here; the first is dropped.
    let headers = [[":scheme", "https"], [":authority", "localhost"], ["content-length", "5"]];
    let to = serde_json::json!({"line": "POST /echo/held/else HTTP/2", "headers": headers, "body": "short"});
    talk.ask(&serde_json::json!({"do": "hold.change", "message": number(&requests[2]), "to": to}));
    let answer = serde_json::json!({"line": "HTTP/2 418", "headers": [["x-got", "tea"]], "body": "a teapot"});
    talk.ask(&serde_json::json!({"do": "hold.answer", "message": number(&requests[1]), "with": answer}));
    talk.ask(&serde_json::json!({"do": "hold.drop", "message": number(&requests[0])}));
    let response = talk.held(1);
    talk.ask(&serde_json::json!({"do": "hold.forward", "message": number(&response[0])}));
    let out = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&out.stdout);
    let got = |name: &str| std::fs::read_to_string(site.folder.path(name)).unwrap_or_default();
    assert_eq!(got("held2"), "POST /echo/held/else 5\n", "{said}");
    assert_eq!((got("held1"), got("held0")), ("a teapot".to_string(), String::new()), "{said}");
    assert!(said.contains(" 2 418 ") && said.contains(" 2 000 ") || said.contains(" 0 000 "), "{said}");
    drop(proxy);
}

#[test]
fn calls_of_grpc_flow_both_ways_while_their_messages_are_changed() {
    if !are_here(&["nginx", "python3", "tshark"]) {
        return;
    }
    if !run(Command::new("python3").args(["-c", "import grpc"])).0 {
        return eprintln!("!!!! SKIPPED, NOT PASSED: Python has no grpc (pip install grpcio)");
    }
    let folder = Folder::new("h2edit-grpc");
    folder.certificate();
    let port = free();
    let script = folder.put(
        "script.py",
        format!(
            r#"
import grpc, os, queue, sys
from concurrent import futures
def both(asked, context):
    for m in asked: yield b'\x0a' + bytes([len(m)]) + m
class Echo(grpc.GenericRpcHandler):
    def service(self, call):
        if call.method == '/wire.Echo/One':
            def one(asked, context):
                context.set_trailing_metadata((('got', dict(context.invocation_metadata()).get('x-added', '-')),))
                return asked
            return grpc.unary_unary_rpc_method_handler(one)
        if call.method == '/wire.Echo/Both': return grpc.stream_stream_rpc_method_handler(both)
        return grpc.stream_unary_rpc_method_handler(lambda asked, context: b'\x08' + bytes([sum(1 for m in asked if len(m) == 30000)]))
server = grpc.server(futures.ThreadPoolExecutor(4)); server.add_generic_rpc_handlers((Echo(),))
key, cert = open('key.pem', 'rb').read(), open('cert.pem', 'rb').read()
assert server.add_secure_port('127.0.0.1:{port}', grpc.ssl_server_credentials([(key, cert)])) == {port}
server.start()
print('ready', flush=True)
def failed(kind, fault, where): sys.__excepthook__(kind, fault, where); os._exit(1)
sys.excepthook = failed
ca = open('config/wirelore/wirelore-ca-cert.pem', 'rb').read() if sys.stdin.readline() else b''
channel = grpc.secure_channel('localhost:' + sys.stdin.readline().strip(), grpc.ssl_channel_credentials(ca))
answer, call = channel.unary_unary('/wire.Echo/One').with_call(b'\x0a\x06secret', timeout=20)
assert answer == b'\x0a\x06public', answer
assert call.trailing_metadata()[0].value == 'yes'
asked = queue.Queue(); call = channel.stream_stream('/wire.Echo/Both')(iter(asked.get, None), timeout=20)
for n in range(5):
    asked.put(b'\x0a\x06secret')
    assert next(call) == b'\x0a\x08\x0a\x06public', 'each message waits for the answer to the one before'
asked.put(None)
assert list(call) == [] and call.code() == grpc.StatusCode.OK
assert channel.stream_unary('/wire.Echo/Up')(iter([b'x' * 30000] * 5), timeout=30) == b'\x08\x05'
channel.close(); server.stop(1).wait()
"#
        ),
    );
    let mut child = Command::new("python3")
        .arg(script)
        .current_dir(&folder.0)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("python");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("ready");
    let flags = ["--modify-headers", "/~q/x-added/yes", "--modify-body", "/~q | ~u wire/secret/public"];
    let proxy = Proxy::before(&folder, &format!("https://localhost:{port}"), &flags);
    writeln!(child.stdin.take().expect("piped"), "go\n{}", proxy.port()).expect("said");
    assert!(child.wait().expect("ended").success());
    // The record is whole within 100 ms.
    std::thread::sleep(Duration::from_millis(500));
    assert!(in_order(&proxy.record, "http2.header.name == \"grpc-status\"") >= 2 * 3);
}

#[test]
fn chromium_loads_a_page_of_many_parts_whose_answers_are_all_changed() {
    if !are_here(&["chromium", "nginx", "tshark"]) {
        return;
    }
    const PARTS: usize = 50;
    let site = Site::new("h2edit-chromium");
    let page = format!(
        "<!doctype html><link rel=icon href=/part-0.svg><script>\nconst part = n => fetch('/part-' + n + '.svg').then(r => r.text().then(t => \
         r.headers.get('x-rule') === 'hit' && t.includes('>' + n + '<') ? 1 : 0));\nPromise.all([...Array({PARTS}).keys()].map(part)).then(all => \
         fetch('/done?' + all.reduce((a, b) => a + b, 0) + document.title));\n</script>"
    );
    site.folder.put("www/index.html", page);
    site.folder.put("www/done", "");
    for n in 0..PARTS {
        site.folder.put(&format!("www/part-{n}.svg"), format!("<svg xmlns='http://www.w3.org/2000/svg'><text>{n}</text></svg>"));
    }
    let (record, cert) = (site.folder.path("record.pcapng"), site.folder.path("cert.pem"));
    let url = format!("https://localhost:{}/index.html", site.port);
    let text = |p: &Path| p.to_str().expect("a path").to_owned();
    let (record_at, cert_at) = (text(&record), text(&cert));
    let mut args = vec![
        "-m",
        "regular@127.0.0.1:0",
        "-w",
        &record_at,
        "--upstream-ca",
        &cert_at,
        "--browser=chromium",
        "--browser-url",
        &url,
    ];
    args.extend(["--modify-headers", "/~s/x-rule/hit", "--modify-body", "|~s & ~t html|<script>|<title>edited</title><script>"]);
    for quiet in ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage"] {
        args.extend(["--browser-arg", quiet]);
    }
    let (mut proxy, _) = peers::proxy(&site.folder.0, args);
    let asked = || std::fs::read_to_string(site.folder.path("access.log")).unwrap_or_default();
    let begun = Instant::now();
    while !asked().contains("GET /done?") {
        assert!(begun.elapsed() < Duration::from_secs(120), "the page was never done; nginx was asked:\n{}", asked());
        std::thread::sleep(Duration::from_millis(200));
    }
    let all = asked();
    let done = all.lines().find(|l| l.contains("/done?")).expect("it is there");
    assert!(done.contains(&format!("GET /done?{PARTS}")) && done.contains("HTTP/2.0"), "{done}");
    let (ok, _) = run(Command::new("kill").args(["-INT", &proxy.0.id().to_string()]));
    assert!(ok && proxy.0.wait().expect("it ends").success());
    assert!(in_order(&record, "http2.header.name == \"x-rule\"") > 0, "what the client got is in the record");
}
