//! Flows that conversations announce before they come: FTP's data connections, TFTP's transfers.
//!
//! A flow between the hosts of the conversation that announced it is bound at its first packet, in the same shard; what it is for may
//! still be said until its first byte. Flows between other hosts are bound when everything is known, by reading them again.

use hashbrown::HashMap;
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::net::IpAddr;
use wirelore_kit::{ConvId, Expect, Expected, Hint, Transport};

/// At most so many announcements wait for their flows; the oldest is forgotten first.
pub const MOST_ANNOUNCED: usize = 4096;

/// What a flow knows of its announcement from its first byte on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// Who announced it, and what for.
    pub expected: Expected,
    /// What it speaks.
    pub hint: Hint,
}

/// An announcement.
#[derive(Debug, Clone, PartialEq)]
pub struct Announced {
    by: ConvId,
    hosts: (IpAddr, IpAddr),
    expect: Expect,
    made: i64,
}

impl Announced {
    /// An announcement by a conversation between `hosts`, at time `made`.
    #[must_use]
    pub fn new(by: ConvId, hosts: (IpAddr, IpAddr), expect: &Expect, made: i64) -> Announced {
        Announced { by, hosts, expect: expect.clone(), made }
    }

    /// Whether `by` made it with `key`.
    #[must_use]
    pub fn is(&self, by: ConvId, key: u64) -> bool {
        self.by == by && self.expect.key == key
    }

    /// What is announced.
    #[must_use]
    pub const fn expect(&self) -> &Expect {
        &self.expect
    }

    /// Says what its flow is for.
    pub fn set_about(&mut self, what: &str) {
        self.expect.about = what.into();
    }

    /// From when to when its flow may begin.
    #[must_use]
    pub const fn times(&self) -> (i64, i64) {
        (self.made, self.made.saturating_add(self.expect.within))
    }

    /// How much better a flow fits than another: 0 for not at all.
    #[must_use]
    pub fn fits(&self, src: (IpAddr, u16), dst: (IpAddr, u16), transport: Transport, now: i64) -> u8 {
        let e = &self.expect;
        if e.transport != transport || now.saturating_sub(self.made) > e.within {
            return 0;
        }
        let end = |ip: Option<IpAddr>, port: Option<u16>, at: (IpAddr, u16)| {
            ip.is_none_or(|ip| ip == at.0) && port.is_none_or(|port| port == at.1)
        };
        if end(e.from, e.from_port, src) && end(e.to, e.to_port, dst) {
            2
        } else {
            u8::from(end(e.from, e.from_port, dst) && end(e.to, e.to_port, src))
        }
    }

    /// What the flow is told.
    #[must_use]
    pub fn bound(&self) -> Bound {
        let expected = Expected { by: self.by, key: self.expect.key, about: self.expect.about.clone() };
        Bound { expected, hint: self.expect.hint.clone() }
    }
}

/// Whether a flow announced by a conversation between `hosts` may lie between others.
#[must_use]
pub fn is_foreign(expect: &Expect, hosts: (IpAddr, IpAddr)) -> bool {
    let own = |ip: Option<IpAddr>| ip.is_none_or(|ip| ip == hosts.0 || ip == hosts.1);
    !own(expect.from) || !own(expect.to)
}

/// The announcements at hand.
#[derive(Debug, Default)]
pub struct Board {
    rows: VecDeque<Announced>,
    /// Number of the first row.
    first: u32,
    /// Rows by a port that they name; 0 for those that name none.
    by_port: HashMap<u16, SmallVec<[u32; 4]>>,
    /// Announcements that were forgotten before their time.
    pub forgotten: u64,
}

impl Board {
    /// Whether nothing is announced.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// A conversation between `hosts` announces a flow, at time `now`.
    pub fn announce(&mut self, by: ConvId, hosts: (IpAddr, IpAddr), expect: &Expect, now: i64) {
        if self.rows.len() >= MOST_ANNOUNCED {
            self.forget_oldest(now);
        }
        let number = self.first.wrapping_add(self.rows.len() as u32);
        let port = expect.to_port.or(expect.from_port).unwrap_or(0);
        self.by_port.entry(port).or_default().push(number);
        self.rows.push_back(Announced::new(by, hosts, expect, now));
    }

    fn forget_oldest(&mut self, now: i64) {
        let Some(old) = self.rows.pop_front() else { return };
        self.forgotten = self.forgotten.saturating_add(u64::from(now.saturating_sub(old.made) <= old.expect.within));
        let port = old.expect.to_port.or(old.expect.from_port).unwrap_or(0);
        if let Some(numbers) = self.by_port.get_mut(&port) {
            numbers.retain(|n| *n != self.first);
            if numbers.is_empty() {
                self.by_port.remove(&port);
            }
        }
        self.first = self.first.wrapping_add(1);
    }

    /// The announcement of that number.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<&Announced> {
        self.rows.get(number.wrapping_sub(self.first) as usize)
    }

    /// What the flow announced by `by` with `key` is for.
    pub fn about(&mut self, by: ConvId, key: u64, what: &str) {
        // Said soon behind the announcement.
        for row in self.rows.iter_mut().rev().filter(|r| r.is(by, key)) {
            row.set_about(what);
        }
    }

    /// The announcement that fits a flow from `src` to `dst`: the best, of those the newest; and whether it fits the other way round. `foreign`: only those of other hosts;
    /// otherwise only those of the same two.
    #[must_use]
    pub fn find(
        &self,
        src: (IpAddr, u16),
        dst: (IpAddr, u16),
        transport: Transport,
        now: i64,
        foreign: bool,
    ) -> Option<(u32, bool)> {
        let pair = |h: (IpAddr, IpAddr)| h == (src.0, dst.0) || h == (dst.0, src.0);
        [src.1, dst.1, 0]
            .iter()
            .filter_map(|port| self.by_port.get(port))
            .flatten()
            .filter_map(|n| {
                let row = self.get(*n).filter(|row| pair(row.hosts) != foreign)?;
                Some((row.fits(src, dst, transport, now), n.wrapping_sub(self.first), *n)).filter(|f| f.0 > 0)
            })
            .max()
            .map(|(fits, _, n)| (n, fits == 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(n: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, n])
    }

    fn expect(to: u8, port: u16, key: u64) -> Expect {
        Expect {
            from: None,
            from_port: None,
            to: Some(ip(to)),
            to_port: Some(port),
            transport: Transport::Tcp,
            hint: Hint::Proto("toy"),
            key,
            about: "".into(),
            within: 60_000_000_000,
        }
    }

    #[test]
    fn the_newest_announcement_that_has_not_expired_counts() {
        let mut b = Board::default();
        let by = ConvId { flow: 3, inner: 0 };
        b.announce(by, (ip(1), ip(2)), &expect(2, 5000, 1), 0);
        b.announce(by, (ip(1), ip(2)), &expect(2, 5000, 2), 10);
        b.about(by, 2, "the second");
        let find = |port, now| b.find((ip(1), 40_000), (ip(2), port), Transport::Tcp, now, false);
        let found = find(5000, 20).and_then(|n| b.get(n.0)).map(Announced::bound).expect("one");
        assert_eq!((found.expected.key, &*found.expected.about), (2, "the second"));
        assert_eq!(find(5001, 20), None);
        assert_eq!(find(5000, 100_000_000_000), None, "it expired");
        assert_eq!(b.find((ip(1), 40_000), (ip(2), 5000), Transport::Udp, 20, false), None);
    }

    #[test]
    fn other_hosts_are_another_matter() {
        let mut b = Board::default();
        let e = expect(9, 5000, 1);
        assert!(is_foreign(&e, (ip(1), ip(2))) && !is_foreign(&e, (ip(1), ip(9))));
        b.announce(ConvId::default(), (ip(1), ip(2)), &e, 0);
        assert_eq!(b.find((ip(1), 4), (ip(9), 5000), Transport::Tcp, 1, false), None);
        assert!(b.find((ip(1), 4), (ip(9), 5000), Transport::Tcp, 1, true).is_some());
    }

    #[test]
    fn the_board_is_bounded() {
        let mut b = Board::default();
        for i in 0..5000u32 {
            b.announce(ConvId::default(), (ip(1), ip(2)), &expect(2, i as u16, u64::from(i)), i64::from(i));
        }
        assert_eq!((b.rows.len(), b.forgotten), (MOST_ANNOUNCED, 904));
        assert!(b.find((ip(1), 4), (ip(2), 4999), Transport::Tcp, 5000, false).is_some());
        assert_eq!(b.find((ip(1), 4), (ip(2), 5), Transport::Tcp, 5000, false), None);
        assert_eq!(b.by_port.len(), MOST_ANNOUNCED);
    }
}
