//! `wirelore`: the program.

use clap::Parser;
use std::io::Write;
use wirelore::capturing::extcap;
use wirelore::cli::{Cli, Command, exit};
use wirelore::reading::Failure;

fn main() {
    let words: Vec<String> = std::env::args_os().skip(1).map(|w| w.to_string_lossy().into_owned()).collect();
    if extcap::is_asked(&words) {
        return end(extcap::run(&words));
    }
    // tshark's hands ask for the interfaces so.
    let cli = if words == ["-D"] { Cli::try_parse_from(["wirelore", "capture", "-D"]) } else { Cli::try_parse() };
    let cli = match cli {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version go to standard output and are no error.
            let code = if e.use_stderr() { exit::OPTION } else { exit::DONE };
            let _ = e.print();
            std::process::exit(code);
        }
    };
    let went = match &cli.command {
        Some(Command::Summary(a)) => wirelore::summary::run(a),
        Some(Command::Dump(a)) => wirelore::dump::run(a),
        Some(Command::Fields(a)) => wirelore::fields::run(a),
        Some(Command::Find(a)) => wirelore::find::run(a),
        Some(Command::Report(a)) => wirelore::report::run(a),
        Some(Command::Objects(a)) => wirelore::objects::run(a),
        Some(Command::Export(a)) => wirelore::exporting::run(a),
        Some(Command::Convert(a)) => wirelore::convert::run(a),
        Some(Command::Capture(a)) => wirelore::capturing::run(a),
        Some(Command::Serve(a)) => wirelore::capturing::serve::run(a),
        Some(Command::Proxy(a)) => proxy(a),
        #[cfg(target_os = "linux")]
        Some(Command::Run(a)) => wirelore::run::run(a),
        #[cfg(target_os = "linux")]
        Some(Command::Inside(a)) => std::process::exit(wirelore::run::inside::run(a)),
        Some(Command::Control(a)) => wirelore::control::run(a),
        Some(Command::Compose(a)) => wirelore::compose::run(a),
        Some(Command::Ca(a)) => wirelore::authority::run(a),
        Some(Command::Diff(a)) => wirelore::differing::run(a),
        Some(Command::Stats(a)) => wirelore::statistics::run(a),
        Some(Command::Assert(a)) => wirelore::asserting::run(a),
        Some(Command::Completions(a)) => wirelore::manual::completions(a),
        Some(Command::Man(a)) => wirelore::manual::man(a),
        Some(Command::Open(a)) => window(a),
        None => window(&cli.open),
    };
    end(went);
}

/// Says what went wrong, and ends with its exit code.
fn end(went: Result<(), Failure>) {
    if let Err(Failure { text, code }) = went {
        if !text.is_empty() {
            // With standard error gone there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "wirelore: {text}");
        }
        std::process::exit(code);
    }
}

#[cfg(feature = "window")]
fn proxy(args: &wirelore::cli::Proxy) -> Result<(), Failure> {
    let display = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|v| std::env::var_os(v).is_some_and(|v| !v.is_empty()));
    let headless = args.headless || args.leading.transparent_rules || !display;
    if headless { wirelore::proxying::run(args) } else { wirelore::door::proxy(args) }
}

#[cfg(not(feature = "window"))]
fn proxy(args: &wirelore::cli::Proxy) -> Result<(), Failure> {
    wirelore::proxying::run(args)
}

#[cfg(feature = "window")]
fn window(args: &wirelore::cli::Open) -> Result<(), Failure> {
    wirelore::door::run(args)
}

#[cfg(not(feature = "window"))]
fn window(_: &wirelore::cli::Open) -> Result<(), Failure> {
    Err(Failure {
        text: "This build has no window. Use summary, dump or report (see --help), or build with the feature `window`.".into(),
        code: exit::INIT,
    })
}
