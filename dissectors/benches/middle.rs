//! What standing in the middle costs: HTTP/1 exchanges as a proxy forwards them and as they pass between two ends; bytes in, steps out.

use bytes::Bytes;
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use wirelore_dissectors::http1::SPEC;
use wirelore_kit::middle::{Judgement, Middle, News, Place, Setting, Step};
use wirelore_kit::{Dir, Hint, Start, Transport};

fn main() {
    divan::main();
}

/// So many exchanges in one go.
const EXCHANGES: usize = 1000;

/// As a browser asks for a small thing, and its answer.
fn exchange(target: &str) -> [Bytes; 2] {
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: www.cafe.test\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
         Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\n\
         Accept-Encoding: gzip, deflate\r\nProxy-Connection: keep-alive\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n\r\n"
    );
    let body = "x".repeat(1024);
    let answer = format!(
        "HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 10:00:00 GMT\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\
         Last-Modified: Sun, 22 Nov 2026 10:00:00 GMT\r\nETag: \"65a1\"\r\nAccept-Ranges: bytes\r\n\r\n{body}",
        body.len()
    );
    [request.into(), answer.into()]
}

fn middle(place: Place, judge: bool) -> Box<dyn Middle> {
    let start = Start {
        transport: Transport::Tcp,
        client: None,
        server: None,
        hint: Hint::Probe,
        midstream: false,
        expected: None,
        inside: None,
    };
    let serve = SPEC.middle.expect("it stands in the middle");
    (serve.new)(&Setting::new(start, place, judge))
}

/// Does what is asked for until nothing more is; gives how much was sent.
fn drive(m: &mut dyn Middle, steps: &mut Vec<Step>) -> usize {
    let mut sent = 0;
    loop {
        let mut news = None;
        for step in steps.drain(..) {
            match step {
                Step::Send { bytes, .. } => sent += bytes.len(),
                Step::Route(_) => news = Some(News::Routed(Ok(()))),
                Step::Judge { ticket, .. } => news = Some(News::Judged { ticket, judgement: Judgement::Pass }),
                other => panic!("{other:?}"),
            }
        }
        match news {
            Some(news) => m.tell(news, steps),
            None => return sent,
        }
    }
}

#[divan::bench(args = ["forward", "between", "between, judged", "forward, judged"])]
fn exchanges(bencher: Bencher<'_, '_>, how: &str) {
    let forward = how.starts_with("forward");
    let (place, target) = if forward {
        (Place::Forward, "http://www.cafe.test/menu/cakes?day=monday")
    } else {
        (Place::Between, "/menu/cakes?day=monday")
    };
    let [request, answer] = exchange(target);
    bencher.counter(ItemsCount::new(EXCHANGES)).with_inputs(|| middle(place, how.ends_with("judged"))).bench_values(|mut m| {
        let mut steps = Vec::new();
        let mut sent = 0;
        for _ in 0..EXCHANGES {
            m.push(Dir::ToServer, request.clone(), &mut steps);
            sent += drive(&mut *m, &mut steps);
            m.push(Dir::ToClient, answer.clone(), &mut steps);
            sent += drive(&mut *m, &mut steps);
        }
        black_box(sent)
    });
}
