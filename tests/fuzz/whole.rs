//! One target over the whole path: from the bytes of a capture file to rows, list lines and trees.
#![no_main]

use wirelore::sift::{Limits, sift};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { packets: 400, unpacked: 4 << 20, idle: 4000 };
    if let Err(problem) = sift(bytes, wirelore_dissectors::TABLE, limits, 48) {
        panic!("{problem}");
    }
});
