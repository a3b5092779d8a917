//! `wirelore completions` and `wirelore man`: what shells complete and what `man` shows, made of the same definitions as `--help`.

use crate::cli::{Cli, exit};
use crate::reading::Failure;
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// `wirelore completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

/// `wirelore man`.
#[derive(Debug, Args)]
pub struct Man {
    /// Write every page to this folder, which is made if it is not there; without it, the page asked for goes to standard output.
    #[arg(long, value_name = "FOLDER")]
    pub to: Option<PathBuf>,
    /// The page: `wirelore`, a command's name, `filter` for the language of filters, `redact` for redaction.
    #[arg(value_name = "PAGE", default_value = "wirelore", conflicts_with = "to")]
    pub page: String,
}

/// The language of filters, as a page of section 5.
const FILTER_PAGE: &str = include_str!("manual/wirelore-filter.5");
/// What redaction does and does not, as a page of section 7.
const REDACT_PAGE: &str = include_str!("manual/wirelore-redact.7");

/// Prints what a shell completes.
///
/// # Errors
/// Standard output is gone.
pub fn completions(args: &Completions) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "wirelore", &mut text);
    print(&text)
}

/// Prints or writes pages.
///
/// # Errors
/// There is no such page, or it cannot be written.
pub fn man(args: &Man) -> Result<(), Failure> {
    let pages = pages();
    if let Some(folder) = &args.to {
        let wrong = |path: &Path, e: std::io::Error| Failure {
            text: format!("{} cannot be written: {e}. Name another folder.", path.display()),
            code: exit::WRITE,
        };
        fs::create_dir_all(folder).map_err(|e| wrong(folder, e))?;
        for (name, text) in &pages {
            let path = folder.join(name);
            fs::write(&path, text).map_err(|e| wrong(&path, e))?;
        }
        eprintln!("wirelore: {} pages in {}", pages.len(), folder.display());
        return Ok(());
    }
    let is = |name: &str| name == args.page || name == format!("wirelore-{}", args.page);
    let found = pages.iter().find(|(name, _)| name.rsplit_once('.').is_some_and(|(stem, _)| is(stem)));
    match found {
        Some((_, text)) => print(text),
        None => {
            let known: Vec<&str> = pages.iter().filter_map(|(n, _)| n.rsplit_once('.')).map(|(n, _)| n).collect();
            Err(Failure { text: format!("There is no page {}. There are: {}.", args.page, known.join(", ")), code: exit::OPTION })
        }
    }
}

/// Every page: its file's name and its text in man's own format.
fn pages() -> Vec<(String, Vec<u8>)> {
    let mut root = Cli::command();
    root.build();
    let mut out = vec![("wirelore.1".to_owned(), page(root.clone(), "wirelore"))];
    for sub in root.get_subcommands().filter(|s| !s.is_hide_set() && s.get_name() != "help") {
        let name = format!("wirelore-{}", sub.get_name());
        out.push((format!("{name}.1"), page(sub.clone(), &name)));
    }
    out.push(("wirelore-filter.5".into(), FILTER_PAGE.as_bytes().to_vec()));
    out.push(("wirelore-redact.7".into(), REDACT_PAGE.as_bytes().to_vec()));
    out
}

fn page(command: clap::Command, name: &str) -> Vec<u8> {
    let mut text = Vec::new();
    // Writing to memory cannot fail.
    let _ = clap_mangen::Man::new(command).title(name).render(&mut text);
    text
}

fn print(text: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text).and_then(|()| out.flush()).map_err(|e| Failure::write(&e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_and_every_page_names_itself() {
        let pages = pages();
        for (name, text) in &pages {
            let text = String::from_utf8_lossy(text);
            let stem = name.rsplit_once('.').map_or("", |(s, _)| s);
            assert!(text.contains(".TH") && text.contains(stem), "{name}");
        }
        let commands = Cli::command().get_subcommands().filter(|s| !s.is_hide_set()).count();
        assert_eq!(pages.len(), commands + 3);
    }

    #[test]
    fn shells_complete_the_commands() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "wirelore", &mut text);
            let text = String::from_utf8_lossy(&text);
            assert!(text.contains("proxy") && text.contains("summary"), "{shell}");
        }
    }
}
