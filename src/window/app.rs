//! The window itself: tabs, bars and panes in their places, keys, and what is done between frames.

mod doing;
mod export;
mod sniff;
mod steer;

use crate::act::{Act, Choose, Saving};
use crate::clause::Joining;
use crate::command::Command;
use crate::door::{Interfaces, Opener, Proxies, Trace, Waker, WindowOptions};
use crate::errand::{Errands, News};
use crate::exports::wish::Scope;
use crate::exports::{Exports, Object, Wish};
use crate::follow::SaveAs;
use crate::palette::{Offers, Palette};
use crate::panes::bars::{self, Place, TabHead};
use crate::panes::dialogs::{self, Dialog};
use crate::panes::filter::FilterEdit;
use crate::panes::{Cx, find, objects, rules, settings, sources, start, statistics, status, stream, traffic};
use crate::prefs::{Prefs, SIZES, StreamForm, ThemeChoice, USUAL_SIZE, View};
use crate::select::{Level, Selection};
use crate::sniffing::Choosing;
use crate::tab::{Region, Tab};
use crate::theme::{self, Density, Look};
use crate::trace::Traced;
use crate::widgets::split::GUTTER;
use crate::widgets::toast::Toasts;
use egui::{Context, Id, Key, Modifiers, Rect, Ui, pos2, vec2};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wirelore_filter::Registry;
use wirelore_kit::Explanations;

/// Under this name the preferences are kept.
const KEPT: &str = "wirelore";

/// The window.
pub struct App {
    opener: Arc<dyn Opener>,
    proxies: Option<Arc<dyn Proxies>>,
    prose: Arc<Explanations>,
    registry: &'static Registry,
    prefs: Prefs,
    // Boxed: an empty tab costs nothing.
    tabs: Vec<Option<Box<Tab>>>,
    current: usize,
    place: Place,
    palette: Option<Palette>,
    dialog: Dialog,
    toasts: Toasts,
    acts: Vec<Act>,
    waker: Waker,
    errands: Errands,
    exports: Exports,
    /// What was exported last: the dialog begins with it.
    wish: Wish,
    /// The object that a dialog asks a path for.
    object: Option<Object>,
    interfaces: Option<Arc<dyn Interfaces>>,
    choosing: Option<Choosing>,
    focus_filter: bool,
    focus_region: Option<Region>,
    applied: Option<(bool, f32, Density)>,
    title: String,
    trace: Option<Trace>,
    closing: Arc<AtomicBool>,
}

impl App {
    /// A window over `options`, with what was kept of earlier ones.
    #[must_use]
    pub fn new(ctx: &Context, options: &WindowOptions, kept: Option<Prefs>) -> App {
        theme::fonts::install(ctx);
        let woken = ctx.clone();
        let waker: Waker = Arc::new(move || woken.request_repaint());
        let mut app = App {
            opener: options.opener.clone(),
            proxies: options.proxies.clone(),
            prose: options.explanations.clone(),
            registry: options.registry,
            prefs: kept.unwrap_or_default().checked(),
            tabs: vec![None],
            current: 0,
            place: Place::Traffic,
            palette: None,
            dialog: Dialog::Closed,
            toasts: Toasts::default(),
            acts: Vec::new(),
            errands: Errands::new(waker.clone()),
            exports: Exports::new(waker.clone()),
            wish: Wish::default(),
            object: None,
            waker,
            choosing: options.interfaces.as_ref().map(|_| Choosing::default()),
            interfaces: options.interfaces.clone(),
            focus_filter: false,
            focus_region: Some(Region::List),
            applied: None,
            title: String::new(),
            trace: options.trace.clone(),
            closing: Arc::clone(&options.closing),
        };
        app.apply_look(ctx);
        for file in &options.files {
            app.open(ctx, file);
        }
        if options.start_proxy {
            app.start_proxy(ctx);
        }
        app
    }

    /// What is kept of an eframe storage.
    #[must_use]
    pub fn kept(storage: Option<&dyn eframe::Storage>) -> Option<Prefs> {
        eframe::get_value(storage?, KEPT)
    }

    /// What will be kept.
    #[must_use]
    pub const fn prefs(&self) -> &Prefs {
        &self.prefs
    }

    /// The open capture that is shown.
    #[must_use]
    pub fn tab(&self) -> Option<&Tab> {
        self.tabs.get(self.current).and_then(|t| t.as_deref())
    }

    fn tab_mut(&mut self) -> Option<&mut Tab> {
        self.tabs.get_mut(self.current).and_then(|t| t.as_deref_mut())
    }

    /// Whether something is under way in the shown tab.
    #[must_use]
    pub fn busy(&self) -> bool {
        self.tab().is_some_and(Tab::busy)
    }

    fn look(&self, ctx: &Context) -> Look {
        self.prefs.look(ctx.system_theme().is_none_or(|t| t == egui::Theme::Dark))
    }

    fn apply_look(&mut self, ctx: &Context) {
        let look = self.look(ctx);
        let key = (look.t.dark, look.size, look.density);
        if self.applied != Some(key) {
            self.applied = Some(key);
            theme::apply(ctx, &look);
        }
    }

    /// Opens a capture in this tab if it is empty, else in a new one.
    fn open(&mut self, ctx: &Context, path: &Path) {
        // Kept as it is found from anywhere, not only from today's folder.
        let path = &std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let begun = std::time::Instant::now();
        match self.opener.open(path, self.waker.clone()) {
            Ok(capture) => {
                self.prefs.opened(path);
                let mut tab = Tab::new(path.to_owned(), capture, &self.prefs, &self.waker);
                tab.traced = self.trace.clone().map(|to| Traced::new(begun, to));
                self.put(tab);
            }
            Err(p) => self.toasts.problem(p),
        }
        ctx.request_repaint();
    }

    /// Shows a new tab, in the place of this one if that is empty.
    fn put(&mut self, tab: Tab) {
        let tab = Some(Box::new(tab));
        match self.tabs.get_mut(self.current) {
            Some(slot @ None) => *slot = tab,
            _ => {
                self.tabs.push(tab);
                self.current = self.tabs.len() - 1;
            }
        }
        self.place = Place::Traffic;
        self.focus_region = Some(Region::List);
    }

    /// Whether a command can be done now.
    fn can(&self, c: Command) -> bool {
        use Command as C;
        let Some(tab) = self.tab() else {
            return matches!(
                c,
                C::Open
                    | C::StartCapture
                    | C::NewTab
                    | C::CloseTab
                    | C::NextTab
                    | C::PreviousTab
                    | C::ForgetRecent
                    | C::Palette
                    | C::Traffic
                    | C::Settings
                    | C::Help
            ) || c == C::StartProxy && self.offers_proxy()
                || c.facts().group == crate::command::Group::Look;
        };
        let (running, held) = tab.steering.as_ref().map_or((false, false), |s| (s.state.running, s.draft.is_some()));
        let (sniffs, rests) = (tab.sniffing.iter().any(|s| s.state.running), tab.sniffing.iter().any(|s| !s.state.running));
        match c {
            C::StartProxy => self.offers_proxy(),
            C::StopCapture => sniffs,
            C::RestartCapture => rests,
            C::SaveCapture => !tab.sniffing.is_empty(),
            C::AddSource => tab.bench().is_some(),
            C::RuleLike => tab.steering.is_some() && tab.selection.message.is_some(),
            C::StopProxy | C::Browse | C::Hold | C::CopyProxyAddress => running,
            C::SendHeld | C::SendAllHeld | C::DropHeld | C::AnswerHeld => held,
            C::StopReading => !tab.is_live() && !tab.snap.progress().done,
            C::StopFiltering => tab.lists(),
            C::FilterOn => tab.is_listing_stopped(),
            C::Back => tab.history.can_back(),
            C::Forward => tab.history.can_forward(),
            C::OtherHalf => tab.other_half().is_some(),
            C::ClearFilter => !tab.sifting.text.is_empty() || tab.only.is_some(),
            C::FilterConversation | C::NextInConversation | C::PreviousInConversation | C::DecodeAs => {
                tab.selection.flow.is_some()
            }
            C::SaveStream => tab.follows.bytes().is_some(),
            C::Mark => tab.selection.packet.is_some(),
            C::NextMark => !tab.marked.is_empty(),
            C::OtherLeg => tab.is_leg(),
            C::OtherPicture => tab.other_picture().is_some(),
            C::CapturedToo => !tab.twins().is_empty(),
            C::ExportLadder => tab.ladders.newest().is_some(),
            C::LadderScope | C::LadderTcp | C::LadderCarriers | C::LadderScale | C::ZoomIn | C::ZoomOut => {
                self.prefs.view == View::Ladder
            }
            C::StreamForm => matches!(self.prefs.view, View::Stream | View::Body),
            C::CopyValue | C::CopyFieldName => tab.selection.node.is_some(),
            C::FilterValue | C::FilterOut | C::FilterAnd | C::FilterAndNot | C::FilterOr => tab.selection.node.is_some(),
            C::NextHit | C::PreviousHit => tab.seeking.count() > 0,
            C::CopyBytes | C::CopyPath => tab.selection.span.is_some(),
            C::ForgetRecent => !self.prefs.recent.is_empty(),
            C::NextTab | C::PreviousTab => self.tabs.len() > 1,
            _ => true,
        }
    }

    /// Draws a frame.
    pub fn frame(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        self.apply_look(&ctx);
        let look = self.look(&ctx);
        self.input(&ctx);
        self.look_at_interfaces();
        self.step_exports();
        let now = ui.input(|i| i.time);
        let (prefs, registry) = (self.prefs.clone(), self.registry);
        if let Some(tab) = self.tab_mut() {
            tab.step(&prefs, registry, now);
        }
        let full = ui.max_rect();
        ui.painter().rect_filled(full, 0, look.t.gutter);
        let modal = self.palette.is_some() || !matches!(self.dialog, Dialog::Closed);
        ui.add_enabled_ui(!modal, |ui| self.body(ui, &look, full));
        self.overlays(ui, &look);
        let acts = std::mem::take(&mut self.acts);
        for act in acts {
            self.act(&ctx, act);
        }
        if let Some(region) = self.focus_region.take() {
            ctx.memory_mut(|m| m.request_focus(region.id()));
            if let Some(tab) = self.tab_mut() {
                tab.region = region;
            }
        }
        let steers = |t: &Tab| t.steering.as_ref().is_some_and(|s| s.state.running);
        let sniffs = |t: &Tab| t.sniffing.iter().any(|s| s.state.running);
        if self.tab().is_some_and(|t| steers(t) || sniffs(t)) {
            // Ages of what is held, counts of connections.
            ctx.request_repaint_after(std::time::Duration::from_millis(500));
        } else if self.busy() {
            // Answers wake the window; this is for progress alone.
            ctx.request_repaint_after(std::time::Duration::from_millis(120));
        }
        self.name_window(&ctx);
    }

    fn name_window(&mut self, ctx: &Context) {
        let title = self.tab().map_or_else(|| "Wirelore".to_owned(), |t| format!("{} — Wirelore", t.title));
        if title != self.title {
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }

    fn input(&mut self, ctx: &Context) {
        let dropped: Vec<PathBuf> = ctx.input(|i| i.raw.dropped_files.iter().map(|f| f.path().to_owned()).collect());
        self.acts.extend(dropped.into_iter().map(|f| if doing::is_key_log(&f) { Act::AddKeys(f) } else { Act::Open(f) }));
        let now = ctx.input(|i| i.time);
        for news in self.errands.news() {
            match news {
                News::Chosen(Choose::Capture, files) => self.acts.extend(files.into_iter().map(Act::Open)),
                News::Chosen(Choose::KeyLog, files) => self.acts.extend(files.into_iter().map(Act::AddKeys)),
                News::Chosen(Choose::Export | Choose::ExportFolder, files) => {
                    if let Some(f) = files.first() {
                        self.chosen_path(f);
                    }
                }
                News::Chosen(Choose::Save(what), files) => self.acts.extend(files.into_iter().map(|f| Act::Save(what, f))),
                News::Done(words) => self.toasts.done(now, words),
                News::Failed(p) => self.toasts.problem(p),
            }
        }
        if self.palette.is_some() || !matches!(self.dialog, Dialog::Closed) {
            return;
        }
        let typing = ctx.text_edit_focused();
        let mut pressed = ctx.input_mut(|i| Command::pressed(i, typing));
        // The desktop turns Ctrl+C into a copy event.
        if !typing && ctx.input(|i| i.events.iter().any(|e| matches!(e, egui::Event::Copy))) {
            pressed.push(Command::CopyValue);
        }
        pressed.retain(|c| self.can(*c));
        self.acts.extend(pressed.into_iter().map(Act::Do));
        // Esc takes away the newest thing that lies over others, one at a time.
        if !typing && ctx.input_mut(|i| i.key_pressed(Key::Escape)) && !self.toasts.dismiss() && self.place != Place::Traffic {
            self.place = Place::Traffic;
        }
        if !typing
            && ctx.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Enter))
            && ctx.memory(|m| m.has_focus(Region::List.id()))
        {
            self.acts.push(Act::Keys(Region::Fields));
        }
    }

    fn body(&mut self, ui: &mut Ui, look: &Look, full: Rect) {
        let mut acts = std::mem::take(&mut self.acts);
        let mut prefs = self.prefs.clone();
        let prose = self.prose.clone();
        let registry = self.registry;
        let mut choosing = self.choosing.take();
        let offers_proxy = self.offers_proxy();
        let heads: Vec<TabHead> = self
            .tabs
            .iter()
            .map(|t| match t {
                Some(t) => TabHead {
                    title: t.title.clone(),
                    reading: !t.is_live() && !t.snap.progress().done,
                    path: t.path.display().to_string(),
                },
                None => TabHead { title: "New tab".into(), reading: false, path: String::new() },
            })
            .collect();
        let at = |from: f32, height: f32| Rect::from_min_size(pos2(full.left(), full.top() + from), vec2(full.width(), height));
        let strip_h = bars::strip_height(look);
        let top_h = look.size + 29.0;
        let find_h = if self.tab().is_some_and(|t| t.seeking.open) { look.size + 21.0 } else { 0.0 };
        let crumb_h = if self.tab().is_some() { look.size + 17.0 } else { 0.0 };
        let status_h = status::height(look);
        let (mut tab, current, place) = (self.tabs.get_mut(self.current).and_then(Option::take), self.current, self.place);
        let focus_filter = std::mem::take(&mut self.focus_filter);
        {
            let kept = self.prefs.clone();
            let mut cx = Cx { look, prefs: &kept, prose: &prose, registry, offers_proxy, acts: &mut acts };
            bars::strip(ui, &mut cx, at(0.0, strip_h), &heads, current);
            let mut text = tab.as_ref().map(|t| t.sifting.text.clone()).unwrap_or_default();
            let meaning = tab.as_ref().map(|t| t.sifting.meaning().clone()).unwrap_or_default();
            let shown = tab.as_ref().and_then(|t| t.shown_words());
            let only = tab.as_ref().and_then(|t| t.snap.flow(t.only?)).map(|f| crate::view::flow_name(&f));
            bars::top(
                ui,
                &mut cx,
                at(strip_h, top_h),
                tab.as_deref_mut(),
                FilterEdit { text: &mut text, meaning, registry, focus: focus_filter, shown, only },
            );
            if let Some(t) = &mut tab {
                let only = t.only;
                t.set_filter(text, only);
                let row = at(strip_h + top_h, crumb_h);
                let used = bars::views(ui, &mut cx, row);
                bars::crumbs(ui, &mut cx, Rect::from_min_max(row.min, pos2(row.right() - used, row.bottom())), t);
                if find_h > 0.0 {
                    find::show(ui, &mut cx, t, at(strip_h + top_h + crumb_h, find_h));
                }
            }
            status::show(ui, &mut cx, Rect::from_min_max(pos2(full.left(), full.bottom() - status_h), full.max), tab.as_deref());
            let middle = Rect::from_min_max(
                pos2(full.left(), full.top() + strip_h + top_h + crumb_h + find_h),
                pos2(full.right(), full.bottom() - status_h),
            );
            let rail = Rect::from_min_size(middle.min, vec2(bars::RAIL.min(full.width() * 0.2), middle.height()));
            bars::rail(ui, &mut cx, rail, place, tab.is_some());
            let main = Rect::from_min_max(
                pos2(rail.right(), middle.top() + GUTTER),
                pos2(middle.right() - GUTTER, middle.bottom() - GUTTER),
            );
            if main.width() > 40.0 && main.height() > 40.0 {
                match (place, &mut tab) {
                    (Place::Settings, _) => settings::show(ui, look, &mut prefs, cx.acts, main),
                    (Place::Statistics, Some(t)) => statistics::show(ui, &mut cx, t, main),
                    (Place::Rules, Some(t)) => rules::show(ui, &mut cx, t, main, &mut prefs.shares.list),
                    (Place::Objects, Some(t)) => objects::show(ui, &mut cx, t, main, &mut prefs.shares.list),
                    (Place::Traffic, Some(t)) => traffic::show(ui, &mut cx, t, main, &mut prefs),
                    (_, None) => start::show(ui, &mut cx, choosing.as_mut(), main),
                }
            }
        }
        if let Some(slot) = self.tabs.get_mut(self.current) {
            *slot = tab;
        }
        self.choosing = choosing;
        self.prefs = prefs;
        self.acts = acts;
    }

    fn overlays(&mut self, ui: &Ui, look: &Look) {
        if let Some(mut palette) = self.palette.take() {
            let offers =
                Offers { packets: self.tab().map(|t| t.snap.packets()), recent: &self.prefs.recent, enabled: &|c| self.can(c) };
            let (act, close) = palette.show(ui, look, &offers);
            self.acts.extend(act);
            if close {
                self.focus_region = Some(self.tab().map_or(Region::List, |t| t.region));
            } else {
                self.palette = Some(palette);
            }
        }
        let mut dialog = std::mem::take(&mut self.dialog);
        let mut choosing = self.choosing.take();
        let mut acts = Vec::new();
        let offers_proxy = self.offers_proxy();
        let mut cx = Cx { look, prefs: &self.prefs, prose: &self.prose, registry: self.registry, offers_proxy, acts: &mut acts };
        let close = match &mut dialog {
            Dialog::Source => sources::add(ui, &mut cx, choosing.as_mut()),
            other => dialogs::show(ui, &mut cx, other),
        };
        self.choosing = choosing;
        self.acts.extend(acts);
        if close {
            self.focus_region = Some(self.tab().map_or(Region::List, |t| t.region));
        } else {
            self.dialog = dialog;
        }
        let lift = self.toasts.show(ui, look);
        let mut acts = Vec::new();
        let mut cx =
            Cx { look, prefs: &self.prefs, prose: &self.prose, registry: self.registry, offers_proxy: false, acts: &mut acts };
        crate::panes::export::card(ui, &mut cx, &mut self.exports, lift);
        self.acts.extend(acts);
        let hovering = ui.input(|i| !i.raw.hovered_files.is_empty());
        if hovering {
            let rect = ui.ctx().content_rect();
            let p = ui.ctx().layer_painter(egui::LayerId::new(egui::Order::Foreground, Id::unique("drop")));
            p.rect_filled(rect, 0, look.t.veil);
            p.rect_stroke(rect.shrink(10.0), 12, egui::Stroke::new(2.0, look.t.accent), egui::StrokeKind::Inside);
            crate::widgets::ink::center(&p, rect, "Drop captures to open them", look.title(1.5), egui::Color32::WHITE);
        }
    }

    fn act(&mut self, ctx: &Context, act: Act) {
        match act {
            Act::Do(c) => self.command(ctx, c),
            Act::Select(s) => self.with(|t| t.select(s)),
            Act::SelectAt(level, s) => {
                self.place = Place::Traffic;
                self.with(|t| {
                    t.level = level;
                    t.select(s);
                });
            }
            Act::Packet(p) => {
                self.place = Place::Traffic;
                self.with(|t| {
                    t.level = Level::Packets;
                    let s = Selection::packet(&t.snap, p, t.selection.message);
                    t.select(s);
                });
            }
            Act::Unfold(item) => self.with(|t| t.unfold(item, None)),
            Act::Node(n) => self.with(|t| t.select_node(n)),
            Act::Toggle(n) => self.with(|t| {
                if let Some(shown) = t.shown() {
                    let open = t.folds.is_open(&shown.tree, n);
                    t.folds.set(&shown.tree, n, !open);
                }
            }),
            Act::Byte(b, at) => self.with(|t| t.select_byte(b, at)),
            Act::Span(s) => self.with(|t| t.select_span(s)),
            Act::Body(form) => self.prefs.body = form,
            Act::Buffer(b) => self.with(|t| t.buffer = Some(b)),
            Act::Keys(r) => self.focus_region = Some(r),
            Act::Filter(text) => self.with(|t| {
                let only = t.only;
                t.set_filter(text, only);
            }),
            Act::Seek => self.with(Tab::start_seeking),
            Act::Keep(text) => self.prefs.filtered(&text),
            Act::Only(only) => self.with(|t| {
                let text = t.sifting.text.clone();
                t.set_filter(text, only);
            }),
            Act::Open(path) => self.open(ctx, &path),
            Act::Browse(what) => {
                let near = self.tab().map(|t| t.path.clone()).or_else(|| self.prefs.recent.first().cloned());
                let name = self.file_name(what);
                self.errands.browse(what, near.and_then(|p| p.parent().map(Path::to_owned)), name);
            }
            Act::View(v) => self.look_at(v),
            Act::Zoom(factor) => self.prefs.ladder.zoom_by(factor),
            Act::Save(what, path) => self.save(what, path),
            Act::Sniff(n, run) => self.run_source(n, run),
            Act::JoinProxy => self.join_proxy(ctx),
            Act::Rule(change) => self.change_rule(&change),
            Act::Export(wish) => self.export(*wish),
            Act::AskExport(form) => self.ask_export(Some(Scope::All), Some(form)),
            Act::SaveObject(o) => {
                self.object = Some(*o);
                self.ask(Choose::Save(Saving::Object));
            }
            Act::ShowInFolder(path) => self.show_in_folder(path),
            Act::DecodeAs(flow, protocol) => self.decode_as(flow, protocol),
            Act::AddKeys(path) => self.add_keys(path),
            Act::Hold(filter) => self.hold(filter),
            Act::Release(id, how) => self.release(id, how),
            Act::Tab(i) => {
                self.current = i.min(self.tabs.len().saturating_sub(1));
                self.focus_region = Some(Region::List);
            }
            Act::Close(i) => self.close(i),
            Act::Copy(text, what) => {
                ctx.copy_text(text);
                let now = ctx.input(|i| i.time);
                self.toasts.done(now, format!("Copied {what}"));
            }
            Act::Tell(p) => self.toasts.problem(p),
        }
        ctx.request_repaint();
    }

    fn with(&mut self, f: impl FnOnce(&mut Tab)) {
        if let Some(tab) = self.tab_mut() {
            f(tab);
        }
    }

    fn close(&mut self, i: usize) {
        if i < self.tabs.len() {
            self.tabs.remove(i);
        }
        if self.tabs.is_empty() {
            self.tabs.push(None);
        }
        if self.current > i || self.current >= self.tabs.len() {
            self.current = self.current.saturating_sub(1);
        }
    }

    #[allow(clippy::too_many_lines)]
    fn command(&mut self, ctx: &Context, c: Command) {
        use Command as C;
        let page = |t: &mut Tab| t.list_state_mut().page.max(2) as i64 - 1;
        match c {
            C::Open => self.ask(Choose::Capture),
            C::AddKeys => self.ask(Choose::KeyLog),
            C::Export => self.ask_export(None, None),
            C::Mark => self.mark(),
            C::NextMark => self.next_mark(),
            C::SaveStream => self.ask(Choose::Save(Saving::Stream(None, SaveAs::Raw))),
            C::ExportLadder => self.ask(Choose::Save(Saving::Ladder)),
            C::DecodeAs => self.dialog = self.tab().and_then(doing::decode_dialog).map_or(Dialog::Closed, Dialog::DecodeAs),
            C::NewTab => {
                self.tabs.push(None);
                self.current = self.tabs.len() - 1;
                self.place = Place::Traffic;
            }
            C::CloseTab => self.close(self.current),
            C::NextTab => self.current = (self.current + 1) % self.tabs.len().max(1),
            C::PreviousTab => self.current = (self.current + self.tabs.len().saturating_sub(1)) % self.tabs.len().max(1),
            C::StopReading => self.with(Tab::stop),
            C::StopFiltering => self.with(Tab::stop_listing),
            C::FilterOn => self.with(Tab::go_on_listing),
            C::ForgetRecent => self.prefs.recent.clear(),

            C::NextRow => self.step(1, false),
            C::PreviousRow => self.step(-1, false),
            C::NextPage => self.with(|t| {
                let n = page(t);
                match t.region {
                    Region::List => t.move_row(n),
                    Region::View => t.page_view(true),
                    Region::Fields => t.move_node(n),
                    Region::Bytes => t.move_byte(256),
                }
            }),
            C::PreviousPage => self.with(|t| {
                let n = page(t);
                match t.region {
                    Region::List => t.move_row(-n),
                    Region::View => t.page_view(false),
                    Region::Fields => t.move_node(-n),
                    Region::Bytes => t.move_byte(-256),
                }
            }),
            C::FirstRow => self.with(|t| match t.region {
                Region::List => t.move_to_end(false),
                Region::View => t.move_step(i64::MIN),
                Region::Fields => t.move_node(i64::MIN),
                Region::Bytes => t.move_byte(i64::MIN),
            }),
            C::LastRow => self.with(|t| match t.region {
                Region::List => t.move_to_end(true),
                Region::View => t.move_step(i64::MAX),
                Region::Fields => t.move_node(i64::MAX),
                Region::Bytes => t.move_byte(i64::MAX),
            }),
            C::NextInConversation => self.with(|t| t.step_in_conversation(true)),
            C::PreviousInConversation => self.with(|t| t.step_in_conversation(false)),
            C::OtherHalf => self.with(|t| {
                if let Some(m) = t.other_half() {
                    let s = Selection::message(&t.snap, m, None);
                    t.select(s);
                }
            }),
            C::OtherLeg => self.with(Tab::cross),
            C::OtherPicture => self.with(Tab::see_other_picture),
            C::NextNote | C::PreviousNote => {
                if self.tab_mut().is_some_and(|t| !t.step_note(c == C::NextNote)) {
                    let now = ctx.input(|i| i.time);
                    self.toasts.done(now, "No other row here has a note");
                }
            }
            C::GoToPacket | C::Palette => self.palette = Some(Palette::open()),
            C::Back => self.with(|t| t.travel(true)),
            C::Forward => self.with(|t| t.travel(false)),
            C::Unfold => self.step(1, true),
            C::Fold => self.step(-1, true),
            C::UnfoldAll | C::FoldAll => self.with(|t| {
                if let Some(s) = t.shown() {
                    t.folds.set_all(&s.tree, c == C::UnfoldAll);
                }
            }),
            C::NextRegion | C::PreviousRegion => {
                let now = self.tab().map(|t| t.region).unwrap_or_default();
                let shown = self.regions();
                let at = shown.iter().position(|r| *r == now).unwrap_or(0);
                let n = shown.len();
                let to = if c == C::NextRegion { (at + 1) % n } else { (at + n - 1) % n };
                self.focus_region = shown.get(to).copied();
            }

            C::Filter => {
                self.place = Place::Traffic;
                self.focus_filter = true;
            }
            C::ClearFilter => {
                self.with(|t| t.set_filter(String::new(), None));
                self.focus_region = Some(Region::List);
            }
            C::FilterValue => self.filter_by_value(Joining::Alone),
            C::FilterOut => self.filter_by_value(Joining::Not),
            C::FilterAnd => self.filter_by_value(Joining::And),
            C::FilterAndNot => self.filter_by_value(Joining::AndNot),
            C::FilterOr => self.filter_by_value(Joining::Or),
            C::Find => {
                self.place = Place::Traffic;
                self.with(Tab::seek);
            }
            C::NextHit => self.with(|t| t.step_hit(true)),
            C::PreviousHit => self.with(|t| t.step_hit(false)),
            C::FilterConversation => self.with(|t| {
                let (text, flow) = (t.sifting.text.clone(), t.selection.flow);
                t.set_filter(text, if t.only == flow { None } else { flow });
            }),

            C::Story | C::Exchanges | C::Packets | C::Bytes => {
                let level = match c {
                    C::Story => Level::Story,
                    C::Exchanges => Level::Exchanges,
                    C::Packets => Level::Packets,
                    _ => Level::Bytes,
                };
                self.place = Place::Traffic;
                let proxied = self.tab().is_some_and(|t| t.steering.is_some());
                let kept = if proxied { &mut self.prefs.proxied } else { &mut self.prefs.level };
                *kept = if level == Level::Bytes { *kept } else { level };
                self.with(|t| t.go_level(level));
                self.focus_region = Some(if level == Level::Bytes { Region::Bytes } else { Region::List });
            }
            C::FindInStream => {
                if self.prefs.view != View::Stream {
                    self.look_at(View::Stream);
                }
                self.focus_region = None;
                ctx.memory_mut(|m| m.request_focus(stream::search_id()));
            }
            C::UnfoldRow => self.with(|t| t.unfold_row(None)),
            C::ViewFields => self.look_at(View::Fields),
            C::ViewLadder => self.look_at(View::Ladder),
            C::FollowStream => self.look_at(View::Stream),
            C::ViewBody => self.look_at(View::Body),
            C::LadderScope => self.prefs.ladder.whole = !self.prefs.ladder.whole,
            C::LadderTcp => self.prefs.ladder.tcp = !self.prefs.ladder.tcp,
            C::LadderCarriers => self.prefs.ladder.carriers = !self.prefs.ladder.carriers,
            C::LadderScale => self.prefs.ladder.to_scale = !self.prefs.ladder.to_scale,
            C::ZoomIn => self.prefs.ladder.zoom_by(1.25),
            C::ZoomOut => self.prefs.ladder.zoom_by(0.8),
            C::StreamForm if self.prefs.view == View::Body => self.prefs.body = self.prefs.body.next(),
            C::StreamForm => {
                self.prefs.stream = if self.prefs.stream == StreamForm::Hex { StreamForm::Text } else { StreamForm::Hex };
            }
            C::GroupByConnection => self.prefs.grouped = !self.prefs.grouped,
            C::CapturedToo => self.prefs.captured = !self.prefs.captured,
            C::Side => self.prefs.side = !self.prefs.side,
            C::Drawer => self.prefs.drawer = !self.prefs.drawer,
            C::Traffic => self.place = Place::Traffic,
            C::Statistics => self.place = Place::Statistics,
            C::Objects => self.place = Place::Objects,
            C::Rules => self.place = Place::Rules,
            C::RuleLike => self.rule_like(),
            C::Settings => self.place = Place::Settings,
            C::Help => self.dialog = Dialog::Keys,

            C::AddSource => self.dialog = Dialog::Source,
            C::StartProxy => self.start_proxy(ctx),
            C::StartCapture | C::StopCapture | C::RestartCapture => self.sniff(ctx, c),
            C::SaveCapture => self.ask(Choose::Save(Saving::Capture)),
            C::StopProxy
            | C::Browse
            | C::Hold
            | C::SendHeld
            | C::SendAllHeld
            | C::DropHeld
            | C::AnswerHeld
            | C::CopyProxyAddress => {
                self.steer(c);
            }

            C::CopyValue | C::CopyRow | C::CopyFieldName | C::CopyBytes | C::CopyPath => self.copy(c),

            C::ToggleTheme => self.prefs.theme = if self.look(ctx).t.dark { ThemeChoice::Light } else { ThemeChoice::Dark },
            C::ThemeDark => self.prefs.theme = ThemeChoice::Dark,
            C::ThemeLight => self.prefs.theme = ThemeChoice::Light,
            C::ThemeSystem => self.prefs.theme = ThemeChoice::System,
            C::Larger => self.prefs.size = (self.prefs.size + 1.0).min(*SIZES.end()),
            C::Smaller => self.prefs.size = (self.prefs.size - 1.0).max(*SIZES.start()),
            C::UsualSize => self.prefs.size = USUAL_SIZE,
            C::NextDensity => {
                let at = Density::ALL.iter().position(|d| *d == self.prefs.density).unwrap_or(0);
                self.prefs.density = Density::ALL.get((at + 1) % Density::ALL.len()).copied().unwrap_or_default();
            }
            C::NextTimeFormat => {
                let all = crate::format::TimeFormat::ALL;
                let at = all.iter().position(|d| *d == self.prefs.time).unwrap_or(0);
                self.prefs.time = all.get((at + 1) % all.len()).copied().unwrap_or_default();
            }
        }
    }

    /// One step in the pane that has the keys; `sideways` for left and right.
    fn step(&mut self, by: i64, sideways: bool) {
        let view = self.prefs.view;
        if self.place == Place::Objects {
            return self.with(|t| t.step_object(by));
        }
        self.with(|t| match (t.region, sideways) {
            (Region::List, false) => t.move_row(by),
            (Region::View, false) => t.move_view(by, view),
            (Region::Fields, false) => t.move_node(by),
            (Region::Bytes, false) => t.move_byte(16 * by),
            (Region::Fields, true) => t.fold(by > 0),
            (Region::Bytes, true) => t.move_byte(by),
            (Region::List, true) => t.unfold_row(Some(by > 0)),
            (Region::View, true) => {}
        });
    }
}

impl eframe::App for App {
    fn ui(&mut self, ui: &mut Ui, _: &mut eframe::Frame) {
        self.frame(ui);
        if self.closing.load(Ordering::Relaxed) {
            ui.ctx().send_viewport_cmd(egui::ViewportCommand::Close);
        }
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        eframe::set_value(storage, KEPT, &self.prefs);
    }

    fn persist_egui_memory(&self) -> bool {
        // Ours is kept by ourselves; egui's memory would bring back stale scroll places.
        false
    }
}
