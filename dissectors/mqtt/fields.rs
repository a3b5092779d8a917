//! MQTT fields and states, by Wireshark's names where it has them.

use wirelore_kit::{F, Field, Kind, Names, Role, State, fields};

const V5: &str = "MQTT 5.0 §2.2.2";

/// Kinds of packets (MQTT 5.0 §2.1.2).
pub static TYPES: Names = &[
    (1, "Connect Command"),
    (2, "Connect Ack"),
    (3, "Publish Message"),
    (4, "Publish Ack"),
    (5, "Publish Received"),
    (6, "Publish Release"),
    (7, "Publish Complete"),
    (8, "Subscribe Request"),
    (9, "Subscribe Ack"),
    (10, "Unsubscribe Request"),
    (11, "Unsubscribe Ack"),
    (12, "Ping Request"),
    (13, "Ping Response"),
    (14, "Disconnect Req"),
    (15, "Authentication Exchange"),
];

/// Levels of delivery (§4.3).
pub static QOS: Names = &[(0, "At most once"), (1, "At least once"), (2, "Exactly once"), (3, "Reserved")];

/// Versions by their number on the wire (§3.1.2.2).
pub static VERSIONS: Names = &[(3, "MQTT v3.1"), (4, "MQTT v3.1.1"), (5, "MQTT v5.0")];

/// Return codes of CONNACK (MQTT 3.1.1 §3.2.2.3).
pub static RETURNS: Names = &[
    (0, "Connection Accepted"),
    (1, "Connection Refused: unacceptable protocol version"),
    (2, "Connection Refused: identifier rejected"),
    (3, "Connection Refused: server unavailable"),
    (4, "Connection Refused: bad user name or password"),
    (5, "Connection Refused: not authorized"),
];

/// Reason codes (MQTT 5.0 §2.4).
pub static REASONS: Names = &[
    (0x00, "Success"),
    (0x01, "Granted QoS 1"),
    (0x02, "Granted QoS 2"),
    (0x04, "Disconnect with Will Message"),
    (0x10, "No matching subscribers"),
    (0x11, "No subscription existed"),
    (0x18, "Continue authentication"),
    (0x19, "Re-authenticate"),
    (0x80, "Unspecified error"),
    (0x81, "Malformed Packet"),
    (0x82, "Protocol Error"),
    (0x83, "Implementation specific error"),
    (0x84, "Unsupported Protocol Version"),
    (0x85, "Client Identifier not valid"),
    (0x86, "Bad User Name or Password"),
    (0x87, "Not authorized"),
    (0x88, "Server unavailable"),
    (0x89, "Server busy"),
    (0x8a, "Banned"),
    (0x8b, "Server shutting down"),
    (0x8c, "Bad authentication method"),
    (0x8d, "Keep Alive timeout"),
    (0x8e, "Session taken over"),
    (0x8f, "Topic Filter invalid"),
    (0x90, "Topic Name invalid"),
    (0x91, "Packet Identifier in use"),
    (0x92, "Packet Identifier not found"),
    (0x93, "Receive Maximum exceeded"),
    (0x94, "Topic Alias invalid"),
    (0x95, "Packet too large"),
    (0x96, "Message rate too high"),
    (0x97, "Quota exceeded"),
    (0x98, "Administrative action"),
    (0x99, "Payload format invalid"),
    (0x9a, "Retain not supported"),
    (0x9b, "QoS not supported"),
    (0x9c, "Use another server"),
    (0x9d, "Server moved"),
    (0x9e, "Shared Subscriptions not supported"),
    (0x9f, "Connection rate exceeded"),
    (0xa0, "Maximum connect time"),
    (0xa1, "Subscription Identifiers not supported"),
    (0xa2, "Wildcard Subscriptions not supported"),
];

/// Properties (MQTT 5.0 §2.2.2.2).
pub static PROPERTIES: Names = &[
    (0x01, "Payload Format Indicator"),
    (0x02, "Message Expiry Interval"),
    (0x03, "Content Type"),
    (0x08, "Response Topic"),
    (0x09, "Correlation Data"),
    (0x0b, "Subscription Identifier"),
    (0x11, "Session Expiry Interval"),
    (0x12, "Assigned Client Identifier"),
    (0x13, "Server Keep Alive"),
    (0x15, "Authentication Method"),
    (0x16, "Authentication Data"),
    (0x17, "Request Problem Information"),
    (0x18, "Will Delay Interval"),
    (0x19, "Request Response Information"),
    (0x1a, "Response Information"),
    (0x1c, "Server Reference"),
    (0x1f, "Reason String"),
    (0x21, "Receive Maximum"),
    (0x22, "Topic Alias Maximum"),
    (0x23, "Topic Alias"),
    (0x24, "Maximum QoS"),
    (0x25, "Retain Available"),
    (0x26, "User Property"),
    (0x27, "Maximum Packet Size"),
    (0x28, "Wildcard Subscription Available"),
    (0x29, "Subscription Identifier Available"),
    (0x2a, "Shared Subscription Available"),
];

const fn dec(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    Field::new(name, label, Kind::Dec).rfc(rfc)
}

const fn text(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    Field::new(name, label, Kind::Text).rfc(rfc)
}

const fn flag(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    Field::new(name, label, Kind::Bool).rfc(rfc)
}

const fn reason(name: &'static str, rfc: &'static str) -> Field {
    Field::new(name, "Reason code", Kind::Dec).names(REASONS).key().role(Role::Status).rfc(rfc)
}

fields! {
    MQTT = Field::group("mqtt", "MQTT").rfc("MQTT 5.0 §2").oracle("-");
    HEADER = Field::new("mqtt.hdrflags", "Type and flags", Kind::Hex).rfc("MQTT 5.0 §2.1.1");
    TYPE = dec("mqtt.msgtype", "Packet type", "MQTT 5.0 §2.1.2").names(TYPES).key().role(Role::Method);
    RESERVED = dec("mqtt.hdr_reserved", "Reserved flags", "MQTT 5.0 §2.1.3");
    DUP = flag("mqtt.dupflag", "Sent again (DUP)", "MQTT 5.0 §3.3.1.1");
    QOS_LEVEL = dec("mqtt.qos", "QoS", "MQTT 5.0 §3.3.1.2").names(QOS);
    RETAIN = flag("mqtt.retain", "Retain", "MQTT 5.0 §3.3.1.3");
    LENGTH = dec("mqtt.len", "Remaining length", "MQTT 5.0 §2.1.4");
    PROTOCOL_LENGTH = dec("mqtt.proto_len", "Protocol name length", "MQTT 5.0 §3.1.2.1");
    PROTOCOL = text("mqtt.protoname", "Protocol name", "MQTT 5.0 §3.1.2.1");
    VERSION = dec("mqtt.ver", "Version", "MQTT 5.0 §3.1.2.2").names(VERSIONS);
    FLAGS = Field::new("mqtt.conflags", "Connect flags", Kind::Hex).rfc("MQTT 5.0 §3.1.2.3");
    HAS_USER = flag("mqtt.conflag.uname", "User name follows", "MQTT 5.0 §3.1.2.8");
    HAS_PASSWORD = flag("mqtt.conflag.passwd", "Password follows", "MQTT 5.0 §3.1.2.9");
    WILL_RETAIN = flag("mqtt.conflag.retain", "Will is retained", "MQTT 5.0 §3.1.2.7");
    WILL_QOS = dec("mqtt.conflag.qos", "QoS of the will", "MQTT 5.0 §3.1.2.6").names(QOS);
    HAS_WILL = flag("mqtt.conflag.willflag", "Will follows", "MQTT 5.0 §3.1.2.5");
    CLEAN = flag("mqtt.conflag.cleansess", "Clean start", "MQTT 5.0 §3.1.2.4");
    FLAG_RESERVED = flag("mqtt.conflag.reserved", "Reserved", "MQTT 5.0 §3.1.2.3");
    KEEP_ALIVE = dec("mqtt.kalive", "Keep alive, seconds", "MQTT 5.0 §3.1.2.10");
    CLIENT_LENGTH = dec("mqtt.clientid_len", "Client identifier length", "MQTT 5.0 §3.1.3.1");
    CLIENT = text("mqtt.clientid", "Client identifier", "MQTT 5.0 §3.1.3.1").key().role(Role::Peer);
    WILL_TOPIC_LENGTH = dec("mqtt.willtopic_len", "Will topic length", "MQTT 5.0 §3.1.3.3");
    WILL_TOPIC = text("mqtt.willtopic", "Will topic", "MQTT 5.0 §3.1.3.3");
    WILL_LENGTH = dec("mqtt.willmsg_len", "Will length", "MQTT 5.0 §3.1.3.4");
    WILL = Field::new("mqtt.willmsg", "Will", Kind::Bytes).rfc("MQTT 5.0 §3.1.3.4");
    USER_LENGTH = dec("mqtt.username_len", "User name length", "MQTT 5.0 §3.1.3.5");
    USER = text("mqtt.username", "User name", "MQTT 5.0 §3.1.3.5");
    PASSWORD_LENGTH = dec("mqtt.passwd_len", "Password length", "MQTT 5.0 §3.1.3.6");
    PASSWORD = text("mqtt.passwd", "Password", "MQTT 5.0 §3.1.3.6").secret();
    ACK_FLAGS = Field::new("mqtt.conack.flags", "Acknowledge flags", Kind::Hex).rfc("MQTT 5.0 §3.2.2.1");
    ACK_RESERVED = Field::new("mqtt.conack.flags.reserved", "Reserved", Kind::Hex).rfc("MQTT 5.0 §3.2.2.1").oracle("-");
    SESSION_PRESENT = flag("mqtt.conack.flags.sp", "Session present", "MQTT 5.0 §3.2.2.1.1");
    RETURN = dec("mqtt.conack.val", "Return code", "MQTT 3.1.1 §3.2.2.3").names(RETURNS).key().role(Role::Status);
    ID = dec("mqtt.msgid", "Packet identifier", "MQTT 5.0 §2.2.1").key();
    TOPIC_LENGTH = dec("mqtt.topic_len", "Topic length", "MQTT 5.0 §3.3.2.1");
    TOPIC = text("mqtt.topic", "Topic", "MQTT 5.0 §3.3.2.1").key().role(Role::Path);
    ALIASED = text("mqtt.topic.aliased", "Topic that the alias stands for", "MQTT 5.0 §3.3.2.3.4").key().role(Role::Path).oracle("-");
    PAYLOAD = Field::new("mqtt.msg", "Payload", Kind::Bytes).rfc("MQTT 5.0 §3.3.3");
    PAYLOAD_TEXT = text("mqtt.msg_text", "Payload as text", "MQTT 5.0 §3.3.3").oracle("-");
    WANTED_QOS = dec("mqtt.sub.qos", "QoS wanted", "MQTT 3.1.1 §3.8.3").names(QOS);
    OPTIONS = Field::new("mqtt.subscription_options", "Subscription options", Kind::Hex).rfc("MQTT 5.0 §3.8.3.1");
    OPTION_QOS = dec("mqtt.subscription_options_qos", "QoS wanted", "MQTT 5.0 §3.8.3.1").names(QOS);
    OPTION_NO_LOCAL = flag("mqtt.subscription_options_nl", "Not my own (No Local)", "MQTT 5.0 §3.8.3.1");
    OPTION_AS_PUBLISHED = flag("mqtt.subscription_options_rap", "Retain as published", "MQTT 5.0 §3.8.3.1");
    OPTION_RETAIN = dec("mqtt.subscription_options_retain", "Retain handling", "MQTT 5.0 §3.8.3.1")
        .names(&[(0, "Send retained messages"), (1, "Only to a new subscription"), (2, "Do not send")]);
    OPTION_RESERVED = dec("mqtt.subscription_options_reserved", "Reserved", "MQTT 5.0 §3.8.3.1");
    GRANTED_QOS = dec("mqtt.suback.qos", "QoS granted", "MQTT 3.1.1 §3.9.3")
        .names(&[(0, "At most once"), (1, "At least once"), (2, "Exactly once"), (128, "Failure")]);
    CONNACK_REASON = reason("mqtt.connack.reason_code", "MQTT 5.0 §3.2.2.2");
    PUBACK_REASON = reason("mqtt.puback.reason_code", "MQTT 5.0 §3.4.2.1");
    PUBREC_REASON = reason("mqtt.pubrec.reason_code", "MQTT 5.0 §3.5.2.1");
    PUBREL_REASON = reason("mqtt.pubrel.reason_code", "MQTT 5.0 §3.6.2.1");
    PUBCOMP_REASON = reason("mqtt.pubcomp.reason_code", "MQTT 5.0 §3.7.2.1");
    SUBACK_REASON = reason("mqtt.suback.reason_code", "MQTT 5.0 §3.9.3");
    UNSUBACK_REASON = reason("mqtt.unsuback.reason_code", "MQTT 5.0 §3.11.3");
    DISCONNECT_REASON = reason("mqtt.disconnect.reason_code", "MQTT 5.0 §3.14.2.1");
    AUTH_REASON = reason("mqtt.auth.reason_code", "MQTT 5.0 §3.15.2.1");
    PROPERTY_LIST = Field::group("mqtt.properties", "Properties").rfc(V5).oracle("-");
    WILL_PROPERTIES = Field::group("mqtt.will_properties", "Properties of the will").rfc("MQTT 5.0 §3.1.3.2").oracle("-");
    PROPERTY = Field::group("mqtt.property", "Property").rfc(V5).oracle("-");
    PROPERTY_LENGTH = dec("mqtt.property_len", "Length of the properties", "MQTT 5.0 §2.2.2.1");
    PROPERTY_ID = Field::new("mqtt.property_id", "Property", Kind::Hex).names(PROPERTIES).rfc("MQTT 5.0 §2.2.2.2");
    PROPERTY_NUMBER = dec("mqtt.prop_number", "Number", V5);
    CONTENT_TYPE = text("mqtt.property.content_type", "Content type", "MQTT 5.0 §3.3.2.3.9").role(Role::Media);
    CONTENT_TYPE_LENGTH = dec("mqtt.property.content_type.length", "Length", "MQTT 5.0 §3.3.2.3.9").oracle("-");
    MOST_QOS = dec("mqtt.property.max_qos", "QoS at most", "MQTT 5.0 §3.2.2.3.4").names(QOS);
    ALIAS = dec("mqtt.property.topic_alias", "Topic alias", "MQTT 5.0 §3.3.2.3.4");
    STRING_LENGTH = dec("mqtt.prop_string_len", "Length", V5);
    STRING = text("mqtt.prop_string", "Text", V5);
    BINARY = Field::new("mqtt.prop_string.data", "Data", Kind::Bytes).rfc(V5).oracle("-");
    KEY_LENGTH = dec("mqtt.prop_key_len", "Key length", V5);
    KEY = text("mqtt.prop_key", "Key", V5);
    VALUE_LENGTH = dec("mqtt.prop_value_len", "Value length", V5);
    VALUE = text("mqtt.prop_value", "Value", V5);
}

pub static CONNECTING: State = State { name: "mqtt.state.connecting", label: "Connecting" };
pub static CONNECTED: State = State { name: "mqtt.state.connected", label: "Connected" };
pub static REFUSED: State = State { name: "mqtt.state.refused", label: "Refused" };
pub static DISCONNECTED: State = State { name: "mqtt.state.disconnected", label: "Disconnected" };
/// Every state.
pub static STATES: &[&State] = &[&CONNECTING, &CONNECTED, &REFUSED, &DISCONNECTED];
