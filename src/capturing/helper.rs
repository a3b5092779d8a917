//! The helper program, `wirelore-capture`, which alone links libpcap and may take packets: finding it, asking it, and what it refuses, in words.

use crate::cli::exit;
use crate::reading::Failure;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use wirelore_kit::Problem;

/// Its name.
pub const NAME: &str = "wirelore-capture";
/// The variable that names another one.
pub const VARIABLE: &str = "WIRELORE_CAPTURE";

/// What was refused, and the exit code that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// In sentences.
    pub problem: Problem,
    /// The exit code.
    pub code: i32,
    /// A line to be run in a terminal that mends it, where one does.
    pub mend: Option<String>,
}

impl From<Refused> for Failure {
    fn from(r: Refused) -> Failure {
        Failure { text: r.problem.to_string(), code: r.code }
    }
}

impl Refused {
    fn new(code: i32, what: impl Into<String>, why: impl Into<String>, what_to_do: impl Into<String>) -> Refused {
        let problem = Problem { what: what.into(), why: why.into(), what_to_do: what_to_do.into() };
        Refused { problem, code, mend: None }
    }
}

/// An interface, as the helper lists it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interface {
    /// Its name: what `-i` takes.
    pub name: String,
    /// What it is, or "".
    pub description: String,
    /// Its addresses.
    pub addresses: Vec<String>,
    /// Of this machine to itself.
    pub loopback: bool,
    /// It is switched on.
    pub up: bool,
    /// It has a link.
    pub running: bool,
    /// It is a radio.
    pub wireless: bool,
}

/// A kind of headers that an interface gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// libpcap's name: what `-y` takes.
    pub name: String,
    /// In words.
    pub description: String,
}

/// Where the helper is.
#[derive(Debug, Clone)]
pub struct Helper {
    path: PathBuf,
}

impl Helper {
    /// Looks where [`VARIABLE`] says, else beside this program, then along PATH.
    ///
    /// # Errors
    /// It is nowhere: how it is built.
    pub fn find() -> Result<Helper, Refused> {
        if let Some(path) = std::env::var_os(VARIABLE).filter(|v| !v.is_empty()).map(PathBuf::from) {
            if path.is_file() {
                return Ok(Helper { path });
            }
            let what = format!("{VARIABLE} names {}, and that is no file", path.display());
            return Err(Refused::new(
                exit::INIT,
                what,
                "It should name the program wirelore-capture.",
                "Set it right, or unset it.",
            ));
        }
        let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join(NAME)));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = beside.iter().cloned().chain(std::env::split_paths(&path).map(|p| p.join(NAME))).find(|p| p.is_file());
        found.map(|path| Helper { path }).ok_or_else(|| {
            let looked = beside.map_or(String::new(), |p| format!("It is not at {} and nowhere along PATH. ", p.display()));
            Refused::new(
                exit::INIT,
                "The program wirelore-capture is missing, so nothing can be captured",
                format!("{looked}It takes the packets, and alone needs libpcap."),
                "Build it: `sudo apt-get install libpcap-dev`, then `cargo build -p wirelore-sniffer`. Files, the proxy and pcap-over-IP work without.",
            )
        })
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn command(&self, words: &[String]) -> Command {
        let mut command = Command::new(&self.path);
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Ctrl+C is for us: we tell it when to stop, so that the last packets come.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command
    }

    fn does_not_start(&self, e: &std::io::Error) -> Refused {
        let what = format!("{} does not start", self.path.display());
        Refused::new(exit::INIT, what, format!("{e}."), "Check that you may run it; some systems let only a group do that.")
    }

    /// Asks a question that is answered in lines of JSON.
    fn ask(&self, words: &[&str]) -> Result<Vec<Value>, Refused> {
        let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
        let out = self.command(&words).output().map_err(|e| self.does_not_start(&e))?;
        if !out.status.success() {
            return Err(self.refused(&String::from_utf8_lossy(&out.stderr)));
        }
        Ok(String::from_utf8_lossy(&out.stdout).lines().filter_map(|l| serde_json::from_str(l).ok()).collect())
    }

    /// Every interface; the number of one is its place, counted from 1.
    ///
    /// # Errors
    /// The helper does not run.
    pub fn interfaces(&self) -> Result<Vec<Interface>, Refused> {
        let text = |v: &Value, name: &str| v.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let flag = |v: &Value, name: &str| v.get(name).and_then(Value::as_bool).unwrap_or(false);
        let read = |v: &Value| Interface {
            name: text(v, "name"),
            description: text(v, "description"),
            addresses: v
                .get("addresses")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(|a| Some(a.as_str()?.to_owned()))
                .collect(),
            loopback: flag(v, "loopback"),
            up: flag(v, "up"),
            running: flag(v, "running"),
            wireless: flag(v, "wireless"),
        };
        Ok(self.ask(&["list"])?.iter().map(read).collect())
    }

    /// The kinds of headers that an interface gives.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn links(&self, interface: &str) -> Result<Vec<Link>, Refused> {
        let text = |v: &Value, name: &str| v.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let answers = self.ask(&["links", interface])?;
        Ok(answers.iter().map(|v| Link { name: text(v, "name"), description: text(v, "description") }).collect())
    }

    /// Starts it with piped ends: `capture`, `watch` or `check` and their words.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(&self, words: &[String]) -> Result<Running, Refused> {
        let mut child = self.command(words).spawn().map_err(|e| self.does_not_start(&e))?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        match (stdin, stdout, stderr) {
            (Some(stdin), Some(stdout), Some(stderr)) => {
                Ok(Running { child, stdin, stdout, told: BufReader::new(Box::new(stderr)) })
            }
            _ => Err(self.does_not_start(&std::io::ErrorKind::BrokenPipe.into())),
        }
    }

    /// What it said on standard error, as what can be done about it.
    #[must_use]
    pub fn refused(&self, said: &str) -> Refused {
        let error = said
            .lines()
            .filter_map(|l| serde_json::from_str::<Value>(l).ok())
            .find(|v| v.get("event").is_some_and(|e| e == "error"));
        let Some(error) = error else { return self.unheard(said) };
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (interface, why) = (text("interface"), sentence(&text("text")));
        match text("kind").as_str() {
            "permission" => {
                let mend = format!("sudo setcap cap_net_raw=eip {}", quoted(&self.path));
                let mut r = Refused::new(
                    exit::CAPABILITY,
                    format!("You may not capture on {interface}"),
                    format!("{why} Taking packets off an interface needs the capability CAP_NET_RAW."),
                    format!(
                        "Give it to the small program that takes them, and to nothing else, once:\n\n    {mend}\n\n\
                         Files, the proxy and pcap-over-IP need none of this."
                    ),
                );
                r.mend = Some(mend);
                r
            }
            "interface" => Refused::new(
                exit::INTERFACE,
                format!("Nothing can be captured on {interface}"),
                why,
                "`wirelore capture -D` lists the interfaces there are, and which are up.",
            ),
            "filter" => Refused::new(
                exit::FILTER,
                "The capture filter cannot be read",
                why,
                "It is in the language of tcpdump, not of display filters: `tcp port 80 and host 192.0.2.1`; see `man pcap-filter`.",
            ),
            "link_type" => Refused::new(
                exit::OPTION,
                format!("{interface} does not give such headers"),
                why,
                format!("`wirelore capture -L -i {interface}` lists those that it gives."),
            ),
            "monitor" => Refused::new(
                exit::INTERFACE,
                format!("{interface} cannot hear the frames of others (-I)"),
                why,
                "Monitor mode is for radios whose driver has it. Without -I packets to and from this machine are captured.",
            ),
            "options" => {
                Refused::new(exit::OPTION, "The capture did not begin", why, "Check the flags: `wirelore capture --help`.")
            }
            _ => Refused::new(
                exit::PCAP,
                format!("libpcap does not capture on {interface}"),
                why,
                "Try another interface, a smaller -B, or without -p and -y.",
            ),
        }
    }

    /// It ended without a word that we know.
    fn unheard(&self, said: &str) -> Refused {
        let what = format!("{} ended before it began", self.path.display());
        if said.contains("libpcap.so") {
            return Refused::new(exit::INIT, what, sentence(said.trim()), "Install the library: sudo apt-get install libpcap0.8");
        }
        let why = if said.trim().is_empty() { "It said nothing.".into() } else { sentence(said.trim()) };
        Refused::new(exit::INIT, what, why, "Build it again: cargo build -p wirelore-sniffer")
    }
}

/// The helper at work. Dropped, it ends.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdin: ChildStdin,
    /// What it tells besides packets, or why it ended.
    told: BufReader<Box<std::process::ChildStderr>>,
    stdout: ChildStdout,
}

impl Running {
    /// Waits until its interfaces are open; their names.
    ///
    /// # Errors
    /// Why they are not.
    pub fn opened(mut self, helper: &Helper) -> Result<(Capturing, Vec<String>), Refused> {
        let mut said = String::new();
        loop {
            let from = said.len();
            if self.told.read_line(&mut said).unwrap_or(0) == 0 {
                let _ = self.child.wait();
                return Err(helper.refused(&said));
            }
            let line = said.get(from..).unwrap_or_default();
            let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
            if event.get("event").is_some_and(|e| e == "opened") {
                let all = event.get("interfaces").and_then(Value::as_array).into_iter().flatten();
                let names = all.filter_map(|i| Some(i.get("name")?.as_str()?.to_owned())).collect();
                return Ok((
                    Capturing { child: self.child, stdin: Some(self.stdin), told: self.told, stdout: Some(self.stdout) },
                    names,
                ));
            }
        }
    }

    /// For questions and answers by lines: where to write, and what comes.
    #[must_use]
    pub fn talk(self) -> (Child, ChildStdin, BufReader<ChildStdout>) {
        (self.child, self.stdin, BufReader::new(self.stdout))
    }
}

/// The helper, capturing.
#[derive(Debug)]
pub struct Capturing {
    /// It.
    pub child: Child,
    /// Closed, it stops.
    pub stdin: Option<ChildStdin>,
    /// What it tells.
    pub told: BufReader<Box<std::process::ChildStderr>>,
    /// pcapng.
    pub stdout: Option<ChildStdout>,
}

/// Asks the helper to stop, and to send what it still has.
pub fn stop(stdin: &mut Option<ChildStdin>) {
    if let Some(mut stdin) = stdin.take() {
        // If it is gone already, so much the better.
        let _ = stdin.write_all(b"stop\n");
    }
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let begun: String = chars.next().map_or(String::new(), |c| c.to_uppercase().chain(chars).collect());
    if begun.ends_with(['.', '!', '?']) { begun } else { format!("{begun}.") }
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    if text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+,".contains(c)) {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> Refused {
        Helper { path: "/opt/wire lore/wirelore-capture".into() }.refused(line)
    }

    #[test]
    fn without_privilege_the_exact_line_is_given_and_libpcap_is_not_left_alone_with_the_user() {
        let r = refused(r#"{"event":"error","kind":"permission","interface":"lo","text":"socket: Operation not permitted"}"#);
        assert_eq!(r.code, exit::CAPABILITY);
        assert_eq!(r.mend.as_deref(), Some("sudo setcap cap_net_raw=eip '/opt/wire lore/wirelore-capture'"));
        assert!(r.problem.to_string().contains("sudo setcap cap_net_raw=eip '/opt/wire lore/wirelore-capture'"));
    }

    #[test]
    fn each_kind_of_refusal_has_its_exit_code() {
        for (kind, code) in
            [("interface", exit::INTERFACE), ("filter", exit::FILTER), ("pcap", exit::PCAP), ("link_type", exit::OPTION)]
        {
            let line = format!(r#"{{"event":"error","kind":"{kind}","interface":"lo","text":"no"}}"#);
            assert_eq!(refused(&line).code, code, "{kind}");
        }
        assert!(
            refused("x: error while loading shared libraries: libpcap.so.0.8: cannot open")
                .problem
                .what_to_do
                .contains("libpcap0.8")
        );
    }
}
