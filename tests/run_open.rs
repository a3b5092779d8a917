//! `wirelore run --open`: the window stands beside the program and has its rows while it still runs. Skipped loudly without Xvfb.
#![cfg(all(target_os = "linux", feature = "window"))]

#[path = "support/peers.rs"]
mod peers;

use peers::{Folder, are_here};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// A display of our own, ended with it.
struct Display {
    server: Child,
    name: String,
}

impl Display {
    fn new() -> Display {
        let command = ["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"];
        let mut server = Command::new("Xvfb").args(command).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("Xvfb");
        let mut line = String::new();
        BufReader::new(server.stdout.take().expect("its output")).read_line(&mut line).expect("its number");
        Display { server, name: format!(":{}", line.trim()) }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Answers one request after the other.
fn http() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let at = listener.local_addr().expect("its address");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nplum");
        }
    });
    at
}

/// What it says on standard error, line by line.
fn lines(of: &mut Child) -> Receiver<String> {
    let (tell, told) = channel();
    let said = BufReader::new(of.stderr.take().expect("its words"));
    thread::spawn(move || {
        for line in said.lines().map_while(Result::ok) {
            eprintln!("{line}");
            let _ = tell.send(line);
        }
    });
    told
}

fn comes(lines: &Receiver<String>, what: &str, within: Duration) -> Vec<String> {
    let (end, mut before) = (Instant::now() + within, Vec::new());
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let line = lines.recv_timeout(left).unwrap_or_else(|_| panic!("{what:?} came not within {within:?}: {before:?}"));
        if line.contains(what) {
            return before;
        }
        before.push(line);
    }
}

fn run(home: &Folder, display: &str, script: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirelore"));
    command.args(["run", "--open", "--no-control", "--mode", "env", "--", "sh", "-c", script]);
    for (variable, folder) in
        [("HOME", ""), ("TMPDIR", ""), ("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data"), ("XDG_STATE_HOME", "state")]
    {
        command.env(variable, home.path(folder));
    }
    command.env("DISPLAY", display).env("LIBGL_ALWAYS_SOFTWARE", "1").env("WIRELORE_TRACE", "1").env_remove("WAYLAND_DISPLAY");
    command
        .env_remove("SSLKEYLOGFILE")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs")
}

fn signal(process: &Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &process.id().to_string()]).status().expect("kill").success());
}

#[test]
fn the_window_has_rows_while_the_program_runs_and_stays_when_it_has_ended() {
    if !are_here(&["Xvfb", "curl", "kill"]) {
        return;
    }
    let (home, display, server) = (Folder::new("run-open"), Display::new(), http());
    // It goes on until the file is there.
    let goes = home.path("go");
    let script = format!("curl -s http://{server}/plum; until test -e {}; do sleep 0.1; done; exit 7", goes.display());
    let mut run = run(&home, &display.name, &script);
    let said = lines(&mut run);
    let before = comes(&said, "first rows", Duration::from_secs(60));
    assert!(!before.iter().any(|l| l.contains("has ended")), "{before:?}");
    std::fs::write(&goes, "").expect("written");
    comes(&said, "sh has ended with 7", Duration::from_secs(30));
    thread::sleep(Duration::from_millis(300));
    assert!(run.try_wait().expect("asked").is_none(), "the window stays");
    signal(&run, "-TERM");
    let ended = run.wait().expect("it ends");
    assert_eq!(ended.code(), Some(7), "the program's exit code is ours");
    let left = std::fs::read_dir(&home.0).expect("a folder").flatten().map(|e| e.file_name().to_string_lossy().into_owned());
    let left: Vec<String> = left.filter(|n| n.ends_with(".pcapng") || n.starts_with("wirelore-run-")).collect();
    assert!(left.is_empty(), "nothing stays of what nobody keeps: {left:?}");
}

#[test]
fn without_a_display_nothing_is_started() {
    let home = Folder::new("run-open-dark");
    let began = home.path("began");
    let run = run(&home, "", &format!("touch {}", began.display()));
    let out = run.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(125), "{said}");
    assert!(said.contains("there is no display"), "{said}");
    assert!(!began.exists(), "the program was not started");
}
