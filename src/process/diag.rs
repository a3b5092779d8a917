//! The socket between two ends, asked of the system directly (`man 7 sock_diag`): at once, where reading its tables takes milliseconds on
//! a computer with many connections.

use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};

/// `SOCK_DIAG_BY_FAMILY`.
const BY_FAMILY: u16 = 20;
/// Bytes of a netlink header, and of `struct inet_diag_sockid` with the four bytes before it.
const HEADER: usize = 16;
/// `INET_DIAG_NOCOOKIE`.
const NO_COOKIE: [u8; 8] = [0xff; 8];

/// Asks for sockets of the network namespace that it was opened in.
#[derive(Debug)]
pub struct Diag(File);

impl Diag {
    /// Opens one.
    ///
    /// # Errors
    /// The system's.
    pub fn open() -> io::Result<Diag> {
        let fd = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkSockDiag)?;
        Ok(Diag(File::from(fd)))
    }

    /// Owner (user number) and inode of the TCP socket between these ends, if there is one.
    ///
    /// # Errors
    /// The system does not say.
    pub fn tcp(&mut self, local: SocketAddr, remote: SocketAddr) -> io::Result<Option<(u32, u64)>> {
        self.0.write_all(&request(local, remote))?;
        let mut answer = [0; 4096];
        let n = self.0.read(&mut answer)?;
        let answer = answer.get(..n).unwrap_or_default();
        // `struct nlmsgerr`: a negative error number.
        let no_such =
            answer.get(4..6) == Some(&2_u16.to_ne_bytes()) && answer.get(16..20) == Some(&(-nix::libc::ENOENT).to_ne_bytes());
        if no_such { Ok(None) } else { read(answer).map(Some).ok_or_else(|| io::ErrorKind::InvalidData.into()) }
    }
}

fn request(local: SocketAddr, remote: SocketAddr) -> Vec<u8> {
    const TCP: u8 = 6;
    let family = if local.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 } as u8;
    let mut all = vec![0; 4];
    // A request; sequence and sender are not needed.
    all.extend_from_slice(&BY_FAMILY.to_ne_bytes());
    all.extend_from_slice(&1_u16.to_ne_bytes());
    all.extend_from_slice(&[0; 8]);
    all.extend_from_slice(&[family, TCP, 0, 0]);
    // In whatever state.
    all.extend_from_slice(&[0xff; 4]);
    for end in [local, remote] {
        all.extend_from_slice(&end.port().to_be_bytes());
    }
    for end in [local, remote] {
        let mut place = [0; 16];
        match end.ip() {
            IpAddr::V4(ip) => place[..4].copy_from_slice(&ip.octets()),
            IpAddr::V6(ip) => place = ip.octets(),
        }
        all.extend_from_slice(&place);
    }
    // On whatever interface.
    all.extend_from_slice(&[0; 4]);
    all.extend_from_slice(&NO_COOKIE);
    let len = u32::try_from(all.len()).unwrap_or(u32::MAX).to_ne_bytes();
    if let Some(place) = all.get_mut(..4) {
        place.copy_from_slice(&len);
    }
    all
}

/// `struct inet_diag_msg`: 4 bytes, the ends (48), three numbers, user, inode.
fn read(answer: &[u8]) -> Option<(u32, u64)> {
    let kind = u16::from_ne_bytes(answer.get(4..6)?.try_into().ok()?);
    let number = |at: usize| Some(u32::from_ne_bytes(answer.get(at..at.checked_add(4)?)?.try_into().ok()?));
    let body = HEADER + 4 + 48 + 12;
    (kind == BY_FAMILY).then_some(())?;
    Some((number(body)?, number(body + 4)?.into()))
}
