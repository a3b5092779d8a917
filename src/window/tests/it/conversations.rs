//! Conversations as a person works with them: ladder, stream, unfolded rows, and what the user says about them.

use crate::demo::LONG;
use crate::kit::{Window, prefs, settle, window};
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use wirelore_window::ladder::What;
use wirelore_window::prefs::View;
use wirelore_window::select::{Focus, Level};
use wirelore_window::tab::{Region, Tab};

fn open(packets: u32) -> Window {
    let mut h = window([1480.0, 900.0], prefs(true), &["shop.pcapng"], packets);
    key(&mut h, Key::Num2);
    h
}

fn tab(h: &Window) -> &Tab {
    h.state().tab().expect("a capture is open")
}

fn key(h: &mut Window, k: Key) {
    h.key_press(k);
    settle(h);
}

fn keys(h: &mut Window, m: Modifiers, k: Key) {
    h.key_press_modifiers(m, k);
    settle(h);
}

const CTRL_SHIFT: Modifiers = Modifiers { alt: false, ctrl: false, shift: true, mac_cmd: false, command: true };

fn typed(h: &mut Window, text: &str) {
    h.event(egui::Event::Text(text.into()));
    settle(h);
}

/// Errands run on threads of their own that the tab knows nothing of.
fn wait_for(h: &mut Window, label: &str) {
    for _ in 0..300 {
        h.run_steps(2);
        if h.query_by_label_contains(label).is_some() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("nobody says “{label}”");
}

fn request(h: &mut Window) {
    h.get_by_label_contains("Exchange: GET api.shop.test/items?page=1;").click();
    settle(h);
}

#[test]
fn an_arrow_of_the_ladder_selects_its_message_everywhere() {
    let mut h = open(100);
    request(&mut h);
    key(&mut h, Key::F3);
    assert_eq!(tab(&h).region, Region::View);
    let ask = tab(&h).selection.message;
    h.get_by_label_contains(": 200 OK,").click();
    settle(&mut h);
    let answer = tab(&h).selection.message;
    assert!(answer.is_some() && answer != ask);
    assert_eq!(tab(&h).selection.focus, Focus::Message);
    h.get_by_label("Response");
    // An arrow of TCP's own is a packet.
    h.get_by_label_contains(": SYN, ACK,").click();
    settle(&mut h);
    assert_eq!((tab(&h).selection.packet, tab(&h).selection.focus), (Some(11), Focus::Packet));
}

#[test]
fn arrow_keys_walk_the_ladder_and_states_follow() {
    let mut h = open(100);
    request(&mut h);
    key(&mut h, Key::F3);
    h.get_by_label("Client: waiting for the response");
    h.get_by_label("Server: answering");
    key(&mut h, Key::ArrowDown);
    h.get_by_label("Client: idle");
    h.get_by_label("Server: idle");
    key(&mut h, Key::Home);
    assert_eq!(tab(&h).selection.packet, Some(10), "the first arrow is the SYN");
    key(&mut h, Key::End);
    assert_eq!(tab(&h).selection.packet, Some(19));
}

#[test]
fn the_ladder_shows_an_exchange_alone_and_tcp_only_when_wanted() {
    let mut h = open(100);
    request(&mut h);
    key(&mut h, Key::F3);
    let steps = |h: &Window| tab(h).ladders.newest().map_or(0, |l| l.steps.len());
    let whole = steps(&h);
    assert!(whole > 4, "{whole}");
    key(&mut h, Key::T);
    assert_eq!(steps(&h), 2, "question and answer");
    key(&mut h, Key::T);
    key(&mut h, Key::S);
    assert_eq!(steps(&h), 2, "no segment of TCP lies between the two");
    assert!(!h.state().prefs().ladder.whole);
}

#[test]
fn ten_thousand_arrows_are_drawn_as_few_as_are_seen() {
    let mut h = open(LONG);
    key(&mut h, Key::F3);
    let l = tab(&h).ladders.newest().expect("a ladder");
    assert_eq!(l.steps.len(), 10_003, "with handshake and end, without the two records that carry others");
    key(&mut h, Key::End);
    assert_eq!(tab(&h).selection.message, Some(9_999));
    h.get_by_label_contains("Arrow 10003: ");
    let drawn = h.query_all_by_label_contains("Arrow ").count();
    assert!(drawn < 60, "{drawn} arrows have widgets");
    // One row up stays at the end: nothing jumps.
    let top = tab(&h).ladder_list.top;
    key(&mut h, Key::ArrowUp);
    assert!((tab(&h).ladder_list.top - top).abs() < 1.0);
}

#[test]
fn what_is_inside_is_told_with_what_is_around() {
    let mut h = open(LONG);
    key(&mut h, Key::F3);
    let l = tab(&h).ladders.newest().expect("a ladder");
    let deep = l.paths.iter().map(Vec::len).max();
    assert_eq!(deep, Some(2), "{:?}", l.paths);
    assert!(l.bands.iter().any(|b| b.depth == 1));
}

#[test]
fn what_only_carries_others_is_left_out_until_it_is_wanted() {
    let mut h = open(LONG);
    key(&mut h, Key::F3);
    let steps = |h: &Window| tab(h).ladders.newest().map_or(0, |l| l.steps.len());
    let without = steps(&h);
    key(&mut h, Key::W);
    assert_eq!(steps(&h), without + 2, "the last record of each side is told by the first message inside it");
}

#[test]
fn a_row_unfolds_to_its_messages_and_back() {
    let mut h = open(100);
    request(&mut h);
    let rows = |h: &Window| tab(h).listing().len(&tab(h).snap);
    let before = rows(&h);
    key(&mut h, Key::ArrowRight);
    assert_eq!(rows(&h), before + 2);
    key(&mut h, Key::ArrowDown);
    key(&mut h, Key::ArrowDown);
    let s = tab(&h).selection;
    assert_eq!(tab(&h).snap.summary(s.message.expect("the answer")), "200 OK");
    key(&mut h, Key::ArrowLeft);
    key(&mut h, Key::Space);
    assert_eq!(rows(&h), before);
    // The connection itself.
    key(&mut h, Key::ArrowLeft);
    assert_eq!(tab(&h).selection.focus, Focus::Flow);
    key(&mut h, Key::ArrowLeft);
    assert_eq!(rows(&h), before - 1);
    key(&mut h, Key::ArrowRight);
    assert_eq!(rows(&h), before);
}

#[test]
fn loose_messages_inside_another_protocol_are_one_row() {
    let mut h = open(LONG);
    let t = tab(&h);
    let rows = t.listing().len(&t.snap);
    assert!(rows < 10, "{rows} rows for 10 000 messages of one conversation");
    h.get_by_label_contains("Messages of HTTP").click();
    settle(&mut h);
    key(&mut h, Key::Space);
    let t = tab(&h);
    assert!(t.listing().len(&t.snap) > 5_000);
}

#[test]
fn a_stream_is_searched_and_leads_to_its_messages() {
    let mut h = open(100);
    request(&mut h);
    key(&mut h, Key::F4);
    assert_eq!(h.state().prefs().view, View::Stream);
    keys(&mut h, CTRL_SHIFT, Key::F);
    typed(&mut h, "HOST:");
    h.get_by_label("Find in stream");
    assert_eq!(tab(&h).follows.text, "HOST:");
    // Both forms draw, and the choice is kept.
    key(&mut h, Key::Escape);
    keys(&mut h, Modifiers::NONE, Key::F6);
    keys(&mut h, Modifiers::NONE, Key::F6);
    h.get_by_label("Hex").click();
    settle(&mut h);
    let lines = h.get_by_label("Lines of the stream").rect();
    h.hover_at(lines.left_top() + egui::vec2(120.0, 150.0));
    h.run_steps(2);
    h.event(egui::Event::PointerButton {
        pos: lines.left_top() + egui::vec2(120.0, 150.0),
        button: egui::PointerButton::Primary,
        pressed: true,
        modifiers: Modifiers::NONE,
    });
    h.event(egui::Event::PointerButton {
        pos: lines.left_top() + egui::vec2(120.0, 150.0),
        button: egui::PointerButton::Primary,
        pressed: false,
        modifiers: Modifiers::NONE,
    });
    settle(&mut h);
    let m = tab(&h).selection.message.expect("a message");
    assert_eq!(tab(&h).snap.summary(m), "200 OK", "the eighth line of hexadecimal belongs to the answer");
}

#[test]
fn a_stream_and_a_ladder_are_written_to_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut h = open(100);
    request(&mut h);
    key(&mut h, Key::F4);
    keys(&mut h, CTRL_SHIFT, Key::S);
    h.get_by_label("Client").click();
    h.run_steps(3);
    let path = folder.path().join("asked.bin");
    for (what, file) in [("stream", &path), ("ladder", &folder.path().join("it.svg"))] {
        if what == "ladder" {
            key(&mut h, Key::F3);
            keys(&mut h, CTRL_SHIFT, Key::E);
        }
        h.get_by_label("Path").focus();
        h.run_steps(2);
        keys(&mut h, Modifiers::COMMAND, Key::A);
        typed(&mut h, &file.display().to_string());
        key(&mut h, Key::Enter);
        wait_for(&mut h, "Saved ");
        assert!(file.exists(), "{what}");
        key(&mut h, Key::Escape);
    }
    assert_eq!(std::fs::read(&path).expect("the stream"), crate::demo::REQUEST);
    let svg = std::fs::read_to_string(folder.path().join("it.svg")).expect("the ladder");
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n") && svg.contains("GET api.shop.test/items?page=1"), "{svg}");
}

#[test]
fn the_user_says_what_a_connection_speaks_and_gives_keys() {
    let mut h = open(100);
    request(&mut h);
    keys(&mut h, CTRL_SHIFT, Key::U);
    h.get_by_label_contains("By its bytes");
    typed(&mut h, "ht");
    key(&mut h, Key::Enter);
    wait_for(&mut h, "Read again as http");
    for (path, says) in [("/tmp/missing", "Nothing there"), ("/tmp/keys.log", "3 keys added")] {
        keys(&mut h, CTRL_SHIFT, Key::K);
        typed(&mut h, path);
        key(&mut h, Key::Enter);
        wait_for(&mut h, says);
    }
}

#[test]
fn a_field_is_explained_beside_its_bytes() {
    let mut h = open(100);
    request(&mut h);
    h.get_by_label_contains("Host: api.shop.test").click();
    settle(&mut h);
    h.get_by_label_contains("The host that the client wants");
    h.get_by_label("Why it is there");
    h.get_by_label("RFC 9110 §7.2");
}

#[test]
fn hover_in_a_list_lights_the_arrow_and_selects_nothing() {
    let mut h = open(100);
    request(&mut h);
    key(&mut h, Key::F3);
    let before = tab(&h).selection;
    let answer = h.get_by_label_contains(": 200 OK,").rect();
    h.hover_at(answer.center());
    h.run_steps(3);
    let lit = tab(&h).hover.row;
    assert!(matches!(lit, Some(What::Message(m)) if tab(&h).snap.summary(m) == "200 OK"), "{lit:?}");
    assert_eq!(tab(&h).selection, before);
}

#[test]
fn views_survive_small_windows_and_nothing_selected() {
    for size in [[1000.0, 600.0], [480.0, 360.0], [200.0, 160.0], [60.0, 40.0]] {
        for packets in [0, 50] {
            let mut h = window(size, prefs(true), &["a.pcap"], packets);
            for k in [Key::F3, Key::F4, Key::F5, Key::Num2, Key::F3, Key::Num4, Key::F4, Key::F2] {
                key(&mut h, k);
            }
            assert_eq!(tab(&h).level, Level::Bytes);
        }
    }
}
