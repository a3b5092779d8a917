//! The place of rules: those in force with their hits, the text of one, and what they changed, original beside modified.

use crate::act::Act;
use crate::diff::{self, Row};
use crate::format;
use crate::held;
use crate::panes::{Cx, head, pane};
use crate::ruling::{Change, EXAMPLE, Edited, Looked, Origin, Rule, Ruling};
use crate::tab::Tab;
use crate::theme::{Look, icons};
use crate::widgets::{button, ink, split, vlist};
use egui::text::{LayoutJob, TextFormat};
use egui::{
    Align, Color32, CornerRadius, Id, Layout, Rect, RichText, Role, ScrollArea, Sense, Stroke, StrokeKind, TextEdit, Ui,
    UiBuilder, WidgetInfo, pos2, vec2,
};
use wirelore_kit::Dir;
use wirelore_kit::middle::{Judgement, Transit};

/// Bytes of a body that are compared.
const MOST_BODY: usize = 64 * 1024;

/// Shows it.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, rect: Rect, share: &mut f32) {
    let look = cx.look;
    let Some(s) = &mut tab.steering else {
        pane(ui, look, "rules", rect, |ui| {
            let hint = "Rules change, answer, delay or hold what passes a proxy. Start one (Ctrl+Shift+R) and they stand here.";
            vlist::empty(ui, look, rect, icons::SLIDERS, "No proxy in this tab", hint);
        });
        return;
    };
    let r = &mut s.ruling;
    r.step();
    let (left, right) =
        split::split(ui, look, "Border between rules and their text", rect, rect.width() > 700.0, share, [280.0, 260.0]);
    let (upper, lower) = left.split_top_bottom_at_fraction(0.56);
    let lower = lower.with_min_y(lower.top() + split::GUTTER);
    pane(ui, look, "rules", upper, |ui| rules(ui, cx, r, upper));
    pane(ui, look, "changed messages", lower, |ui| edits(ui, cx, r, lower));
    pane(ui, look, "rule", right, |ui| detail(ui, cx, r, right));
}

fn rules(ui: &mut Ui, cx: &mut Cx<'_>, r: &mut Ruling, rect: Rect) {
    let look = cx.look;
    let body = head(ui, look, rect, |ui| {
        ui.label(RichText::new("Rules").font(look.semi()).color(look.t.text_strong));
        ui.label(RichText::new("asked from the top").font(look.fine()).color(look.t.text_faint));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if button::labelled(ui, look, Some(icons::PLUS), "New rule", true).clicked() {
                r.write(EXAMPLE.into(), None);
            }
        });
    });
    if r.rules.is_empty() {
        let hint = "Write one with New rule, or make one from a message: right click it in Traffic.";
        vlist::empty(ui, look, body, icons::SLIDERS, "Nothing is changed on its way", hint);
        return;
    }
    let mut child = ui.new_child(UiBuilder::new().id_salt("rule rows").max_rect(body.shrink2(vec2(6.0, 4.0))));
    let mut change = None;
    ScrollArea::vertical().auto_shrink([false, false]).show(&mut child, |ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        for rule in &r.rules {
            let on = r.looked == Some(Looked::Rule(rule.name.clone()));
            match row(ui, look, rule, on) {
                Some(Hit::Toggle) => change = Some(Change::Enable(rule.name.clone(), !rule.enabled)),
                Some(Hit::Look) => {
                    let mine = Looked::Rule(rule.name.clone());
                    r.draft = r.draft.take().filter(|_| r.looked.as_ref() == Some(&mine));
                    r.looked = Some(mine);
                }
                None => {}
            }
        }
    });
    if let Some(c) = change {
        cx.acts.push(Act::Rule(c));
    }
}

enum Hit {
    Toggle,
    Look,
}

/// A rule: on or off, its name, which messages, what it does, how often it did.
fn row(ui: &mut Ui, look: &Look, rule: &Rule, on: bool) -> Option<Hit> {
    let t = look.t;
    let height = look.size * 2.0 + 22.0;
    let (r, resp) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
    let hits = format::count(rule.hits, "hit", "hits");
    resp.widget_info(|| WidgetInfo::selected(Role::ListItem, true, on, format!("Rule {}: {hits}", rule.name)));
    if on {
        ui.painter().rect_filled(r, CornerRadius::same(6), t.selected);
    } else if resp.hovered() {
        ui.painter().rect_filled(r, CornerRadius::same(6), t.hover);
    }
    if resp.has_focus() {
        ui.painter().rect_stroke(r, CornerRadius::same(6), Stroke::new(2.0, t.accent), StrokeKind::Inside);
    }
    let knob = Rect::from_center_size(pos2(r.left() + 22.0, r.center().y), vec2(26.0, 15.0));
    let switch = ui.interact(knob.expand(4.0), Id::unique(("rule switch", &rule.name)), Sense::click());
    let words = format!("{} {}", if rule.enabled { "Switch off" } else { "Switch on" }, rule.name);
    switch.widget_info(|| WidgetInfo::selected(Role::Switch, true, rule.enabled, words.clone()));
    let fill = if rule.enabled { t.accent } else { t.line_strong };
    ui.painter().rect_filled(knob, CornerRadius::same(8), fill);
    let x = if rule.enabled { knob.right() - 7.5 } else { knob.left() + 7.5 };
    ui.painter().circle_filled(pos2(x, knob.center().y), 5.5, if rule.enabled { t.on_accent } else { t.panel });
    if switch.has_focus() {
        ui.painter().rect_stroke(knob.expand(3.0), CornerRadius::same(10), Stroke::new(2.0, t.accent), StrokeKind::Inside);
    }
    let line = |n: f32| {
        let top = r.top() + 5.0 + n * (look.size + 6.0);
        Rect::from_min_max(pos2(r.left() + 46.0, top), pos2(r.right() - 10.0, top + look.size + 6.0))
    };
    let strong = if rule.enabled { t.text_strong } else { t.text_faint };
    let used = ink::right(ui.painter(), line(0.0), &hits, look.mono_small(), if rule.hits > 0 { t.accent } else { t.text_faint });
    let name = Rect::from_min_max(line(0.0).min, pos2(line(0.0).right() - used - 10.0, line(0.0).bottom()));
    ink::left(ui.painter(), name, &rule.name, look.medium(), strong);
    let when = if rule.when.is_empty() { "everything" } else { rule.when.as_str() };
    let parts = [
        (when, look.mono_small(), t.text_quiet),
        ("   ", look.fine(), t.text_faint),
        (rule.does.as_str(), look.fine(), t.text_faint),
    ];
    let g = ink::pieces(ui.painter(), line(1.0).width(), &parts);
    ui.painter().galley(line(1.0).min, g, t.text_quiet);
    match (switch.clicked(), resp.clicked()) {
        (true, _) => Some(Hit::Toggle),
        (false, true) => Some(Hit::Look),
        _ => None,
    }
}

fn edits(ui: &mut Ui, cx: &Cx<'_>, r: &mut Ruling, rect: Rect) {
    let look = cx.look;
    let t = look.t;
    let body = head(ui, look, rect, |ui| {
        ui.label(RichText::new("Changed on the way").font(look.semi()).color(t.text_strong));
        ui.label(RichText::new(format::number(r.edits.len() as u64)).font(look.fine()).color(t.text_faint));
    });
    if r.edits.is_empty() {
        vlist::empty(
            ui,
            look,
            body,
            icons::CHECK_CIRCLE,
            "Everything went on as it came",
            "What rules or you change is kept here.",
        );
        return;
    }
    let mut child = ui.new_child(UiBuilder::new().id_salt("edit rows").max_rect(body.shrink2(vec2(6.0, 4.0))));
    let height = look.row() + 4.0;
    let mut looked = None;
    ScrollArea::vertical().auto_shrink([false, false]).show_rows(&mut child, height, r.edits.len(), |ui, seen| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for e in r.edits.get(seen).unwrap_or(&[]) {
            let on = r.looked == Some(Looked::Edit(e.number));
            let (rect, resp) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
            let words = held::line(&e.original);
            resp.widget_info(|| WidgetInfo::selected(Role::ListItem, true, on, format!("Changed: {words}")));
            if on {
                ui.painter().rect_filled(rect, CornerRadius::same(5), t.selected);
            } else if resp.hovered() {
                ui.painter().rect_filled(rect, CornerRadius::same(5), t.hover);
            }
            let (icon, color) = match e.original.dir {
                Dir::ToServer => (icons::ARROW_RIGHT, t.to_server),
                Dir::ToClient => (icons::ARROW_LEFT, t.to_client),
            };
            ink::icon(ui.painter(), pos2(rect.left() + 14.0, rect.center().y), icon, look.icon(1.0), color);
            let right = Rect::from_min_max(pos2(rect.center().x, rect.top()), pos2(rect.right() - 8.0, rect.bottom()));
            let by = e.hits.first().map_or("", |(rule, _)| rule.as_str());
            let used = ink::right(ui.painter(), right, by, look.fine(), t.text_faint);
            let room = Rect::from_min_max(pos2(rect.left() + 28.0, rect.top()), pos2(rect.right() - used - 18.0, rect.bottom()));
            ink::left(ui.painter(), room, &words, look.mono_small(), t.text);
            if resp.clicked() {
                looked = Some(Looked::Edit(e.number));
            }
        }
    });
    if looked.is_some() {
        (r.looked, r.draft) = (looked, None);
    }
}

fn detail(ui: &mut Ui, cx: &mut Cx<'_>, r: &mut Ruling, rect: Rect) {
    let look = cx.look;
    if r.draft.is_some() {
        return writing(ui, cx, r, rect);
    }
    if let Some(e) = r.edit().cloned() {
        return changed(ui, look, &e, rect);
    }
    if let Some(rule) = r.rule().cloned() {
        return told(ui, cx, r, &rule, rect);
    }
    let hint = "Choose a rule to see what it does, or a changed message to see what became of it.";
    vlist::empty(ui, look, rect, icons::SLIDERS, "Nothing chosen", hint);
}

/// The text of a rule as it is written.
fn writing(ui: &mut Ui, cx: &mut Cx<'_>, r: &mut Ruling, rect: Rect) {
    let look = cx.look;
    let t = look.t;
    let Some(d) = &mut r.draft else { return };
    let mut end = false;
    let body = head(ui, look, rect, |ui| {
        let words = d.replaces.as_ref().map_or_else(|| "New rule".to_owned(), |n| format!("Rule {n}"));
        ui.label(RichText::new(words).font(look.semi()).color(t.text_strong));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            if button::labelled(ui, look, Some(icons::CHECK), "Put in force", true).clicked() {
                cx.acts.push(Act::Rule(Change::Write(d.replaces.clone(), d.text.clone())));
            }
            end = button::labelled(ui, look, None, "Cancel", false).clicked();
        });
    });
    let wrong = d.wrong.clone();
    let inner = body.shrink2(vec2(14.0, 10.0));
    let mut child = ui.new_child(UiBuilder::new().id_salt("rule text").max_rect(inner));
    let ui = &mut child;
    let text_h = (inner.height() - 150.0).max(80.0);
    ScrollArea::vertical().id_salt("rule text scroll").max_height(text_h).auto_shrink([false, false]).show(ui, |ui| {
        let edit = TextEdit::multiline(&mut d.text)
            .font(look.mono())
            .text_color(t.text_strong)
            .desired_width(f32::INFINITY)
            .desired_rows((text_h / (look.size + 6.0)).max(4.0) as usize - 1)
            .frame(super::proxy::edge(look));
        let resp = ui.add(edit);
        resp.widget_info(|| WidgetInfo::labeled(Role::MultilineTextInput, true, "Rule"));
        if resp.changed() {
            d.wrong = None;
        }
    });
    ui.add_space(8.0);
    if let Some(why) = wrong {
        ui.label(RichText::new(why).font(look.mono_small()).color(t.err));
    } else {
        let hint = "when: ~d host, ~u path, ~m method, ~c status, ~h header, ~b body, joined with & | !.   on: request, response, \
                    message, connection.   Does: set-header, remove-header, replace-header, replace-body, body, map-local, \
                    map-remote, answer, block, delay, throttle, hold, drop, reset.";
        ui.label(RichText::new(hint).font(look.fine()).color(t.text_faint));
    }
    if end {
        r.draft = None;
    }
}

/// What a rule is, and what can be done to it.
fn told(ui: &mut Ui, cx: &mut Cx<'_>, r: &mut Ruling, rule: &Rule, rect: Rect) {
    let look = cx.look;
    let t = look.t;
    let running = matches!(rule.origin, Origin::Running(_));
    let mut write = None;
    let body = head(ui, look, rect, |ui| {
        let g = ink::line(ui.painter(), &rule.name, look.semi(), t.text_strong, (rect.width() - 300.0).max(60.0));
        let (place, _) = ui.allocate_exact_size(g.size(), Sense::hover());
        ui.painter().galley(place.min, g, t.text_strong);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            if running && button::icon(ui, look, icons::X, "Take the rule away", "", true, false).clicked() {
                cx.acts.push(Act::Rule(Change::Remove(rule.name.clone())));
            }
            if running {
                for (icon, words, up) in [(icons::ARROW_DOWN, "Ask it later", false), (icons::ARROW_UP, "Ask it earlier", true)] {
                    if button::icon(ui, look, icon, words, "", true, false).clicked() {
                        cx.acts.push(Act::Rule(Change::Move(rule.name.clone(), up)));
                    }
                }
            }
            if let Origin::Running(Some(text)) = &rule.origin
                && button::labelled(ui, look, None, "Edit", false).clicked()
            {
                write = Some(text.clone());
            }
        });
    });
    let inner = body.shrink2(vec2(16.0, 8.0));
    let mut child = ui.new_child(UiBuilder::new().id_salt("rule told").max_rect(inner));
    let ui = &mut child;
    super::fact(ui, look, "Messages", if rule.when.is_empty() { "all" } else { &rule.when });
    super::fact(ui, look, "Does", &rule.does);
    super::fact(ui, look, "Hits", &format::number(rule.hits));
    super::fact(ui, look, "Asked", if rule.enabled { "yes" } else { "no: it is switched off" });
    match &rule.origin {
        Origin::CommandLine => super::fact(ui, look, "Written", "on the command line"),
        Origin::Running(_) => super::fact(ui, look, "Written", "while running; it ends with the proxy"),
        Origin::File(line) => {
            super::fact(ui, look, "Written", &format!("in the file of rules, line {line}"));
            if let Some(file) = r.file.clone() {
                super::fact(ui, look, "File", &file.display().to_string());
                ui.label(RichText::new("The file is read again whenever it changes.").font(look.fine()).color(t.text_faint));
                if button::link(ui, look, "Copy path").clicked() {
                    cx.acts.push(Act::Copy(file.display().to_string(), "the path"));
                }
            }
        }
    }
    let by: Vec<&Edited> = r.edits.iter().filter(|e| e.hits.iter().any(|(n, _)| *n == rule.name)).take(1).collect();
    if let Some(e) = by.first() {
        ui.add_space(6.0);
        let n = e.number;
        if button::link(ui, look, "Show what it changed last").clicked() {
            r.looked = Some(Looked::Edit(n));
        }
    }
    if let Some(text) = write {
        r.write(text, Some(rule.name.clone()));
    }
}

/// A message as text: line, headers, an empty line, body.
fn text(m: &Transit) -> String {
    let body = m.body.get(..m.body.len().min(MOST_BODY)).unwrap_or_default();
    let words = match std::str::from_utf8(body) {
        Ok(s) if !s.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) => s.to_owned(),
        _ => format::hex(body, 4096),
    };
    let cut = if m.body.len() > MOST_BODY {
        format!("\n… {} more", format::size((m.body.len() - MOST_BODY) as u64))
    } else {
        String::new()
    };
    let gap = if words.is_empty() { "" } else { "\n\n" };
    format!("{}{gap}{words}{cut}", held::head(m))
}

/// Original beside modified.
fn changed(ui: &mut Ui, look: &Look, e: &Edited, rect: Rect) {
    let t = look.t;
    let (title, other) = match e.became.as_ref() {
        Judgement::Change(m) => ("Changed", Some(m)),
        Judgement::Answer(m) => ("Answered here; it did not go on", Some(m)),
        Judgement::Drop => ("Dropped; nothing answered", None),
        Judgement::Reset => ("Its connection was broken off", None),
        Judgement::Pass | Judgement::Body => ("It went on as it came", None),
    };
    let body = head(ui, look, rect, |ui| {
        ui.label(RichText::new(title).font(look.semi()).color(t.text_strong));
        let by: Vec<String> = e.hits.iter().map(|(rule, did)| format!("{rule}: {did}")).collect();
        let g = ink::line(ui.painter(), &by.join(" · "), look.fine(), t.text_quiet, ui.available_width());
        let (place, resp) = ui.allocate_exact_size(g.size(), Sense::hover());
        ui.painter().galley(place.min, g, t.text_quiet);
        resp.on_hover_text(by.join("\n"));
    });
    let (a, b) = (text(&e.original), other.map(|m| text(m)).unwrap_or_default());
    let (la, lb): (Vec<&str>, Vec<&str>) = (a.lines().collect(), b.lines().collect());
    // An answer is no change of the question: they stand beside each other as they are.
    let rows = match e.became.as_ref() {
        Judgement::Change(_) => diff::rows(&la, &lb),
        _ => (0..la.len().max(lb.len())).map(|n| beside(n, la.len(), lb.len())).collect(),
    };
    let heads = Rect::from_min_size(body.min, vec2(body.width(), look.head() - 3.0));
    let half = body.width() / 2.0;
    for (n, words) in ["As it came", if other.is_some() { "As it went on" } else { "Nothing went on" }].iter().enumerate() {
        let cell =
            Rect::from_min_size(pos2(heads.left() + half * n as f32 + 12.0, heads.top()), vec2(half - 20.0, heads.height()));
        ink::left(ui.painter(), cell, words, look.small(), t.text_faint);
    }
    ui.painter().hline(body.x_range(), heads.bottom() - 0.5, Stroke::new(1.0, t.line));
    let lines = body.with_min_y(heads.bottom());
    ui.painter().vline(lines.center().x, lines.y_range(), Stroke::new(1.0, t.line));
    let mut child = ui.new_child(UiBuilder::new().id_salt("diff").max_rect(lines));
    let changed_only = matches!(e.became.as_ref(), Judgement::Change(_));
    let height = look.size + 7.0;
    ScrollArea::vertical().id_salt("diff scroll").auto_shrink([false, false]).show_rows(
        &mut child,
        height,
        rows.len(),
        |ui, seen| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for row in rows.get(seen).unwrap_or(&[]) {
                let (r, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
                let (left, right) = r.split_left_right_at_x(lines.center().x);
                let a = |i: usize| la.get(i).copied().unwrap_or("");
                let b = |j: usize| lb.get(j).copied().unwrap_or("");
                let cell =
                    |side: Rect, s: &str, hue: Option<Color32>, lit: std::ops::Range<usize>| draw(ui, look, side, s, hue, &lit);
                match row {
                    Row::Same(i, j) => {
                        cell(left, a(*i), None, 0..0);
                        cell(right, b(*j), None, 0..0);
                    }
                    Row::Changed(i, j, p, q) => {
                        cell(left, a(*i), Some(t.err), p.clone());
                        cell(right, b(*j), Some(t.ok), q.clone());
                    }
                    Row::Gone(i) => cell(left, a(*i), changed_only.then_some(t.err), 0..0),
                    Row::New(j) => cell(right, b(*j), changed_only.then_some(t.ok), 0..0),
                }
            }
        },
    );
}

/// The same line of two texts that are not compared.
fn beside(n: usize, a: usize, b: usize) -> Row {
    match (n < a, n < b) {
        (true, true) => Row::Same(n, n),
        (true, false) => Row::Gone(n),
        _ => Row::New(n),
    }
}

/// A line of one side; what differs in it stands out.
fn draw(ui: &Ui, look: &Look, side: Rect, s: &str, hue: Option<Color32>, lit: &std::ops::Range<usize>) {
    let t = look.t;
    if let Some(hue) = hue {
        ui.painter().rect_filled(side, 0, t.tint(hue));
        ui.painter().rect_filled(Rect::from_min_size(side.min, vec2(3.0, side.height())), 0, hue);
    }
    let end = s.floor_char_boundary(400);
    let (from, to) = (lit.start.min(end), lit.end.min(end));
    let mut job = LayoutJob::default();
    let plain = TextFormat {
        font_id: look.mono_small(),
        color: if hue.is_some() { t.text_strong } else { t.text },
        ..Default::default()
    };
    let strong = TextFormat {
        background: hue.map_or(Color32::TRANSPARENT, |h| crate::theme::tokens::mix(t.panel, h, 0.42)),
        ..plain.clone()
    };
    for (part, format) in [(s.get(..from), &plain), (s.get(from..to), &strong), (s.get(to..end), &plain)] {
        job.append(part.unwrap_or(""), 0.0, format.clone());
    }
    job.break_on_newline = false;
    job.wrap = egui::text::TextWrapping::truncate_at_width((side.width() - 20.0).max(10.0));
    let g = ui.painter().layout_job(job);
    ui.painter().galley(pos2(side.left() + 12.0, (side.center().y - g.size().y / 2.0).round()), g, t.text);
}
