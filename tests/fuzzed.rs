//! The fuzzer's small corpus and everything that ever crashed it, read as the fuzzer reads them.

mod support;

use std::path::{Path, PathBuf};
use support::{difference, files, no_faults, root, rows};
use wirelore::session::{Session, SessionOptions};
use wirelore::sift::{self, Limits, sift, twice};
use wirelore_capture::{Options, Source};
use wirelore_dissectors::TABLE;

/// The inputs of a folder; those of `corpus` are joined by the folder that `MORE` names.
fn inputs(folder: &str) -> Vec<PathBuf> {
    let mut found = files(&root().join("tests/fuzz").join(folder));
    if let Some(more) = std::env::var_os("MORE").filter(|_| folder == "corpus") {
        found.extend(files(Path::new(&more)));
    }
    found.retain(|p| p.extension().is_none_or(|e| e != "md"));
    found
}

fn each(folder: &str) -> usize {
    let mut faults = Vec::new();
    let inputs = inputs(folder);
    for path in &inputs {
        let bytes = std::fs::read(path).expect("an input that can be read");
        let name = path.display();
        let began = std::time::Instant::now();
        // A dissector that panics is left alone by its conversation, with a note: that counts as a crash here.
        match sift(&bytes, TABLE, Limits { packets: 400, unpacked: 4 << 20, idle: 4000 }, 48) {
            Err(problem) => faults.push(format!("{name}: {problem}")),
            Ok(None) => {}
            Ok(Some(read)) => {
                faults.extend(twice(&read, 16).err().map(|e| format!("{name}: {e}")));
                let fault = wirelore_engine::conversation::FAULT.name;
                if read.store.snapshot().note_counts().iter().any(|n| n.note.name == fault) {
                    faults.push(format!("{name}: a dissector panicked"));
                }
            }
        }
        if began.elapsed().as_secs() >= 10 {
            faults.push(format!("{name}: took {:?}", began.elapsed()));
        }
    }
    no_faults(&faults, folder);
    inputs.len()
}

#[test]
fn fuzzed_captures_give_the_same_rows_with_several_shards() {
    let mut faults = Vec::new();
    for path in inputs("corpus").into_iter().chain(inputs("crashes")) {
        let bytes = std::fs::read(&path).expect("an input that can be read");
        let Ok(alone) = sift::read(&bytes, TABLE, Limits::default()) else {
            continue;
        };
        let Ok(source) = Source::from_bytes(bytes, Options::default()) else {
            faults.push(format!("{}: opens only once", path.display()));
            continue;
        };
        let options = SessionOptions { shards: Some(3), ..SessionOptions::default() };
        let mut session = Session::start(source, TABLE, options);
        if let Err(e) = session.wait() {
            faults.push(format!("{}: {e}", path.display()));
        }
        if let Some(d) = difference(&rows(&alone.store.snapshot()), &rows(&session.store.snapshot())) {
            faults.push(format!("{}: {d}", path.display()));
        }
    }
    no_faults(&faults, "the fuzzer's corpus");
}

#[test]
fn the_corpus_of_the_fuzzer_reads() {
    assert!(each("corpus") > 20, "the fuzzer's corpus is missing");
}

#[test]
fn what_crashed_the_fuzzer_once_reads_now() {
    println!("{} inputs", each("crashes"));
}
