//! The fuzzer's small corpus and everything that ever crashed it, read as the fuzzer reads them.

mod support;

use support::{files, no_faults, root};
use wirelore::sift::{Limits, sift, twice};
use wirelore_dissectors::TABLE;

fn each(folder: &str) -> usize {
    let mut faults = Vec::new();
    let inputs: Vec<_> =
        files(&root().join("tests/fuzz").join(folder)).into_iter().filter(|p| p.extension().is_none_or(|e| e != "md")).collect();
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
fn the_corpus_of_the_fuzzer_reads() {
    assert!(each("corpus") > 20, "the fuzzer's corpus is missing");
}

#[test]
fn what_crashed_the_fuzzer_once_reads_now() {
    println!("{} inputs", each("crashes"));
}
