//! The gate itself: who asks it, and how it is steered.

use crate::conn::Conn;
use crate::edits::{Edit, Edits};
use crate::filter::{Decode, Filter, Fits, Scene};
use crate::held::{Held, HeldMessage, Release};
use crate::inject::Places;
use crate::rules::{Act, On, Remote, Rule, RulesError, Written, parse_rules};
use crate::set::{Replies, Set};
use crate::verdict::{Dialling, Fetch, Hit, Outcome, Pace};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use wirelore_kit::middle::{Judgement, KEPT, Origin, Refusal, Transit};

/// Judges messages. Clones are the same gate.
#[derive(Clone, Default)]
pub struct Gate(pub(crate) Arc<Inner>);

#[derive(Default)]
pub(crate) struct Inner {
    /// Whether there is any rule or breakpoint: all that is looked at while there is none.
    armed: AtomicBool,
    set: RwLock<Arc<Set>>,
    pub(crate) held: Mutex<Held>,
    pub(crate) edits: Mutex<Edits>,
    pub(crate) places: Mutex<Places>,
    pub(crate) fetch: OnceLock<Arc<Fetch>>,
    decode: OnceLock<Decode>,
    /// Bytes of a body that is waited for; 0: as usual.
    keep: AtomicU64,
    listeners: RwLock<Vec<Arc<Listener>>>,
    /// Hits of all rules.
    hits: AtomicU64,
}

/// Is told what happens at the gate.
pub type Listener = dyn Fn(&Event) + Send + Sync;

/// Something happened at the gate.
#[derive(Debug, Clone)]
pub enum Event {
    /// A message is held.
    Held(HeldMessage),
    /// A held message was let go, and how.
    Released(HeldMessage, String),
    /// Rules did something with a message or a connection.
    Hit {
        /// Number of the connection.
        conn: u64,
        /// What.
        hits: Vec<Hit>,
    },
    /// The rules in force are others now: so many.
    Rules(usize),
    /// The file of rules has a fault; the rules before it stay.
    Fault(RulesError),
}

/// A rule, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleShown {
    /// What it is called.
    pub name: String,
    /// Where it was written.
    pub written: Written,
    /// Its filter.
    pub when: String,
    /// What it does.
    pub does: String,
    /// Whether it is asked.
    pub enabled: bool,
    /// How often it did something.
    pub hits: u64,
}

/// A lock's content, also where a thread died while it held it: what lies in it is whole between any two lines.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate").field("armed", &self.armed()).finish_non_exhaustive()
    }
}

impl Gate {
    /// A gate with no rules.
    #[must_use]
    pub fn new() -> Gate {
        Gate::default()
    }

    /// Whether there is any rule or breakpoint at all.
    #[must_use]
    pub fn armed(&self) -> bool {
        self.0.armed.load(Ordering::Relaxed)
    }

    /// Who fetches for rules that map single messages to other servers. The first one given stays.
    pub fn fetch_with(&self, fetch: Arc<Fetch>) {
        let _ = self.0.fetch.set(fetch);
    }

    /// Who undoes content codings: value of `Content-Encoding` and body in, the plain body or why not out. The first one given stays.
    pub fn decode_with(&self, decode: Decode) {
        let _ = self.0.decode.set(decode);
    }

    /// Bodies are waited for, in memory, if they have at most so many bytes; longer ones stream past rules about them. 0: as usual.
    pub fn keep_bodies(&self, bytes: u64) {
        self.0.keep.store(bytes, Ordering::Relaxed);
    }

    /// So many bytes of a body are kept while it is waited for.
    #[must_use]
    pub fn keep(&self) -> usize {
        match self.0.keep.load(Ordering::Relaxed) {
            0 => KEPT,
            bytes => usize::try_from(bytes).unwrap_or(usize::MAX),
        }
    }

    pub(crate) fn set(&self) -> Arc<Set> {
        Arc::clone(&self.0.set.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn decode(&self) -> Option<Decode> {
        self.0.decode.get().copied()
    }

    /// Whether any rule or breakpoint may concern messages of this connection. False: its bytes may be copied unread.
    #[must_use]
    pub fn wants(&self, conn: &Conn) -> bool {
        if !self.armed() {
            return false;
        }
        let set = self.set();
        let scene = Scene { conn, message: None, question: None, decode: None };
        set.replies.is_some()
            || set.intercept.as_ref().is_some_and(|f| f.fits(&scene) != Fits::No)
            || set.rules.iter().any(|r| r.may_concern(conn))
    }

    /// Whether a rule, or an earlier exchange, may answer requests of this connection without its server. `conn.server` is where the client
    /// means. Not where a rule about connections has the first word.
    #[must_use]
    pub fn may_answer(&self, conn: &Conn) -> bool {
        if !self.armed() {
            return false;
        }
        let set = self.set();
        let scene = Scene { conn, message: None, question: None, decode: None };
        let dials = |r: &Rule| r.on == On::Connection && r.is_enabled() && !r.only_paces() && r.filter.fits(&scene) != Fits::No;
        let answers = |r: &Rule| r.answers() && r.may_concern(conn);
        !set.rules.iter().any(|r| dials(r)) && (set.replies.is_some() || set.rules.iter().any(|r| answers(r)))
    }

    /// Whether and where to connect. `conn.server` is where the client means. The first rule about connections that fits decides.
    #[must_use]
    pub fn connect(&self, conn: &Conn) -> Dialling {
        if !self.armed() {
            return Dialling::Go;
        }
        for rule in self.set().rules.iter().filter(|r| r.on == On::Connection && r.is_enabled()) {
            let act = rule.acts.iter().find(|a| !matches!(a, Act::Throttle(_)));
            let scene = Scene { conn, message: None, question: None, decode: None };
            let (Some(act), Fits::Yes) = (act, rule.filter.fits(&scene)) else { continue };
            if let Some(dialling) = dial(rule, act, conn) {
                let hit = match &dialling {
                    Dialling::GoTo(_, h) | Dialling::Block(_, h) | Dialling::Delay(_, h) | Dialling::Reset(h) => h.clone(),
                    Dialling::Go => continue,
                };
                rule.hit();
                self.tell_hits(conn.number, vec![hit]);
                return dialling;
            }
        }
        Dialling::Go
    }

    /// How fast the connection may be.
    #[must_use]
    pub fn pace(&self, conn: &Conn) -> Option<Pace> {
        if !self.armed() {
            return None;
        }
        let set = self.set();
        let scene = Scene { conn, message: None, question: None, decode: None };
        set.rules.iter().filter(|r| r.is_enabled()).find_map(|rule| {
            let pace = rule.acts.iter().find_map(|a| if let Act::Throttle(p) = a { Some(p) } else { None })?;
            (rule.filter.fits(&scene) == Fits::Yes).then(|| {
                rule.hit();
                Pace { rule: rule.name.clone(), ..pace.clone() }
            })
        })
    }

    /// Calls this for everything that happens, from whichever thread it happens on: it must be quick.
    pub fn listen(&self, listener: Arc<Listener>) {
        self.0.listeners.write().unwrap_or_else(PoisonError::into_inner).push(listener);
    }

    pub(crate) fn tell(&self, event: &Event) {
        let listeners = self.0.listeners.read().unwrap_or_else(PoisonError::into_inner).clone();
        for listener in listeners {
            listener(event);
        }
    }

    pub(crate) fn tell_hits(&self, conn: u64, hits: Vec<Hit>) {
        if !hits.is_empty() {
            self.0.hits.fetch_add(hits.len() as u64, Ordering::Relaxed);
            self.tell(&Event::Hit { conn, hits });
        }
    }

    /// How often rules did something.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.0.hits.load(Ordering::Relaxed)
    }

    /// Puts another set in force.
    fn change(&self, change: impl FnOnce(&mut Set)) {
        let count = {
            let mut slot = self.0.set.write().unwrap_or_else(PoisonError::into_inner);
            let mut set = slot.as_ref().clone();
            change(&mut set);
            set.settle();
            self.0.armed.store(!set.is_empty(), Ordering::Relaxed);
            let count = set.rules.len();
            *slot = Arc::new(set);
            count
        };
        self.tell(&Event::Rules(count));
    }

    /// Rules of the command line, asked before all others.
    pub fn command_line(&self, rules: Vec<Rule>) {
        self.change(|s| s.replace(|w| *w == Written::CommandLine, rules));
    }

    /// Reads the file of rules; its rules take the place of those read from it before.
    ///
    /// # Errors
    /// [`RulesError`]: the rules in force stay.
    pub fn load(&self, path: &Path) -> Result<usize, RulesError> {
        let unreadable = |e: std::io::Error| RulesError {
            path: path.to_path_buf(),
            line: 0,
            column: 0,
            shown: String::new(),
            what: format!("cannot be read: {e}"),
        };
        let read = std::fs::read_to_string(path).map_err(unreadable);
        let rules = read
            .and_then(|text| parse_rules(&text, path, &Written::File))
            .inspect_err(|e| self.tell(&Event::Fault(e.clone())))?;
        let count = rules.len();
        self.change(|s| s.replace(|w| matches!(w, Written::File(_)), rules));
        Ok(count)
    }

    /// Adds rules while running, written as in the file of rules. Their names come back.
    ///
    /// # Errors
    /// [`RulesError`]: nothing is added.
    pub fn add(&self, text: &str) -> Result<Vec<String>, RulesError> {
        let mut rules = parse_rules(text, Path::new("added"), &|_| Written::Running)?;
        let mut names = Vec::new();
        self.change(|s| {
            for rule in &mut rules {
                let taken = |n: &str, s: &Set| s.rules.iter().any(|r| r.name == n) || names.iter().any(|m| m == n);
                let wanted = rule.name.clone();
                let mut again = 2u64;
                while taken(&rule.name, s) {
                    rule.name = format!("{wanted} ({again})");
                    again = again.saturating_add(1);
                }
                names.push(rule.name.clone());
            }
            s.rules.extend(rules.into_iter().map(Arc::new));
        });
        Ok(names)
    }

    /// Removes a rule by its name. False: there is none.
    pub fn remove(&self, name: &str) -> bool {
        let known = self.set().rules.iter().any(|r| r.name == name);
        if known {
            self.change(|s| s.rules.retain(|r| r.name != name));
        }
        known
    }

    /// Switches a rule on or off by its name. False: there is none.
    pub fn enable(&self, name: &str, on: bool) -> bool {
        let set = self.set();
        let known = set.rules.iter().find(|r| r.name == name);
        if let Some(rule) = known {
            rule.enabled.store(on, Ordering::Relaxed);
            self.change(|_| {});
        }
        known.is_some()
    }

    /// Asks a rule earlier or later, past one other that was written in the same place. False: there is none to change places with.
    pub fn shift(&self, name: &str, earlier: bool) -> bool {
        let pair = |rules: &[Arc<Rule>]| {
            let at = rules.iter().position(|r| r.name == name)?;
            let other = if earlier { at.checked_sub(1)? } else { at.checked_add(1)? };
            let place = |n: usize| rules.get(n).map(|r| std::mem::discriminant(&r.written));
            (place(at).is_some() && place(at) == place(other)).then_some((at, other))
        };
        let found = pair(&self.set().rules);
        if found.is_some() {
            // Another may have changed them meanwhile: what is swapped is looked for again.
            self.change(|s| {
                if let Some((a, b)) = pair(&s.rules) {
                    s.rules.swap(a, b);
                }
            });
        }
        found.is_some()
    }

    /// The rules in force, in the order in which they are asked.
    #[must_use]
    pub fn rules(&self) -> Vec<RuleShown> {
        let shown = |r: &Arc<Rule>| RuleShown {
            name: r.name.clone(),
            written: r.written.clone(),
            when: r.filter.text().to_string(),
            does: r.does(),
            enabled: r.is_enabled(),
            hits: r.hits.load(Ordering::Relaxed),
        };
        self.set().rules.iter().map(shown).collect()
    }

    /// Holds all messages that this matches; `None`: none. What is held already stays so.
    pub fn intercept(&self, filter: Option<Filter>) {
        self.change(|s| s.intercept = filter.map(Arc::new));
    }

    /// The filter of [`Gate::intercept`].
    #[must_use]
    pub fn intercepting(&self) -> Option<String> {
        self.set().intercept.as_ref().map(|f| f.text().to_string())
    }

    /// Answers requests from earlier exchanges, behind all rules.
    pub fn reply_from(&self, replies: Option<Arc<dyn Replies>>) {
        self.change(|s| s.replies = replies);
    }

    /// The messages that are held, the oldest first.
    #[must_use]
    pub fn held(&self) -> Vec<HeldMessage> {
        lock(&self.0.held).list()
    }

    /// One held message.
    #[must_use]
    pub fn held_message(&self, id: u64) -> Option<HeldMessage> {
        lock(&self.0.held).get(id)
    }

    /// Says what becomes of a held message. False: it is not held any more.
    pub fn release(&self, id: u64, release: Release) -> bool {
        let Some(r) = lock(&self.0.held).release(id, release) else { return false };
        let conn = r.shown.conn;
        self.tell(&Event::Released(r.shown, r.how));
        let outcome = self.settled(conn, &r.came, r.judgement, r.hits, r.wait);
        (r.then)(outcome);
        true
    }

    /// Lets all held messages go on as they are. How many there were.
    pub fn release_all(&self) -> usize {
        let held = self.held();
        held.iter().filter(|h| self.release(h.id, Release::Forward)).count()
    }

    /// The messages that did not go on as they came, the oldest first; the last thousand are kept.
    #[must_use]
    pub fn edits(&self) -> Vec<Edit> {
        lock(&self.0.edits).list()
    }

    /// Writes down what became of a message.
    pub(crate) fn settled(
        &self,
        conn: u64,
        came: &Arc<Transit>,
        judgement: Judgement,
        hits: Vec<Hit>,
        wait: std::time::Duration,
    ) -> Outcome {
        let changed = !matches!(judgement, Judgement::Pass | Judgement::Body);
        if changed {
            lock(&self.0.edits).keep(conn, Arc::clone(came), judgement.clone(), hits.clone());
        }
        self.tell_hits(conn, hits.clone());
        Outcome { judgement, hits, wait, original: changed.then(|| Box::new(came.as_ref().clone())) }
    }
}

/// What a rule about connections says of one.
fn dial(rule: &Rule, act: &Act, conn: &Conn) -> Option<Dialling> {
    let hit = |did: String| Hit { rule: rule.name.clone(), did };
    match act {
        Act::Delay(time) => Some(Dialling::Delay(*time, hit(format!("delayed the connection by {time:?}")))),
        Act::Reset => Some(Dialling::Reset(hit("broke the connection off".into()))),
        Act::Block(status) => {
            let host = conn.server.as_ref().map_or_else(|| "this server".to_string(), |o| o.host.clone());
            let refusal = Refusal {
                status: *status,
                what: format!("Connections to {host} are blocked"),
                why: format!("The rule \"{}\" says so.", rule.name),
                what_to_do: "Switch the rule off, or take it out of the rules.".into(),
            };
            Some(Dialling::Block(refusal, hit(format!("blocked the connection with {status}"))))
        }
        Act::MapRemote(Remote::Server { host, port, .. }) => {
            let was = conn.server.as_ref()?;
            let origin = Origin { host: host.clone(), port: port.unwrap_or(was.port), tls: was.tls };
            let did = format!("connected to {}:{} instead", origin.host, origin.port);
            Some(Dialling::GoTo(origin, hit(did)))
        }
        _ => None,
    }
}
