//! The proxy as a person steers it: started by a command, its pill, messages that wait and what becomes of them.

use crate::demo::Demo;
use crate::kit::{Window, prefs, settle, shot_in, window_with};
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use std::sync::{Arc, Mutex};
use wirelore_kit::middle::{Judgement, Part, Stage, Transit};
use wirelore_kit::{Dir, Problem};
use wirelore_window::door::{Bench, Held, LiveProxy, ProxyState, Release};
use wirelore_window::ruling::{Change, Edited, Origin, Rule, Ruled};
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
    rules: Arc<Rules>,
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
    fn ruled(&self) -> Arc<dyn Ruled> {
        self.rules.clone()
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

/// Rules that are only told of.
struct Rules {
    all: Mutex<Vec<Rule>>,
    edits: Vec<Edited>,
}

impl Default for Rules {
    fn default() -> Rules {
        let rule = |name: &str, when: &str, does: &str, hits, enabled, origin| Rule {
            name: name.into(),
            when: when.into(),
            does: does.into(),
            enabled,
            hits,
            origin,
        };
        let all = vec![
            rule("anticache", "", "removes If-None-Match, If-Modified-Since", 31, true, Origin::CommandLine),
            rule("slow images", "~t image", "delays by 800 ms", 4, true, Origin::File(12)),
            rule("no tracking", "~d metrics.shop.test", "answers with 204", 0, false, Origin::File(19)),
            rule(
                "seen by",
                "~d ^api.shop.test$",
                "sets X-Seen-By",
                2,
                true,
                Origin::Running(Some("[[rule]]\nname = 'seen by'\n".into())),
            ),
        ];
        let of = |price: &str, more: &[(&str, &str)]| {
            let mut headers = vec![("Content-Type", "application/json"), ("Content-Length", "42"), ("ETag", "\"a1\"")];
            headers.extend_from_slice(more);
            let body = format!("{{\n  \"name\": \"lamp\",\n  \"price\": {price}\n}}");
            message("http", Dir::ToClient, "HTTP/1.1 200 OK", &headers, body.as_bytes(), None)
        };
        let became = Judgement::Change(Box::new((*of("9.95", &[("X-Seen-By", "wirelore")])).clone()));
        let hits = vec![("seen by".to_owned(), "set X-Seen-By".to_owned())];
        let edits = vec![Edited { number: 5, conn: 3, original: of("19.90", &[]), became: Arc::new(became), hits }];
        Rules { all: Mutex::new(all), edits }
    }
}

impl Ruled for Rules {
    fn rules(&self) -> Vec<Rule> {
        self.all.lock().expect("rules").clone()
    }
    fn file(&self) -> Option<std::path::PathBuf> {
        Some("/config/rules.toml".into())
    }
    fn change(&self, change: &Change) -> Result<(), Problem> {
        let mut all = self.all.lock().expect("rules");
        match change {
            Change::Enable(name, on) => all.iter_mut().filter(|r| r.name == *name).for_each(|r| r.enabled = *on),
            Change::Remove(name) => all.retain(|r| r.name != *name),
            Change::Move(..) => all.swap(2, 3),
            Change::Write(_, text) if text.contains("wrong") => {
                let what = "Line 1, column 1: no rule".to_owned();
                return Err(Problem { what, why: "wrong\n^^^^^".into(), what_to_do: String::new() });
            }
            Change::Write(_, text) => {
                let origin = Origin::Running(Some(text.clone()));
                let does = "sets X-Seen-By".to_owned();
                all.push(Rule { name: "new".into(), when: "~d example.org".into(), does, enabled: true, hits: 0, origin });
            }
        }
        Ok(())
    }
    fn edits(&self) -> Vec<Edited> {
        self.edits.clone()
    }
}

/// Starts that proxy.
#[derive(Default)]
pub struct Starter(Arc<Told>);

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

    fn join(&self, _: &Bench, _: Waker) -> Result<Arc<dyn Proxied>, Problem> {
        let mut state = self.0.state.lock().expect("state");
        (state.running, state.listening) = (true, vec!["127.0.0.1:8080".into()]);
        drop(state);
        Ok(self.0.clone())
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
    shot_in(&mut h, name, dark);
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

fn rules(h: &mut Window) {
    h.key_press_modifiers(Modifiers::ALT, Key::Num4);
    settle(h);
}

#[test]
fn rules_are_switched_written_and_a_wrong_one_says_where() {
    let (mut h, told) = begin([1180.0, 700.0], true, Vec::new());
    rules(&mut h);
    h.get_by_label("Switch off slow images").click();
    settle(&mut h);
    assert!(told.rules.rules().iter().any(|r| r.name == "slow images" && !r.enabled));
    h.get_by_label("Rule seen by: 2 hits").click();
    settle(&mut h);
    h.get_by_label("Edit").click();
    settle(&mut h);
    h.get_by_label("Rule").click();
    h.run_steps(2);
    h.event(egui::Event::Text("wrong".into()));
    h.run_steps(2);
    h.get_by_label("Put in force").click();
    settle(&mut h);
    h.get_by_label_contains("Line 1, column 1");
    h.get_by_label("Cancel").click();
    settle(&mut h);
    h.get_by_label("New rule").click();
    h.run_steps(2);
    h.get_by_label("Put in force").click();
    settle(&mut h);
    h.get_by_label("Rule new: 0 hits");
}

#[test]
fn a_rule_begins_with_the_host_and_path_of_a_row() {
    let (mut h, _) = begin([1180.0, 700.0], true, Vec::new());
    h.key_press(Key::Num2);
    settle(&mut h);
    for _ in 0..4 {
        h.key_press(Key::ArrowDown);
        settle(&mut h);
    }
    h.key_press_modifiers(Modifiers::COMMAND, Key::K);
    h.run_steps(3);
    h.event(egui::Event::Text("new rule for messages like".into()));
    h.run_steps(3);
    h.key_press(Key::Enter);
    settle(&mut h);
    let s = h.state().tab().and_then(|t| t.steering.as_ref()).expect("a proxy");
    let text = s.ruling.draft.as_ref().map(|d| d.text.clone()).expect("a draft");
    assert!(text.contains("when = '~d ^api\\.shop\\.test$ & ~u /items'"), "{text}");
}

#[test]
fn rules_dark() {
    picture_of(true, "rules", |h| {
        rules(h);
        h.get_by_label_contains("Changed: ").click();
    });
}

#[test]
fn rules_light() {
    picture_of(false, "rules", |h| {
        rules(h);
        h.get_by_label("New rule").click();
    });
}

fn picture_of(dark: bool, name: &str, setup: impl FnOnce(&mut Window)) {
    let (mut h, _) = begin([1180.0, 700.0], dark, Vec::new());
    setup(&mut h);
    shot_in(&mut h, name, dark);
}
