//! Numbers of the name system and what they are called, by the IANA registries.

use wirelore_kit::Names;

/// Types of records and of questions (RFC 6895 §3.1).
pub static TYPES: Names = &[
    (1, "A"),
    (28, "AAAA"),
    (5, "CNAME"),
    (2, "NS"),
    (65, "HTTPS"),
    (12, "PTR"),
    (16, "TXT"),
    (41, "OPT"),
    (6, "SOA"),
    (15, "MX"),
    (33, "SRV"),
    (46, "RRSIG"),
    (47, "NSEC"),
    (43, "DS"),
    (48, "DNSKEY"),
    (50, "NSEC3"),
    (64, "SVCB"),
    (3, "MD"),
    (4, "MF"),
    (7, "MB"),
    (8, "MG"),
    (9, "MR"),
    (10, "NULL"),
    (11, "WKS"),
    (13, "HINFO"),
    (14, "MINFO"),
    (17, "RP"),
    (18, "AFSDB"),
    (19, "X25"),
    (20, "ISDN"),
    (21, "RT"),
    (22, "NSAP"),
    (23, "NSAP-PTR"),
    (24, "SIG"),
    (25, "KEY"),
    (26, "PX"),
    (27, "GPOS"),
    (29, "LOC"),
    (30, "NXT"),
    (31, "EID"),
    (32, "NIMLOC"),
    (34, "ATMA"),
    (35, "NAPTR"),
    (36, "KX"),
    (37, "CERT"),
    (38, "A6"),
    (39, "DNAME"),
    (40, "SINK"),
    (42, "APL"),
    (44, "SSHFP"),
    (45, "IPSECKEY"),
    (49, "DHCID"),
    (51, "NSEC3PARAM"),
    (52, "TLSA"),
    (53, "SMIMEA"),
    (55, "HIP"),
    (56, "NINFO"),
    (57, "RKEY"),
    (58, "TALINK"),
    (59, "CDS"),
    (60, "CDNSKEY"),
    (61, "OPENPGPKEY"),
    (62, "CSYNC"),
    (63, "ZONEMD"),
    (66, "DSYNC"),
    (99, "SPF"),
    (104, "NID"),
    (105, "L32"),
    (106, "L64"),
    (107, "LP"),
    (108, "EUI48"),
    (109, "EUI64"),
    (128, "NXNAME"),
    (249, "TKEY"),
    (250, "TSIG"),
    (251, "IXFR"),
    (252, "AXFR"),
    (253, "MAILB"),
    (254, "MAILA"),
    (255, "ANY"),
    (256, "URI"),
    (257, "CAA"),
    (258, "AVC"),
    (259, "DOA"),
    (260, "AMTRELAY"),
    (261, "RESINFO"),
    (262, "WALLET"),
    (32768, "TA"),
    (32769, "DLV"),
];

/// Classes (RFC 6895 §3.2).
pub static CLASSES: Names = &[(1, "IN"), (3, "CH"), (4, "HS"), (254, "NONE"), (255, "ANY")];

/// What a message does (RFC 6895 §2.2).
pub static OPCODES: Names = &[
    (0, "Standard query"),
    (1, "Inverse query"),
    (2, "Server status request"),
    (4, "Zone change notification"),
    (5, "Dynamic update"),
    (6, "DNS stateful operations"),
];

/// Outcomes (RFC 6895 §2.3), as lists show them.
pub static RCODES: Names = &[
    (0, "No error"),
    (1, "Format error"),
    (2, "Server failure"),
    (3, "No such name"),
    (4, "Not implemented"),
    (5, "Refused"),
    (6, "Name exists"),
    (7, "RRset exists"),
    (8, "RRset does not exist"),
    (9, "Not authoritative or not authorised"),
    (10, "Name out of zone"),
    (11, "DSO-TYPE not implemented"),
    (16, "Bad version or signature"),
    (17, "Key not recognised"),
    (18, "Signature out of time window"),
    (19, "Bad TKEY mode"),
    (20, "Duplicate key name"),
    (21, "Algorithm not supported"),
    (22, "Bad truncation"),
    (23, "Bad or missing server cookie"),
];

/// EDNS options (RFC 6891 §9).
pub static OPTIONS: Names = &[
    (1, "LLQ"),
    (2, "Update lease"),
    (3, "NSID"),
    (5, "DAU"),
    (6, "DHU"),
    (7, "N3U"),
    (8, "Client subnet"),
    (9, "Expire"),
    (10, "Cookie"),
    (11, "TCP keepalive"),
    (12, "Padding"),
    (13, "Chain"),
    (14, "Key tag"),
    (15, "Extended DNS error"),
    (16, "Client tag"),
    (17, "Server tag"),
    (18, "Report channel"),
    (19, "Zone version"),
];

/// Extended errors (RFC 8914 §4 and its registry).
pub static EXTENDED_ERRORS: Names = &[
    (0, "Other error"),
    (1, "Unsupported DNSKEY algorithm"),
    (2, "Unsupported DS digest type"),
    (3, "Stale answer"),
    (4, "Forged answer"),
    (5, "DNSSEC indeterminate"),
    (6, "DNSSEC bogus"),
    (7, "Signature expired"),
    (8, "Signature not yet valid"),
    (9, "DNSKEY missing"),
    (10, "RRSIGs missing"),
    (11, "No zone key bit set"),
    (12, "NSEC missing"),
    (13, "Cached error"),
    (14, "Not ready"),
    (15, "Blocked"),
    (16, "Censored"),
    (17, "Filtered"),
    (18, "Prohibited"),
    (19, "Stale NXDOMAIN answer"),
    (20, "Not authoritative"),
    (21, "Not supported"),
    (22, "No reachable authority"),
    (23, "Network error"),
    (24, "Invalid data"),
    (25, "Signature expired before valid"),
    (26, "Too early"),
    (27, "Unsupported NSEC3 iterations value"),
    (28, "Unable to conform to policy"),
    (29, "Synthesized"),
    (30, "Invalid query type"),
];

/// Signing algorithms (RFC 8624 and the registry of DNSSEC).
pub static ALGORITHMS: Names = &[
    (0, "Delete DS"),
    (1, "RSA/MD5"),
    (2, "Diffie-Hellman"),
    (3, "DSA/SHA1"),
    (5, "RSA/SHA1"),
    (6, "DSA-NSEC3-SHA1"),
    (7, "RSASHA1-NSEC3-SHA1"),
    (8, "RSA/SHA-256"),
    (10, "RSA/SHA-512"),
    (12, "GOST R 34.10-2001"),
    (13, "ECDSA P-256 with SHA-256"),
    (14, "ECDSA P-384 with SHA-384"),
    (15, "Ed25519"),
    (16, "Ed448"),
    (252, "Indirect key"),
    (253, "Private, by domain name"),
    (254, "Private, by OID"),
];

/// Digests of DS records (RFC 4034 §5.1.3 and its registry).
pub static DIGESTS: Names = &[(1, "SHA-1"), (2, "SHA-256"), (3, "GOST R 34.11-94"), (4, "SHA-384")];
/// Hashes of NSEC3 (RFC 5155 §11).
pub static NSEC3_HASHES: Names = &[(1, "SHA-1")];
/// Certificate usages of TLSA (RFC 7218 §2.1).
pub static TLSA_USAGES: Names = &[(0, "PKIX-TA"), (1, "PKIX-EE"), (2, "DANE-TA"), (3, "DANE-EE"), (255, "PrivCert")];
/// Selectors of TLSA (RFC 7218 §2.2).
pub static TLSA_SELECTORS: Names = &[(0, "Whole certificate"), (1, "Public key (SPKI)"), (255, "PrivSel")];
/// Matching types of TLSA (RFC 7218 §2.3).
pub static TLSA_MATCHINGS: Names = &[(0, "In full"), (1, "SHA-256"), (2, "SHA-512"), (255, "PrivMatch")];
/// Algorithms of SSHFP (RFC 4255 §3.1.1 and its registry).
pub static SSHFP_ALGORITHMS: Names = &[(1, "RSA"), (2, "DSA"), (3, "ECDSA"), (4, "Ed25519"), (6, "Ed448")];
/// Hashes of SSHFP (RFC 4255 §3.1.2, RFC 6594).
pub static SSHFP_HASHES: Names = &[(1, "SHA-1"), (2, "SHA-256")];
/// Service parameters (RFC 9460 §14.3).
pub static SVC_KEYS: Names = &[
    (0, "mandatory"),
    (1, "alpn"),
    (2, "no-default-alpn"),
    (3, "port"),
    (4, "ipv4hint"),
    (5, "ech"),
    (6, "ipv6hint"),
    (7, "dohpath"),
    (8, "ohttp"),
    (9, "tls-supported-groups"),
];
/// Modes of TKEY (RFC 2930 §2.5).
pub static TKEY_MODES: Names =
    &[(1, "Server assignment"), (2, "Diffie-Hellman"), (3, "GSS-API"), (4, "Resolver assignment"), (5, "Key deletion")];
/// Errors of TSIG and TKEY (RFC 8945 §3, RFC 2930 §2.6).
pub static TSIG_ERRORS: Names = &[
    (0, "No error"),
    (16, "BADSIG"),
    (17, "BADKEY"),
    (18, "BADTIME"),
    (19, "BADMODE"),
    (20, "BADNAME"),
    (21, "BADALG"),
    (22, "BADTRUNC"),
];
/// Address families (RFC 7871 §6).
pub static FAMILIES: Names = &[(1, "IPv4"), (2, "IPv6")];
/// Certificate kinds (RFC 4398 §2.1).
pub static CERT_TYPES: Names = &[
    (1, "PKIX"),
    (2, "SPKI"),
    (3, "PGP"),
    (4, "IPKIX"),
    (5, "ISPKI"),
    (6, "IPGP"),
    (7, "ACPKIX"),
    (8, "IACPKIX"),
    (253, "URI"),
    (254, "OID"),
];

/// The short name of a type, or `TYPE65280` (RFC 3597 §5).
#[must_use]
pub fn type_name(kind: u16) -> std::borrow::Cow<'static, str> {
    match TYPES.iter().find(|(n, _)| *n == u64::from(kind)) {
        Some((_, name)) => (*name).into(),
        None => format!("TYPE{kind}").into(),
    }
}
