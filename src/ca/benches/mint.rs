//! What a leaf costs: for a host never seen, with the names of an upstream's certificate, and from the cache.

use divan::Bencher;
use std::sync::atomic::{AtomicU64, Ordering};
use wirelore_ca::{Authority, Names};

fn main() {
    divan::main();
}

fn authority() -> Authority {
    let folder = tempfile::tempdir().expect("a folder");
    Authority::load_or_create(folder.path()).expect("an authority")
}

/// Names that never come again.
fn next() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("host{}.example.org", COUNT.fetch_add(1, Ordering::Relaxed))
}

#[divan::bench]
fn never_seen(bencher: Bencher<'_, '_>) {
    let authority = authority();
    bencher.with_inputs(next).bench_local_values(|host| authority.leaf(&Names::of(&host)).expect("a leaf"));
}

#[divan::bench]
fn never_seen_with_twenty_names_of_upstream(bencher: Bencher<'_, '_>) {
    let authority = authority();
    let names: Vec<String> = (0..20).map(|n| format!("name{n}.example.net")).collect();
    let upstream = rcgen::generate_simple_self_signed(names).expect("made").cert;
    bencher
        .with_inputs(next)
        .bench_local_values(|host| authority.leaf(&Names::of(&host).with_upstream(upstream.der())).expect("a leaf"));
}

#[divan::bench]
fn known(bencher: Bencher<'_, '_>) {
    let authority = authority();
    let upstream = rcgen::generate_simple_self_signed(["example.org".to_owned()]).expect("made").cert;
    bencher.bench_local(|| authority.leaf(&Names::of("example.org").with_upstream(upstream.der())).expect("a leaf"));
}
