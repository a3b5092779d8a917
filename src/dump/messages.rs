//! `dump -m`: a line for each message, its tree, its bytes, what it carries.

use super::{Dump, Frame, Out};
use crate::reading::Failure;
use wirelore_content::{Ink, Options};
use wirelore_export::frame::Clock;
use wirelore_export::text;
use wirelore_kit::row::{MessageState, NONE};
use wirelore_kit::{Buffer, Cancel, Tree, TreeSource, What};
use wirelore_store::Snapshot;

/// Rows up to the first that is still open, so that lines come in order and are final.
pub(super) fn closed(s: &Snapshot, from: u32, done: bool) -> u32 {
    let all = s.messages();
    if done {
        return all;
    }
    (from..all).find(|m| s.message(*m).is_some_and(|r| r.state == MessageState::Open)).unwrap_or(all)
}

/// Prints one message.
pub(super) fn message(
    out: &mut Out<'_>,
    args: &Dump,
    recall: &dyn TreeSource,
    s: &Snapshot,
    id: u32,
    clock: &mut Clock,
    cancel: &Cancel,
) -> Result<(), Failure> {
    let Some(row) = s.message(id).filter(|m| !m.withdrawn) else { return Ok(()) };
    let frame: Frame = clock.of_message(s, if row.done == NONE { row.first } else { row.done });
    let time = args.time.show(&frame.times(), frame.digits);
    let colour = if row.state == MessageState::Bad { "31" } else { "" };
    out.line(&text::message_line(s, id, &time), colour)?;
    if !(args.tree || args.hex || args.bodies) {
        return Ok(());
    }
    let tree = recall.tree(What::Message(id), cancel)?;
    if args.tree {
        out.line(&text::tree(&tree), "")?;
    }
    if args.hex {
        for b in &tree.buffers {
            out.line(&format!("{} ({} bytes):", b.label, b.bytes.len()), "")?;
            out.line(&text::hex(b), "")?;
        }
    }
    if args.bodies {
        for b in wirelore_content::bodies(&tree) {
            body(out, &tree, b, cancel)?;
        }
    }
    Ok(())
}

/// What a message carries, line by line, and what is wrong with it.
fn body(out: &mut Out<'_>, tree: &Tree, b: &Buffer, cancel: &Cancel) -> Result<(), Failure> {
    let Some(view) = wirelore_content::view(&b.bytes, &wirelore_content::media(tree, b), Options::default(), cancel) else {
        return Ok(());
    };
    out.line(&format!("{} ({} bytes), shown as {}:", b.label, b.bytes.len(), view.form.word()), "1")?;
    for note in &view.notes {
        out.line(&format!("  ! {note}"), "33")?;
    }
    for line in 0..view.lines() {
        let mut text = String::from("  ");
        for (ink, word) in view.words(line) {
            let code = if out.colour { ansi(ink) } else { "" };
            if code.is_empty() {
                text.push_str(word);
            } else {
                text.push_str(&format!("\x1b[{code}m{word}\x1b[0m"));
            }
        }
        out.line(&text, "")?;
    }
    Ok(())
}

/// Colours that terminals have in either theme.
const fn ansi(ink: Ink) -> &'static str {
    match ink {
        Ink::Plain | Ink::Mark => "",
        Ink::Name => "34",
        Ink::Text => "32",
        Ink::Number => "33",
        Ink::Word => "35",
        Ink::Comment | Ink::Said => "2",
        Ink::Fault => "31",
    }
}
