//! What happened to a connection, in words: what, why, and what to do.

use crate::chain::Chain;
use crate::dial::Undialled;
use crate::end::Fault;
use std::io::ErrorKind;
use wirelore_ca::{Failure, trust};
use wirelore_gate::Hit;
use wirelore_kit::middle::{Origin, Refusal};
use wirelore_record::{Kind, Note, Side};

/// The leg of an end: 0 the client's, 1 the server's.
#[must_use]
pub fn side(end: usize) -> Side {
    if end == 0 { Side::Client } else { Side::Server }
}

/// A rule did something.
#[must_use]
pub fn hit(hit: &Hit) -> Note<'_> {
    Note { rule: &hit.rule, ..Note::new(Kind::Hit, &hit.did) }
}

/// A rule paces the connection.
#[must_use]
pub fn paced(slow: &wirelore_gate::Pace) -> Note<'_> {
    Note { rule: &slow.rule, ..Note::new(Kind::Hit, "Paced as a slow line would be.") }
}

/// A client was refused.
#[must_use]
pub fn refused(refusal: &Refusal) -> Note<'_> {
    Note { why: &refusal.why, what_to_do: &refusal.what_to_do, ..Note::new(Kind::Refused, &refusal.what) }
}

/// A failure of TLS, as a note.
#[must_use]
pub fn handshake(failure: &Failure, side: Side) -> Note<'_> {
    Note {
        side: Some(side),
        rule: failure.check,
        why: &failure.why,
        what_to_do: &failure.what_to_do,
        ..Note::new(Kind::Handshake, &failure.what)
    }
}

/// A host that is not opened.
#[must_use]
pub fn passed() -> Note<'static> {
    Note {
        why: "It is on the list of hosts that are not decrypted.",
        ..Note::new(Kind::Passed, "Passed through without being opened.")
    }
}

/// A host that our authority may not sign for.
#[must_use]
pub fn out_of_scope() -> Note<'static> {
    Note {
        why: "Our authority is limited to other names, so no client would believe a certificate that it signs for this one.",
        what_to_do: "`wirelore ca show` says to which; `wirelore ca rotate` makes another authority.",
        ..Note::new(Kind::Passed, "Passed through without being opened.")
    }
}

/// Rules came for a connection that is copied. `reopened`: it is closed when it rests.
#[must_use]
pub fn unread(reopened: bool) -> Note<'static> {
    let what_to_do = if reopened {
        "Nothing: it is closed as soon as it rests, and its client's next connection is read. `close` over the control socket closes it now."
    } else {
        "Rules apply from its client's next connection on: have the client connect again, or close this one with `close` over the control socket."
    };
    Note {
        why: "It was open and passed on unread when the rules came, and a connection can only be read from its beginning.",
        what_to_do,
        ..Note::new(Kind::Passed, "Not judged: rules came while it was open.")
    }
}

/// Bytes that begin like TLS and are not what we can answer.
#[must_use]
pub fn strange(why: &str) -> Note<'_> {
    Note {
        why,
        what_to_do: "If its protocol is older than TLS 1.2, only an update of the client opens it.",
        ..Note::new(Kind::Passed, "Passed through unopened: it begins like TLS, but cannot be answered.")
    }
}

/// A rule broke it off.
#[must_use]
pub fn reset_by(hit: &Hit) -> Refusal {
    Refusal {
        status: 502,
        what: "The connection was broken off.".into(),
        why: format!("The rule {} says so.", hit.rule),
        what_to_do: "Change or switch off the rule.".into(),
    }
}

/// A request for ourselves, which would come back to us for ever.
#[must_use]
pub fn loop_to_us(to: &Origin) -> Refusal {
    Refusal {
        status: 508,
        what: format!("{}:{} is this proxy itself.", to.host, to.port),
        why: "A connection to it would come back here, again and again.".into(),
        what_to_do: "Ask for another server, or for http://wirelore.proxy/ to see the page of the proxy.".into(),
    }
}

/// A server that could not be connected to.
#[must_use]
pub fn undialled(e: &Undialled, to: &Origin) -> Refusal {
    let at = format!("{}:{}", to.host, to.port);
    let refusal =
        |status, what: String, why: String, what_to_do: &str| Refusal { status, what, why, what_to_do: what_to_do.into() };
    match e {
        Undialled::Name(e) => refusal(
            502,
            format!("The name {} was not found.", to.host),
            format!("Asking for its address failed: {e}."),
            "Check the spelling, the DNS of this machine, and whether the name exists here only in another network.",
        ),
        Undialled::Refused(address, e) => {
            let (why, what_to_do) = match e.kind() {
                ErrorKind::ConnectionRefused => (
                    format!("{address} refused the connection: nothing listens there."),
                    "Check that the server runs, and its port.",
                ),
                ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
                    (format!("There is no way to {address}: {e}."), "Check the network, and whether the address is right.")
                }
                // EMFILE and ENFILE: no server is to blame.
                _ if matches!(e.raw_os_error(), Some(23 | 24)) => (
                    format!("The proxy may not open more connections: {e}."),
                    "Each takes two descriptors: raise the limit (`ulimit -n`) before it is started, or close some.",
                ),
                _ => (format!("Connecting to {address} failed: {e}."), "Try it without the proxy to see whose fault it is."),
            };
            refusal(502, format!("No connection to {at}."), why, what_to_do)
        }
        Undialled::Silent => refusal(
            504,
            format!("{at} does not answer."),
            "No address of it took the connection within 15 seconds.".into(),
            "A firewall may drop what is sent there, or the server may be down.",
        ),
    }
}

/// The proxy upstream did not connect.
#[must_use]
pub fn refused_upstream(chain: &Chain, to: &Origin, why: String) -> Refusal {
    Refusal {
        status: 502,
        what: format!("The proxy upstream, {chain}, did not connect to {}:{}.", to.host, to.port),
        why,
        what_to_do: "Check the upstream proxy's address, its user and password, and whether it allows this server.".into(),
    }
}

/// TLS with the server failed.
#[must_use]
pub fn upstream(failure: &Failure) -> Refusal {
    Refusal { status: 502, what: failure.what.clone(), why: failure.reasons(), what_to_do: failure.what_to_do.clone() }
}

/// The server broke off while TLS was being agreed on.
#[must_use]
pub fn broke_off(host: &str, fault: &Fault) -> Failure {
    let how = match fault {
        Fault::Io(e) if e.kind() == ErrorKind::TimedOut => trust::Silence::TimedOut,
        Fault::Io(e) if matches!(e.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => trust::Silence::Reset,
        _ => trust::Silence::Closed,
    };
    Failure::unanswered(host, how)
}

/// The server broke off.
#[must_use]
pub fn server_reset() -> Note<'static> {
    Note {
        side: Some(Side::Server),
        why: "It sent a TCP reset (RST). What it had still to say is lost, and the client was reset in turn.",
        what_to_do: "Look at the server's own log: it closed with something unread, was ended, or a firewall between us broke it off.",
        ..Note::new(Kind::Told, "The server broke the connection off.")
    }
}

/// A client did not take our certificate.
#[must_use]
pub fn client_refused(host: &str, fault: &Fault) -> Failure {
    trust::client_refusal(if let Fault::Tls(e) = fault { Some(e) } else { None }, host)
}
