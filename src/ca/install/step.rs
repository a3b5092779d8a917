//! One thing that is done to a trust store: a file written or removed, a command run. It can be shown before, as one would type it.

use crate::Error;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One step of installing or undoing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Writes a file that everyone may read.
    Write {
        /// Which.
        path: PathBuf,
        /// What.
        content: Vec<u8>,
    },
    /// Removes a file, if it is there.
    Remove(PathBuf),
    /// Runs a command.
    Run {
        /// The program.
        program: OsString,
        /// Its arguments.
        args: Vec<OsString>,
        /// It may fail: what it takes away may be gone already.
        may_fail: bool,
    },
}

impl Step {
    /// A command that must succeed.
    pub(super) fn run<S: Into<OsString>>(program: impl Into<OsString>, args: impl IntoIterator<Item = S>) -> Step {
        Step::Run { program: program.into(), args: args.into_iter().map(Into::into).collect(), may_fail: false }
    }

    /// The same, where there may be nothing left to do.
    pub(super) fn lenient(self) -> Step {
        match self {
            Step::Run { program, args, .. } => Step::Run { program, args, may_fail: true },
            other => other,
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// What could not be done, with what the command said.
    pub fn perform(&self) -> Result<(), Error> {
        match self {
            Step::Write { path, content } => crate::authority::replace(path, content, 0o644),
            Step::Remove(path) => match std::fs::remove_file(path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::file(path, "remove the file")(e)),
                _ => Ok(()),
            },
            Step::Run { program, args, may_fail } => match output(program, args) {
                Err(Error::Command { .. }) if *may_fail => Ok(()),
                other => other.map(|_| ()),
            },
        }
    }
}

/// What a command prints. It is given no terminal, so that it cannot wait for a password.
pub(super) fn output(program: &OsString, args: &[OsString]) -> Result<Vec<u8>, Error> {
    let failed = |why: String| {
        let step = Step::Run { program: program.clone(), args: args.to_vec(), may_fail: false };
        Error::Command { command: step.to_string(), why }
    };
    let output = Command::new(program).args(args).stdin(Stdio::null()).output();
    let output = output.map_err(|e| failed(format!("it could not be started: {e}")))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = [output.stderr, output.stdout].concat();
    let said = String::from_utf8_lossy(&said);
    let said = said.lines().filter(|l| !l.trim().is_empty()).take(3).collect::<Vec<_>>().join(" / ");
    Err(failed(format!("it failed ({}): {said}", output.status)))
}

/// Where a program lies, if the system can find it.
pub(super) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Administrators' programs are often not on a user's path.
    let all = std::env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    all.map(|folder| folder.join(program)).find(|file| file.is_file())
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Write { path, content } => write!(f, "write {} ({} bytes)", path.display(), content.len()),
            Step::Remove(path) => write!(f, "rm -f {}", quoted(path.as_os_str())),
            Step::Run { program, args, .. } => {
                f.write_str(&quoted(Path::new(program).as_os_str()))?;
                args.iter().try_for_each(|arg| write!(f, " {}", quoted(arg)))
            }
        }
    }
}

/// As a shell takes it.
fn quoted(text: &std::ffi::OsStr) -> String {
    let text = text.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text.into_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_shown_as_one_would_type_them() {
        let step = Step::run("certutil", ["-d", "sql:/a b/it's", "-t", "C,,"]);
        assert_eq!(step.to_string(), "certutil -d 'sql:/a b/it'\\''s' -t C,,");
        assert_eq!(Step::Remove("/x y".into()).to_string(), "rm -f '/x y'");
    }

    #[test]
    fn a_command_that_fails_says_what_it_said() {
        let failed = Step::run("sh", ["-c", "echo no such thing >&2; exit 3"]);
        let said = failed.perform().unwrap_err().to_string();
        assert!(said.contains("no such thing") && said.contains("exit status: 3"), "{said}");
        assert!(failed.lenient().perform().is_ok());
        assert!(Step::run("no-such-program-here", ["x"]).perform().unwrap_err().to_string().contains("could not be started"));
    }
}
