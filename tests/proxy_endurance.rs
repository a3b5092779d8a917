//! The proxy under faults as a whole: killed in the middle of load, and left by clients or servers in the middle of a message.

#[path = "support/peers.rs"]
mod peers;

use peers::{Folder, Running, run};
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const WAIT: Duration = Duration::from_secs(20);

/// A server that deals with each connection in this way.
fn serve(with: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = listener.local_addr().expect("an address");
    let with = Arc::new(with);
    std::thread::spawn(move || {
        for tcp in listener.incoming().map_while(Result::ok) {
            let with = with.clone();
            std::thread::spawn(move || with(tcp));
        }
    });
    at
}

/// Reads to the end of a head; `None` at the end of the connection.
fn head(tcp: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        tcp.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

/// A proxy with its record.
struct Proxy {
    child: Running,
    at: SocketAddr,
    record: PathBuf,
}

impl Proxy {
    fn start(folder: &Folder) -> Proxy {
        let record = folder.path("record.pcapng");
        let args =
            [OsStr::new("--listen-host"), "127.0.0.1".as_ref(), "-p".as_ref(), "0".as_ref(), "-w".as_ref(), record.as_ref()];
        let (child, at) = peers::proxy(&folder.0, args);
        Proxy { child, at, record }
    }

    fn client(&self) -> TcpStream {
        let tcp = TcpStream::connect(self.at).expect("connected");
        tcp.set_read_timeout(Some(WAIT)).expect("set");
        tcp
    }
}

#[test]
fn a_proxy_killed_under_load_has_recorded_what_its_clients_had() {
    let folder = Folder::new("killed");
    let server = serve(|mut tcp| {
        while head(&mut tcp).is_some() {
            if tcp.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").is_err() {
                break;
            }
        }
    });
    let mut proxy = Proxy::start(&folder);
    let had = Arc::new(Mutex::new(Vec::new()));
    let clients: Vec<_> = (0..8)
        .map(|c| {
            let (mut tcp, had) = (proxy.client(), had.clone());
            std::thread::spawn(move || {
                for n in 0.. {
                    let path = format!("/client{c}/{n}/");
                    let asked = write!(tcp, "GET http://{server}{path} HTTP/1.1\r\nHost: {server}\r\n\r\n");
                    if asked.is_err() || head(&mut tcp).is_none() {
                        break;
                    }
                    had.lock().expect("whole").push((Instant::now(), path));
                }
            })
        })
        .collect();
    std::thread::sleep(Duration::from_millis(1200));
    proxy.child.0.kill().expect("killed");
    let killed = Instant::now();
    for client in clients {
        client.join().expect("a client ends");
    }
    assert!(killed.elapsed() < WAIT, "a client hangs");
    let (ok, shown) = run(Command::new(env!("CARGO_BIN_EXE_wirelore")).args(["dump", "-m", "-r"]).arg(&proxy.record));
    assert!(ok, "{shown}");
    let had = had.lock().expect("whole");
    // The record may lag behind by as long as a chunk may wait, on a busy machine by more.
    let before: Vec<&String> = had.iter().filter(|(at, _)| *at + Duration::from_millis(500) < killed).map(|(_, p)| p).collect();
    assert!(before.len() > 8, "no load: {}", before.len());
    let lost: Vec<_> = before.iter().filter(|p| !shown.contains(p.as_str())).collect();
    assert!(lost.is_empty(), "{} of {} lost: {lost:?}", lost.len(), before.len());
}

#[test]
fn a_client_that_leaves_in_the_middle_of_its_request_does_not_leave_the_server_waiting() {
    let folder = Folder::new("leaves");
    let (said, ended) = std::sync::mpsc::channel();
    let server = serve(move |mut tcp| {
        tcp.set_read_timeout(Some(WAIT)).expect("set");
        let mut all = Vec::new();
        let hung = tcp.read_to_end(&mut all).is_err_and(|e| e.kind() == std::io::ErrorKind::WouldBlock);
        said.send((hung, String::from_utf8_lossy(&all).into_owned())).expect("heard");
    });
    let proxy = Proxy::start(&folder);
    let mut tcp = proxy.client();
    write!(tcp, "POST http://{server}/ HTTP/1.1\r\nHost: {server}\r\nContent-Length: 1000\r\n\r\nhalf").expect("sent");
    std::thread::sleep(Duration::from_millis(300));
    drop(tcp);
    let (hung, all) = ended.recv_timeout(WAIT + WAIT).expect("the connection ends");
    assert!(!hung && all.ends_with("half"), "{all}");
}
