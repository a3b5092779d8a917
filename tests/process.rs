//! Whose a connection is: found while it lives, kept in the file, the same when that is read again.
#![cfg(target_os = "linux")]

#[path = "support/peers.rs"]
mod peers;
mod support;

use peers::{Folder, are_here, proxy};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;
use wirelore::process::{Finder, record};
use wirelore_kit::Transport;
use wirelore_record::{Options, Recorder, TapSpec};
use wirelore_store::Work;
use wirelore_store::query::{Case, FlowFact, Query, Rows, Subject, Test, TextHow, find};

#[test]
fn a_proxied_connection_is_its_clients_on_both_legs() {
    if !are_here(&["curl"]) {
        return;
    }
    let folder = Folder::new("process");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let origin = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            std::thread::sleep(Duration::from_millis(150));
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi");
        }
    });
    let file = folder.path("a.pcapng");
    let (mut running, at) = proxy(
        &folder.0,
        ["-p".as_ref(), "0".as_ref(), "--listen-host".as_ref(), "127.0.0.1".as_ref(), "-w".as_ref(), file.as_os_str()],
    );
    let mut curl = Command::new("curl");
    curl.args(["-s", "-x", &format!("http://{at}"), "-H", "x-words: two words", &format!("http://{origin}/who")])
        .env_remove("no_proxy");
    let curl = curl.stdout(Stdio::piped()).spawn().expect("curl");
    let pid = curl.id();
    assert_eq!(curl.wait_with_output().expect("its end").stdout, b"hi");
    let stopped = Command::new("kill").args(["-INT", &running.0.id().to_string()]).status().expect("kill");
    assert!(stopped.success() && running.0.wait().expect("its end").success());

    let session = support::read(&file, 1).expect("a capture");
    let s = session.store.snapshot();
    for port in [at.port(), origin.port()] {
        let leg = s.each_flow().find(|f| f.server().port == port).expect("a leg");
        let process = s.process_of(leg.id).expect("a process");
        assert_eq!((process.pid, process.name.as_str()), (pid, "curl"));
        let expected = format!("curl -s -x http://{at} -H 'x-words: two words' http://{origin}/who");
        assert_eq!(process.command, expected);
    }
    let named = |name: &[u8]| {
        let is = Test::Text(TextHow::Equals, name.into(), Case::Exact);
        find(&s, &Query::Is(Subject::Flow(FlowFact::ProcessName), is), Rows::Flows, &Work::new()).map_or(0, |found| found.len())
    };
    assert_eq!((named(b"curl"), named(b"wget")), (2, 0));
    let summary =
        Command::new(env!("CARGO_BIN_EXE_wirelore")).args(["summary", "-q", "-r"]).arg(&file).output().expect("it runs");
    let summary = String::from_utf8_lossy(&summary.stdout).into_owned();
    assert!(summary.contains(&format!("curl ({pid}): 1 conversation")), "{summary}");
}

#[test]
fn a_capture_of_packets_keeps_what_was_found_beside_them() {
    let folder = Folder::new("process");
    let file = folder.path("b.pcapng");
    let recorder = Recorder::create(&file, Options::default()).expect("a record");
    let spec = |name| TapSpec { name, description: "", link_type: 101 };
    let [tap, _other] = recorder.taps([spec("lo"), spec("other")]);
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let local = socket.local_addr().expect("its address");
    let remote = "127.0.0.1:9".parse().expect("an address");
    let process = Finder::here().find(true, local, remote).expect("we are here");
    let ours = process.clone();
    let written = record(None, true, local, remote, process);
    // A datagram of 28 bytes and three more; nobody sums it here.
    let mut packet = vec![0x45, 0, 0, 31, 0, 0, 0x40, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1];
    packet.extend([local.port(), 9, 11, 0].iter().flat_map(|n: &u16| n.to_be_bytes()));
    packet.extend(b"abc");
    tap.packet(written.time, &packet);
    recorder.say(&written.written());
    recorder.finish().expect("written");

    let session = support::read(&file, 1).expect("a capture");
    let s = session.store.snapshot();
    let flow = s.each_flow().next().expect("a flow");
    assert_eq!(flow.transport, Transport::Udp);
    assert_eq!(s.process_of(flow.id), Some(&ours));
    assert_eq!(ours.pid, std::process::id());
}
