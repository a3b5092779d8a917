//! The place of objects: every file, body and letter that was transferred, with a preview, to be saved one by one or all.

use crate::act::Act;
use crate::exports::Object;
use crate::exports::wish::Form;
use crate::format;
use crate::panes::packets::protocol_chip;
use crate::panes::{Cx, body, head, pane};
use crate::select::{Level, Selection};
use crate::tab::Tab;
use crate::theme::icons;
use crate::widgets::split;
use crate::widgets::table::{self, Column, Width};
use crate::widgets::vlist::{self, VList};
use crate::widgets::{button, ink};
use egui::{Align, Id, Layout, Rect, Role, TextEdit, Ui};
use wirelore_store::Snapshot;

/// The message that carried an object: of those that its packet completed, the one that went its way.
#[must_use]
pub fn message(s: &Snapshot, o: &Object) -> Option<u32> {
    let all = s.messages_done_in(o.packet);
    let went = |m: &&u32| s.message(**m).is_some_and(|r| (r.dir == wirelore_kit::Dir::ToServer) == o.to_server);
    let speaks = |m: &&u32| s.message(**m).is_some_and(|r| s.schema().protocol_name(r.protocol) == o.protocol);
    let both = all.iter().rev().find(|m| went(m) && speaks(m));
    both.or_else(|| all.iter().rev().find(went)).copied()
}

/// Shows it.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, rect: Rect, share: &mut f32) {
    let look = cx.look;
    tab.step_objects();
    let wide = rect.width() > 760.0;
    let (left, right) = split::split(ui, look, "Border between objects and preview", rect, wide, share, [260.0, 220.0]);
    pane(ui, look, "objects", left, |ui| list(ui, cx, tab, left));
    body::show(ui, cx, tab, right);
}

fn list(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, rect: Rect) {
    let look = cx.look;
    let t = look.t;
    let shown = tab.objects.shown();
    let chosen = tab.objects.chosen.and_then(|n| shown.get(n)).cloned();
    let progress = tab.objects.progress();
    let mut again = false;
    let area = head(ui, look, rect, |ui| {
        let edit = TextEdit::singleline(&mut tab.objects.text)
            .hint_text("Name, type or protocol")
            .desired_width((rect.width() * 0.3).clamp(90.0, 220.0))
            .frame(super::proxy::edge(look));
        ui.add(edit).accessible_name("Objects that hold");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            if !shown.is_empty() && button::labelled(ui, look, Some(icons::DOWNLOAD_SIMPLE), "Save all…", false).clicked() {
                cx.acts.push(Act::AskExport(Form::Objects));
            }
            if let Some(o) = &chosen
                && button::labelled(ui, look, Some(icons::DOWNLOAD_SIMPLE), "Save…", false).clicked()
            {
                cx.acts.push(Act::SaveObject(Box::new(o.clone())));
            }
            again = button::icon(ui, look, icons::CLOCK_COUNTER_CLOCKWISE, "Look again", "", progress.is_none(), false).clicked();
            let words = match (progress, tab.objects.newer(&tab.snap)) {
                (Some(p), _) => format!("looking, {:.0} %", p * 100.0),
                (None, 0) => format::count(shown.len() as u64, "object", "objects"),
                (None, n) => format!("{} since", format::count(n.into(), "packet", "packets")),
            };
            ui.label(egui::RichText::new(words).font(look.fine()).color(t.text_quiet));
        });
    });
    if again {
        tab.look_for_objects();
    }
    if let Some(Err(p)) = tab.objects.found() {
        let (what, why) = (p.what.clone(), format!("{} {}", p.why, p.what_to_do));
        vlist::empty(ui, look, area, icons::WARNING_CIRCLE, &what, &why);
        return;
    }
    if shown.is_empty() {
        let (title, hint) = match (progress, tab.objects.text.trim().is_empty()) {
            (Some(_), _) => ("Looking…", "Bodies are read again from the recorded bytes."),
            (None, false) => ("None of that name", "Empty the field to see all."),
            (None, true) => ("No objects", "Files and bodies of HTTP, FTP and mail, and certificates of TLS, would stand here."),
        };
        vlist::empty(ui, look, area, icons::FILE, title, hint);
        return;
    }
    let columns = [
        Column::left("Name", Width::Share(1.4, 120.0), 0),
        Column::left("Type", Width::Share(0.7, 90.0), 1),
        Column::left("Protocol", Width::Chars(10.0), 2),
        Column::right("Size", Width::Chars(9.0), 0),
        Column::right("Packet", Width::Chars(8.0), 3),
    ];
    let (laid, rows) = table::heads(ui, look, area, &columns);
    let v = VList {
        id: Id::unique("objects"),
        name: "Objects",
        rows: shown.len() as u64,
        row_height: look.row(),
        marks: &[],
        selected: tab.objects.chosen.map(|n| n as u64),
        role: Some(Role::Row),
    };
    let label = |row: u64| {
        shown.get(row as usize).map_or_else(String::new, |o| format!("{}, {}, {}", o.name, o.media, format::size(o.size)))
    };
    let snap = tab.snap.clone();
    if tab.objects.chosen.is_none() {
        choose(tab, &shown, 0);
    }
    let mut state = std::mem::take(&mut tab.objects.list);
    let now = tab.objects.chosen;
    let h = v.show(ui, look, rows, &mut state, label, |row| {
        let Some(o) = shown.get(row.index as usize) else { return };
        let on = now == Some(row.index as usize);
        vlist::ground(row, look, on, true);
        let p = row.painter;
        let cell = |i: usize| laid.cell(i, row.rect);
        let strong = if on { t.text_strong } else { t.text };
        let mut name = cell(0);
        let (icon, color) = if o.to_server { (icons::ARROW_UP, t.to_server) } else { (icons::ARROW_DOWN, t.to_client) };
        ink::icon(p, egui::pos2(name.left() + 6.0, name.center().y), icon, look.icon(1.0), color);
        name.min.x += 18.0;
        let cut = if o.whole { "" } else { "  incomplete" };
        let (words, color) = if o.name.is_empty() { ("without a name", t.text_faint) } else { (o.name.as_str(), strong) };
        let g = ink::pieces(p, name.width(), &[(words, look.text(), color), (cut, look.fine(), t.warn)]);
        p.galley(egui::pos2(name.left(), (name.center().y - g.size().y / 2.0).round()), g, strong);
        if laid.shown(1) {
            ink::left(p, cell(1), &o.media, look.text(), t.text_quiet);
        }
        if laid.shown(2) {
            let number = snap.schema().protocols.iter().position(|(name, _)| *name == o.protocol);
            let label = number.map_or(o.protocol, |n| snap.schema().protocol_label(n as u16));
            protocol_chip(p, look, cell(2), label);
        }
        ink::right(p, cell(3), &format::size(o.size), look.mono(), strong);
        if laid.shown(4) {
            ink::right(p, cell(4), &format::number(u64::from(o.packet) + 1), look.mono(), t.text_faint);
        }
    });
    tab.objects.list = state;
    if let Some(n) = h.clicked.or(h.menu).map(|n| n as usize) {
        choose(tab, &shown, n);
    }
    if h.opened.is_some() {
        cx.acts.push(Act::SelectAt(Level::Exchanges, tab.selection));
    }
    vlist::row_menu(ui, look, &h.response, h.menu.is_some(), h.clicked.is_some(), |ui| {
        if let Some(o) = &chosen
            && ui.button("Save…").clicked()
        {
            cx.acts.push(Act::SaveObject(Box::new(o.clone())));
            ui.close();
        }
        if ui.button("Show in traffic").clicked() {
            cx.acts.push(Act::SelectAt(Level::Exchanges, tab.selection));
            ui.close();
        }
        if let Some(o) = &chosen
            && ui.button("Copy SHA-256").clicked()
        {
            cx.acts.push(Act::Copy(o.sha256.clone(), "the digest"));
            ui.close();
        }
    });
}

/// Chooses one, and what it leads to.
pub fn choose(tab: &mut Tab, shown: &[Object], n: usize) {
    tab.objects.chosen = Some(n);
    let Some(o) = shown.get(n) else { return };
    let s = tab.snap.clone();
    let to = match message(&s, o) {
        Some(m) => Selection::message(&s, m, Some(o.packet)),
        None => Selection::packet(&s, o.packet, None),
    };
    tab.select(to);
}
