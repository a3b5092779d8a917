//! What the user said that connections of a capture speak, remembered from start to start: a small file for each capture in the state
//! folder, named by a hash of its path.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use wirelore_kit::{Endpoint, Problem, Transport};
use wirelore_store::Flow;

/// A choice file larger than this was not written here.
const MOST_BYTES: u64 = 16 << 20;

/// The choices for one capture.
#[derive(Debug, Clone)]
pub struct Remember {
    file: PathBuf,
    capture: String,
    choices: Vec<Choice>,
}

/// A connection and what it speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    ends: [Endpoint; 2],
    transport: Transport,
    first_time: i64,
    /// The Spec's name.
    pub protocol: String,
}

impl Choice {
    /// Whether it speaks of that flow.
    #[must_use]
    pub fn is_of(&self, flow: &Flow<'_>) -> bool {
        self.transport == flow.transport && self.first_time == flow.first_time && self.ends == flow.ends()
    }

    fn to_json(&self) -> Value {
        let end = |e: &Endpoint| json!([e.ip.to_string(), e.port]);
        let transport = self.transport as u8;
        let [a, b] = &self.ends;
        json!({ "transport": transport, "ends": [end(a), end(b)], "first": self.first_time, "protocol": self.protocol })
    }

    fn of_json(v: &Value) -> Option<Choice> {
        let end = |v: &Value| {
            let ip: IpAddr = v.get(0)?.as_str()?.parse().ok()?;
            Some(Endpoint { ip, port: u16::try_from(v.get(1)?.as_u64()?).ok()? })
        };
        let ends = v.get("ends")?;
        let transport = match v.get("transport")?.as_u64()? {
            6 => Transport::Tcp,
            17 => Transport::Udp,
            _ => Transport::Other,
        };
        Some(Choice {
            ends: [end(ends.get(0)?)?, end(ends.get(1)?)?],
            transport,
            first_time: v.get("first")?.as_i64()?,
            protocol: v.get("protocol")?.as_str()?.to_owned(),
        })
    }
}

/// The folder for what should outlive a start: `$XDG_STATE_HOME/wirelore`, or `~/.local/state/wirelore`.
#[must_use]
pub fn state_folder() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(state.join("wirelore"))
}

impl Remember {
    /// The choices made for `capture` before, kept in `folder`. What cannot be read counts as nothing said.
    #[must_use]
    pub fn open(folder: &Path, capture: &Path) -> Remember {
        let capture = std::fs::canonicalize(capture).unwrap_or_else(|_| capture.to_owned());
        let capture = capture.display().to_string();
        let mut name = String::new();
        for byte in Sha256::digest(capture.as_bytes()).iter().take(16) {
            // Writing to a String cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
        let file = folder.join("decode").join(name + ".json");
        let small = std::fs::metadata(&file).is_ok_and(|m| m.len() <= MOST_BYTES);
        let text = if small { std::fs::read(&file).unwrap_or_default() } else { Vec::new() };
        let kept: Value = serde_json::from_slice(&text).unwrap_or_default();
        let list = kept.get("connections").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        Remember { file, capture, choices: list.iter().filter_map(Choice::of_json).collect() }
    }

    /// The choices.
    #[must_use]
    pub fn choices(&self) -> &[Choice] {
        &self.choices
    }

    /// Keeps a choice, or forgets it for `None`.
    ///
    /// # Errors
    /// [`Problem`]: the file cannot be written; the choice holds for this time only.
    pub fn keep(&mut self, flow: &Flow<'_>, protocol: Option<&str>) -> Result<(), Problem> {
        self.choices.retain(|c| !c.is_of(flow));
        if let Some(p) = protocol {
            self.choices.push(Choice {
                ends: flow.ends(),
                transport: flow.transport,
                first_time: flow.first_time,
                protocol: p.to_owned(),
            });
        }
        self.write().map_err(|e| Problem {
            what: "The choice holds, but only until this capture is closed".into(),
            why: format!("{} cannot be written: {e}.", self.file.display()),
            what_to_do: "Make room, or let the folder be written to.".into(),
        })
    }

    fn write(&self) -> std::io::Result<()> {
        if self.choices.is_empty() {
            return match std::fs::remove_file(&self.file) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e),
                _ => Ok(()),
            };
        }
        if let Some(folder) = self.file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let list: Vec<Value> = self.choices.iter().map(Choice::to_json).collect();
        let text = json!({ "capture": self.capture, "connections": list }).to_string();
        // Whole or not at all.
        let fresh = self.file.with_extension("new");
        std::fs::write(&fresh, text)?;
        std::fs::rename(&fresh, &self.file)
    }
}
