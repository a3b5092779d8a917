//! `wirelore export`: what was read in another form.

use crate::cli::{Export, exit};
use crate::reading::{self, Failure};
use crate::session::Session;
use crate::{exchanges, filtered, har, letters, tabling};
use std::io::Write;
use std::path::Path;
use wirelore_export::copy_as::{FORMS, Form, copy_as};
use wirelore_export::exchange::Exchange;
use wirelore_export::swaks::{Letter, swaks};

/// Runs the command.
///
/// # Errors
/// What stopped it.
pub fn run(args: &Export) -> Result<(), Failure> {
    if let Some(filter) = &args.filter {
        filtered::parse(filter)?;
    }
    let mut session = reading::open(&args.from, false)?;
    reading::finish(&mut session, false)?;
    let wanted = |e: &Exchange| args.frame.is_empty() || e.frames.iter().flatten().any(|f| args.frame.contains(f));
    if args.jsonl || args.csv {
        tabling::print(&session, args)?;
    }
    if let Some(path) = &args.har {
        write_har(&session, &wanted, path)?;
    }
    if let Some((_, form)) = args.copy_as.as_ref().and_then(|name| FORMS.iter().find(|f| f.0 == name)) {
        let mut out = std::io::stdout().lock();
        let mut count = 0usize;
        let mut print = |text: String| {
            let between = if count > 0 { "\n" } else { "" };
            count = count.saturating_add(1);
            writeln!(out, "{between}{text}").map_err(|e| Failure::write(&e))
        };
        if *form == Form::Swaks {
            let wanted = |l: &Letter| args.frame.is_empty() || args.frame.contains(&l.frame);
            letters::each(&session, &mut |l| if wanted(l) { print(swaks(l)) } else { Ok(()) })?;
        } else {
            exchanges::each(&session, &mut |e| match copy_as(*form, &e).filter(|_| wanted(&e)) {
                Some(text) => print(text),
                None => Ok(()),
            })?;
        }
        out.flush().map_err(|e| Failure::write(&e))?;
        if count == 0 {
            eprintln!("wirelore: nothing that this form fits was found");
        }
    }
    reading::tell_damage(&session);
    Ok(())
}

fn write_har(session: &Session, wanted: &dyn Fn(&Exchange) -> bool, path: &Path) -> Result<(), Failure> {
    if path.as_os_str() == "-" {
        har::write(session, wanted, &mut std::io::stdout().lock())?;
        return Ok(());
    }
    let wrong = |e: std::io::Error| Failure {
        text: format!("{} cannot be written: {e}. Name another place.", path.display()),
        code: exit::WRITE,
    };
    let mut out = std::io::BufWriter::new(std::fs::File::create(path).map_err(wrong)?);
    let count = har::write(session, wanted, &mut out)?;
    out.flush().map_err(wrong)?;
    eprintln!("wirelore: {count} exchanges in {}", path.display());
    Ok(())
}
