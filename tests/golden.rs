//! What people read, held still: the summary and the message lines of our own captures, as goldens. `UPDATE=1` rewrites them; look at the
//! difference before committing it.

mod support;

use std::fmt::Write as _;
use support::{golden, name, no_faults, own, read};
use wirelore_export::time::{TimeStyle, Times};
use wirelore_export::{story, text};
use wirelore_kit::{Cancel, TreeSource};

/// At most so many lines of a capture are held: enough to see a change, few enough to look at.
const MOST: u32 = 120;

/// Seconds since the first packet, with nine decimals where they are needed.
fn relative(time: i64, first: i64) -> String {
    let relative = time.saturating_sub(first);
    let times = Times { time, relative, ..Times::default() };
    TimeStyle::default().show(&times, if relative % 1000 == 0 { 6 } else { 9 })
}

#[test]
fn summaries_and_lists_read_as_written() {
    let mut faults = Vec::new();
    for path in own() {
        let Some(session) = read(&path, 1) else { continue };
        let s = session.store.snapshot();
        let first = s.time_of(0).unwrap_or_default();
        let mut got = story::tell(&s).text();
        let _ = writeln!(got, "\nPackets");
        let packets = s.packets().min(MOST / 2);
        let lines = session.recall.lines(0..packets, &Cancel::new()).expect("lines");
        for (n, line) in lines.iter().enumerate() {
            let row = s.packet(n as u32).expect("a packet");
            let _ = writeln!(got, "{}", text::packet_line(n as u32, &relative(row.time, first), row.wire_len, line));
        }
        let _ = writeln!(got, "\nMessages");
        for m in 0..s.messages().min(MOST) {
            let time = s
                .message(m)
                .and_then(|m| s.time_of(if m.done == wirelore_kit::row::NONE { m.first } else { m.done }))
                .unwrap_or(i64::MIN);
            let _ = writeln!(got, "{}", text::message_line(&s, m, &relative(time, first)));
        }
        if s.messages() > MOST || s.packets() > packets {
            let _ = writeln!(got, "({} packets and {} messages in all)", s.packets(), s.messages());
        }
        let file = name(&path).replace('/', "-");
        faults.extend(golden(&format!("{file}.txt"), &got).err());
    }
    no_faults(&faults, "goldens");
}
