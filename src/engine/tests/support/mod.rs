//! What the tests share: reading captures, finding the corpus folder, asking tshark.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// One captured packet.
pub struct Packet {
    pub link_type: u32,
    pub time_ns: i64,
    pub wire_len: u32,
    pub bytes: Vec<u8>,
}

/// The corpus folder, or `None` after saying loudly that it is missing.
pub fn corpus() -> Option<PathBuf> {
    let dir = std::env::var_os("WIRELORE_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"), PathBuf::from);
    if dir.is_dir() {
        return Some(dir);
    }
    eprintln!("SKIPPED: no corpus folder at {} (set WIRELORE_CORPUS)", dir.display());
    None
}

/// True if tshark is there; else says loudly that the test is skipped.
pub fn has_tshark() -> bool {
    let there = Command::new("tshark").arg("--version").output().is_ok_and(|o| o.status.success());
    if !there {
        eprintln!("SKIPPED: tshark is not installed");
    }
    there
}

/// The captures of a folder, sorted by name.
pub fn captures(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path())
        .filter(|p| {
            let name = p.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            [".pcap", ".pcapng", ".cap", ".pcap.gz", ".pcapng.gz"].iter().any(|end| name.ends_with(end))
        })
        .collect();
    found.sort();
    found
}

/// The packets of a capture file; a damaged one gives those before the damage.
pub fn packets(path: &Path) -> Vec<Packet> {
    let mut bytes = std::fs::read(path).unwrap_or_default();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let out = Command::new("gzip").arg("-dc").arg(path).output().expect("gzip runs");
        bytes = out.stdout;
    }
    let mut found = Vec::new();
    if bytes.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
        pcapng(&bytes, &mut found);
    } else {
        pcap(&bytes, &mut found);
    }
    found
}

fn u32_at(b: &[u8], at: usize, little: bool) -> Option<u32> {
    let four: [u8; 4] = b.get(at..at + 4)?.try_into().ok()?;
    Some(if little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) })
}

fn pcap(b: &[u8], found: &mut Vec<Packet>) -> Option<()> {
    let magic = u32_at(b, 0, true)?;
    let (little, nanos) = match magic {
        0xa1b2_c3d4 => (true, false),
        0xa1b2_3c4d => (true, true),
        0xd4c3_b2a1 => (false, false),
        0x4d3c_b2a1 => (false, true),
        _ => return None,
    };
    let link_type = u32_at(b, 20, little)? & 0xffff;
    let mut at = 24;
    loop {
        let (sec, sub) = (u32_at(b, at, little)?, u32_at(b, at + 4, little)?);
        let (cap, wire) = (u32_at(b, at + 8, little)?, u32_at(b, at + 12, little)?);
        let data = b.get(at + 16..at + 16 + cap as usize)?;
        let time_ns = i64::from(sec) * 1_000_000_000 + i64::from(sub) * if nanos { 1 } else { 1000 };
        found.push(Packet { link_type, time_ns, wire_len: wire, bytes: data.to_vec() });
        at += 16 + cap as usize;
    }
}

fn pcapng(b: &[u8], found: &mut Vec<Packet>) -> Option<()> {
    let mut little = true;
    let mut interfaces: Vec<(u32, i128, u32)> = Vec::new();
    let mut at = 0;
    loop {
        let kind = u32_at(b, at, little)?;
        if kind == 0x0a0d_0d0a {
            little = u32_at(b, at + 8, true)? == 0x1a2b_3c4d;
            interfaces.clear();
        }
        let kind = u32_at(b, at, little)?;
        let len = u32_at(b, at + 4, little)? as usize;
        if len < 12 {
            return None;
        }
        let body = b.get(at + 8..at + len - 4)?;
        match kind {
            1 => {
                let link = u32_at(body, 0, little)? & 0xffff;
                let link = if little { link } else { u32_at(body, 0, false)? >> 16 };
                let mut unit = 1000_i128;
                let mut o = 8;
                while let Some(word) = u32_at(body, o, little) {
                    let (code, size) = if little { (word & 0xffff, word >> 16) } else { (word >> 16, word & 0xffff) };
                    if code == 0 {
                        break;
                    }
                    if code == 9 {
                        let r = *body.get(o + 4)?;
                        unit = if r & 0x80 == 0 { 10_i128.pow(9 - u32::from(r.min(9))) } else { -(i128::from(r & 0x7f)) };
                    }
                    o += 4 + (size as usize).div_ceil(4) * 4;
                }
                interfaces.push((link, unit, u32_at(body, 4, little)?));
            }
            6 => {
                let (link_type, unit, _) = *interfaces.get(u32_at(body, 0, little)? as usize)?;
                let ticks = (i128::from(u32_at(body, 4, little)?) << 32) | i128::from(u32_at(body, 8, little)?);
                let ns = if unit > 0 { ticks * unit } else { (ticks * 1_000_000_000) >> -unit };
                let cap = u32_at(body, 12, little)? as usize;
                let bytes = body.get(20..20 + cap)?.to_vec();
                found.push(Packet { link_type, time_ns: ns as i64, wire_len: u32_at(body, 16, little)?, bytes });
            }
            3 => {
                let (link_type, _, snap) = *interfaces.first()?;
                let wire = u32_at(body, 0, little)?;
                let cap = wire.min(if snap == 0 { u32::MAX } else { snap }) as usize;
                found.push(Packet {
                    link_type,
                    time_ns: 0,
                    wire_len: wire,
                    bytes: body.get(4..4 + cap.min(body.len() - 4))?.to_vec(),
                });
            }
            _ => {}
        }
        at += len;
    }
}

/// Runs tshark on a capture and gives, per packet, the asked fields; several occurrences of a field are joined by commas.
pub fn tshark(path: &Path, fields: &[&str]) -> Vec<Vec<String>> {
    tshark_with(path, fields, &[])
}

/// As [`tshark`], with more arguments.
pub fn tshark_with(path: &Path, fields: &[&str], more: &[&str]) -> Vec<Vec<String>> {
    let mut command = Command::new("tshark");
    command.arg("-n").arg("-r").arg(path).args(more).args(["-T", "fields", "-E", "separator=/t"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let out = command.output().expect("tshark runs");
    String::from_utf8_lossy(&out.stdout)
        .lines()
        .map(|line| {
            let mut row: Vec<String> = line.split('\t').map(str::to_owned).collect();
            row.resize(fields.len(), String::new());
            row
        })
        .collect()
}

/// The last of a field's occurrences: the innermost.
pub fn last(value: &str) -> &str {
    value.rsplit(',').next().unwrap_or("")
}
