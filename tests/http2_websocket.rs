//! WebSocket in a stream of HTTP/2 (RFC 8441) through the proxy, with Chromium before a server that speaks it: rules change its messages, some are
//! held, and messages of our own go in. What each leg carried stands in the session file.

#[path = "support/peers.rs"]
mod peers;
#[path = "support/talk.rs"]
mod talk;

use peers::{Folder, are_here, free, run, server};
use serde_json::json;
use std::process::Command;
use std::time::{Duration, Instant};
use talk::Talk;

/// A page whose WebSocket says what came back, and a WebSocket that gives back what it gets.
const APP: &str = r#"
PAGE = b"""<!doctype html><link rel=icon href=data:,><script>
const ws = new WebSocket('wss://' + location.host + '/chat?room=1'), said = [];
ws.onopen = () => { ws.send('a secret, a secret, a secret'); ws.send(new Uint8Array(70000).fill(7)); ws.send('please hold'); };
ws.binaryType = 'arraybuffer';
ws.onmessage = e => { said.push(typeof e.data === 'string' ? e.data : e.data.byteLength); if (said.at(-1) === 'from outside') ws.close(1000, 'done'); };
ws.onerror = () => fetch('/done?error');
ws.onclose = e => fetch('/done?' + encodeURIComponent(said.join('|') + '|' + e.code + '|' + ws.extensions));
</script>"""
async def app(scope, receive, send):
    if scope['type'] == 'websocket':
        print('chat over HTTP/' + scope['http_version'], flush=True)
        await receive(); await send({'type': 'websocket.accept'})
        while (m := await receive())['type'] == 'websocket.receive':
            await send({'type': 'websocket.send', **{k: m[k] for k in ('text', 'bytes') if m.get(k) is not None}})
    elif scope['type'] == 'http':
        if scope['path'] == '/done': print('done ' + scope['query_string'].decode(), flush=True)
        await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-type', b'text/html')]})
        await send({'type': 'http.response.body', 'body': PAGE if scope['path'] == '/' else b'ok'})
"#;

#[test]
fn chromiums_websocket_over_http_2_is_changed_held_and_added_to() {
    if !are_here(&["chromium", "python3", "tshark"]) {
        return;
    }
    if !run(Command::new("python3").args(["-c", "import hypercorn"])).0 {
        return eprintln!("!!!! SKIPPED, NOT PASSED: Python has no hypercorn (pip install hypercorn)");
    }
    let folder = Folder::new("h2-websocket");
    folder.certificate();
    folder.put("app.py", APP);
    let port = free();
    let shell = format!(
        "exec python3 -u -m hypercorn -w 0 -b 127.0.0.1:{port} --certfile cert.pem --keyfile key.pem app:app >server.log 2>server.err"
    );
    let _server = server(Command::new("sh").args(["-c", &shell]).current_dir(&folder.0), port);
    let path = |name: &str| folder.path(name).to_str().expect("a path").to_owned();
    let (record, cert, socket) = (path("record.pcapng"), path("cert.pem"), path("control"));
    let url = format!("https://localhost:{port}/");
    let mut args = vec!["-m", "regular@127.0.0.1:0", "-w", &record, "--upstream-ca", &cert, "--control", &socket];
    args.extend(["--browser=chromium", "--browser-url", &url, "--modify-body", "/~websocket & ~up/secret/public"]);
    args.extend(["--intercept", "~websocket & ~up & ~b please"]);
    for quiet in ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage"] {
        args.extend(["--browser-arg", quiet]);
    }
    let (mut proxy, _) = peers::proxy(&folder.0, args);
    let mut talk = Talk::new(folder.path("control").as_path());
    let held = talk.held(1).remove(0);
    assert_eq!((held["is"]["protocol"].as_str(), held["is"]["line"].as_str()), (Some("websocket"), Some("text")), "{held}");
    assert_eq!(held["is"]["url"], format!("https://localhost:{port}/chat?room=1"));
    let (conn, exchange) = (held["connection"].clone(), held["is"]["exchange"].clone());
    talk.ask(&json!({"do": "hold.change", "message": held["message"], "to": {"body": "was held"}}));
    let nowhere = json!({"do": "inject", "connection": conn, "exchange": 999, "to_server": false, "line": "text", "body": "x"});
    let why = talk.try_ask(&nowhere).expect_err("there is no such stream");
    assert!(why.contains("exchange 999 is no stream that takes a message to the client"), "{why}");
    // Behind the echo of what was held.
    std::thread::sleep(Duration::from_millis(500));
    let own = json!({"do": "inject", "connection": conn, "exchange": exchange, "to_server": false, "line": "text", "body": "from outside"});
    talk.ask(&own);
    let said = || std::fs::read_to_string(folder.path("server.log")).unwrap_or_default();
    let begun = Instant::now();
    while !said().contains("done ") {
        assert!(begun.elapsed() < Duration::from_secs(120), "the page was never done: {}", said());
        std::thread::sleep(Duration::from_millis(100));
    }
    let all = said();
    assert!(all.contains("chat over HTTP/2"), "{all}");
    let want =
        "done a%20public%2C%20a%20public%2C%20a%20public%7C70000%7Cwas%20held%7Cfrom%20outside%7C1000%7Cpermessage-deflate";
    assert!(all.contains(want), "{all}");
    let (ok, _) = run(Command::new("kill").args(["-INT", &proxy.0.id().to_string()]));
    assert!(ok && proxy.0.wait().expect("it ends").success());
    let (ok, shown) = run(Command::new(env!("CARGO_BIN_EXE_wirelore")).args(["dump", "-m", "-r", &record]));
    assert!(ok && shown.contains("from outside"), "the client's leg is read, message by message: {shown}");
    let (ok, said) =
        run(Command::new("tshark").args(["-r", &record, "-Y", "_ws.malformed", "-T", "fields", "-e", "frame.number"]));
    assert!(ok && said.lines().all(|l| !l.starts_with(|c: char| c.is_ascii_digit())), "{said}");
}
