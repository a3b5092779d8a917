//! One target over the whole path: from the bytes of a capture file to rows, list lines and trees; and a second reading gives the same rows.
#![no_main]

use wirelore::sift::{Limits, sift, twice};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { packets: 400, unpacked: 4 << 20, idle: 4000 };
    match sift(bytes, wirelore_dissectors::TABLE, limits, 48) {
        Err(problem) => panic!("{problem}"),
        Ok(Some(read)) => {
            if let Err(difference) = twice(&read, 16) {
                panic!("{difference}");
            }
        }
        Ok(None) => {}
    }
});
