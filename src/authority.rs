//! `wirelore ca`: the authority of this computer, shown, exported, trusted and taken back; nothing is changed without `--yes`.

use crate::cli::exit;
use crate::reading::Failure;
use clap::{Args, Subcommand, ValueEnum};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use wirelore_ca::authority::{self, Authority, Origin, Scope};
use wirelore_ca::install::{Entry, Journal, Kind, Places, State, Step, Store, Subject, stores};

/// `wirelore ca`.
#[derive(Debug, Args)]
pub struct Ca {
    /// What to do.
    #[command(subcommand)]
    pub what: What,
    /// The folder that the authority lies in [default: $XDG_CONFIG_HOME/wirelore].
    #[arg(long, value_name = "DIR", global = true)]
    pub folder: Option<PathBuf>,
    /// Look for the system's stores under this folder instead of /.
    #[arg(long, value_name = "DIR", global = true, hide = true, default_value = "/")]
    pub root: PathBuf,
}

/// What can be done with the authority.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Say what it is, and where its files lie.
    Show,
    /// Make it, if there is none; the first `wirelore proxy` does so too.
    Create {
        /// Limit it to these domains and networks: `example.org,10.0.0.0/8`.
        #[arg(long, value_name = "NAMES", default_value = "")]
        only: String,
    },
    /// Print the path of its certificate (PEM), for scripts.
    Path,
    /// Write its certificate (never its key) to a file, or to standard output.
    Export {
        /// Where to; the ending tells the form unless --format does.
        #[arg(value_name = "FILE", default_value = "-")]
        to: PathBuf,
        /// In which form.
        #[arg(long, value_enum)]
        format: Option<Format>,
    },
    /// Make this computer's programs trust it: shows what would be done, and does it with --yes.
    Install(Selection),
    /// Take back what `install` did: shows what would be done, and does it with --yes.
    Uninstall(Selection),
    /// Say which of this computer's trust stores trust it.
    Status,
    /// Make a new one in its place, with a new key; the old one's key is deleted.
    Rotate {
        /// Limit the new one to these domains and networks.
        #[arg(long, value_name = "NAMES", default_value = "")]
        only: String,
        /// Do it.
        #[arg(long)]
        yes: bool,
    },
    /// Delete it, with its key.
    Delete {
        /// Do it.
        #[arg(long)]
        yes: bool,
    },
}

/// Which stores, and whether it is meant.
#[derive(Debug, Args)]
pub struct Selection {
    /// Only stores of these kinds.
    #[arg(value_enum, value_name = "system|nss|java")]
    pub kinds: Vec<Where>,
    /// Do it; without this, it is only shown.
    #[arg(long, short)]
    pub yes: bool,
}

/// Forms of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text, as most programs take it.
    Pem,
    /// Bytes (also .cer).
    Der,
    /// PKCS#12 without a key, its password empty.
    P12,
}

/// Kinds of trust stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Where {
    /// That of the operating system.
    System,
    /// Those of browsers: Chromium, Firefox, Thunderbird.
    Nss,
    /// Those of Java runtimes.
    Java,
}

impl Where {
    fn kind(self) -> Kind {
        match self {
            Where::System => Kind::System,
            Where::Nss => Kind::Nss,
            Where::Java => Kind::Java,
        }
    }
}

fn failed(code: i32) -> impl Fn(wirelore_ca::Error) -> Failure {
    move |e| Failure { text: e.to_string(), code }
}

/// Where our own files lie: `$XDG_CONFIG_HOME/wirelore`, or `~/.config/wirelore`.
///
/// # Errors
/// If neither variable is set.
pub fn folder() -> Result<PathBuf, Failure> {
    let base = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")));
    base.map(|b| b.join("wirelore")).ok_or_else(|| Failure {
        text: "There is no place for the CA: neither XDG_CONFIG_HOME nor HOME is set. Set one, or name a folder or files.".into(),
        code: exit::OPEN,
    })
}

fn set(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from)
}

/// What is said when an authority was made: what it is for, and how to go on.
pub fn first_words(authority: &Authority, folder: &Path) -> String {
    let mut text = format!(
        "Made an authority of your own, \"{}\", in {}.\nNothing trusts it yet: `wirelore ca install` shows how, `wirelore proxy --browser` \
         needs nothing. Intercept only what is yours, or what you are allowed to.\n",
        authority.name(),
        folder.display()
    );
    if let Some(other) = set("HOME").map(|home| home.join(".mitmproxy/mitmproxy-ca.pem")).filter(|p| p.is_file()) {
        let _ = writeln!(
            text,
            "If programs trust mitmproxy's authority already, you can use that one: --ca-cert {}.",
            other.display()
        );
    }
    text
}

/// Does what was asked.
///
/// # Errors
/// What could not be done.
pub fn run(args: &Ca) -> Result<(), Failure> {
    let folder = args.folder.clone().map_or_else(folder, Ok)?;
    let places = Places { root: args.root.clone(), home: set("HOME") };
    let text = match &args.what {
        What::Show => show(&there(&folder)?, &folder, &places),
        What::Create { only } => create(&folder, only)?,
        What::Path => {
            there(&folder)?;
            format!("{}\n", certificate(&folder).display())
        }
        What::Export { to, format } => return export(&there(&folder)?, to, *format),
        What::Install(selection) => install(&folder, &places, selection)?,
        What::Uninstall(selection) => uninstall(&folder, &places, selection)?,
        What::Status => status(&there(&folder)?, &places),
        What::Rotate { only, yes } => rotate(&folder, only, *yes)?,
        What::Delete { yes } => delete(&folder, *yes)?,
    };
    print(text.as_bytes())
}

/// Prints to standard output.
///
/// # Errors
/// It cannot be written to.
pub(crate) fn print(bytes: &[u8]) -> Result<(), Failure> {
    match std::io::stdout().write_all(bytes) {
        // A reader that has seen enough is no fault.
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure { text: format!("Standard output cannot be written: {e}."), code: exit::WRITE })
        }
        _ => Ok(()),
    }
}

fn certificate(folder: &Path) -> PathBuf {
    folder.join("wirelore-ca-cert.pem")
}

/// The authority, which must be there: looking must not make one.
fn there(folder: &Path) -> Result<Authority, Failure> {
    if !folder.join(authority::KEY_FILE).exists() {
        return Err(Failure {
            text: format!(
                "There is no authority in {} yet. `wirelore proxy` makes one when it first runs, `wirelore ca create` makes one now.",
                folder.display()
            ),
            code: exit::OPEN,
        });
    }
    Authority::load_or_create(folder).map_err(failed(exit::OPEN))
}

fn show(authority: &Authority, folder: &Path, places: &Places) -> String {
    let subject = Subject::of(authority);
    let trusting: Vec<String> =
        stores(places).iter().filter(|s| s.state(&subject) == State::Trusted).map(|s| s.name.clone()).collect();
    let trusting = if trusting.is_empty() { "nothing here yet (`wirelore ca install`)".to_owned() } else { trusting.join("; ") };
    let (from, until) = authority.validity_text();
    format!(
        "{}\n  SHA-256      {}\n  valid        {from} to {until}\n  speaks for   {}\n  certificate  {} (also as .cer and .p12)\n  \
         key          {} (only you may read it)\n  key pin      {}\n  trusted by   {trusting}\n",
        authority.name(),
        authority.fingerprint(),
        authority.scope(),
        certificate(folder).display(),
        folder.join(authority::KEY_FILE).display(),
        authority.key_pin(),
    )
}

fn scope(only: &str) -> Result<Scope, Failure> {
    Scope::parse(only).map_err(failed(exit::OPTION))
}

fn create(folder: &Path, only: &str) -> Result<String, Failure> {
    let (authority, origin) = Authority::open(folder, &scope(only)?).map_err(failed(exit::WRITE))?;
    Ok(match origin {
        Origin::Made => first_words(&authority, folder),
        Origin::Found => {
            format!(
                "There is one already: \"{}\", for {}. `wirelore ca rotate` replaces it.\n",
                authority.name(),
                authority.scope()
            )
        }
    })
}

fn export(authority: &Authority, to: &Path, format: Option<Format>) -> Result<(), Failure> {
    let by_ending = || match to.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase).as_deref() {
        Some("der" | "cer") => Format::Der,
        Some("p12" | "pfx") => Format::P12,
        _ => Format::Pem,
    };
    let bytes = match format.unwrap_or_else(by_ending) {
        Format::Pem => authority.certificate_pem().as_bytes().to_vec(),
        Format::Der => authority.certificate_der().to_vec(),
        Format::P12 => authority.certificate_p12().map_err(failed(exit::WRITE))?,
    };
    if to == Path::new("-") {
        return print(&bytes);
    }
    std::fs::write(to, bytes)
        .map_err(|e| Failure { text: format!("{}: the certificate cannot be written: {e}.", to.display()), code: exit::WRITE })
}

fn selected(selection: &Selection, kind: Kind) -> bool {
    selection.kinds.is_empty() || selection.kinds.iter().any(|w| w.kind() == kind)
}

/// Steps, as they are shown before they are done.
fn plan(text: &mut String, store: &Store, steps: &Result<Vec<Step>, wirelore_ca::Error>) {
    let _ = writeln!(text, "\n{}\n  in {}", store.name, store.place.display());
    match steps {
        Ok(steps) => steps.iter().for_each(|step| {
            let _ = writeln!(text, "    {step}");
        }),
        Err(e) => {
            let _ = writeln!(text, "    cannot be done: {e}");
        }
    }
}

/// Does the steps of all stores, and says of each how it went. One that fails does not stop the others.
fn perform(
    all: Vec<(Store, Result<Vec<Step>, wirelore_ca::Error>)>,
    by_root: &str,
    mut before: impl FnMut(&Store) -> Result<(), wirelore_ca::Error>,
    mut after: impl FnMut(&Store, bool) -> Result<(), wirelore_ca::Error>,
) -> Result<String, Failure> {
    let mut text = String::new();
    let mut faults = 0;
    for (store, steps) in all {
        let went = steps.and_then(|steps| {
            before(&store)?;
            steps.iter().try_for_each(Step::perform)
        });
        let went = after(&store, went.is_ok()).and(went);
        match went {
            Ok(()) => {
                let _ = writeln!(text, "done: {}", store.name);
            }
            Err(e) => {
                faults += 1;
                let _ = writeln!(text, "failed: {}: {e}", store.name);
            }
        }
    }
    if faults == 0 {
        return Ok(text);
    }
    print(text.as_bytes())?;
    Err(Failure {
        text: format!("Not everything could be done, see above. The system's stores need root: {by_root}"),
        code: exit::WRITE,
    })
}

fn install(folder: &Path, places: &Places, selection: &Selection) -> Result<String, Failure> {
    let authority = there(folder)?;
    let subject = Subject::of(&authority);
    let found = stores(places).into_iter().filter(|s| selected(selection, s.kind));
    let (trusting, wanting): (Vec<Store>, Vec<Store>) = found.partition(|s| s.state(&subject) == State::Trusted);
    let mut text = String::new();
    for store in &trusting {
        let _ = writeln!(text, "already there: {}", store.name);
    }
    if wanting.is_empty() {
        if trusting.is_empty() {
            text.push_str("No trust store was found here.\n");
        }
        text.push_str(ELSEWHERE);
        return Ok(text);
    }
    let planned: Vec<_> =
        wanting.into_iter().map(|s| (s.install(&subject, &certificate(folder)), s)).map(|(p, s)| (s, p)).collect();
    if !selection.yes {
        let _ = writeln!(text, "To trust \"{}\", this would be done:", authority.name());
        planned.iter().for_each(|(store, steps)| plan(&mut text, store, steps));
        text.push_str("\nNothing was changed. Add --yes to do it; `wirelore ca uninstall` takes it back.\n");
        text.push_str(ELSEWHERE);
        return Ok(text);
    }
    let mut journal = Journal::open(folder).map_err(failed(exit::OPEN))?;
    let entry = |store: &Store| Entry { kind: store.kind, place: store.place.clone(), subject: subject.clone() };
    let journal = std::cell::RefCell::new(&mut journal);
    // Written down before it is done: what is half done can then be undone too.
    let done = perform(
        planned,
        &as_root("install", folder),
        |store| journal.borrow_mut().add(entry(store)),
        |store, well| {
            if !well && store.state(&subject) == State::Absent { journal.borrow_mut().remove(&entry(store)) } else { Ok(()) }
        },
    )?;
    Ok(format!("{text}{done}Programs that run already may have to be started again.\n"))
}

/// The command that root needs, with the folder of who asks: root's own has another authority.
fn as_root(order: &str, folder: &Path) -> String {
    format!("sudo wirelore ca {order} system --yes --folder '{}'", folder.display())
}

const ELSEWHERE: &str = "On phones, other computers, macOS and Windows: open http://wirelore.proxy/ through the proxy.\n";

fn uninstall(folder: &Path, places: &Places, selection: &Selection) -> Result<String, Failure> {
    let mut journal = Journal::open(folder).map_err(failed(exit::OPEN))?;
    let mut entries: Vec<Entry> = journal.entries().iter().filter(|e| selected(selection, e.kind)).cloned().collect();
    // What someone installed by the same name without the list is ours to take back, too.
    if let Ok(authority) = there(folder) {
        let subject = Subject::of(&authority);
        for store in stores(places).into_iter().filter(|s| selected(selection, s.kind)) {
            let entry = Entry { kind: store.kind, place: store.place.clone(), subject: subject.clone() };
            if !entries.contains(&entry) && store.state(&subject) == State::Trusted {
                entries.push(entry);
            }
        }
    }
    if entries.is_empty() {
        return Ok("Nothing is installed here.\n".into());
    }
    let planned = entries.iter().map(|entry| {
        let store = Store::of(entry, places);
        let steps = store.uninstall(&entry.subject);
        (store, steps)
    });
    let planned: Vec<_> = planned.collect();
    if !selection.yes {
        let mut text = String::from("To take it back, this would be done:\n");
        planned.iter().for_each(|(store, steps)| plan(&mut text, store, steps));
        text.push_str("\nNothing was changed. Add --yes to do it.\n");
        return Ok(text);
    }
    let mut left = entries.iter();
    perform(
        planned,
        &as_root("uninstall", folder),
        |_| Ok(()),
        |_, well| match left.next() {
            Some(entry) if well => journal.remove(entry),
            _ => Ok(()),
        },
    )
}

fn status(authority: &Authority, places: &Places) -> String {
    let subject = Subject::of(authority);
    let mut text = format!("{}\n", authority.name());
    let found = stores(places);
    for store in &found {
        let state = match store.state(&subject) {
            State::Trusted => "trusted".to_owned(),
            State::Absent => "not trusted".to_owned(),
            State::Unknown(why) => format!("not known: {why}"),
        };
        let _ = writeln!(text, "  {:<40} {state}", store.name);
    }
    if found.is_empty() {
        text.push_str("  No trust store was found here.\n");
    }
    text
}

fn rotate(folder: &Path, only: &str, yes: bool) -> Result<String, Failure> {
    let old = there(folder)?;
    let scope = scope(only)?;
    let left = Journal::open(folder).map_err(failed(exit::OPEN))?.entries().len();
    let trusted = if left == 0 {
        String::new()
    } else {
        format!("The old one stays installed in {left} places: `wirelore ca uninstall` takes it out of them.\n")
    };
    if !yes {
        return Ok(format!(
            "This would make a new authority for {scope} in the place of \"{}\" and delete the old key: what trusts the old one does not \
             trust the new one.\n{trusted}Nothing was changed. Add --yes to do it.\n",
            old.name()
        ));
    }
    let new = Authority::rotate(folder, &scope).map_err(failed(exit::WRITE))?;
    Ok(format!("{}{trusted}", first_words(&new, folder)))
}

fn delete(folder: &Path, yes: bool) -> Result<String, Failure> {
    let authority = there(folder)?;
    let left = Journal::open(folder).map_err(failed(exit::OPEN))?.entries().len();
    if left > 0 {
        return Err(Failure {
            text: format!(
                "\"{}\" is still installed in {left} places. Take it back first: `wirelore ca uninstall --yes`.",
                authority.name()
            ),
            code: exit::OPTION,
        });
    }
    if !yes {
        return Ok(format!(
            "This would delete \"{}\" with its key.\nNothing was changed. Add --yes to do it.\n",
            authority.name()
        ));
    }
    Authority::delete(folder).map_err(failed(exit::WRITE))?;
    Ok(format!("Deleted \"{}\".\n", authority.name()))
}
