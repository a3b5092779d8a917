//! Findings about MQTT: packets against the rules, answers that say no, secrets in the clear.

use wirelore_kit::{About, Note, Severity};

macro_rules! notes {
    ($($id:ident = $name:literal, $label:literal, $severity:ident, $about:ident, $rfc:literal;)*) => {
        $(#[allow(missing_docs)] pub static $id: Note = Note::new($name, $label, Severity::$severity, About::$about).rfc($rfc);)*
        /// Every note of the protocol.
        pub static ALL: &[&Note] = &[$(&$id),*];
    };
}

notes! {
    NOT_MQTT = "mqtt.note.not_mqtt", "These bytes begin no MQTT packet", Warn, Malformed, "MQTT 5.0 §2.1";
    LENGTH_BAD = "mqtt.note.length_bad", "A length in more than four bytes", Error, Malformed, "MQTT 5.0 §1.5.5";
    FLAGS_BAD = "mqtt.note.flags_bad", "Reserved flags are not as they must be", Error, Protocol, "MQTT 5.0 §2.1.3";
    QOS_BAD = "mqtt.note.qos_bad", "QoS 3 does not exist", Error, Malformed, "MQTT 5.0 §3.3.1.2";
    ID_ZERO = "mqtt.note.id_zero", "A packet identifier of 0", Error, Protocol, "MQTT 5.0 §2.2.1";
    TOPIC_BAD = "mqtt.note.topic_bad", "A topic that is no UTF-8, or has wildcards where none may be", Warn, Protocol, "MQTT 5.0 §4.7";
    ALIAS_UNKNOWN = "mqtt.note.alias_unknown", "A topic alias that stands for nothing yet", Warn, Sequence, "MQTT 5.0 §3.3.2.3.4";
    PROPERTY_UNKNOWN = "mqtt.note.property_unknown", "A property that does not exist", Error, Malformed, "MQTT 5.0 §2.2.2.2";
    VERSION_UNKNOWN = "mqtt.note.version_unknown", "A version that is not known here", Warn, Protocol, "MQTT 5.0 §3.1.2.2";
    REFUSED = "mqtt.note.refused", "The other side says no", Note, Response, "MQTT 5.0 §2.4";
    NOT_ASKED = "mqtt.note.not_asked", "An answer to nothing that was seen", Note, Sequence, "MQTT 5.0 §4.3";
    PASSWORD_CLEAR = "mqtt.note.password_clear", "A password travels in a packet that is not encrypted by MQTT itself", Note, Security, "MQTT 5.0 §5.4";
}
