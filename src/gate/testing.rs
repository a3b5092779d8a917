//! Messages for tests.

use crate::conn::Conn;
use bytes::Bytes;
use wirelore_kit::Dir;
use wirelore_kit::middle::{Part, Stage, Transit};

pub(crate) fn conn() -> Conn {
    Conn::new(1, "127.0.0.1:50000".parse().expect("an address"))
}

fn message(line: &str, headers: &[(&str, &str)], body: &[u8], part: Part) -> Transit {
    let path = line.split(' ').nth(1).unwrap_or_default();
    Transit {
        proto: "http",
        dir: if part == Part::Request { Dir::ToServer } else { Dir::ToClient },
        exchange: 0,
        part,
        stage: Stage::Whole,
        line: Bytes::copy_from_slice(line.as_bytes()),
        headers: headers
            .iter()
            .map(|(n, v)| (Bytes::copy_from_slice(n.as_bytes()), Bytes::copy_from_slice(v.as_bytes())))
            .collect(),
        body: Bytes::copy_from_slice(body),
        trailers: Vec::new(),
        url: (part == Part::Request).then(|| format!("http://example.org{path}")),
    }
}

pub(crate) fn question(line: &str, headers: &[(&str, &str)], body: &[u8]) -> Transit {
    message(line, headers, body, Part::Request)
}

pub(crate) fn answer(line: &str, headers: &[(&str, &str)], body: &[u8]) -> Transit {
    message(line, headers, body, Part::Response)
}

pub(crate) fn head(mut m: Transit) -> Transit {
    m.stage = Stage::Head;
    m.body = Bytes::new();
    m
}
