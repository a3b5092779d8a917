//! Much at once: it goes to the disk past the system's memory, and to whoever reads along without a way through the file.

use std::time::Duration;
use wirelore_capture::{Event, Options, Source, Step};
use wirelore_record::{Leg, Recorder, Side};

/// The bytes that packets of the record carry, in order, and how many packets there are. Damage is a failure.
fn carried(mut source: Source) -> (Vec<u8>, usize) {
    let (mut bytes, mut packets) = (Vec::new(), 0);
    loop {
        match source.next().expect("a readable file") {
            Step::Batch(batch) => {
                for item in batch.items.iter() {
                    packets += 1;
                    let data = batch.data(item);
                    // IPv4 and TCP without options, except for the SYN, which carries nothing.
                    bytes.extend_from_slice(data.get(40..).filter(|_| data[33] & 2 == 0).unwrap_or_default());
                }
            }
            Step::Event(Event::Damage(damage)) => panic!("{damage:?}"),
            Step::Event(_) => {}
            Step::Pending => source.wait(Duration::from_millis(20)),
            Step::End => return (bytes, packets),
        }
    }
}

#[test]
fn bulk_between_small_pieces_is_read_along_and_again_byte_for_byte() {
    let recorder = Recorder::temporary(Default::default()).expect("a file");
    recorder.keep();
    let path = recorder.path().to_owned();
    let along = Options { follow: true, growth: Some(recorder.growth()), ..Options::default() };
    let along = Source::open(&path, along).expect("a capture");
    let reader = std::thread::spawn(move || carried(along));
    let mut lane = recorder.lane();
    let (client, server) = ("127.0.0.1:5000".parse().expect("one"), "127.0.0.1:80".parse().expect("one"));
    let leg = lane.open(Leg { side: Side::Client, client, server, listener: 0, tie: 1, time: 0, host: "localhost" });
    let mut told = Vec::new();
    for round in 0..40u32 {
        // Lengths that end nowhere near a page; every third round is too little to be bulk.
        let len = if round % 3 == 0 { 777 } else { 900_001 + round as usize };
        let body: Vec<u8> = (0..len).map(|i| (i as u32 ^ round).wrapping_mul(2_654_435_761) as u8).collect();
        lane.bytes(leg, false, &body, i64::from(round));
        lane.turn();
        told.extend_from_slice(&body);
        std::thread::sleep(Duration::from_millis(if round % 5 == 0 { 15 } else { 0 }));
    }
    lane.close(leg, 99);
    drop(lane);
    recorder.finish().expect("all is recorded");
    let (read, packets) = reader.join().expect("the reader ends with the record");
    assert!(read == told, "what is read along is what was told: {} of {} bytes", read.len(), told.len());
    let again = carried(Source::open(&path, Options::default()).expect("a capture"));
    assert!(again == (told, packets), "the file has the same");
    std::fs::remove_file(path).expect("the file is ours");
}
