//! The gate from outside: rules, breakpoints and the control socket, as a user meets them.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use wirelore::control::{Steered, serve};
use wirelore_gate::{Conn, Gate, Outcome};
use wirelore_kit::Dir;
use wirelore_kit::middle::{Judgement, Part, Stage, Transit};

#[derive(Default)]
struct Proxy {
    stopped: AtomicBool,
}

impl Steered for Proxy {
    fn status(&self) -> Value {
        json!({ "listening": ["127.0.0.1:8080"] })
    }
    fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
    fn send(&self, order: &Value) -> Result<Value, String> {
        Ok(order["url"].clone())
    }
    fn options(&self) -> Value {
        Value::Null
    }
    fn set(&self, _: &str, _: &Value) -> Result<(), String> {
        Ok(())
    }
}

fn request(line: &'static str, body: &'static [u8]) -> Transit {
    Transit {
        proto: "http",
        dir: Dir::ToServer,
        exchange: 0,
        part: Part::Request,
        stage: Stage::Whole,
        line: line.into(),
        headers: vec![("Host".into(), "example.org".into()), ("X-a".into(), b"\xff"[..].into())],
        body: body.into(),
        trailers: Vec::new(),
        url: Some("http://example.org/a".into()),
    }
}

fn hold(gate: &Gate, conn: &Conn, m: Transit) -> Receiver<Outcome> {
    let (send, got) = channel();
    assert!(gate.judge(conn, m, move |o| send.send(o).unwrap_or(())).is_none(), "it is held");
    got
}

struct Talk(BufReader<UnixStream>);

impl Talk {
    fn new(path: &Path) -> Talk {
        Talk(BufReader::new(UnixStream::connect(path).expect("the socket")))
    }
    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).expect("JSON")
    }
    fn ask(&mut self, order: &Value) -> Value {
        self.0.get_mut().write_all(format!("{order}\n").as_bytes()).expect("sent");
        self.line()
    }
    #[track_caller]
    fn good(&mut self, order: Value) -> Value {
        let answer = self.ask(&order);
        assert_eq!(answer["ok"], true, "{order}: {answer}");
        answer["result"].clone()
    }
}

#[test]
fn a_held_message_is_looked_at_changed_and_let_go_over_the_socket() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("c.sock");
    let (gate, proxy) = (Gate::new(), Arc::new(Proxy::default()));
    let control = serve(Some(&path), gate.clone(), proxy.clone(), None).expect("a socket");
    assert_eq!(std::fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
    let (mut ask, mut hear) = (Talk::new(&path), Talk::new(&path));
    hear.good(json!({"id": "e", "do": "events"}));
    ask.good(json!({"do": "intercept", "filter": "~m POST"}));
    assert_eq!(hear.line()["event"], "rules");

    let conn = Conn::new(9, "127.0.0.1:50000".parse().expect("an address"));
    let got = hold(&gate, &conn, request("POST /a HTTP/1.1", b"a=1"));
    let told = hear.line();
    assert_eq!(
        (&told["event"], &told["message"], &told["connection"], &told["is"]["body"]["text"]),
        (&json!("held"), &json!(1), &json!(9), &json!("a=1"))
    );
    let held = ask.good(json!({"do": "held"}));
    assert_eq!(held[0]["is"]["headers"], json!([["Host", "example.org"], ["X-a", {"base64": "/w=="}]]));
    let wrong = ask.ask(&json!({"id": 5, "do": "hold.change", "message": 1, "to": {"status": 1}}));
    assert_eq!((&wrong["id"], &wrong["ok"]), (&json!(5), &json!(false)));
    assert_eq!(ask.good(json!({"do": "status"}))["held"], 1, "a fault leaves it held");
    // What was shown, sent back with one word changed: nothing else may change.
    let mut to = held[0]["is"].clone();
    to["line"] = json!("PUT /a HTTP/1.1");
    ask.good(json!({"do": "hold.change", "message": 1, "to": to}));
    assert_eq!(hear.line(), json!({"event": "released", "message": 1, "connection": 9, "how": "changed: line"}));
    let Judgement::Change(m) = got.recv().expect("judged").judgement else { panic!("not changed") };
    assert_eq!(*m, Transit { line: "PUT /a HTTP/1.1".into(), ..request("POST /a HTTP/1.1", b"a=1") });
    let edits = ask.good(json!({"do": "edits"}));
    assert_eq!((&edits[0]["was"]["line"], &edits[0]["is"]["line"]), (&json!("POST /a HTTP/1.1"), &json!("PUT /a HTTP/1.1")));

    let got = hold(&gate, &conn, request("POST /b HTTP/1.1", b""));
    ask.good(json!({"do": "hold.answer", "message": 2, "with": {"status": 404, "body": "no"}}));
    let Judgement::Answer(a) = got.recv().expect("judged").judgement else { panic!("not answered") };
    assert_eq!((&a.line[..], &a.body[..], a.dir), (&b"HTTP/1.1 404 Not Found"[..], &b"no"[..], Dir::ToClient));
    for (order, judged) in [("hold.drop", Judgement::Drop), ("hold.reset", Judgement::Reset), ("hold.forward", Judgement::Pass)] {
        let got = hold(&gate, &conn, request("POST /c HTTP/1.1", b""));
        let id = ask.good(json!({"do": "held"}))[0]["message"].clone();
        ask.good(json!({"do": order, "message": id}));
        assert_eq!(got.recv().expect("judged").judgement, judged);
    }
    let all: Vec<_> = (0..20).map(|_| hold(&gate, &conn, request("POST /d HTTP/1.1", b""))).collect();
    assert_eq!(ask.good(json!({"do": "hold.forward", "message": "all"}))["released"], 20);
    assert!(all.iter().all(|g| g.recv().is_ok_and(|o| o.judgement == Judgement::Pass)));

    ask.good(json!({"do": "stop"}));
    assert!(proxy.stopped.load(Ordering::Relaxed));
    drop(control);
    assert!(!path.exists(), "the socket is taken away");
}

#[test]
fn rules_come_and_go_over_the_socket() {
    let dir = tempfile::tempdir().expect("a folder");
    let (path, file) = (dir.path().join("c.sock"), dir.path().join("rules.toml"));
    std::fs::write(&file, "[[rule]]\nname = 'from the file'\nblock = 404\n").expect("written");
    let gate = Gate::new();
    let _control = serve(Some(&path), gate.clone(), Arc::new(Proxy::default()), Some(file.clone())).expect("a socket");
    let mut ask = Talk::new(&path);
    assert_eq!(ask.good(json!({"do": "rules.reload"})), json!({"rules": 1}));
    assert_eq!(
        ask.good(json!({"do": "rules.add", "rule": {"name": "x", "when": "~q", "set-header": "A: 1"}}))["added"],
        json!(["x"])
    );
    assert_eq!(ask.good(json!({"do": "rules.add", "toml": "[[rule]]\nname = 'x'\nreset = true"}))["added"], json!(["x (2)"]));
    let rules = ask.good(json!({"do": "rules"}));
    assert_eq!(
        rules[0],
        json!({"name": "from the file", "when": "", "does": "block with 404", "from": "file, line 1", "on": true, "hits": 0})
    );
    assert_eq!((&rules[1]["does"], &rules[1]["from"]), (&json!("set A: 1"), &json!("added")));
    ask.good(json!({"do": "rules.enable", "name": "from the file", "on": false}));
    ask.good(json!({"do": "rules.remove", "name": "x (2)"}));
    let conn = Conn::new(1, "127.0.0.1:1".parse().expect("an address"));
    let o = gate.judge(&conn, request("GET / HTTP/1.1", b""), |_| {}).expect("at once");
    assert_eq!((o.hits.len(), o.hits[0].rule.as_str()), (1, "x"));
    for (order, says) in [
        (json!({"do": "rules.remove", "name": "y"}), "there is no rule \"y\": from the file, x"),
        (json!({"do": "rules.add", "toml": "[[rule]]\nblok = 1"}), "added:2:1: unknown field `blok`"),
        (json!({"do": "rules.add", "rule": {"when": "~url x", "block": 404}}), "did you mean ~u"),
        (json!({"do": "intercept", "filter": "(~q"}), "This parenthesis is not closed"),
        (json!({"do": "nonsense"}), "there is no order \"nonsense\": help, status"),
        (json!([1]), "an order is an object"),
        (json!({"do": "hold.drop", "message": 77}), "message 77 is not held"),
    ] {
        let answer = ask.ask(&order);
        assert!(answer["error"].as_str().is_some_and(|e| e.contains(says)), "{order}: {answer}");
    }
    ask.0.get_mut().write_all(b"{nonsense\n\n").expect("sent");
    assert!(ask.line()["error"].as_str().is_some_and(|e| e.contains("no JSON")));
    assert_eq!(ask.good(json!({"do": "help"})).as_array().map(|a| a.len() > 15), Some(true));
}

#[test]
fn the_command_prints_what_the_socket_says() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("c.sock");
    let gate = Gate::new();
    let control = serve(Some(&path), gate.clone(), Arc::new(Proxy::default()), None).expect("a socket");
    assert!(serve(Some(&path), gate.clone(), Arc::new(Proxy::default()), None).is_err_and(|e| e.contains("another proxy")));
    let run = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wirelore"));
        let out = command.arg("control").arg("--socket").arg(&path).args(words).output().expect("run");
        (out.status.code(), String::from_utf8_lossy(&out.stdout).into_owned(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    assert_eq!(run(&["intercept", "filter=~m POST"]), (Some(0), String::new(), String::new()));
    assert_eq!(gate.intercepting().as_deref(), Some("~m POST"));
    assert!(run(&["status"]).1.contains("\"intercept\":\"~m POST\""));
    let conn = Conn::new(1, "127.0.0.1:1".parse().expect("an address"));
    let got = hold(&gate, &conn, request("POST / HTTP/1.1", b""));
    assert_eq!(run(&["held"]).1.lines().count(), 1);
    assert_eq!(run(&["hold.change", "message=1", "{\"to\": {\"line\": \"GET / HTTP/1.1\"}}"]).0, Some(0));
    assert!(matches!(got.recv().expect("judged").judgement, Judgement::Change(_)));
    let (code, out, err) = run(&["hold.drop", "message=1"]);
    assert_eq!((code, out.as_str(), err.as_str()), (Some(1), "", "wirelore: message 1 is not held (any more)\n"));
    drop(control);
    assert!(run(&["status"]).2.contains("No proxy is steered at"));
}

#[test]
fn what_the_readme_says_of_rules_and_orders_is_so() {
    let readme = include_str!("../README.md");
    let section = readme.split("## Rules").nth(1).and_then(|s| s.split("\n## ").next()).expect("the section");
    let block = |kind: &str| section.split(&format!("```{kind}\n")).nth(1).and_then(|s| s.split("```").next()).expect("a block");
    let gate = Gate::new();
    gate.add(block("toml")).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(gate.rules().len(), 6);
    let line = section.split("`{\"id\": 1").nth(1).and_then(|s| s.split('`').next()).expect("an order");
    let order: Value = serde_json::from_str(&format!("{{\"id\": 1{line}")).expect("JSON");
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("c.sock");
    let _control = serve(Some(&path), gate.clone(), Arc::new(Proxy::default()), None).expect("a socket");
    let conn = Conn::new(1, "127.0.0.1:1".parse().expect("an address"));
    gate.add("[[rule]]\nhold = true").expect("a rule");
    let _got = hold(&gate, &conn, request("GET / HTTP/1.1", b""));
    let mut talk = Talk::new(&path);
    talk.0.get_mut().write_all(format!("{order}\n").as_bytes()).expect("sent");
    let mut said = String::new();
    talk.0.read_line(&mut said).expect("a line");
    assert!(section.contains(&format!("`{}`", said.trim())), "{said}");
    // Every order of the examples is one, and every word of the filters is one.
    let known: Vec<String> = talk
        .good(json!({"do": "help"}))
        .as_array()
        .expect("a list")
        .iter()
        .map(|o| o["do"].as_str().expect("a word").to_string())
        .collect();
    for line in block("sh").lines().filter_map(|l| l.strip_prefix("wirelore control ")) {
        let word = line.split_whitespace().next().expect("a word");
        assert!(known.iter().any(|k| k == word), "{word}");
    }
    for word in
        section.split('~').skip(1).filter_map(|w| w.split(|c: char| !c.is_ascii_alphanumeric()).next()).filter(|w| !w.is_empty())
    {
        assert!(wirelore_gate::WORDS.iter().any(|w| w.name == word), "~{word}");
    }
}

/// A server that answers every request with what it got, one connection at a time; and where it listens.
fn mirror() -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            std::thread::spawn(move || {
                let mut got = Vec::new();
                let mut more = [0; 4096];
                let length = |head: &str| {
                    let line =
                        head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length:").map(str::to_string));
                    line.and_then(|l| l.trim().parse::<usize>().ok()).unwrap_or(0)
                };
                loop {
                    let text = String::from_utf8_lossy(&got).into_owned();
                    if let Some(end) = text.find("\r\n\r\n").filter(|end| got.len() >= end + 4 + length(&text[..*end])) {
                        let all: Vec<u8> = got.drain(..end + 4 + length(&text[..end])).collect();
                        let head =
                            format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n", all.len());
                        let _ = stream.write_all(&[head.as_bytes(), &all].concat());
                        continue;
                    }
                    match std::io::Read::read(&mut stream, &mut more) {
                        Ok(n) if n > 0 => got.extend_from_slice(&more[..n]),
                        _ => return,
                    }
                }
            });
        }
    });
    at
}

/// A proxy as a user starts it, stopped in the end.
struct Started {
    child: std::process::Child,
    at: String,
    socket: std::path::PathBuf,
    dir: tempfile::TempDir,
}

impl Started {
    fn new(flags: &[&str]) -> Started {
        let dir = tempfile::tempdir().expect("a folder");
        let socket = dir.path().join("c.sock");
        let mut command = Command::new(env!("CARGO_BIN_EXE_wirelore"));
        command.args(["proxy", "--headless", "--listen-host", "127.0.0.1", "-p", "0", "-w"]).arg(dir.path().join("s.pcapng"));
        command.arg("--control").arg(&socket).args(flags).env("XDG_CONFIG_HOME", dir.path().join("config"));
        let mut child = command.stderr(std::process::Stdio::piped()).spawn().expect("started");
        let mut lines = BufReader::new(child.stderr.take().expect("piped"));
        let at = loop {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).expect("a line") > 0, "it ended before it listened");
            if let Some(at) = line.strip_prefix("Listening at ") {
                break at.split(' ').next().expect("an address").to_string();
            }
        };
        // What it says later must not block it.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Started { child, at, socket, dir }
    }

    fn talk(&self) -> Talk {
        Talk::new(&self.socket)
    }

    /// What comes back for these bytes, until the other side is done.
    fn exchange(&self, bytes: &str) -> String {
        let mut stream = std::net::TcpStream::connect(&self.at).expect("the proxy");
        stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).expect("set");
        stream.write_all(bytes.as_bytes()).expect("sent");
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut got = Vec::new();
        let _ = std::io::Read::read_to_end(&mut stream, &mut got);
        String::from_utf8_lossy(&got).into_owned()
    }

    /// Stops it; the folder with its session file.
    fn stop(mut self) -> tempfile::TempDir {
        self.talk().good(json!({"do": "stop"}));
        assert!(self.child.wait().expect("ended").success());
        std::mem::replace(&mut self.dir, tempfile::tempdir().expect("a folder"))
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn through_the_proxy_rules_answer_change_hold_and_send_elsewhere() {
    let (origin, other) = (mirror(), mirror());
    let block = ":~u /blocked:451".to_string();
    let remote = format!("|~m GET|http://{origin}/far/|http://{other}/near/");
    let proxy = Started::new(&[
        "--block-list",
        &block,
        "--modify-headers",
        "/~q/X-Added/yes",
        "--modify-body",
        "/~s/secret/******",
        "--map-remote",
        &remote,
    ]);
    let get = |path: &str| {
        proxy.exchange(&format!("GET http://{origin}{path} HTTP/1.1\r\nHost: {origin}\r\nConnection: close\r\n\r\n"))
    };
    let blocked = get("/blocked");
    assert!(blocked.starts_with("HTTP/1.1 451 ") && blocked.contains("--block-list"), "{blocked}");
    let changed = get("/secret");
    assert!(changed.contains("GET /****** HTTP/1.1\r\n") && changed.contains("X-Added: yes\r\n"), "{changed}");
    let far = get("/far/a?b=1");
    assert!(far.contains("GET /near/a?b=1 HTTP/1.1\r\n") && far.contains(&format!("Host: {other}\r\n")), "{far}");

    let mut talk = proxy.talk();
    talk.good(json!({"do": "intercept", "filter": "~q ~m POST"}));
    let held = std::thread::scope(|s| {
        let posted = s.spawn(|| {
            proxy.exchange(&format!(
                "POST http://{origin}/form HTTP/1.1\r\nHost: {origin}\r\nConnection: close\r\nContent-Length: 3\r\n\r\na=1"
            ))
        });
        let held = loop {
            let held = talk.good(json!({"do": "held"}));
            if held[0].is_object() {
                break held;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        };
        talk.good(json!({"do": "hold.change", "message": held[0]["message"], "to": {"body": "a=1&b=2"}}));
        let got = posted.join().expect("answered");
        assert!(got.contains("Content-Length: 7\r\n") && got.ends_with("\r\n\r\na=1&b=2"), "the length follows the body: {got}");
        held
    });
    assert_eq!(held[0]["is"]["body"], json!({"text": "a=1"}));
    talk.good(json!({"do": "intercept", "filter": null}));

    // Requests of our own: composed, raw, many.
    let sent = talk
        .good(json!({"do": "send", "url": format!("http://{origin}/own"), "headers": [["X-a", "1"], ["x-A", "2"]], "body": "b"}));
    let host = format!("Host: {origin}\r\n");
    assert_eq!(
        sent["answer"]["body"]["text"],
        json!(format!("POST /own HTTP/1.1\r\n{host}X-a: 1\r\nx-A: 2\r\nContent-Length: 1\r\n\r\nb"))
    );
    let raw = "gEt   /odd HTTP/1.7\r\nbad header\r\n\r\n";
    let sent = talk.good(json!({"do": "send", "url": format!("http://{origin}"), "raw": raw}));
    assert_eq!(sent["answer"]["body"]["text"], raw, "sent byte for byte: {sent}");
    let many = talk.good(json!({"do": "send", "url": format!("http://{origin}/"), "times": 20, "rate": 200}));
    assert_eq!((&many["answered"], &many["failed"]), (&json!(20), &json!(0)));
    assert!(many["seconds"].as_f64().is_some_and(|s| s >= 0.09), "{many}");
    let refused = talk.good(json!({"do": "send", "url": "http://127.0.0.1:1/"}));
    assert!(refused["why"].as_str().is_some_and(|w| w.contains("refused")), "{refused}");
    let status = talk.good(json!({"do": "status"}));
    assert!(
        status["hits"].as_u64().is_some_and(|h| h >= 4) && status["record"]["bytes"].as_u64().is_some_and(|b| b > 10_000),
        "{status}"
    );

    // What was recorded answers without the server.
    let dir = proxy.stop();
    let session = dir.path().join("s.pcapng");
    let replay = Started::new(&["--server-replay", session.to_str().expect("a path"), "--server-replay-extra", "404"]);
    let again = replay.exchange(&format!("GET http://{origin}/secret HTTP/1.1\r\nHost: {origin}\r\nConnection: close\r\n\r\n"));
    assert!(again.starts_with("HTTP/1.1 200 OK\r\n") && again.contains("GET /"), "{again}");
    let unknown =
        replay.exchange(&format!("GET http://{origin}/unknown HTTP/1.1\r\nHost: {origin}\r\nConnection: close\r\n\r\n"));
    assert!(unknown.starts_with("HTTP/1.1 404 "), "{unknown}");
    replay.stop();
}

#[test]
fn rules_that_come_later_reach_clients_that_keep_their_connection() {
    let origin = mirror();
    let proxy = Started::new(&[]);
    let mut stream = BufReader::new(std::net::TcpStream::connect(&proxy.at).expect("the proxy"));
    stream.get_ref().set_read_timeout(Some(std::time::Duration::from_secs(20))).expect("set");
    let ask = format!("GET http://{origin}/a HTTP/1.1\r\nHost: {origin}\r\n\r\n");
    stream.get_mut().write_all(ask.as_bytes()).expect("sent");
    let mut line = String::new();
    stream.read_line(&mut line).expect("an answer");
    assert_eq!(line, "HTTP/1.1 200 OK\r\n");
    proxy.talk().good(json!({"do": "rules.add", "toml": "[[rule]]\nblock = 404"}));
    // Idle behind its answer: closed, as any server may close it, so that the client comes again.
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut stream, &mut rest).expect("closed in order");
    assert!(proxy.exchange(&ask).starts_with("HTTP/1.1 404 "));
    proxy.stop();
}

#[test]
fn a_throttled_connection_is_slow() {
    let origin = mirror();
    let proxy = Started::new(&["--throttle", "400kbit/-/100ms"]);
    let began = std::time::Instant::now();
    let body = "x".repeat(50_000);
    let ask =
        format!("POST http://{origin}/a HTTP/1.1\r\nHost: {origin}\r\nConnection: close\r\nContent-Length: 50000\r\n\r\n{body}");
    let got = proxy.exchange(&ask);
    assert!(got.ends_with(&body), "{} bytes came", got.len());
    // 50 kB at 50 kB/s, and late by a round trip.
    assert!(began.elapsed().as_secs_f64() > 1.0, "{:?}", began.elapsed());
    proxy.stop();
}

#[test]
fn a_curl_command_becomes_what_curl_sends() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("LEFT OUT: curl is not installed, its requests are not compared with ours");
        return;
    }
    let origin = mirror();
    for with in [
        "-H 'X-a: 1' -H 'accept: text/plain' -A me",
        "-d 'a=1' -d b=2 -A me --compressed",
        "-X PUT --data-raw '{\"a\": 1}' -H 'Content-Type: application/json' -A me",
        "--json '{\"a\": 1}' -A me",
        "-G --data-urlencode 'q=a b&c' -A me -u joe:secret -e http://x/ -b c=1",
        "-sSL -H 'Accept:' -H 'Empty;' -A me",
    ] {
        let command = format!("curl http://{origin}/p?q {with}");
        let curl =
            Command::new("sh").args(["-c", &format!("{command} -s")]).env_remove("http_proxy").output().expect("curl runs");
        let ours = Command::new(env!("CARGO_BIN_EXE_wirelore")).args(["compose", "--curl", &command]).output().expect("run");
        assert!(ours.status.success(), "{command}: {}", String::from_utf8_lossy(&ours.stderr));
        assert_eq!(String::from_utf8_lossy(&ours.stdout), String::from_utf8_lossy(&curl.stdout), "{command}");
    }
}

/// Each flag of the proxy, and how a proxy that runs is told the same: `set NAME`, an order, or why it is for the start alone.
const FLAGS: &[(&str, &str)] = &[
    ("allow-hosts", "set allow_hosts"),
    ("anticache", "set anticache"),
    ("anticomp", "set anticomp"),
    ("block-list", "set block_list"),
    ("both-legs", "start: the record holds both, `dump` reads both"),
    ("browser", "start: a browser of its own; `wirelore ca` and the page say how others are set up"),
    ("browser-arg", "start: with --browser"),
    ("browser-url", "start: with --browser"),
    ("ca-cert", "start: clients trust one authority"),
    ("ca-key", "start: with --ca-cert"),
    ("certs", "start: leaves are kept"),
    ("client-certs", "start: whom upstream is believed to be"),
    ("control", "start: the socket itself"),
    ("except", "start: whom upstream is believed to be"),
    ("flow-lines", "order events"),
    ("give-up", "set give_up"),
    ("headless", "start: this program's window"),
    ("ignore-hosts", "set ignore_hosts"),
    ("intercept", "order intercept"),
    ("keylog", "start: from the first handshake on"),
    ("lax", "set validate_inbound_headers"),
    ("listen-host", "start: listeners stay as they are"),
    ("listen-port", "start: listeners stay as they are"),
    ("map-local", "set map_local"),
    ("map-remote", "set map_remote"),
    ("mode", "start: listeners stay as they are"),
    ("keep-bodies", "set stream_large_bodies"),
    ("modify-body", "set modify_body"),
    ("modify-headers", "set modify_headers"),
    ("no-control", "start: the socket itself"),
    ("pass-preset", "set pass_preset"),
    ("proxyauth", "set proxyauth"),
    ("record-full", "start: the record"),
    ("rules", "order rules.reload"),
    ("server-replay", "set server_replay"),
    ("server-replay-extra", "set server_replay_extra"),
    ("set", "order set"),
    ("ssl-insecure", "start: whom upstream is believed to be"),
    ("throttle", "set throttle"),
    ("transparent-", "start: what leads connections here is taken back at the end"),
    ("upstream-ca", "start: whom upstream is believed to be"),
    ("via", "set via"),
    ("write", "start: the record"),
];

#[test]
fn what_flags_say_can_be_said_over_the_socket() {
    use clap::CommandFactory;
    let command = wirelore::cli::Cli::command();
    let flags = command.find_subcommand("proxy").expect("wirelore proxy").get_arguments().filter_map(|a| a.get_long());
    let flags: Vec<&str> = flags.filter(|f| *f != "help").collect();
    let row = |flag: &str| FLAGS.iter().find(|(f, _)| *f == flag || f.ends_with('-') && flag.starts_with(f));
    for flag in &flags {
        assert!(row(flag).is_some(), "--{flag} is not in the table: can it be said over the socket?");
    }
    let proxy = Started::new(&["--pass-preset", "health", "--proxyauth", "me:secret"]);
    let mut ask = proxy.talk();
    let orders = ask.good(json!({"do": "help"}));
    let options = ask.good(json!({"do": "options"}));
    assert!(!options.to_string().contains("secret"), "{options}");
    assert_eq!(options["pass_preset"], json!(["health"]));
    for (flag, how) in FLAGS {
        assert!(flags.iter().any(|f| f.starts_with(flag)), "the table has --{flag}, the program has not");
        match how.split_once(' ') {
            Some(("set", name)) => assert!(options.get(name).is_some(), "{name} is no option: {options}"),
            Some(("order", word)) => {
                assert!(orders.as_array().is_some_and(|all| all.iter().any(|o| o["do"] == word)), "{word} is no order");
            }
            _ => assert!(how.starts_with("start: "), "{flag}: {how}"),
        }
    }
    // Every option in one direction and the other is a name of the table.
    for name in options.as_object().expect("an object").keys().filter(|n| *n != "intercept") {
        assert!(FLAGS.iter().any(|(_, how)| how.strip_prefix("set ") == Some(name)), "{name} stands for no flag");
    }
    proxy.stop();
}

#[test]
fn options_change_while_the_proxy_runs() {
    let origin = mirror();
    let proxy = Started::new(&[]);
    let mut ask = proxy.talk();
    let get = || proxy.exchange(&format!("GET http://{origin}/a HTTP/1.1\r\nHost: {origin}\r\nConnection: close\r\n\r\n"));
    assert!(get().starts_with("HTTP/1.1 200 "));
    ask.good(json!({"do": "set", "name": "block_list", "value": ["/~u a/404"]}));
    assert!(get().starts_with("HTTP/1.1 404 "));
    ask.good(json!({"do": "set", "name": "block_list", "value": []}));
    ask.good(json!({"do": "set", "name": "proxyauth", "value": "me:secret"}));
    assert!(get().starts_with("HTTP/1.1 407 "));
    ask.good(json!({"do": "set", "name": "proxyauth", "value": null}));
    ask.good(json!({"do": "set", "name": "via", "value": "here"}));
    ask.good(json!({"do": "set", "name": "ignore_hosts", "value": ["a", "b"]}));
    assert_eq!(ask.good(json!({"do": "options"}))["ignore_hosts"], json!(["a", "b"]));
    assert!(get().starts_with("HTTP/1.1 200 "));
    for (name, value, why) in [
        ("listen_port", json!(1), "cannot be changed"),
        ("ignore_hosts", json!("("), "--ignore-hosts"),
        ("give_up", json!("x"), "no number"),
        ("pass_preset", json!(["x"]), "no list"),
    ] {
        let said = ask.ask(&json!({"do": "set", "name": name, "value": value}));
        assert!(said["ok"] == false && said.to_string().contains(why), "{said}");
    }
    proxy.stop();
}
