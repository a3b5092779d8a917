//! PEM (RFC 7468): writing it, and reading certificates and keys out of files that hold several things.

use crate::Error;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 (RFC 4648 section 4) without line breaks.
pub fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3).saturating_mul(4));
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << 3usize.saturating_sub(chunk.len()).saturating_mul(8);
        for digit in 0..4usize {
            let index = (group >> (18usize.saturating_sub(digit.saturating_mul(6)))) & 63;
            let letter = ALPHABET.get(index as usize).copied().unwrap_or(b'=');
            text.push(if digit > chunk.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

/// A PEM block with a label such as `CERTIFICATE`.
pub fn block(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    let lines = base64(der);
    let mut rest = lines.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

/// All certificates of a PEM file; other blocks are passed over. `what` names the file in errors.
pub fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|e| Error::unusable(what, format!("the PEM is damaged: {e}"), "Export the certificate anew."))?;
    if found.is_empty() {
        return Err(Error::unusable(
            what,
            "there is no CERTIFICATE block in it",
            "Give a PEM file; a DER file becomes one by `openssl x509 -inform DER -in FILE`.",
        ));
    }
    Ok(found)
}

/// The first private key of a PEM file (PKCS#8, PKCS#1 or SEC1). `what` names the file in errors.
pub fn private_key(pem: &[u8], what: &str) -> Result<PrivateKeyDer<'static>, Error> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|e| {
        let encrypted = pem.windows(9).any(|w| w == b"ENCRYPTED");
        let why = if encrypted { "the key is encrypted".to_owned() } else { format!("there is no private key to read: {e}") };
        let cure = if encrypted {
            "Decrypt it first: `openssl pkey -in FILE -out KEY.pem`, and keep that file to yourself."
        } else {
            "Give a PEM file with a PRIVATE KEY, EC PRIVATE KEY or RSA PRIVATE KEY block."
        };
        Error::unusable(what, why, cure)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        // RFC 4648 section 10.
        let vectors = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")];
        for (plain, coded) in vectors.into_iter().chain([("foobar", "Zm9vYmFy")]) {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let der: Vec<u8> = (0..=255).collect();
        let text = block("CERTIFICATE", &der);
        assert!(text.lines().all(|l| l.len() <= 64));
        assert_eq!(certificates(text.as_bytes(), "test").unwrap(), [CertificateDer::from(der)]);
    }

    #[test]
    fn an_encrypted_key_is_called_so() {
        let pem = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        assert!(private_key(pem, "k.pem").unwrap_err().to_string().contains("encrypted"));
    }
}
