//! Speaking with a proxy over its control socket.
#![allow(dead_code, reason = "each test file takes what it needs")]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// The control socket.
pub struct Talk(BufReader<UnixStream>);

impl Talk {
    pub fn new(path: &Path) -> Talk {
        let begun = Instant::now();
        loop {
            match UnixStream::connect(path) {
                Ok(s) => return Talk(BufReader::new(s)),
                Err(e) => assert!(begun.elapsed() < Duration::from_secs(20), "{e}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What an order gives, which must go well.
    pub fn ask(&mut self, order: &serde_json::Value) -> serde_json::Value {
        self.try_ask(order).unwrap_or_else(|why| panic!("{order}: {why}"))
    }

    /// What an order gives, or why not.
    pub fn try_ask(&mut self, order: &serde_json::Value) -> Result<serde_json::Value, String> {
        writeln!(self.0.get_mut(), "{order}").expect("sent");
        let mut line = String::new();
        self.0.read_line(&mut line).expect("answered");
        let mut answer: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        if answer["ok"] == true { Ok(answer["result"].take()) } else { Err(answer["error"].to_string()) }
    }

    /// The messages that are held, once there are so many.
    pub fn held(&mut self, count: usize) -> Vec<serde_json::Value> {
        let begun = Instant::now();
        loop {
            let all = self.ask(&serde_json::json!({"do": "held"}));
            let all = all.as_array().cloned().unwrap_or_default();
            if all.len() >= count {
                return all;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{count} messages were to be held: {all:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
