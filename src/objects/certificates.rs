//! Certificates of TLS and QUIC handshakes as objects: DER as it was sent, each once however often it was.

use super::{Object, Wanted};
use crate::exporting::Material;
use crate::harvest;
use crate::names;
use crate::reading::Failure;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::ops::ControlFlow;
use wirelore_filter::Wants;
use wirelore_kit::{Dir, Value};
use wirelore_store::query::Bits;

/// The field whose bytes are a certificate, and its subject in words, which stands inside of it.
const CERTIFICATE: &str = "tls.handshake.certificate";
const SUBJECT: &str = "x509af.subject";

/// Every certificate, in the order in which they came; of the wanted messages only.
///
/// # Errors
/// When recorded bytes can no longer be read, or files cannot be written.
pub fn objects(m: &Material<'_>, wanted: Wanted<'_>) -> Result<Vec<Object>, Failure> {
    let s = m.snapshot;
    let fields = names::fields().filter(|f| [CERTIFICATE, SUBJECT].contains(&f.name)).collect();
    let wants = Wants { fields, ..Wants::default() };
    let (mut all, mut seen, mut failed) = (Vec::new(), HashSet::new(), None);
    harvest::harvest(m.recall, s, &wants, Bits::all(s.packets()), m.work, &mut |row| {
        for part in row.parts() {
            let Some(message) = part.message.and_then(|id| s.message(id)) else { continue };
            if wanted.messages.is_some_and(|w| !w.contains(&(message.conv, message.dir, message.at))) {
                continue;
            }
            for (at, kept) in part.kept.iter().enumerate().filter(|(_, k)| k.field.name == CERTIFICATE) {
                let der = part.bytes(kept);
                if der.is_empty() || !seen.insert(<[u8; 32]>::from(Sha256::digest(der))) {
                    continue;
                }
                let inside = part.kept.iter().skip(at.saturating_add(1)).take_while(|k| k.field.name != CERTIFICATE);
                let mut subjects = inside.filter(|k| k.field.name == SUBJECT).map(|k| match &k.value {
                    Value::Str(text) => text.to_string(),
                    _ => String::from_utf8_lossy(part.bytes(k)).into_owned(),
                });
                let subject = subjects.next();
                let flow = s.flow(message.conv.flow);
                let object = Object {
                    protocol: "tls",
                    name: format!("{}-{}.der", common_name(&subject.unwrap_or_default()), short(der)),
                    media: "application/pkix-cert".into(),
                    size: 0,
                    sha256: String::new(),
                    to_server: message.dir == Dir::ToServer,
                    frame: u64::from(row.packet).saturating_add(1),
                    stream: flow.map_or(0, |f| f.stream),
                    whole: true,
                    beginning: false,
                    saved: None,
                };
                match object.of_bytes(der, wanted.folder) {
                    Ok(object) => all.push(object),
                    Err(e) => {
                        failed = Some(e);
                        return ControlFlow::Break(());
                    }
                }
            }
        }
        ControlFlow::Continue(())
    })?;
    failed.map_or(Ok(all), Err)
}

/// The beginning of a digest, to tell certificates of one name apart.
fn short(der: &[u8]) -> String {
    crate::report::hex(Sha256::digest(der).get(..4).unwrap_or(&[]))
}

/// The common name in a subject, or all of it.
fn common_name(subject: &str) -> String {
    let name = subject.split(", ").find_map(|part| part.strip_prefix("CN=")).unwrap_or(subject);
    let safe: String = name.chars().map(|c| if matches!(c, '/' | '\\' | '?' | '#' | '*') { '_' } else { c }).take(80).collect();
    if safe.is_empty() { "certificate".into() } else { safe }
}

#[cfg(test)]
mod tests {
    use super::common_name;

    #[test]
    fn certificates_are_called_by_their_common_names() {
        for (subject, name) in [
            ("C=DE, O=Loom, CN=loom.example", "loom.example"),
            ("CN=*.loom.example", "_.loom.example"),
            ("O=Loom/Weavers", "O=Loom_Weavers"),
            ("", "certificate"),
        ] {
            assert_eq!(common_name(subject), name);
        }
    }
}
