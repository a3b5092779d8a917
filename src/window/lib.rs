//! The native window: it shows what the store holds and what the door reads again for it. It cannot parse.
//!
//! Panels read a snapshot and answer with acts, which are done between frames; a tab has one selection, and every
//! pane shows it. Colours, fonts and sizes come from `theme`; every command stands once, in `command`.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

pub mod act;
pub mod app;
pub mod carried;
pub mod clause;
pub mod command;
pub mod desk;
pub mod diff;
pub mod door;
pub mod errand;
pub mod exports;
pub mod follow;
pub mod format;
pub mod fuzzy;
pub mod held;
pub mod ladder;
pub mod listing;
pub mod objects;
pub mod palette;
pub mod panes;
pub mod prefs;
pub mod rows;
pub mod ruling;
pub mod seeking;
pub mod select;
pub mod sifting;
pub mod sniffing;
pub mod steering;
pub mod strand;
pub mod tab;
pub mod theme;
pub mod trace;
pub mod twins;
pub mod view;
pub mod widgets;

pub use app::App;
pub use door::{
    Capture, Captured, Conversations, Finder, Interfaces, Opener, Proxied, Proxies, Sieve, Waker, Watched, WindowOptions,
};
pub use exports::Exporter;

/// Opens the window and returns when it is closed.
///
/// # Errors
/// A [`wirelore_kit::Problem`] when no window can be opened: no display, no OpenGL.
pub fn run(options: WindowOptions) -> Result<(), wirelore_kit::Problem> {
    let viewport = egui::ViewportBuilder::default()
        .with_title("Wirelore")
        .with_app_id("wirelore")
        .with_inner_size([1480.0, 920.0])
        .with_min_inner_size([480.0, 360.0])
        .with_drag_and_drop(true);
    let native = eframe::NativeOptions {
        viewport,
        renderer: eframe::Renderer::Glow,
        persistence_path: options.state_folder.as_ref().map(|f| f.join("window.ron")),
        ..Default::default()
    };
    eframe::run_native("wirelore", native, Box::new(move |cc| Ok(Box::new(App::new(&cc.egui_ctx, &options, App::kept(cc.storage)))))).map_err(|e| wirelore_kit::Problem {
        what: "The window could not be opened".into(),
        why: format!("{e}."),
        what_to_do: "Check that a display is there (DISPLAY or WAYLAND_DISPLAY) and that it offers OpenGL; without one, LIBGL_ALWAYS_SOFTWARE=1 draws in software. Everything can be done headless too: see `wirelore --help`.".into(),
    })
}
