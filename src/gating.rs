//! From flags to a gate: rules of the command line and of the file, exchanges to replay, and who is told what happens.

use crate::cli::{Gating, exit};
use crate::reading::Failure;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wirelore_dissectors::coding::{Coding, Decoder};
use wirelore_gate::{Event, Filter, Gate, Replies, Spelling, anticache, anticomp, parse_throttle, throttle};

/// A gate with the rules that the flags ask for. Faults in a file of rules that changes later are told on standard error.
///
/// # Errors
/// What is wrong with a flag, a file of rules, or a capture to replay.
pub fn gate(args: &Gating) -> Result<Gate, Failure> {
    let gate = Gate::new();
    gate.decode_with(decode);
    arm(&gate, args)?;
    intercept(&gate, args)?;
    replay(&gate, args)?;
    if let Some(path) = rules_file(args) {
        if args.rules.is_some() || path.exists() {
            gate.load(&path).map_err(|e| wrong(e.to_string()))?;
        }
        gate.watch(path);
    }
    gate.listen(Arc::new(|event| {
        if let Event::Fault(fault) = event {
            eprintln!("wirelore: {fault}\nThe rules before this change stay in force.");
        }
    }));
    Ok(gate)
}

fn wrong(text: String) -> Failure {
    Failure { text, code: exit::OPTION }
}

/// Puts the rules of the flags in the place of those before.
///
/// # Errors
/// What is wrong with a flag: nothing is changed.
pub fn arm(gate: &Gate, args: &Gating) -> Result<(), Failure> {
    let mut rules = Vec::new();
    rules.extend(args.anticache.then(anticache));
    rules.extend(args.anticomp.then(anticomp));
    let lists = [
        (Spelling::BlockList, &args.block_list),
        (Spelling::MapRemote, &args.map_remote),
        (Spelling::MapLocal, &args.map_local),
        (Spelling::ModifyBody, &args.modify_body),
        (Spelling::ModifyHeaders, &args.modify_headers),
    ];
    for (spelling, patterns) in lists {
        for pattern in patterns {
            rules.push(spelling.parse(pattern).map_err(|e| wrong(e.to_string()))?);
        }
    }
    if let Some(line) = &args.throttle {
        rules.push(throttle(parse_throttle(line).map_err(|e| wrong(format!("--throttle {e}")))?));
    }
    // Changes are made to what is not answered anyway: answers stand last.
    rules.sort_by_key(|r| {
        u8::from(r.name.starts_with(Spelling::MapLocal.option()) || r.name.starts_with(Spelling::MapRemote.option()))
    });
    gate.keep_bodies(args.keep_bodies);
    gate.command_line(rules);
    Ok(())
}

/// Holds what the flag says.
///
/// # Errors
/// It is no filter.
pub fn intercept(gate: &Gate, args: &Gating) -> Result<(), Failure> {
    let filter = args.intercept.as_ref().map(|text| Filter::parse(text).map_err(|e| wrong(format!("--intercept: {e}"))));
    gate.intercept(filter.transpose()?);
    Ok(())
}

/// Answers from the captures that the flags name.
///
/// # Errors
/// A capture cannot be read.
pub fn replay(gate: &Gate, args: &Gating) -> Result<(), Failure> {
    let mut replies: Option<Arc<dyn Replies>> = None;
    if !args.server_replay.is_empty() {
        replies = Some(Arc::new(crate::replay::Recorded::read(&args.server_replay, args.server_replay_extra)?));
    }
    gate.reply_from(replies);
    Ok(())
}

/// The file of rules: the one given, or our own in the configuration folder.
#[must_use]
pub fn rules_file(args: &Gating) -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    args.rules.clone().or_else(|| {
        let base = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|h| h.join(".config")))?;
        Some(base.join("wirelore").join("rules.toml"))
    })
}

/// Undoes the codings that a `Content-Encoding` names.
fn decode(codings: &[u8], body: &[u8]) -> Result<Vec<u8>, String> {
    let applied: Vec<Coding> = codings.split(|b| *b == b',').map(Coding::named).collect();
    if applied.iter().all(|c| *c == Coding::Identity) {
        return Ok(body.to_vec());
    }
    let named = || String::from_utf8_lossy(codings).into_owned();
    let mut decoder = Decoder::once(&applied).ok_or_else(|| format!("{} cannot be undone", named()))?;
    let mut plain = Vec::new();
    decoder
        .push(body, &mut plain)
        .and_then(|()| decoder.end(&mut plain))
        .map_err(|_| format!("it is not what {} gives", named()))?;
    Ok(plain)
}

/// A path in the folder for sockets of this user, which only they may enter; it is made if need be.
///
/// # Errors
/// There is no such folder, and none can be made.
pub fn runtime_folder() -> std::io::Result<PathBuf> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    let make = |folder: &Path| match std::fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => Err(e),
        _ => Ok(()),
    };
    if let Some(base) = std::env::var_os("XDG_RUNTIME_DIR").filter(|v| !v.is_empty()) {
        let folder = PathBuf::from(base).join("wirelore");
        make(&folder)?;
        return Ok(folder);
    }
    // Without a session there is no such folder: one of our own, which nobody else may have made before us.
    let us = std::fs::metadata("/proc/self")?.uid();
    let folder = std::env::temp_dir().join(format!("wirelore-{us}"));
    make(&folder)?;
    let is = std::fs::symlink_metadata(&folder)?;
    if !is.is_dir() || is.uid() != us || is.mode() & 0o077 != 0 {
        let text = format!("{} is not a folder of this user alone: remove it, or set XDG_RUNTIME_DIR", folder.display());
        return Err(std::io::Error::other(text));
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_are_undone_by_their_names() {
        assert_eq!(decode(b"identity", b"a"), Ok(b"a".to_vec()));
        assert_eq!(decode(b"compress", b"a"), Err("compress cannot be undone".into()));
        assert_eq!(decode(b"gzip", b"not gzip"), Err("it is not what gzip gives".into()));
        // "abc" as one stored block of RFC 1951, as HTTP's deflate without its wrapper.
        assert_eq!(decode(b"deflate", b"\x01\x03\x00\xfc\xffabc"), Ok(b"abc".to_vec()));
    }

    #[test]
    fn faulty_flags_say_which() {
        let fault = |args: Gating| gate(&args).expect_err("a fault").text;
        let one = |s: &str| vec![s.to_string()];
        assert!(
            fault(Gating { block_list: one("x"), ..Gating::default() }).starts_with("--block-list \"x\": write /FILTER/STATUS")
        );
        assert!(fault(Gating { intercept: Some("~url".into()), ..Gating::default() }).contains("did you mean ~u"));
        assert!(fault(Gating { throttle: Some("5g".into()), ..Gating::default() }).starts_with("--throttle \"5g\" is no line"));
        assert!(fault(Gating { rules: Some("/not/there".into()), ..Gating::default() }).contains("/not/there: cannot be read"));
    }
}
