//! The window's door: opens captures for it and hands it what it cannot make itself.

use crate::capturing::live::Sniffer;
use crate::cli::{Open, Proxy, exit};
use crate::live::Starter;
use crate::opened::{Opened, Shown};
use crate::reading::Failure;
use crate::remember::Remember;
use crate::session::{Session, SessionOptions};
use crate::takeout::Place;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wirelore_capture::{Options, Source};
use wirelore_kit::{Explanations, Problem};
use wirelore_window::{Capture, Opener, Waker, WindowOptions};

struct Doorman {
    keylog: Option<PathBuf>,
}

impl Opener for Doorman {
    fn open(&self, path: &Path, wake: Waker) -> Result<Box<dyn Capture>, Problem> {
        let (source, har) = match crate::har::open::open(path)? {
            Some(opened) => opened,
            None => {
                let source = Source::open(path, Options::default()).map_err(|e| Problem {
                    what: format!("{} could not be opened", path.file_name().unwrap_or(path.as_os_str()).to_string_lossy()),
                    why: format!("{}.", capital(&e.to_string())),
                    what_to_do: e.what_to_do(),
                })?;
                (source, Vec::new())
            }
        };
        let options = SessionOptions {
            keylog: self.keylog.clone(),
            name: path.display().to_string(),
            size: std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|m| m.len()),
            remember: crate::remember::state_folder().map(|folder| Remember::open(&folder, path)),
            ..SessionOptions::default()
        };
        let mut session = Session::start(source, wirelore_dissectors::TABLE, options);
        session.har = Arc::new(har);
        session.store.on_publish(move || wake());
        let place = Place { path: path.to_path_buf(), growth: None, keylog: self.keylog.clone() };
        Ok(Box::new(Opened { shown: Shown::of(&session, place), behind: session }))
    }
}

fn capital(s: &str) -> String {
    let mut chars = s.chars();
    chars.next().map_or(String::new(), |c| c.to_uppercase().chain(chars).collect())
}

/// All prose of all protocols and layers in a language.
#[must_use]
pub fn explanations(language: &str) -> Explanations {
    let mut all = Explanations::default();
    let specs = wirelore_dissectors::TABLE.iter().map(|s| s.explain);
    let layers = wirelore_dissectors::layers::LAYERS.iter().map(|l| l.explain);
    let common = [wirelore_kit::explain::COMMON, wirelore_engine::shard::EXPLAIN, crate::recall::EXPLAIN];
    for (_, text) in common.into_iter().chain(specs).chain(layers).flatten().filter(|(l, _)| *l == language) {
        match Explanations::parse(text) {
            Ok(e) => all.join(e),
            Err(why) => eprintln!("wirelore: an explanation cannot be read: {why}"),
        }
    }
    all
}

/// Opens the window on captures.
///
/// # Errors
/// When no window can be opened.
pub fn run(args: &Open) -> Result<(), Failure> {
    open(args, None)
}

/// Opens the window on a proxy that is started with it.
///
/// # Errors
/// When no window can be opened.
pub fn proxy(args: &Proxy) -> Result<(), Failure> {
    open(&Open::default(), Some(args.clone()))
}

fn open(args: &Open, proxy: Option<Proxy>) -> Result<(), Failure> {
    let start_proxy = proxy.is_some();
    let proxies = Starter::new(proxy).map(|s| Arc::new(s) as _);
    show(WindowOptions { start_proxy, proxies, files: args.files.clone(), ..options(args.keylog.clone()) })
}

/// What every window is handed.
pub(crate) fn options(keylog: Option<PathBuf>) -> WindowOptions {
    WindowOptions {
        opener: Arc::new(Doorman { keylog: keylog.clone() }),
        proxies: None,
        start_proxy: false,
        interfaces: Some(Arc::new(Sniffer::new(keylog))),
        explanations: Arc::new(explanations("en")),
        registry: crate::names::registry(),
        files: Vec::new(),
        state_folder: None,
        trace: std::env::var_os("WIRELORE_TRACE").map(|_| Arc::new(|line: String| eprintln!("wirelore: {line}")) as _),
        closing: Arc::default(),
    }
}

/// Opens the window and returns when it is closed.
pub(crate) fn show(options: WindowOptions) -> Result<(), Failure> {
    wirelore_window::run(options).map_err(|p| Failure { text: p.to_string(), code: exit::INIT })
}
