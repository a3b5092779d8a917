//! The program as a process: its start by way of [`super::inside`], signals on their way to it, its end.

use super::environment::Variables;
use super::plan::Plan;
use super::{NOT_STARTED, system};
use crate::reading::Failure;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::SignalFd;
use nix::unistd::Pid;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::{self, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// How a program is started.
pub struct Start<'a> {
    /// A folder for what it is given.
    pub home: &'a Path,
    /// The program and its arguments.
    pub command: &'a [OsString],
    /// What its environment says besides ours.
    pub variables: Variables,
    /// Its network.
    pub plan: Option<Plan>,
    /// Files that it sees in place of others: FILE:OVER.
    pub over: Vec<String>,
}

/// A network of its own is not to be had.
#[derive(Debug)]
pub struct Forbidden {
    /// What was tried, and what the system said.
    pub why: String,
    /// What a person can do.
    pub what_to_do: String,
}

impl From<Forbidden> for Failure {
    fn from(f: Forbidden) -> Failure {
        Failure { text: format!("The program gets no network of its own: {}. {}", f.why, f.what_to_do), code: NOT_STARTED }
    }
}

/// A program that waits for us, or runs.
pub struct Program {
    child: Child,
    /// What it waits for.
    waits: UnixStream,
}

/// A program in a network of its own: itself, the packet sockets of the other end and of its loopback, what did not succeed.
pub type Entered = (Program, [OwnedFd; 2], Vec<String>);

impl Start<'_> {
    /// Has it see `text` in place of those of `targets` that are there.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn lay_over(&mut self, name: &str, text: &str, targets: &[&str]) -> Result<(), Failure> {
        let file = self.home.join(name);
        fs::write(&file, text).map_err(system(file.display()))?;
        self.over_existing(&file, targets);
        Ok(())
    }

    /// The same with a file that is there.
    pub fn over_existing(&mut self, file: &Path, targets: &[&str]) {
        let there = targets.iter().filter(|t| Path::new(t).exists());
        self.over.extend(there.map(|target| format!("{}:{target}", file.display())));
    }

    /// Has it see nothing in these places.
    ///
    /// # Errors
    /// What stands for nothing cannot be made.
    pub fn hide(&mut self, targets: &[&str]) -> Result<(), Failure> {
        let (file, folder) = (self.home.join("nothing"), self.home.join("nowhere"));
        fs::write(&file, "").and_then(|()| fs::create_dir(&folder)).map_err(system(self.home.display()))?;
        for target in targets {
            let nothing = if Path::new(target).is_dir() { &folder } else { &file };
            self.over_existing(nothing, &[target]);
        }
        Ok(())
    }

    /// Starts it with a network of its own, up to where it waits for [`Program::go`].
    ///
    /// # Errors
    /// It is forbidden.
    pub fn inside(&self) -> Result<Entered, Forbidden> {
        let (program, said, sockets) = self.start().map_err(|e| forbidden(e.to_string()))?;
        match (said.split_at_checked(1), <[OwnedFd; 2]>::try_from(sockets)) {
            (Some(("+", troubles)), Ok(sockets)) => Ok((program, sockets, troubles.lines().map(str::to_owned).collect())),
            (Some(("-", why)), _) => Err(forbidden(why.to_owned())),
            _ => Err(forbidden("its first steps failed".into())),
        }
    }

    /// Starts it with the network that all have, up to where it waits for [`Program::go`].
    ///
    /// # Errors
    /// The system's.
    pub fn alone(&self) -> io::Result<Program> {
        Ok(self.start()?.0)
    }

    /// Gives the program, its first word and what came with it.
    fn start(&self) -> io::Result<(Program, String, Vec<OwnedFd>)> {
        let at = self.home.join("program");
        // One that did not come so far may have left it.
        let _ = fs::remove_file(&at);
        let listener = UnixListener::bind(&at)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("__inside").arg("--parent").arg(&at);
        if let Some(plan) = self.plan {
            command.arg("--plan").arg(plan.to_string());
            self.over.iter().for_each(|over| {
                command.arg("--over").arg(over);
            });
        }
        command.arg("--").args(self.command);
        for (name, value) in &self.variables {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let mut child = command.spawn()?;
        let waits = accept(&listener, &mut child)?;
        let (said, sockets) = first_word(&waits)?;
        Ok((Program { child, waits }, said, sockets))
    }
}

/// Waits for the program to come.
fn accept(listener: &UnixListener, child: &mut Child) -> io::Result<UnixStream> {
    const COMES: Duration = Duration::from_secs(20);
    let began = Instant::now();
    listener.set_nonblocking(true)?;
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                return Ok(stream);
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            Err(e) => return Err(e),
        }
        if let Some(status) = child.try_wait()? {
            return Err(io::Error::other(format!("its first steps ended with {status}")));
        }
        if began.elapsed() > COMES {
            let _ = child.kill();
            return Err(io::ErrorKind::TimedOut.into());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn first_word(from: &UnixStream) -> io::Result<(String, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut with = RecvAncillaryBuffer::new(&mut space);
    let mut text = vec![0; 16 << 10];
    let got = recvmsg(from, &mut [IoSliceMut::new(&mut text)], &mut with, RecvFlags::CMSG_CLOEXEC)?;
    let sockets = with.drain().filter_map(|m| match m {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    });
    let sockets = sockets.flatten().collect();
    Ok((String::from_utf8_lossy(text.get(..got.bytes).unwrap_or_default()).into_owned(), sockets))
}

impl Program {
    /// Its number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lets it go, with arguments put before its own.
    ///
    /// # Errors
    /// It is gone already.
    pub fn go(&mut self, before: &[OsString]) -> io::Result<()> {
        let mut said = Vec::new();
        for argument in before {
            said.extend_from_slice(argument.as_bytes());
            said.push(0);
        }
        // With the end of this stream it begins; the first byte says that it is to.
        said.insert(0, b'+');
        self.waits.write_all(&said)?;
        self.waits.shutdown(Shutdown::Write)
    }

    /// Waits for its end; signals that come to us go to it.
    ///
    /// # Errors
    /// The system's.
    pub fn wait(&mut self, signals: &Signals) -> io::Result<Ended> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Ended(status));
            }
            let Some(came) = signals.0.read_signal()? else { continue };
            // What a terminal sends it sends to the program too; codes above 0 are the system's.
            if came.ssi_code <= 0
                && let Ok(signal) = Signal::try_from(came.ssi_signo as i32)
                && signal != Signal::SIGCHLD
                && let Ok(pid) = i32::try_from(self.child.id())
            {
                // One that is gone needs no signal.
                let _ = kill(Pid::from_raw(pid), signal);
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // One that was never let go would wait for ever; of one that has ended nothing is left to end.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Signals that wait for us.
pub struct Signals(SignalFd);

impl Signals {
    /// Has signals wait from now on, in this thread and those that it starts.
    ///
    /// # Errors
    /// The system's.
    pub fn block() -> io::Result<Signals> {
        let mut all = SigSet::empty();
        for signal in
            [Signal::SIGCHLD, Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGUSR1, Signal::SIGUSR2]
        {
            all.add(signal);
        }
        all.thread_block()?;
        Ok(Signals(SignalFd::new(&all)?))
    }
}

impl Signals {
    /// Waits until a signal asks us to end or the other end of `over` is closed; whether it was a signal.
    ///
    /// # Errors
    /// The system's.
    #[cfg(feature = "window")]
    pub fn or_closed(&self, over: &UnixStream) -> io::Result<bool> {
        use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
        use std::os::fd::AsFd;
        loop {
            let mut both = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN), PollFd::new(over.as_fd(), PollFlags::POLLIN)];
            poll(&mut both, PollTimeout::NONE)?;
            let [signals, other] = both.map(|p| p.revents().is_some_and(|r| !r.is_empty()));
            if other {
                return Ok(false);
            }
            let ends = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT].map(|s| s as u32);
            if signals && self.0.read_signal()?.is_some_and(|came| ends.contains(&came.ssi_signo)) {
                return Ok(true);
            }
        }
    }
}

/// How a program ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended(ExitStatus);

impl Ended {
    /// The exit code that says so, as shells have it.
    #[must_use]
    pub fn code(self) -> i32 {
        self.0.code().or_else(|| self.0.signal().map(|s| 128_i32.saturating_add(s))).unwrap_or(NOT_STARTED)
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.code(), self.0.signal().map(Signal::try_from)) {
            (Some(0), _) => write!(f, "has ended"),
            (Some(code), _) => write!(f, "has ended with {code}"),
            (None, Some(Ok(signal))) => write!(f, "was ended by {signal}"),
            _ => write!(f, "is gone"),
        }
    }
}

/// Says what stands in the way, as far as it can be known.
fn forbidden(why: String) -> Forbidden {
    let says = |path: &str, value: &str| fs::read_to_string(path).is_ok_and(|text| text.trim() == value);
    let what_to_do = if says("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        "Allow user namespaces: sudo sysctl kernel.unprivileged_userns_clone=1"
    } else if says("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        "AppArmor restricts user namespaces: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0 allows them to all programs."
    } else if says("/proc/sys/user/max_user_namespaces", "0") {
        "Allow user namespaces: sudo sysctl user.max_user_namespaces=10000"
    } else {
        "A container may forbid it (Docker: --security-opt seccomp=unconfined --security-opt apparmor=unconfined)."
    };
    Forbidden { why, what_to_do: what_to_do.into() }
}
