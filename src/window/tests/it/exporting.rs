//! Taking out as a person does it: the dialog by keys and clicks, what is ordered by it, objects with their preview, marks.

use crate::kit::{Window, prefs, settle, shot_in, window};
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use wirelore_window::select::Level;

const CTRL_SHIFT: Modifiers = Modifiers { alt: false, ctrl: false, shift: true, mac_cmd: false, command: true };

fn open() -> Window {
    window([1180.0, 700.0], prefs(true), &["/captures/shop.pcapng"], 200)
}

fn key(h: &mut Window, m: Modifiers, k: Key) {
    h.key_press_modifiers(m, k);
    settle(h);
}

/// Opens the dialog, sets it, and gives what was ordered.
fn ordered(h: &mut Window, set: impl FnOnce(&mut Window)) -> String {
    key(h, CTRL_SHIFT, Key::X);
    set(h);
    let file = tempfile::NamedTempFile::new().expect("a file");
    h.get_by_label("Path").click();
    h.run_steps(2);
    h.key_press_modifiers(Modifiers::COMMAND, Key::A);
    h.event(egui::Event::Text(file.path().display().to_string()));
    h.run_steps(2);
    h.key_press(Key::Enter);
    settle(h);
    std::fs::read_to_string(file.path()).expect("an order")
}

#[test]
fn everything_goes_out_unless_a_filter_or_a_choice_says_otherwise() {
    let mut h = open();
    assert_eq!(ordered(&mut h, |_| {}), "Pcapng all Packets keys Needed redact false columns ");
    h.get_by_label("Copy path");
    key(&mut h, Modifiers::COMMAND, Key::Slash);
    h.event(egui::Event::Text("http.request.method == \"GET\"".into()));
    settle(&mut h);
    key(&mut h, Modifiers::NONE, Key::Enter);
    let shown = h.state().tab().map(|t| t.listing().len(&t.snap)).expect("a list");
    assert_eq!(ordered(&mut h, |_| {}), format!("Pcapng {shown} Packets keys Needed redact false columns "));
}

#[test]
fn a_table_of_the_selected_connection_in_columns_of_ones_own() {
    let mut h = open();
    key(&mut h, Modifiers::NONE, Key::Num2);
    h.state();
    for _ in 0..3 {
        key(&mut h, Modifiers::NONE, Key::ArrowDown);
    }
    let order = ordered(&mut h, |h| {
        h.get_by_label("CSV").click();
        h.run_steps(3);
        h.get_all_by_label("Connection").last().expect("a scope").click();
        h.run_steps(2);
        // The list behind has a level of that name too.
        h.get_all_by_label("Exchanges").last().expect("a switch").click();
        h.run_steps(2);
        h.get_all_by_label("Columns").last().expect("a field").click();
        h.run_steps(2);
        h.event(egui::Event::Text("frame.number, http.host".into()));
        h.run_steps(2);
    });
    assert_eq!(order, "Csv 1 Exchanges keys Needed redact false columns frame.number|http.host");
}

#[test]
fn marked_packets_go_out_redacted_and_the_report_is_shown() {
    let mut h = open();
    for _ in 0..2 {
        key(&mut h, Modifiers::NONE, Key::M);
        key(&mut h, Modifiers::NONE, Key::ArrowDown);
        key(&mut h, Modifiers::NONE, Key::ArrowDown);
    }
    let order = ordered(&mut h, |h| {
        h.get_by_label("Marked").click();
        h.run_steps(2);
        h.get_by_label_contains("Replace passwords").click();
        h.run_steps(2);
    });
    assert_eq!(order, "Pcapng 2 Packets keys None redact true columns ");
    h.get_by_label_contains("3 passwords were replaced");
    key(&mut h, Modifiers::SHIFT, Key::M);
    assert_eq!(h.state().tab().and_then(|t| t.selection.packet), Some(0));
}

#[test]
fn secrets_that_are_still_there_are_no_success() {
    let mut h = open();
    let order = ordered(&mut h, |h| {
        h.get_by_label("Capture (pcap)").click();
        h.run_steps(2);
        h.get_by_label_contains("Replace passwords").click();
        h.run_steps(2);
        h.get_by_label_contains("they would open what cannot be replaced");
    });
    assert_eq!(order, "Pcap all Packets keys None redact true columns ");
    h.get_by_label_contains("1 secret is STILL THERE");
}

#[test]
fn parquet_goes_to_a_folder_in_columns_of_its_own() {
    let mut h = open();
    let order = ordered(&mut h, |h| {
        h.get_by_label("Parquet").click();
        h.run_steps(3);
        h.get_by_label("Folder");
        assert!(h.query_by_label("Columns").is_none(), "its columns are typed, and fixed");
    });
    assert_eq!(order, "Parquet all Packets keys Needed redact false columns ");
}

#[test]
fn what_cannot_be_written_is_said_and_the_capture_stays() {
    let mut h = open();
    key(&mut h, CTRL_SHIFT, Key::X);
    h.get_by_label("Path").click();
    h.run_steps(2);
    h.key_press_modifiers(Modifiers::COMMAND, Key::A);
    h.event(egui::Event::Text("/no/such/folder/x.pcapng".into()));
    h.run_steps(2);
    h.key_press(Key::Enter);
    settle(&mut h);
    h.get_by_label_contains("/no/such/folder/x.pcapng was not written");
}

#[test]
fn objects_are_listed_previewed_walked_by_keys_and_lead_to_their_message() {
    let mut h = open();
    key(&mut h, Modifiers::ALT, Key::Num3);
    h.get_by_label_contains("/items/1, application/json").click();
    settle(&mut h);
    let chosen = |h: &Window| h.state().tab().and_then(|t| t.selection.message);
    let first = chosen(&h);
    assert!(first.is_some());
    key(&mut h, Modifiers::NONE, Key::ArrowDown);
    assert!(chosen(&h) != first);
    h.get_by_label("Save…").click();
    settle(&mut h);
    key(&mut h, Modifiers::NONE, Key::Enter);
    h.get_by_label_contains("bytes of /items/");
    key(&mut h, Modifiers::ALT, Key::Num1);
    assert_eq!(h.state().tab().map(|t| t.level), Some(Level::Packets));
}

fn picture(name: &str, dark: bool, setup: impl FnOnce(&mut Window)) {
    let mut h = window([1180.0, 700.0], prefs(dark), &["/captures/shop.pcapng"], 200);
    setup(&mut h);
    shot_in(&mut h, name, dark);
}

#[test]
fn export_dark() {
    picture("export", true, |h| key(h, CTRL_SHIFT, Key::X));
}

#[test]
fn export_light() {
    picture("export", false, |h| {
        key(h, CTRL_SHIFT, Key::X);
        h.get_by_label("CSV").click();
        h.run_steps(3);
    });
}

#[test]
fn objects_dark() {
    picture("objects", true, |h| {
        key(h, Modifiers::ALT, Key::Num3);
        h.get_by_label_contains("/items/5, image/png").click();
    });
}
