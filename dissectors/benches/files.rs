//! What reading costs the dissectors of file transfers and terminals, driven by the conversation: bytes in, rows or trees out.

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use wirelore_engine::laws::{self, Script, Step};
use wirelore_kit::Level;

fn main() {
    divan::main();
}

/// So many exchanges in one script.
const EXCHANGES: usize = 200;

fn bytes(s: &Script) -> usize {
    s.steps.iter().map(|s| if let Step::Bytes(_, b, _) = s { b.len() } else { 0 }).sum()
}

/// A session of one client: small commands, a reply each, a long list now and then.
fn ftp() -> Script {
    let mut s = Script::tcp(21).bytes(1, b"220 FTP server ready.\r\n");
    for i in 0..EXCHANGES {
        s = match i % 4 {
            0 => s.bytes(0, b"PASV\r\n").bytes(1, b"227 Entering Passive Mode (192,0,2,2,100,85).\r\n"),
            1 => s.bytes(0, format!("SIZE notes{i}.txt\r\n").as_bytes()).bytes(1, b"213 1205\r\n"),
            2 => s.bytes(0, b"FEAT\r\n").bytes(1, b"211-Features:\r\n EPRT\r\n EPSV\r\n MDTM\r\n REST STREAM\r\n211 End\r\n"),
            _ => s.bytes(0, b"CWD /pub/notes\r\n").bytes(1, b"250 Directory successfully changed.\r\n"),
        };
    }
    s.ended()
}

/// Full blocks and their acknowledgements.
fn tftp() -> Script {
    let mut s = Script::udp(69);
    for i in 1..=EXCHANGES as u16 {
        let number = i.to_be_bytes();
        s = s.bytes(1, &[&[0, 3], &number[..], &[7; 512]].concat()).bytes(0, &[&[0, 4], &number[..]].concat());
    }
    s
}

/// Lines typed and what they print.
fn telnet() -> Script {
    let mut s = Script::tcp(23).bytes(1, b"\xff\xfd\x18\xff\xfd\x1f");
    for i in 0..EXCHANGES {
        s = s.bytes(0, format!("echo {i}\r\n").as_bytes()).bytes(1, format!("{i}\r\n").as_bytes());
    }
    s.ended()
}

/// Version lines and packets of a key exchange.
fn ssh() -> Script {
    let mut s = Script::tcp(22).bytes(1, b"SSH-2.0-a\r\n").bytes(0, b"SSH-2.0-b\r\n");
    let packet = [&[0, 0, 0, 44, 6, 2, 0, 0, 0, 32][..], &[9; 38]].concat();
    for _ in 0..EXCHANGES {
        s = s.bytes(0, &packet).bytes(1, &packet);
    }
    s.ended()
}

fn run(bencher: Bencher<'_, '_>, script: &Script, level: Level) {
    let messages = laws::read(wirelore_dissectors::TABLE, script, level).messages.len();
    assert!(messages >= EXCHANGES * 2, "the script is read as meant: {messages} messages");
    bencher
        .counter(ItemsCount::new(messages))
        .counter(BytesCount::new(bytes(script)))
        .bench(|| laws::read(wirelore_dissectors::TABLE, black_box(script), level));
}

#[divan::bench(args = [Level::Rows, Level::Tree])]
fn ftp_control(bencher: Bencher<'_, '_>, level: Level) {
    run(bencher, &ftp(), level);
}

#[divan::bench(args = [Level::Rows, Level::Bodies, Level::Tree])]
fn tftp_blocks(bencher: Bencher<'_, '_>, level: Level) {
    run(bencher, &tftp(), level);
}

#[divan::bench(args = [Level::Rows, Level::Tree])]
fn telnet_lines(bencher: Bencher<'_, '_>, level: Level) {
    run(bencher, &telnet(), level);
}

#[divan::bench(args = [Level::Rows, Level::Tree])]
fn ssh_packets(bencher: Bencher<'_, '_>, level: Level) {
    run(bencher, &ssh(), level);
}
