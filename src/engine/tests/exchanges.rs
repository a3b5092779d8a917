//! TCP analysis held against verdicts that tshark gave to hand-made and made-up exchanges; needs no tshark.

use wirelore_engine::analysis::{Flags, Sequences, TcpFacts};
use wirelore_engine::flow::Direction;
use wirelore_engine::packet::TcpOptions;

/// One line of the exchange.
struct Line<'a> {
    time_ns: i64,
    from_a: bool,
    facts: TcpFacts,
    stream: u32,
    seq: u32,
    ack: u32,
    verdicts: &'a str,
}

fn line(text: &str) -> Line<'_> {
    let f: Vec<&str> = text.split(' ').collect();
    let number = |i: usize| f[i].parse::<u32>().unwrap_or_else(|e| panic!("{text:?}: {e}"));
    let mut options = TcpOptions::default();
    for o in f[7].split(',') {
        match o.split_at(1) {
            ("w", shift) => options.window_scale = Some(shift.parse().expect("a shift")),
            ("f", _) => options.fast_open = true,
            _ => {}
        }
    }
    let facts = TcpFacts {
        seq: number(3),
        ack: number(4),
        flags: u16::from_str_radix(f[2], 16).expect("flags"),
        window: number(6) as u16,
        len: number(5),
        options,
    };
    Line {
        time_ns: f[0].parse().expect("a time"),
        from_a: f[1] == "a",
        facts,
        stream: number(8),
        seq: number(9),
        ack: number(10),
        verdicts: f[11],
    }
}

fn spell(flags: Flags) -> String {
    let names: Vec<&str> =
        Flags::ALL.iter().filter(|(bit, _)| flags.has(*bit)).map(|(_, name)| name.trim_start_matches("tcp.analysis.")).collect();
    if names.is_empty() { "-".to_owned() } else { names.join(",") }
}

#[test]
fn verdicts_are_those_of_tshark() {
    let text = include_str!("exchanges.txt");
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for exchange in text.split("\n= ").skip(1) {
        let (title, body) = exchange.split_once('\n').expect("a title line");
        let mut sequences = Sequences::default();
        // `forward` is the end that opened the current stream.
        let (mut stream, mut forward_is_a) = (0, None);
        for (n, text) in body.lines().filter(|l| !l.is_empty()).enumerate() {
            let l = line(text);
            let dir = |forward_is_a: bool| if l.from_a == forward_is_a { Direction::Forward } else { Direction::Backward };
            let opener = *forward_is_a.get_or_insert(l.from_a);
            let mut reused = false;
            if n > 0 && sequences.reopens(stream, dir(opener), &l.facts) {
                stream += 1;
                forward_is_a = Some(l.from_a);
                reused = true;
            }
            let v = sequences.see(stream, dir(forward_is_a.expect("set above")), &l.facts, l.time_ns, n as u32 + 1, reused);
            let (ours, theirs) = ((stream, v.seq, v.ack, spell(v.flags)), (l.stream, l.seq, l.ack, l.verdicts.to_owned()));
            checked += 1;
            if ours != theirs {
                wrong.push(format!("{title}, line {}: ours {ours:?}, tshark {theirs:?}", n + 1));
            }
        }
    }
    assert!(checked > 2000, "the exchanges were read");
    assert!(wrong.is_empty(), "{} of {checked}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_long_one_sided_transfer_stays_small_and_linear() {
    let mut sequences = Sequences::default();
    let started = std::time::Instant::now();
    for i in 0..300_000_u32 {
        let facts =
            TcpFacts { seq: i.wrapping_mul(1000), ack: 1, flags: 0x10, window: 100, len: 1000, options: TcpOptions::default() };
        sequences.see(0, Direction::Forward, &facts, i64::from(i) * 1000, i + 1, false);
    }
    assert!(sequences.weight() < 1 << 20, "{} bytes", sequences.weight());
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}
