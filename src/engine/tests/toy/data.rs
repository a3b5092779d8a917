//! What the toy's announced connections carry: one message to each direction, to the end.

use wirelore_kit::*;

pub static DATA: Field = Field::new("toy.data.bytes", "Bytes", Kind::Bytes);

#[derive(Clone)]
struct Data {
    about: String,
    open: [bool; 2],
}

impl Dissector for Data {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let n = r.left();
        if n == 0 {
            return Err(Stop::Short { need: 1 });
        }
        let at = r.span(n);
        r.bytes(&DATA, n)?;
        let open = &mut self.open[turn.dir.index()];
        if !*open {
            *open = true;
            out.open();
            out.summary(format_args!("data of {}", self.about));
        }
        out.piece(at);
        Ok(())
    }

    fn end(&mut self, dir: Dir, _: End, out: &mut Out<'_>) {
        if self.open[dir.index()] {
            out.close();
        }
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(self.clone()))
    }

    fn weight(&self) -> usize {
        self.about.len()
    }
}

pub static SPEC: Spec = Spec {
    name: "toy.data",
    label: "Toy data",
    framing: Framing::Stream,
    fields: &[&DATA],
    notes: &[],
    claims: &[],
    probe: |_| Verdict::No,
    resync: None,
    states: &[],
    after_gap: AfterGapPromise::Never,
    relay: Relay::Opaque,
    middle: None,
    new: |start| {
        let about = start.expected.as_ref().map_or("nobody knows what", |e| &*e.about).to_owned();
        Box::new(Data { about, open: [false; 2] })
    },
    explain: &[],
};
