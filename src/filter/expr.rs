//! What stands on a side of a comparison.

use crate::filter::Wants;
use crate::registry::Reads;
use crate::values::Values;

/// An expression with its type.
#[derive(Debug, Clone)]
pub(crate) enum Expr {
    /// The values of a name.
    Name { reads: Reads },
}

impl Expr {
    pub(crate) fn wants(&self, wants: &mut Wants) {
        match self {
            Expr::Name { reads } => match reads {
                Reads::Fields(all) => all.iter().for_each(|f| wants.field(f)),
                Reads::Fact(fact) => wants.fact(*fact),
                Reads::Protocol { name, .. } => wants.protocol(name),
            },
        }
    }

    pub(crate) fn is_there(&self, row: &dyn Values) -> bool {
        let mut there = false;
        match self {
            Expr::Name { reads } => match reads {
                Reads::Fields(all) => {
                    for f in all {
                        row.field(f, &mut |_| {
                            there = true;
                            false
                        });
                    }
                }
                Reads::Fact(fact) => row.fact(*fact, &mut |_| {
                    there = true;
                    false
                }),
                Reads::Protocol { name, .. } => row.protocol(name, &mut |_| {
                    there = true;
                    false
                }),
            },
        }
        there
    }
}
