//! What recording costs: nanoseconds of a small frame, seconds of a large body. Argument: the folder to write to (by default TMPDIR).

use std::time::Instant;
use wirelore_record::{Leg, Options, Recorder, Side};

/// Processor time of this process and of its calling thread, in seconds.
fn spent() -> (f64, f64) {
    let of = |path: &str| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let numbers: Vec<f64> =
            text.rsplit(')').next().unwrap_or_default().split_whitespace().filter_map(|w| w.parse().ok()).collect();
        // Behind the name and the state: user and system time are the 11th and 12th numbers, in hundredths of a second.
        (numbers.get(10).unwrap_or(&0.0) + numbers.get(11).unwrap_or(&0.0)) / 100.0
    };
    (of("/proc/self/stat"), of("/proc/thread-self/stat"))
}

fn measure(name: &str, folder: &std::path::Path, units: f64, unit: &str, work: impl FnOnce(&Recorder)) {
    let path = folder.join(format!("wirelore-bench-{}.pcapng", std::process::id()));
    let recorder = Recorder::create(&path, Options::default()).expect("a new file");
    let (all, own) = spent();
    let began = Instant::now();
    work(&recorder);
    let relayed = began.elapsed().as_secs_f64();
    let (_, own_after) = spent();
    let bytes = {
        recorder.finish().expect("all is recorded");
        std::fs::metadata(&path).expect("the file").len()
    };
    let (all_after, _) = spent();
    println!(
        "{name}: {:.3} {unit} of relay time, {:.3} of the relay thread's processor, {:.3} of all; {:.2} GB, {:.2} s until written",
        relayed / units,
        (own_after - own) / units,
        (all_after - all) / units,
        bytes as f64 / 1e9,
        began.elapsed().as_secs_f64()
    );
    std::fs::remove_file(&path).expect("the file is ours");
}

fn leg(side: Side, tie: u64) -> Leg<'static> {
    let (client, server) = ("127.0.0.1:5000".parse().expect("an address"), "127.0.0.1:80".parse().expect("an address"));
    Leg { side, client, server, listener: 0, tie, time: 0, host: "localhost" }
}

fn main() {
    let folder = std::env::args().skip(1).find(|a| !a.starts_with('-')).map_or_else(std::env::temp_dir, std::path::PathBuf::from);
    let body = vec![0x5a; 256 << 10];
    measure("a body of 1 GB on both legs", &folder, 1.0, "s", |recorder| {
        let mut lane = recorder.lane();
        let legs = [Side::Client, Side::Server].map(|side| lane.open(leg(side, 1)));
        for n in 0..4096 {
            for l in legs {
                lane.bytes(l, false, &body, n);
            }
            lane.turn();
        }
    });
    measure("a request with its answer, 4 frames", &folder, 1.0, "us", |recorder| {
        let mut lane = recorder.lane();
        let legs = [Side::Client, Side::Server].map(|side| lane.open(leg(side, 1)));
        let (ask, answer) = (&body[..120], &body[..1300]);
        for n in 0..1_000_000 {
            for l in legs {
                lane.bytes(l, true, ask, n);
                lane.bytes(l, false, answer, n);
            }
            lane.turn();
        }
    });
    measure("a connection of two legs, opened and closed", &folder, 0.1, "us", |recorder| {
        let mut lane = recorder.lane();
        for n in 0..100_000 {
            for side in [Side::Client, Side::Server] {
                let l = lane.open(leg(side, n));
                lane.close(l, 0);
            }
            lane.turn();
        }
    });
}
