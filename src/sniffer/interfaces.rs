//! Which interfaces there are, and which kinds of headers one gives.

use crate::said::{Refused, tell};
use pcap::{Capture, ConnectionStatus, Device};
use serde_json::json;

/// Tells every interface that libpcap could open, in its order: the number of one is its place, counted from 1.
pub fn list() -> Result<(), Refused> {
    let devices = Device::list().map_err(|e| Refused::of("pcap", "", &e))?;
    for d in devices {
        let addresses: Vec<String> = d.addresses.iter().map(|a| a.addr.to_string()).collect();
        let connected = match d.flags.connection_status {
            ConnectionStatus::Connected => Some(true),
            ConnectionStatus::Disconnected => Some(false),
            ConnectionStatus::Unknown | ConnectionStatus::NotApplicable => None,
        };
        tell(&json!({
            "name": d.name, "description": d.desc, "addresses": addresses,
            "loopback": d.flags.is_loopback(), "up": d.flags.is_up(), "running": d.flags.is_running(),
            "wireless": d.flags.is_wireless(), "connected": connected,
        }))?;
    }
    Ok(())
}

/// Tells the kinds of headers that an interface gives. It must be opened for that.
pub fn links(interface: &str) -> Result<(), Refused> {
    let opened = Capture::from_device(interface).and_then(Capture::open).map_err(|e| Refused::open(interface, &e))?;
    let now = opened.get_datalink();
    for link in opened.list_datalinks().map_err(|e| Refused::of("pcap", interface, &e))? {
        tell(&json!({
            "name": link.get_name().unwrap_or_else(|_| link.0.to_string()),
            "description": link.get_description().unwrap_or_default(),
            "link_type": crate::live::link_type(link), "default": link == now,
        }))?;
    }
    Ok(())
}
