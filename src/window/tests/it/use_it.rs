//! What a person does, and what must come of it.

use crate::kit::{Window, prefs, settle, window};
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use wirelore_kit::What;
use wirelore_window::select::{Focus, Level};
use wirelore_window::tab::{Region, Tab};

fn open(packets: u32) -> Window {
    window([1280.0, 800.0], prefs(true), &["shop.pcapng"], packets)
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

fn typed(h: &mut Window, text: &str) {
    h.event(egui::Event::Text(text.into()));
    settle(h);
}

#[test]
fn a_click_on_a_row_selects_it_and_the_reader_follows() {
    let mut h = open(100);
    h.get_by_label_contains("Packet 14: ").click();
    settle(&mut h);
    assert_eq!(tab(&h).selection.packet, Some(13));
    assert_eq!(tab(&h).shown().map(|t| t.of), Some(What::Packet(13)));
    h.get_by_label_contains("Host: api.shop.test").click();
    settle(&mut h);
    let span = tab(&h).selection.span.expect("bytes are selected with the field");
    assert_eq!((span.at, span.len), (88, 13));
}

#[test]
fn five_million_rows_scroll_by_keys_and_end_at_the_end() {
    let mut h = open(5_000_000);
    key(&mut h, Key::End);
    assert_eq!(tab(&h).selection.packet, Some(4_999_999));
    h.get_by_label_contains("Packet 5000000: ");
    key(&mut h, Key::K);
    assert_eq!(tab(&h).selection.packet, Some(4_999_998));
    key(&mut h, Key::G);
    assert_eq!(tab(&h).selection.packet, Some(0));
    keys(&mut h, Modifiers::SHIFT, Key::G);
    assert_eq!(tab(&h).selection.packet, Some(4_999_999));
}

#[test]
fn depth_changes_nothing_that_is_selected_and_leads_back() {
    let mut h = open(100);
    h.get_by_label_contains("Packet 14: ").click();
    settle(&mut h);
    let before = tab(&h).selection;
    assert!(before.message.is_some(), "the request ends in packet 14");
    key(&mut h, Key::Num2);
    assert_eq!(
        (tab(&h).level, tab(&h).selection.message, tab(&h).selection.packet),
        (Level::Exchanges, before.message, before.packet)
    );
    assert!(matches!(tab(&h).selection.subject(), Some(What::Message(_))));
    key(&mut h, Key::Num1);
    assert_eq!(tab(&h).selection.message, before.message);
    key(&mut h, Key::Num3);
    assert_eq!((tab(&h).selection.packet, tab(&h).selection.focus), (before.packet, Focus::Packet));
    key(&mut h, Key::Num4);
    assert_eq!(tab(&h).selection.packet, before.packet);
}

#[test]
fn keyboard_alone_reaches_fields_and_bytes() {
    let mut h = open(100);
    for _ in 0..13 {
        key(&mut h, Key::ArrowDown);
    }
    assert_eq!(tab(&h).selection.packet, Some(13));
    key(&mut h, Key::F6);
    assert_eq!(tab(&h).region, Region::Fields);
    key(&mut h, Key::ArrowDown);
    assert_eq!(tab(&h).selection.node, Some(0));
    key(&mut h, Key::ArrowRight);
    key(&mut h, Key::ArrowRight);
    assert_eq!(tab(&h).selection.node, Some(1), "right unfolds, then goes in");
    key(&mut h, Key::ArrowLeft);
    assert_eq!(tab(&h).selection.node, Some(0), "left goes to the parent");
    key(&mut h, Key::F6);
    assert_eq!(tab(&h).region, Region::Bytes);
    key(&mut h, Key::L);
    let span = tab(&h).selection.span.expect("a byte is selected");
    assert!(span.at >= 14, "one step out of the Ethernet header, not through each of its bytes: {span:?}");
    assert_eq!(tab(&h).selection.packet, Some(13), "the packet stays");
}

#[test]
fn a_byte_asks_for_its_field() {
    let mut h = open(100);
    h.get_by_label_contains("Packet 14: ").click();
    settle(&mut h);
    key(&mut h, Key::F6);
    key(&mut h, Key::F6);
    for _ in 0..6 {
        key(&mut h, Key::ArrowDown);
    }
    let t = tab(&h);
    let shown = t.shown().expect("a tree");
    let node = t.selection.node.and_then(|n| shown.tree.nodes.get(n)).expect("a field is selected");
    assert!(node.field.name.starts_with("http"), "{}", node.field.name);
}

#[test]
fn a_filter_keeps_the_selection_and_says_that_it_is_hidden() {
    let mut h = open(100);
    h.get_by_label_contains("Packet 14: ").click();
    settle(&mut h);
    keys(&mut h, Modifiers::NONE, Key::Slash);
    typed(&mut h, "192.0.2.53");
    let t = tab(&h);
    assert_eq!(t.sifting.text, "192.0.2.53");
    let shown = t.listing().len(&t.snap);
    assert!(shown > 0 && shown < 100, "{shown}");
    assert_eq!(t.selection.packet, Some(13));
    h.get_by_label_contains("hidden by the filter").click();
    settle(&mut h);
    assert_eq!((tab(&h).sifting.text.as_str(), tab(&h).listing().len(&tab(&h).snap)), ("", 100));
}

#[test]
fn letters_typed_into_the_filter_are_no_commands() {
    let mut h = open(100);
    keys(&mut h, Modifiers::COMMAND, Key::Slash);
    for (k, t) in [(Key::J, "j"), (Key::Num2, "2"), (Key::G, "g")] {
        h.key_press(k);
        h.event(egui::Event::Text(t.into()));
        settle(&mut h);
    }
    assert_eq!(tab(&h).sifting.text, "j2g");
    assert_eq!((tab(&h).level, tab(&h).selection.packet), (Level::Packets, Some(0)));
}

#[test]
fn the_palette_does_commands_and_goes_to_packets() {
    let mut h = open(100);
    keys(&mut h, Modifiers::COMMAND, Key::K);
    typed(&mut h, "light th");
    key(&mut h, Key::Enter);
    assert_eq!(h.state().prefs().theme, wirelore_window::prefs::ThemeChoice::Light);
    keys(&mut h, Modifiers::COMMAND, Key::G);
    typed(&mut h, "42");
    key(&mut h, Key::Enter);
    assert_eq!(tab(&h).selection.packet, Some(41));
    keys(&mut h, Modifiers::COMMAND, Key::G);
    typed(&mut h, "4200");
    key(&mut h, Key::Enter);
    h.get_by_label_contains("There is no packet 4200");
    key(&mut h, Key::Escape);
    assert_eq!(tab(&h).selection.packet, Some(41));
}

#[test]
fn back_and_forward_walk_selection_and_depth() {
    let mut h = open(100);
    key(&mut h, Key::ArrowDown);
    key(&mut h, Key::End);
    key(&mut h, Key::Num2);
    keys(&mut h, Modifiers::ALT, Key::ArrowLeft);
    assert_eq!((tab(&h).level, tab(&h).selection.packet), (Level::Packets, Some(99)));
    keys(&mut h, Modifiers::ALT, Key::ArrowLeft);
    assert_eq!(tab(&h).selection.packet, Some(1));
    keys(&mut h, Modifiers::ALT, Key::ArrowRight);
    assert_eq!(tab(&h).selection.packet, Some(99));
}

#[test]
fn question_and_answer_are_one_key_apart() {
    let mut h = open(100);
    h.get_by_label_contains("Packet 14: ").click();
    settle(&mut h);
    let ask = tab(&h).selection.message;
    key(&mut h, Key::R);
    let answer = tab(&h).selection.message;
    assert_ne!(ask, answer);
    key(&mut h, Key::R);
    assert_eq!(tab(&h).selection.message, ask);
}

#[test]
fn provenance_of_a_response_field_leads_to_both_of_its_packets() {
    let mut h = open(100);
    h.get_by_label_contains("Packet 14: ").click();
    settle(&mut h);
    key(&mut h, Key::F10);
    key(&mut h, Key::R);
    h.get_by_label_contains("Hypertext Transfer Protocol").click();
    settle(&mut h);
    h.get_by_label_contains("Packet 16 · bytes 54").click();
    settle(&mut h);
    assert_eq!((tab(&h).level, tab(&h).selection.packet), (Level::Packets, Some(15)));
}

#[test]
fn a_file_that_cannot_be_opened_says_why_and_what_to_do() {
    let mut h = window([900.0, 600.0], prefs(true), &[], 10);
    keys(&mut h, Modifiers::COMMAND, Key::O);
    typed(&mut h, "/tmp/missing");
    key(&mut h, Key::Enter);
    h.get_by_label_contains("There is no such file");
    h.get_by_label_contains("Check the path");
    key(&mut h, Key::Escape);
    assert!(h.query_by_label_contains("There is no such file").is_none());
    keys(&mut h, Modifiers::COMMAND, Key::O);
    typed(&mut h, "'/tmp/there.pcap'");
    key(&mut h, Key::Enter);
    assert_eq!(tab(&h).title, "there.pcap", "quotes of a pasted path are not part of it");
}

#[test]
fn tabs_open_and_close() {
    let mut h = window([1000.0, 600.0], prefs(true), &["a.pcap", "b.pcap"], 50);
    assert_eq!(tab(&h).title, "b.pcap");
    keys(&mut h, Modifiers::COMMAND, Key::W);
    assert_eq!(tab(&h).title, "a.pcap");
    keys(&mut h, Modifiers::COMMAND, Key::W);
    assert!(h.state().tab().is_none());
    assert_eq!(h.state().prefs().recent.len(), 2);
}

#[test]
fn small_windows_do_not_panic() {
    for size in [[480.0, 360.0], [400.0, 300.0], [200.0, 160.0], [60.0, 40.0]] {
        let mut h = window(size, prefs(true), &["a.pcap"], 50);
        for k in [Key::Num1, Key::Num2, Key::Num4, Key::F10] {
            key(&mut h, k);
        }
        keys(&mut h, Modifiers::ALT, Key::Num2);
        keys(&mut h, Modifiers::ALT, Key::Num3);
        keys(&mut h, Modifiers::COMMAND, Key::K);
    }
}

#[test]
fn an_empty_capture_says_so() {
    let mut h = window([900.0, 600.0], prefs(false), &["empty.pcap"], 0);
    assert_eq!(tab(&h).listing().len(&tab(&h).snap), 0);
    for k in [Key::Num1, Key::Num2, Key::Num4, Key::Num3, Key::End, Key::N] {
        key(&mut h, k);
    }
    assert_eq!(tab(&h).selection.focus, Focus::Nothing);
}

#[test]
fn hover_lights_bytes_and_fields_both_ways_and_selects_nothing() {
    let mut h = open(100);
    h.get_by_label_contains("Packet 14: ").click();
    settle(&mut h);
    let before = tab(&h).selection;
    let field = h.get_by_label_contains("Host: api.shop.test").rect();
    h.hover_at(field.center());
    h.run_steps(3);
    let hover = tab(&h).hover;
    assert_eq!(hover.span.map(|s| (s.at, s.len)), Some((88, 13)));
    // From the bytes back: the first bytes of the packet are Ethernet's destination.
    let bytes = h.get_by_label("Bytes of Packet 14").rect();
    h.hover_at(egui::pos2(bytes.left() + 70.0, bytes.top() + 8.0));
    h.run_steps(3);
    let t = tab(&h);
    let shown = t.shown().expect("a tree");
    let lit = t.hover.node.and_then(|n| shown.tree.nodes.get(n)).map(|n| n.field.name);
    assert_eq!(lit, Some("eth.dst"));
    assert_eq!(t.selection, before);
}

#[derive(Debug)]
struct Dropped(std::path::PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &std::path::Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Ok(Vec::new())
    }
}

#[test]
fn a_file_dropped_on_the_window_opens() {
    let mut h = window([900.0, 600.0], prefs(true), &[], 10);
    h.input_mut().dropped_files.push(std::sync::Arc::new(Dropped("/tmp/dropped.pcapng".into())));
    settle(&mut h);
    assert_eq!(tab(&h).title, "dropped.pcapng");
}

#[test]
fn a_secret_is_covered_until_it_is_selected() {
    let mut h = open(100);
    h.get_by_label_contains("Packet 14: ").click();
    settle(&mut h);
    h.get_by_label("Authorization: ••••••••");
    assert!(h.query_by_label_contains("s3cr3t").is_none());
}

#[test]
fn escape_in_the_filter_brings_every_row_back() {
    let mut h = open(100);
    keys(&mut h, Modifiers::COMMAND, Key::Slash);
    typed(&mut h, "nothing holds this");
    assert_eq!(tab(&h).listing().len(&tab(&h).snap), 0);
    key(&mut h, Key::Escape);
    assert_eq!(tab(&h).listing().len(&tab(&h).snap), 100);
    key(&mut h, Key::J);
    assert_eq!(tab(&h).selection.packet, Some(1), "keys go to the list again");
}

#[test]
fn enter_in_the_filter_gives_the_keys_to_the_list() {
    let mut h = open(100);
    key(&mut h, Key::F6);
    assert_eq!(tab(&h).region, Region::Fields);
    keys(&mut h, Modifiers::COMMAND, Key::Slash);
    typed(&mut h, "192.168");
    key(&mut h, Key::Enter);
    assert_eq!(tab(&h).region, Region::List);
    key(&mut h, Key::J);
    assert_eq!((tab(&h).selection.packet, tab(&h).sifting.text.as_str()), (Some(1), "192.168"));
}

#[test]
fn the_wheel_and_the_scrollbar_move_the_list() {
    let mut h = open(5_000_000);
    h.hover_at(egui::pos2(300.0, 400.0));
    h.run_steps(2);
    h.event(egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Line,
        delta: egui::vec2(0.0, -10.0),
        phase: egui::TouchPhase::Move,
        modifiers: Modifiers::NONE,
        source: egui::MouseWheelSource::Wheel,
    });
    h.run_steps(20);
    let top = tab(&h).packet_list.top;
    assert!(top > 1.0, "{top}");
    let bar = h.get_by_label("Scrollbar of Packets").rect();
    h.drag_at(egui::pos2(bar.center().x, bar.top() + 20.0));
    h.run_steps(2);
    h.hover_at(egui::pos2(bar.center().x, bar.bottom() - 2.0));
    h.run_steps(2);
    h.drop_at(egui::pos2(bar.center().x, bar.bottom() - 2.0));
    settle(&mut h);
    let t = tab(&h);
    assert!(t.packet_list.top > 4_900_000.0, "{}", t.packet_list.top);
    assert_eq!(t.selection.packet, Some(0), "scrolling selects nothing");
}

#[test]
fn a_line_of_a_body_selects_its_bytes_and_the_switch_shows_it_otherwise() {
    let mut h = open(100);
    key(&mut h, Key::Num2);
    key(&mut h, Key::F5);
    h.get_by_label_contains("Exchange: GET api.shop.test/items?page=1;").click();
    settle(&mut h);
    key(&mut h, Key::R);
    h.get_by_label("      \"price\": 19.90").click();
    settle(&mut h);
    let (_, body) = crate::demo::carried(1, wirelore_kit::Dir::ToClient).expect("a body");
    let span = tab(&h).selection.span.expect("bytes are selected");
    assert_eq!(span.buf, wirelore_kit::BufId::part(0));
    assert_eq!(&body[span.at as usize..span.end() as usize], b"\"price\":19.90");
    assert!(tab(&h).selection.message.is_some(), "the message stays");
    h.get_by_label("Raw").click();
    settle(&mut h);
    h.get_by_label("{\"items\":[{\"name\":\"lamp\",\"price\":19.90}],\"next\":4}");
    key(&mut h, Key::X);
    assert!(
        h.query_by_label("{\"items\":[{\"name\":\"lamp\",\"price\":19.90}],\"next\":4}").is_none(),
        "as bytes there are no lines"
    );
    key(&mut h, Key::X);
    h.get_by_label("      \"price\": 19.90");
}
