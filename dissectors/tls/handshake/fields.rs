//! Every field of handshake messages and of the certificates in them.

use crate::tls::names;
use crate::tls::suites::SUITES;
use wirelore_kit::{F, Field, Kind, Names, Role, fields};

const fn new(name: &'static str, label: &'static str, kind: Kind) -> Field {
    Field::new(name, label, kind)
}

const fn group(name: &'static str, label: &'static str) -> Field {
    Field::group(name, label)
}

static COMPRESSIONS: Names = &[(0, "null"), (1, "DEFLATE"), (64, "LZS")];
static PSK_MODES: Names = &[(0, "PSK alone"), (1, "PSK with a fresh key exchange")];
static FRAGMENT_LENGTHS: Names = &[(1, "512 bytes"), (2, "1,024 bytes"), (3, "2,048 bytes"), (4, "4,096 bytes")];
static POINT_FORMATS: Names = &[(0, "uncompressed"), (1, "ansiX962_compressed_prime"), (2, "ansiX962_compressed_char2")];
static CERT_TYPES: Names = &[
    (1, "RSA sign"),
    (2, "DSS sign"),
    (3, "RSA fixed DH"),
    (4, "DSS fixed DH"),
    (64, "ECDSA sign"),
    (65, "RSA fixed ECDH"),
    (66, "ECDSA fixed ECDH"),
];
static COMPRESSORS: Names = &[(1, "zlib"), (2, "brotli"), (3, "zstd")];
static CURVE_TYPES: Names = &[(1, "explicit_prime"), (2, "explicit_char2"), (3, "named_curve")];
static UPDATES: Names = &[(0, "not asked for"), (1, "asked for")];
static STATUS_TYPES: Names = &[(1, "OCSP"), (2, "several OCSP")];
static ECH_TYPES: Names = &[(0, "outer hello"), (1, "inner hello")];
static KDFS: Names = &[(1, "HKDF-SHA256"), (2, "HKDF-SHA384"), (3, "HKDF-SHA512")];
static AEADS: Names = &[(1, "AES-128-GCM"), (2, "AES-256-GCM"), (3, "ChaCha20Poly1305")];

fields! {
    HANDSHAKE = group("tls.handshake", "Handshake message").rfc("RFC 8446 §4");
    TYPE = new("tls.handshake.type", "Type", Kind::Dec).names(names::HANDSHAKE_TYPES).key().rfc("RFC 8446 §4");
    LENGTH = new("tls.handshake.length", "Length", Kind::Dec).rfc("RFC 8446 §4");
    BODY = group("tls.handshake.body", "Content").rfc("RFC 8446 §4").oracle("-");
    VERSION = new("tls.handshake.version", "Version", Kind::Hex).names(names::VERSIONS).rfc("RFC 8446 §4.1.2");
    CHOSEN_VERSION = new("tls.handshake.chosen_version", "Version agreed on", Kind::Hex).names(names::VERSIONS).key().rfc("RFC 8446 §4.2.1").oracle("-");
    CHOSEN_CIPHER = new("tls.handshake.chosen_cipher", "Cipher suite agreed on", Kind::Hex).names(SUITES).key().rfc("RFC 8446 §4.1.3").oracle("-");
    RANDOM = new("tls.handshake.random", "Random", Kind::Bytes).rfc("RFC 8446 §4.1.2");
    SESSION_ID_LENGTH = new("tls.handshake.session_id_length", "Session id length", Kind::Dec).rfc("RFC 8446 §4.1.2");
    SESSION_ID = new("tls.handshake.session_id", "Session id", Kind::Bytes).rfc("RFC 8446 §4.1.2");
    DTLS_COOKIE_LENGTH = new("tls.handshake.hello_cookie_length", "Cookie length", Kind::Dec).rfc("RFC 6347 §4.2.1").oracle("-");
    DTLS_COOKIE = new("tls.handshake.hello_cookie", "Cookie", Kind::Bytes).rfc("RFC 6347 §4.2.1").oracle("-");
    SUITES_LENGTH = new("tls.handshake.cipher_suites_length", "Cipher suites length", Kind::Dec).rfc("RFC 8446 §4.1.2");
    SUITES_GROUP = group("tls.handshake.ciphersuites", "Cipher suites").rfc("RFC 8446 §4.1.2");
    SUITE = new("tls.handshake.ciphersuite", "Cipher suite", Kind::Hex).names(SUITES).rfc("RFC 8446 §B.4");
    METHODS_LENGTH = new("tls.handshake.comp_methods_length", "Compression methods length", Kind::Dec).rfc("RFC 8446 §4.1.2");
    METHOD = new("tls.handshake.comp_method", "Compression method", Kind::Dec).names(COMPRESSIONS).rfc("RFC 3749 §2");
    EXTENSIONS_LENGTH = new("tls.handshake.extensions_length", "Extensions length", Kind::Dec).rfc("RFC 8446 §4.2");
    EXTENSION = new("tls.handshake.extension", "Extension", Kind::Group).rfc("RFC 8446 §4.2").oracle("-");
    EXTENSION_TYPE = new("tls.handshake.extension.type", "Type", Kind::Dec).names(names::EXTENSIONS).rfc("RFC 8446 §4.2");
    EXTENSION_LENGTH = new("tls.handshake.extension.len", "Length", Kind::Dec).rfc("RFC 8446 §4.2");
    EXTENSION_CONTENT = group("tls.handshake.extension.content", "Content").rfc("RFC 8446 §4.2").oracle("-");
    EXTENSION_DATA = new("tls.handshake.extension.data", "Data", Kind::Bytes).rfc("RFC 8446 §4.2");
    LIST_LENGTH = new("tls.handshake.extension.list_length", "Length of the list", Kind::Dec).rfc("RFC 8446 §3.4").oracle("-");
    SNI_TYPE = new("tls.handshake.extensions_server_name_type", "Name type", Kind::Dec).names(&[(0, "host_name")]).rfc("RFC 6066 §3");
    SNI_LENGTH = new("tls.handshake.extensions_server_name_len", "Name length", Kind::Dec).rfc("RFC 6066 §3");
    SNI = new("tls.handshake.extensions_server_name", "Server name", Kind::Text).key().role(Role::Authority).rfc("RFC 6066 §3");
    ALPN_LENGTH = new("tls.handshake.extensions_alpn_str_len", "Name length", Kind::Dec).rfc("RFC 7301 §3.1");
    ALPN = new("tls.handshake.extensions_alpn_str", "Protocol", Kind::Text).key().rfc("RFC 7301 §3.1");
    ALPS_LENGTH = new("tls.handshake.extensions_alps_alpn_str_len", "Name length", Kind::Dec).rfc("draft-vvv-tls-alps");
    ALPS_ALPN = new("tls.handshake.extensions_alps_alpn_str", "Protocol with settings", Kind::Text).rfc("draft-vvv-tls-alps");
    ALPS_SETTINGS = new("tls.handshake.extensions_alps.settings", "Settings", Kind::Bytes).rfc("draft-vvv-tls-alps");
    NPN_LENGTH = new("tls.handshake.extensions_npn_str_len", "Name length", Kind::Dec).rfc("draft-agl-tls-nextprotoneg");
    NPN = new("tls.handshake.extensions_npn", "Protocol", Kind::Text).rfc("draft-agl-tls-nextprotoneg");
    NPN_SELECTED_LENGTH = new("tls.handshake.npn_selected_protocol_len", "Name length", Kind::Dec).rfc("draft-agl-tls-nextprotoneg");
    NPN_SELECTED = new("tls.handshake.npn_selected_protocol", "Protocol chosen", Kind::Text).rfc("draft-agl-tls-nextprotoneg");
    NPN_PADDING_LENGTH = new("tls.handshake.npn_padding_len", "Padding length", Kind::Dec).rfc("draft-agl-tls-nextprotoneg");
    NPN_PADDING = new("tls.handshake.npn_padding", "Padding", Kind::Bytes).rfc("draft-agl-tls-nextprotoneg");
    GROUP = new("tls.handshake.extensions_supported_group", "Group", Kind::Hex).names(names::GROUPS).rfc("RFC 8446 §4.2.7");
    POINT_FORMAT = new("tls.handshake.extensions_ec_point_format", "Point format", Kind::Dec).names(POINT_FORMATS).rfc("RFC 8422 §5.1.2");
    SIGNATURE = new("tls.handshake.sig_hash_alg", "Signature scheme", Kind::Hex).names(names::SIGNATURES).rfc("RFC 8446 §4.2.3");
    SUPPORTED_VERSION = new("tls.handshake.extensions.supported_version", "Version", Kind::Hex).names(names::VERSIONS).rfc("RFC 8446 §4.2.1");
    SHARE = group("tls.handshake.extensions_key_share", "Key share").rfc("RFC 8446 §4.2.8").oracle("-");
    SHARE_GROUP = new("tls.handshake.extensions_key_share_group", "Group", Kind::Dec).names(names::GROUPS).rfc("RFC 8446 §4.2.8");
    SHARE_LENGTH = new("tls.handshake.extensions_key_share_key_exchange_length", "Key length", Kind::Dec).rfc("RFC 8446 §4.2.8");
    SHARE_KEY = new("tls.handshake.extensions_key_share_key_exchange", "Public key", Kind::Bytes).rfc("RFC 8446 §4.2.8");
    SHARE_SELECTED = new("tls.handshake.extensions_key_share_selected_group", "Group wanted", Kind::Dec).names(names::GROUPS).rfc("RFC 8446 §4.2.8");
    PSK_MODE = new("tls.extension.psk_ke_mode", "Mode", Kind::Dec).names(PSK_MODES).rfc("RFC 8446 §4.2.9");
    PSK_LENGTH = new("tls.handshake.extensions.psk.identity.identity_length", "Identity length", Kind::Dec).rfc("RFC 8446 §4.2.11");
    PSK_IDENTITY = new("tls.handshake.extensions.psk.identity.identity", "Identity", Kind::Bytes).rfc("RFC 8446 §4.2.11");
    PSK_AGE = new("tls.handshake.extensions.psk.identity.obfuscated_ticket_age", "Obfuscated ticket age", Kind::Dec).rfc("RFC 8446 §4.2.11");
    PSK_BINDER_LENGTH = new("tls.handshake.extensions.psk.binder_length", "Binder length", Kind::Dec).rfc("RFC 8446 §4.2.11.2").oracle("-");
    PSK_BINDER = new("tls.handshake.extensions.psk.binder", "Binder", Kind::Bytes).rfc("RFC 8446 §4.2.11.2").oracle("-");
    PSK_SELECTED = new("tls.handshake.extensions.psk.identity.selected", "Identity chosen", Kind::Dec).rfc("RFC 8446 §4.2.11");
    EARLY_SIZE = new("tls.early_data.max_early_data_size", "Most bytes of early data", Kind::Dec).rfc("RFC 8446 §4.6.1");
    COOKIE_LENGTH = new("tls.handshake.extensions.cookie_len", "Cookie length", Kind::Dec).rfc("RFC 8446 §4.2.2");
    COOKIE = new("tls.handshake.extensions.cookie", "Cookie", Kind::Bytes).rfc("RFC 8446 §4.2.2");
    STATUS_TYPE = new("tls.handshake.extensions_status_request_type", "Status type", Kind::Dec).names(STATUS_TYPES).rfc("RFC 6066 §8");
    RESPONDERS_LENGTH = new("tls.handshake.extensions_status_request_responder_ids_len", "Responder ids length", Kind::Dec).rfc("RFC 6066 §8");
    RESPONDERS = new("tls.handshake.extensions_status_request_responder_ids", "Responder ids", Kind::Bytes).rfc("RFC 6066 §8").oracle("-");
    STATUS_EXTENSIONS_LENGTH = new("tls.handshake.extensions_status_request_exts_len", "Request extensions length", Kind::Dec).rfc("RFC 6066 §8");
    STATUS_EXTENSIONS = new("tls.handshake.extensions_status_request_exts", "Request extensions", Kind::Bytes).rfc("RFC 6066 §8").oracle("-");
    OCSP_LENGTH = new("tls.handshake.ocsp_response_len", "OCSP response length", Kind::Dec).rfc("RFC 6066 §8");
    OCSP = new("tls.handshake.ocsp_response", "OCSP response", Kind::Bytes).rfc("RFC 6960 §4.2").oracle("-");
    SCT = group("tls.sct", "Signed certificate timestamp").rfc("RFC 6962 §3.2").oracle("-");
    SCT_LENGTH = new("tls.sct.sct_length", "Length", Kind::Dec).rfc("RFC 6962 §3.3");
    SCT_VERSION = new("tls.sct.sct_version", "Version", Kind::Dec).names(&[(0, "Certificate Transparency v1")]).rfc("RFC 6962 §3.2");
    SCT_LOG = new("tls.sct.sct_logid", "Log id", Kind::Bytes).rfc("RFC 6962 §3.2");
    SCT_TIME = new("tls.sct.sct_timestamp", "Logged at", Kind::Time).rfc("RFC 6962 §3.2");
    SCT_EXTENSIONS_LENGTH = new("tls.sct.sct_extensions_length", "Extensions length", Kind::Dec).rfc("RFC 6962 §3.2");
    SCT_EXTENSIONS = new("tls.sct.sct_extensions", "Extensions", Kind::Bytes).rfc("RFC 6962 §3.2");
    SCT_SIGNATURE_ALG = new("tls.sct.signature_scheme", "Signature scheme", Kind::Hex).names(names::SIGNATURES).rfc("RFC 6962 §3.2").oracle("-");
    SCT_SIGNATURE_LENGTH = new("tls.sct.sct_signature_length", "Signature length", Kind::Dec).rfc("RFC 6962 §3.2");
    SCT_SIGNATURE = new("tls.sct.sct_signature", "Signature", Kind::Bytes).rfc("RFC 6962 §3.2");
    RENEGOTIATION_LENGTH = new("tls.handshake.extensions_reneg_info_len", "Length", Kind::Dec).rfc("RFC 5746 §3.2");
    RENEGOTIATION = new("tls.handshake.extensions_reneg_info", "Finished of the handshake before", Kind::Bytes).rfc("RFC 5746 §3.2");
    MAX_FRAGMENT = new("tls.handshake.max_fragment_length", "Longest fragment", Kind::Dec).names(FRAGMENT_LENGTHS).rfc("RFC 6066 §4");
    RECORD_LIMIT = new("tls.record_size_limit", "Longest record", Kind::Dec).rfc("RFC 8449 §4");
    COMPRESSOR = new("tls.compress_certificate.algorithm", "Algorithm", Kind::Dec).names(COMPRESSORS).rfc("RFC 8879 §3");
    HEARTBEAT_MODE = new("tls.handshake.extension.heartbeat.mode", "Mode", Kind::Dec).names(&[(1, "may be sent to me"), (2, "not to be sent to me")]).rfc("RFC 6520 §2");
    PADDING = new("tls.handshake.extensions_padding_data", "Padding", Kind::Bytes).rfc("RFC 7685 §3");
    TICKET_DATA = new("tls.handshake.extension.session_ticket", "Session ticket", Kind::Bytes).rfc("RFC 5077 §3.2").oracle("-");
    SRTP_PROFILE = new("tls.use_srtp.protection_profile", "SRTP protection profile", Kind::Hex).rfc("RFC 5764 §4.1.2").oracle("-");
    SRTP_MKI_LENGTH = new("tls.use_srtp.mki_length", "MKI length", Kind::Dec).rfc("RFC 5764 §4.1.3").oracle("-");
    SRTP_MKI = new("tls.use_srtp.mki", "MKI", Kind::Bytes).rfc("RFC 5764 §4.1.3").oracle("-");
    CID_LENGTH = new("tls.connection_id_length", "Connection ID length", Kind::Dec).rfc("RFC 9146 §3").oracle("-");
    CID = new("tls.connection_id", "Connection ID", Kind::Bytes).rfc("RFC 9146 §3").oracle("-");
    ECH_TYPE = new("tls.ech.client_hello_type", "Which hello", Kind::Dec).names(ECH_TYPES).rfc("RFC 9849 §5").oracle("-");
    ECH_KDF = new("tls.ech.kdf", "Key derivation", Kind::Hex).names(KDFS).rfc("RFC 9180 §7.2").oracle("-");
    ECH_AEAD = new("tls.ech.aead", "Cipher", Kind::Hex).names(AEADS).rfc("RFC 9180 §7.3").oracle("-");
    ECH_CONFIG = new("tls.ech.config_id", "Configuration", Kind::Dec).rfc("RFC 9849 §5").oracle("-");
    ECH_ENC_LENGTH = new("tls.ech.enc_length", "Encapsulated key length", Kind::Dec).rfc("RFC 9849 §5").oracle("-");
    ECH_ENC = new("tls.ech.enc", "Encapsulated key", Kind::Bytes).rfc("RFC 9849 §5").oracle("-");
    ECH_PAYLOAD_LENGTH = new("tls.ech.payload_length", "Payload length", Kind::Dec).rfc("RFC 9849 §5").oracle("-");
    ECH_PAYLOAD = new("tls.ech.payload", "The real hello, encrypted", Kind::Bytes).rfc("RFC 9849 §5").oracle("-");
    QUIC_PARAMETER = group("tls.quic.parameter", "QUIC transport parameter").rfc("RFC 9000 §18");
    QUIC_TYPE = new("tls.quic.parameter.type", "Type", Kind::Hex).names(names::QUIC_PARAMETERS).rfc("RFC 9000 §18.2");
    QUIC_LENGTH = new("tls.quic.parameter.length", "Length", Kind::Dec).rfc("RFC 9000 §18");
    QUIC_NUMBER = new("tls.quic.parameter.number", "Value", Kind::Dec).rfc("RFC 9000 §18.2").oracle("-");
    QUIC_VALUE = new("tls.quic.parameter.value", "Value", Kind::Bytes).rfc("RFC 9000 §18");
    JA3 = new("tls.handshake.ja3", "JA3", Kind::Text).key();
    JA3_FULL = new("tls.handshake.ja3_full", "JA3 text", Kind::Text);
    JA3S = new("tls.handshake.ja3s", "JA3S", Kind::Text).key();
    JA3S_FULL = new("tls.handshake.ja3s_full", "JA3S text", Kind::Text);
    JA4 = new("tls.handshake.ja4", "JA4", Kind::Text).key().oracle("-");
    TICKET_LIFETIME = new("tls.handshake.session_ticket_lifetime_hint", "Lifetime, seconds", Kind::Dec).rfc("RFC 8446 §4.6.1");
    TICKET_AGE_ADD = new("tls.handshake.session_ticket_age_add", "Age add", Kind::Hex).rfc("RFC 8446 §4.6.1");
    TICKET_NONCE_LENGTH = new("tls.handshake.session_ticket_nonce_length", "Nonce length", Kind::Dec).rfc("RFC 8446 §4.6.1");
    TICKET_NONCE = new("tls.handshake.session_ticket_nonce", "Nonce", Kind::Bytes).rfc("RFC 8446 §4.6.1");
    TICKET_LENGTH = new("tls.handshake.session_ticket_length", "Ticket length", Kind::Dec).rfc("RFC 8446 §4.6.1");
    TICKET = new("tls.handshake.session_ticket", "Ticket", Kind::Bytes).rfc("RFC 8446 §4.6.1");
    CONTEXT_LENGTH = new("tls.handshake.certificate_request_context_length", "Context length", Kind::Dec).rfc("RFC 8446 §4.4.2");
    CONTEXT = new("tls.handshake.certificate_request_context", "Context", Kind::Bytes).rfc("RFC 8446 §4.4.2");
    CERTIFICATES_LENGTH = new("tls.handshake.certificates_length", "Certificates length", Kind::Dec).rfc("RFC 8446 §4.4.2");
    CERTIFICATE_LENGTH = new("tls.handshake.certificate_length", "Certificate length", Kind::Dec).rfc("RFC 8446 §4.4.2");
    CERTIFICATE = group("tls.handshake.certificate", "Certificate").rfc("RFC 5280 §4.1").oracle("-");
    CERT_TYPES_COUNT = new("tls.handshake.cert_types_count", "Certificate types", Kind::Dec).rfc("RFC 5246 §7.4.4");
    CERT_TYPE = new("tls.handshake.cert_type", "Certificate type", Kind::Dec).names(CERT_TYPES).rfc("RFC 5246 §7.4.4");
    SIGNATURES_LENGTH = new("tls.handshake.sig_hash_alg_len", "Signature schemes length", Kind::Dec).rfc("RFC 5246 §7.4.4");
    DNAMES_LENGTH = new("tls.handshake.dnames_len", "Authorities length", Kind::Dec).rfc("RFC 5246 §7.4.4");
    DNAME_LENGTH = new("tls.handshake.dname_len", "Authority length", Kind::Dec).rfc("RFC 5246 §7.4.4");
    DNAME = new("tls.handshake.dname", "Authority", Kind::Text).rfc("RFC 5246 §7.4.4").oracle("-");
    CURVE_TYPE = new("tls.handshake.server_curve_type", "Curve type", Kind::Dec).names(CURVE_TYPES).rfc("RFC 8422 §5.4");
    NAMED_CURVE = new("tls.handshake.server_named_curve", "Curve", Kind::Hex).names(names::GROUPS).rfc("RFC 8422 §5.4");
    SERVER_POINT_LENGTH = new("tls.handshake.server_point_len", "Public key length", Kind::Dec).rfc("RFC 8422 §5.4");
    SERVER_POINT = new("tls.handshake.server_point", "Public key", Kind::Bytes).rfc("RFC 8422 §5.4");
    CLIENT_POINT_LENGTH = new("tls.handshake.client_point_len", "Public key length", Kind::Dec).rfc("RFC 8422 §5.7");
    CLIENT_POINT = new("tls.handshake.client_point", "Public key", Kind::Bytes).rfc("RFC 8422 §5.7");
    DH_P_LENGTH = new("tls.handshake.p_len", "Prime length", Kind::Dec).rfc("RFC 5246 §7.4.3");
    DH_P = new("tls.handshake.p", "Prime", Kind::Bytes).rfc("RFC 5246 §7.4.3");
    DH_G_LENGTH = new("tls.handshake.g_len", "Generator length", Kind::Dec).rfc("RFC 5246 §7.4.3");
    DH_G = new("tls.handshake.g", "Generator", Kind::Bytes).rfc("RFC 5246 §7.4.3");
    DH_YS_LENGTH = new("tls.handshake.ys_len", "Public key length", Kind::Dec).rfc("RFC 5246 §7.4.3");
    DH_YS = new("tls.handshake.ys", "Public key", Kind::Bytes).rfc("RFC 5246 §7.4.3");
    DH_YC_LENGTH = new("tls.handshake.yc_len", "Public key length", Kind::Dec).rfc("RFC 5246 §7.4.7.2");
    DH_YC = new("tls.handshake.yc", "Public key", Kind::Bytes).rfc("RFC 5246 §7.4.7.2");
    EPMS_LENGTH = new("tls.handshake.epms_len", "Encrypted premaster secret length", Kind::Dec).rfc("RFC 5246 §7.4.7.1");
    EPMS = new("tls.handshake.epms", "Encrypted premaster secret", Kind::Bytes).rfc("RFC 5246 §7.4.7.1");
    PSK_HINT_LENGTH = new("tls.handshake.hint_len", "Hint length", Kind::Dec).rfc("RFC 4279 §2");
    PSK_HINT = new("tls.handshake.hint", "Hint", Kind::Bytes).rfc("RFC 4279 §2");
    IDENTITY_LENGTH = new("tls.handshake.identity_len", "Identity length", Kind::Dec).rfc("RFC 4279 §2");
    IDENTITY = new("tls.handshake.identity", "Identity", Kind::Bytes).rfc("RFC 4279 §2");
    EXCHANGE = new("tls.handshake.key_exchange", "Key exchange", Kind::Bytes).rfc("RFC 5246 §7.4.3").oracle("-");
    SIG_LENGTH = new("tls.handshake.sig_len", "Signature length", Kind::Dec).rfc("RFC 5246 §7.4.3");
    SIG = new("tls.handshake.sig", "Signature", Kind::Bytes).rfc("RFC 5246 §7.4.3");
    VERIFY_SIG_LENGTH = new("tls.handshake.client_cert_vrfy.sig_len", "Signature length", Kind::Dec).rfc("RFC 8446 §4.4.3");
    VERIFY_SIG = new("tls.handshake.client_cert_vrfy.sig", "Signature", Kind::Bytes).rfc("RFC 8446 §4.4.3");
    VERIFY_DATA = new("tls.handshake.verify_data", "Verify data", Kind::Bytes).rfc("RFC 8446 §4.4.4");
    REQUEST_UPDATE = new("tls.handshake.key_update.request_update", "The peer's update is", Kind::Dec).names(UPDATES).rfc("RFC 8446 §4.6.3");
    PACKED_LENGTH = new("tls.compress_certificate.compressed_certificate_message.length", "Length", Kind::Dec).rfc("RFC 8879 §4");
    PACKED = new("tls.compress_certificate.compressed_certificate_message", "Compressed certificates", Kind::Bytes).rfc("RFC 8879 §4");
    UNPACKED_LENGTH = new("tls.compress_certificate.uncompressed_length", "Length when unpacked", Kind::Dec).rfc("RFC 8879 §4");
    X_VERSION = new("x509af.version", "Version", Kind::Dec).names(&[(0, "1"), (1, "2"), (2, "3")]).rfc("RFC 5280 §4.1.2.1");
    X_SERIAL = new("x509af.serialNumber", "Serial number", Kind::Bytes).rfc("RFC 5280 §4.1.2.2");
    X_ALGORITHM = new("x509af.algorithm", "Signature algorithm", Kind::Text).rfc("RFC 5280 §4.1.2.3").oracle("-");
    X_ISSUER = new("x509af.issuer", "Issuer", Kind::Text).rfc("RFC 5280 §4.1.2.4").oracle("-");
    X_SUBJECT = new("x509af.subject", "Subject", Kind::Text).rfc("RFC 5280 §4.1.2.6").oracle("-");
    X_VALIDITY = group("x509af.validity", "Validity").rfc("RFC 5280 §4.1.2.5").oracle("-");
    X_NOT_BEFORE = new("x509af.notBefore", "Not before", Kind::Time).rfc("RFC 5280 §4.1.2.5").oracle("-");
    X_NOT_AFTER = new("x509af.notAfter", "Not after", Kind::Time).rfc("RFC 5280 §4.1.2.5").oracle("-");
    X_KEY = new("x509af.subjectPublicKeyInfo", "Public key", Kind::Text).rfc("RFC 5280 §4.1.2.7").oracle("-");
    X_EXTENSION = new("x509af.extension", "Extension", Kind::Group).rfc("RFC 5280 §4.2").oracle("-");
    X_EXTENSION_ID = new("x509af.extension.id", "Kind", Kind::Text).rfc("RFC 5280 §4.2").oracle("-");
    X_EXTENSION_VALUE = new("x509af.extension.value", "Value", Kind::Text).rfc("RFC 5280 §4.2").oracle("-");
    X_CRITICAL = new("x509af.extension.critical", "Critical", Kind::Bool).rfc("RFC 5280 §4.2").oracle("-");
    X_SIGNATURE = new("x509af.encrypted", "Signature", Kind::Bytes).rfc("RFC 5280 §4.1.1.3").oracle("-");
    X_DER = new("x509af.der", "Other parts", Kind::Bytes).rfc("RFC 5280 §4.1").oracle("-");
    X_NAME = new("x509af.name", "Name that it is for", Kind::Text).rfc("RFC 5280 §4.2.1.6").oracle("-");
    X_FINGERPRINT = new("x509af.sha256", "SHA-256 fingerprint", Kind::Text).oracle("-");
    X_FINGERPRINT_SHA1 = new("x509af.sha1", "SHA-1 fingerprint", Kind::Text).oracle("-");
}
