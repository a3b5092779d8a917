//! Why a handshake failed, in words that a person can act on: what TLS libraries say in codes, said in full.

use rustls::{AlertDescription, Error, InvalidMessage, PeerIncompatible};
use std::fmt;

/// A failed check, or a failed handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which check, in a short form that rules and filters can name: `expired`, `wrong-host`, `incomplete-chain`.
    pub check: &'static str,
    /// What was found: one sentence.
    pub what: String,
    /// What that means, and why it was refused.
    pub why: String,
    /// What the person can do.
    pub what_to_do: String,
    /// What else is wrong besides: the `what` of each other finding.
    pub also: Vec<String>,
    /// The fingerprint of the certificate that was refused, for an exception that believes only this one.
    pub fingerprint: Option<String>,
}

impl Failure {
    pub(super) fn new(
        check: &'static str,
        what: impl Into<String>,
        why: impl Into<String>,
        what_to_do: impl Into<String>,
    ) -> Failure {
        // A sentence, as it stands at the head of pages and notes.
        let mut what = what.into();
        if !what.ends_with('.') {
            what.push('.');
        }
        Failure { check, what, why: why.into(), what_to_do: what_to_do.into(), also: Vec::new(), fingerprint: None }
    }
}

impl Failure {
    /// Why it was refused, with all else that is wrong.
    pub fn reasons(&self) -> String {
        let also: String = self.also.iter().map(|other| format!(" Also: {other}")).collect();
        format!("{}{also}", self.why)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}] {} {}", self.what, self.check, self.reasons(), self.what_to_do)
    }
}

impl std::error::Error for Failure {}

/// What may be done about any server that cannot be verified.
pub(super) const EXCEPT: &str = "If you know this server and accept the risk, except this host from verification (--except HOST); do not do so for hosts of others.";

/// Why a handshake with a server failed, where the certificate was not the cause.
pub(super) fn handshake(error: &Error, host: &str) -> Failure {
    match error {
        Error::AlertReceived(description) => from_alert(*description, host),
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13 | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => old_version(format!("{host} offers only TLS 1.1, TLS 1.0 or SSL")),
        Error::PeerIncompatible(PeerIncompatible::ExtendedMasterSecretExtensionRequired) => Failure::new(
            "old-version",
            format!("{host} does not support the extended master secret (RFC 7627)"),
            "Without it, TLS 1.2 sessions can be confused with one another.",
            "Pass this host through undecrypted if you must reach it; the server needs an update.",
        ),
        Error::PeerIncompatible(what) => Failure::new(
            "no-common-ground",
            format!("{host} and this proxy share no way to talk TLS: {what:?}"),
            "Each side offers versions, cipher suites and groups; there must be one of each that both have.",
            "Pass this host through undecrypted: the client may have what the proxy has not.",
        ),
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion | InvalidMessage::MessageTooLarge,
        ) => Failure::new(
            "not-tls",
            format!("{host} answered with something that is not TLS"),
            "The port may speak plain HTTP or another protocol, or something on the way answered in the server's place.",
            "Check scheme and port: https:// to a port that speaks http:// fails like this.",
        ),
        Error::InvalidMessage(what) => Failure::new(
            "bad-message",
            format!("{host} sent a TLS message that cannot be read: {what:?}"),
            "The server, or something on the way, does not follow the protocol.",
            "Record the connection and look at the message; pass the host through to see what the client makes of it.",
        ),
        Error::NoCertificatesPresented => Failure::new(
            "no-certificate",
            format!("{host} showed no certificate"),
            "Without a certificate nobody can know who answers.",
            "The server must be given a certificate.",
        ),
        Error::PeerSentOversizedRecord => Failure::new(
            "not-tls",
            format!("{host} sent a record that is larger than TLS allows"),
            "Bytes that are not TLS often look so: the port may speak another protocol.",
            "Check scheme and port.",
        ),
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } | Error::PeerMisbehaved(_) => {
            let what = match error {
                Error::PeerMisbehaved(how) => format!("{how:?}"),
                other => other.to_string(),
            };
            // A version below 1.2 in the ServerHello is reported as misbehaviour: it was not offered.
            if what.contains("UnofferedVersion") || what.contains("SelectedUnofferedTls") {
                return old_version(format!("{host} offers only TLS 1.1, TLS 1.0 or SSL"));
            }
            Failure::new(
                "broken-protocol",
                format!("{host} did what TLS forbids: {what}"),
                "The server, or something on the way, does not follow the protocol.",
                "Record the connection and look at the message; pass the host through to see what the client makes of it.",
            )
        }
        Error::DecryptError => Failure::new(
            "broken-protocol",
            format!("A record from {host} does not decrypt"),
            "It was damaged on the way, or was encrypted with other keys.",
            "Try again; if it stays so, something on the way changes bytes.",
        ),
        Error::InvalidCertificate(_) => Failure::new(
            "bad-signature",
            format!("{host} could not prove that the certificate is its own"),
            format!("The handshake's signature does not fit the certificate's key: {error}."),
            "The server's key and certificate do not belong together, or somebody copied the certificate.",
        ),
        other => Failure::new("handshake", format!("The TLS handshake with {host} failed"), format!("{other}."), "Try again."),
    }
}

fn old_version(what: String) -> Failure {
    Failure::new(
        "old-version",
        what,
        "These versions were withdrawn in 2021 (RFC 8996), because what protects them (MD5, SHA-1, CBC) can be broken.",
        "The server must be updated to TLS 1.2 or 1.3. Until then it can be passed through undecrypted, if the client still speaks them.",
    )
}

/// What an alert means, and what to do if a server sends it.
fn from_alert(description: AlertDescription, host: &str) -> Failure {
    use AlertDescription as A;
    let said = alert(description);
    let (check, why, cure) = match description {
        A::HandshakeFailure => (
            "alert",
            "It found nothing in common with what was offered (versions, cipher suites, groups), or misses a client certificate.",
            "It may speak only old cipher suites (RC4, 3DES, RSA key exchange), or want a client certificate (--client-certs).",
        ),
        A::InsufficientSecurity => ("alert", "It wants stronger cipher suites than were offered.", "Pass this host through."),
        A::ProtocolVersion => return old_version(format!("{host} offers only TLS 1.1, TLS 1.0 or SSL: it answered with {said}")),
        A::UnrecognisedName => (
            "unknown-name",
            "It serves no site of this name: SNI chose none.",
            "Check the name; the server's configuration must have it.",
        ),
        A::CertificateRequired | A::NoCertificate => (
            "client-certificate",
            "It lets in only clients with a certificate, and was shown none.",
            "Give the proxy one that it accepts: --client-certs FILE, or a folder with HOST.pem.",
        ),
        A::AccessDenied | A::BadCertificate | A::UnsupportedCertificate | A::CertificateUnknown | A::UnknownCA => (
            "client-certificate",
            "It did not accept the client certificate, or misses one.",
            "Give the proxy one that it accepts: --client-certs FILE, or a folder with HOST.pem.",
        ),
        A::NoApplicationProtocol => (
            "no-protocol",
            "It speaks none of the application protocols that the client offered (ALPN).",
            "Clients normally offer h2 and http/1.1; this one offered something else.",
        ),
        A::InternalError => ("alert", "Something failed inside the server.", "Its log may say what; try again."),
        _ => ("alert", "It ended the handshake.", "Record the connection and look at what was offered."),
    };
    Failure::new(check, format!("{host} refused the handshake with {said}"), why, cure)
}

/// An alert by number and name, with what the RFC means by it: `alert 48, unknown_ca`.
pub fn alert(description: AlertDescription) -> String {
    format!("alert {}, {}", u8::from(description), alert_name(description))
}

/// The name of an alert in RFC 8446 section 6 or, for older ones, RFC 5246 section 7.2.
fn alert_name(description: AlertDescription) -> &'static str {
    match u8::from(description) {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        121 => "ech_required",
        _ => "not assigned",
    }
}

/// Why a client broke off the handshake with us. `error` is what rustls said; without one, the client closed the connection right after
/// our certificate.
pub fn client_refusal(error: Option<&Error>, host: &str) -> Failure {
    use AlertDescription as A;
    const TRUST_IT: &str = "Install the authority where this client looks (`wirelore ca install`, or the proxy's own page), or pass this host through.";
    const PINNED: &str =
        "If other hosts work in the same client, it pins this one: pass the host through, or use a build without pinning.";
    let Some(error) = error else {
        return Failure::new(
            "client-closed",
            format!("The client closed the connection right after seeing our certificate for {host}"),
            "It does not trust our authority, or it pins the server's certificate.",
            format!("{TRUST_IT} {PINNED}"),
        );
    };
    match error {
        Error::AlertReceived(description) => {
            let what = format!("The client refused our certificate for {host} with {}", alert(*description));
            match description {
                A::UnknownCA => {
                    Failure::new("client-distrusts", what, "It does not know the authority that signed it: ours.", TRUST_IT)
                }
                A::BadCertificate | A::CertificateUnknown | A::UnsupportedCertificate => Failure::new(
                    "client-distrusts",
                    what,
                    "It does not trust our authority (browsers say it so), or it pins the server's certificate.",
                    format!("{TRUST_IT} {PINNED}"),
                ),
                A::CertificateExpired => Failure::new(
                    "client-distrusts",
                    what,
                    "By its clock our certificate is out of its dates.",
                    "Compare the clocks of client and proxy.",
                ),
                A::ProtocolVersion | A::HandshakeFailure | A::InsufficientSecurity => Failure::new(
                    "client-incompatible",
                    format!("The client and the proxy share no way to talk TLS: {}", alert(*description)),
                    "They have no version or cipher suite in common.",
                    "Pass this host through undecrypted.",
                ),
                _ => Failure::new(
                    "client-refused",
                    format!("The client ended the handshake for {host} with {}", alert(*description)),
                    "It did not accept what it was offered.",
                    format!("{TRUST_IT} {PINNED}"),
                ),
            }
        }
        Error::PeerIncompatible(what) => Failure::new(
            "client-incompatible",
            format!("The client and the proxy share no way to talk TLS: {what:?}"),
            "Clients that speak only TLS 1.0 or 1.1, or only old cipher suites, cannot be decrypted here.",
            "Pass this host through undecrypted.",
        ),
        other => Failure::new(
            "client-broken",
            format!("The handshake of the client for {host} failed: {other}"),
            "What it sent is not what TLS expects at this place.",
            "Record the connection and look at it.",
        ),
    }
}

/// How a server left a handshake without a word of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// It closed the connection (FIN).
    Closed,
    /// It, or something on the way, reset the connection (RST).
    Reset,
    /// It did not answer within the time that we wait.
    TimedOut,
}

impl Failure {
    /// A handshake that ended without an error of TLS.
    pub fn unanswered(host: &str, how: Silence) -> Failure {
        match how {
            Silence::Closed => Failure::new(
                "closed",
                format!("{host} closed the connection in the middle of the handshake, without an answer"),
                "Servers do this when they are overloaded, do not know the name that was asked for, or do not speak TLS on this port.",
                "Check name and port, and try again. If the client alone gets through, pass the host through.",
            ),
            Silence::Reset => Failure::new(
                "reset",
                format!("{host} reset the connection in the middle of the handshake"),
                "The server's process may have ended, or a firewall on the way does not let this name or this way of asking through.",
                "Try again; if it stays so, try without the proxy, to see whether the way or the server is at fault.",
            ),
            Silence::TimedOut => Failure::new(
                "silent",
                format!("{host} accepted the connection but gave no answer to the handshake"),
                "It may wait for another protocol, be overloaded, or something on the way swallows what was sent.",
                "Check the port, and try again.",
            ),
        }
    }
}
