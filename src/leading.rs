//! `wirelore proxy -m transparent`: rules of the system that lead connections here, shown, made only on request, and always taken back.
//!
//! They are taken back by a helper that waits for our end, whatever that is, and are written down before they are made: should both of us
//! be killed, the next transparent proxy takes them back.

mod rules;

pub use rules::{How, Plan, Wish, With, plan};

use crate::cli::exit;
use crate::reading::Failure;
use clap::Args;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use wirelore_proxy::Mode;

/// How connections come to transparent listeners.
#[derive(Debug, Args, Clone)]
#[command(next_help_heading = "Transparent listeners (Linux)")]
pub struct Leading {
    /// Print the commands that lead connections to the transparent listeners, and those that take that back; then end.
    #[arg(long)]
    pub transparent_rules: bool,
    /// Run those commands (as root) once the proxy listens; at the end, whatever it is, they are taken back.
    #[arg(long, conflicts_with = "transparent_rules")]
    pub transparent_apply: bool,
    /// How connections are led here.
    #[arg(long, value_enum, value_name = "HOW", default_value = "redirect")]
    pub transparent_how: How,
    /// With which program; by default nft where it is installed.
    #[arg(long, value_enum, value_name = "PROGRAM")]
    pub transparent_with: Option<With>,
    /// Connections to these ports are led here.
    #[arg(long, value_name = "PORTS", value_delimiter = ',', default_value = "80,443")]
    pub transparent_ports: Vec<u16>,
    /// The user whose connections are left alone, because the proxy's own are among them; by default whoever starts it.
    #[arg(long, value_name = "UID")]
    pub transparent_except_user: Option<u32>,
}

impl Leading {
    /// The commands for these listeners.
    ///
    /// # Errors
    /// None of them is transparent.
    pub fn plan<'l>(&self, listeners: impl IntoIterator<Item = (&'l Mode, SocketAddr)>) -> Result<Plan, Failure> {
        let with = self.transparent_with.unwrap_or(if is_installed("nft") { With::Nft } else { With::Iptables });
        let user = self.transparent_except_user.unwrap_or_else(who_we_are);
        let mut all = Plan::default();
        for (_, to) in listeners.into_iter().filter(|(mode, _)| matches!(mode, Mode::Transparent)) {
            all.and(plan(&Wish { how: self.transparent_how, with, to, ports: &self.transparent_ports, user }));
        }
        if all == Plan::default() {
            let text = "There is no transparent listener to lead connections to. Add `-m transparent`.".into();
            return Err(Failure { text, code: exit::OPTION });
        }
        Ok(all)
    }
}

/// Prints the commands.
///
/// # Errors
/// Standard output takes no more.
pub fn print(plan: &Plan) -> Result<(), Failure> {
    crate::authority::print(shown(plan).as_bytes())
}

fn shown(plan: &Plan) -> String {
    let block = |title: &str, all: &[String]| format!("# {title}\n{}\n", all.join("\n"));
    let lead = block("Lead connections to the proxy (as root):", &plan.lead);
    let back = block("Take that back:", &plan.back);
    format!("{lead}\n{back}")
}

/// The user that we run as.
fn who_we_are() -> u32 {
    std::fs::metadata("/proc/self").map_or(0, |m| std::os::unix::fs::MetadataExt::uid(&m))
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from)).any(|dir| dir.join(program).is_file())
}

/// Rules that are in force. Dropping it takes them back.
pub struct Led {
    helper: Child,
    note: PathBuf,
}

/// Runs a command as one would type it; what it says when it fails.
fn run(command: &str) -> Result<(), String> {
    let out = Command::new("sh").args(["-c", command]).stdin(Stdio::null()).output().map_err(|e| e.to_string())?;
    if out.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&out.stderr);
    Err(said.lines().find(|l| !l.trim().is_empty()).unwrap_or("it says nothing").trim().to_owned())
}

impl Led {
    /// Makes the rules. `folder` is where they are written down.
    ///
    /// # Errors
    /// Which command failed; what was done before it is taken back.
    pub fn begin(plan: &Plan, folder: &Path) -> Result<Led, Failure> {
        let failed = |text: String| Failure { text, code: exit::INIT };
        let note = folder.join(format!("led-{}.sh", std::process::id()));
        let undo: String = plan.back.iter().map(|c| format!("{c} 2>/dev/null\n")).collect();
        let text = format!(
            "# Takes back what led connections to a proxy; `sh` this file if no proxy runs.\n{undo}rm -f '{}'\n",
            note.display()
        );
        let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&note, text));
        written
            .map_err(|e| failed(format!("The rules cannot be written down in {}: {e}. They were not made.", note.display())))?;
        // It hears our end by the end of what it reads, and no key that is meant for us.
        let helper = Command::new("sh")
            .args(["-c", "trap '' INT TERM HUP; cat >/dev/null; exec sh \"$0\""])
            .arg(&note)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        let helper = helper.map_err(|e| {
            let _ = std::fs::remove_file(&note);
            failed(format!("The helper that takes the rules back cannot be started: {e}. They were not made."))
        })?;
        let led = Led { helper, note };
        for command in &plan.lead {
            if let Err(why) = run(command) {
                let first = command.lines().next().unwrap_or_default();
                let cure = "Leading connections here needs root, and nft or iptables; `--transparent-rules` prints the commands.";
                // What was done is taken back as `led` goes.
                return Err(failed(format!("`{first}` failed: {why}. {cure}")));
            }
        }
        Ok(led)
    }
}

impl Drop for Led {
    fn drop(&mut self) {
        drop(self.helper.stdin.take());
        if self.helper.wait().is_err() || self.note.exists() {
            let note = self.note.display();
            // With standard error gone there is nobody to tell.
            let _ =
                writeln!(std::io::stderr(), "wirelore: The rules may still lead connections here: run `sh '{note}'` as root.");
        }
    }
}

/// Takes back what proxies that were killed with their helpers have left. How many.
#[must_use]
pub fn take_back_stale(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let mut count = 0usize;
    for path in entries.filter_map(|e| Some(e.ok()?.path())) {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        let Some(pid) = name.strip_prefix("led-").and_then(|n| n.strip_suffix(".sh")).and_then(|n| n.parse::<u32>().ok()) else {
            continue;
        };
        if Path::new(&format!("/proc/{pid}")).exists() {
            continue;
        }
        let went = Command::new("sh").arg(&path).stdin(Stdio::null()).status();
        count = count.saturating_add(usize::from(went.is_ok()));
    }
    count
}
