//! The first steps of a program that is run: a process of ours goes into namespaces of its own, lays a network there, hands the other end
//! of it out, and becomes the program.
//!
//! Two network namespaces are made, none of which needs more than an unprivileged user namespace. A pair of virtual Ethernet interfaces
//! connects them: one end is the program's; in the other namespace nobody lives, and what arrives there is read with a packet socket that
//! is handed to the parent. `/dev/net/tun`, which many machines close to users, is not needed.

use super::netlink::{Netlink, VethEnd};
use super::plan::{GATEWAY_MAC, HELPER_MAC, MTU, PROGRAM_MAC, Plan};
use clap::Args;
use nix::mount::{MsFlags, mount};
use nix::net::if_::if_nametoindex;
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::SigSet;
use nix::sys::socket::{
    AddressFamily, ControlMessage, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, bind, sendmsg, socket,
};
use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{IoSlice, Read};
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;

/// `wirelore __inside`: what [`super`] starts; not for people.
#[derive(Debug, Args)]
pub struct Inside {
    /// Where the parent listens.
    #[arg(long)]
    parent: PathBuf,
    /// Go into namespaces, with a network of this plan.
    #[arg(long)]
    plan: Option<Plan>,
    /// Lay these files over others there: FILE:OVER.
    #[arg(long)]
    over: Vec<String>,
    /// The program and its arguments.
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// The program's interface, as it is called inside.
const INTERFACE: &str = "eth0";
/// The other end.
const HELPER: &str = "wirelore";

/// Becomes the program. Gives its exit code only where that was not possible.
#[must_use]
pub fn run(args: &Inside) -> i32 {
    let parent = match UnixStream::connect(&args.parent) {
        Ok(parent) => parent,
        Err(e) => {
            eprintln!("wirelore: {}: {e}.", args.parent.display());
            return super::NOT_STARTED;
        }
    };
    let laid = args.plan.map_or_else(|| Ok(Laid::default()), |plan| lay(plan, &args.over));
    match laid {
        Ok(laid) => {
            let fds: Vec<i32> = laid.sockets.iter().map(AsRawFd::as_raw_fd).collect();
            let said = format!("+{}", laid.troubles.join("\n"));
            let rights = [ControlMessage::ScmRights(&fds)];
            let rights = if fds.is_empty() { &[][..] } else { &rights[..] };
            if sendmsg::<()>(parent.as_raw_fd(), &[IoSlice::new(said.as_bytes())], rights, MsgFlags::empty(), None).is_err() {
                return super::NOT_STARTED;
            }
        }
        Err(why) => {
            let _ =
                sendmsg::<()>(parent.as_raw_fd(), &[IoSlice::new(format!("-{why}").as_bytes())], &[], MsgFlags::empty(), None);
            return super::NOT_STARTED;
        }
    }
    // The parent answers when somebody stands at the other end, perhaps with arguments that it has for the program.
    let mut answer = Vec::new();
    if (&parent).read_to_end(&mut answer).is_err() {
        return super::NOT_STARTED;
    }
    drop(parent);
    let Some(b"+") = answer.get(..1) else { return super::NOT_STARTED };
    let before = answer.split_off(1);
    let before = before.split(|b| *b == 0).filter(|a| !a.is_empty()).map(OsStr::from_bytes);
    // The parent waits for signals with these blocked; the program is to have them.
    let _ = SigSet::empty().thread_set_mask();
    let Some((program, arguments)) = args.command.split_first() else { return super::NOT_STARTED };
    let e = std::process::Command::new(program).args(before).args(arguments).exec();
    eprintln!("wirelore: {} cannot be run: {e}.", program.display());
    // As shells say it.
    if e.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 }
}

/// What was laid.
#[derive(Default)]
struct Laid {
    /// The packet sockets of the other end, and of the program's loopback.
    sockets: Vec<OwnedFd>,
    /// What did not succeed and is not vital.
    troubles: Vec<String>,
}

/// Adds what was tried to an error.
trait Trying<T> {
    fn trying(self, what: impl Display) -> Result<T, String>;
}

impl<T, E: Display> Trying<T> for Result<T, E> {
    fn trying(self, what: impl Display) -> Result<T, String> {
        self.map_err(|e| format!("{what}: {e}"))
    }
}

fn lay(plan: Plan, over: &[String]) -> Result<Laid, String> {
    enter()?;
    let mut helper = Netlink::open().trying("a netlink socket")?;
    let ours = VethEnd { name: HELPER, mac: HELPER_MAC };
    let theirs = VethEnd { name: INTERFACE, mac: PROGRAM_MAC };
    helper.veth(ours, theirs, MTU).trying("a pair of virtual Ethernet interfaces")?;
    let wire = packets_of(HELPER)?;
    let (far, near) = (index(HELPER)?, index(INTERFACE)?);
    // The program gets a namespace of its own; this one goes on as long as its socket.
    unshare(CloneFlags::CLONE_NEWNET).trying("the program's network namespace")?;
    let namespace = File::open("/proc/self/ns/net").trying("/proc/self/ns/net")?;
    helper.move_link(near, namespace.as_fd()).trying("moving the program's interface")?;
    // A system without IPv6 has nothing to refrain from.
    let _ = helper.no_link_local(far);
    helper.up(far).trying("setting the other end up")?;

    let mut link = Netlink::open().trying("a netlink socket")?;
    let near = index(INTERFACE)?;
    link.up(index("lo")?).trying("setting the loopback up")?;
    let _ = link.no_link_local(near);
    link.up(near).trying("setting the program's interface up")?;
    let mut troubles = Vec::new();
    for (ip, prefix) in plan.program() {
        let set = link.address(near, ip, prefix);
        tolerate(ip, set.trying(ip), &mut troubles)?;
    }
    for ip in plan.gateways().chain([plan.resolver()]) {
        let set = link.neighbour(near, ip, GATEWAY_MAC);
        tolerate(ip, set.trying(format!("the neighbour {ip}")), &mut troubles)?;
    }
    for ip in plan.gateways() {
        let set = link.default_route(near, ip);
        tolerate(ip, set.trying(format!("the route to {ip}")), &mut troubles)?;
    }
    let loopback = packets_of("lo")?;
    lay_over(over, &mut troubles);
    Ok(Laid { sockets: vec![wire, loopback], troubles })
}

/// Without IPv6 there is still IPv4.
fn tolerate(ip: IpAddr, went: Result<(), String>, troubles: &mut Vec<String>) -> Result<(), String> {
    match went {
        Err(why) if ip.is_ipv6() => {
            troubles.push(format!("There is no IPv6 inside: {why}."));
            Ok(())
        }
        went => went,
    }
}

/// Goes into namespaces: as root directly, else by a user namespace in which the program stays who it is.
fn enter() -> Result<(), String> {
    let (user, group) = (nix::unistd::geteuid(), nix::unistd::getegid());
    let rooms = CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS;
    if user.is_root() && unshare(rooms).is_ok() {
        return private();
    }
    unshare(CloneFlags::CLONE_NEWUSER | rooms).trying("user, network and mount namespaces")?;
    // Without this, groups could not be mapped (`man 7 user_namespaces`).
    fs::write("/proc/self/setgroups", "deny").trying("/proc/self/setgroups")?;
    fs::write("/proc/self/uid_map", format!("{user} {user} 1")).trying("/proc/self/uid_map")?;
    fs::write("/proc/self/gid_map", format!("{group} {group} 1")).trying("/proc/self/gid_map")?;
    private()
}

/// What is mounted here from now on is not seen outside.
fn private() -> Result<(), String> {
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>).trying("a mount namespace")
}

/// Lays files over others: resolvers and certificates are read from fixed places.
fn lay_over(over: &[String], troubles: &mut Vec<String>) {
    for (file, target) in over.iter().filter_map(|o| o.rsplit_once(':')) {
        let laid = mount(Some(file), target, None::<&str>, MsFlags::MS_BIND, None::<&str>);
        if let Err(e) = laid {
            troubles.push(format!("{target} stays as it is inside: {e}."));
        }
    }
}

fn index(name: &str) -> Result<u32, String> {
    if_nametoindex(name).trying(format!("the interface {name}"))
}

/// A socket for all packets of an interface of the namespace of this moment.
fn packets_of(name: &str) -> Result<OwnedFd, String> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let packets = socket(AddressFamily::Packet, SockType::Raw, flags, SockProtocol::EthAll).trying("a packet socket")?;
    let mut all = nix::ifaddrs::getifaddrs().trying("the list of interfaces")?;
    let address: Option<LinkAddr> =
        all.find_map(|i| (i.interface_name == name).then(|| i.address?.as_link_addr().copied()).flatten());
    let address = address.ok_or_else(|| format!("the interface {name} has no address"))?;
    bind(packets.as_raw_fd(), &address).trying(format!("reading packets of {name}"))?;
    Ok(packets)
}
