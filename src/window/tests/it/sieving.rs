//! Filtering and finding as a person does it: what a text means is seen while it is typed, and hits are walked.

use crate::kit::{Window, prefs, settle, shot, window};
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use wirelore_window::select::Level;
use wirelore_window::sifting::{Meaning, Sift};
use wirelore_window::tab::Tab;

const CTRL: Modifiers = Modifiers::COMMAND;

fn open() -> Window {
    window([1180.0, 700.0], prefs(true), &["/captures/shop.pcapng"], 200)
}

fn tab(h: &Window) -> &Tab {
    h.state().tab().expect("a capture is open")
}

fn rows(h: &Window) -> u64 {
    tab(h).listing().len(&tab(h).snap)
}

fn key(h: &mut Window, m: Modifiers, k: Key) {
    h.key_press_modifiers(m, k);
    settle(h);
}

fn typed(h: &mut Window, text: &str) {
    h.event(egui::Event::Text(text.into()));
    settle(h);
}

fn filter(h: &mut Window, text: &str) {
    key(h, CTRL, Key::Slash);
    typed(h, text);
}

#[test]
fn a_filter_lists_what_passes_it() {
    let mut h = open();
    filter(&mut h, "http.request.method == \"GET\"");
    assert!(matches!(tab(&h).sifting.sift(), Sift::Filter(_)));
    let shown = rows(&h);
    assert!(shown > 0 && shown < 200, "{shown}");
    key(&mut h, Modifiers::NONE, Key::Escape);
    assert_eq!(rows(&h), 200);
}

#[test]
fn a_filter_that_is_none_yet_leaves_the_list_and_says_what_is_wrong() {
    let mut h = open();
    filter(&mut h, "http");
    let before = rows(&h);
    typed(&mut h, ".hots == \"x\"");
    assert!(matches!(tab(&h).sifting.meaning(), Meaning::Wrong(_)));
    assert_eq!(rows(&h), before);
    assert!(h.query_all_by_label_contains("http.host").next().is_some());
    shot(&mut h, "filter-wrong-dark");
}

#[test]
fn words_that_are_no_filter_are_looked_for() {
    let mut h = open();
    filter(&mut h, "api.shop.test");
    assert_eq!(*tab(&h).sifting.sift(), Sift::Words("api.shop.test".into()));
    assert!(rows(&h) > 0);
}

#[test]
fn tab_takes_the_first_suggestion_and_the_field_keeps_the_keys() {
    let mut h = open();
    filter(&mut h, "http.response.c");
    shot(&mut h, "filter-typing-dark");
    key(&mut h, Modifiers::NONE, Key::Tab);
    typed(&mut h, " == 200");
    assert_eq!(tab(&h).sifting.text, "http.response.code == 200");
    assert!(matches!(tab(&h).sifting.meaning(), Meaning::Filter(_)));
}

#[test]
fn a_filter_that_was_entered_is_proposed_in_an_empty_field() {
    let mut h = open();
    filter(&mut h, "dns");
    key(&mut h, Modifiers::NONE, Key::Enter);
    assert_eq!(h.state().prefs().filters, ["dns"]);
    filter(&mut h, "");
    key(&mut h, Modifiers::NONE, Key::Escape);
    key(&mut h, CTRL, Key::Slash);
    key(&mut h, Modifiers::NONE, Key::ArrowDown);
    key(&mut h, Modifiers::NONE, Key::Enter);
    assert_eq!(tab(&h).sifting.text, "dns");
}

#[test]
fn a_field_filters_by_its_value() {
    let mut h = open();
    h.get_by_label_contains("Packet 14: ").click();
    settle(&mut h);
    h.get_by_label_contains("Host: api.shop.test").click();
    settle(&mut h);
    key(&mut h, CTRL, Key::K);
    typed(&mut h, "Filter by this value");
    key(&mut h, Modifiers::NONE, Key::Enter);
    assert_eq!(tab(&h).sifting.text, "http.host == \"api.shop.test\"");
    assert!(rows(&h) > 0 && rows(&h) < 200);
}

/// Rows lie over their list and took the right click that opens its menu: it never opened.
#[test]
fn a_right_click_on_a_field_opens_its_menu() {
    let mut h = open();
    h.get_by_label_contains("Packet 14: ").click();
    settle(&mut h);
    h.get_by_label_contains("Host: api.shop.test").click_secondary();
    settle(&mut h);
    shot(&mut h, "field-menu-dark");
    h.get_by_label("Filter out this value").click();
    settle(&mut h);
    assert_eq!(tab(&h).sifting.text, "!(http.host == \"api.shop.test\")");
}

/// The same in a list.
#[test]
fn a_right_click_on_a_row_opens_its_menu() {
    let mut h = open();
    h.get_by_label_contains("Packet 14: ").click_secondary();
    settle(&mut h);
    h.get_by_label("Filter this connection").click();
    settle(&mut h);
    assert!(tab(&h).only.is_some());
}

#[test]
fn hits_are_found_in_order_and_walked_round() {
    let mut h = open();
    key(&mut h, CTRL, Key::F);
    typed(&mut h, "page=1");
    key(&mut h, Modifiers::NONE, Key::Enter);
    let (at, first) = tab(&h).seeking.here().expect("a hit");
    assert_eq!((at, tab(&h).selection.message), (0, first.message));
    let n = tab(&h).seeking.count();
    key(&mut h, CTRL, Key::B);
    assert_eq!(tab(&h).seeking.here().map(|(i, _)| i), Some(n - 1));
    key(&mut h, CTRL, Key::N);
    assert_eq!(tab(&h).seeking.here().map(|(i, _)| i), Some(0));
    shot(&mut h, "find-dark");
    key(&mut h, Modifiers::NONE, Key::Escape);
    assert!(!tab(&h).seeking.open);
}

#[test]
fn a_search_that_finds_nothing_or_cannot_be_made_says_so() {
    let mut h = open();
    key(&mut h, CTRL, Key::F);
    typed(&mut h, "nowhere to be found");
    key(&mut h, Modifiers::NONE, Key::Enter);
    assert_eq!(tab(&h).seeking.count(), 0);
    h.get_by_label("Regex").click();
    settle(&mut h);
    key(&mut h, Modifiers::NONE, Key::Enter);
    assert!(tab(&h).seeking.failed().is_some());
    assert_eq!(tab(&h).level, Level::Packets);
}
