//! FTP's data connections under the laws: they are read only where they were announced, so cases cannot hold them.

use std::net::{IpAddr, Ipv4Addr};
use wirelore_dissectors::TABLE;
use wirelore_engine::conversation::{Arrival, Context, Conversation, Scratch};
use wirelore_engine::laws::{self, Record};
use wirelore_kit::row::MessageState;
use wirelore_kit::{ConvId, Dir, End, Expected, Hint, Level, NoSecrets, Start, Transport};

/// Reads `bytes`, cut into runs of `size`, as the data connection of a command; `hole`: so many bytes are missing behind the first run.
fn read(about: &str, bytes: &[u8], size: usize, level: Level, hole: u64) -> Record {
    let start = Start {
        transport: Transport::Tcp,
        client: Some((IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 40_000)),
        server: Some((IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)), 50_000)),
        hint: Hint::Proto("ftp-data"),
        midstream: false,
        expected: Some(Box::new(Expected { by: ConvId::default(), key: 0, about: about.into() })),
        inside: None,
    };
    let mut c = Conversation::new(ConvId { flow: 1, inner: 0 }, start, false);
    let cx = Context { table: TABLE, level, secrets: &NoSecrets };
    let (mut s, mut record) = (Scratch::default(), Record::default());
    let (from, mut at) = (Arrival { number: 1, time: 5 }, 0u64);
    for (i, part) in bytes.chunks(size).enumerate() {
        c.push(1, at, part, from, cx, &mut s, &mut record);
        at += part.len() as u64;
        if i == 0 && hole > 0 {
            c.gap(1, at, hole, cx, &mut s, &mut record);
            at += hole;
        }
    }
    for way in [1, 0] {
        c.end(way, End::Fin, from, cx, &mut s, &mut record);
    }
    record
}

const UNIX: &str =
    "total 8\r\ndrwxr-xr-x   2 ftp  ftp   4096 Nov 23 04:05 in\r\n-rw-r--r--   1 ftp  ftp   1205 Nov 23  2025 two words.txt\r\n";
const FACTS: &str = "type=file;size=3;modify=20261123040506;UNIX.mode=0644; a b\r\ntype=cdir;perm=el; .\r\n";
const OPEN_END: &str = "11-23-26  04:05PM       <DIR>          in\r\n11-23-26  04:05PM                 1205 notes.txt";

#[test]
fn any_cuts_give_the_same_rows_and_trees() {
    for (about, text) in [
        ("LIST", UNIX),
        ("MLSD in", FACTS),
        ("LIST", OPEN_END),
        ("NLST", "a\nb c\n"),
        ("RETR x", UNIX),
        ("", UNIX),
        ("", "no listing"),
    ] {
        for level in [Level::Rows, Level::Bodies, Level::Tree] {
            let whole = read(about, text.as_bytes(), text.len(), level, 0);
            assert_eq!(whole.messages.len(), 1, "{about} {text:?}");
            let m = &whole.messages[0];
            assert_eq!(
                (m.state, m.len, m.notes.len()),
                (MessageState::Whole, text.len() as u64, 0),
                "{about} {text:?} {level:?}"
            );
            if level == Level::Tree {
                laws::spans(m).expect("the span law");
            }
            for size in 1..40 {
                let cut = read(about, text.as_bytes(), size, level, 0);
                if let Some(words) = laws::difference(&whole, &cut, true) {
                    panic!("{about} in runs of {size} at {level:?}: {words}");
                }
            }
        }
        let (rows, tree) = (read(about, text.as_bytes(), 7, Level::Rows, 0), read(about, text.as_bytes(), 7, Level::Tree, 0));
        assert_eq!(laws::difference(&rows, &tree, false), None, "{about}: a second reading gives other rows");
    }
}

#[test]
fn a_file_is_handed_on_as_it_came() {
    for about in ["RETR notes.txt", "LIST", ""] {
        for level in [Level::Bodies, Level::Tree] {
            let record = read(about, OPEN_END.as_bytes(), 5, level, 0);
            let bytes: Vec<u8> = record.inner.values().flatten().copied().collect();
            assert_eq!(bytes, OPEN_END.as_bytes(), "{about} at {level:?}");
        }
    }
}

#[test]
fn the_row_says_what_it_is_for_and_how_much_it_was() {
    let record = read("RETR notes.txt", b"12345", 2, Level::Rows, 0);
    let m = &record.messages[0];
    assert_eq!((m.dir, &*m.summary), (Dir::ToClient, "RETR notes.txt: 5 bytes"));
    assert!(m.cells.contains(&("ftp-data.file", "notes.txt".into())), "{:?}", m.cells);
    let packed = read("RETR notes.txt [MODE Z]", b"12345", 2, Level::Rows, 0);
    assert_eq!(packed.messages[0].notes, ["ftp-data.note.packed"]);
}

#[test]
fn a_hole_is_told_and_what_follows_is_kept() {
    let record = read("RETR notes.txt", b"1234567890", 4, Level::Bodies, 100);
    let m = &record.messages[0];
    assert_eq!((&*m.summary, m.len), ("RETR notes.txt: 110 bytes", 110));
    assert!(m.notes.contains(&"data.note.hole"), "{:?}", m.notes);
}

#[test]
fn listings_become_columns() {
    let record = read("LIST", OPEN_END.as_bytes(), 9, Level::Tree, 0);
    let names: Vec<&str> = record.messages[0].nodes.iter().map(|n| n.field.name).collect();
    assert_eq!(names.iter().filter(|n| **n == "ftp-data.entry").count(), 2);
    assert_eq!(names.iter().filter(|n| **n == "ftp-data.size").count(), 1, "{names:?}");
    assert_eq!(names.iter().filter(|n| **n == "ftp-data.name").count(), 2, "{names:?}");
}
