//! Requests that are copied as commands make the same request again: the commands are run against a server that keeps what it hears.

mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use support::no_faults;

/// What one request was: its line, its headers sorted by lower-case name, its body.
#[derive(Debug, PartialEq, Eq)]
struct Heard {
    line: String,
    headers: Vec<String>,
    body: Vec<u8>,
}

/// Reads one request with a Content-Length and answers it.
fn hear(mut from: TcpStream) -> Option<Heard> {
    from.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut all = Vec::new();
    let head = loop {
        if let Some(at) = all.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
        let mut more = [0; 4096];
        let n = from.read(&mut more).ok().filter(|n| *n > 0)?;
        all.extend_from_slice(&more[..n]);
    };
    let text = String::from_utf8_lossy(&all[..head]).into_owned();
    let mut lines = text.split("\r\n").map(str::to_owned);
    let line = lines.next()?;
    let mut headers: Vec<String> = lines
        .map(|l| l.split_once(':').map_or(l.clone(), |(n, v)| format!("{}: {}", n.to_ascii_lowercase(), v.trim())))
        .collect();
    headers.sort();
    let length = headers.iter().find_map(|h| h.strip_prefix("content-length: ")?.parse::<usize>().ok()).unwrap_or(0);
    let mut body = all[head + 4..].to_vec();
    while body.len() < length {
        let mut more = [0; 4096];
        let n = from.read(&mut more).ok().filter(|n| *n > 0)?;
        body.extend_from_slice(&more[..n]);
    }
    from.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").ok()?;
    Some(Heard { line, headers, body })
}

/// Makes a HAR of one request, has it copied in that form, runs what comes out, and gives what the server heard.
fn run(form: &str, with: &[&str], method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Heard, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    let port = listener.local_addr().map_err(|e| e.to_string())?.port();
    let (to, heard) = mpsc::channel();
    std::thread::spawn(move || {
        if let Ok((from, _)) = listener.accept() {
            let _ = to.send(hear(from));
        }
    });
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let mut all = vec![serde_json::json!({"name": "Host", "value": format!("127.0.0.1:{port}")})];
    all.extend(headers.iter().map(|(n, v)| serde_json::json!({"name": n, "value": v})));
    let text: String = body.iter().map(|b| char::from(*b)).collect();
    let mut request = serde_json::json!({"method": method, "url": format!("http://127.0.0.1:{port}{path}"), "httpVersion": "HTTP/1.1", "headers": all});
    if !body.is_empty() {
        let (text, encoding) = if body.is_ascii() && !body.contains(&0) { (text, "") } else { (base64(body), "base64") };
        request["postData"] = serde_json::json!({"mimeType": "", "text": text, "_encoding": encoding});
    }
    let har = serde_json::json!({"log": {"entries": [{"startedDateTime": "2026-11-23T10:00:00Z", "request": request, "response": {"status": 200, "headers": []}}]}});
    let file = folder.path().join("one.har");
    std::fs::write(&file, har.to_string()).map_err(|e| e.to_string())?;
    let out = Command::new(env!("CARGO_BIN_EXE_wirelore"))
        .args(["export", "--as", form, "-r"])
        .arg(&file)
        .output()
        .map_err(|e| e.to_string())?;
    let script = String::from_utf8(out.stdout).map_err(|e| e.to_string())?;
    let mut child = Command::new(with[0])
        .args(&with[1..])
        .arg(&script)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| e.to_string())?;
    let got = heard.recv_timeout(Duration::from_secs(20));
    let _ = child.kill();
    let out = child.wait_with_output().map_err(|e| e.to_string())?;
    got.ok().flatten().ok_or_else(|| format!("nothing was heard; {}\n{script}", String::from_utf8_lossy(&out.stderr)))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for part in bytes.chunks(3) {
        let n = part.iter().enumerate().fold(0u32, |n, (i, b)| n | u32::from(*b) << (16 - 8 * i));
        for i in 0..4 {
            out.push(if i <= part.len() { char::from(DIGITS[(n >> (18 - 6 * i) & 63) as usize]) } else { '=' });
        }
    }
    out
}

fn have(program: &str, test: &[&str]) -> bool {
    let there = Command::new(program).args(test).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success());
    if !there {
        eprintln!("!!!! SKIPPED, NOT PASSED: {program} {} does not run here", test.join(" "));
    }
    there
}

/// A request: method, path, headers, body.
type Request = (&'static str, &'static str, Vec<(&'static str, &'static str)>, Vec<u8>);

/// Requests that are easy to get wrong.
fn requests() -> Vec<Request> {
    let usual = [("User-Agent", "it's \"me\""), ("Accept", "*/*"), ("Accept-Encoding", "gzip")];
    let with = |more: &[(&'static str, &'static str)]| usual.iter().copied().chain(more.iter().copied()).collect::<Vec<_>>();
    vec![
        ("GET", "/a?b=[1]&c=%20{2}", with(&[("X-Odd", "$(id) `id` \\ %s 'x'")]), vec![]),
        ("POST", "/form", with(&[("Content-Type", "application/x-www-form-urlencoded")]), b"a=1&b=it's+%41".to_vec()),
        ("PUT", "/json", with(&[("Content-Type", "application/json")]), b"{\"a\": [\"b\\n\", '$HOME']}\n".to_vec()),
        ("POST", "/bytes", with(&[("Content-Type", "application/octet-stream")]), (0..=255).collect()),
        ("DELETE", "/x", with(&[("If-Match", "\"abc\"")]), vec![]),
    ]
}

fn check(form: &str, with: &[&str], own: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    for (method, path, headers, body) in requests() {
        match run(form, with, method, path, &headers, &body) {
            Err(e) => faults.push(format!("{form} {method} {path}: {e}")),
            Ok(heard) => {
                let left = |h: &&String| {
                    !own.iter().any(|o| h.starts_with(o)) && !h.starts_with("host: ") && !h.starts_with("content-length: ")
                };
                let mut wanted: Vec<String> = headers.iter().map(|(n, v)| format!("{}: {v}", n.to_ascii_lowercase())).collect();
                wanted.sort();
                wanted.retain(|h| !own.iter().any(|o| h.starts_with(o)));
                let got: Vec<String> = heard.headers.iter().filter(left).cloned().collect();
                // wget and requests escape these whatever one does.
                let plain = |line: String| {
                    [("%7B", "{"), ("%7D", "}"), ("%5B", "["), ("%5D", "]")].iter().fold(line, |l, (a, b)| l.replace(a, b))
                };
                let line = if matches!(form, "wget" | "python") { plain(heard.line) } else { heard.line };
                if line != format!("{method} {path} HTTP/1.1") {
                    faults.push(format!("{form} {method} {path}: asked {line}"));
                }
                if got != wanted {
                    faults.push(format!("{form} {method} {path}: headers {got:?} and not {wanted:?}"));
                }
                if heard.body != body {
                    faults.push(format!("{form} {method} {path}: another body of {} bytes", heard.body.len()));
                }
            }
        }
    }
    faults
}

#[test]
fn copied_for_a_shell_they_make_the_same_request() {
    let mut faults = Vec::new();
    if have("curl", &["--version"]) {
        faults.extend(check("curl", &["bash", "-c"], &[]));
    }
    if have("wget", &["--version"]) {
        // wget keeps connections open and says so; it has no way to be silent about it.
        faults.extend(check("wget", &["bash", "-c"], &["connection: ", "accept-encoding: "]));
    }
    if have("http", &["--version"]) {
        faults.extend(check("httpie", &["bash", "-c"], &["connection: "]));
    }
    if have("nc", &["-h"]) {
        faults.extend(check("openssl", &["bash", "-c"], &[]));
    }
    no_faults(&faults, "requests");
}

#[test]
fn copied_as_code_they_make_the_same_request() {
    let mut faults = Vec::new();
    if have("node", &["-e", "fetch"]) {
        // What the Fetch standard makes a browser add of itself.
        let own = ["connection: ", "accept-language: ", "sec-fetch-mode: ", "accept-encoding: ", "cache-control: ", "pragma: "];
        faults.extend(check("fetch", &["node", "--input-type=module", "-e"], &own));
    }
    if have("python3", &["-c", "import requests"]) {
        faults.extend(check("python", &["python3", "-c"], &["connection: "]));
    }
    no_faults(&faults, "requests");
}

/// The commands of a client and the letter that it sent.
type Letter = (Vec<String>, Vec<u8>);

/// Takes one letter by SMTP; its envelope and its bytes, dots undone.
fn mailbox() -> (u16, mpsc::Receiver<Letter>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        use std::io::BufRead;
        let (mut to, _) = listener.accept().expect("a client");
        let mut from = std::io::BufReader::new(to.try_clone().expect("the same"));
        let mut say = |text: &str| to.write_all(text.as_bytes()).expect("said");
        let (mut envelope, mut letter, mut data) = (Vec::new(), Vec::new(), false);
        say("220 mail.test\r\n");
        loop {
            let mut line = Vec::new();
            if from.read_until(b'\n', &mut line).expect("a line") == 0 {
                return;
            }
            match (data, line.as_slice()) {
                (true, b".\r\n") => {
                    data = false;
                    tell.send((std::mem::take(&mut envelope), std::mem::take(&mut letter))).expect("told");
                    say("250 kept\r\n");
                }
                (true, line) => letter.extend_from_slice(line.strip_prefix(b".").unwrap_or(line)),
                (false, line) => {
                    let text = String::from_utf8_lossy(line).trim().to_owned();
                    data = text.eq_ignore_ascii_case("DATA");
                    say(if data { "354 go on\r\n" } else { "250 well\r\n" });
                    envelope.push(text);
                }
            }
        }
    });
    (port, told)
}

#[test]
fn a_letter_copied_for_swaks_goes_again_byte_for_byte() {
    if Command::new("swaks").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("!!!! SKIPPED, NOT PASSED: swaks is not installed");
        return;
    }
    let capture = support::root().join("captures/smtp/letters.pcapng");
    let folder = tempfile::tempdir().expect("a folder");
    let saved = Command::new(env!("CARGO_BIN_EXE_wirelore"))
        .args(["objects", "--save"])
        .arg(folder.path())
        .arg("-r")
        .arg(&capture)
        .output();
    assert!(saved.expect("objects").status.success());
    let letters: Vec<Vec<u8>> =
        std::fs::read_dir(folder.path()).expect("list").flatten().filter_map(|e| std::fs::read(e.path()).ok()).collect();
    let copied = Command::new(env!("CARGO_BIN_EXE_wirelore"))
        .args(["export", "--as", "swaks", "-r"])
        .arg(&capture)
        .output()
        .expect("export");
    let all = String::from_utf8(copied.stdout).expect("text");
    let mut sent = 0;
    // Each command begins with swaks or with what is piped into it.
    for command in all.split("\nLETTER\n").filter(|c| c.contains("swaks --server")) {
        // Encryption would need a server that has it.
        if command.contains("--tls") {
            continue;
        }
        let (port, heard) = mailbox();
        let at = command.find("--server ").expect("a server");
        let end = at + command[at..].find(" \\\n").expect("more words");
        let command = format!("{}--server 127.0.0.1 --port {port}{}\nLETTER\n", &command[..at], &command[end..]);
        // A letter may be longer than an argument.
        let script = folder.path().join("command.sh");
        std::fs::write(&script, &command).expect("written");
        let out = Command::new("sh").arg(&script).stdin(Stdio::null()).output().expect("sh");
        assert!(out.status.success(), "{command}\n{}", String::from_utf8_lossy(&out.stdout));
        let (envelope, letter) = heard.recv_timeout(Duration::from_secs(20)).expect("a letter");
        // What came in chunks (BDAT) may have had no line end at its end, which DATA cannot do without.
        let bare = letter.strip_suffix(b"\r\n").unwrap_or(&letter);
        assert!(letters.iter().any(|l| *l == letter || l == bare), "{command}\ncame as\n{}", String::from_utf8_lossy(&letter));
        assert!(envelope.iter().any(|l| l.starts_with("RCPT TO:<") && l.contains("@cafe.test")), "{envelope:?}");
        sent += 1;
    }
    assert!(sent >= 2, "only {sent} letters were found in {all}");
}
