//! SOCKS as a server: version 5 (RFC 1928) with user and password (RFC 1929), version 4 and its extension 4A.

use crate::copy::Over;
use crate::course::Course;
use crate::dial::Undialled;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use wirelore_kit::Hint;
use wirelore_kit::middle::{Origin, Refusal};
use wirelore_record::{Kind, Note};

/// Reply codes of RFC 1928 §6.
pub mod reply {
    pub const DONE: u8 = 0;
    pub const FAILED: u8 = 1;
    pub const NOT_ALLOWED: u8 = 2;
    pub const NETWORK_UNREACHABLE: u8 = 3;
    pub const HOST_UNREACHABLE: u8 = 4;
    pub const REFUSED: u8 = 5;
    pub const EXPIRED: u8 = 6;
    pub const NO_COMMAND: u8 = 7;
    pub const NO_ADDRESS_TYPE: u8 = 8;
}

/// The reply to a client whose server could not be reached.
#[must_use]
pub fn reply_of(e: &Undialled) -> u8 {
    match e {
        Undialled::Name(_) => reply::HOST_UNREACHABLE,
        Undialled::Silent => reply::EXPIRED,
        Undialled::Refused(_, e) => match e.kind() {
            ErrorKind::ConnectionRefused => reply::REFUSED,
            ErrorKind::NetworkUnreachable => reply::NETWORK_UNREACHABLE,
            ErrorKind::HostUnreachable => reply::HOST_UNREACHABLE,
            ErrorKind::TimedOut => reply::EXPIRED,
            _ => reply::FAILED,
        },
    }
}

/// A host name of SOCKS 4A, or a user's name, is not longer than this.
const MOST_NAME: usize = 512;

impl Course {
    /// A client that speaks SOCKS to us; its first byte is the version.
    pub(crate) async fn socks(&mut self) -> Over {
        let asked = if self.client.ahead.first() == Some(&5) { self.socks5().await } else { self.socks4().await };
        match asked {
            Some(()) => self.between(Hint::Probe).await,
            None => Over::Done,
        }
    }

    /// `None`: it was refused, or is gone.
    async fn socks5(&mut self) -> Option<()> {
        let methods = self.need(2).await?.get(1).copied().map(usize::from)?;
        let offered = self.take(methods.saturating_add(2)).await?.get(2..)?.to_vec();
        let auth = self.worker.shared.options().auth.clone();
        let method = match &auth {
            Some(_) => offered.contains(&2).then_some(2),
            None => [0, 2].into_iter().find(|m| offered.contains(m)),
        };
        self.say(&[5, method.unwrap_or(0xff)]).await?;
        let Some(method) = method else {
            self.refused_socks(
                "No way of saying who it is suits: it offers no user and password.",
                "Give the client --proxyauth's user and password.",
            );
            return None;
        };
        if method == 2 {
            let name = self.need(2).await?.get(1).copied().map(usize::from)?;
            let password = self.need(name.saturating_add(3)).await?.get(name.saturating_add(2)).copied().map(usize::from)?;
            let said = self.take(name.saturating_add(password).saturating_add(3)).await?;
            let user = said.get(2..name.saturating_add(2))?;
            let given = said.get(name.saturating_add(3)..)?;
            let good = auth.as_ref().is_none_or(|(u, p)| same(u.as_bytes(), user) & same(p.as_bytes(), given));
            self.say(&[1, u8::from(!good)]).await?;
            if !good {
                self.refused_socks("Its user and password are not those of --proxyauth.", "Give the client the right ones.");
                return None;
            }
        }
        let head = self.need(5).await?;
        let (command, kind, first) = (*head.get(1)?, *head.get(3)?, *head.get(4)?);
        let len = match kind {
            1 => 4,
            3 => usize::from(first).saturating_add(1),
            4 => 16,
            _ => {
                self.answer5(reply::NO_ADDRESS_TYPE, None).await?;
                return None;
            }
        };
        let request = self.take(len.saturating_add(6)).await?;
        let (host, port, _) = read_address(request.get(3..)?)?;
        match command {
            1 => {}
            3 => {
                self.associate(port).await;
                return None;
            }
            other => {
                let what = if other == 2 { "BIND is not done here" } else { "This command is not known" };
                self.note(Note { why: "Only CONNECT and UDP ASSOCIATE are.", ..Note::new(Kind::Refused, what) });
                self.answer5(reply::NO_COMMAND, None).await?;
                return None;
            }
        }
        match self.reach(&Origin { host, port, tls: false }).await {
            Ok(()) => {
                let ours = self.server.as_ref().and_then(|s| s.socket().local_addr().ok());
                self.answer5(reply::DONE, ours).await
            }
            Err(refusal) => {
                let code = self.code_of(&refusal);
                self.answer5(code, None).await?;
                None
            }
        }
    }

    async fn socks4(&mut self) -> Option<()> {
        let head = self.need(9).await?.get(..8)?.to_vec();
        let (command, port) = (*head.get(1)?, u16::from_be_bytes(head.get(2..4)?.try_into().ok()?));
        let ip = Ipv4Addr::from(<[u8; 4]>::try_from(head.get(4..8)?).ok()?);
        let user = self.until_zero(8).await?;
        // 0.0.0.x stands for a name behind the user's (SOCKS 4A).
        let named = ip.octets().starts_with(&[0, 0, 0]) && ip != Ipv4Addr::UNSPECIFIED;
        let end = if named { self.until_zero(user.saturating_add(1)).await? } else { user };
        let request = self.take(end.saturating_add(1)).await?;
        let host =
            if named { String::from_utf8_lossy(request.get(user.saturating_add(1)..end)?).into_owned() } else { ip.to_string() };
        let allowed = self.worker.shared.options().auth.is_none();
        if !allowed {
            self.refused_socks("SOCKS 4 has no password, and one is asked for.", "Have the client speak SOCKS 5.");
        }
        let went = command == 1 && allowed && self.reach(&Origin { host, port, tls: false }).await.is_ok();
        let mut answer = [0, if went { 0x5a } else { 0x5b }, 0, 0, 0, 0, 0, 0];
        if let (Some(to), Some(from)) = (answer.get_mut(2..), head.get(2..)) {
            to.copy_from_slice(from);
        }
        self.say(&answer).await?;
        went.then_some(())
    }

    /// The answer of RFC 1928 §6, with our address towards the server, or for the client's datagrams.
    pub(crate) async fn answer5(&mut self, code: u8, ours: Option<SocketAddr>) -> Option<()> {
        let mut answer = vec![5, code, 0];
        answer.extend(address(ours.unwrap_or_else(|| (Ipv4Addr::UNSPECIFIED, 0).into())));
        self.say(&answer).await
    }

    fn code_of(&self, refusal: &Refusal) -> u8 {
        match (refusal.status, self.undialled) {
            (403 | 508, _) => reply::NOT_ALLOWED,
            (_, Some(code)) => code,
            _ => reply::FAILED,
        }
    }

    fn refused_socks(&self, why: &str, what_to_do: &str) {
        self.note(Note { why, what_to_do, ..Note::new(Kind::Refused, "A SOCKS client was refused.") });
    }

    /// The client's bytes, once there are `n`, which stay ahead. `None`: it is gone.
    async fn need(&mut self, n: usize) -> Option<&[u8]> {
        while self.client.ahead.len() < n {
            if self.client.gone.is_some() {
                return None;
            }
            self.read_client().await;
        }
        Some(&self.client.ahead)
    }

    /// Takes the client's next `n` bytes.
    async fn take(&mut self, n: usize) -> Option<Vec<u8>> {
        self.need(n).await?;
        let rest = self.client.ahead.split_off(n);
        Some(std::mem::replace(&mut self.client.ahead, rest))
    }

    /// Where the first zero byte at or behind `from` stands.
    async fn until_zero(&mut self, from: usize) -> Option<usize> {
        let mut have = from;
        loop {
            let bytes = self.need(have.saturating_add(1)).await?;
            if let Some(at) = bytes.get(from..)?.iter().position(|b| *b == 0) {
                return Some(from.saturating_add(at));
            }
            have = bytes.len();
            if have > from.saturating_add(MOST_NAME) {
                return None;
            }
        }
    }
}

/// Kind of address, address and port, as they stand in SOCKS 5.
#[must_use]
pub fn address(of: SocketAddr) -> Vec<u8> {
    let mut out = match of.ip().to_canonical() {
        IpAddr::V4(ip) => [&[1][..], &ip.octets()].concat(),
        IpAddr::V6(ip) => [&[4][..], &ip.octets()].concat(),
    };
    out.extend(of.port().to_be_bytes());
    out
}

/// Host and port that stand at the beginning of these bytes in SOCKS 5's form, and how long they are.
#[must_use]
pub fn read_address(bytes: &[u8]) -> Option<(String, u16, usize)> {
    let (kind, first) = (*bytes.first()?, usize::from(*bytes.get(1)?));
    let (from, len) = match kind {
        1 => (1, 4),
        3 => (2, first),
        4 => (1, 16),
        _ => return None,
    };
    let end = usize::checked_add(from, len)?;
    let address = bytes.get(from..end)?;
    let host = match (kind, <[u8; 4]>::try_from(address), <[u8; 16]>::try_from(address)) {
        (1, Ok(ip), _) => Ipv4Addr::from(ip).to_string(),
        (4, _, Ok(ip)) => Ipv6Addr::from(ip).to_string(),
        _ => String::from_utf8_lossy(address).into_owned(),
    };
    let port = bytes.get(end..)?.first_chunk().copied().map(u16::from_be_bytes)?;
    Some((host, port, end.checked_add(2)?))
}

/// Compares without telling by its time where the difference is.
#[must_use]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |d, (x, y)| d | (x ^ y)) == 0
}
