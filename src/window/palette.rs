//! The command palette: commands, packets by number, recent captures and filters, found by typing.

use crate::act::Act;
use crate::command::{Command, Group};
use crate::fuzzy;
use crate::theme::{Look, icons};
use crate::widgets::ink;
use egui::text::{LayoutJob, TextFormat};
use egui::{
    Align2, CornerRadius, Frame, Id, Key, Margin, Modal, Modifiers, Rect, Role, ScrollArea, Sense, Stroke, TextEdit, Ui,
    WidgetInfo, pos2, vec2,
};
use std::path::PathBuf;

/// The palette while it is open.
#[derive(Debug, Default)]
pub struct Palette {
    text: String,
    chosen: usize,
    fresh: bool,
}

struct Entry {
    icon: char,
    text: String,
    hint: &'static str,
    keys: String,
    enabled: bool,
    act: Act,
    hit: fuzzy::Hit,
}

/// What the palette may offer.
pub struct Offers<'a> {
    /// Packets of the capture, if one is open.
    pub packets: Option<u32>,
    /// Captures opened lately.
    pub recent: &'a [PathBuf],
    /// Whether a command can be done now.
    pub enabled: &'a dyn Fn(Command) -> bool,
}

impl Palette {
    /// Opened just now.
    #[must_use]
    pub const fn open() -> Palette {
        Palette { text: String::new(), chosen: 0, fresh: true }
    }

    fn entries(&self, offers: &Offers<'_>) -> Vec<Entry> {
        let text = self.text.trim();
        let mut out = Vec::new();
        let digits: String = text.chars().filter(|c| !c.is_whitespace() && *c != ',').collect();
        if let Some(packets) = offers.packets
            && let Ok(n) = digits.parse::<u32>()
        {
            let there = n >= 1 && n <= packets;
            let text = if there {
                format!("Go to packet {}", crate::format::number(n.into()))
            } else {
                format!("There is no packet {n}: this capture has {}", crate::format::number(packets.into()))
            };
            out.push(Entry {
                icon: icons::CROSSHAIR,
                text,
                hint: "",
                keys: String::new(),
                enabled: there,
                act: Act::Packet(n.saturating_sub(1)),
                hit: fuzzy::Hit { score: i32::MAX, at: Vec::new() },
            });
        }
        let mut commands: Vec<Entry> = Command::ALL
            .iter()
            .filter_map(|c| {
                let f = c.facts();
                let hit = fuzzy::find(text, f.text)?;
                Some(Entry {
                    icon: f.icon,
                    text: f.text.to_owned(),
                    hint: f.group.word(),
                    keys: c.keys(),
                    enabled: (offers.enabled)(*c),
                    act: Act::Do(*c),
                    hit,
                })
            })
            .collect();
        if text.is_empty() {
            commands.sort_by_key(|e| (!e.enabled, Group::ALL.iter().position(|g| g.word() == e.hint)));
        } else {
            commands.sort_by_key(|e| (!e.enabled, -e.hit.score));
        }
        out.extend(commands);
        for path in offers.recent {
            let name = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
            if let Some(hit) = fuzzy::find(text, &name).filter(|_| !text.is_empty()) {
                out.push(Entry {
                    icon: icons::FILE,
                    text: name,
                    hint: "Recent capture",
                    keys: String::new(),
                    enabled: true,
                    act: Act::Open(path.clone()),
                    hit,
                });
            }
        }
        if !text.is_empty() && offers.packets.is_some() && digits != text {
            let hit = fuzzy::Hit { score: 0, at: Vec::new() };
            out.push(Entry {
                icon: icons::FUNNEL,
                text: format!("Filter by “{text}”"),
                hint: "",
                keys: String::new(),
                enabled: true,
                act: Act::Filter(text.to_owned()),
                hit,
            });
        }
        out
    }

    /// Shows it; gives what was chosen and whether it shall close.
    pub fn show(&mut self, ui: &Ui, look: &Look, offers: &Offers<'_>) -> (Option<Act>, bool) {
        let entries = self.entries(offers);
        let (mut act, mut close) = (None, false);
        let keys = ui.input_mut(|i| {
            let down =
                i.count_and_consume_key(Modifiers::NONE, Key::ArrowDown) + i.count_and_consume_key(Modifiers::CTRL, Key::N);
            let up = i.count_and_consume_key(Modifiers::NONE, Key::ArrowUp) + i.count_and_consume_key(Modifiers::CTRL, Key::P);
            (down, up, i.consume_key(Modifiers::NONE, Key::Enter), i.consume_key(Modifiers::NONE, Key::Escape))
        });
        self.chosen = (self.chosen + keys.0).saturating_sub(keys.1).min(entries.len().saturating_sub(1));
        close |= keys.3;
        let moved = keys.0 + keys.1 > 0;
        if keys.2
            && let Some(e) = entries.get(self.chosen).filter(|e| e.enabled)
        {
            (act, close) = (Some(e.act.clone()), true);
        }
        let width = (ui.ctx().content_rect().width() - 40.0).clamp(220.0, 580.0);
        let frame = Frame::new()
            .fill(look.t.raised)
            .stroke(Stroke::new(1.0, look.t.line_strong))
            .corner_radius(CornerRadius::same(12))
            .shadow(ui.visuals().window_shadow)
            .inner_margin(Margin::same(6));
        let area = Modal::default_area(Id::unique("palette")).anchor(Align2::CENTER_TOP, vec2(0.0, 84.0));
        let modal = Modal::new(Id::unique("palette")).area(area).frame(frame).backdrop_color(look.t.veil).show(ui.ctx(), |ui| {
            ui.set_width(width);
            ui.spacing_mut().item_spacing.y = 0.0;
            ui.horizontal(|ui| {
                ui.add_space(10.0);
                let (icon, _) = ui.allocate_exact_size(vec2(20.0, 38.0), Sense::hover());
                ink::icon(ui.painter(), icon.center(), icons::MAGNIFYING_GLASS, look.icon(1.3), look.t.text_quiet);
                let font = egui::FontId::new(look.size + 2.0, egui::FontFamily::Proportional);
                let (room, _) = ui.allocate_exact_size(vec2(ui.available_width(), 38.0), Sense::hover());
                let field = Rect::from_center_size(room.center(), vec2(room.width() - 4.0, ui.spacing().interact_size.y));
                if self.text.is_empty() {
                    ink::left(ui.painter(), field, "Type a command, a packet number or a text", font.clone(), look.t.text_faint);
                }
                let edit = TextEdit::singleline(&mut self.text)
                    .id(Id::unique("palette text"))
                    .frame(Frame::NONE)
                    .margin(Margin::ZERO)
                    .desired_width(field.width())
                    .align(Align2::LEFT_CENTER)
                    .font(font);
                let r = ui.put(field, edit).accessible_name("Command");
                if self.fresh {
                    r.request_focus();
                    self.fresh = false;
                }
                if r.changed() {
                    self.chosen = 0;
                }
            });
            let line = ui.allocate_exact_size(vec2(ui.available_width(), 9.0), Sense::hover()).0;
            ui.painter().hline(line.x_range(), line.center().y, Stroke::new(1.0, look.t.line));
            let height = (look.size + 21.0).round();
            ScrollArea::vertical()
                .max_height((height * 9.5).min(ui.ctx().content_rect().height() - 190.0))
                .auto_shrink([false, true])
                .show(ui, |ui| {
                    for (i, e) in entries.iter().enumerate() {
                        let (rect, r) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::CLICK);
                        r.widget_info(|| {
                            WidgetInfo::selected(Role::MenuItem, e.enabled, i == self.chosen, format!("{} {}", e.text, e.hint))
                        });
                        if i == self.chosen && moved {
                            r.scroll_to_me(None);
                        }
                        if r.hovered() && ui.input(|i| i.pointer.is_moving()) {
                            self.chosen = i;
                        }
                        if ui.is_rect_visible(rect) {
                            entry(ui, look, rect, e, i == self.chosen);
                        }
                        if r.clicked() && e.enabled {
                            (act, close) = (Some(e.act.clone()), true);
                        }
                    }
                    if entries.is_empty() {
                        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
                        ink::center(ui.painter(), rect, "Nothing fits", look.text(), look.t.text_quiet);
                    }
                });
        });
        close |= modal.should_close();
        (act, close)
    }
}

fn entry(ui: &Ui, look: &Look, rect: Rect, e: &Entry, chosen: bool) {
    let t = look.t;
    let p = ui.painter();
    if chosen {
        p.rect_filled(rect, CornerRadius::same(7), t.selected);
    }
    let ink_of = |c| if e.enabled { c } else { t.mark };
    ink::icon(
        p,
        pos2(rect.left() + 22.0, rect.center().y),
        e.icon,
        look.icon(1.25),
        ink_of(if chosen { t.accent } else { t.text_quiet }),
    );
    let mut job = LayoutJob::default();
    for (i, c) in e.text.chars().enumerate() {
        let hit = e.hit.at.binary_search(&i).is_ok();
        let format = TextFormat {
            font_id: look.medium(),
            color: ink_of(t.text_strong),
            underline: if hit { Stroke::new(1.5, t.accent) } else { Stroke::NONE },
            ..Default::default()
        };
        job.append(c.encode_utf8(&mut [0; 4]), 0.0, format);
    }
    let right = if e.keys.is_empty() { 0.0 } else { ink::keys(p, look, pos2(rect.right() - 10.0, rect.center().y), &e.keys) };
    job.wrap = egui::text::TextWrapping::truncate_at_width((rect.width() - 60.0 - right).max(40.0));
    let g = p.layout_job(job);
    let x = rect.left() + 42.0;
    let w = g.size().x;
    p.galley(pos2(x, (rect.center().y - g.size().y / 2.0).round()), g, t.text);
    let hint = Rect::from_min_max(pos2(x + w + 10.0, rect.top()), pos2(rect.right() - right - 20.0, rect.bottom()));
    ink::left(p, hint, e.hint, look.fine(), ink_of(t.text_faint));
}
