//! DHCP fields, notes and states, by Wireshark's names where it has them.

use wirelore_kit::{About, F, Field, Kind, Names, Note, Role, Severity, State, fields};

const OPS: Names = &[(1, "Boot request"), (2, "Boot reply")];
const HARDWARE_TYPES: Names =
    &[(1, "Ethernet"), (6, "IEEE 802"), (7, "ARCNET"), (15, "Frame relay"), (20, "Serial line"), (32, "InfiniBand")];
const KINDS: Names = &[
    (1, "Discover"),
    (2, "Offer"),
    (3, "Request"),
    (4, "Decline"),
    (5, "ACK"),
    (6, "NAK"),
    (7, "Release"),
    (8, "Inform"),
    (9, "Force renew"),
    (10, "Lease query"),
    (11, "Lease unassigned"),
    (12, "Lease unknown"),
    (13, "Lease active"),
];
const CODES: Names = &[
    (0, "Padding"),
    (1, "Subnet mask"),
    (2, "Time offset"),
    (3, "Router"),
    (4, "Time server"),
    (5, "Name server"),
    (6, "Domain name server"),
    (7, "Log server"),
    (12, "Host name"),
    (13, "Boot file size"),
    (15, "Domain name"),
    (17, "Root path"),
    (19, "IP forwarding"),
    (23, "Default TTL"),
    (26, "Interface MTU"),
    (28, "Broadcast address"),
    (31, "Perform router discovery"),
    (33, "Static route"),
    (42, "NTP servers"),
    (43, "Vendor-specific information"),
    (44, "NetBIOS name server"),
    (46, "NetBIOS node type"),
    (47, "NetBIOS scope"),
    (50, "Requested address"),
    (51, "Lease time"),
    (52, "Option overload"),
    (53, "Message type"),
    (54, "Server identifier"),
    (55, "Parameter request list"),
    (56, "Message"),
    (57, "Maximum message size"),
    (58, "Renewal time (T1)"),
    (59, "Rebinding time (T2)"),
    (60, "Vendor class"),
    (61, "Client identifier"),
    (66, "TFTP server name"),
    (67, "Boot file name"),
    (69, "SMTP server"),
    (77, "User class"),
    (80, "Rapid commit"),
    (81, "Client's full domain name"),
    (82, "Relay agent information"),
    (93, "Client system architecture"),
    (94, "Client network interface"),
    (97, "Client machine identifier"),
    (100, "Time zone (POSIX)"),
    (101, "Time zone (name)"),
    (108, "IPv6-only preferred"),
    (114, "Captive portal"),
    (116, "Auto-configuration"),
    (118, "Subnet selection"),
    (119, "Domain search list"),
    (120, "SIP servers"),
    (121, "Classless static routes"),
    (125, "Vendor information (by enterprise)"),
    (150, "TFTP server address"),
    (249, "Classless static routes (Microsoft)"),
    (252, "Web proxy auto-discovery"),
    (255, "End"),
];
const OVERLOADS: Names = &[(1, "file name holds options"), (2, "server name holds options"), (3, "both hold options")];
const RELAY_CODES: Names = &[
    (1, "Circuit ID"),
    (2, "Remote ID"),
    (5, "Link selection"),
    (6, "Subscriber ID"),
    (11, "Server identifier override"),
    (151, "VRF or VPN"),
];

fields! {
    DHCP = Group "dhcp", "Dynamic Host Configuration Protocol", "RFC 2131 §2";
    OP = Dec "dhcp.type", "Message op code", "RFC 2131 §2".names(OPS);
    HARDWARE = Hex "dhcp.hw.type", "Hardware type", "RFC 2131 §2".names(HARDWARE_TYPES);
    HARDWARE_LEN = Dec "dhcp.hw.len", "Hardware address length", "RFC 2131 §2";
    HOPS = Dec "dhcp.hops", "Hops", "RFC 2131 §2";
    ID = Hex "dhcp.id", "Transaction ID", "RFC 2131 §2".key();
    SECS = Dec "dhcp.secs", "Seconds elapsed", "RFC 2131 §2";
    FLAGS = Hex "dhcp.flags", "Flags", "RFC 2131 §2";
    BROADCAST = Bool "dhcp.flags.bc", "Answer by broadcast", "RFC 2131 §2";
    RESERVED = Hex "dhcp.flags.reserved", "Reserved flags", "RFC 2131 §2";
    CLIENT = Ipv4 "dhcp.ip.client", "Client's address", "RFC 2131 §2";
    YOURS = Ipv4 "dhcp.ip.your", "Your address", "RFC 2131 §2".key().role(Role::Path);
    SERVER = Ipv4 "dhcp.ip.server", "Next server's address", "RFC 2131 §2";
    RELAY = Ipv4 "dhcp.ip.relay", "Relay agent's address", "RFC 2131 §2";
    MAC = Mac "dhcp.hw.mac_addr", "Client's MAC address", "RFC 2131 §2".key().role(Role::Peer);
    ADDRESS = Bytes "dhcp.hw.addr", "Client's hardware address", "RFC 2131 §2";
    ADDRESS_PADDING = Bytes "dhcp.hw.addr_padding", "Padding of the hardware address", "RFC 2131 §2";
    SERVER_NAME = Text "dhcp.server", "Server's name", "RFC 2131 §2";
    FILE = Text "dhcp.file", "Boot file name", "RFC 2131 §2";
    OVERLOADED = Group "dhcp.overload", "Options in the place of a name", "RFC 2131 §4.1".oracle("-");
    COOKIE = Bytes "dhcp.cookie", "Magic cookie", "RFC 2131 §3".oracle("-");
    VENDOR_AREA = Bytes "dhcp.vendor", "Vendor's area", "RFC 951 §3".oracle("-");
    OPTION = Group "dhcp.option", "Option", "RFC 2132 §2".oracle("-");
    CODE = Dec "dhcp.option.type", "Option", "RFC 2132 §2".names(CODES);
    LENGTH = Dec "dhcp.option.length", "Length", "RFC 2132 §2";
    SUB_LENGTH = Dec "dhcp.option.suboption_length", "Length", "RFC 3046 §2".oracle("-");
    VALUE = Bytes "dhcp.option.value", "Value", "RFC 2132 §2".oracle("-");
    PADDING = Bytes "dhcp.option.padding", "Padding", "RFC 2132 §3.1".oracle("-");
    KIND = Dec "dhcp.option.dhcp", "Message type", "RFC 2132 §9.6".names(KINDS).key().role(Role::Method);
    WANTED = Ipv4 "dhcp.option.requested_ip_address", "Requested address", "RFC 2132 §9.1".key();
    HOST = Text "dhcp.option.hostname", "Host name", "RFC 2132 §3.14".key();
    ASKED_FOR = Dec "dhcp.option.request_list_item", "Asked for", "RFC 2132 §9.8".names(CODES);
    CLIENT_ID_TYPE = Hex "dhcp.client_id.type", "Kind of identifier", "RFC 2132 §9.14".oracle("dhcp.hw.type");
    CLIENT_ID = Bytes "dhcp.client_id", "Client identifier", "RFC 2132 §9.14".oracle("-");
    FQDN_FLAGS = Hex "dhcp.fqdn.flags", "Flags", "RFC 4702 §2.1";
    FQDN_RCODE1 = Dec "dhcp.fqdn.rcode1", "First result", "RFC 4702 §2.2";
    FQDN_RCODE2 = Dec "dhcp.fqdn.rcode2", "Second result", "RFC 4702 §2.2";
    FQDN_NAME = Text "dhcp.fqdn.name", "Full domain name", "RFC 4702 §2.3".oracle("-");
    SUBNET_MASK = Ipv4 "dhcp.option.subnet_mask", "Subnet mask", "RFC 2132 §3.3";
    ROUTER = Ipv4 "dhcp.option.router", "Router", "RFC 2132 §3.5";
    TIME_SERVER = Ipv4 "dhcp.option.time_server", "Time server", "RFC 2132 §3.6";
    NAME_SERVER = Ipv4 "dhcp.option.name_server", "Name server (IEN 116)", "RFC 2132 §3.7";
    DNS_SERVER = Ipv4 "dhcp.option.domain_name_server", "Domain name server", "RFC 2132 §3.8";
    LOG_SERVER = Ipv4 "dhcp.option.log_server", "Log server", "RFC 2132 §3.9";
    DOMAIN = Text "dhcp.option.domain_name", "Domain name", "RFC 2132 §3.17";
    ROOT_PATH = Text "dhcp.option.root_path", "Root path", "RFC 2132 §3.19";
    MTU = Dec "dhcp.option.interface_mtu", "Interface MTU", "RFC 2132 §5.1";
    BROADCAST_ADDRESS = Ipv4 "dhcp.option.broadcast_address", "Broadcast address", "RFC 2132 §5.3";
    NTP_SERVER = Ipv4 "dhcp.option.ntp_server", "NTP server", "RFC 2132 §8.3";
    LEASE = Duration "dhcp.option.ip_address_lease_time", "Lease time", "RFC 2132 §9.2".oracle("-");
    OVERLOAD = Dec "dhcp.option.option_overload", "Overload", "RFC 2132 §9.3".names(OVERLOADS);
    SERVER_ID = Ipv4 "dhcp.option.dhcp_server_id", "Server identifier", "RFC 2132 §9.7";
    MESSAGE = Text "dhcp.option.message", "Message", "RFC 2132 §9.9";
    MOST_SIZE = Dec "dhcp.option.dhcp_max_message_size", "Largest message", "RFC 2132 §9.10";
    RENEWAL = Duration "dhcp.option.renewal_time_value", "Renewal time (T1)", "RFC 2132 §9.11".oracle("-");
    REBINDING = Duration "dhcp.option.rebinding_time_value", "Rebinding time (T2)", "RFC 2132 §9.12".oracle("-");
    VENDOR_CLASS = Text "dhcp.option.vendor_class_id", "Vendor class", "RFC 2132 §9.13";
    TFTP_NAME = Text "dhcp.option.tftp_server_name", "TFTP server's name", "RFC 2132 §9.4";
    BOOT_FILE = Text "dhcp.option.bootfile_name", "Boot file name", "RFC 2132 §9.5";
    TFTP_ADDRESS = Ipv4 "dhcp.option.tftp_server_address", "TFTP server's address", "RFC 5859 §2".oracle("-");
    PORTAL = Text "dhcp.option.captive_portal", "Captive portal", "RFC 8910 §2.1".oracle("-");
    PROXY = Text "dhcp.option.private_proxy_autodiscovery", "Web proxy auto-discovery", "draft-ietf-wrec-wpad-01 §4.4.1";
    RELAY_OPTION = Group "dhcp.option.agent_information_option.suboption_group", "Relay agent's word", "RFC 3046 §2".oracle("-");
    RELAY_CODE = Dec "dhcp.option.agent_information_option.suboption", "Which", "RFC 3046 §2.1".names(RELAY_CODES).oracle("-");
    RELAY_VALUE = Bytes "dhcp.option.agent_information_option.value", "Value", "RFC 3046 §2".oracle("-");
    ROUTE = Group "dhcp.option.classless_static_route", "Route", "RFC 3442".oracle("-");
    ROUTE_BITS = Dec "dhcp.option.classless_static_route.bits", "Prefix length", "RFC 3442".oracle("-");
    ROUTE_PREFIX = Ipv4 "dhcp.option.classless_static_route.prefix", "Destination", "RFC 3442".oracle("-");
    ROUTE_ROUTER = Ipv4 "dhcp.option.classless_static_route.router", "Router", "RFC 3442".oracle("-");
}

/// Options that are one value or a list of values of one kind.
pub(super) static SHAPES: &[(u8, F)] = &[
    (1, &SUBNET_MASK),
    (3, &ROUTER),
    (4, &TIME_SERVER),
    (5, &NAME_SERVER),
    (6, &DNS_SERVER),
    (7, &LOG_SERVER),
    (15, &DOMAIN),
    (17, &ROOT_PATH),
    (26, &MTU),
    (28, &BROADCAST_ADDRESS),
    (42, &NTP_SERVER),
    (51, &LEASE),
    (52, &OVERLOAD),
    (54, &SERVER_ID),
    (56, &MESSAGE),
    (57, &MOST_SIZE),
    (58, &RENEWAL),
    (59, &REBINDING),
    (60, &VENDOR_CLASS),
    (66, &TFTP_NAME),
    (67, &BOOT_FILE),
    (114, &PORTAL),
    (150, &TFTP_ADDRESS),
    (252, &PROXY),
];

/// Neither request nor reply.
pub static NO_OP: Note =
    Note::new("dhcp.note.op", "Neither a request nor a reply", Severity::Error, About::Malformed).rfc("RFC 2131 §2");
/// Runs over the end.
pub static CUT_OPTION: Note =
    Note::new("dhcp.note.option_cut", "An option is longer than what is left", Severity::Error, About::Malformed)
        .rfc("RFC 2132 §2");
/// No end.
pub static NO_END: Note =
    Note::new("dhcp.note.no_end", "The options do not end with the end mark", Severity::Warn, About::Protocol)
        .rfc("RFC 2132 §3.2");
/// Every note of the protocol.
pub static NOTES: &[&Note] = &[&NO_OP, &CUT_OPTION, &NO_END];

/// No address.
pub static INIT: State = State { name: "dhcp.state.init", label: "Has no address" };
/// Looks for servers.
pub static SELECTING: State = State { name: "dhcp.state.selecting", label: "Waits for offers" };
/// Has chosen.
pub static REQUESTING: State = State { name: "dhcp.state.requesting", label: "Has asked for an address" };
/// Has an address.
pub static BOUND: State = State { name: "dhcp.state.bound", label: "Has an address" };
/// Every state (RFC 2131 §4.4).
pub static STATES: &[&State] = &[&INIT, &SELECTING, &REQUESTING, &BOUND];
