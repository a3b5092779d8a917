//! Fields and states of letters: header fields by Wireshark's names, the parts of MIME below them.

use wirelore_kit::{F, Field, Kind, Role, State, fields};

const fn text(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    Field::new(name, label, Kind::Text).rfc(rfc)
}

/// A field that tshark does not have.
const fn own(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    text(name, label, rfc).oracle("-")
}

fields! {
    IMF = Field::group("imf", "Internet Message").rfc("RFC 5322");
    HEADER = own("imf.header", "Header", "RFC 5322 §2.2");
    NAME = own("imf.header.name", "Name", "RFC 5322 §2.2");
    VALUE = text("imf.extension.value", "Value", "RFC 5322 §3.6.8").oracle("-");
    DECODED = own("imf.decoded", "Decoded", "RFC 2047 §2");
    ADDRESS = own("imf.mailbox.address", "Address", "RFC 5322 §3.4.1");
    DISPLAY_NAME = own("imf.mailbox.name", "Name of the person", "RFC 5322 §3.4");
    BAD_LINE = own("imf.bad_line", "Line that is no header", "RFC 5322 §2.2");
    DELIMITER = Field::new("imf.delimiter", "Delimiter", Kind::Bytes).rfc("RFC 5322 §2.2").oracle("-");
    BLANK = own("imf.blank_line", "Blank line", "RFC 5322 §2.1");

    FROM = text("imf.from", "From", "RFC 5322 §3.6.2").key();
    TO = text("imf.to", "To", "RFC 5322 §3.6.3").key();
    SUBJECT = text("imf.subject", "Subject", "RFC 5322 §3.6.5").key();
    DATE = text("imf.date", "Date", "RFC 5322 §3.6.1").key();
    MESSAGE_ID = text("imf.message_id", "Message-ID", "RFC 5322 §3.6.4").key();
    SENDER = text("imf.sender", "Sender", "RFC 5322 §3.6.2");
    REPLY_TO = text("imf.reply_to", "Reply-To", "RFC 5322 §3.6.2");
    CC = text("imf.cc", "Cc", "RFC 5322 §3.6.3");
    BCC = text("imf.bcc", "Bcc", "RFC 5322 §3.6.3");
    IN_REPLY_TO = text("imf.in_reply_to", "In-Reply-To", "RFC 5322 §3.6.4");
    REFERENCES = text("imf.references", "References", "RFC 5322 §3.6.4");
    COMMENTS = text("imf.comments", "Comments", "RFC 5322 §3.6.5");
    KEYWORDS = text("imf.keywords", "Keywords", "RFC 5322 §3.6.5");
    USER_AGENT = text("imf.user_agent", "User-Agent", "RFC 5536 §3.2.13");
    MAILER = text("imf.ext.mailer", "X-Mailer", "RFC 5322 §3.6.8");
    RESENT_DATE = text("imf.resent.date", "Resent-Date", "RFC 5322 §3.6.6");
    RESENT_FROM = text("imf.resent.from", "Resent-From", "RFC 5322 §3.6.6");
    RESENT_SENDER = text("imf.resent.sender", "Resent-Sender", "RFC 5322 §3.6.6");
    RESENT_TO = text("imf.resent.to", "Resent-To", "RFC 5322 §3.6.6");
    RESENT_CC = text("imf.resent.cc", "Resent-Cc", "RFC 5322 §3.6.6");
    RESENT_MESSAGE_ID = text("imf.resent.message_id", "Resent-Message-ID", "RFC 5322 §3.6.6");
    RETURN_PATH = text("imf.return_path", "Return-Path", "RFC 5322 §3.6.7");
    RECEIVED = text("imf.received", "Received", "RFC 5322 §3.6.7");
    DELIVERED_TO = text("imf.delivered_to", "Delivered-To", "RFC 9228");
    ORIGINAL_TO = text("imf.ext.original-to", "X-Original-To", "RFC 5322 §3.6.8");
    MIME_VERSION = text("imf.mime_version", "MIME-Version", "RFC 2045 §4");
    CONTENT_TYPE = text("imf.content.type", "Content-Type", "RFC 2045 §5").key().role(Role::Media);
    CONTENT_ENCODING = text("imf.content.transfer_encoding", "Content-Transfer-Encoding", "RFC 2045 §6");
    CONTENT_ID = text("imf.content.id", "Content-ID", "RFC 2045 §7");
    CONTENT_DESCRIPTION = text("imf.content.description", "Content-Description", "RFC 2045 §8");
    CONTENT_DISPOSITION = own("imf.content.disposition", "Content-Disposition", "RFC 2183 §2");
    CONTENT_LANGUAGE = text("imf.content_language", "Content-Language", "RFC 3282 §2");
    PRECEDENCE = text("imf.precedence", "Precedence", "RFC 2076 §3.9");
    PRIORITY = text("imf.priority", "Priority", "RFC 2156 §5.3.6");
    IMPORTANCE = text("imf.importance", "Importance", "RFC 4021 §2.1.40");
    AUTO_SUBMITTED = text("imf.autosubmitted", "Auto-Submitted", "RFC 3834 §5");
    LINES = text("imf.lines", "Lines", "RFC 1036 §2.2.12");
    THREAD_INDEX = text("imf.thread-index", "Thread-Index", "RFC 5322 §3.6.8");
    LIST_ID = own("imf.list_id", "List-Id", "RFC 2919 §3");
    LIST_UNSUBSCRIBE = own("imf.list_unsubscribe", "List-Unsubscribe", "RFC 2369 §3.2");
    DKIM = own("imf.dkim_signature", "DKIM-Signature", "RFC 6376 §3.5");
    AUTHENTICATION_RESULTS = own("imf.authentication_results", "Authentication-Results", "RFC 8601 §2.2");
    RECEIVED_SPF = own("imf.received_spf", "Received-SPF", "RFC 7208 §9.1");
    ARC = own("imf.arc", "ARC header", "RFC 8617 §4.1");

    ENVELOPE_FROM = own("imf.envelope.from", "Envelope: sender", "RFC 5321 §2.3.1");
    ENVELOPE_TO = own("imf.envelope.to", "Envelope: recipient", "RFC 5321 §2.3.1");
    MEDIA = own("imf.media_type", "Media type", "RFC 2045 §5.1");
    CHARSET = own("imf.charset", "Character set", "RFC 2046 §4.1.2");
    PARAMETER = own("imf.content.parameter", "Parameter", "RFC 2231");

    TEXT = Field::new("imf.message_text", "Body", Kind::Bytes).rfc("RFC 5322 §2.3").oracle("-");
    PREAMBLE = Field::new("mime_multipart.preamble", "Preamble, shown by no program", Kind::Bytes).rfc("RFC 2046 §5.1.1").oracle("-");
    BOUNDARY = own("mime_multipart.boundary", "Boundary", "RFC 2046 §5.1.1");
    LAST_BOUNDARY = own("mime_multipart.last_boundary", "Last boundary", "RFC 2046 §5.1.1");
    EPILOGUE = Field::new("mime_multipart.trailer", "Epilogue, shown by no program", Kind::Bytes).rfc("RFC 2046 §5.1.1").oracle("-");
    PART = own("mime_multipart.part", "Part", "RFC 2046 §5.1");
    PART_TYPE = text("mime_multipart.header.content-type", "Content-Type", "RFC 2045 §5");
    PART_ENCODING = text("mime_multipart.header.content-transfer-encoding", "Content-Transfer-Encoding", "RFC 2045 §6");
    PART_DISPOSITION = text("mime_multipart.header.content-disposition", "Content-Disposition", "RFC 2183 §2");
    PART_ID = text("mime_multipart.header.content-id", "Content-ID", "RFC 2045 §7");
    PART_DESCRIPTION = text("mime_multipart.header.content-description", "Content-Description", "RFC 2045 §8");
    PART_LANGUAGE = text("mime_multipart.header.content-language", "Content-Language", "RFC 3282 §2");
    PART_BODY = Field::new("mime_multipart.part.body", "Content of the part", Kind::Bytes).rfc("RFC 2046 §5.1").oracle("-");
    ATTACHMENT = own("imf.attachment", "Attached file", "RFC 2183 §2.3").key().role(Role::File);
}

macro_rules! states {
    ($($(#[$doc:meta])* $id:ident = $name:literal, $label:literal;)*) => {
        $($(#[$doc])* pub static $id: State = State { name: $name, label: $label };)*
        /// Every state.
        pub static STATES: &[&State] = &[$(&$id),*];
    };
}

states! {
    /// The headers are being sent.
    HEAD = "imf.state.head", "Sending the headers";
    /// The body is being sent.
    BODY = "imf.state.body", "Sending the body";
    /// All of it was sent.
    DONE = "imf.state.done", "Sent";
}
