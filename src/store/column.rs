//! Numbers of one column in as few bits as they need, each still found at once: what full segments are kept in.
//!
//! Rows that lie together are alike, so each block of them shares a base, and a row keeps the bits in which it differs from that. A few
//! values that would widen all the others stand in a list of their own ("patched frame of reference").

/// Values that share a base, as a power of two.
const BLOCK: u32 = 7;
/// Bits that a value costs which stands in the list.
const RARE_BITS: usize = size_of::<Rare>() * 8;

/// A value that stands in the list: its row, and by how much it is above its base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rare {
    row: u32,
    rest: u64,
}

/// Packed numbers. How many they are is known to who keeps them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Column {
    /// What the values of each block begin at; a single one where all blocks have the same.
    bases: Box<[u64]>,
    /// A code for each value, the lowest bits first, and a word more, so that a code may always be read from two words.
    words: Box<[u64]>,
    /// By rising row.
    rare: Box<[Rare]>,
    /// Bits of a code.
    width: u32,
    /// Whether code 0 is the value 0 whatever the base: it stands for "none" among numbers that are large and close to each other.
    apart: bool,
}

impl Column {
    /// Packs values, which are used up; `apart` says that 0 means "none" among them.
    pub fn pack(values: &mut [u64], apart: bool) -> Column {
        let apart = apart && values.contains(&0);
        let mut bases = Vec::with_capacity(values.len().div_ceil(1 << BLOCK));
        let (mut longest, mut lengths) = (0, 0);
        for block in values.chunks_mut(1 << BLOCK) {
            let (base, most) = if apart { take_base_apart(block) } else { take_base(block) };
            bases.push(base);
            longest = longest.max(length(most));
            lengths += length(most) as usize;
        }
        // Where all blocks need about as many bits, few values can be much longer than the others.
        let is_even = lengths + bases.len() > longest as usize * bases.len();
        let width = if is_even { longest } else { best_width(values, longest) };
        if bases.first().is_some_and(|first| bases.iter().all(|b| b == first)) {
            bases.truncate(1);
        }
        let (words, rare) = pack_rests(values, width, longest > width);
        Column { bases: bases.into(), words: words.into(), rare: rare.into(), width, apart }
    }

    /// Packs what `of` says of each row, as [`Column::pack`] does; `values` is memory to work in.
    pub fn of<R>(rows: &[R], values: &mut Vec<u64>, apart: bool, of: impl Fn(&R) -> u64) -> Column {
        // Many columns say the same in every row.
        let first = rows.first().map_or(0, &of);
        let Some(other) = rows.iter().position(|r| of(r) != first) else {
            return Column { bases: Box::new([first]), ..Column::default() };
        };
        values.clear();
        values.resize(other, first);
        values.extend(rows.iter().skip(other).map(of));
        Column::pack(values, apart)
    }

    #[inline]
    fn base(&self, row: usize) -> u64 {
        let block = if self.bases.len() == 1 { 0 } else { row >> BLOCK };
        self.bases.get(block).copied().unwrap_or_default()
    }

    /// The value of a row.
    #[inline]
    pub fn get(&self, row: usize) -> u64 {
        let base = self.base(row);
        if self.width == 0 {
            return base;
        }
        let mask = mask(self.width);
        let code = code_at(&self.words, row, self.width, mask);
        if self.apart && code == 0 {
            return 0;
        }
        if code == mask && !self.rare.is_empty() {
            return base.wrapping_add(self.rare_rest(row).unwrap_or(code));
        }
        base.wrapping_add(code)
    }

    #[cold]
    fn rare_rest(&self, row: usize) -> Option<u64> {
        let at = self.rare.binary_search_by_key(&row, |r| r.row as usize).ok()?;
        self.rare.get(at).map(|r| r.rest)
    }

    /// The first `len` values: sooner had than one by one.
    pub fn unpack(&self, len: usize, values: &mut Vec<u64>) {
        values.clear();
        let mask = mask(self.width);
        for from in (0..len).step_by(1 << BLOCK) {
            let (base, rows) = (self.base(from), from..len.min(from + (1 << BLOCK)));
            match (self.width, self.apart) {
                (0, _) => values.resize(rows.end, base),
                (width, false) => values.extend(rows.map(|row| base.wrapping_add(code_at(&self.words, row, width, mask)))),
                (width, true) => values.extend(rows.map(|row| match code_at(&self.words, row, width, mask) {
                    0 => 0,
                    code => base.wrapping_add(code),
                })),
            }
        }
        for rare in &self.rare {
            if let Some(value) = values.get_mut(rare.row as usize) {
                *value = self.base(rare.row as usize).wrapping_add(rare.rest);
            }
        }
    }

    /// Sets a part of each row from its value; `values` is memory to work in.
    #[inline]
    pub fn set<R>(&self, rows: &mut [R], values: &mut Vec<u64>, mut set: impl FnMut(&mut R, u64)) {
        self.unpack(rows.len(), values);
        rows.iter_mut().zip(values).for_each(|(row, value)| set(row, *value));
    }

    /// Bytes on the heap.
    pub fn heap_size(&self) -> usize {
        (self.bases.len() + self.words.len()) * 8 + self.rare.len() * size_of::<Rare>()
    }
}

/// Takes the least of a block from all its values; returns it and the largest of what is left.
fn take_base(block: &mut [u64]) -> (u64, u64) {
    let (least, most) = block.iter().fold((u64::MAX, 0), |(least, most), v| (least.min(*v), most.max(*v)));
    if least != 0 {
        block.iter_mut().for_each(|value| *value = value.wrapping_sub(least));
    }
    (least, most.wrapping_sub(least))
}

/// The same where 0 means "none" and stays so.
fn take_base_apart(block: &mut [u64]) -> (u64, u64) {
    // One less than the least, so that no code of it is 0. Of nothing but "none" that would be the highest number.
    let below = block.iter().fold(u64::MAX, |least, v| least.min(v.wrapping_sub(1)));
    let base = if below == u64::MAX { 0 } else { below };
    let mut most = 0;
    for value in block {
        *value = if *value == 0 { 0 } else { value.wrapping_sub(base) };
        most = most.max(*value);
    }
    (base, most)
}

/// The highest code of a width.
#[inline]
const fn mask(width: u32) -> u64 {
    u64::MAX.unbounded_shr(64 - width)
}

/// Bits that a number has.
#[inline]
const fn length(n: u64) -> u32 {
    64 - n.leading_zeros()
}

/// The code of a row.
#[inline]
fn code_at(words: &[u64], row: usize, width: u32, mask: u64) -> u64 {
    let bit = row * width as usize;
    let (at, shift) = (bit / 64, bit as u32 % 64);
    let Some([low, high]) = words.get(at..at + 2) else { return 0 };
    ((low >> shift) | ((high << 1) << (63 - shift))) & mask
}

/// The width that takes the least memory, rare values counted; no rest has more than `longest` bits.
fn best_width(rests: &[u64], longest: u32) -> u32 {
    let mut of_length = [0usize; 65];
    for rest in rests {
        if let Some(n) = of_length.get_mut(length(*rest) as usize) {
            *n += 1;
        }
    }
    let (mut best, mut least, mut longer) = (longest, longest as usize * rests.len(), 0);
    for width in (1..longest).rev() {
        longer += of_length.get(width as usize + 1).copied().unwrap_or(0);
        let bits = width as usize * rests.len() + longer * RARE_BITS;
        if bits < least {
            (best, least) = (width, bits);
        }
    }
    best
}

/// Puts the codes of the rests one behind the other; what is too wide goes to the list.
fn pack_rests(rests: &mut [u64], width: u32, some_are_rare: bool) -> (Vec<u64>, Vec<Rare>) {
    let mut rare = Vec::new();
    if width == 0 {
        return (Vec::new(), rare);
    }
    if some_are_rare {
        // The highest code points to them.
        let mask = mask(width);
        for (row, rest) in rests.iter_mut().enumerate().filter(|(_, rest)| **rest >= mask) {
            rare.push(Rare { row: row as u32, rest: *rest });
            *rest = mask;
        }
    }
    let mut words = Vec::with_capacity((rests.len() * width as usize).div_ceil(64) + 1);
    let (mut word, mut used) = (0u64, 0u32);
    for code in rests {
        word |= *code << used;
        used += width;
        if used >= 64 {
            words.push(word);
            used -= 64;
            // What did not fit; nothing where the word ended with the code.
            word = code.unbounded_shr(width - used);
        }
    }
    words.extend((used > 0).then_some(word));
    words.push(0);
    (words, rare)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_kept(values: &[u64]) {
        for apart in [false, true] {
            let column = Column::pack(&mut values.to_vec(), apart);
            let each: Vec<u64> = (0..values.len()).map(|row| column.get(row)).collect();
            assert_eq!(each, values, "{apart} {column:?}");
            let mut all = vec![1, 2, 3];
            column.unpack(values.len(), &mut all);
            assert_eq!(all, values, "{apart} {column:?}");
        }
    }

    #[test]
    fn the_ends_of_numbers_are_kept() {
        is_kept(&[]);
        is_kept(&[0]);
        is_kept(&[u64::MAX]);
        is_kept(&[0, u64::MAX, 1, u64::MAX - 1]);
        is_kept(&[u64::MAX; 300]);
        is_kept(&(0..300).map(|i| 1 << (i % 64)).collect::<Vec<u64>>());
        for width in 1..=64 {
            let most = u64::MAX >> (64 - width);
            is_kept(&(0..200).map(|i| if i % 3 == 0 { most } else { i & most }).collect::<Vec<u64>>());
        }
    }

    #[test]
    fn what_is_alike_takes_next_to_nothing() {
        let same = Column::pack(&mut [77; 4096], false);
        assert_eq!(same.heap_size(), 8);
        let mut rising: Vec<u64> = (0..4096).map(|i| (1 << 40) + i * 3).collect();
        assert!(Column::pack(&mut rising, false).heap_size() < 4096 * 10 / 8);
        let mut one_is_large = vec![5; 4096];
        one_is_large[2000] = 1 << 50;
        assert!(Column::pack(&mut one_is_large, false).heap_size() < 1000);
        let mut sometimes_none: Vec<u64> = (0..4096).map(|i| if i % 2 == 0 { 0 } else { (1 << 30) + i }).collect();
        assert!(Column::pack(&mut sometimes_none, true).heap_size() < 4096 * 9 / 8);
    }

    proptest! {
        #[test]
        fn packing_and_unpacking_gives_the_same(
            base in any::<u64>(),
            rests in proptest::collection::vec(prop_oneof![8 => 0u64..9, 3 => 0u64..5000, 1 => any::<u64>()], 0..700),
            none in 1usize..9,
        ) {
            let values: Vec<u64> =
                rests.iter().enumerate().map(|(i, r)| if i % none == 1 { 0 } else { base.wrapping_add(*r) }).collect();
            is_kept(&values);
        }
    }
}
