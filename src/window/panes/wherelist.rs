//! WHERE: the list at the chosen depth, with the control of depth in its head.

use crate::act::Act;
use crate::command::Command;
use crate::format;
use crate::panes::{Cx, bytes, exchanges, head, packets, pane, story};
use crate::select::Level;
use crate::sifting::Sift;
use crate::tab::{Region, Tab};
use crate::theme::icons;
use crate::widgets::{button, ink, vlist};
use egui::{Rect, Sense, Ui, vec2};

/// Shows it.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, rect: Rect) {
    let look = cx.look;
    pane(ui, look, "where", rect, |ui| {
        let body = head(ui, look, rect, |ui| {
            let commands = [Command::Story, Command::Exchanges, Command::Packets, Command::Bytes];
            let names = Level::ALL.map(Level::word);
            let options = [("1", names[0]), ("2", names[1]), ("3", names[2]), ("4", names[3])];
            let tips = commands.map(|c| format!("{}  ({})", c.facts().tip, c.keys()));
            let chosen = Level::ALL.iter().position(|l| *l == tab.level).unwrap_or(0);
            if let Some(c) = button::choice(ui, look, &options, chosen, &tips).and_then(|i| commands.get(i)) {
                cx.acts.push(Act::Do(*c));
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if tab.level == Level::Exchanges {
                    let c = Command::GroupByConnection;
                    if button::icon(ui, look, icons::PLUGS, c.facts().text, &c.keys(), true, cx.prefs.grouped).clicked() {
                        cx.acts.push(Act::Do(c));
                    }
                    let twice = tab.twins().len();
                    if twice > 0 {
                        let c = Command::CapturedToo;
                        let name = format!("{} ({})", c.facts().text, format::number(twice as u64));
                        if button::icon(ui, look, c.facts().icon, &name, &c.keys(), true, cx.prefs.captured).clicked() {
                            cx.acts.push(Act::Do(c));
                        }
                    }
                }
                let (words, next) = match tab.listing_progress() {
                    Some(p) => (format!("filtering, {:.0} %", p * 100.0), Some(Command::StopFiltering)),
                    None if tab.is_listing_stopped() => ("not all looked at".into(), Some(Command::FilterOn)),
                    None => (String::new(), None),
                };
                if let Some(c) = next {
                    let facts = c.facts();
                    if button::icon(ui, look, facts.icon, facts.text, "", true, false).clicked() {
                        cx.acts.push(Act::Do(c));
                    }
                }
                if !words.is_empty() {
                    let width = ui.available_width().min(150.0);
                    let (r, _) = ui.allocate_exact_size(vec2(width, look.row()), Sense::hover());
                    ink::right(ui.painter(), r, &words, look.fine(), look.t.text_quiet);
                }
            });
        });
        if let Some(p) = tab.listing_broken(cx.prefs) {
            vlist::empty(ui, look, body, icons::WARNING_CIRCLE, &p.what, &format!("{} {}", p.why, p.what_to_do));
            return;
        }
        if tab.level != Level::Bytes && tab.listing().len(&tab.snap) == 0 {
            nothing(ui, cx, tab, body);
            return;
        }
        match tab.level {
            Level::Story => story::show(ui, cx, tab, body),
            Level::Exchanges => exchanges::show(ui, cx, tab, body),
            Level::Packets => packets::show(ui, cx, tab, body),
            Level::Bytes => bytes::show(ui, cx, tab, body),
        }
    });
}

fn nothing(ui: &mut Ui, cx: &mut Cx<'_>, tab: &Tab, rect: Rect) {
    let look = cx.look;
    let filtered = !tab.sifting.sift().is_every() || tab.only.is_some();
    let words = matches!(tab.sifting.sift(), Sift::Words(_));
    let empty = tab.snap.packets() == 0 && tab.is_live();
    let (icon, title, hint) = if empty && tab.records() {
        (icons::HOURGLASS, "Nothing came yet", "Packets appear here as they come.")
    } else if empty {
        (icons::FILE, "Nothing was captured", "The menu of its pill goes on capturing.")
    } else if tab.is_listing_stopped() {
        (icons::FUNNEL, "Nothing found yet", "Filtering was stopped before every row was looked at. The arrow above goes on.")
    } else if tab.lists() || (tab.busy() && !tab.is_live()) {
        (icons::HOURGLASS, "Reading…", "Rows appear here as they are found.")
    } else if words {
        (
            icons::FUNNEL,
            "No row holds these words",
            "They are looked for in addresses, host names and summaries. Press Esc in the filter to see every row again.",
        )
    } else if filtered {
        (icons::FUNNEL, "No row passes the filter", "Press Esc in the filter to see every row again.")
    } else if tab.level == Level::Packets {
        (
            icons::FILE,
            "No packets",
            "The file holds no packets, or none could be read. What was wrong with it is listed under Statistics.",
        )
    } else {
        (
            icons::CHAT_CIRCLE_TEXT,
            "No messages",
            "No protocol that Wirelore reads was recognised here. Press 3 to see the packets.",
        )
    };
    vlist::empty(ui, look, rect, icon, title, hint);
}

/// What a click in the list does besides selecting: keys go to it.
pub fn after(cx: &mut Cx<'_>, tab: &mut Tab, h: &vlist::Happened) -> Option<crate::listing::Item> {
    if h.response.has_focus() {
        tab.region = Region::List;
    }
    let row = h.clicked.or(h.menu)?;
    let item = tab.listing().item(row)?;
    let to = item.select(&tab.snap, &tab.selection.bare());
    cx.acts.push(Act::Select(to));
    Some(item)
}

/// The menu of a row.
pub fn menu(ui: &mut Ui, cx: &mut Cx<'_>, tab: &Tab) {
    for c in [
        Command::FilterConversation,
        Command::OtherHalf,
        Command::OtherLeg,
        Command::OtherPicture,
        Command::NextInConversation,
        Command::PreviousInConversation,
        Command::Mark,
        Command::CopyRow,
        Command::Export,
        Command::RuleLike,
    ] {
        let fits = match c {
            Command::OtherLeg => tab.is_leg(),
            Command::OtherPicture => tab.other_picture().is_some(),
            Command::RuleLike => tab.steering.is_some() && tab.selection.message.is_some(),
            _ => true,
        };
        if fits && ui.button(c.facts().text).on_hover_text(c.facts().tip).clicked() {
            cx.acts.push(Act::Do(c));
            ui.close();
        }
    }
}
