//! `wirelore convert --redact`: no secret is left in the output's bytes, messages are otherwise what they were, checksums stay right.

#[path = "support/frames.rs"]
mod frames;
mod support;

use flate2::write::GzEncoder;
use frames::{CLIENT, SERVER, Talk, frame, is_right, of, udp, vxlan};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::{corpus_captures, has_tshark, name, no_faults, own};
use tempfile::TempDir;
use wirelore::session::Session;
use wirelore_capture::{Event, Options, Source, Step};
use wirelore_dissectors::coding::huffman;
use wirelore_filter::Wants;
use wirelore_kit::{Flags, Kind};
use wirelore_store::Work;
use wirelore_store::query::Bits;

/// Redacts a capture; gives the report and the exit code.
fn redact(from: &Path, to: &Path, more: &[&str]) -> (serde_json::Value, i32, String) {
    let report = to.with_extension("json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirelore"));
    command.args(["convert", "--redact", "-r"]).arg(from).arg("-w").arg(to).arg("--report").arg(&report).args(more);
    let out = command.env_remove("SSLKEYLOGFILE").stdin(Stdio::null()).output().expect("wirelore runs");
    let said = [out.stdout, out.stderr].concat();
    let json = std::fs::read(&report).ok().and_then(|b| serde_json::from_slice(&b).ok()).unwrap_or_default();
    (json, out.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
}

fn packets(path: &Path) -> Vec<Vec<u8>> {
    let mut source = Source::open(path, Options::default()).expect("a capture");
    let mut all = Vec::new();
    loop {
        match source.next().expect("reading") {
            Step::Batch(b) => all.extend(b.items.iter().map(|i| b.data(i).to_vec())),
            Step::Event(Event::Secrets(_)) => panic!("keys were written"),
            Step::Event(_) | Step::Pending => {}
            Step::End => return all,
        }
    }
}

/// What of the rows must not change: which messages there are and where.
fn shape(session: &Session) -> Vec<String> {
    let s = session.store.snapshot();
    let packets = (0..s.packets()).filter_map(|n| s.packet(n)).map(|p| format!("{} {} {}", p.time, p.cap_len, p.wire_len));
    let messages = s.each_message().map(|(_, m)| {
        let protocol = s.schema().protocols.get(usize::from(m.protocol)).map(|p| p.0);
        format!("{:?} {:?} {protocol:?} at {} len {} in {}..{} {:?}", m.conv, m.dir, m.at, m.len, m.first, m.done, m.state)
    });
    packets.chain(messages).collect()
}

/// The values of all secret text fields, as they stand in bytes.
fn secrets(session: &Session) -> BTreeSet<Vec<u8>> {
    let snapshot = session.store.snapshot();
    let fields = wirelore::names::fields().filter(|f| f.flags.has(Flags::SECRET) && f.kind == Kind::Text).collect();
    let wants = Wants { fields, ..Wants::default() };
    let mut found = BTreeSet::new();
    let all = Bits::all(snapshot.packets());
    let went = wirelore::harvest::harvest(&session.recall, &snapshot, &wants, all, &Work::new(), &mut |row| {
        for part in row.parts() {
            found.extend(part.kept.iter().map(|k| part.bytes(k).to_vec()).filter(|v| v.len() >= 4));
        }
        ControlFlow::Continue(())
    });
    went.expect("a harvest");
    found
}

/// Whether a value is what redaction writes, or never said anything secret.
fn is_covered(value: &[u8]) -> bool {
    // What a client of SCRAM says first, and a cookie whose value was what a digit is replaced by.
    let one = value.split(|b| b"=;".contains(b)).nth(1) == Some(b"1");
    let harmless = value.starts_with(b"n,,n=,r=") || one;
    harmless || value.windows(4).any(|w| matches!(w, b"eHh4" | b"xxxx" | b"Hh4e" | b"1111"))
}

struct Made {
    folder: TempDir,
    input: PathBuf,
    output: PathBuf,
}

impl Made {
    fn of(frames: &[Vec<u8>]) -> Made {
        let whole: Vec<(Vec<u8>, u32, &str)> = frames.iter().map(|f| (f.clone(), f.len() as u32, "")).collect();
        Made::with(&whole)
    }

    fn with(frames: &[(Vec<u8>, u32, &str)]) -> Made {
        let folder = tempfile::tempdir().expect("a folder");
        let (input, output) = (folder.path().join("in.pcapng"), folder.path().join("out.pcapng"));
        frames::write(&input, frames);
        Made { folder, input, output }
    }

    /// Redacts it: these words are in the input and not in the output; the messages stay.
    fn loses(&self, words: &[&str]) -> (serde_json::Value, Vec<Vec<u8>>) {
        let (report, code, said) = redact(&self.input, &self.output, &[]);
        assert_eq!(code, 0, "{said}");
        let has = |path: &Path, word: &str| {
            let bytes = std::fs::read(path).expect("a file");
            bytes.windows(word.len()).any(|w| w == word.as_bytes())
        };
        for word in words {
            assert!(!has(&self.output, word), "{word} is still there\n{said}");
            assert!(!report.to_string().contains(word), "{word} is in the report");
        }
        let (before, after) = (self.read(&self.input), self.read(&self.output));
        if let Some(d) = support::difference(&shape(&before), &shape(&after)) {
            panic!("{d}\n{said}");
        }
        (report, packets(&self.output))
    }

    fn read(&self, path: &Path) -> Session {
        support::read(path, 1).unwrap_or_else(|| panic!("{} in {}", path.display(), self.folder.path().display()))
    }
}

#[test]
fn a_password_is_covered_in_every_segment_that_carries_it() {
    let mut talk = Talk::open(21);
    talk.say(false, "220 ready\r\n").say(true, "USER emma\r\n").say(false, "331 password\r\n");
    talk.say(true, "PASS hun").say(true, "ter2zz\r\n").say(false, "230 in\r\n").say(true, "PWD\r\n");
    // Sent again whole, with other borders, and what overlaps with what was there before.
    talk.again(true, 20, "PASS hunter2zz\r\n").again(true, 13, "nter2zz\r\nPWD\r\n").again(true, 31, "USER emma\r\nPASS hunt");
    talk.close();
    // A segment that comes after the end is delivered to nobody.
    talk.again(true, 22, "SS hunter2zz\r\nPWD\r\n");
    let made = Made::of(&talk.frames);
    let (report, out) = made.loses(&["hun", "ter2zz", "nter2", "hunt"]);
    assert!(out.iter().all(|p| is_right(p)), "a checksum is wrong");
    assert_eq!(report["left"], 0);
    let frames: Vec<u64> =
        report["findings"][0]["places"].as_array().unwrap().iter().filter_map(|p| p["frame"].as_u64()).collect();
    assert!(frames.len() >= 5, "{report:#}");
}

#[test]
fn in_a_tunnel_both_checksums_stay_right() {
    let mut talk = Talk::open(80);
    talk.say(
        true,
        "GET /a HTTP/1.1\r\nHost: a.test\r\nAuthorization: Basic ZW1tYTpodW50ZXIyeno=\r\nCookie: sid=Qq81kd82jd; b=2\r\n\r\n",
    );
    talk.say(false, "HTTP/1.1 200 OK\r\nSet-Cookie: sid=Zz00kd82jd; Path=/\r\nContent-Length: 10\r\n\r\nQq81kd82jd").close();
    let frames: Vec<Vec<u8>> = talk.frames.iter().enumerate().map(|(i, f)| vxlan(i % 2 == 0, f)).collect();
    let (_, out) = Made::of(&frames).loses(&["ZW1tYTpodW50ZXIyeno", "Qq81kd82jd", "Zz00kd82jd"]);
    assert!(out.iter().all(|p| is_right(p)), "a checksum is wrong");
    let head = String::from_utf8_lossy(&out[3]).into_owned();
    assert!(head.contains("Authorization: Basic eHh4eDp4eHh4eHh4eHg=\r\nCookie: sid=xxxxxxxxxx; b=1\r\n"), "{head}");
}

#[test]
fn a_datagram_in_fragments_keeps_its_checksum() {
    let secret = "6629fae49393a05397450978507c4ef1";
    let pad = "p".repeat(1500);
    let text = format!(
        "REGISTER sip:a.test SIP/2.0\r\nVia: SIP/2.0/UDP 10.1.0.2:5060;branch=z9hG4bKa\r\nX-Pad: {pad}\r\nFrom: <sip:e@a.test>;tag=1\r\n\
         To: <sip:e@a.test>\r\nCall-ID: 1@a\r\nCSeq: 2 REGISTER\r\nAuthorization: Digest username=\"emma\", realm=\"a\", nonce=\"n1\", \
         uri=\"sip:a.test\", response=\"{secret}\"\r\nContent-Length: 0\r\n\r\n"
    );
    let u = udp(true, (5060, 5060), text.as_bytes());
    let cut = (u.len() - 64) / 8 * 8;
    let first = frame(true, 17, &u[..cut], Some((9, 0, true)));
    let second = frame(true, 17, &u[cut..], Some((9, cut, false)));
    for frames in [[first.clone(), second.clone()], [second, first]] {
        let (_, out) = Made::of(&frames).loses(&[secret, &secret[..12], &secret[20..]]);
        let mut parts: Vec<&Vec<u8>> = out.iter().collect();
        parts.sort_by_key(|p| u16::from_be_bytes([p[20], p[21]]) & 0x1fff);
        let joined = [&parts[0][34..], &parts[1][34..]].concat();
        assert!(of(CLIENT, SERVER, 17, &joined), "the checksum of the datagram is wrong");
    }
}

#[test]
fn a_packet_cut_by_the_snaplen_has_the_sum_of_the_whole_one() {
    let mut talk = Talk::open(80);
    talk.say(true, format!("GET /?access_token=abcdEFGH1234 HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "y".repeat(200)));
    let mut frames: Vec<(Vec<u8>, u32, &str)> = talk.frames.iter().map(|f| (f.clone(), f.len() as u32, "")).collect();
    let whole = frames[3].0.clone();
    frames[3].0.truncate(120);
    let (_, out) = Made::with(&frames).loses(&["abcdEFGH1234"]);
    let joined = [&out[3][..], &whole[120..]].concat();
    assert!(is_right(&joined), "with the bytes that were cut off the sum is wrong");
}

#[test]
fn json_under_the_mask_of_a_websocket_is_covered() {
    let mut talk = Talk::open(80);
    talk.say(true, "GET /w HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    talk.say(false, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    let (text, mask) = (br#"{"login":"emma","password":"hunter2zz"}"#, [0x11, 0x72, 0xa3, 0x04]);
    let masked: Vec<u8> = text.iter().zip(mask.iter().cycle()).map(|(t, m)| t ^ m).collect();
    talk.say(true, [&[0x81, 0x80 | text.len() as u8], &mask[..], &masked].concat());
    talk.say(false, [&[0x81, 19][..], b"{\"said\":\"hunter2zz\"}"].concat());
    let (report, out) = Made::of(&talk.frames).loses(&["hunter2zz"]);
    let plain: Vec<u8> = out[5][60..].iter().zip(mask.iter().cycle()).map(|(t, m)| t ^ m).collect();
    assert_eq!(String::from_utf8_lossy(&plain), r#"{"login":"emma","password":"xxxxxxxxx"}"#);
    assert!(out.iter().all(|p| is_right(p)), "{report:#}");
}

#[test]
fn a_packed_body_with_a_secret_does_not_survive() {
    let mut gz = GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(br#"{"user":"emma","refresh_token":"Rr77-abcdefgh","n":[1,2,3,4,5,6,7,8,9]}"#).expect("packing");
    let body = gz.finish().expect("packing");
    let mut talk = Talk::open(80);
    talk.say(true, "GET /t HTTP/1.1\r\nHost: a\r\n\r\n");
    let head =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (a, b) = body.split_at(30);
    let chunked = [
        head.as_bytes(),
        format!("{:x}\r\n", a.len()).as_bytes(),
        a,
        format!("\r\n{:x}\r\n", b.len()).as_bytes(),
        b,
        b"\r\n0\r\n\r\n",
    ]
    .concat();
    talk.say(false, &chunked[..140]).say(false, &chunked[140..]).close();
    let made = Made::of(&talk.frames);
    let (report, out) = made.loses(&[]);
    assert!(out.iter().all(|p| is_right(p)));
    assert!(report["blanked"].as_u64() >= Some(1), "{report:#}");
    let all = out.concat();
    let left: Vec<&[u8]> = body.windows(8).filter(|o| all.windows(8).any(|w| w == *o)).collect();
    assert!(left.is_empty(), "packed bytes are still there: {left:x?} of {body:x?} in {:x?}\n{report:#}", &out[4..6]);
}

/// A header literal, its name by index in the static table, indexed from now on.
fn literal(index: u8, value: &str, coded: bool) -> Vec<u8> {
    let mut text = value.as_bytes().to_vec();
    if coded {
        text.clear();
        huffman::encode(value.as_bytes(), &mut text);
    }
    [&[0x40 | index, (u8::from(coded) << 7) | text.len() as u8], &text[..]].concat()
}

fn h2(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u32).to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

#[test]
fn headers_of_http2_are_covered_in_huffmans_code_and_the_table_stays_in_step() {
    for coded in [true, false] {
        for split in [None, Some(9), Some(40)] {
            let mut talk = Talk::open(80);
            talk.say(true, [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), h2(4, 0, 0, &[])].concat());
            talk.say(false, h2(4, 0, 0, &[]));
            let cookie = "sid=Qq81kd82jdPPWW77; lang=en";
            let block = [
                vec![0x82, 0x86, 0x84],
                literal(1, "www.cafe.test", coded),
                literal(23, "Bearer abCD12efGH34!&xyz", coded),
                literal(32, cookie, coded),
            ]
            .concat();
            match split {
                None => talk.say(true, h2(1, 5, 1, &block)),
                Some(at) => talk.say(true, h2(1, 1, 1, &block[..at])).say(true, h2(9, 4, 1, &block[at..])),
            };
            // Again, out of the table.
            talk.say(true, h2(1, 5, 3, &[0x82, 0x86, 0x84, 0xc0, 0xbf, 0xbe]));
            talk.say(false, h2(1, 5, 1, &[0x88])).say(false, h2(1, 5, 3, &[0x88])).close();
            let made = Made::of(&talk.frames);
            let (report, out) = made.loses(&["abCD12efGH34", "Qq81kd82jdPPWW77"]);
            assert!(out.iter().all(|p| is_right(p)));
            let mut old = Vec::new();
            huffman::encode(b"abCD12efGH34!&xyz", &mut old);
            let left: Vec<&[u8]> = old.windows(6).filter(|o| out.concat().windows(6).any(|w| w == *o)).collect();
            assert!(
                left.is_empty(),
                "Huffman's code of it is still there: coded {coded} split {split:?} {left:x?} {report:#} {:x?}",
                &out[5]
            );
            let after = made.read(&made.output);
            let values = secrets(&after);
            assert!(
                values.iter().any(|v| v.starts_with(b"sid=") && v.len() == cookie.len()),
                "coded {coded} split {split:?} {values:?} {report:#}"
            );
            assert!(values.iter().any(|v| v.starts_with(b"Bearer ") && v.len() == 24), "{values:?}");
        }
    }
}

#[test]
fn comments_are_covered_and_a_field_can_be_named() {
    let mut talk = Talk::open(21);
    talk.say(false, "220 ready\r\n").say(true, "USER emmamaria\r\n").say(true, "PASS hunter2zz\r\n");
    let mut frames: Vec<(Vec<u8>, u32, &str)> = talk.frames.iter().map(|f| (f.clone(), f.len() as u32, "")).collect();
    frames[5].2 = "the password hunter2zz is old; api_key=ab12cd34";
    let made = Made::with(&frames);
    made.loses(&["hunter2zz", "ab12cd34"]);
    let (_, code, said) = redact(&made.input, &made.output, &["--redact-fields", "ftp.request.arg"]);
    assert_eq!(code, 0, "{said}");
    let text = String::from_utf8_lossy(&std::fs::read(&made.output).expect("a file")).into_owned();
    assert!(text.contains("USER xxxxxxxxx") && text.contains("the password xxxxxxxxx is old"), "{said}");
    for (field, hint) in [("ftp.request.agr", "ftp.request.arg"), ("ip.src", "packet headers"), ("ftp", "no such field")] {
        let (_, code, said) = redact(&made.input, &made.output, &["--redact-fields", field]);
        assert!(code == 1 && said.contains(hint), "{code} {said}");
    }
}

/// Each capture is redacted: the same messages, no secret that was there before.
fn all_of(captures: &[PathBuf]) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut faults = Vec::new();
    for path in captures {
        let to = folder.path().join("out.pcapng");
        let (report, code, said) = redact(path, &to, &[]);
        let mut fault = |text: String| faults.push(format!("{}: {text}", name(path)));
        if code != 0 {
            fault(format!("exit code {code}: {said}"));
            continue;
        }
        let (Some(before), Some(after)) = (support::read(path, 1), support::read(&to, 1)) else { continue };
        // With its keys more is read than without them.
        let comparable = report["encrypted"] == 0 && !opens(path);
        if let Some(d) = support::difference(&shape(&before), &shape(&after)).filter(|_| comparable) {
            fault(d);
        }
        let old = secrets(&before);
        let left: Vec<String> = secrets(&after)
            .iter()
            .filter(|v| old.contains(*v) && !is_covered(v))
            .map(|v| String::from_utf8_lossy(v).into_owned())
            .collect();
        if !left.is_empty() {
            fault(format!("still there: {left:?}"));
        }
    }
    no_faults(&faults, "redaction");
}

/// Whether a capture brings keys.
fn opens(path: &Path) -> bool {
    let Ok(mut source) = Source::open(path, Options::default()) else { return false };
    loop {
        match source.next() {
            Ok(Step::Event(Event::Secrets(_))) => return true,
            Ok(Step::End) | Err(_) => return false,
            Ok(_) => {}
        }
    }
}

#[test]
fn our_captures_read_the_same_without_their_secrets() {
    all_of(&own());
}

#[test]
fn the_corpus_reads_the_same_without_its_secrets() {
    all_of(&corpus_captures());
}

#[test]
fn tshark_finds_the_checksums_as_right_as_they_were() {
    if !has_tshark() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let bad = |path: &Path| {
        let filter =
            "tcp.checksum.status == 0 || udp.checksum.status == 0 || ip.checksum.status == 0 || icmp.checksum.status == 0";
        let checks = ["tcp.check_checksum:TRUE", "udp.check_checksum:TRUE", "ip.check_checksum:TRUE"].map(|o| ["-o", o]).concat();
        let out = Command::new("tshark")
            .args(["-n", "-r"])
            .arg(path)
            .args(checks)
            .args(["-Y", filter, "-T", "fields", "-e", "frame.number"])
            .output();
        String::from_utf8_lossy(&out.expect("tshark runs").stdout).into_owned()
    };
    let mut faults = Vec::new();
    for path in own() {
        let to = folder.path().join("out.pcapng");
        let (report, ..) = redact(&path, &to, &[]);
        if report["packets_changed"].as_u64() > Some(0) && bad(&path) != bad(&to) {
            faults.push(format!("{}: bad before {:?}, after {:?}", name(&path), bad(&path), bad(&to)));
        }
    }
    no_faults(&faults, "checksums");
}
