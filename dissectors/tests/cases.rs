//! Runs the transcripts of every protocol: `dissectors/*/cases/*.txt`, each also under the laws of the engine.
//!
//! ```text
//! # what this case is about
//! : tcp 80           (and `: proto NAME` for a protocol that only others hand on)
//! > "GET / HTTP/1.1\r\n" 0d0a
//! < "a"*1000
//! = gap < 512
//! = end < fin
//! ---
//! what is read, rewritten by UPDATE=1
//! ```
//! Each `>` (client) or `<` (server) line is a packet of its own. Quoted text knows `\r \n \t \0 \\ \" \xNN`; outside of quotes stand hex bytes.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use wirelore_engine::conversation::FIRST_CONTENT;
use wirelore_engine::laws::{self, Record, Script, Step};
use wirelore_kit::{Dir, End, Level, Spec, Tie, Transport, Value};

#[path = "../_template/mod.rs"]
mod template;

/// The table, and behind it the protocol that is there to be copied.
static TABLE: LazyLock<&[&Spec]> = LazyLock::new(|| [wirelore_dissectors::TABLE, &[&template::SPEC]].concat().leak());

struct Case {
    script: Script,
    head: String,
    want: String,
}

fn parse(text: &str) -> Result<Case, String> {
    let (head, want) = text.split_once("\n---\n").ok_or("no line of three dashes")?;
    let mut script = Script { transport: Transport::Tcp, ports: (50_000, 0), proto: None, steps: Vec::new() };
    let mut number = 0;
    for (i, line) in head.lines().enumerate() {
        let fail = |why: &str| format!("line {}: {why}: {line}", i + 1);
        let (sign, rest) = line.split_at(line.len().min(1));
        let words: Vec<&str> = rest.split_whitespace().collect();
        let way = |w: &str| match w {
            ">" => Ok(0),
            "<" => Ok(1),
            _ => Err(fail("neither > nor <")),
        };
        match sign {
            "" | "#" => {}
            ":" => match words.as_slice() {
                [transport @ ("tcp" | "udp"), port] => {
                    script.transport = if *transport == "tcp" { Transport::Tcp } else { Transport::Udp };
                    script.ports.1 = port.parse().map_err(|_| fail("no port"))?;
                }
                ["proto", name] => {
                    let spec = TABLE.iter().find(|s| s.name == *name).ok_or_else(|| fail("no such protocol"))?;
                    script.proto = Some(spec.name);
                }
                _ => return Err(fail("expected `: tcp PORT`, `: udp PORT` or `: proto NAME`")),
            },
            ">" | "<" => {
                script.steps.push(Step::Bytes(way(sign)?, bytes(rest).map_err(|e| fail(&e))?, number));
                number += 1;
            }
            "=" => match words.as_slice() {
                ["gap", w, n] => script.steps.push(Step::Gap(way(w)?, n.parse().map_err(|_| fail("no number"))?)),
                ["end", w, how] => {
                    let how = match *how {
                        "fin" => End::Fin,
                        "reset" => End::Reset,
                        "cut" => End::Cut,
                        "capture" => End::Capture,
                        _ => return Err(fail("fin, reset, cut or capture")),
                    };
                    script.steps.push(Step::End(way(w)?, how));
                }
                _ => return Err(fail("expected `= gap < N` or `= end < HOW`")),
            },
            _ => return Err(fail("unknown sign")),
        }
    }
    Ok(Case { script, head: head.to_owned(), want: want.to_owned() })
}

/// Quoted text with escapes, hex bytes, and `*N` to repeat what stands before it.
fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut last = 0;
    let mut rest = text.trim();
    while let Some(c) = rest.chars().next() {
        if c == '"' {
            last = out.len();
            let mut it = rest.char_indices().skip(1);
            let end = loop {
                let (i, c) = it.next().ok_or("the quote does not end")?;
                match c {
                    '"' => break i,
                    '\\' => match it.next().ok_or("nothing behind a backslash")?.1 {
                        'r' => out.push(b'\r'),
                        'n' => out.push(b'\n'),
                        't' => out.push(b'\t'),
                        '0' => out.push(0),
                        'x' => {
                            let hex: String = it.by_ref().take(2).map(|p| p.1).collect();
                            out.push(u8::from_str_radix(&hex, 16).map_err(|e| e.to_string())?);
                        }
                        c @ ('\\' | '"') => out.push(c as u8),
                        c => return Err(format!("unknown escape \\{c}")),
                    },
                    c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                }
            };
            rest = rest[end + 1..].trim_start();
        } else if let Some(times) = rest.strip_prefix('*') {
            let n = times.find(|c: char| !c.is_ascii_digit()).unwrap_or(times.len());
            let again: usize = times[..n].parse().map_err(|_| "no number behind *")?;
            let piece = out[last..].to_vec();
            out.truncate(last);
            out.extend_from_slice(&piece.repeat(again));
            rest = times[n..].trim_start();
        } else {
            last = out.len();
            let n = rest.find(['"', '*']).unwrap_or(rest.len());
            let digits: String = rest[..n].split_whitespace().collect();
            for i in (0..digits.len()).step_by(2) {
                let pair = digits.get(i..i + 2).ok_or("an odd number of hex digits")?;
                out.push(u8::from_str_radix(pair, 16).map_err(|e| format!("{pair}: {e}"))?);
            }
            rest = &rest[n..];
        }
    }
    Ok(out)
}

/// All that was read, with the values of the fields.
fn render(script: &Script, record: &Record) -> String {
    let mut streams: [Vec<u8>; 2] = Default::default();
    for step in &script.steps {
        match step {
            Step::Bytes(way, b, _) => streams[*way].extend_from_slice(b),
            Step::Gap(way, n) => streams[*way].extend(std::iter::repeat_n(b'?', *n as usize)),
            Step::End(..) => {}
        }
    }
    let mut t = String::new();
    let contents = record.contents.iter().map(|(_, m)| m);
    for m in record.messages.iter().chain(contents) {
        let (arrow, stream) = if m.dir == Dir::ToServer { ('>', &streams[0]) } else { ('<', &streams[1]) };
        let stream = if m.conv.inner == 0 { Some(stream) } else { record.streams.get(&(m.conv, m.dir)) };
        let inside = match m.conv.inner {
            0 => String::new(),
            n @ ..FIRST_CONTENT => format!(" inside {n}"),
            n => format!(" content {}", n - FIRST_CONTENT),
        };
        let _ = write!(t, "{arrow} {}{inside} {}+{} {:?}: {}", m.proto, m.at, m.len, m.state, m.summary);
        if let Some((e, asks)) = m.exchange {
            let _ = write!(t, " [{} {e}]", if asks { "asks" } else { "answers" });
        }
        t.push('\n');
        for n in &m.nodes {
            let at = n.span.at as usize;
            let bytes = stream.and_then(|s| s.get(at..(at + n.span.len as usize).min(s.len()))).unwrap_or(&[]);
            let value = wirelore_kit::value::display(n.field, &n.value, bytes);
            let value = if value.is_empty() || n.value == Value::Span && n.end > 0 && n.field.name.ends_with("delimiter") {
                String::new()
            } else {
                format!(": {value}")
            };
            let short: String = value.chars().take(120).collect();
            let dots = if short.len() < value.len() { "…" } else { "" };
            let bits = n.span.bits.map_or(String::new(), |b| format!(" bits {}+{}", b.first, b.len));
            let tie = match n.tie {
                Tie::Own => format!("@{}+{}{bits}", n.span.at, n.span.len),
                Tie::Derived => "derived".to_owned(),
                Tie::Refer => format!("refers to {}+{}", n.span.at, n.span.len),
            };
            let _ = writeln!(t, "  {}{}{short}{dots}  {tie}", "  ".repeat(n.depth.into()), n.field.name);
        }
        for n in &m.notes {
            let _ = writeln!(t, "  ! {n}");
        }
    }
    for (side, state) in &record.states {
        let _ = writeln!(t, "{side:?} is {state}");
    }
    for ((conv, _, at, key, dir), bytes) in &record.inner {
        let mut text = String::new();
        let _ = wirelore_kit::value::write_text(&mut text, &bytes[..bytes.len().min(60)]);
        let _ = writeln!(t, "inner {}.{key} of the message at {at} {dir:?}: {} bytes: {text}", conv.inner, bytes.len());
    }
    t
}

/// Rows read for the list and rows read again for trees are the same; decoding may find more notes, never fewer.
fn twice(script: &Script) -> Result<(), String> {
    let (rows, tree) = (laws::read(&TABLE, script, Level::Rows), laws::read(&TABLE, script, Level::Tree));
    let mut tree_messages = tree.messages;
    if rows.messages.len() != tree_messages.len() {
        return Err(format!("{} rows, {} read again", rows.messages.len(), tree_messages.len()));
    }
    for (a, b) in rows.messages.iter().zip(&mut tree_messages) {
        let mut more = b.notes.iter();
        if !a.notes.iter().all(|n| more.any(|m| m == n)) {
            return Err(format!("notes {:?}, read again {:?}", a.notes, b.notes));
        }
        b.notes.clone_from(&a.notes);
        b.nodes.clone_from(&a.nodes);
        if a != b {
            return Err(format!("row\n  {a:?}\nread again\n  {b:?}"));
        }
    }
    if rows.states != tree.states {
        return Err(format!("states {:?}, read again {:?}", rows.states, tree.states));
    }
    Ok(())
}

fn under_the_laws(script: &Script) -> Result<(), String> {
    laws::chunking(&TABLE, script, 300).map_err(|e| format!("chunking law: {e}"))?;
    twice(script).map_err(|e| format!("twice law: {e}"))?;
    let whole = laws::read(&TABLE, script, Level::Tree);
    for m in whole.messages.iter().chain(whole.contents.iter().map(|(_, m)| m)) {
        laws::spans(m).map_err(|e| format!("span law: {e}"))?;
    }
    laws::gaps(&TABLE, script, 100).map_err(|e| format!("gap law: {e}"))
}

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|e| e.path()) {
        if path.is_dir() {
            files(&path, out);
        } else if path.extension().is_some_and(|e| e == "txt") && path.parent().is_some_and(|p| p.ends_with("cases")) {
            out.push(path);
        }
    }
}

#[test]
fn every_case_reads_as_written_and_keeps_the_laws() {
    let mut paths = Vec::new();
    files(Path::new(env!("CARGO_MANIFEST_DIR")), &mut paths);
    paths.sort();
    assert!(!paths.is_empty(), "no cases were found");
    let update = std::env::var_os("UPDATE").is_some();
    let only = std::env::var("ONLY").unwrap_or_default();
    let mut failed = Vec::new();
    for path in paths.iter().filter(|p| p.to_string_lossy().contains(&only)) {
        let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(path).display();
        let text = std::fs::read_to_string(path).expect("a case that can be read");
        let case = match parse(&text) {
            Ok(case) => case,
            Err(e) => {
                failed.push(format!("{name}: {e}"));
                continue;
            }
        };
        let got = render(&case.script, &laws::read(&TABLE, &case.script, Level::Tree));
        if got != case.want {
            if update {
                std::fs::write(path, format!("{}\n---\n{got}", case.head)).expect("a case that can be written");
            } else {
                let at = got
                    .lines()
                    .zip(case.want.lines())
                    .position(|(a, b)| a != b)
                    .unwrap_or(got.lines().count().min(case.want.lines().count()));
                let line = |t: &str| t.lines().nth(at).unwrap_or("(nothing)").to_owned();
                failed.push(format!(
                    "{name}: reads otherwise from line {} of the reading on (UPDATE=1 rewrites it)\n  written: {}\n  read:    {}",
                    at + 1,
                    line(&case.want),
                    line(&got)
                ));
            }
        }
        if let Err(e) = under_the_laws(&case.script) {
            failed.push(format!("{name}: {e}"));
        }
    }
    assert!(failed.is_empty(), "{} of {} cases:\n{}", failed.len(), paths.len(), failed.join("\n"));
}

#[test]
fn the_protocol_to_copy_explains_all_that_it_shows() {
    let spec = &template::SPEC;
    let prose = wirelore_kit::Explanations::parse(spec.explain[0].1).expect("prose that can be read");
    assert!(spec.fields.iter().all(|f| prose.field.contains_key(f.name)), "a field is not explained");
    assert!(spec.notes.iter().all(|n| prose.note.contains_key(n.name)), "a note is not explained");
    assert_eq!((prose.field.len(), prose.note.len()), (spec.fields.len(), spec.notes.len()), "prose speaks of what is not there");
}
