//! `wirelore assert`: a filter must match so many rows; for scripts and continuous integration, told by the exit code.

use crate::cli::{From, exit};
use crate::filtered;
use crate::reading::{self, Failure};
use clap::{Args, ValueEnum};
use wirelore_kit::row::NONE;
use wirelore_store::query::Rows;
use wirelore_store::{Snapshot, Work};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Of {
    /// Packets.
    Packets,
    /// Messages.
    Messages,
    /// Exchanges: questions with their answers.
    Exchanges,
    /// Connections.
    Connections,
}

impl Of {
    /// The rows that a filter is asked about.
    pub(crate) const fn rows(self) -> Rows {
        match self {
            Of::Packets => Rows::Packets,
            Of::Messages => Rows::Messages,
            Of::Exchanges => Rows::Exchanges,
            Of::Connections => Rows::Flows,
        }
    }

    pub(crate) const fn word(self, one: bool) -> &'static str {
        match (self, one) {
            (Of::Packets, true) => "packet",
            (Of::Packets, false) => "packets",
            (Of::Messages, true) => "message",
            (Of::Messages, false) => "messages",
            (Of::Exchanges, true) => "exchange",
            (Of::Exchanges, false) => "exchanges",
            (Of::Connections, true) => "connection",
            (Of::Connections, false) => "connections",
        }
    }
}

/// `wirelore assert`.
#[derive(Debug, Args)]
pub struct Assert {
    /// Where from.
    #[command(flatten)]
    pub from: From,
    /// What must match, in the language of display filters: `http.response.code >= 500`.
    #[arg(value_name = "FILTER")]
    pub filter: String,
    /// What is counted.
    #[arg(long, value_enum, value_name = "ROWS", default_value = "packets")]
    pub of: Of,
    /// Exactly so many must match.
    #[arg(long, value_name = "N", conflicts_with_all = ["at_least", "at_most", "none"])]
    pub count: Option<u64>,
    /// At least so many must match; 1 unless another bound is given.
    #[arg(long, value_name = "N", conflicts_with = "none")]
    pub at_least: Option<u64>,
    /// At most so many must match.
    #[arg(long, value_name = "N", conflicts_with = "none")]
    pub at_most: Option<u64>,
    /// None must match.
    #[arg(long)]
    pub none: bool,
    /// Say nothing on success.
    #[arg(short, long)]
    pub quiet: bool,
}

impl Assert {
    /// The least and the most that may match.
    fn bounds(&self) -> (u64, u64) {
        match (self.none, self.count, self.at_least, self.at_most) {
            (true, ..) => (0, 0),
            (_, Some(n), ..) => (n, n),
            (_, _, None, None) => (1, u64::MAX),
            (_, _, least, most) => (least.unwrap_or(0), most.unwrap_or(u64::MAX)),
        }
    }
}

/// So many of the matching rows are named when there are too many.
const MOST_NAMED: usize = 10;

/// Runs the command.
///
/// # Errors
/// [`exit::UNMET`] when the assertion does not hold, and what else stopped it.
pub fn run(args: &Assert) -> Result<(), Failure> {
    let (least, most) = args.bounds();
    if least > most {
        return Err(Failure { text: format!("At least {least} and at most {most} cannot both hold."), code: exit::OPTION });
    }
    // A filter that is none is said before the file is read.
    filtered::parse(&args.filter)?;
    let mut session = reading::open(&args.from, false)?;
    reading::finish(&mut session, args.quiet)?;
    let rows = filtered::rows(&session, &args.filter, args.of.rows(), &Work::new())?;
    let found = rows.len() as u64;
    let words = |n: u64| format!("{n} {}", args.of.word(n == 1));
    reading::tell_damage(&session);
    if (least..=most).contains(&found) {
        if !args.quiet {
            println!("{} match {}", words(found), args.filter);
        }
        return Ok(());
    }
    let wanted = match (least, most) {
        (0, 0) => "none may".to_owned(),
        (a, b) if a == b => format!("exactly {a} must"),
        (a, u64::MAX) => format!("at least {a} must"),
        (0, b) => format!("at most {b} may"),
        (a, b) => format!("{a} to {b} must"),
    };
    let mut text = format!("{} match {}, and {wanted}.", words(found), args.filter);
    if found > most {
        let s = session.store.snapshot();
        let named: Vec<String> = rows.iter().take(MOST_NAMED).filter_map(|r| name(&s, args.of, *r)).collect();
        let more = if rows.len() > MOST_NAMED { ", ..." } else { "" };
        text.push_str(&format!(" They are: {}{more}.", named.join(", ")));
    }
    Err(Failure { text, code: exit::UNMET })
}

fn name(s: &Snapshot, of: Of, row: u32) -> Option<String> {
    let frame = |m: u32| s.message(m).map(|m| u64::from(if m.done == NONE { m.first } else { m.done }) + 1);
    Some(match of {
        Of::Packets => format!("packet {}", u64::from(row) + 1),
        Of::Messages => format!("{} in packet {}", s.summary(row), frame(row)?),
        Of::Exchanges => {
            let x = s.exchange(row)?;
            let m = if x.ask == NONE { x.answer } else { x.ask };
            format!("{} in packet {}", s.summary(m), frame(m)?)
        }
        Of::Connections => s.flow(row).map(|f| format!("{} to {}", f.client(), f.server()))?,
    })
}

#[cfg(test)]
mod tests {
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn bounds(args: &[&str]) -> (u64, u64) {
        let all = [&["wirelore", "assert", "-r", "x", "http"][..], args].concat();
        match Cli::try_parse_from(all).expect("good arguments").command {
            Some(Command::Assert(a)) => a.bounds(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_must_match_unless_bounds_say_otherwise() {
        assert_eq!(bounds(&[]), (1, u64::MAX));
        assert_eq!(bounds(&["--none"]), (0, 0));
        assert_eq!(bounds(&["--count", "3"]), (3, 3));
        assert_eq!(bounds(&["--at-most", "3"]), (0, 3));
        assert_eq!(bounds(&["--at-least", "2", "--at-most", "3"]), (2, 3));
    }
}
