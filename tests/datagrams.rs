//! Datagrams through the proxy: DNS over UDP and TCP behind a reverse listener, SOCKS 5's UDP ASSOCIATE, rules on both.

#[path = "support/peers.rs"]
mod peers;

use peers::{Folder, Proxy, are_here, free, proxy, run};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::time::Duration;

/// Answers every question for an address with 192.0.2.7.
fn answer(asked: &[u8]) -> Vec<u8> {
    let name = asked[12..].iter().position(|b| *b == 0).expect("the end of a name") + 13;
    let mut out = asked[..2].to_vec();
    out.extend(b"\x81\x80\0\x01\0\x01\0\0\0\0");
    out.extend(&asked[12..name + 4]);
    out.extend(b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x07");
    out
}

/// A DNS server on both transports of one port, for as long as the test runs.
fn dns() -> u16 {
    let (udp, tcp) = loop {
        let udp = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().expect("its address")) {
            break (udp, tcp);
        }
    };
    let port = udp.local_addr().expect("its address").port();
    std::thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((n, from)) = udp.recv_from(&mut buffer) {
            let _ = udp.send_to(&answer(&buffer[..n]), from);
        }
    });
    std::thread::spawn(move || {
        for mut tcp in tcp.incoming().map_while(Result::ok) {
            let mut head = [0; 2];
            while tcp.read_exact(&mut head).is_ok() {
                let mut asked = vec![0; usize::from(u16::from_be_bytes(head))];
                tcp.read_exact(&mut asked).expect("a question");
                let answer = answer(&asked);
                tcp.write_all(&[&(answer.len() as u16).to_be_bytes()[..], &answer].concat()).expect("sent");
            }
        }
    });
    port
}

fn question(name: &str) -> Vec<u8> {
    let mut out = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0".to_vec();
    for label in name.split('.') {
        out.push(label.len() as u8);
        out.extend(label.as_bytes());
    }
    out.extend([0, 0, 1, 0, 1]);
    out
}

fn client() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
    socket
}

/// The last bytes that a socket got.
fn got(socket: &UdpSocket) -> Vec<u8> {
    let mut buffer = vec![0; 2048];
    let n = socket.recv(&mut buffer).expect("an answer in time");
    buffer.truncate(n);
    buffer
}

#[test]
fn dig_asks_over_udp_and_tcp_and_each_question_is_one_message() {
    if !are_here(&["dig", "tshark"]) {
        return;
    }
    let folder = Folder::new("dig");
    let proxy = Proxy::before(&folder, &format!("dns://localhost:{}", dns()), &[]);
    let port = proxy.port().to_string();
    for how in ["+notcp", "+tcp"] {
        let (ok, said) = run(Command::new("dig").args(["+short", "+tries=1", how, "@127.0.0.1", "-p", &port, "example.org"]));
        assert!(ok && said == "192.0.2.7\n", "{how}: {said}");
    }
    let record = proxy.record.clone();
    let shown = proxy.stop();
    let lines = |what: &str| shown.lines().filter(|l| l.contains(what) && l.contains("DNS")).count();
    assert_eq!(lines("Standard query response"), 2, "over UDP and over TCP, and not both legs of each: {shown}");
    let (ok, said) = run(Command::new("tshark")
        .args([
            "-Y",
            "dns && udp && !_ws.malformed",
            "-T",
            "fields",
            "-e",
            "udp.checksum.status",
            "-o",
            "udp.check_checksum:TRUE",
            "-r",
        ])
        .arg(&record));
    let good = said.lines().filter(|l| *l == "1").count();
    assert!(ok && good == 4, "the four datagrams of both legs with right sums: {said}");
}

/// Asks by name and by address through SOCKS 5's UDP ASSOCIATE; the connection that it hangs on comes back.
fn ask_by_socks(at: SocketAddr, to: u16) -> TcpStream {
    let mut control = TcpStream::connect(at).expect("connected");
    control.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
    control.write_all(b"\x05\x01\0").expect("sent");
    let mut reply = [0; 2];
    control.read_exact(&mut reply).expect("a method");
    control.write_all(b"\x05\x03\0\x01\0\0\0\0\0\0").expect("sent");
    let mut bound = [0; 10];
    control.read_exact(&mut bound).expect("where to send");
    assert_eq!(bound[..4], [5, 0, 0, 1]);
    let relay =
        SocketAddr::from((Ipv4Addr::new(bound[4], bound[5], bound[6], bound[7]), u16::from_be_bytes([bound[8], bound[9]])));
    let socket = client();
    let by_name = [b"\0\0\0\x03\x09localhost", &to.to_be_bytes()[..], &question("name.example")].concat();
    let by_address = [b"\0\0\0\x01\x7f\0\0\x01", &to.to_be_bytes()[..], &question("address.example")].concat();
    for asked in [by_name, by_address] {
        socket.send_to(&asked, relay).expect("sent");
        let answer = got(&socket);
        assert_eq!(answer[..10], [&b"\0\0\0\x01\x7f\0\0\x01"[..], &to.to_be_bytes()].concat(), "from whom it came");
        assert!(answer.ends_with(&[192, 0, 2, 7]));
    }
    control
}

/// Ends a proxy; its record shows both questions and their answers.
fn shows_both(mut child: peers::Running, record: &std::path::Path) {
    let (ok, _) = run(Command::new("kill").args(["-INT", &child.0.id().to_string()]));
    assert!(ok && child.0.wait().expect("it ends").success());
    let (ok, shown) = run(Command::new(env!("CARGO_BIN_EXE_wirelore")).args(["dump", "-m", "-r"]).arg(record));
    assert!(ok, "{shown}");
    for name in ["name.example", "address.example"] {
        assert!(shown.contains(&format!("Standard query response 0x1234 A {name} A 192.0.2.7")), "{shown}");
    }
}

#[test]
fn a_socks_client_reaches_servers_by_datagrams() {
    let folder = Folder::new("associate");
    let record = folder.path("record.pcapng");
    let (child, at) = proxy(&folder.0, ["-m", "regular@127.0.0.1:0", "-w", record.to_str().expect("text")]);
    let control = ask_by_socks(at, dns());
    // With the connection the relaying ends.
    drop(control);
    std::thread::sleep(Duration::from_millis(200));
    assert!(TcpStream::connect(at).is_ok());
    shows_both(child, &record);
}

#[test]
fn datagrams_go_through_a_proxy_upstream() {
    let (folder, upstream) = (Folder::new("relayed"), Folder::new("relaying"));
    let record = folder.path("record.pcapng");
    let (_upstream, there) = proxy(&upstream.0, ["-m", "regular@127.0.0.1:0", "--proxyauth", "me:word"]);
    let mode = format!("upstream:socks5://me:word@{there}@127.0.0.1:0");
    let (child, at) = proxy(&folder.0, ["-m", &mode, "-w", record.to_str().expect("text")]);
    drop(ask_by_socks(at, dns()));
    shows_both(child, &record);
}

#[test]
fn datagrams_over_a_slow_line_are_late() {
    let folder = Folder::new("slow");
    let to = dns();
    for (flags, least) in [(&[][..], 0), (&["--throttle", "100kbit/100kbit/600ms"], 600)] {
        let proxy = Proxy::before(&folder, &format!("dns://127.0.0.1:{to}"), flags);
        let socket = client();
        socket.connect(proxy.at).expect("connected");
        let began = std::time::Instant::now();
        socket.send(&question("late.example")).expect("sent");
        assert!(got(&socket).ends_with(&[192, 0, 2, 7]));
        let took = began.elapsed().as_millis();
        assert!((least..least + 500).contains(&took), "{flags:?}: {took} ms");
        drop(proxy);
    }
}

#[test]
fn rules_answer_change_and_refuse_questions() {
    let folder = Folder::new("dns-rules");
    let rules = folder.put(
        "rules.toml",
        "[[rule]]\nname = \"lead\"\nwhen = \"~dns ~q ~u inner\"\nanswer = { line = \"NOERROR A inner.example 10.0.0.9\" }\n\
         [[rule]]\nname = \"deny\"\nwhen = \"~dns ~q ~u denied\"\nblock = 403\n",
    );
    let proxy = Proxy::before(&folder, &format!("dns://127.0.0.1:{}", dns()), &["--rules", rules.to_str().expect("text")]);
    let socket = client();
    socket.connect(proxy.at).expect("connected");
    let ask = |name: &str| {
        socket.send(&question(name)).expect("sent");
        got(&socket)
    };
    assert!(ask("inner.example").ends_with(&[10, 0, 0, 9]));
    assert_eq!(ask("denied.example")[3] & 15, 5, "REFUSED");
    assert!(ask("other.example").ends_with(&[192, 0, 2, 7]));
    let shown = proxy.stop();
    assert!(shown.contains("A inner.example A 10.0.0.9"), "{shown}");
}

#[test]
fn a_datagram_that_nobody_takes_is_told_of() {
    let folder = Folder::new("nobody");
    let proxy = Proxy::before(&folder, &format!("udp://127.0.0.1:{}", free()), &[]);
    let socket = client();
    socket.connect(proxy.at).expect("connected");
    for _ in 0..3 {
        socket.send(b"is anybody there").expect("sent");
        std::thread::sleep(Duration::from_millis(100));
    }
    let record = proxy.record.clone();
    proxy.stop();
    let text = String::from_utf8_lossy(&std::fs::read(record).expect("the record")).into_owned();
    assert!(text.contains("nothing listens there"), "the record does not say why there is no answer");
}
