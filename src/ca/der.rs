//! Writing DER (X.690): the few types that certificates are made of.
//!
//! Certificates are written here rather than through a general library because a proxy mints them while a client waits: what is left of
//! the cost is the signature.

/// Tags of the types used here.
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const NULL: u8 = 0x05;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const UTF8_STRING: u8 = 0x0c;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;

    /// `[n]` around other types.
    pub(crate) const fn context(n: u8) -> u8 {
        0xa0 | n
    }

    /// `[n]` in place of a primitive type's own tag.
    pub(crate) const fn implicit(n: u8) -> u8 {
        0x80 | n
    }
}

/// Object identifiers, already encoded.
pub(crate) mod oid {
    pub(crate) const COMMON_NAME: &[u8] = &[0x55, 4, 3];
    pub(crate) const ORGANIZATION: &[u8] = &[0x55, 4, 10];
    pub(crate) const SUBJECT_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 14];
    pub(crate) const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
    pub(crate) const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 17];
    pub(crate) const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
    pub(crate) const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 30];
    pub(crate) const AUTHORITY_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 35];
    pub(crate) const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 37];
    pub(crate) const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
}

/// A piece of DER being written.
#[derive(Default)]
pub(crate) struct Der(Vec<u8>);

impl Der {
    /// With room for so many bytes.
    pub(crate) fn with_capacity(bytes: usize) -> Der {
        Der(Vec::with_capacity(bytes))
    }

    /// What was written.
    pub(crate) fn bytes(self) -> Vec<u8> {
        self.0
    }

    /// Bytes that are DER already.
    pub(crate) fn raw(&mut self, der: &[u8]) {
        self.0.extend_from_slice(der);
    }

    /// A primitive value.
    pub(crate) fn value(&mut self, tag: u8, content: &[u8]) {
        self.0.push(tag);
        self.length(content.len());
        self.0.extend_from_slice(content);
    }

    /// A value that holds what `inside` writes.
    pub(crate) fn nest(&mut self, tag: u8, inside: impl FnOnce(&mut Der)) {
        self.0.push(tag);
        let start = self.0.len();
        inside(self);
        // The length stands before its content and has as many bytes as it needs, so the content moves up by that.
        let mut length = Der::default();
        length.length(self.0.len().saturating_sub(start));
        self.0.splice(start..start, length.0);
    }

    fn length(&mut self, length: usize) {
        match u8::try_from(length) {
            Ok(short) if short < 0x80 => self.0.push(short),
            _ => {
                let bytes = length.to_be_bytes();
                let from = bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len());
                let bytes = bytes.get(from..).unwrap_or_default();
                self.0.push(0x80 | u8::try_from(bytes.len()).unwrap_or(8));
                self.0.extend_from_slice(bytes);
            }
        }
    }

    /// A BIT STRING of whole bytes.
    pub(crate) fn bits(&mut self, bytes: &[u8]) {
        self.nest(tag::BIT_STRING, |d| {
            d.0.push(0);
            d.raw(bytes);
        });
    }

    /// A small INTEGER.
    pub(crate) fn small(&mut self, n: u8) {
        debug_assert!(n < 0x80, "greater ones would read as negative");
        self.value(tag::INTEGER, &[n]);
    }

    /// A time, as UTCTime or GeneralizedTime.
    pub(crate) fn time(&mut self, seconds: i64) {
        let (utc, text) = crate::date::encoded(seconds);
        self.value(if utc { tag::UTC_TIME } else { tag::GENERALIZED_TIME }, text.as_bytes());
    }

    /// A name's one attribute.
    pub(crate) fn attribute(&mut self, kind: &[u8], text: &str) {
        self.nest(tag::SET, |d| {
            d.nest(tag::SEQUENCE, |d| {
                d.value(tag::OID, kind);
                d.value(tag::UTF8_STRING, text.as_bytes());
            });
        });
    }

    /// An extension of a certificate.
    pub(crate) fn extension(&mut self, kind: &[u8], critical: bool, inside: impl FnOnce(&mut Der)) {
        self.nest(tag::SEQUENCE, |d| {
            d.value(tag::OID, kind);
            if critical {
                d.value(tag::BOOLEAN, &[0xff]);
            }
            d.nest(tag::OCTET_STRING, inside);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_the_fewest_bytes() {
        for (n, head) in [(0, &[4u8, 0][..]), (127, &[4, 127]), (128, &[4, 0x81, 128]), (256, &[4, 0x82, 1, 0])] {
            let content = vec![7u8; n];
            let (mut plain, mut nested) = (Der::default(), Der::default());
            plain.value(tag::OCTET_STRING, &content);
            nested.nest(tag::OCTET_STRING, |d| d.raw(&content));
            assert_eq!(plain.0, [head, &content].concat());
            assert_eq!(plain.0, nested.0, "both ways of writing agree at {n}");
        }
    }
}
