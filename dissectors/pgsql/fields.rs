//! Fields, notes and states of PostgreSQL's protocol, by Wireshark's names where it has them.

use wirelore_kit::{About, F, Field, Kind, Names, Note, Role, Severity, State};

const FORMATS: &str = "PostgreSQL documentation §54.7";
const FLOW: &str = "PostgreSQL documentation §54.2";

/// Kinds of proof that the server asks for.
pub static AUTHS: Names = &[
    (0, "Success"),
    (2, "Kerberos V5"),
    (3, "Plaintext password"),
    (5, "MD5 password"),
    (7, "GSSAPI"),
    (8, "GSSAPI or SSPI continue"),
    (9, "SSPI"),
    (10, "SASL"),
    (11, "SASL continue"),
    (12, "SASL complete"),
];

/// What the server is ready for.
pub static READY: Names = &[(0x49, "Idle"), (0x54, "In a transaction"), (0x45, "In a failed transaction")];

macro_rules! fields {
    ($($id:ident = $field:expr;)*) => {
        $(#[allow(missing_docs)] pub static $id: Field = $field.rfc(FORMATS);)*
        /// Every field of the protocol.
        pub static ALL: &[F] = &[$(&$id),*];
    };
}

const fn text(name: &'static str, label: &'static str) -> Field {
    Field::new(name, label, Kind::Text)
}

const fn dec(name: &'static str, label: &'static str) -> Field {
    Field::new(name, label, Kind::Dec)
}

const fn own(field: Field) -> Field {
    field.oracle("-")
}

fields! {
    PGSQL = own(Field::group("pgsql", "PostgreSQL"));
    TYPE = text("pgsql.type", "Type").key().role(Role::Method);
    LENGTH = dec("pgsql.length", "Length");
    CODE = own(dec("pgsql.request_code", "Request code")
        .names(&[(80_877_102, "Cancel"), (80_877_103, "SSL"), (80_877_104, "GSS encryption")]));
    MAJOR = dec("pgsql.version_major", "Protocol version");
    MINOR = dec("pgsql.version_minor", "Minor version");
    SSL_ANSWER = own(text("pgsql.ssl_answer", "Answer to the wish for encryption"));
    PARAMETER = own(Field::group("pgsql.parameter", "Parameter"));
    NAME = text("pgsql.parameter_name", "Name");
    VALUE = text("pgsql.parameter_value", "Value");
    QUERY = text("pgsql.query", "Query").key().role(Role::Path);
    PASSWORD = text("pgsql.password", "Password").secret();
    AUTH = dec("pgsql.authtype", "Authentication").names(AUTHS);
    SALT = Field::new("pgsql.salt", "Salt", Kind::Bytes);
    GSS = Field::new("pgsql.auth.gssapi_sspi.data", "GSSAPI or SSPI data", Kind::Bytes);
    MECHANISM = text("pgsql.auth.sasl.mech", "SASL mechanism");
    SASL_LENGTH = own(Field::new("pgsql.auth.sasl.data.length", "SASL data length", Kind::Signed));
    SASL = text("pgsql.auth.sasl.data", "SASL data").secret().oracle("-");
    STATEMENT = text("pgsql.statement", "Statement");
    PORTAL = text("pgsql.portal", "Portal");
    MOST_ROWS = dec("pgsql.returns", "Rows at most");
    TAG = text("pgsql.tag", "Done").key();
    STATUS = Field::new("pgsql.status", "Status", Kind::Dec).names(READY);
    COPY = own(Field::new("pgsql.copydata", "Copied data", Kind::Text));
    COPY_ERROR = text("pgsql.error", "Why it failed");
    PID = dec("pgsql.pid", "Process");
    KEY = dec("pgsql.key", "Cancel key").secret();
    CANCEL_KEY = own(Field::new("pgsql.cancel_key", "Cancel key", Kind::Bytes).secret());
    CHANNEL = text("pgsql.condition", "Channel");
    NOTICE_TEXT = text("pgsql.text", "Text");
    COUNT = dec("pgsql.field.count", "Columns");
    PARAMETER_COUNT = own(dec("pgsql.parameter.count", "Parameters"));
    FORMAT_COUNT = own(dec("pgsql.format.count", "Formats"));
    COLUMN = own(Field::group("pgsql.col", "Column"));
    COLUMN_NAME = text("pgsql.col.name", "Name");
    TABLE_OID = dec("pgsql.oid.table", "Table");
    COLUMN_INDEX = dec("pgsql.col.index", "Column of the table");
    TYPE_OID = dec("pgsql.oid.type", "Type");
    LENGTH_OF_TYPE = Field::new("pgsql.val.length", "Length", Kind::Signed);
    TYPE_MODIFIER = Field::new("pgsql.col.typemod", "Type modifier", Kind::Signed);
    FORMAT = dec("pgsql.format", "Format").names(&[(0, "Text"), (1, "Binary")]);
    DATA = own(text("pgsql.val.data", "Value"));
    KIND = own(text("pgsql.kind", "Statement or portal"));
    FUNCTION = dec("pgsql.oid", "Function");
    ERROR_FIELD = own(Field::new("pgsql.error_field", "Field", Kind::Text));
    SEVERITY = text("pgsql.severity", "Severity");
    SEVERITY_PLAIN = text("pgsql.severity.plain", "Severity, not translated").oracle("pgsql.text");
    SQLSTATE = text("pgsql.code", "SQLSTATE").key().role(Role::Status);
    MESSAGE = text("pgsql.message", "Message");
    DETAIL = text("pgsql.detail", "Detail");
    HINT = text("pgsql.hint", "Hint");
    POSITION = text("pgsql.position", "Position");
    INTERNAL_POSITION = text("pgsql.internal_position", "Position in the internal query");
    INTERNAL_QUERY = text("pgsql.internal_query", "Internal query");
    CONTEXT = text("pgsql.where", "Context");
    SCHEMA = text("pgsql.schema_name", "Schema");
    TABLE = text("pgsql.table_name", "Table");
    COLUMN_OF_ERROR = text("pgsql.column_name", "Column");
    TYPE_NAME = text("pgsql.type_name", "Type");
    CONSTRAINT = text("pgsql.constraint_name", "Constraint");
    FILE = text("pgsql.file", "Source file");
    LINE = text("pgsql.line", "Source line");
    ROUTINE = text("pgsql.routine", "Source routine");
    OTHER = own(text("pgsql.error_other", "Other"));
    END = own(Field::new("pgsql.end", "End of the list", Kind::Bytes));
    NUL = own(Field::new("pgsql.nul", "End of a text", Kind::Bytes));
    LONG = own(Field::new("pgsql.long", "Contents of a long message", Kind::Bytes));
}

macro_rules! notes {
    ($($id:ident = $name:literal, $label:literal, $severity:ident, $about:ident;)*) => {
        $(#[allow(missing_docs)] pub static $id: Note = Note::new($name, $label, Severity::$severity, About::$about).rfc(FLOW);)*
        /// Every note of the protocol.
        pub static NOTES: &[&Note] = &[$(&$id),*];
    };
}

notes! {
    NOT_PGSQL = "pgsql.note.not_pgsql", "These bytes begin no message of PostgreSQL", Warn, Malformed;
    UNKNOWN_TYPE = "pgsql.note.unknown_type", "A kind of message that is not known here", Warn, Protocol;
    SAID_NO = "pgsql.note.said_no", "The server reports an error", Note, Response;
    WARNED = "pgsql.note.warned", "The server has something to say besides the answer", Chat, Response;
    PASSWORD_CLEAR = "pgsql.note.password_clear", "A password travels unencrypted", Warn, Security;
    PASSWORD_MD5 = "pgsql.note.password_md5", "A password is proven with MD5, which can be tried out at leisure", Note, Security;
    NO_ENCRYPTION = "pgsql.note.no_encryption", "The server declines encryption", Note, Security;
}

pub static STARTING: State = State { name: "pgsql.state.starting", label: "Starting" };
pub static PROVING: State = State { name: "pgsql.state.proving", label: "Proving who the user is" };
pub static IDLE: State = State { name: "pgsql.state.idle", label: "Idle" };
pub static WORKING: State = State { name: "pgsql.state.working", label: "At work" };
pub static TRANSACTION: State = State { name: "pgsql.state.transaction", label: "In a transaction" };
pub static FAILED: State = State { name: "pgsql.state.failed", label: "In a failed transaction" };
pub static COPYING: State = State { name: "pgsql.state.copying", label: "Copying rows" };
pub static CLOSED: State = State { name: "pgsql.state.closed", label: "Closed" };
/// Every state.
pub static STATES: &[&State] = &[&STARTING, &PROVING, &IDLE, &WORKING, &TRANSACTION, &FAILED, &COPYING, &CLOSED];
