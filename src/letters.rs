//! Letters that went by SMTP, with their envelopes: gathered flow by flow, for `wirelore export --as swaks`.

use crate::reading::Failure;
use crate::session::Session;
use std::collections::HashMap;
use wirelore_engine::conversation::{InnerBytes, Listen, Message};
use wirelore_export::swaks::{Letter, Tls};
use wirelore_kit::{Cancel, Cell, ConvId, Dir, Hint, Level};
use wirelore_store::Flow;

/// So many bytes of the letters of one flow are kept.
const MOST: usize = 256 << 20;

type Name = (ConvId, Dir, u64);

/// What a reading hears of one flow.
#[derive(Default)]
struct Ear {
    /// The client's messages in order, with the command and parameter of each.
    said: Vec<(Name, String, String, u32)>,
    at: HashMap<Name, usize>,
    /// By the dissector's key: a letter in chunks (BDAT) stands in several messages. With the last of them.
    letters: HashMap<(ConvId, u64), (Name, Vec<u8>)>,
    kept: usize,
    exchanges: u32,
}

impl Ear {
    fn hear(&mut self, m: &Message<'_>) {
        if m.spec.name != "smtp" || m.dir != Dir::ToServer {
            return;
        }
        let name = (m.conv, m.dir, m.at);
        let next = self.said.len();
        let at = *self.at.entry(name).or_insert(next);
        if at == next {
            self.said.push((name, String::new(), String::new(), 0));
        }
        let Some((_, command, parameter, frame)) = self.said.get_mut(at) else { return };
        *frame = m.done.number;
        for (field, cell) in m.sink.cells.iter().skip(m.new_cells) {
            let slot = match field.name {
                "smtp.req.command" => &mut *command,
                "smtp.req.parameter" => &mut *parameter,
                _ => continue,
            };
            if let (true, Cell::Text(range)) = (slot.is_empty(), cell) {
                *slot = String::from_utf8_lossy(m.sink.text(range)).into_owned();
            }
        }
    }

    /// The letters, each with what was said before it.
    fn letters(mut self, flow: &Flow<'_>) -> Vec<Letter> {
        let server = flow.server();
        let mut now = Letter { host: server.ip.to_string(), port: server.port, ..Letter::default() };
        let mut found = Vec::new();
        let mut letters: HashMap<Name, Vec<u8>> = std::mem::take(&mut self.letters).into_values().collect();
        // The conversation inside of TLS is another than the one outside.
        if self.said.first().is_some_and(|(name, ..)| name.0.inner != 0) {
            now.tls = Tls::AtOnce;
        }
        for (name, command, parameter, frame) in std::mem::take(&mut self.said) {
            match command.to_ascii_uppercase().as_str() {
                "EHLO" | "HELO" | "LHLO" => now.helo = parameter.trim().to_owned(),
                "STARTTLS" => now.tls = Tls::Started,
                "MAIL" => {
                    now.from = address(&parameter);
                    now.to.clear();
                }
                "RCPT" => now.to.push(address(&parameter)),
                "RSET" => now.to.clear(),
                _ => {}
            }
            if let Some(data) = letters.remove(&name).filter(|_| !now.to.is_empty()) {
                found.push(Letter { data, frame: frame.saturating_add(1), ..now.clone() });
            }
        }
        found
    }
}

/// The address within `FROM:<a@b> SIZE=9`.
fn address(parameter: &str) -> String {
    let inside = parameter.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(inside, _)| inside);
    // Some clients leave the brackets out.
    let bare = || parameter.split_once(':').map_or(parameter, |(_, rest)| rest).split_whitespace().next().unwrap_or_default();
    inside.unwrap_or_else(bare).to_owned()
}

impl Listen for Ear {
    fn opened(&mut self, m: &Message<'_>) {
        self.hear(m);
    }

    fn changed(&mut self, m: &Message<'_>) {
        self.hear(m);
    }

    fn exchange(&mut self) -> u32 {
        self.exchanges = self.exchanges.saturating_add(1);
        self.exchanges
    }

    fn inner(&mut self, b: &InnerBytes<'_>) {
        let name = (b.conv, b.message.0, b.message.1);
        let is_letter = matches!(b.hint, Hint::Media(told) if &*told.name == "message/rfc822");
        if is_letter && self.at.contains_key(&name) && self.kept.saturating_add(b.bytes.len()) <= MOST {
            self.kept = self.kept.saturating_add(b.bytes.len());
            let (last, data) = self.letters.entry((b.conv, b.key.0)).or_insert_with(|| (name, Vec::new()));
            *last = name;
            data.extend_from_slice(b.bytes);
        }
    }
}

/// Hands every letter of a capture to `to`, flow by flow.
///
/// # Errors
/// When recorded bytes can no longer be read, or what `to` says.
pub fn each(session: &Session, to: &mut dyn FnMut(&Letter) -> Result<(), Failure>) -> Result<(), Failure> {
    let s = session.store.snapshot();
    let mut flows: Vec<u32> =
        s.each_message().filter(|(_, m)| s.schema().protocol_name(m.protocol) == "smtp").map(|(_, m)| m.conv.flow).collect();
    flows.sort_unstable();
    flows.dedup();
    for flow in flows.into_iter().filter_map(|f| s.flow(f)) {
        let mut ear = Ear::default();
        session.recall.reread(flow.id, Level::Bodies, &Cancel::new(), &mut ear)?;
        for letter in ear.letters(&flow) {
            to(&letter)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_with_and_without_brackets() {
        for (said, is) in [("FROM:<a@b.test> SIZE=9", "a@b.test"), ("TO: a@b.test", "a@b.test"), ("FROM:<>", ""), ("", "")] {
            assert_eq!(address(said), is, "{said}");
        }
    }
}
