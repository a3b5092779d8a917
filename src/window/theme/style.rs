//! Tokens and fonts as egui's style, for the widgets that egui draws.

use super::fonts::{MEDIUM, family};
use super::look::Look;
use egui::style::{Selection, TextCursorStyle, WidgetVisuals};
use egui::{Color32, Context, CornerRadius, FontFamily, FontId, Margin, Shadow, Stroke, TextStyle, Theme, Visuals, vec2};

/// Gives egui's own widgets the look.
pub fn apply(ctx: &Context, look: &Look) {
    let t = look.t;
    let theme = if t.dark { Theme::Dark } else { Theme::Light };
    ctx.set_theme(theme);
    ctx.style_mut_of(theme, |style| {
        style.text_styles = [
            (TextStyle::Small, FontId::new(look.size - 1.0, FontFamily::Proportional)),
            (TextStyle::Body, FontId::new(look.size, FontFamily::Proportional)),
            (TextStyle::Button, FontId::new(look.size, family(MEDIUM))),
            (TextStyle::Heading, look.title(1.3)),
            (TextStyle::Monospace, look.mono()),
        ]
        .into();
        style.animation_time = 0.12;
        style.interaction.selectable_labels = false;
        style.interaction.tooltip_delay = 0.45;
        style.interaction.show_tooltips_only_when_still = true;
        let s = &mut style.spacing;
        s.item_spacing = vec2(8.0, 6.0);
        s.button_padding = vec2(10.0, 4.0);
        s.interact_size.y = 26.0;
        s.menu_margin = Margin::same(6);
        s.window_margin = Margin::same(12);
        s.slider_width = 200.0;
        s.scroll.bar_width = 8.0;
        s.scroll.floating = true;
        let v = &mut style.visuals;
        *v = if t.dark { Visuals::dark() } else { Visuals::light() };
        v.panel_fill = t.panel;
        v.window_fill = t.raised;
        v.window_stroke = Stroke::new(1.0, t.line_strong);
        v.window_corner_radius = CornerRadius::same(10);
        v.menu_corner_radius = CornerRadius::same(8);
        v.window_shadow =
            Shadow { offset: [0, 12], blur: 32, spread: 0, color: Color32::from_black_alpha(if t.dark { 130 } else { 46 }) };
        v.popup_shadow =
            Shadow { offset: [0, 6], blur: 18, spread: 0, color: Color32::from_black_alpha(if t.dark { 110 } else { 36 }) };
        v.faint_bg_color = t.raised;
        v.extreme_bg_color = t.gutter;
        v.text_edit_bg_color = Some(t.raised);
        v.code_bg_color = t.raised;
        v.hyperlink_color = t.accent;
        v.warn_fg_color = t.warn;
        v.error_fg_color = t.err;
        v.weak_text_color = Some(t.text_quiet);
        v.text_cursor = TextCursorStyle { stroke: Stroke::new(1.5, t.accent), blink: false, ..Default::default() };
        v.selection = Selection { bg_fill: t.selected, stroke: Stroke::new(1.0, t.accent) };
        let w = |fill: Color32, edge: Color32, ink: Color32| WidgetVisuals {
            bg_fill: fill,
            weak_bg_fill: fill,
            bg_stroke: Stroke::new(1.0, edge),
            corner_radius: CornerRadius::same(6),
            fg_stroke: Stroke::new(1.0, ink),
            expansion: 0.0,
        };
        v.widgets.noninteractive = w(t.panel, t.line, t.text);
        v.widgets.inactive = w(t.raised, t.line_strong, t.text);
        // Rails of sliders and boxes of choices are filled with this one.
        v.widgets.inactive.bg_fill = t.line_strong;
        v.widgets.hovered = w(t.hover, t.line_strong, t.text_strong);
        v.widgets.active = w(t.selected, t.accent, t.text_strong);
        v.widgets.open = w(t.hover, t.line_strong, t.text_strong);
    });
}
