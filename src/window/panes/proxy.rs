//! The proxy in the top bar: a pill that says how it stands, with everything that can be done to it behind it.

use crate::act::Act;
use crate::command::Command;
use crate::format;
use crate::panes::{Cx, fact, title};
use crate::steering::Steering;
use crate::theme::{Look, icons};
use crate::widgets::pill::Pill;
use crate::widgets::{button, ink};
use egui::{CornerRadius, Frame, Margin, RichText, Role, Sense, Stroke, TextEdit, Ui, WidgetInfo, vec2};

/// The pill; a click opens what is behind it.
pub fn pill(ui: &mut Ui, cx: &mut Cx<'_>, s: &mut Steering) {
    let look = cx.look;
    let t = look.t;
    let state = &s.state;
    let at = state.listening.first().map_or("", String::as_str);
    let port = at.rsplit(':').next().unwrap_or(at);
    let (lamp, words) = match (state.running, &state.trouble, &state.holding) {
        (false, ..) => (t.text_faint, "stopped".to_owned()),
        (true, Some(_), _) => (t.err, "not recording".to_owned()),
        (true, None, Some(_)) => (t.warn, "holding".to_owned()),
        (true, None, None) => (t.ok, format!("{} open", format::number(state.open))),
    };
    let name = format!("Proxy :{port}");
    let pill = Pill { lamp, name: &name, words: &words, label: &name, width: 260.0 };
    pill.show(ui, look, |ui| behind(ui, cx, s));
}

fn behind(ui: &mut Ui, cx: &mut Cx<'_>, s: &mut Steering) {
    let look = cx.look;
    let t = look.t;
    let state = s.state.clone();
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        if state.running {
            let c = Command::Browse;
            if button::tip(button::labelled(ui, look, Some(icons::BROWSER), "Open browser", true), c.facts().tip, &c.keys())
                .clicked()
            {
                cx.acts.push(Act::Do(c));
                ui.close();
            }
            if button::labelled(ui, look, Some(icons::STOP), "Stop", false).clicked() {
                cx.acts.push(Act::Do(Command::StopProxy));
            }
        } else {
            ui.label(RichText::new("Stopped. What was recorded stays in this tab.").color(t.text_quiet));
        }
    });
    title(ui, look, "Listens at");
    for at in &state.listening {
        ui.horizontal(|ui| {
            ui.label(RichText::new(at).font(look.mono()).color(t.text_strong));
            if button::icon(ui, look, icons::COPY, "Copy address", "", true, false).clicked() {
                cx.acts.push(Act::Copy(at.clone(), "the address"));
            }
        });
    }
    fact(ui, look, "Connections", &format!("{} open, {} in all", format::number(state.open), format::number(state.connections)));
    fact(ui, look, "Recorded", &format::size(state.recorded));
    fact(ui, look, "To", &state.file.display().to_string());
    if let Some(p) = &state.trouble {
        ui.label(RichText::new(format!("{}. {} {}", p.what, p.why, p.what_to_do)).font(look.fine()).color(t.err));
    }
    title(ui, look, "Certificate authority");
    ui.label(RichText::new(&state.trust).font(look.fine()).color(t.text));
    ui.horizontal(|ui| {
        let (icon, _) = ui.allocate_exact_size(vec2(look.size + 6.0, look.row()), Sense::hover());
        ink::icon(ui.painter(), icon.center(), icons::CERTIFICATE, look.icon(1.2), t.text_quiet);
        let path = state.certificate.display().to_string();
        let g = ink::line(ui.painter(), &path, look.mono_small(), t.text, 260.0);
        let (r, resp) = ui.allocate_exact_size(g.size(), Sense::hover());
        ui.painter().galley(r.min, g, t.text);
        resp.on_hover_text(&path);
        if button::icon(ui, look, icons::COPY, "Copy the certificate's path", "", true, false).clicked() {
            cx.acts.push(Act::Copy(path, "the path"));
        }
    });
    title(ui, look, "Breakpoints");
    hold(ui, cx, s);
    ui.add_space(6.0);
}

fn hold(ui: &mut Ui, cx: &mut Cx<'_>, s: &mut Steering) {
    let look = cx.look;
    let t = look.t;
    let on = s.state.holding.is_some();
    ui.label(
        RichText::new("Messages that this finds stop here until you send them on. Empty: all requests.")
            .font(look.fine())
            .color(t.text_quiet),
    );
    ui.horizontal(|ui| {
        let edit = TextEdit::singleline(&mut s.filter)
            .font(look.mono())
            .text_color(t.text_strong)
            .hint_text("~q & ~d example.org")
            .desired_width(224.0)
            .frame(edge(look));
        let r = ui.add(edit);
        r.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Hold filter"));
        let entered = r.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
        if r.changed() {
            s.filter_wrong = None;
        }
        let pressed = button::labelled(ui, look, Some(icons::HAND_PALM), if on { "Let go" } else { "Hold" }, !on).clicked();
        if pressed || entered {
            let filter = if s.filter.trim().is_empty() { "~q".to_owned() } else { s.filter.clone() };
            cx.acts.push(Act::Hold((!on || entered).then_some(filter)));
        }
    });
    if let Some(f) = &s.state.holding {
        ui.label(RichText::new(format!("Holding {f}")).font(look.mono_small()).color(t.warn));
    }
    if let Some(why) = &s.filter_wrong {
        ui.label(RichText::new(why).font(look.mono_small()).color(t.err));
    }
}

/// The frame of a field that is typed in.
pub(super) fn edge(look: &Look) -> Frame {
    Frame::new()
        .fill(look.t.panel)
        .stroke(Stroke::new(1.0, look.t.line_strong))
        .corner_radius(CornerRadius::same(6))
        .inner_margin(Margin::symmetric(8, 5))
}
