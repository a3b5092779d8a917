//! Rules that come while connections are open: what is passed on unread says so, can be closed, and is judged on its client's next connection.

#[path = "support/peers.rs"]
mod peers;
#[path = "support/talk.rs"]
mod talk;

use peers::{Folder, Proxy};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};
use talk::Talk;

/// A server of no known protocol that says everything again.
fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || std::io::copy(&mut stream.try_clone().expect("two ends"), &mut &stream));
        }
    });
    port
}

fn client(at: std::net::SocketAddr) -> TcpStream {
    let client = TcpStream::connect(at).expect("the proxy takes us");
    client.set_read_timeout(Some(Duration::from_secs(20))).expect("a time");
    client
}

/// What comes back of these words.
fn said(client: &mut TcpStream, words: &str) -> String {
    client.write_all(words.as_bytes()).expect("sent");
    let mut got = vec![0; words.len()];
    client.read_exact(&mut got).expect("it comes back");
    String::from_utf8(got).expect("text")
}

/// The connections that pass unread, once there are so many.
fn unread(talk: &mut Talk, count: usize) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let all = talk.ask(&json!({"do": "connections"})).as_array().cloned().unwrap_or_default();
        let all: Vec<Value> = all.into_iter().filter(|c| c["judged"] == false).collect();
        if all.len() == count {
            return all;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{count} were to pass unread: {all:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_connection_that_was_open_before_the_rules_says_so_and_its_clients_next_one_is_judged() {
    let folder = Folder::new("gate-late");
    let socket = folder.path("control");
    let url = format!("tcp://127.0.0.1:{}", echo());
    let proxy = Proxy::before(&folder, &url, &["--control", socket.to_str().expect("text")]);
    let mut talk = Talk::new(&socket);
    let mut open = client(proxy.at);
    assert_eq!(said(&mut open, "\u{1}\u{2}a secret"), "\u{1}\u{2}a secret");
    talk.ask(&json!({"do": "rules.add", "toml": "[[rule]]\nname = 'open'\nreplace-body = { text = 'secret', with = 'public' }"}));
    let passing = unread(&mut talk, 1).remove(0);
    assert_eq!(said(&mut open, "\u{1}\u{2}a secret"), "\u{1}\u{2}a secret", "it goes on as it was");
    let order = |what: &str| json!({"do": what, "connection": passing["connection"], "to_server": true, "body": "x"});
    let why = talk.try_ask(&order("inject")).expect_err("nobody reads it");
    assert!(why.contains("passes unread"), "{why}");
    talk.ask(&order("close"));
    assert_eq!(open.read(&mut [0; 9]).expect("it ends in order"), 0);
    unread(&mut talk, 0);
    let mut next = client(proxy.at);
    assert_eq!(said(&mut next, "\u{1}\u{2}a secret"), "\u{1}\u{2}a public");
    drop((open, next));
    let record = proxy.record.clone();
    proxy.stop();
    // What stands in the record beside a connection is its row's remark.
    let bytes = std::fs::read(record).expect("it was saved");
    let notes = String::from_utf8_lossy(&bytes);
    assert!(notes.contains("Not judged: rules came while it was open."));
    assert!(notes.contains("have the client connect again, or close this one"));
}
