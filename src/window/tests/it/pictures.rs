//! Pictures of the main panels in both themes. `UPDATE_SNAPSHOTS=1` rewrites them.

use crate::kit::{Window, prefs, settle, shot_in, window};
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use wirelore_window::format::TimeFormat;

fn picture(name: &str, dark: bool, size: [f32; 2], setup: impl FnOnce(&mut Window)) {
    let mut p = prefs(dark);
    p.time = TimeFormat::SinceStart;
    p.drawer = name == "traffic";
    let mut h = window(size, p, &["/captures/shop.pcapng"], 200);
    setup(&mut h);
    shot_in(&mut h, name, dark);
}

fn traffic(h: &mut Window) {
    h.get_by_label_contains("Packet 14: ").click();
    settle(h);
    h.get_by_label_contains("Host: api.shop.test").click();
    settle(h);
}

#[test]
fn traffic_dark() {
    picture("traffic", true, [1180.0, 700.0], traffic);
}

#[test]
fn traffic_light() {
    picture("traffic", false, [1180.0, 700.0], traffic);
}

fn exchanges(h: &mut Window) {
    h.key_press(Key::Num2);
    settle(h);
    for _ in 0..3 {
        h.key_press(Key::ArrowDown);
        h.run_steps(1);
    }
}

#[test]
fn exchanges_dark() {
    picture("exchanges", true, [900.0, 420.0], exchanges);
}

#[test]
fn exchanges_light() {
    picture("exchanges", false, [900.0, 420.0], exchanges);
}

fn palette(h: &mut Window) {
    h.key_press_modifiers(Modifiers::COMMAND, Key::K);
    h.run_steps(2);
    h.event(egui::Event::Text("the".into()));
    h.run_steps(2);
}

#[test]
fn palette_dark() {
    picture("palette", true, [560.0, 360.0], palette);
}

#[test]
fn palette_light() {
    picture("palette", false, [560.0, 360.0], palette);
}

fn statistics(h: &mut Window) {
    h.key_press_modifiers(Modifiers::ALT, Key::Num2);
    settle(h);
}

#[test]
fn statistics_dark() {
    picture("statistics", true, [820.0, 440.0], statistics);
}

#[test]
fn statistics_light() {
    picture("statistics", false, [820.0, 440.0], statistics);
}

fn story(h: &mut Window) {
    h.key_press(Key::Num1);
    settle(h);
}

#[test]
fn story_dark() {
    picture("story", true, [820.0, 400.0], story);
}

#[test]
fn story_light() {
    picture("story", false, [820.0, 400.0], story);
}

/// The request of the second connection, with the pane that shows its conversation.
fn conversation(h: &mut Window, view: Key) {
    h.key_press(Key::Num2);
    settle(h);
    h.key_press(view);
    settle(h);
    h.get_by_label_contains("Exchange: GET api.shop.test/items?page=1;").click();
    settle(h);
}

#[test]
fn ladder_dark() {
    picture("ladder", true, [1240.0, 760.0], |h| conversation(h, Key::F3));
}

#[test]
fn ladder_light() {
    picture("ladder", false, [1240.0, 760.0], |h| conversation(h, Key::F3));
}

#[test]
fn stream_dark() {
    picture("stream", true, [1100.0, 560.0], |h| conversation(h, Key::F4));
}

#[test]
fn stream_light() {
    picture("stream", false, [1100.0, 560.0], |h| conversation(h, Key::F4));
}

/// The body of an exchange's question or answer.
fn body(h: &mut Window, page: u32, answer: bool) {
    h.key_press(Key::Num2);
    settle(h);
    h.key_press(Key::F5);
    settle(h);
    h.get_by_label_contains(&format!("Exchange: GET api.shop.test/items?page={page};")).click();
    settle(h);
    if answer {
        h.key_press(Key::R);
        settle(h);
    }
}

#[test]
fn body_json_dark() {
    picture("body-json", true, [1100.0, 620.0], |h| {
        body(h, 1, true);
        h.get_by_label_contains("\"price\": 19.90").click();
        settle(h);
    });
}

#[test]
fn body_json_light() {
    picture("body-json", false, [1100.0, 620.0], |h| body(h, 1, true));
}

#[test]
fn body_image_dark() {
    picture("body-image", true, [1100.0, 560.0], |h| body(h, 5, true));
}

#[test]
fn body_image_light() {
    picture("body-image", false, [1100.0, 560.0], |h| body(h, 5, true));
}

#[test]
fn body_image_broken_light() {
    picture("body-image-broken", false, [1100.0, 560.0], |h| body(h, 2, true));
}

#[test]
fn body_form_dark() {
    picture("body-form", true, [1100.0, 560.0], |h| body(h, 2, false));
}

#[test]
fn body_form_light() {
    picture("body-form", false, [1100.0, 560.0], |h| body(h, 2, false));
}

fn decode_as(h: &mut Window) {
    h.key_press_modifiers(Modifiers { shift: true, ..Modifiers::COMMAND }, Key::U);
    settle(h);
}

#[test]
fn decode_as_dark() {
    picture("decode-as", true, [620.0, 420.0], decode_as);
}

#[test]
fn decode_as_light() {
    picture("decode-as", false, [620.0, 420.0], decode_as);
}
