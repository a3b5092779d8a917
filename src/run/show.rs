//! `run --open`: the window beside the program, from before its first packet. It shows the record that is being made and steers the proxy;
//! that it is closed changes nothing for the program, and that the program ends leaves it open.

use super::program::{Ended, Signals};
use super::{Run, Talk, Watch, proxy_arguments, system};
use crate::door;
use crate::live::{self, Live, Starter};
use crate::opened::{Behind, Opened, Shown};
use crate::reading::Failure;
use crate::session::Session;
use crate::takeout::Place;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use wirelore_kit::Problem;
use wirelore_window::door::{Bench, LiveProxy, Proxied};
use wirelore_window::{Capture, Opener, Proxies, Waker, WindowOptions};

/// What the window is to show.
pub(super) struct Shows {
    handed: Arc<Handed>,
    /// A record that nobody keeps: it is shown until the window is closed, then it is removed.
    fleeting: Option<PathBuf>,
}

/// The record on its way to the window.
struct Handed {
    session: Session,
    place: Place,
    /// The program's proxy, if it has one.
    proxy: Option<Arc<Live>>,
    /// Wakes the window, once there is one.
    wake: Mutex<Option<Waker>>,
    /// Whether the window has it.
    taken: AtomicBool,
    /// Opens what else the window opens.
    opener: Arc<dyn Opener>,
    /// Starts what other proxies the window starts.
    starter: Option<Starter>,
}

/// What stands behind the record for the window. The record is the program's: that a tab is closed ends nothing.
struct Beside;

impl Behind for Beside {
    fn stop(&self) {}
}

impl Handed {
    fn capture(&self, wake: &Waker) -> Box<dyn Capture> {
        self.taken.store(true, Ordering::Relaxed);
        *self.wake.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(wake));
        let woken = Arc::clone(wake);
        self.session.store.on_publish(move || woken());
        let shown = Shown::of(&self.session, self.place.clone());
        Box::new(Opened { behind: Beside, shown })
    }

    fn wake(&self) {
        if let Some(wake) = &*self.wake.lock().unwrap_or_else(PoisonError::into_inner) {
            wake();
        }
    }
}

/// What of it opens files, and starts proxies.
struct Hands(Arc<Handed>);

impl Opener for Hands {
    fn open(&self, path: &Path, wake: Waker) -> Result<Box<dyn Capture>, Problem> {
        if path == self.0.place.path && !self.0.taken.load(Ordering::Relaxed) {
            return Ok(self.0.capture(&wake));
        }
        self.0.opener.open(path, wake)
    }
}

impl Proxies for Hands {
    fn start(&self, wake: Waker) -> Result<LiveProxy, Problem> {
        match (&self.0.proxy, &self.0.starter) {
            (Some(proxy), _) if !self.0.taken.load(Ordering::Relaxed) => {
                let capture = self.0.capture(&wake);
                proxy.wakes(wake);
                Ok((capture, Arc::clone(proxy) as _))
            }
            (_, Some(starter)) => starter.start(wake),
            (_, None) => Err(Problem {
                what: "The proxy did not start".into(),
                why: "There are no flags for it.".into(),
                what_to_do: "Start it with `wirelore proxy`.".into(),
            }),
        }
    }

    fn join(&self, bench: &Bench, wake: Waker) -> Result<Arc<dyn Proxied>, Problem> {
        match &self.0.starter {
            Some(starter) => starter.join(bench, wake),
            None => Err(Problem {
                what: "The proxy did not start".into(),
                why: "There are no flags for it.".into(),
                what_to_do: "Start it with `wirelore proxy`.".into(),
            }),
        }
    }
}

impl Shows {
    /// Of what is recorded.
    pub fn new(args: &Run, watch: &Watch) -> Result<Shows, Failure> {
        let proxy = match &watch.started {
            Some(started) => Some(live::live(&proxy_arguments(args)?, started, None)),
            None => None,
        };
        let session =
            watch.session().map(Session::beside).ok_or_else(|| system("the record")(std::io::ErrorKind::NotFound.into()))?;
        let recorder = &watch.recorder;
        recorder.keep();
        let path = recorder.path().to_path_buf();
        let fleeting = args.write.is_none().then(|| path.clone());
        let place = Place { path, growth: Some(recorder.growth()), keylog: None };
        let (wake, taken) = (Mutex::default(), AtomicBool::new(false));
        let opener = door::options(None).opener;
        Ok(Shows {
            handed: Arc::new(Handed { session, place, proxy, wake, taken, opener, starter: Starter::new(None) }),
            fleeting,
        })
    }

    /// Lets the program go on a thread of its own and shows its record meanwhile; how the program ended, once both have.
    pub fn beside(
        self,
        goes: impl FnOnce() -> Result<Ended, Failure> + Send,
        signals: &Signals,
        talk: &Talk,
        name: &str,
    ) -> Result<Ended, Failure> {
        let Shows { handed, fleeting } = self;
        let closing = Arc::new(AtomicBool::new(false));
        let with_proxy = handed.proxy.is_some();
        let options = WindowOptions {
            opener: Arc::new(Hands(Arc::clone(&handed))),
            proxies: Some(Arc::new(Hands(Arc::clone(&handed)))),
            start_proxy: with_proxy,
            files: if with_proxy { Vec::new() } else { vec![handed.place.path.clone()] },
            closing: Arc::clone(&closing),
            ..door::options(None)
        };
        let (ours, its) = UnixStream::pair().map_err(system("a pair of sockets"))?;
        let (shown, ended) = std::thread::scope(|scope| {
            let program = scope.spawn(|| {
                let ended = goes();
                if let Some(proxy) = &handed.proxy {
                    proxy.stop();
                }
                handed.wake();
                // Nothing of ours is left but the window: what would have ended the program ends that.
                if matches!(signals.or_closed(&its), Ok(true)) {
                    closing.store(true, Ordering::Relaxed);
                    handed.wake();
                }
                ended
            });
            let shown = door::show(options);
            if !program.is_finished() && shown.is_err() {
                talk.say(format_args!("There is no window; {name} goes on, and is recorded."));
            }
            drop(ours);
            (shown, program.join())
        });
        if let Some(record) = fleeting {
            // It may be gone already.
            let _ = std::fs::remove_file(record);
        }
        let ended = ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        shown.map(|()| ended)
    }
}
