//! The harness: a window over the demonstration, that waits for its threads.

use crate::demo::DemoOpener;
use crate::soft::Soft;
use egui_kittest::{Harness, SnapshotOptions};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wirelore_kit::Explanations;
use wirelore_window::prefs::{Prefs, ThemeChoice};
use wirelore_window::{App, Interfaces, Proxies, WindowOptions};

pub type Window = Harness<'static, App>;

pub fn prefs(dark: bool) -> Prefs {
    Prefs { theme: if dark { ThemeChoice::Dark } else { ThemeChoice::Light }, ..Prefs::default() }
}

/// A window of `size` points with `files` open, each of `packets` packets.
pub fn window(size: [f32; 2], prefs: Prefs, files: &[&str], packets: u32) -> Window {
    window_with(size, prefs, files, packets, None)
}

/// The same, with proxies to start.
pub fn window_with(size: [f32; 2], prefs: Prefs, files: &[&str], packets: u32, proxies: Option<Arc<dyn Proxies>>) -> Window {
    make(size, prefs, files, packets, proxies, None)
}

/// A window with an empty tab, proxies and interfaces.
pub fn window_live(
    size: [f32; 2],
    prefs: Prefs,
    proxies: Option<Arc<dyn Proxies>>,
    interfaces: Option<Arc<dyn Interfaces>>,
) -> Window {
    make(size, prefs, &[], 0, proxies, interfaces)
}

fn make(
    size: [f32; 2],
    prefs: Prefs,
    files: &[&str],
    packets: u32,
    proxies: Option<Arc<dyn Proxies>>,
    interfaces: Option<Arc<dyn Interfaces>>,
) -> Window {
    let files: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
    let prose = Explanations::parse("[field.\"http.host\"]\nwhat = \"The host that the client wants, by the name it used.\"\nwhy = \"One address may serve many hosts.\"\n").expect("prose");
    let mut h =
        Harness::builder().with_size(size).with_pixels_per_point(1.0).with_max_steps(40).renderer(Soft::default()).build_eframe(
            move |cc| {
                let options = WindowOptions {
                    opener: Arc::new(DemoOpener { packets }),
                    proxies: proxies.clone(),
                    start_proxy: false,
                    interfaces: interfaces.clone(),
                    explanations: Arc::new(prose.clone()),
                    registry: crate::demo::registry(),
                    files,
                    state_folder: None,
                    trace: None,
                    closing: Arc::default(),
                };
                App::new(&cc.egui_ctx, &options, Some(prefs))
            },
        );
    settle(&mut h);
    h
}

/// Runs frames until nothing is under way any more.
pub fn settle(h: &mut Window) {
    let end = Instant::now() + Duration::from_secs(30);
    h.run_steps(3);
    while h.state().busy() {
        assert!(Instant::now() < end, "the window is still busy after 30 s");
        std::thread::sleep(Duration::from_millis(3));
        h.run_steps(2);
    }
    h.run_steps(3);
}

/// Holds the window against its picture of that name.
pub fn shot(h: &mut Window, name: &str) {
    settle(h);
    h.remove_cursor();
    h.run_steps(12);
    h.snapshot_options(name, &SnapshotOptions::new().threshold(0.0).output_path("tests/pictures"));
}

/// The same, in a theme.
pub fn shot_in(h: &mut Window, name: &str, dark: bool) {
    shot(h, &format!("{name}-{}", if dark { "dark" } else { "light" }));
}
