//! Counts the packets of a capture and tells its events: `cargo run --example count -- FILE` (`-`: standard input).

use std::time::Instant;

use wirelore_capture::{Options, Source, Step};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("name a file")?;
    let quiet = std::env::args().nth(2).is_some();
    let start = Instant::now();
    let mut source = if path == "-" {
        Source::stdin(Options::default())?
    } else {
        Source::open(&path, Options::default()).map_err(|e| format!("{e}. {}", e.what_to_do()))?
    };
    let (mut packets, mut bytes, mut captured, mut first) = (0u64, 0u64, 0u64, None);
    loop {
        match source.next()? {
            Step::Batch(batch) => {
                first = first.or_else(|| Some(start.elapsed()));
                packets += batch.items.len() as u64;
                for item in batch.items.iter() {
                    bytes += u64::from(item.wire_len);
                    captured += u64::from(item.cap_len);
                }
            }
            Step::Event(event) if !quiet => println!("after packet {packets}: {event:?}"),
            Step::Event(_) | Step::Pending => {}
            Step::End => break,
        }
    }
    println!(
        "{packets} packets, {bytes} bytes on the wire, {captured} captured, in {:?}, first after {first:?}",
        start.elapsed()
    );
    Ok(())
}
