//! Session files of proxies that were killed: temporary ones, which nobody will remove any more.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// One that was written to since is somebody's, whatever its name says.
const COLD: Duration = Duration::from_secs(60);

/// Where temporary session files lie.
pub(crate) fn folder() -> PathBuf {
    std::env::var_os("TMPDIR").map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from)
}

/// Removes the temporary session files of processes that are gone. How many.
#[must_use]
pub fn remove_stale() -> usize {
    remove_in(&folder(), COLD)
}

fn remove_in(folder: &Path, cold: Duration) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let stale = entries.filter_map(Result::ok).filter(|e| {
        let name = e.file_name();
        let gone = owner(name.to_str().unwrap_or_default()).is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists());
        let quiet = || e.metadata().and_then(|m| m.modified()).is_ok_and(|t| t.elapsed().is_ok_and(|age| age >= cold));
        gone && Path::new("/proc/self").exists() && quiet()
    });
    stale.filter(|e| std::fs::remove_file(e.path()).is_ok()).count()
}

/// The process that a temporary session file is named after: `wirelore-PID-N.pcapng`.
fn owner(name: &str) -> Option<u32> {
    let (pid, n) = name.strip_prefix("wirelore-")?.strip_suffix(".pcapng")?.split_once('-')?;
    n.parse::<u32>().ok()?;
    pid.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_processes_that_are_gone_are_removed() {
        let folder = std::env::temp_dir().join(format!("wirelore-stale-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("made");
        let ours = format!("wirelore-{}-0.pcapng", std::process::id());
        // No process has the largest number.
        for name in [ours.as_str(), "wirelore-4294967295-0.pcapng", "wirelore-mine.pcapng", "other-4294967295-0.pcapng"] {
            std::fs::write(folder.join(name), "x").expect("written");
        }
        assert_eq!(remove_in(&folder, Duration::from_secs(3600)), 0, "what was just written is left alone");
        assert_eq!(remove_in(&folder, Duration::ZERO), 1);
        assert!(folder.join(ours).exists() && folder.join("wirelore-mine.pcapng").exists());
        let _ = std::fs::remove_dir_all(&folder);
    }
}
