//! Route netlink (RFC 3549, `man 7 rtnetlink`): just enough of it to make a pair of virtual Ethernet interfaces and set one up.
//!
//! Numbers are those of `linux/rtnetlink.h`, `linux/if_link.h`, `linux/if_addr.h` and `linux/neighbour.h`.

use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

const NEWLINK: u16 = 16;
const NEWADDR: u16 = 20;
const NEWROUTE: u16 = 24;
const NEWNEIGH: u16 = 28;

/// Request with acknowledgement, of something that is there.
const CHANGE: u16 = 0x1 | 0x4;
/// The same of something that is not there yet.
const CREATE: u16 = CHANGE | 0x400 | 0x200;

/// A MAC address.
pub type Mac = [u8; 6];

/// One end of the pair.
#[derive(Debug, Clone, Copy)]
pub struct VethEnd<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its MAC address.
    pub mac: Mac,
}

/// A netlink socket: it speaks of the network namespace that it was opened in, wherever its process went since.
#[derive(Debug)]
pub struct Netlink {
    socket: File,
    sequence: u32,
}

/// A message being written.
struct Message(Vec<u8>);

impl Message {
    fn new(kind: u16, flags: u16, sequence: u32) -> Message {
        let mut bytes = vec![0; 4];
        bytes.extend_from_slice(&kind.to_ne_bytes());
        bytes.extend_from_slice(&flags.to_ne_bytes());
        bytes.extend_from_slice(&sequence.to_ne_bytes());
        bytes.extend_from_slice(&[0; 4]);
        Message(bytes)
    }

    fn put(&mut self, bytes: &[u8]) -> &mut Message {
        self.0.extend_from_slice(bytes);
        self
    }

    /// An attribute: length, kind, value, padded to 4 bytes.
    fn attribute(&mut self, kind: u16, value: &[u8]) -> &mut Message {
        self.nest(kind, |m| {
            m.put(value);
        })
    }

    /// An attribute whose value is written by `inner`.
    fn nest(&mut self, kind: u16, inner: impl FnOnce(&mut Message)) -> &mut Message {
        let at = self.0.len();
        self.put(&[0; 2]).put(&kind.to_ne_bytes());
        inner(self);
        let len = u16::try_from(self.0.len().saturating_sub(at)).unwrap_or(u16::MAX);
        if let Some(place) = self.0.get_mut(at..at.saturating_add(2)) {
            place.copy_from_slice(&len.to_ne_bytes());
        }
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    /// `struct ifinfomsg`: an interface, flags to set.
    fn link(&mut self, index: u32, flags: u32) -> &mut Message {
        self.put(&[0; 4]).put(&index.to_ne_bytes()).put(&flags.to_ne_bytes()).put(&flags.to_ne_bytes())
    }

    fn veth_end(&mut self, end: VethEnd<'_>, mtu: u32) -> &mut Message {
        let mut name = end.name.as_bytes().to_vec();
        name.push(0);
        self.attribute(1, &end.mac).attribute(3, &name).attribute(4, &mtu.to_ne_bytes());
        // The system would otherwise hand over segments of up to 64 KiB, which no Ethernet carries: one segment, one frame.
        self.attribute(40, &1_u32.to_ne_bytes())
    }

    fn whole(mut self) -> Vec<u8> {
        let len = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        if let Some(place) = self.0.get_mut(..4) {
            place.copy_from_slice(&len.to_ne_bytes());
        }
        self.0
    }
}

fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

fn family(ip: IpAddr) -> u8 {
    let number = if ip.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    number as u8
}

impl Netlink {
    /// Opens one in the network namespace of this moment.
    ///
    /// # Errors
    /// The system's.
    pub fn open() -> io::Result<Netlink> {
        let fd = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)?;
        Ok(Netlink { socket: File::from(fd), sequence: 0 })
    }

    /// Sends a request and waits for its acknowledgement.
    fn ask(&mut self, kind: u16, flags: u16, write: impl FnOnce(&mut Message)) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut message = Message::new(kind, flags, self.sequence);
        write(&mut message);
        self.socket.write_all(&message.whole())?;
        let mut answer = [0; 4096];
        let n = self.socket.read(&mut answer)?;
        // `struct nlmsgerr` behind the header: a negative error number, 0 for an acknowledgement.
        let code = answer.get(16..20).filter(|_| n >= 20).and_then(|b| b.try_into().ok()).map(i32::from_ne_bytes);
        match code {
            Some(0) => Ok(()),
            Some(code) => Err(io::Error::from_raw_os_error(code.saturating_neg())),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Makes a pair of virtual Ethernet interfaces. `mtu` in bytes.
    ///
    /// # Errors
    /// The system's.
    pub fn veth(&mut self, ours: VethEnd<'_>, theirs: VethEnd<'_>, mtu: u32) -> io::Result<()> {
        self.ask(NEWLINK, CREATE, |m| {
            m.link(0, 0).veth_end(ours, mtu).nest(18, |m| {
                m.attribute(1, b"veth\0").nest(2, |m| {
                    m.nest(1, |m| {
                        m.link(0, 0).veth_end(theirs, mtu);
                    });
                });
            });
        })
    }

    /// Moves an interface to the network namespace that `to` is a handle of.
    ///
    /// # Errors
    /// The system's.
    pub fn move_link(&mut self, index: u32, to: BorrowedFd<'_>) -> io::Result<()> {
        self.ask(NEWLINK, CHANGE, |m| {
            m.link(index, 0).attribute(28, &to.as_raw_fd().to_ne_bytes());
        })
    }

    /// Leaves an interface without an address of its own making, so that its kernel has nothing to announce.
    ///
    /// # Errors
    /// The system's; a system without IPv6 refuses.
    pub fn no_link_local(&mut self, index: u32) -> io::Result<()> {
        self.ask(NEWLINK, CHANGE, |m| {
            m.link(index, 0).nest(26, |m| {
                m.nest(AddressFamily::Inet6 as u16, |m| {
                    m.attribute(8, &[1]);
                });
            });
        })
    }

    /// Sets an interface up.
    ///
    /// # Errors
    /// The system's.
    pub fn up(&mut self, index: u32) -> io::Result<()> {
        const UP: u32 = 1;
        self.ask(NEWLINK, CHANGE, |m| {
            m.link(index, UP);
        })
    }

    /// Gives an interface an address, with a prefix of so many bits.
    ///
    /// # Errors
    /// The system's.
    pub fn address(&mut self, index: u32, ip: IpAddr, prefix: u8) -> io::Result<()> {
        // Nobody else is on this link: an IPv6 address need not be probed for.
        const NODAD: u32 = 2;
        let bytes = octets(ip);
        self.ask(NEWADDR, CREATE, |m| {
            m.put(&[family(ip), prefix, 0, 0]).put(&index.to_ne_bytes());
            m.attribute(2, &bytes).attribute(1, &bytes).attribute(8, &NODAD.to_ne_bytes());
        })
    }

    /// Has everything go to a gateway.
    ///
    /// # Errors
    /// The system's.
    pub fn default_route(&mut self, index: u32, gateway: IpAddr) -> io::Result<()> {
        // Table 254 is the main one, protocol 4 an administrator, kind 1 unicast.
        self.ask(NEWROUTE, CREATE, |m| {
            m.put(&[family(gateway), 0, 0, 0, 254, 4, 0, 1, 0, 0, 0, 0]);
            m.attribute(5, &octets(gateway)).attribute(4, &index.to_ne_bytes());
        })
    }

    /// Says which MAC address a neighbour has, for good.
    ///
    /// # Errors
    /// The system's.
    pub fn neighbour(&mut self, index: u32, ip: IpAddr, mac: Mac) -> io::Result<()> {
        const PERMANENT: u16 = 0x80;
        self.ask(NEWNEIGH, CREATE, |m| {
            m.put(&[family(ip), 0, 0, 0]).put(&index.to_ne_bytes()).put(&PERMANENT.to_ne_bytes()).put(&[0; 2]);
            m.attribute(1, &octets(ip)).attribute(2, &mac);
        })
    }
}
