//! Names of Wireshark's that say what can be said with other names: they stand for these.

/// Names of values, and what they are worked out from.
const VALUES: &[(&str, &str, &str)] = &[
    ("_ws.col.number", "string(frame.number)", "Column: number"),
    ("_ws.col.packet_length", "string(frame.len)", "Column: length"),
    ("data.len", "len(data.data)", "Bytes that no protocol reads"),
    ("dns.qry.name.len", "len(dns.qry.name)", "Length of the name that is asked for"),
    // Where nothing is hidden, the packet that was shown before is the one before.
    ("frame.time_delta_displayed", "frame.time_delta", "Time since the packet shown before"),
    ("ip.dst_host", "string(ip.dst)", "Destination, as text"),
    ("ip.host", "string(ip.addr)", "Address of either end, as text"),
    ("ip.src_host", "string(ip.src)", "Source, as text"),
    ("ipv6.dst_host", "string(ipv6.dst)", "Destination, as text"),
    ("ipv6.host", "string(ipv6.addr)", "Address of either end, as text"),
    ("ipv6.src_host", "string(ipv6.src)", "Source, as text"),
];

/// Names that are there or not, and the conditions that they are.
const CONDITIONS: &[(&str, &str, &str)] = &[
    ("_ws.expert", "_ws.expert.severity", "There is a finding"),
    ("_ws.malformed", "_ws.expert.group == \"Malformed\"", "Something is not as its protocol says"),
    ("data", "data.data", "There are bytes that no protocol reads"),
    ("imap.request", "imap.request.command", "A command"),
    ("imap.response", "imap.response.status", "An answer with a status"),
    ("pop.request", "pop.request.command", "A command"),
    ("pop.response", "pop.response.indicator", "An answer"),
    ("smtp.req", "smtp.req.command", "A command"),
    ("smtp.rsp", "smtp.response.code", "An answer"),
    (
        "tcp.analysis",
        "tcp.analysis.flags or tcp.analysis.acks_frame or tcp.analysis.bytes_in_flight",
        "The TCP analysis says something",
    ),
    ("tcp.connection.fin", "tcp.flags.fin == 1", "A connection's end"),
    ("tcp.connection.rst", "tcp.flags.reset == 1", "A connection's reset"),
    ("tcp.connection.syn", "tcp.flags.syn == 1 and tcp.flags.ack == 0", "A connection is asked for"),
    ("tcp.connection.synack", "tcp.flags.syn == 1 and tcp.flags.ack == 1", "A connection is accepted"),
    ("tcp.options", "tcp.option_kind", "There are options"),
    ("tcp.options.eol", "tcp.option_kind == 0", "End of the options"),
    ("tcp.options.md5", "tcp.option_kind == 19", "A signature"),
    ("tcp.options.mss", "tcp.option_kind == 2", "Maximum segment size"),
    ("tcp.options.nop", "tcp.option_kind == 1", "Padding between options"),
    ("tcp.options.sack", "tcp.option_kind == 5", "Selective acknowledgment"),
    ("tcp.options.sack_perm", "tcp.option_kind == 4", "Selective acknowledgment is permitted"),
    ("tcp.options.timestamp", "tcp.option_kind == 8", "Timestamps"),
    ("tcp.options.wscale", "tcp.option_kind == 3", "Window scale"),
];

/// What a name of a value stands for, if it is a shorthand.
pub(crate) fn value(name: &str) -> Option<&'static str> {
    VALUES.iter().find(|(n, ..)| *n == name).map(|(_, text, _)| *text)
}

/// The condition that a name stands for, if it is one.
pub(crate) fn condition(name: &str) -> Option<&'static str> {
    CONDITIONS.iter().find(|(n, ..)| *n == name).map(|(_, text, _)| *text)
}

/// Whether a name stands for something else.
pub(crate) fn is_one(name: &str) -> bool {
    value(name).or_else(|| condition(name)).is_some()
}

/// Every name of the kind, with what it stands for and what a person reads.
pub fn shorthands() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    VALUES.iter().chain(CONDITIONS).copied()
}
