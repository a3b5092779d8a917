//! What a frame costs us: our own `ui()` over five million packets, without tessellation and drawing.
//!
//! `cargo bench -p wirelore-window`. At 60 frames a second a frame has 16 ms; ours should take a small part of it.

#[path = "../tests/it/demo.rs"]
#[allow(dead_code)]
mod demo;

use egui::{Context, Event, Key, Modifiers, Pos2, RawInput, Rect, vec2};
use std::sync::Arc;
use std::time::Duration;
use wirelore_kit::Explanations;
use wirelore_window::{App, WindowOptions};

const PACKETS: u32 = 5_000_000;

fn main() {
    divan::main();
}

struct Bench {
    ctx: Context,
    app: App,
    time: f64,
}

impl Bench {
    fn new() -> Bench {
        let ctx = Context::default();
        let options = WindowOptions {
            opener: Arc::new(demo::DemoOpener { packets: PACKETS }),
            proxies: None,
            start_proxy: false,
            interfaces: None,
            explanations: Arc::new(Explanations::default()),
            registry: demo::registry(),
            files: vec!["big.pcapng".into()],
            state_folder: None,
            trace: None,
            closing: Arc::default(),
        };
        let app = App::new(&ctx, &options, None);
        let mut b = Bench { ctx, app, time: 0.0 };
        for _ in 0..2000 {
            b.frame(Vec::new());
            if !b.app.busy() {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        b
    }

    fn frame(&mut self, events: Vec<Event>) {
        self.time += 1.0 / 60.0;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(1600.0, 1000.0))),
            time: Some(self.time),
            events,
            ..Default::default()
        };
        let app = &mut self.app;
        let mut out = self.ctx.run_ui(input, |ui| app.frame(ui));
        // Nobody draws here; egui insists that textures are taken.
        out.textures_delta.clear();
    }
}

fn key(key: Key) -> Vec<Event> {
    vec![Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers: Modifiers::NONE }]
}

/// Nothing changes: every text is laid out already.
#[divan::bench]
fn still(b: divan::Bencher<'_, '_>) {
    let mut w = Bench::new();
    b.bench_local(|| w.frame(Vec::new()));
}

/// Every frame one row further, selection and reader along.
#[divan::bench]
fn next_row(b: divan::Bencher<'_, '_>) {
    let mut w = Bench::new();
    b.bench_local(|| w.frame(key(Key::ArrowDown)));
}

/// Every frame a page further: all rows are new.
#[divan::bench]
fn next_page(b: divan::Bencher<'_, '_>) {
    let mut w = Bench::new();
    b.bench_local(|| w.frame(key(Key::PageDown)));
}

/// From one end to the other.
#[divan::bench]
fn first_and_last(b: divan::Bencher<'_, '_>) {
    let mut w = Bench::new();
    let mut end = false;
    b.bench_local(|| {
        end = !end;
        w.frame(key(if end { Key::End } else { Key::Home }));
    });
}
