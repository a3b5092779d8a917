//! An RSA key of our own making, for clients that know no ECDSA: `ring` signs with such keys, but makes none.
//!
//! One is made per process and used for the leaves alone, which nobody trusts beyond this run's authority. FIPS 186-5 appendix A.1.3 says how:
//! two random primes of 1024 bits with their two highest bits set, e = 65537. Numbers are little-endian in limbs of 64 bits.

use crate::Error;
use crate::der::{Der, tag};
use crate::signer::random;
use std::cmp::Ordering;

/// Limbs of a prime: 1024 bits.
const LIMBS: usize = 16;
const E: u64 = 65_537;
/// Rounds of Miller-Rabin: of random numbers of this size fewer than one in 2^100 that pass are composite (FIPS 186-5 appendix B.3).
const ROUNDS: usize = 5;
/// Divisors that are tried first.
const SMALL: u64 = 2000;
/// rsaEncryption with its NULL (RFC 8017 appendix A.1).
const ALGORITHM: &[u8] = &[0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, tag::NULL, 0];

type Num = Vec<u64>;

/// A new RSA key of 2048 bits in PKCS#8.
pub(crate) fn new_key() -> Result<Vec<u8>, Error> {
    let small = small_primes();
    let (a, b) = (prime(&small)?, prime(&small)?);
    let (p, q) = if order(&a, &b) == Ordering::Greater { (a, b) } else { (b, a) };
    let (p1, q1) = (less(&p, &[1]), less(&q, &[1]));
    let modulus = Modulus::new(&p);
    let inverse = modulus.power(&q, &less(&p, &[2]));
    let numbers =
        [&times(&p, &q), &vec![E], &inverse_of_e(&times(&p1, &q1)), &p, &q, &inverse_of_e(&p1), &inverse_of_e(&q1), &inverse];
    let mut key = Der::with_capacity(1300);
    key.nest(tag::SEQUENCE, |d| {
        d.small(0);
        d.raw(ALGORITHM);
        d.nest(tag::OCTET_STRING, |d| {
            d.nest(tag::SEQUENCE, |d| {
                d.small(0);
                numbers.iter().for_each(|n| integer(d, n));
            });
        });
    });
    Ok(key.bytes())
}

fn integer(d: &mut Der, n: &[u64]) {
    let bytes: Vec<u8> = n.iter().rev().flat_map(|l| l.to_be_bytes()).collect();
    let from = bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len());
    let mut content = bytes.get(from..).unwrap_or_default().to_vec();
    // It must not read as negative.
    if content.first().is_none_or(|b| *b >= 0x80) {
        content.insert(0, 0);
    }
    d.value(tag::INTEGER, &content);
}

fn small_primes() -> Vec<u64> {
    let mut found: Vec<u64> = Vec::new();
    for n in (3..SMALL).step_by(2) {
        if found.iter().all(|p| !n.is_multiple_of(*p)) {
            found.push(n);
        }
    }
    found
}

/// Random limbs.
fn limbs() -> Result<Num, Error> {
    let bytes = random::<{ LIMBS * 8 }>()?;
    Ok(bytes.as_chunks::<8>().0.iter().map(|c| u64::from_le_bytes(*c)).collect())
}

/// A random prime whose predecessor shares no divisor with [`E`].
fn prime(small: &[u64]) -> Result<Num, Error> {
    loop {
        let mut n = limbs()?;
        if let Some(low) = n.first_mut() {
            *low |= 1;
        }
        if let Some(high) = n.last_mut() {
            *high |= 3 << 62;
        }
        if rest(&n, E) != 1 && small.iter().all(|p| rest(&n, *p) != 0) && is_prime(&n)? {
            return Ok(n);
        }
    }
}

/// Miller-Rabin (FIPS 186-5 appendix B.3.1).
fn is_prime(n: &[u64]) -> Result<bool, Error> {
    let modulus = Modulus::new(n);
    let before = less(n, &[1]);
    let (mut odd, mut twos) = (before.clone(), 0u32);
    while odd.first().is_some_and(|l| l & 1 == 0) {
        halve(&mut odd);
        twos = twos.wrapping_add(1);
    }
    for round in 0..ROUNDS {
        // Two sorts out most that are composite, at little cost.
        let mut base = if round == 0 { vec![0; LIMBS] } else { limbs()? };
        if let Some(high) = base.last_mut() {
            *high >>= 1;
        }
        if let Some(low) = base.first_mut() {
            *low |= 2;
        }
        let mut x = modulus.power(&base, &odd);
        let mut passed = order(&x, &[1]) == Ordering::Equal || order(&x, &before) == Ordering::Equal;
        for _ in 1..twos {
            if passed {
                break;
            }
            x = modulus.power(&x, &[2]);
            passed = order(&x, &before) == Ordering::Equal;
        }
        if !passed {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The inverse of [`E`] modulo `m`: (k m + 1) / E for the k that makes this whole.
fn inverse_of_e(m: &[u64]) -> Num {
    // E is prime, so that an inverse modulo E is a power (Fermat).
    let r = rest(m, E);
    let mut inverse = 1u64;
    for _ in 0..E.wrapping_sub(2) {
        inverse = inverse.wrapping_mul(r).checked_rem(E).unwrap_or(0);
    }
    let mut sum = vec![0; m.len().saturating_add(1)];
    add_scaled(&mut sum, m, E.wrapping_sub(inverse));
    add_scaled(&mut sum, &[1], 1);
    let mut carry = 0u128;
    for limb in sum.iter_mut().rev() {
        let here = (carry << 64) | u128::from(*limb);
        *limb = here.checked_div(u128::from(E)).unwrap_or(0) as u64;
        carry = here.checked_rem(u128::from(E)).unwrap_or(0);
    }
    sum
}

/// `to` += `a` times `k`; what goes beyond `to` is lost.
fn add_scaled(to: &mut [u64], a: &[u64], k: u64) {
    let (mut carry, mut a) = (0u64, a.iter());
    for limb in to {
        let next = a.next();
        if next.is_none() && carry == 0 {
            return;
        }
        // It fits: (2^64 - 1)^2 + 2 (2^64 - 1) = 2^128 - 1.
        let sum = u128::from(next.copied().unwrap_or(0))
            .wrapping_mul(u128::from(k))
            .wrapping_add(u128::from(*limb))
            .wrapping_add(u128::from(carry));
        (*limb, carry) = (sum as u64, (sum >> 64) as u64);
    }
}

fn times(a: &[u64], b: &[u64]) -> Num {
    let mut out = vec![0; a.len().saturating_add(b.len())];
    for (at, k) in b.iter().enumerate() {
        add_scaled(out.get_mut(at..).unwrap_or_default(), a, *k);
    }
    out
}

/// `a` - `b`, which is not greater.
fn less(a: &[u64], b: &[u64]) -> Num {
    let (mut borrow, mut b) = (false, b.iter());
    let mut one = |limb: &u64| {
        let (first, under) = limb.overflowing_sub(b.next().copied().unwrap_or(0));
        let (second, below) = first.overflowing_sub(u64::from(borrow));
        borrow = under || below;
        second
    };
    a.iter().map(&mut one).collect()
}

fn halve(n: &mut [u64]) {
    let mut carry = 0;
    for limb in n.iter_mut().rev() {
        let low = *limb << 63;
        *limb = (*limb >> 1) | carry;
        carry = low;
    }
}

/// Twice `n`, and whether it went over the end.
fn double(n: &mut [u64]) -> bool {
    let mut carry = 0;
    for limb in n.iter_mut() {
        let high = *limb >> 63;
        *limb = (*limb << 1) | carry;
        carry = high;
    }
    carry != 0
}

fn order(a: &[u64], b: &[u64]) -> Ordering {
    let len = a.len().max(b.len());
    let padded = |n: &[u64]| -> Num { n.iter().copied().chain(std::iter::repeat(0)).take(len).collect() };
    padded(a).iter().rev().cmp(padded(b).iter().rev())
}

/// What is left of `n` divided by `by`.
fn rest(n: &[u64], by: u64) -> u64 {
    let over = |left: u128, limb: &u64| ((left << 64) | u128::from(*limb)).checked_rem(u128::from(by)).unwrap_or(0);
    n.iter().rev().fold(0u128, over) as u64
}

/// Arithmetic modulo an odd number, in Montgomery's way.
struct Modulus<'a> {
    n: &'a [u64],
    /// -1/n modulo 2^64.
    inverse: u64,
    /// R^2 modulo n, where R is one more than the largest number of so many limbs.
    square: Num,
}

impl<'a> Modulus<'a> {
    fn new(n: &'a [u64]) -> Modulus<'a> {
        let low = n.first().copied().unwrap_or(1);
        // Newton: each step doubles the bits that are right; an odd number is its own inverse in three.
        let mut inverse = low;
        for _ in 0..5 {
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(low.wrapping_mul(inverse)));
        }
        let mut square = vec![0; n.len()];
        if let Some(first) = square.first_mut() {
            *first = 1;
        }
        for _ in 0..n.len().saturating_mul(128) {
            let over = double(&mut square);
            if over || order(&square, n) != Ordering::Less {
                square = less(&square, n);
            }
        }
        Modulus { n, inverse: inverse.wrapping_neg(), square }
    }

    /// a b / R.
    fn multiply(&self, a: &[u64], b: &[u64]) -> Num {
        let mut t = vec![0; self.n.len().saturating_add(2)];
        for k in b {
            add_scaled(&mut t, a, *k);
            let m = t.first().copied().unwrap_or(0).wrapping_mul(self.inverse);
            add_scaled(&mut t, self.n, m);
            // The lowest limb is 0 now.
            t.rotate_left(1);
        }
        if order(&t, self.n) != Ordering::Less {
            t = less(&t, self.n);
        }
        t.truncate(self.n.len());
        t
    }

    /// `base` to the power of `exponent`.
    fn power(&self, base: &[u64], exponent: &[u64]) -> Num {
        let one = {
            let mut one = vec![0; self.n.len()];
            one.first_mut().into_iter().for_each(|l| *l = 1);
            one
        };
        let base = self.multiply(base, &self.square);
        let mut x = self.multiply(&one, &self.square);
        for limb in exponent.iter().rev() {
            for bit in (0..64).rev() {
                x = self.multiply(&x, &x);
                if (limb >> bit) & 1 == 1 {
                    x = self.multiply(&x, &base);
                }
            }
        }
        self.multiply(&x, &one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_numbers_come_out_as_on_paper() {
        let m = Modulus::new(&[1_000_003, 0]);
        assert_eq!(m.power(&[2, 0], &[20]), [1_048_576 % 1_000_003, 0]);
        assert_eq!(times(&[u64::MAX], &[u64::MAX]), [1, u64::MAX - 1]);
        assert_eq!(less(&[0, 1], &[1]), [u64::MAX, 0]);
        assert_eq!(rest(&[0, 1], 10), 6);
        // 7 * inverse = 1 modulo 10^9 + 7 - 1, with E in the place of 7.
        let inverse = inverse_of_e(&[1_000_000_006]);
        assert_eq!(u128::from(inverse[0]) * u128::from(E) % 1_000_000_006, 1);
    }

    #[test]
    fn primes_and_others_are_told_apart() {
        // 2^521 - 1 is a Mersenne prime; 2^523 - 1 is none; 561 is Carmichael's.
        let mersenne = |bits: usize| -> Num {
            let mut n = vec![u64::MAX; bits / 64];
            n.push((1 << (bits % 64)) - 1);
            n.resize(LIMBS, 0);
            n
        };
        assert!(is_prime(&mersenne(521)).unwrap());
        assert!(!is_prime(&mersenne(523)).unwrap());
        let mut carmichael = vec![0; LIMBS];
        carmichael[0] = 561;
        assert!(!is_prime(&carmichael).unwrap());
    }

    #[test]
    fn ring_takes_the_key_and_signs_with_it() {
        let key = new_key().unwrap();
        let pair = ring::signature::RsaKeyPair::from_pkcs8(&key).unwrap();
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(&ring::signature::RSA_PKCS1_SHA256, &ring::rand::SystemRandom::new(), b"words", &mut signature).unwrap();
        let public = pair.public().as_ref().to_vec();
        let check = ring::signature::UnparsedPublicKey::new(&ring::signature::RSA_PKCS1_2048_8192_SHA256, public);
        assert!(check.verify(b"words", &signature).is_ok() && check.verify(b"other words", &signature).is_err());
    }
}
