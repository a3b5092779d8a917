//! Pictures of the main panels in both themes. `UPDATE_SNAPSHOTS=1` rewrites them.

use crate::kit::{Window, prefs, settle, window};
use egui_kittest::SnapshotOptions;
use egui_kittest::kittest::Queryable as _;
use egui::{Key, Modifiers};
use wirelore_window::format::TimeFormat;

fn options() -> SnapshotOptions {
    SnapshotOptions::new().threshold(0.0).output_path("tests/pictures")
}

fn shot(h: &mut Window, name: &str) {
    settle(h);
    h.remove_cursor();
    h.run_steps(2);
    h.snapshot_options(name, &options());
}

fn themes(name: &str, size: [f32; 2], mut setup: impl FnMut(&mut Window)) {
    for dark in [true, false] {
        let mut p = prefs(dark);
        p.time = TimeFormat::SinceStart;
        p.drawer = name == "traffic";
        let mut h = window(size, p, &["shop.pcapng"], 200);
        setup(&mut h);
        shot(&mut h, &format!("{name}-{}", if dark { "dark" } else { "light" }));
    }
}

#[test]
fn traffic() {
    themes("traffic", [1280.0, 800.0], |h| {
        h.key_press(Key::Num3);
        settle(h);
        h.key_press_modifiers(Modifiers::NONE, Key::ArrowDown);
        settle(h);
        for _ in 0..12 {
            h.key_press(Key::J);
            h.run_steps(1);
        }
        settle(h);
        h.get_by_label_contains("Host: api.shop.test").click();
        settle(h);
    });
}

#[test]
fn exchanges() {
    themes("exchanges", [1000.0, 560.0], |h| {
        h.key_press(Key::Num2);
        settle(h);
        for _ in 0..3 {
            h.key_press(Key::ArrowDown);
            h.run_steps(1);
        }
    });
}

#[test]
fn palette() {
    themes("palette", [760.0, 480.0], |h| {
        h.key_press_modifiers(Modifiers::COMMAND, Key::K);
        h.run_steps(2);
        h.event(egui::Event::Text("the".into()));
        h.run_steps(2);
    });
}
