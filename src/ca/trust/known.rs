//! Chains that were verified a moment ago: a browser opens several connections to a server at once, and many servers share a certificate.

use super::chain::in_time;
use ring::digest::{Context, SHA256};
use rustls::pki_types::{CertificateDer, UnixTime};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// For so long the signatures of a chain are not verified again.
const KEPT: Duration = Duration::from_secs(300);
/// Chains kept. When there are more, all are forgotten.
const MOST: usize = 1024;

/// SHA-256 of a chain, and when it was verified, in seconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<HashMap<[u8; 32], u64>>);

impl Known {
    /// Whether exactly these certificates were verified less than five minutes before `now`. For which host they stand is not asked here.
    pub(super) fn has(&self, chain: &Digest, now: UnixTime) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&chain.0).is_some_and(|then| (*then..=then.saturating_add(KEPT.as_secs())).contains(&now.as_secs()))
    }

    /// A chain was verified just now. It is kept only if no certificate of it ends before it is forgotten.
    pub(super) fn keep(&self, chain: &Digest, (leaf, others): (&CertificateDer<'_>, &[CertificateDer<'_>]), now: UnixTime) {
        let later = UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs()).saturating_add(KEPT));
        if std::iter::once(leaf).chain(others).all(|c| in_time(c, now) && in_time(c, later)) {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(chain.0, now.as_secs());
        }
    }
}

/// What a chain is known by.
pub(super) struct Digest([u8; 32]);

impl Digest {
    /// Of a chain as it came.
    pub(super) fn of(leaf: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> Digest {
        let mut context = Context::new(&SHA256);
        for certificate in std::iter::once(leaf).chain(others) {
            context.update(&certificate.len().to_le_bytes());
            context.update(certificate);
        }
        let mut digest = [0; 32];
        digest.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
        Digest(digest)
    }
}
