//! Every protocol that Wirelore reads, a folder each, and the table of them.
//!
//! Dissectors know the kit and pure helpers; they know no socket, file, thread or clock, and no folder beside their own.

pub mod coding;
pub mod dhcp;
pub mod dns;
pub mod ftp;
pub mod grpc;
pub mod http1;
pub mod http2;
pub mod http3;
pub mod imap;
pub mod imf;
pub mod json;
pub mod mqtt;
pub mod ntp;
pub mod pgsql;
pub mod pop3;
pub mod protobuf;
pub mod quic;
pub mod redis;
pub mod sip;
pub mod smtp;
pub mod socks;
pub mod sse;
pub mod ssh;
pub mod telnet;
pub mod tftp;
pub mod tls;
pub mod websocket;

pub mod layers;

use wirelore_kit::Spec;

/// The table: all stream and datagram protocols, in the order in which they are asked.
pub static TABLE: &[&Spec] = &[
    &http1::SPEC,
    &http2::SPEC,
    &http2::stream::SPEC,
    &grpc::SPEC,
    &grpc::TEXT,
    &sse::SPEC,
    &protobuf::SPEC,
    &http2::stream::HTTP3,
    &http3::SPEC,
    &dns::SPEC,
    &dns::MDNS,
    &dns::LLMNR,
    &ntp::SPEC,
    &dhcp::SPEC,
    &quic::SPEC,
    &quic::FRAMES,
    &websocket::SPEC,
    &ftp::SPEC,
    &ftp::DATA,
    &json::SPEC,
    &tls::SPEC,
    &tls::HANDSHAKE,
    &tls::DTLS,
    &tftp::SPEC,
    &telnet::SPEC,
    &ssh::SPEC,
    &sip::SPEC,
    &smtp::SPEC,
    &imf::SPEC,
    &mqtt::SPEC,
    &redis::SPEC,
    &pgsql::SPEC,
    &pop3::SPEC,
    &imap::SPEC,
    &socks::SPEC,
];
