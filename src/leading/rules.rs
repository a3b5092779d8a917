//! The rules of Linux's packet filter that lead connections to a transparent listener, as the commands that make them and take them back.

use std::net::SocketAddr;

/// How connections come to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum How {
    /// The kernel rewrites where they go, and remembers where they meant to.
    Redirect,
    /// The kernel hands them over as they are; our socket bears the address that they meant.
    Tproxy,
}

/// With which program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum With {
    /// nftables.
    Nft,
    /// iptables and ip6tables.
    Iptables,
}

/// What is led where.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// How.
    pub how: How,
    /// With which program.
    pub with: With,
    /// The listener.
    pub to: SocketAddr,
    /// Ports of servers.
    pub ports: &'a [u16],
    /// The user that the proxy runs as: what it sends itself must not come back to it.
    pub user: u32,
}

/// Commands as one would type them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Plan {
    /// They lead.
    pub lead: Vec<String>,
    /// They take that back, whether all of it was done or only a part.
    pub back: Vec<String>,
}

/// Marks packets of TPROXY (any value that nobody else uses), and is the number of their routing table.
const MARK: u32 = 0x574c;

impl Plan {
    /// Another plan behind this one. What is done last is taken back first.
    pub fn and(&mut self, other: Plan) {
        self.lead.extend(other.lead);
        self.back.splice(0..0, other.back);
    }
}

/// The commands for a wish.
#[must_use]
pub fn plan(wish: &Wish<'_>) -> Plan {
    match wish.with {
        With::Nft => nft(wish),
        With::Iptables => iptables(wish),
    }
}

impl Wish<'_> {
    fn six(&self) -> bool {
        self.to.is_ipv6()
    }

    /// Its own name among the rules of others.
    fn name(&self) -> String {
        format!("wirelore-{}", self.to.port())
    }

    fn ports(&self) -> String {
        let ports: Vec<String> = self.ports.iter().map(u16::to_string).collect();
        ports.join(",")
    }

    /// What this machine says to itself stays as it is.
    fn home(&self) -> &'static str {
        if self.six() { "::1/128" } else { "127.0.0.0/8" }
    }

    /// Where TPROXY's packets are taken for our own.
    fn routes(&self) -> Plan {
        let ip = if self.six() { "ip -6" } else { "ip" };
        let all = if self.six() { "::/0" } else { "0.0.0.0/0" };
        Plan {
            lead: vec![
                format!("{ip} rule add fwmark {MARK:#x} lookup {MARK}"),
                format!("{ip} route add local {all} dev lo table {MARK}"),
            ],
            back: vec![
                format!("{ip} route del local {all} dev lo table {MARK}"),
                format!("{ip} rule del fwmark {MARK:#x} lookup {MARK}"),
            ],
        }
    }
}

fn nft(wish: &Wish<'_>) -> Plan {
    let (family, name) = (if wish.six() { "ip6" } else { "ip" }, wish.name());
    let (ports, user, home, port) = (wish.ports(), wish.user, wish.home(), wish.to.port());
    // HTTP/3 would go around us: told that nobody is there, clients fall back to TCP.
    let no_quic = if wish.ports.contains(&443) {
        format!(
            "  chain quic {{ type filter hook output priority filter; meta skuid {user} return; {family} daddr {home} return; udp dport \
             443 reject; }}\n"
        )
    } else {
        String::new()
    };
    let (chains, routes) = match wish.how {
        How::Redirect => {
            // What comes from elsewhere is led only to a listener that it can reach.
            let came = if wish.to.ip().is_loopback() {
                String::new()
            } else {
                format!(
                    "  chain came {{ type nat hook prerouting priority dstnat; fib daddr type local return; tcp dport {{ {ports} }} \
                     redirect to :{port}; }}\n"
                )
            };
            let sent = format!(
                "  chain sent {{ type nat hook output priority -100; meta skuid {user} return; {family} daddr {home} return; tcp dport {{ \
                 {ports} }} redirect to :{port}; }}\n"
            );
            (came + &sent, Plan::default())
        }
        How::Tproxy => {
            // Of what comes over our own loopback only what was marked as it was sent: else our own connections to a server on this machine
            // would come back.
            let at = match wish.to {
                SocketAddr::V4(a) if a.ip().is_unspecified() => format!(":{port}"),
                SocketAddr::V6(a) if a.ip().is_unspecified() => format!(":{port}"),
                to => to.to_string(),
            };
            let chains = format!(
                "  chain came {{ type filter hook prerouting priority mangle; meta l4proto tcp socket transparent 1 meta mark set {MARK:#x} \
                 accept; iifname lo meta mark != {MARK:#x} return; iifname != lo fib daddr type local return; tcp dport {{ {ports} }} tproxy \
                 to {at} meta mark set {MARK:#x} accept; }}\n  \
                 chain sent {{ type route hook output priority mangle; meta skuid {user} return; {family} daddr {home} return; tcp dport {{ \
                 {ports} }} meta mark set {MARK:#x}; }}\n"
            );
            (chains, wish.routes())
        }
    };
    let table = format!("nft -f - <<'END'\ntable {family} {name} {{\n{chains}{no_quic}}}\nEND");
    let mut plan = routes;
    plan.and(Plan { lead: vec![table], back: vec![format!("nft delete table {family} {name}")] });
    plan
}

fn iptables(wish: &Wish<'_>) -> Plan {
    let program = if wish.six() { "ip6tables -w" } else { "iptables -w" };
    let (name, ports, user, home, port) = (wish.name(), wish.ports(), wish.user, wish.home(), wish.to.port());
    let mut plan = if wish.how == How::Tproxy { wish.routes() } else { Plan::default() };
    let table = if wish.how == How::Tproxy { "mangle" } else { "nat" };
    let mut chain = |hook: &str, name: &str, rules: &[String]| {
        let t = format!("{program} -t {table}");
        let mut lead = vec![format!("{t} -N {name}")];
        lead.extend(rules.iter().map(|r| format!("{t} -A {name} {r}")));
        lead.push(format!("{t} -A {hook} -p tcp -j {name}"));
        let back = vec![format!("{t} -D {hook} -p tcp -j {name}"), format!("{t} -F {name}"), format!("{t} -X {name}")];
        plan.and(Plan { lead, back });
    };
    let own = format!("-m owner --uid-owner {user} -j RETURN");
    let local = format!("-d {home} -j RETURN");
    let servers = format!("-p tcp -m multiport --dports {ports}");
    match wish.how {
        How::Redirect => {
            let redirect = format!("{servers} -j REDIRECT --to-ports {port}");
            if !wish.to.ip().is_loopback() {
                let ours = "-m addrtype --dst-type LOCAL -j RETURN".to_owned();
                chain("PREROUTING", &format!("{name}-came"), &[ours, redirect.clone()]);
            }
            chain("OUTPUT", &format!("{name}-sent"), &[own, local, redirect]);
        }
        How::Tproxy => {
            let on = if wish.to.ip().is_unspecified() { String::new() } else { format!(" --on-ip {}", wish.to.ip()) };
            let ours = format!("-m socket --transparent -j MARK --set-mark {MARK:#x}");
            let hand = format!("{servers} -j TPROXY --on-port {port}{on} --tproxy-mark {MARK:#x}");
            let unmarked = format!("-i lo -m mark ! --mark {MARK:#x} -j RETURN");
            let here = "! -i lo -m addrtype --dst-type LOCAL -j RETURN".to_owned();
            chain("PREROUTING", &format!("{name}-came"), &[ours, unmarked, here, hand]);
            chain("OUTPUT", &format!("{name}-sent"), &[own, local, format!("{servers} -j MARK --set-mark {MARK:#x}")]);
        }
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(how: How, with: With, to: &str) -> Plan {
        plan(&Wish { how, with, to: to.parse().expect("an address"), ports: &[80, 443], user: 65_534 })
    }

    #[test]
    fn what_a_listener_cannot_reach_is_not_led_to_it() {
        let home = wish(How::Redirect, With::Nft, "127.0.0.1:8080");
        assert!(!home.lead[0].contains("prerouting"), "{home:?}");
        let everywhere = wish(How::Redirect, With::Nft, "0.0.0.0:8080");
        assert!(everywhere.lead[0].contains("prerouting"), "{everywhere:?}");
    }

    #[test]
    fn every_chain_and_route_is_taken_back_and_the_last_first() {
        for how in [How::Redirect, How::Tproxy] {
            for to in ["127.0.0.1:8080", "[::]:8080"] {
                let plan = wish(how, With::Iptables, to);
                let count = |all: &[String], what: &str| all.iter().filter(|c| c.contains(what)).count();
                assert_eq!(count(&plan.lead, " -N "), count(&plan.back, " -X "), "{plan:?}");
                assert_eq!(count(&plan.lead, " rule add "), count(&plan.back, " rule del "), "{plan:?}");
                assert_eq!(count(&plan.lead, " -N "), count(&plan.back, " -F "), "{plan:?}");
            }
        }
        let plan = wish(How::Tproxy, With::Nft, "127.0.0.1:8080");
        assert_eq!(plan.back[0], "nft delete table ip wirelore-8080");
        assert!(plan.back[1].contains("route del") && plan.lead[2].starts_with("nft"));
    }

    #[test]
    fn the_proxys_own_connections_are_never_led_to_it() {
        for with in [With::Nft, With::Iptables] {
            for how in [How::Redirect, How::Tproxy] {
                let text = wish(how, with, "127.0.0.1:8080").lead.join("\n").to_lowercase();
                let own = text.find("65534").expect("the proxy's user is named");
                let led = text.rfind(if how == How::Tproxy { "set" } else { "direct" }).expect("a rule that leads");
                assert!(own < led, "{text}");
            }
        }
    }
}
