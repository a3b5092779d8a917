//! Tests of single values, and what a segment's smallest and largest say of them.

use super::needle::{Case, Needle};
use crate::cell::{CellKind, CellView, order_bytes, order_i64};
use crate::segment::ColumnStat;
use std::net::IpAddr;

/// How a number stands to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// The same.
    Equal,
    /// Another.
    Unequal,
    /// Below it.
    Below,
    /// Not above it.
    AtMost,
    /// Above it.
    Above,
    /// Not below it.
    AtLeast,
}

/// How a text stands to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextHow {
    /// The same.
    Equals,
    /// Another.
    Unequal,
    /// Holds it.
    Contains,
    /// Begins with it.
    StartsWith,
    /// Ends with it.
    EndsWith,
}

/// What a value must be. A value of another kind (a text where a number is asked) never passes.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// There is one.
    Present,
    /// A number in an order to this one.
    Number(Order, i128),
    /// A number from the first to the second, both included.
    Range(i128, i128),
    /// A number with one of these bits.
    Bits(u64),
    /// Text or bytes.
    Text(TextHow, Vec<u8>, Case),
    /// An address whose first bits are those of this one (`10.0.0.0`, 8).
    Address(IpAddr, u8),
    /// An address outside of it.
    NotAddress(IpAddr, u8),
    /// One of these.
    OneOf(Vec<Test>),
}

/// A test made ready to run over many values.
#[derive(Debug)]
pub(crate) enum Ready {
    Present,
    Range { from: i128, to: i128, outside: bool },
    Bits(u64),
    Equals { text: Vec<u8>, case: Case, other: bool },
    Ends { text: Vec<u8>, case: Case, at_start: bool },
    Contains(Needle),
    Address { net: IpAddr, bits: u8, outside: bool },
    OneOf(Vec<Ready>),
}

impl Ready {
    pub fn new(test: &Test) -> Ready {
        let range = |from, to| Ready::Range { from, to, outside: false };
        match test {
            Test::Present => Ready::Present,
            Test::Number(order, n) => match order {
                Order::Equal => range(*n, *n),
                Order::Unequal => Ready::Range { from: *n, to: *n, outside: true },
                Order::Below => n.checked_sub(1).map_or(Ready::OneOf(Vec::new()), |n| range(i128::MIN, n)),
                Order::AtMost => range(i128::MIN, *n),
                Order::Above => n.checked_add(1).map_or(Ready::OneOf(Vec::new()), |n| range(n, i128::MAX)),
                Order::AtLeast => range(*n, i128::MAX),
            },
            Test::Range(from, to) => range(*from, *to),
            Test::Bits(bits) => Ready::Bits(*bits),
            Test::Text(how, text, case) => match how {
                TextHow::Equals | TextHow::Unequal => {
                    Ready::Equals { text: text.clone(), case: *case, other: *how == TextHow::Unequal }
                }
                TextHow::Contains => Ready::Contains(Needle::new(text, *case)),
                TextHow::StartsWith | TextHow::EndsWith => {
                    Ready::Ends { text: text.clone(), case: *case, at_start: *how == TextHow::StartsWith }
                }
            },
            Test::Address(net, bits) => Ready::Address { net: *net, bits: *bits, outside: false },
            Test::NotAddress(net, bits) => Ready::Address { net: *net, bits: *bits, outside: true },
            Test::OneOf(tests) => Ready::OneOf(tests.iter().map(Ready::new).collect()),
        }
    }

    #[inline]
    pub fn number(&self, n: i128) -> bool {
        match self {
            Ready::Present => true,
            Ready::Range { from, to, outside } => (n >= *from && n <= *to) != *outside,
            Ready::Bits(bits) => u64::try_from(n).is_ok_and(|n| n & bits != 0),
            Ready::OneOf(tests) => tests.iter().any(|t| t.number(n)),
            _ => false,
        }
    }

    pub fn text(&self, t: &[u8]) -> bool {
        match self {
            Ready::Present => true,
            Ready::Equals { text, case, other } => same(t, text, *case) != *other,
            Ready::Ends { text, case, at_start } => {
                let part =
                    if *at_start { t.get(..text.len()) } else { t.len().checked_sub(text.len()).and_then(|from| t.get(from..)) };
                part.is_some_and(|p| same(p, text, *case))
            }
            Ready::Contains(needle) => needle.is_in(t),
            Ready::OneOf(tests) => tests.iter().any(|r| r.text(t)),
            _ => false,
        }
    }

    #[inline]
    pub fn address(&self, ip: IpAddr) -> bool {
        match self {
            Ready::Present => true,
            Ready::Address { net, bits, outside } => in_net(ip, *net, *bits) != *outside,
            Ready::OneOf(tests) => tests.iter().any(|t| t.address(ip)),
            _ => false,
        }
    }

    pub fn cell(&self, view: &CellView<'_>) -> bool {
        match view {
            CellView::U64(n) => self.number((*n).into()),
            CellView::I64(n) => self.number((*n).into()),
            CellView::Text(t) => self.text(t),
            CellView::Ip4(a) => self.address((*a).into()),
            CellView::Ip6(a) => self.address((*a).into()),
        }
    }

    /// Whether a segment with these smallest and largest may hold a value that passes.
    pub fn may_pass(&self, stat: &ColumnStat) -> bool {
        let only = |kind: CellKind| stat.kinds == kind.bit();
        let overlaps = |from: u64, to: u64| from <= stat.max && to >= stat.min;
        match self {
            Ready::OneOf(tests) => tests.iter().any(|t| t.may_pass(stat)),
            Ready::Range { from, to, outside: false } if from <= to => {
                if only(CellKind::Small) {
                    let clamp = |n: &i128| (*n).clamp(0, u64::MAX.into()) as u64;
                    *to >= 0 && overlaps(clamp(from), clamp(to))
                } else if only(CellKind::I64) {
                    let clamp = |n: &i128| order_i64((*n).clamp(i64::MIN.into(), i64::MAX.into()) as i64);
                    overlaps(clamp(from), clamp(to))
                } else {
                    true
                }
            }
            Ready::Range { outside: false, .. } => false,
            Ready::Equals { text, case: Case::Exact, other: false } if only(CellKind::Text) => {
                overlaps(order_bytes(text), order_bytes(text))
            }
            Ready::Ends { text, case: Case::Exact, at_start: true } if only(CellKind::Text) => {
                let from = order_bytes(text);
                // Whatever follows the prefix within the first eight bytes.
                let free = 64u32.saturating_sub(text.len().min(8) as u32 * 8);
                overlaps(from, from | u64::MAX.checked_shr(64 - free).unwrap_or(0))
            }
            Ready::Address { net: IpAddr::V4(net), bits, outside: false } if only(CellKind::Ip4) => {
                let mask = u32::MAX.checked_shl(32 - u32::from((*bits).min(32))).unwrap_or(0);
                let from = u32::from(*net) & mask;
                overlaps(from.into(), (from | !mask).into())
            }
            _ => true,
        }
    }
}

fn same(a: &[u8], b: &[u8], case: Case) -> bool {
    match case {
        Case::Exact => a == b,
        Case::Ignore => a.eq_ignore_ascii_case(b) || (!(a.is_ascii() && b.is_ascii()) && lower(a) == lower(b)),
    }
}

fn lower(t: &[u8]) -> String {
    String::from_utf8_lossy(t).to_lowercase()
}

fn in_net(ip: IpAddr, net: IpAddr, bits: u8) -> bool {
    let differ = match (ip, net) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u32::from(a) ^ u32::from(b)).leading_zeros(),
        (IpAddr::V6(a), IpAddr::V6(b)) => (u128::from(a) ^ u128::from(b)).leading_zeros(),
        _ => return false,
    };
    differ >= u32::from(bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::column_of;
    use crate::segment::Said;
    use proptest::prelude::*;

    fn any_test() -> impl Strategy<Value = Test> {
        let order =
            prop::sample::select(vec![Order::Equal, Order::Unequal, Order::Below, Order::AtMost, Order::Above, Order::AtLeast]);
        let how = prop::sample::select(vec![
            TextHow::Equals,
            TextHow::Unequal,
            TextHow::Contains,
            TextHow::StartsWith,
            TextHow::EndsWith,
        ]);
        let case = prop::sample::select(vec![Case::Exact, Case::Ignore]);
        let single = prop_oneof![
            Just(Test::Present),
            (order, -3i128..40).prop_map(|(o, n)| Test::Number(o, n)),
            Just(Test::Number(Order::Above, i128::MAX)),
            (-3i128..40, -3i128..40).prop_map(|(a, b)| Test::Range(a, b)),
            (0u64..64).prop_map(Test::Bits),
            (how, "[abAB]{0,10}", case).prop_map(|(h, t, c)| Test::Text(h, t.into_bytes(), c)),
            (any::<[u8; 4]>(), 0u8..=32).prop_map(|(a, b)| Test::Address(a.into(), b)),
            (any::<[u8; 4]>(), 0u8..=32).prop_map(|(a, b)| Test::NotAddress(a.into(), b)),
        ];
        prop_oneof![4 => single.clone(), 1 => prop::collection::vec(single, 0..3).prop_map(Test::OneOf)]
    }

    proptest! {
        /// Passing over a segment must never lose a value.
        #[test]
        fn what_is_passed_over_holds_nothing(
            test in any_test(),
            numbers in prop::collection::vec(-3i64..40, 0..3),
            texts in prop::collection::vec("[abAB]{0,10}", 0..3),
            ips in prop::collection::vec(any::<[u8; 4]>(), 0..3),
            kind in 0..5,
        ) {
            let mut said = Said::default();
            let mut values: Vec<CellView<'_>> = Vec::new();
            if kind == 0 || kind == 4 { values.extend(numbers.iter().filter(|n| **n >= 0).map(|n| CellView::U64(n.cast_unsigned()))); }
            if kind == 1 { values.extend(numbers.iter().map(|n| CellView::I64(*n))); }
            if kind == 2 || kind == 4 { values.extend(texts.iter().map(|t| CellView::Text(t.as_bytes()))); }
            if kind == 3 { values.extend(ips.iter().map(|a| CellView::Ip4(*a))); }
            for v in &values {
                said.push_cell(1, v, |s, t| s.push(t));
                said.widen(1, v, 0);
            }
            let ready = Ready::new(&test);
            for (view, (tag, value)) in values.iter().zip(said.tags.iter().zip(&said.values)) {
                prop_assert_eq!(column_of(*tag), 1);
                prop_assert_eq!(&said.view(*tag, *value), view);
                if ready.cell(view) {
                    prop_assert!(ready.may_pass(said.stat(1).unwrap()));
                }
            }
        }
    }

    #[test]
    fn nets() {
        let net = "10.1.0.0".parse().unwrap();
        assert!(in_net("10.1.255.1".parse().unwrap(), net, 16));
        assert!(!in_net("10.2.0.1".parse().unwrap(), net, 16));
        assert!(in_net("1.2.3.4".parse().unwrap(), net, 0));
        assert!(!in_net("::1".parse().unwrap(), net, 0));
    }
}
