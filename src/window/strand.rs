//! Provenance: the way from bytes of a tree down through every transformation to the packets that carried them.

use wirelore_kit::{BufKind, Piece, Span, Tree, TreeSource};

/// Bytes of a part that are kept for showing.
pub const SHOWN: usize = 24;
/// Parts of a step that are kept; the rest is counted.
const MOST_PARTS: usize = 12;
/// Steps at most: source maps that lead in a circle end here.
const MOST_STEPS: usize = 24;

/// One run of bytes of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where.
    pub span: Span,
    /// Its first bytes.
    pub bytes: Vec<u8>,
    /// The packet, if these are a packet's bytes.
    pub packet: Option<u32>,
}

/// One step of the strand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Step {
    /// The byte sequence: "Body, inflated", "Stream 4, to client", "Packets".
    pub label: String,
    /// By what the step before came from this one: "decompressed"; "" for the first.
    pub how: &'static str,
    /// Whether the bytes are just these, or a range of cause.
    pub exact: bool,
    /// The runs; several where the way forks.
    pub parts: Vec<Part>,
    /// Runs left out.
    pub more: usize,
}

/// Follows `span` of `tree` down to packets.
#[must_use]
pub fn trace(tree: &Tree, span: Span, source: &dyn TreeSource) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut spans = vec![Span { bits: None, ..span }];
    let (mut how, mut exact) = ("", true);
    while let Some(first) = spans.first().copied() {
        if steps.len() >= MOST_STEPS {
            break;
        }
        steps.push(step(tree, &spans, how, exact, source));
        let map = tree.buffer(first.buf).map_or(&[][..], |b| b.map.as_slice());
        let mut next = Vec::new();
        if map.is_empty() {
            if matches!(first.buf.kind(), BufKind::Stream(..)) {
                how = "carried in";
                for s in spans.iter().take(MOST_PARTS) {
                    next.extend(source.origin(*s).unwrap_or_default());
                }
            }
        } else {
            for s in &spans {
                for piece in map {
                    if let Some((from, one_to_one)) = cause(piece, s) {
                        next.push(from);
                        exact &= one_to_one;
                        how = piece.how.words();
                    }
                }
            }
        }
        spans = join(next);
    }
    steps
}

/// The bytes that the part of `s` inside `piece` came from, and whether they are just these.
fn cause(piece: &Piece, s: &Span) -> Option<(Span, bool)> {
    let from = s.at.max(piece.at);
    let to = s.end().min(piece.at.saturating_add(u64::from(piece.len)));
    if from >= to {
        return None;
    }
    if piece.how.keeps_offsets() {
        let at = piece.from.at.saturating_add(from - piece.at);
        let len = (to - from).min(piece.from.end().saturating_sub(at)) as u32;
        Some((Span::new(piece.from.buf, at, len), true))
    } else {
        Some((Span { bits: None, ..piece.from }, false))
    }
}

/// Runs of one buffer that touch become one; the same run is told once.
fn join(mut spans: Vec<Span>) -> Vec<Span> {
    spans.dedup();
    let mut out: Vec<Span> = Vec::new();
    for s in spans {
        match out.last_mut() {
            Some(last) if last.buf == s.buf && s.at <= last.end() && s.at >= last.at => {
                let end = last.end().max(s.end());
                last.len = u32::try_from(end - last.at).unwrap_or(u32::MAX);
            }
            _ => out.push(s),
        }
    }
    out
}

fn step(tree: &Tree, spans: &[Span], how: &'static str, exact: bool, source: &dyn TreeSource) -> Step {
    let arrivals = spans.iter().all(|s| matches!(s.buf.kind(), BufKind::Arrival(_)));
    let label = match spans {
        [] => String::new(),
        [one, ..] if spans.len() == 1 || !arrivals => {
            tree.buffer(one.buf).map_or_else(|| source.name(one.buf), |b| b.label.clone())
        }
        many => format!("{} packets", many.len()),
    };
    let parts = spans
        .iter()
        .take(MOST_PARTS)
        .map(|s| {
            let short = Span { len: s.len.min(SHOWN as u32), ..*s };
            let held = tree.bytes(&short);
            let bytes = if held.is_empty() && s.len > 0 { source.bytes(short).unwrap_or_default() } else { held.to_vec() };
            let packet = match s.buf.kind() {
                BufKind::Arrival(n) => u32::try_from(n).ok(),
                _ => None,
            };
            Part { span: *s, bytes, packet }
        })
        .collect();
    Step { label, how, exact, parts, more: spans.len().saturating_sub(MOST_PARTS) }
}

/// The strand as text, for the clipboard.
#[must_use]
pub fn text(field: &str, value: &str, steps: &[Step]) -> String {
    let mut lines = vec![format!("{field} = {value}")];
    for s in steps {
        let parts: Vec<String> = s
            .parts
            .iter()
            .map(|p| {
                let place = p.packet.map_or_else(String::new, |n| format!("packet {} ", n + 1));
                format!("{place}{}", crate::format::range(&p.span))
            })
            .collect();
        let how = if s.how.is_empty() {
            String::new()
        } else {
            format!(" ({}{})", s.how, if s.exact { "" } else { ", a range of cause" })
        };
        let more = if s.more > 0 { format!(" and {} more", s.more) } else { String::new() };
        lines.push(format!("← {}{how}: {}{more}", s.label, parts.join(" | ")));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ops::Range;
    use wirelore_kit::{BufId, Buffer, Cancel, ConvId, Dir, How, PacketLine, Problem, What};

    struct Source;

    impl TreeSource for Source {
        fn tree(&self, _: What, _: &Cancel) -> Result<Tree, Problem> {
            Ok(Tree::default())
        }
        fn lines(&self, _: Range<u32>, _: &Cancel) -> Result<Vec<PacketLine>, Problem> {
            Ok(Vec::new())
        }
        fn bytes(&self, span: Span) -> Result<Vec<u8>, Problem> {
            Ok(vec![7; span.len as usize])
        }
        fn origin(&self, span: Span) -> Result<Vec<Span>, Problem> {
            // Segments of ten bytes behind 54 bytes of headers.
            Ok((span.at / 10..=(span.end() - 1) / 10)
                .map(|seg| {
                    let (a, b) = (span.at.max(seg * 10), span.end().min(seg * 10 + 10));
                    Span::new(BufId::arrival(seg), 54 + a - seg * 10, (b - a) as u32)
                })
                .collect())
        }
        fn name(&self, _: BufId) -> String {
            "Stream".into()
        }
    }

    #[test]
    fn a_value_across_two_chunks_and_two_segments_forks() {
        let stream = BufId::stream(ConvId::default(), Dir::ToClient);
        let body = BufId::part(0);
        let piece = |at, len, from| Piece { at, len, from: Span::new(stream, from, len), how: How::Dechunked };
        let buffers = vec![Buffer {
            id: body,
            label: "Body".into(),
            base: 0,
            bytes: bytes_of(b"helloworld"),
            map: vec![piece(0, 5, 5), piece(5, 5, 15)],
        }];
        let tree = Tree { buffers, ..Default::default() };
        let steps = trace(&tree, Span::new(body, 3, 4), &Source);
        assert_eq!(
            steps.iter().map(|s| s.parts.iter().map(|p| (p.span.at, p.span.len)).collect::<Vec<_>>()).collect::<Vec<_>>(),
            [vec![(3, 4)], vec![(8, 2), (15, 2)], vec![(62, 2), (59, 2)],]
        );
        assert_eq!(steps[2].parts.iter().map(|p| p.packet).collect::<Vec<_>>(), [Some(0), Some(1)]);
        assert!(steps.iter().all(|s| s.exact));
        assert!(text("f", "v", &steps).contains("packet 2 bytes 59–60"));
    }

    #[test]
    fn inflated_bytes_have_a_range_of_cause() {
        let stream = BufId::stream(ConvId::default(), Dir::ToClient);
        let map = vec![Piece { at: 0, len: 100, from: Span::new(stream, 0, 30), how: How::Inflated }];
        let tree = Tree {
            buffers: vec![Buffer { id: BufId::part(0), label: "Body".into(), base: 0, bytes: bytes_of(&[0; 100]), map }],
            ..Default::default()
        };
        let steps = trace(&tree, Span::new(BufId::part(0), 50, 1), &Source);
        assert_eq!((steps[1].exact, steps[1].how, steps[1].parts[0].span.len), (false, "decompressed", 30));
        assert_eq!(steps[2].parts.len(), 3);
    }

    #[test]
    fn a_map_that_leads_to_itself_ends() {
        let b = BufId::part(0);
        let map = vec![Piece { at: 0, len: 4, from: Span::new(b, 0, 4), how: How::Verbatim }];
        let tree = Tree {
            buffers: vec![Buffer { id: b, label: "x".into(), base: 0, bytes: bytes_of(&[0; 4]), map }],
            ..Default::default()
        };
        assert_eq!(trace(&tree, Span::new(b, 0, 1), &Source).len(), MOST_STEPS);
    }

    fn bytes_of(b: &[u8]) -> bytes::Bytes {
        bytes::Bytes::copy_from_slice(b)
    }
}
