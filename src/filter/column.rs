//! What the store's columns say of a test: the rows that pass for sure, and those that may.
//!
//! A KEY field of a message is a column, so columns answer exactly. The addresses and ports of packet headers are those of the packet's
//! flow, unless the packet has more headers than one of a kind (tunnels, ICMP errors) or broken ones: those packets only may pass, and
//! are read again.

use crate::expr::Expr;
use crate::facts::Fact;
use crate::registry::Reads;
use crate::term::{Compare, Test, Which};
use crate::types::Type;
use crate::val::Val;
use std::net::IpAddr;
use wirelore_kit::{F, Flags, Kind, PacketRow, Transport};
use wirelore_store::query::{Case, FlowFact, MessageFact, Order, PacketFact, Query, Subject, Test as Is, TextHow};

/// The rows that pass for sure, and those that may; `None`: none is sure to, every one may.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bounds {
    pub least: Option<Query>,
    pub most: Option<Query>,
    exact: bool,
}

impl Bounds {
    fn exact_of(q: Query) -> Bounds {
        Bounds { least: Some(q.clone()), most: Some(q), exact: true }
    }

    fn at_most(q: Option<Query>) -> Bounds {
        Bounds { least: None, most: q, exact: false }
    }

    /// The query, where it answers exactly.
    pub fn exact(self) -> Option<Query> {
        self.most.filter(|_| self.exact)
    }

    fn or(all: Vec<Bounds>) -> Bounds {
        let exact = all.iter().all(|b| b.exact);
        let most: Option<Vec<Query>> = all.iter().map(|b| b.most.clone()).collect();
        let least: Vec<Query> = all.into_iter().filter_map(|b| b.least).collect();
        Bounds { least: if least.is_empty() { None } else { Some(any(least)) }, most: most.map(any), exact }
    }

    fn and_not(self, other: Bounds) -> Bounds {
        let not = |q: Query| Query::Not(Box::new(q));
        let both = |a: Query, b: Option<Query>| match b {
            Some(b) => Query::And(vec![a, not(b)]),
            None => a,
        };
        let exact = self.exact && other.exact;
        // What is sure of the one is what can not be of the other.
        let least = match (self.least, other.most) {
            (Some(a), Some(b)) => Some(both(a, Some(b))),
            _ => None,
        };
        Bounds { least, most: self.most.map(|a| both(a, other.least)), exact }
    }
}

fn any(mut all: Vec<Query>) -> Query {
    if all.len() == 1 { all.swap_remove(0) } else { Query::Or(all) }
}

/// What columns say of a test.
pub(crate) fn bounds(test: &Test) -> Bounds {
    let exact = match test {
        Test::There(e) => name(e).and_then(|n| n.passing(&Is::Present)),
        Test::Compare(which, a, compare, Expr::Literal(v, _)) => name(a).and_then(|n| n.compared(*which, *compare, v)),
        Test::In(Which::Any, a, set) => name(a).and_then(|n| {
            let all: Option<Vec<Bounds>> = set.iter().map(|(from, to)| n.member(from, to.as_ref())).collect();
            all.map(Bounds::or)
        }),
        Test::Contains(Which::Any, a, Expr::Literal(v, _)) => name(a).and_then(|n| match (n.of, v.bytes()) {
            (Type::Text, Some(b)) => n.passing(&Is::Text(TextHow::Contains, b.into_owned(), Case::Exact)),
            _ => None,
        }),
        _ => None,
    };
    // Whatever is asked of a value, it must be there.
    exact.unwrap_or_else(|| Bounds::at_most(there(test)))
}

/// Rows outside of it lack something that the test names.
fn there(test: &Test) -> Option<Query> {
    let mut all = Vec::new();
    test.each_expr(&mut |e| needed(e, &mut all));
    match all.len() {
        0 => None,
        1 => all.pop(),
        _ => Some(Query::And(all)),
    }
}

fn needed(e: &Expr, all: &mut Vec<Query>) {
    match e {
        Expr::Name { .. } => {
            let bounds = Named::of(e).and_then(|n| n.passing(&Is::Present));
            all.extend(bounds.and_then(|b| b.most));
        }
        Expr::Literal(..) => {}
        Expr::Slice(e, _) | Expr::Minus(e) => needed(e, all),
        // Of several one is enough.
        Expr::Call(_, of) => {
            if let [one] = of.as_slice() {
                needed(one, all);
            }
        }
        Expr::Calc(_, a, b) => {
            needed(a, all);
            needed(b, all);
        }
    }
}

/// A name whose values columns may have.
#[derive(Clone, Copy)]
struct Named<'e> {
    reads: &'e Reads,
    of: Type,
}

/// A name without layers and raw bytes: its values are those of the columns.
fn name(e: &Expr) -> Option<Named<'_>> {
    match e {
        Expr::Name { layers, raw: false, .. } if layers.is_empty() => Named::of(e),
        _ => None,
    }
}

impl<'e> Named<'e> {
    fn of(e: &'e Expr) -> Option<Named<'e>> {
        if let Expr::Name { reads, of, .. } = e { Some(Named { reads, of: *of }) } else { None }
    }

    fn compared(self, which: Which, compare: Compare, v: &Val<'_>) -> Option<Bounds> {
        match which {
            Which::Any => self.passing(&test(compare, v)?),
            // All pass where there is one and none fails.
            Which::All => Some(self.passing(&Is::Present)?.and_not(self.passing(&test(compare.opposite(), v)?)?)),
        }
    }

    fn member(self, from: &Expr, to: Option<&Expr>) -> Option<Bounds> {
        match (from, to) {
            (Expr::Literal(v, _), None) => self.passing(&test(Compare::Equal, v)?),
            (Expr::Literal(a, _), Some(Expr::Literal(b, _))) => match (a, b) {
                (Val::Number(a), Val::Number(b)) | (Val::Nanos(a), Val::Nanos(b)) => self.passing(&Is::Range(*a, *b)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Rows with a value that passes.
    fn passing(self, is: &Is) -> Option<Bounds> {
        match self.reads {
            Reads::Fields(all) => all.iter().map(|f| field(f, is)).collect::<Option<Vec<_>>>().map(Bounds::or),
            // Where it is, there is what its messages begin with.
            Reads::Chosen(chosen) => field(chosen.with, &Is::Present).map(|b| Bounds::at_most(b.most)),
            Reads::Unread(_) => None,
            Reads::Fact(fact) => of_fact(*fact, is),
            Reads::Protocol { name, number, content } => protocol(name, *number, *content, is),
        }
    }
}

/// A comparison as the store tests it.
fn test(compare: Compare, v: &Val<'_>) -> Option<Is> {
    let order = match compare {
        Compare::Equal => Order::Equal,
        Compare::Unequal => Order::Unequal,
        Compare::Above => Order::Above,
        Compare::Below => Order::Below,
        Compare::AtLeast => Order::AtLeast,
        Compare::AtMost => Order::AtMost,
    };
    let net = |ip: IpAddr, bits: u8| match compare {
        Compare::Equal => Some(Is::Address(ip, bits)),
        Compare::Unequal => Some(Is::NotAddress(ip, bits)),
        _ => None,
    };
    match v {
        Val::Number(n) | Val::Nanos(n) => Some(Is::Number(order, *n)),
        Val::Ip4(a, bits) => net(IpAddr::V4((*a).into()), *bits),
        Val::Ip6(a, bits) => net(IpAddr::V6((*a).into()), *bits),
        Val::Text(t) | Val::Bytes(t) => match compare {
            Compare::Equal => Some(Is::Text(TextHow::Equals, t.to_vec(), Case::Exact)),
            Compare::Unequal => Some(Is::Text(TextHow::Unequal, t.to_vec(), Case::Exact)),
            _ => None,
        },
        Val::There | Val::Protocol(..) => None,
    }
}

fn field(f: F, is: &Is) -> Option<Bounds> {
    // Where filters see another type than the column keeps, the column can only say that there is a value.
    let numeric = matches!(f.kind, Kind::Dec | Kind::Hex | Kind::Signed | Kind::Bool | Kind::Duration | Kind::Time);
    let fits = match is {
        Is::Text(..) => !numeric,
        Is::Number(..) | Is::Range(..) | Is::Bits(_) => numeric,
        _ => true,
    };
    if f.flags.has(Flags::KEY) && fits {
        return Some(Bounds::exact_of(Query::column(f, is.clone())));
    }
    header(f.name, is)
}

fn packet(fact: PacketFact, is: &Is) -> Query {
    Query::Is(Subject::Packet(fact), is.clone())
}

fn flow(fact: FlowFact, is: Is) -> Query {
    Query::Is(Subject::Flow(fact), is)
}

fn transport(of: Transport) -> Query {
    flow(FlowFact::Transport, Is::Number(Order::Equal, of as i128))
}

fn family(six: bool) -> Query {
    let all = if six { Is::Address(IpAddr::V6(0.into()), 0) } else { Is::Address(IpAddr::V4(0.into()), 0) };
    packet(PacketFact::Source, &all)
}

/// Fields of packet headers that the flow of a packet has too.
fn header(name: &str, is: &Is) -> Option<Bounds> {
    let (fact, of) = match name {
        "ip.src" => (PacketFact::Source, family(false)),
        "ip.dst" => (PacketFact::Destination, family(false)),
        "ipv6.src" => (PacketFact::Source, family(true)),
        "ipv6.dst" => (PacketFact::Destination, family(true)),
        "tcp.srcport" => (PacketFact::SourcePort, transport(Transport::Tcp)),
        "tcp.dstport" => (PacketFact::DestinationPort, transport(Transport::Tcp)),
        "udp.srcport" => (PacketFact::SourcePort, transport(Transport::Udp)),
        "udp.dstport" => (PacketFact::DestinationPort, transport(Transport::Udp)),
        _ => return None,
    };
    Some(plain(Query::And(vec![of, packet(fact, is)])))
}

/// Sure of packets with one header of each kind; of the others nothing is known.
fn plain(q: Query) -> Bounds {
    let odd = Is::Bits(u64::from(PacketRow::ODD | PacketRow::FRAGMENT));
    let others = Query::Or(vec![
        Query::Not(Box::new(packet(PacketFact::Flow, &Is::Present))),
        transport(Transport::Other),
        flow(FlowFact::Tunnel, Is::Present),
        packet(PacketFact::Bits, &odd),
    ]);
    let least = Query::And(vec![q.clone(), Query::Not(Box::new(others.clone()))]);
    Bounds { least: Some(least), most: Some(Query::Or(vec![q, others])), exact: false }
}

fn of_fact(fact: Fact, is: &Is) -> Option<Bounds> {
    Some(Bounds::exact_of(match fact {
        Fact::Packet(fact) => packet(fact, is),
        Fact::Verdict(bits) if *is == Is::Present => packet(PacketFact::Verdicts, &Is::Bits(bits.into())),
        // The store knows protocols by number; names are compared when rows are judged.
        Fact::Flow(FlowFact::Protocol) | Fact::Message(MessageFact::Protocol) if *is != Is::Present => return None,
        Fact::Flow(fact) => flow(fact, is.clone()),
        Fact::Stream(of) => Query::And(vec![transport(of), flow(FlowFact::Stream, is.clone())]),
        Fact::Message(fact) => Query::Is(Subject::Message(fact), is.clone()),
        _ => return None,
    }))
}

fn protocol(name: &str, number: Option<u16>, content: bool, is: &Is) -> Option<Bounds> {
    if *is != Is::Present {
        return None;
    }
    if let Some(number) = number {
        let rows = Query::Is(Subject::Message(MessageFact::Protocol), Is::Number(Order::Equal, number.into()));
        // What stands inside of messages has no rows.
        return Some(if content { Bounds { least: Some(rows), most: None, exact: false } } else { Bounds::exact_of(rows) });
    }
    Some(match name {
        "frame" => Bounds::exact_of(packet(PacketFact::Number, &Is::Present)),
        "tcp" => plain(transport(Transport::Tcp)),
        "udp" => plain(transport(Transport::Udp)),
        "ip" => plain(family(false)),
        "ipv6" => plain(family(true)),
        _ => return None,
    })
}
