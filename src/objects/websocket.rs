//! Messages of WebSockets as objects: joined, decompressed and unmasked, named after the address that opened them.

use super::{Object, Wanted};
use crate::exchanges;
use crate::exporting::Material;
use crate::reading::Failure;

/// Every message with data, in the order in which they came; of the wanted messages' exchanges only.
///
/// # Errors
/// When recorded bytes can no longer be read, or files cannot be written.
pub fn objects(m: &Material<'_>, wanted: Wanted<'_>) -> Result<Vec<Object>, Failure> {
    let s = m.snapshot;
    let mut all = Vec::new();
    exchanges::each_of(m, &mut |e| {
        let row = s.exchange(e.id);
        let named = |id: u32| s.message(id).map(|m| (m.conv, m.dir, m.at));
        let chosen = |w: &std::collections::HashSet<super::Name>| {
            row.is_some_and(|r| [r.ask, r.answer].into_iter().filter_map(named).any(|n| w.contains(&n)))
        };
        if !wanted.messages.is_none_or(chosen) {
            return Ok(());
        }
        let place = super::safe_name(&e.url, "");
        // Opcodes 1 and 2 are text and binary data (RFC 6455 §5.2); the others steer.
        for (n, chat) in e.chat.iter().enumerate().filter(|(_, c)| matches!(c.opcode, 1 | 2)) {
            let text = chat.opcode == 1;
            let json = text
                && matches!(chat.data.first(), Some(b'{' | b'['))
                && serde_json::from_slice::<serde_json::Value>(&chat.data).is_ok();
            let (ending, media) = match (json, text) {
                (true, _) => ("json", "application/json"),
                (_, true) => ("txt", "text/plain"),
                _ => ("bin", "application/octet-stream"),
            };
            let way = if chat.to_server { "client" } else { "server" };
            let object = Object {
                protocol: "websocket",
                name: format!("{place}-{:05}-{way}.{ending}", n.saturating_add(1)),
                media: media.into(),
                size: 0,
                sha256: String::new(),
                to_server: chat.to_server,
                frame: e.frames.iter().flatten().copied().max().map_or(0, u64::from),
                stream: e.stream,
                whole: true,
                beginning: false,
                saved: None,
            };
            all.push(object.of_bytes(&chat.data, wanted.folder)?);
        }
        Ok(())
    })?;
    Ok(all)
}
