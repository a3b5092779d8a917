//! TLS of one end, driven by hand: bytes of the wire in, plaintext out, and back, in the caller's buffers.

use crate::buffers::Out;
use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncryptError, InsufficientSizeError, UnbufferedConnectionCommon, UnbufferedStatus,
};
use rustls::{Error, ProtocolVersion};

/// Most plaintext of one record (RFC 8446 §5.1).
const MOST_PLAIN: usize = 16 * 1024;

/// Bytes that sealing a record may add: header, content type, tag, explicit nonce (TLS 1.2).
const SEAL: usize = 5 + 1 + 16 + 16;

/// One end's TLS.
pub enum Tls {
    /// We answer a client.
    Server(Box<UnbufferedServerConnection>),
    /// We speak to a server.
    Client(Box<UnbufferedClientConnection>),
}

/// What came of taking bytes in.
#[derive(Debug, Default)]
pub struct Taken {
    /// So many bytes of the front were used.
    pub used: usize,
    /// The peer said that no more plaintext comes (`close_notify`).
    pub closed: bool,
    /// TLS itself put bytes into `out`.
    pub wrote: bool,
}

/// A connection of either role: rustls has the same method twice.
trait Process {
    type Data;
    fn process<'c, 'i>(&'c mut self, incoming: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data>;
}

impl Process for UnbufferedConnectionCommon<ServerConnectionData> {
    type Data = ServerConnectionData;
    fn process<'c, 'i>(&'c mut self, incoming: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(incoming)
    }
}

impl Process for UnbufferedConnectionCommon<ClientConnectionData> {
    type Data = ClientConnectionData;
    fn process<'c, 'i>(&'c mut self, incoming: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(incoming)
    }
}

impl Tls {
    /// Takes bytes of the wire, which are decrypted in place; plaintext goes to `sink` record by record, what TLS itself has to say into
    /// `out`. On an error an alert lies in `out`.
    pub fn feed(&mut self, incoming: &mut [u8], out: &mut Out, sink: &mut dyn FnMut(&[u8])) -> (Taken, Result<(), Error>) {
        match self {
            Tls::Server(c) => feed(&mut ***c, incoming, out, sink),
            Tls::Client(c) => feed(&mut ***c, incoming, out, sink),
        }
    }

    /// Seals `plain` into `out`. `pending` are the bytes of the wire that were read and are not a whole record yet.
    ///
    /// # Errors
    /// The connection cannot send (any more).
    pub fn seal(&mut self, pending: &mut [u8], plain: &[u8], out: &mut Out) -> Result<(), Error> {
        match self {
            Tls::Server(c) => seal(&mut ***c, pending, Some(plain), out),
            Tls::Client(c) => seal(&mut ***c, pending, Some(plain), out),
        }
    }

    /// Says that no more plaintext comes. Harmless when TLS cannot say so.
    pub fn close(&mut self, pending: &mut [u8], out: &mut Out) {
        // A connection that failed has sent its alert; there is nobody to tell more.
        let _ = match self {
            Tls::Server(c) => seal(&mut ***c, pending, None, out),
            Tls::Client(c) => seal(&mut ***c, pending, None, out),
        };
    }

    /// Whether the handshake is still going on.
    #[must_use]
    pub fn is_handshaking(&self) -> bool {
        match self {
            Tls::Server(c) => c.is_handshaking(),
            Tls::Client(c) => c.is_handshaking(),
        }
    }

    /// The protocol that was agreed on (RFC 7301).
    #[must_use]
    pub fn alpn(&self) -> Option<&[u8]> {
        match self {
            Tls::Server(c) => c.alpn_protocol(),
            Tls::Client(c) => c.alpn_protocol(),
        }
    }

    /// The version that was agreed on.
    #[must_use]
    pub fn version(&self) -> Option<ProtocolVersion> {
        match self {
            Tls::Server(c) => c.protocol_version(),
            Tls::Client(c) => c.protocol_version(),
        }
    }

    /// The certificate of the other end, DER.
    #[must_use]
    pub fn peer_certificate(&self) -> Option<&[u8]> {
        let chain = match self {
            Tls::Server(c) => c.peer_certificates(),
            Tls::Client(c) => c.peer_certificates(),
        };
        chain.and_then(|c| c.first()).map(AsRef::as_ref)
    }
}

fn feed<C: Process + ?Sized>(
    conn: &mut C,
    incoming: &mut [u8],
    out: &mut Out,
    sink: &mut dyn FnMut(&[u8]),
) -> (Taken, Result<(), Error>) {
    let mut taken = Taken::default();
    let mut failed = None;
    loop {
        let rest = incoming.get_mut(taken.used..).unwrap_or_default();
        let UnbufferedStatus { discard, state } = conn.process(rest);
        let mut discard = discard;
        let mut more = true;
        match state {
            Ok(ConnectionState::ReadTraffic(mut records)) => {
                while let Some(record) = records.next_record() {
                    match record {
                        Ok(r) => {
                            discard = discard.saturating_add(r.discard);
                            sink(r.payload);
                        }
                        Err(e) => {
                            failed = failed.or(Some(e));
                            break;
                        }
                    }
                }
            }
            Ok(ConnectionState::EncodeTlsData(mut data)) => {
                taken.wrote = true;
                if let Err(e) = encode(out, |room| data.encode(room)) {
                    failed = failed.or(Some(e));
                }
            }
            Ok(ConnectionState::TransmitTlsData(sent)) => sent.done(),
            Ok(ConnectionState::PeerClosed) => taken.closed = true,
            Ok(ConnectionState::Closed) => {
                taken.closed = true;
                more = false;
            }
            Ok(_) => more = false,
            Err(e) => {
                // Asked once more, it hands out the alert that it has for the peer; the second error ends this. What it could not read
                // must not be shown to it again, as it would want to send a second alert.
                more = failed.is_none();
                failed = failed.or(Some(e));
                discard = incoming.len();
            }
        }
        taken.used = taken.used.saturating_add(discard).min(incoming.len());
        if !more {
            return (taken, failed.map_or(Ok(()), Err));
        }
    }
}

fn encode(out: &mut Out, mut put: impl FnMut(&mut [u8]) -> Result<usize, EncodeError>) -> Result<(), Error> {
    let mut want = 4096;
    for _ in 0..2 {
        match put(out.room(want)) {
            Ok(n) => {
                out.filled(n);
                return Ok(());
            }
            Err(EncodeError::InsufficientSize(InsufficientSizeError { required_size })) => want = required_size,
            Err(EncodeError::AlreadyEncoded) => return Ok(()),
        }
    }
    Err(Error::General("a TLS record found no room".into()))
}

/// Seals `plain` (`None`: `close_notify`) once TLS lets us write.
fn seal<C: Process + ?Sized>(conn: &mut C, pending: &mut [u8], plain: Option<&[u8]>, out: &mut Out) -> Result<(), Error> {
    loop {
        // Nothing is taken from `pending` here but what belongs to TLS itself, of which whole records never wait.
        let UnbufferedStatus { state, .. } = conn.process(pending);
        match state? {
            ConnectionState::WriteTraffic(mut traffic) => {
                let Some(plain) = plain else {
                    let n = traffic.queue_close_notify(out.room(256)).map_err(unsealed)?;
                    out.filled(n);
                    return Ok(());
                };
                for part in plain.chunks(MOST_PLAIN) {
                    let mut want = part.len().saturating_add(SEAL);
                    loop {
                        match traffic.encrypt(part, out.room(want)) {
                            Ok(n) => {
                                out.filled(n);
                                break;
                            }
                            Err(EncryptError::InsufficientSize(InsufficientSizeError { required_size }))
                                if required_size > want =>
                            {
                                want = required_size;
                            }
                            Err(e) => return Err(unsealed(e)),
                        }
                    }
                }
                return Ok(());
            }
            ConnectionState::EncodeTlsData(mut data) => encode(out, |room| data.encode(room))?,
            ConnectionState::TransmitTlsData(mut sent) => {
                let _ = sent.may_encrypt_app_data();
                sent.done();
            }
            ConnectionState::PeerClosed => {}
            _ => return Err(Error::General("TLS cannot send now".into())),
        }
    }
}

fn unsealed(e: EncryptError) -> Error {
    Error::General(e.to_string())
}
