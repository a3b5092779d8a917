//! A browser that goes through the proxy and trusts it, in a fresh profile: nothing of the user's is read or changed, and the profile goes
//! when the browser does.

use crate::cli::exit;
use crate::reading::Failure;
use clap::ValueEnum;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use wirelore_ca::Authority;

/// Browsers that can be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Chromium, Chrome, or another of that family.
    Chromium,
    /// Firefox.
    Firefox,
}

impl Kind {
    /// Names of its programs, the likeliest first.
    #[must_use]
    pub fn programs(self) -> &'static [&'static str] {
        match self {
            Kind::Chromium => {
                &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "brave-browser", "microsoft-edge"]
            }
            Kind::Firefox => &["firefox", "firefox-esr"],
        }
    }
}

/// How to open one.
#[derive(Debug)]
pub struct Wish<'a> {
    /// Which; the first that is found, if it does not matter.
    pub kind: Option<Kind>,
    /// Where the proxy listens.
    pub proxy: SocketAddr,
    /// Whom it is to trust.
    pub authority: &'a Authority,
    /// The page to begin with.
    pub url: &'a str,
    /// Arguments besides: `--headless=new`.
    pub more: &'a [String],
}

/// A browser that runs. It is closed, and its profile removed, with this value.
#[derive(Debug)]
pub struct Browser {
    child: Child,
    profile: Option<TempDir>,
    /// What it is, for people.
    pub name: String,
}

/// A browser that cannot run (there is no display, for example) ends within this time.
const STARTS: Duration = Duration::from_secs(1);

fn missing(text: String) -> Failure {
    Failure { text, code: exit::INIT }
}

/// Opens a browser.
///
/// # Errors
/// If there is none, its profile cannot be made, or it does not start.
pub fn open(wish: &Wish<'_>) -> Result<Browser, Failure> {
    let (kind, program) = found(wish.kind)?;
    let profile = profile(&program)?;
    let folder = profile.path();
    let mut command = Command::new(&program);
    match kind {
        Kind::Chromium => chromium(&mut command, folder, wish),
        Kind::Firefox => firefox(&mut command, folder, wish)?,
    }
    // What browsers say on a terminal is for those who make browsers; it is kept for the case that they do not start.
    let words = folder.join("said");
    let said = fs::File::create(&words)
        .map_err(|e| Failure { text: format!("{}: cannot be written: {e}.", words.display()), code: exit::WRITE })?;
    command.args(wish.more).arg(wish.url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(said);
    // A group of its own, so that Ctrl+C reaches us first, and all its processes can be ended together.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let child = command.spawn().map_err(|e| missing(format!("{} does not start: {e}.", program.display())))?;
    let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut browser = Browser { child, profile: Some(profile), name };
    if browser.wait(STARTS) {
        let said = fs::read(&words).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        // The usual cause is told somewhere in the middle of much else.
        let about_displays = said.lines().find(|l| l.to_ascii_lowercase().contains("display"));
        let last = || said.lines().rev().find(|l| !l.trim().is_empty());
        let cause = about_displays.or_else(last).unwrap_or("it said nothing");
        return Err(missing(format!("{} ended at once: {}", browser.name, cause.trim())));
    }
    Ok(browser)
}

/// The program to start.
fn found(wanted: Option<Kind>) -> Result<(Kind, PathBuf), Failure> {
    let kinds: &[Kind] = match &wanted {
        Some(kind) => std::slice::from_ref(kind),
        None => &[Kind::Chromium, Kind::Firefox],
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).chain([PathBuf::from("/snap/bin")]).collect();
    for kind in kinds {
        let all = kind.programs().iter().flat_map(|program| folders.iter().map(move |folder| folder.join(program)));
        if let Some(program) = all.into_iter().find(|file| file.is_file()) {
            return Ok((*kind, program));
        }
    }
    let names: Vec<&str> = kinds.iter().flat_map(|k| k.programs()).copied().collect();
    Err(missing(format!(
        "No browser was found on the PATH (looked for {}). Install one, for example: apt install chromium.",
        names.join(", ")
    )))
}

/// A folder for the profile. Browsers in a snap see no other folder than their own.
fn profile(program: &Path) -> Result<TempDir, Failure> {
    let real = fs::canonicalize(program).unwrap_or_else(|_| program.to_owned());
    let snapped = real.ends_with("bin/snap") || program.starts_with("/snap") || real.starts_with("/snap");
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let above = match (snapped, home) {
        (true, Some(home)) => home.join("snap").join(program.file_name().unwrap_or_default()).join("common"),
        _ => std::env::temp_dir(),
    };
    tempfile::Builder::new().prefix("wirelore-browser-").tempdir_in(&above).map_err(|e| Failure {
        text: format!("The browser's profile cannot be made in {}: {e}.", above.display()),
        code: exit::WRITE,
    })
}

fn chromium(command: &mut Command, folder: &Path, wish: &Wish<'_>) {
    let mut profile = std::ffi::OsString::from("--user-data-dir=");
    profile.push(folder);
    command.arg(profile);
    command.arg(format!("--proxy-server=http://{}", wish.proxy));
    // By itself it would not take the proxy for this computer's own servers.
    command.arg("--proxy-bypass-list=<-loopback>");
    let (key, leaves) = (wish.authority.key_pin(), wish.authority.leaf_key_pin());
    command.arg(format!("--ignore-certificate-errors-spki-list={key},{leaves}"));
    command.args([
        // Without it a bar warns of the option above.
        "--test-type",
        "--no-first-run",
        "--no-default-browser-check",
        "--password-store=basic",
        // What is not the user's doing would only fill the list.
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-default-apps",
        "--disable-domain-reliability",
        "--disable-sync",
        "--disable-features=OptimizationHints,MediaRouter,Translate,DialMediaRouteProvider",
        "--metrics-recording-only",
    ]);
    if is_root() {
        // Its sandbox does not work for root, and it would not start.
        command.arg("--no-sandbox");
    }
}

fn firefox(command: &mut Command, folder: &Path, wish: &Wish<'_>) -> Result<(), Failure> {
    let (host, port) = (wish.proxy.ip(), wish.proxy.port());
    let preferences = [
        ("network.proxy.type", "1".to_owned()),
        ("network.proxy.http", format!("\"{host}\"")),
        ("network.proxy.http_port", port.to_string()),
        ("network.proxy.ssl", format!("\"{host}\"")),
        ("network.proxy.ssl_port", port.to_string()),
        ("network.proxy.no_proxies_on", "\"\"".into()),
        ("network.proxy.allow_hijacking_localhost", "true".into()),
        // Names are the proxy's to look up, and what is not the user's doing would only fill the list.
        ("network.trr.mode", "5".into()),
        ("network.captive-portal-service.enabled", "false".into()),
        ("network.connectivity-service.enabled", "false".into()),
        ("network.prefetch-next", "false".into()),
        ("network.http.speculative-parallel-limit", "0".into()),
        ("app.normandy.enabled", "false".into()),
        ("app.update.enabled", "false".into()),
        ("browser.aboutwelcome.enabled", "false".into()),
        ("browser.newtabpage.activity-stream.feeds.topsites", "false".into()),
        ("browser.safebrowsing.downloads.remote.enabled", "false".into()),
        ("browser.safebrowsing.malware.enabled", "false".into()),
        ("browser.safebrowsing.phishing.enabled", "false".into()),
        ("browser.shell.checkDefaultBrowser", "false".into()),
        ("browser.startup.homepage_override.mstone", "\"ignore\"".into()),
        ("datareporting.healthreport.uploadEnabled", "false".into()),
        ("datareporting.policy.dataSubmissionEnabled", "false".into()),
        ("extensions.getAddons.cache.enabled", "false".into()),
        ("extensions.update.enabled", "false".into()),
        ("services.settings.server", "\"data:,\"".into()),
        ("toolkit.telemetry.enabled", "false".into()),
        ("toolkit.telemetry.unified", "false".into()),
        ("trailhead.firstrun.didSeeAboutWelcome", "true".into()),
    ];
    let text: String = preferences.iter().map(|(name, value)| format!("user_pref(\"{name}\", {value});\n")).collect();
    let unwritten =
        |e: std::io::Error| Failure { text: format!("{}: cannot be written: {e}.", folder.display()), code: exit::WRITE };
    fs::write(folder.join("user.js"), text).map_err(unwritten)?;
    let certificate = folder.join("authority.pem");
    fs::write(&certificate, wish.authority.certificate_pem()).map_err(unwritten)?;
    let mut database = std::ffi::OsString::from("sql:");
    database.push(folder);
    let steps: [&[&str]; 2] = [&["-N", "--empty-password"], &["-A", "-a", "-t", "C,,", "-n", "wirelore", "-i"]];
    for (n, args) in steps.into_iter().enumerate() {
        let mut certutil = Command::new("certutil");
        certutil.arg("-d").arg(&database).args(args).stdin(Stdio::null());
        if n == 1 {
            certutil.arg(&certificate);
        }
        let went = certutil.output().map_err(|e| {
            missing(format!(
                "Firefox needs certutil, to be told whom to trust, and it does not start: {e}. Try: apt install libnss3-tools."
            ))
        })?;
        if !went.status.success() {
            return Err(missing(format!("certutil failed: {}", String::from_utf8_lossy(&went.stderr).trim())));
        }
    }
    command.arg("--profile").arg(folder).args(["--no-remote", "--new-instance"]);
    Ok(())
}

/// Whether we run as root, as containers often do.
fn is_root() -> bool {
    #[cfg(target_os = "linux")]
    let root = fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
    #[cfg(not(target_os = "linux"))]
    let root = false;
    root
}

impl Browser {
    /// Whether the user has closed it.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Where its profile lies.
    pub fn profile(&self) -> Option<&Path> {
        self.profile.as_ref().map(TempDir::path)
    }

    /// Waits until it has ended, at most so long.
    fn wait(&mut self, most: Duration) -> bool {
        let begun = Instant::now();
        while !self.has_ended() {
            if begun.elapsed() > most {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        true
    }

    /// Sends a signal to all its processes.
    fn signal(&self, signal: &str) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args([signal, "--", &group]).stderr(Stdio::null()).status();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.has_ended() {
            self.signal("-TERM");
            if !self.wait(Duration::from_secs(3)) {
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
        }
        // Its helpers may outlive it by a moment, and write until then.
        self.signal("-KILL");
        let Some(profile) = self.profile.take() else { return };
        let path = profile.keep();
        for _ in 0..50 {
            if fs::remove_dir_all(&path).is_ok() || !path.exists() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        eprintln!("The browser's profile could not be removed: {}.", path.display());
    }
}
