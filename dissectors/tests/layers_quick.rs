//! The quick reading of everyday packets tells what the layers tell, on every packet of every capture.

mod layers_support;

use layers_support::{captures, packets};
use std::sync::Arc;
use wirelore_dissectors::layers::{LAYERS, Plain, Quick};
use wirelore_kit::{F, Keep, LayersRead, PacketBytes, PacketFacts, Sink, Value, read_layers};

fn fields() -> Vec<F> {
    let of = |name: &str| -> F {
        let all = LAYERS.iter().flat_map(|l| l.fields.iter().copied());
        // `udp.stream` and the like stand in one layer each.
        all.into_iter().find(|f| f.name == name).unwrap_or_else(|| panic!("{name} is no field of a layer"))
    };
    Quick::names().map(of).collect()
}

#[test]
fn the_quick_reading_tells_what_the_layers_tell() {
    let fields = fields();
    let quick = Quick::of(&fields).expect("it knows its own fields");
    let keep = Arc::new(Keep::of(fields.iter().copied()));
    let (mut sink, mut met) = (Sink::keeping(keep), LayersRead::default());
    let (mut plain_ones, mut all) = (0u32, 0u32);
    for path in captures() {
        let check = |p: &PacketBytes, sink: &mut Sink, met: &mut LayersRead| {
            let plain = Plain::of(p.link_type, &p.bytes, p.wire_len)?;
            sink.clear();
            read_layers(LAYERS, p, sink, met);
            let theirs: Vec<(&str, Value, Vec<u8>)> =
                sink.nodes.iter().enumerate().map(|(i, n)| (n.field.name, n.value.clone(), sink.bytes_of(i).to_vec())).collect();
            let mut ours = Vec::new();
            quick.read(&plain, &p.bytes, p.facts.as_ref(), &mut |f, v, b| ours.push((f.name, v, b.to_vec())));
            let place = || format!("{} packet {}", path.display(), p.number + 1);
            for (a, b) in ours.iter().zip(&theirs) {
                assert_eq!(a, b, "{}", place());
            }
            assert_eq!(ours.len(), theirs.len(), "{}", place());
            let payload = met.payload.map(|s| s.at as usize..s.end() as usize);
            assert_eq!(Some(plain.payload()), payload, "{}", place());
            for (name, span) in &met.layers {
                let header = plain.header(name).unwrap_or_else(|| panic!("{}: no {name}", place()));
                assert_eq!(header, span.at as usize..span.end() as usize, "{} {name}", place());
            }
            Some(())
        };
        packets(&path, |mut p| {
            p.facts = Some(PacketFacts {
                stream: Some(7),
                seq_base: Some(12_345),
                ack_base: Some(p.number as u32),
                window_shift: Some((p.number % 17) as u8),
                ..PacketFacts::default()
            });
            all += 1;
            plain_ones += u32::from(check(&p, &mut sink, &mut met).is_some());
            // As if the capture had cut it, and with a wrong byte somewhere.
            if p.number < 12 {
                for at in 0..p.bytes.len().min(80) {
                    for value in [0x00, 0x01, 0x45, 0x7f, 0xff] {
                        let mut bytes = p.bytes.to_vec();
                        bytes[at] = value;
                        check(&PacketBytes { bytes: bytes.into(), ..p.clone() }, &mut sink, &mut met);
                    }
                }
            }
        });
    }
    println!("{plain_ones} of {all} packets are everyday ones");
    assert!(plain_ones > 1000 && plain_ones > all / 3, "only {plain_ones} of {all} packets are everyday ones");
}
