//! The network of a program that is run inside: its addresses, and what stands behind them.

use super::netlink::Mac;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// What the other end of the program's Ethernet is called by itself.
pub const GATEWAY_MAC: Mac = [0x02, b'w', b'i', b'r', b'e', 1];
/// The program's own.
pub const PROGRAM_MAC: Mac = [0x02, b'w', b'i', b'r', b'e', 2];
/// The helper interface's, which sends nothing of its own that anybody should see.
pub const HELPER_MAC: Mac = [0x02, b'w', b'i', b'r', b'e', 3];
/// Bytes of an IP packet on that Ethernet, at most.
pub const MTU: u32 = 1500;
/// By this name the program reaches the computer that it runs on, where that is allowed.
pub const HOST_NAME: &str = "host.wirelore.internal";

/// The addresses inside: those that slirp4netns gives too, unless this computer is in that network itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// The third byte of 10.0.x.0/24.
    net: u8,
    /// Give IPv6 too: this computer has it.
    pub six: bool,
}

impl Plan {
    /// One that suits this computer.
    #[must_use]
    pub fn here() -> Plan {
        // Connecting a datagram socket sends nothing: it only asks for a route, and so for our own address.
        let towards = |from: &str, to: &str| {
            let socket = UdpSocket::bind(from).ok()?;
            socket.connect(to).ok()?;
            socket.local_addr().ok()
        };
        let ours = towards("0.0.0.0:0", "192.0.2.1:9").map(|a| a.ip());
        let taken = |net: u8| matches!(ours, Some(IpAddr::V4(ip)) if ip.octets().starts_with(&[10, 0, net]));
        let net = (2..u8::MAX).find(|n| !taken(*n)).unwrap_or(2);
        Plan { net, six: towards("[::]:0", "[2001:db8::1]:9").is_some() }
    }

    /// The program's addresses, with the bits of their prefixes.
    pub fn program(self) -> impl Iterator<Item = (IpAddr, u8)> {
        let four = (IpAddr::from(Ipv4Addr::new(10, 0, self.net, 100)), 24);
        [Some(four), self.six.then(|| (self.v6(0x100), 64))].into_iter().flatten()
    }

    /// Where all its packets go to; also this computer itself, where that is allowed.
    pub fn gateways(self) -> impl Iterator<Item = IpAddr> {
        let four = IpAddr::from(Ipv4Addr::new(10, 0, self.net, 2));
        [Some(four), self.six.then(|| self.v6(2))].into_iter().flatten()
    }

    /// Its resolver of names.
    #[must_use]
    pub fn resolver(self) -> IpAddr {
        Ipv4Addr::new(10, 0, self.net, 3).into()
    }

    fn v6(self, last: u16) -> IpAddr {
        // Unique local addresses (RFC 4193).
        Ipv6Addr::new(0xfd77, 0x6972, 0x656c, u16::from(self.net), 0, 0, 0, last).into()
    }
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.net, if self.six { "+6" } else { "" })
    }
}

impl std::str::FromStr for Plan {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Plan, Self::Err> {
        let four = text.strip_suffix("+6");
        Ok(Plan { net: four.unwrap_or(text).parse()?, six: four.is_some() })
    }
}

/// Where addresses inside lead to outside.
#[derive(Debug, Clone)]
pub struct Outside {
    /// The addresses.
    pub plan: Plan,
    /// Who answers questions about names.
    pub resolver: Option<IpAddr>,
    /// The program may reach the loopback of this computer.
    pub loopback: bool,
}

impl Outside {
    /// Where a destination is. `None`: nobody is there for the program.
    #[must_use]
    pub fn of(&self, to: SocketAddr) -> Option<SocketAddr> {
        let ip = to.ip();
        if ip == self.plan.resolver() {
            // Names are all that there is to be had of it.
            return self.resolver.filter(|_| to.port() == 53).map(|ip| SocketAddr::new(ip, 53));
        }
        if self.plan.gateways().any(|g| g == ip) {
            let home = if ip.is_ipv4() { IpAddr::from(Ipv4Addr::LOCALHOST) } else { Ipv6Addr::LOCALHOST.into() };
            return self.loopback.then(|| SocketAddr::new(home, to.port()));
        }
        if ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() || ip == IpAddr::from(Ipv4Addr::BROADCAST) {
            return None;
        }
        Some(to)
    }
}

/// The first server for names of a `resolv.conf`, and the same file with `ours` in its place.
#[must_use]
pub fn resolv_conf(text: &str, ours: IpAddr) -> (Option<IpAddr>, String) {
    let server = |line: &str| {
        let mut words = line.split_whitespace();
        let address = words.next().filter(|w| *w == "nameserver").and(words.next())?;
        // An IPv6 address may have a zone behind it.
        address.split('%').next()?.parse::<IpAddr>().ok()
    };
    let first = text.lines().find_map(server);
    let others = text.lines().filter(|l| !l.trim_start().starts_with("nameserver"));
    let mut new = format!("# Made by Wirelore for the program that it runs.\nnameserver {ours}\n");
    others.for_each(|l| {
        new.push_str(l);
        new.push('\n');
    });
    (first, new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn the_loopback_of_this_computer_is_closed_unless_it_is_opened() {
        let plan = Plan { net: 2, six: true };
        let mut outside = Outside { plan, resolver: Some([9, 9, 9, 9].into()), loopback: false };
        assert_eq!(outside.of(at("10.0.2.2:80")), None);
        assert_eq!(outside.of(at("127.0.0.1:80")), None);
        assert_eq!(outside.of(at("10.0.2.3:53")), Some(at("9.9.9.9:53")));
        assert_eq!(outside.of(at("10.0.2.3:80")), None);
        assert_eq!(outside.of(at("192.0.2.7:80")), Some(at("192.0.2.7:80")));
        assert_eq!(outside.of(at("224.0.0.251:5353")), None);
        outside.loopback = true;
        assert_eq!(outside.of(at("10.0.2.2:80")), Some(at("127.0.0.1:80")));
        assert_eq!(outside.of(at("[fd77:6972:656c:2::2]:80")), Some(at("[::1]:80")));
        assert_eq!(outside.of(at("127.0.0.1:80")), None, "only by its name");
    }

    #[test]
    fn a_resolver_of_ones_own_takes_the_place_of_all_others() {
        let text = "search example.org\nnameserver 127.0.0.53\nnameserver fe80::1%eth0\noptions edns0\n";
        let (first, new) = resolv_conf(text, [10, 0, 2, 3].into());
        assert_eq!(first, Some([127, 0, 0, 53].into()));
        assert_eq!(new.lines().filter(|l| l.starts_with("nameserver")).collect::<Vec<_>>(), ["nameserver 10.0.2.3"]);
        assert!(new.contains("search example.org") && new.contains("options edns0"));
    }
}
