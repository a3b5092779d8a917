//! The proxy as a person steers it: started by a command, its pill, messages that wait and what becomes of them.

use crate::demo::Demo;
use crate::kit::{Window, prefs, settle, window_with};
use egui::{Key, Modifiers};
use egui_kittest::SnapshotOptions;
use egui_kittest::kittest::Queryable as _;
use std::sync::{Arc, Mutex};
use wirelore_kit::middle::{Part, Stage, Transit};
use wirelore_kit::{Dir, Problem};
use wirelore_window::door::{Held, LiveProxy, ProxyState, Release};
use wirelore_window::{Proxied, Proxies, Waker};

fn message(proto: &'static str, dir: Dir, line: &str, headers: &[(&str, &str)], body: &[u8], url: Option<&str>) -> Arc<Transit> {
    let of = |s: &str| s.as_bytes().to_vec().into();
    Arc::new(Transit {
        proto,
        dir,
        exchange: 0,
        part: if dir == Dir::ToServer { Part::Request } else { Part::Response },
        stage: Stage::Whole,
        line: of(line),
        headers: headers.iter().map(|(n, v)| (of(n), of(v))).collect(),
        body: body.to_vec().into(),
        trailers: Vec::new(),
        url: url.map(str::to_owned),
    })
}

fn waiting() -> Vec<Held> {
    let order = message(
        "http",
        Dir::ToServer,
        "POST /orders HTTP/1.1",
        &[("Host", "api.shop.test"), ("Content-Type", "application/json"), ("Content-Length", "29")],
        b"{\"item\": \"lamp\", \"count\": 1}",
        Some("https://api.shop.test/orders"),
    );
    let rcpt = message("smtp", Dir::ToServer, "RCPT TO:<ingrid@cafe.test>", &[], b"", None);
    let bytes = message("websocket", Dir::ToClient, "binary", &[], &[0, 1, 2, 254, 255], None);
    vec![
        Held { id: 11, age: 4_200, server: "api.shop.test:443".into(), message: order },
        Held { id: 12, age: 130_000, server: "mail.cafe.test:25".into(), message: rcpt },
        Held { id: 13, age: 900, server: "chat.shop.test:443".into(), message: bytes },
    ]
}

/// A proxy that is only told of, and writes down what it is told.
#[derive(Default)]
struct Told {
    state: Mutex<ProxyState>,
    did: Mutex<Vec<String>>,
}

impl Proxied for Told {
    fn state(&self) -> ProxyState {
        self.state.lock().expect("state").clone()
    }
    fn stop(&self) {
        self.state.lock().expect("state").running = false;
        self.did.lock().expect("did").push("stop".into());
    }
    fn browse(&self) -> Result<(), Problem> {
        self.did.lock().expect("did").push("browse".into());
        Ok(())
    }
    fn hold(&self, filter: Option<&str>) -> Result<(), Problem> {
        if filter == Some("~z") {
            return Err(Problem { what: "No such word: ~z.".into(), why: "At 1.".into(), what_to_do: String::new() });
        }
        self.state.lock().expect("state").holding = filter.map(str::to_owned);
        self.did.lock().expect("did").push(format!("hold {filter:?}"));
        Ok(())
    }
    fn release(&self, id: u64, how: Release) -> Result<(), Problem> {
        let mut state = self.state.lock().expect("state");
        state.held = Arc::new(state.held.iter().filter(|h| h.id != id).cloned().collect());
        let how = match how {
            Release::Send => "send".to_owned(),
            Release::Drop => "drop".to_owned(),
            Release::Reset => "reset".to_owned(),
            Release::Change(m) => format!("change {}", String::from_utf8_lossy(&m.line)),
            Release::Answer(m) => format!("answer {}", String::from_utf8_lossy(&m.line)),
        };
        self.did.lock().expect("did").push(format!("{id} {how}"));
        Ok(())
    }
}

struct Starter(Arc<Told>);

impl Proxies for Starter {
    fn start(&self, _: Waker) -> Result<LiveProxy, Problem> {
        let mut state = self.0.state.lock().expect("state");
        state.running = true;
        state.listening = vec!["127.0.0.1:8080".into(), "[::1]:8080".into()];
        (state.open, state.connections, state.recorded) = (3, 41, 1_234_567);
        state.file = "/captures/live.pcapng".into();
        state.certificate = "/captures/wirelore-ca-cert.pem".into();
        state.trust = "This machine does not trust it yet; the browser that opens from here does.".into();
        drop(state);
        Ok((Box::new(Demo::new(120)), self.0.clone()))
    }
}

fn begin(size: [f32; 2], dark: bool, held: Vec<Held>) -> (Window, Arc<Told>) {
    let told = Arc::new(Told::default());
    let mut h = window_with(size, prefs(dark), &[], 0, Some(Arc::new(Starter(told.clone()))));
    h.get_by_label("Start proxy").click();
    h.run_steps(4);
    told.state.lock().expect("state").held = Arc::new(held);
    settle(&mut h);
    (h, told)
}

fn did(told: &Told) -> Vec<String> {
    told.did.lock().expect("did").clone()
}

#[test]
fn started_from_the_empty_tab_it_shows_where_it_listens_and_can_be_stopped() {
    let (mut h, told) = begin([1280.0, 800.0], true, Vec::new());
    h.get_by_label("Proxy :8080: 3 open").click();
    h.run_steps(4);
    h.get_by_label("Copy the certificate's path");
    h.get_by_label("Open browser").click();
    settle(&mut h);
    h.get_by_label("Proxy :8080: 3 open").click();
    h.run_steps(4);
    h.get_by_label("Stop").click();
    settle(&mut h);
    assert_eq!(did(&told), ["browse", "stop"]);
    h.get_by_label_contains("Proxy :8080: stopped");
}

#[test]
fn held_messages_wait_oldest_first_and_go_by_keys() {
    let (mut h, told) = begin([1280.0, 800.0], true, waiting());
    h.get_by_label("Held: POST https://api.shop.test/orders");
    h.key_press(Key::A);
    settle(&mut h);
    h.key_press_modifiers(Modifiers::SHIFT, Key::X);
    settle(&mut h);
    assert_eq!(did(&told), ["11 send", "12 drop"]);
    h.get_by_label_contains("Held: binary");
    h.key_press_modifiers(Modifiers::SHIFT, Key::A);
    settle(&mut h);
    assert_eq!(did(&told).last().map(String::as_str), Some("13 send"));
}

#[test]
fn an_edited_line_goes_on_changed_and_an_answer_goes_back() {
    let (mut h, told) = begin([1280.0, 800.0], true, waiting());
    h.get_by_label("Held: RCPT TO:<ingrid@cafe.test>").click();
    settle(&mut h);
    h.get_by_label("Line and headers").click();
    h.run_steps(2);
    h.key_press(Key::Home);
    h.event(egui::Event::Text("X".into()));
    h.run_steps(2);
    h.get_by_label("Send changed").click();
    settle(&mut h);
    assert_eq!(did(&told), ["12 change XRCPT TO:<ingrid@cafe.test>"]);
    h.get_by_label("Held: POST https://api.shop.test/orders").click();
    settle(&mut h);
    h.get_by_label("Answer…").click();
    h.run_steps(3);
    h.get_by_label("Send answer").click();
    settle(&mut h);
    assert_eq!(did(&told).last().map(String::as_str), Some("11 answer HTTP/1.1 200 OK"));
}

#[test]
fn a_wrong_filter_says_so_where_it_was_typed() {
    let (mut h, told) = begin([1280.0, 800.0], true, Vec::new());
    h.get_by_label("Proxy :8080: 3 open").click();
    h.run_steps(4);
    h.get_by_label("Hold filter").click();
    h.run_steps(2);
    h.event(egui::Event::Text("~z".into()));
    h.run_steps(2);
    h.get_by_label("Hold").click();
    settle(&mut h);
    h.get_by_label_contains("No such word: ~z.");
    assert_eq!(did(&told), Vec::<String>::new());
}

fn picture(name: &str, dark: bool, setup: impl FnOnce(&mut Window)) {
    let (mut h, _) = begin([1180.0, 700.0], dark, waiting());
    setup(&mut h);
    settle(&mut h);
    h.remove_cursor();
    h.run_steps(12);
    let options = SnapshotOptions::new().threshold(0.0).output_path("tests/pictures");
    h.snapshot_options(format!("{name}-{}", if dark { "dark" } else { "light" }), &options);
}

#[test]
fn held_dark() {
    picture("held", true, |_| {});
}

#[test]
fn proxy_light() {
    picture("proxy", false, |h| {
        h.get_by_label_contains("Proxy :8080").click();
        h.run_steps(4);
    });
}
