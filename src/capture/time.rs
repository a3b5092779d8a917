//! Time resolutions of pcapng interfaces: from units of any size to nanoseconds since 1970.

/// Nanoseconds of a second.
pub(crate) const SECOND: i64 = 1_000_000_000;

/// Unit and origin of an interface's timestamps (`if_tsresol`, `if_tsoffset`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolution {
    code: u8,
    offset_s: i64,
    scale: Scale,
    offset_ns: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    /// One unit is this many nanoseconds.
    Times(u64),
    /// This many units are a nanosecond.
    Over(u128),
    /// 2 to this power of units are a second.
    Binary(u32),
}

impl Default for Resolution {
    fn default() -> Self {
        Self::new(6, 0)
    }
}

impl Resolution {
    /// From the option values: `code` as in `if_tsresol` (a power of ten, or of two when the top bit is set; the sign
    /// is implied), `offset_s` seconds added to every time (`if_tsoffset`).
    pub fn new(code: u8, offset_s: i64) -> Self {
        let power = u32::from(code & 0x7f);
        let scale = if code & 0x80 != 0 {
            Scale::Binary(power)
        } else if let Some(down) = 9u32.checked_sub(power) {
            Scale::Times(10u64.saturating_pow(down))
        } else {
            // Past 10^38 a unit is so small that 64 bits of them never make a nanosecond: the quotient is 0 either way.
            Scale::Over(10u128.saturating_pow(power.saturating_sub(9)))
        };
        Self { code, offset_s, scale, offset_ns: offset_s.saturating_mul(SECOND) }
    }

    /// The `if_tsresol` value.
    pub fn code(&self) -> u8 {
        self.code
    }

    /// The `if_tsoffset` value in seconds.
    pub fn offset_s(&self) -> i64 {
        self.offset_s
    }

    /// Nanoseconds since 1970 of `units`. Times past the year 2262 are held at the end of the range.
    #[inline]
    pub fn to_ns(&self, units: u64) -> i64 {
        let ns = match self.scale {
            Scale::Times(unit) => units.checked_mul(unit).and_then(|ns| i64::try_from(ns).ok()).unwrap_or(i64::MAX),
            Scale::Over(many) => i64::try_from(u128::from(units).checked_div(many).unwrap_or(0)).unwrap_or(i64::MAX),
            Scale::Binary(power) => {
                // 64 bits times 30 bits fit in 128; the shift is below 128.
                let product = u128::from(units).saturating_mul(SECOND.unsigned_abs().into());
                i64::try_from(product.checked_shr(power).unwrap_or(0)).unwrap_or(i64::MAX)
            }
        };
        // i64::MIN means "no time", so the range ends just above it.
        ns.saturating_add(self.offset_ns).max(i64::MIN + 1)
    }

    /// Units since the origin of a time in nanoseconds since 1970 (0 for times before the origin): what a writer puts
    /// into a block. Finer parts than the unit are cut off.
    pub fn from_ns(&self, time_ns: i64) -> u64 {
        let ns = u64::try_from(time_ns.saturating_sub(self.offset_ns)).unwrap_or(0);
        match self.scale {
            Scale::Times(unit) => ns.checked_div(unit).unwrap_or(0),
            Scale::Over(many) => u64::try_from(u128::from(ns).saturating_mul(many)).unwrap_or(u64::MAX),
            Scale::Binary(power) => {
                // Round up, so that converting back and forth gives the same unit.
                let scaled = u128::from(ns).checked_mul(1u128.checked_shl(power).unwrap_or(u128::MAX));
                scaled.and_then(|v| u64::try_from(v.div_ceil(SECOND.unsigned_abs().into())).ok()).unwrap_or(u64::MAX)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_ten_and_two() {
        assert_eq!(Resolution::new(6, 0).to_ns(1_500_000), 1_500_000_000);
        assert_eq!(Resolution::new(9, 0).to_ns(7), 7);
        assert_eq!(Resolution::new(3, 0).to_ns(7), 7_000_000);
        assert_eq!(Resolution::new(0, 0).to_ns(7), 7 * SECOND);
        assert_eq!(Resolution::new(12, 0).to_ns(7_999), 7);
        assert_eq!(Resolution::new(0x80 | 10, 0).to_ns(1024 + 512), 1_500_000_000);
        assert_eq!(Resolution::new(0x80 | 32, 5).to_ns(1 << 31), 5_500_000_000);
        assert_eq!(Resolution::new(6, -2).to_ns(3_000_000), SECOND);
    }

    #[test]
    fn any_code_takes_any_value() {
        for code in 0..=255 {
            for units in [0, 1, u64::MAX / 2, u64::MAX] {
                for offset in [i64::MIN, -1, 0, i64::MAX] {
                    assert_ne!(Resolution::new(code, offset).to_ns(units), i64::MIN);
                    let _ = Resolution::new(code, offset).from_ns(units.cast_signed());
                }
            }
        }
    }

    #[test]
    fn writing_and_reading_agree() {
        for code in [0u8, 3, 6, 9, 0x80 | 10, 0x80 | 20, 0x80 | 28] {
            let r = Resolution::new(code, 0);
            for units in [0u64, 1, 12_345, 1_234_567] {
                assert_eq!(r.from_ns(r.to_ns(units)), units, "code {code}");
            }
        }
    }
}
