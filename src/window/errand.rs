//! Errands: file dialogs, writing and reading of files, done on threads of their own so that the window never waits for a disk.

use crate::act::Choose;
use crate::door::Waker;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use wirelore_kit::Problem;

/// What an errand brought.
#[derive(Debug)]
pub enum News {
    /// Files were chosen, for this.
    Chosen(Choose, Vec<PathBuf>),
    /// It is done; what a person shall know of it.
    Done(String),
    /// It could not be done.
    Failed(Problem),
}

/// Errands under way.
pub struct Errands {
    give: Sender<News>,
    take: Receiver<News>,
    wake: Waker,
}

impl Errands {
    /// Nothing under way; `wake` is called when news came.
    #[must_use]
    pub fn new(wake: Waker) -> Errands {
        let (give, take) = channel();
        Errands { give, take, wake }
    }

    /// Does something on a thread of its own; it may take as long as it likes, and may never end (a dialog).
    pub fn run(&self, name: &str, errand: impl FnOnce() -> Option<News> + Send + 'static) {
        let (give, wake) = (self.give.clone(), self.wake.clone());
        let run = move || {
            let news = catch_unwind(AssertUnwindSafe(errand)).unwrap_or_else(|_| {
                Some(News::Failed(Problem {
                    what: "This could not be done".into(),
                    why: "It is a fault of Wirelore.".into(),
                    what_to_do: "Please report it with what you did.".into(),
                }))
            });
            if let Some(news) = news {
                // Nobody receives when the window was closed meanwhile.
                let _ = give.send(news);
                wake();
            }
        };
        if let Err(e) = thread::Builder::new().name(name.to_owned()).spawn(run) {
            let _ = self.give.send(News::Failed(Problem {
                what: "This could not be done".into(),
                why: format!("No thread could be started: {e}."),
                what_to_do: "Close other programs and try again.".into(),
            }));
        }
    }

    /// What came since the last call.
    #[must_use]
    pub fn news(&self) -> Vec<News> {
        self.take.try_iter().collect()
    }

    /// The desktop's file dialog.
    pub fn browse(&self, what: Choose, folder: Option<PathBuf>, name: String) {
        self.run("file dialog", move || {
            let mut dialog = rfd::FileDialog::new().set_title(what.title());
            if let Some(folder) = folder {
                dialog = dialog.set_directory(folder);
            }
            let files = match what {
                Choose::Capture => dialog
                    .add_filter("Captures", &["pcap", "pcapng", "cap", "ntar", "gz", "zst", "lz4"])
                    .add_filter("All files", &["*"])
                    .pick_files(),
                Choose::KeyLog => dialog.pick_file().map(|f| vec![f]),
                Choose::Save(_) | Choose::Export => dialog.set_file_name(name).save_file().map(|f| vec![f]),
                Choose::ExportFolder => dialog.pick_folder().map(|f| vec![f]),
            };
            Some(News::Chosen(what, files?))
        });
    }

    /// Writes what `make` gives to a file.
    pub fn save(&self, path: PathBuf, make: impl FnOnce() -> Vec<u8> + Send + 'static) {
        self.run("save", move || {
            let bytes = make();
            let size = crate::format::size(bytes.len() as u64);
            Some(match std::fs::write(&path, bytes) {
                Ok(()) => News::Done(format!("Saved {} ({size})", path.display())),
                Err(e) => News::Failed(Problem {
                    what: format!("{} could not be written", path.display()),
                    why: format!("{e}."),
                    what_to_do: "Choose another folder or name.".into(),
                }),
            })
        });
    }
}
