//! What is recorded opens in others' analyzers as it was said, and in our own reader.

mod common;

use common::{Talk, expert, leg, packets, tshark};
use wirelore_record::{Ended, Kind, Note, Options, Side};

#[test]
fn tshark_reads_both_legs_without_complaint() {
    let talk = Talk::new();
    for (client, proxy, out, server) in [
        ("10.1.0.1:50000", "10.1.0.2:8080", "10.1.0.2:50001", "10.9.0.9:80"),
        ("[fd00::1]:50000", "[::1]:8080", "[::1]:50001", "[fd00::9]:80"),
    ] {
        let recorder = talk.recorder(Options { listeners: vec!["8080".into()], ..Options::default() });
        let mut lane = recorder.lane();
        let a = lane.open(leg(Side::Client, client, proxy, 1));
        let b = lane.open(leg(Side::Server, out, server, 1));
        let body: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n", body.len());
        for l in [a, b] {
            lane.bytes(l, true, b"GET /big HTTP/1.1\r\nHost: example.org\r\n\r\n", 1_700_000_000_000_000_500);
        }
        for l in [b, a] {
            lane.bytes(l, false, head.as_bytes(), 1_700_000_000_100_000_000);
            for piece in body.chunks(200_000) {
                lane.bytes(l, false, piece, 1_700_000_000_200_000_000);
            }
        }
        lane.note(1, Note { side: Some(Side::Client), ..Note::new(Kind::Told, "A word.") }, 1_700_000_000_200_000_000);
        for l in [a, b] {
            lane.end(l, false, Ended::Fin, 1_700_000_000_300_000_000);
            lane.end(l, true, Ended::Fin, 1_700_000_000_300_000_000);
            lane.close(l, 1_700_000_000_300_000_000);
        }
        drop(lane);
        recorder.finish().expect("all is recorded");
        let Some(said) =
            tshark(&talk.path, &["-Y", "http.request", "-T", "fields", "-e", "http.request.uri", "-e", "tcp.stream"])
        else {
            return;
        };
        assert_eq!(said, "/big\t0\n/big\t1\n");
        assert_eq!(expert(&talk.path), "", "{client}");
        let folder = tempfile::tempdir().expect("a folder");
        let export = format!("http,{}", folder.path().display());
        tshark(&talk.path, &["-q", "--export-objects", &export]);
        let objects: Vec<_> = std::fs::read_dir(folder.path()).expect("the folder").flatten().collect();
        assert_eq!(objects.len(), 2, "one of each leg");
        for object in objects {
            assert!(std::fs::read(object.path()).expect("an object") == body, "the body comes out as it went in");
        }
        let noted = tshark(&talk.path, &["-Y", "frame.comment", "-T", "fields", "-e", "frame.comment", "-e", "tcp.flags.fin"]);
        assert_eq!(noted.expect("tshark is there"), "A word.\t1\n");
    }
}

#[test]
fn a_reset_ends_both_directions_and_closing_ends_what_is_open() {
    let talk = Talk::new();
    let recorder = talk.recorder(Options::default());
    let mut lane = recorder.lane();
    let a = lane.open(leg(Side::Client, "10.1.0.1:5", "10.1.0.2:6", 1));
    lane.bytes(a, true, b"x", 5);
    lane.end(a, true, Ended::Rst, 6);
    lane.end(a, false, Ended::Fin, 7);
    lane.close(a, 8);
    let b = lane.open(leg(Side::Server, "10.1.0.2:7", "10.1.0.3:6", 1));
    lane.bytes(a, true, b"an id that has outlived its leg names no other", 9);
    lane.close(b, 9);
    let c = lane.open(leg(Side::Client, "10.1.0.1:8", "10.1.0.2:6", 2));
    lane.end(c, true, Ended::Fin, 9);
    lane.close(c, 9);
    drop(lane);
    recorder.finish().expect("all is recorded");
    let flags: Vec<u8> = packets(&talk.path).iter().map(|p| p[33]).collect();
    let hello = [2, 0x12, 0x10];
    let expected = [&hello[..], &[0x18, 0x14], &hello, &[0x11, 0x11, 0x10], &hello, &[0x11, 0x11, 0x10]].concat();
    assert_eq!(flags, expected);
}

#[test]
fn secrets_lie_before_the_bytes_that_need_them() {
    let talk = Talk::new();
    let recorder = talk.recorder(Options::default());
    let mut lane = recorder.lane();
    let a = lane.open(leg(Side::Client, "10.1.0.1:5", "10.1.0.2:6", 1));
    lane.secret(b"CLIENT_RANDOM 01 02\r\n");
    lane.secret(b"CLIENT_RANDOM 03 04");
    lane.bytes(a, true, b"behind the secrets", 5);
    drop(lane);
    recorder.finish().expect("all is recorded");
    let bytes = std::fs::read(&talk.path).expect("the file");
    let at = |what: &[u8]| bytes.windows(what.len()).position(|w| w == what).expect("it is there");
    assert!(at(b"CLIENT_RANDOM 01 02\nCLIENT_RANDOM 03 04\n") < at(b"behind the secrets"));
}
