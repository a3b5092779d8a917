//! The window's proxy: started from it, read while it records, steered by its clicks.

use crate::bench::Bench;
use crate::browser::{Browser, Wish};
use crate::cli::{Cli, Command, Proxy as Args};
use crate::opened::{Behind, Opened, Shown};
use crate::proxying::{self, Started};
use crate::reading::Failure;
use crate::ruling::Rules;
use crate::takeout::Place;
use clap::Parser;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wirelore_gate::{Filter, Gate};
use wirelore_kit::Problem;
use wirelore_proxy::{Mode, Stopper};
use wirelore_record::{Recorder, State};
use wirelore_window::door::{Bench as HandedBench, Held, LiveProxy, ProxyState, Release};
use wirelore_window::ruling::Ruled;
use wirelore_window::{Proxied, Proxies, Waker};

/// Starts proxies for the window, as the command line asked.
pub struct Starter {
    args: Args,
}

impl Starter {
    /// One with these flags; `None`: those of a bare `wirelore proxy`.
    #[must_use]
    pub fn new(args: Option<Args>) -> Option<Starter> {
        let usual = || match Cli::try_parse_from(["wirelore", "proxy"]).ok()?.command {
            Some(Command::Proxy(args)) => Some(*args),
            _ => None,
        };
        args.or_else(usual).map(|args| Starter { args })
    }
}

fn problem(f: Failure) -> Problem {
    Problem {
        what: "The proxy did not start".into(),
        why: f.text,
        what_to_do: "Another program may use its port: `wirelore proxy -p PORT` takes another.".into(),
    }
}

impl Proxies for Starter {
    fn start(&self, wake: Waker) -> Result<LiveProxy, Problem> {
        let mut started = proxying::start(&self.args).map_err(problem)?;
        let woken = Arc::clone(&wake);
        started.session.store.on_publish(move || woken());
        let shared = steered(&self.args, &mut started, wake);
        let place = Place { path: started.recorder.path().to_path_buf(), growth: Some(started.recorder.growth()), keylog: None };
        let shown = Shown::on(Bench::new(&started.recorder, &started.session), place);
        let behind = Recording { live: Arc::clone(&shared), started: Some(started) };
        Ok((Box::new(Opened { behind, shown }), shared))
    }

    fn join(&self, bench: &HandedBench, wake: Waker) -> Result<Arc<dyn Proxied>, Problem> {
        let bench = Bench::of(bench).ok_or_else(|| Problem {
            what: "The proxy did not start".into(),
            why: "What is open in this tab is a file that nothing more can join.".into(),
            what_to_do: "Start it in a tab of its own.".into(),
        })?;
        let mut started = proxying::start_beside(&self.args, &bench.recorder, &bench.session).map_err(problem)?;
        let shared = steered(&self.args, &mut started, wake);
        Ok(Arc::new(Joined { live: shared, started: Some(started) }))
    }
}

/// What steers a proxy that was started with these flags.
fn steered(args: &Args, started: &mut Started, wake: Waker) -> Arc<Live> {
    let led = started.led.take();
    let live = live(args, started, led);
    live.wakes(wake);
    live
}

/// The same, waking nobody yet; what leads connections to it is its own.
pub(crate) fn live(args: &Args, started: &Started, led: Option<crate::leading::Led>) -> Arc<Live> {
    Arc::new(Live {
        stopper: started.proxy.stopper(),
        listening: started.proxy.listeners().into_iter().map(|(mode, at)| (matches!(mode, Mode::Regular), at)).collect(),
        gate: started.gate.clone(),
        rules: Arc::new(Rules::new(started.gate.clone(), crate::gating::rules_file(&args.gating))),
        recorder: started.recorder.clone(),
        certificate: proxying::certificate(args),
        running: Mutex::new(true),
        browser: Mutex::new(None),
        authority: Arc::clone(&started.authority),
        led: Mutex::new(led),
    })
}

/// A proxy that writes a record beside others. Dropped, it ends, and the record goes on.
struct Joined {
    live: Arc<Live>,
    /// Taken when it ends.
    started: Option<Started>,
}

impl Drop for Joined {
    fn drop(&mut self) {
        self.live.stop();
        if let Some(started) = self.started.take() {
            // Joining threads may take a moment: not on the window's thread.
            let _ = std::thread::Builder::new().name("proxy end".into()).spawn(move || started.proxy.stop());
        }
    }
}

impl Proxied for Joined {
    fn state(&self) -> ProxyState {
        self.live.state()
    }

    fn stop(&self) {
        self.live.stop();
    }

    fn browse(&self) -> Result<(), Problem> {
        self.live.browse()
    }

    fn hold(&self, filter: Option<&str>) -> Result<(), Problem> {
        self.live.hold(filter)
    }

    fn ruled(&self) -> Arc<dyn Ruled> {
        self.live.ruled()
    }

    fn release(&self, held: u64, how: Release) -> Result<(), Problem> {
        self.live.release(held, how)
    }
}

/// What a proxy records. With it, the proxy ends.
struct Recording {
    /// Taken when it ends.
    started: Option<Started>,
    live: Arc<Live>,
}

impl Behind for Recording {
    fn stop(&self) {
        self.live.stop();
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.live.stop();
        if let Some(started) = self.started.take() {
            // Joining threads may take a moment: not on the window's thread.
            let _ = std::thread::Builder::new().name("proxy end".into()).spawn(move || {
                started.session.cancel();
                started.proxy.stop();
                drop(started.session);
                let _ = started.recorder.finish();
            });
        }
    }
}

/// What steers it.
pub(crate) struct Live {
    stopper: Stopper,
    /// Whether it takes any client's word for where to go, and where it listens.
    listening: Vec<(bool, std::net::SocketAddr)>,
    gate: Gate,
    rules: Arc<Rules>,
    recorder: Recorder,
    certificate: std::path::PathBuf,
    running: Mutex<bool>,
    browser: Mutex<Option<Browser>>,
    authority: Arc<wirelore_ca::Authority>,
    /// What leads connections here.
    led: Mutex<Option<crate::leading::Led>>,
}

impl Live {
    /// Wakes the window when a message is held: that shows at once, not with the next packet.
    pub(crate) fn wakes(&self, wake: Waker) {
        self.gate.listen(Arc::new(move |_: &wirelore_gate::Event| wake()));
    }
}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxied for Live {
    fn state(&self) -> ProxyState {
        let (connections, open) = self.stopper.connections();
        let status = self.recorder.status();
        let held = self.gate.held().into_iter().map(|h| Held {
            id: h.id,
            age: u64::try_from(h.age.as_millis()).unwrap_or(u64::MAX),
            server: h.between.rsplit(' ').next().unwrap_or(&h.between).to_owned(),
            message: h.message,
        });
        let trouble = match status.state {
            State::Recording => None,
            State::Stopped { why } => Some(Problem {
                what: "Recording stopped".into(),
                why,
                what_to_do: "Traffic goes on; what passes from here on is not kept.".into(),
            }),
        };
        ProxyState {
            running: *lock(&self.running),
            listening: self.listening.iter().map(|(_, at)| at.to_string()).collect(),
            open,
            connections,
            recorded: status.bytes,
            file: self.recorder.path().to_path_buf(),
            trouble,
            certificate: self.certificate.clone(),
            trust: "Programs must trust it to be read: `wirelore ca install` tells the system, the browser from here knows it."
                .into(),
            holding: self.gate.intercepting(),
            held: Arc::new(held.collect()),
        }
    }

    fn stop(&self) {
        *lock(&self.running) = false;
        self.gate.intercept(None);
        self.gate.release_all();
        // Nobody would take connections up that are still led here.
        lock(&self.led).take();
        self.stopper.stop();
        lock(&self.browser).take();
    }

    fn browse(&self) -> Result<(), Problem> {
        let regular = self.listening.iter().find(|(regular, _)| *regular).map(|(_, at)| *at);
        let at = regular.ok_or_else(|| Problem {
            what: "No browser can use this proxy".into(),
            why: "None of its listeners is of the mode regular.".into(),
            what_to_do: "Start it with --mode regular besides.".into(),
        })?;
        let wish = Wish { kind: None, proxy: at, authority: &self.authority, url: "http://wirelore.proxy/", more: &[] };
        let opened = crate::browser::open(&wish).map_err(|f| Problem {
            what: "No browser was opened".into(),
            why: f.text,
            what_to_do: "Install Chromium or Firefox, or give any program the proxy's address.".into(),
        })?;
        *lock(&self.browser) = Some(opened);
        Ok(())
    }

    fn hold(&self, filter: Option<&str>) -> Result<(), Problem> {
        match filter {
            None => {
                self.gate.intercept(None);
                self.gate.release_all();
            }
            Some(text) => {
                let filter = Filter::parse(text).map_err(|e| Problem {
                    what: "This filter cannot be read.".into(),
                    why: e.to_string(),
                    what_to_do: "~q finds requests, ~s answers, ~d a host, ~u an address; & | ! join them.".into(),
                })?;
                self.gate.intercept(Some(filter));
            }
        }
        Ok(())
    }

    fn ruled(&self) -> Arc<dyn Ruled> {
        Arc::clone(&self.rules) as _
    }

    fn release(&self, held: u64, how: Release) -> Result<(), Problem> {
        use wirelore_gate::Release as R;
        let how = match how {
            Release::Send => R::Forward,
            Release::Change(m) => R::Change(m),
            Release::Answer(m) => R::Answer(m),
            Release::Drop => R::Drop,
            Release::Reset => R::Reset,
        };
        if self.gate.release(held, how) {
            return Ok(());
        }
        Err(Problem {
            what: "This message is not held any more".into(),
            why: "Its connection ended, or it was sent on elsewhere.".into(),
            what_to_do: "Nothing needs to be done.".into(),
        })
    }
}
