//! Numbers that a shard gave, and what they are for everybody.

use wirelore_kit::row::NONE;

/// What the numbers of one kind are for everybody. Of a shard that is alone they are the same, so these are not kept one by one.
#[derive(Default)]
pub(super) struct Ids {
    /// So many, from the first, are the same.
    same: u32,
    /// What the others are.
    others: Vec<u32>,
}

impl Ids {
    pub fn len(&self) -> usize {
        (self.same as usize).saturating_add(self.others.len())
    }

    pub fn are_the_same(&self) -> bool {
        self.others.is_empty()
    }

    /// What a number is; [`NONE`] for one that was never given.
    #[inline]
    pub fn get(&self, local: u32) -> u32 {
        match local.checked_sub(self.same) {
            None => local,
            Some(other) => self.others.get(other as usize).copied().unwrap_or(NONE),
        }
    }

    pub fn push(&mut self, id: u32) {
        if self.others.is_empty() && id == self.same && id != NONE {
            self.same = id.saturating_add(1);
        } else {
            self.others.push(id);
        }
    }

    /// Says what a number is that may not be the next.
    pub fn set(&mut self, local: u32, id: u32) {
        if local < self.same && id != local {
            self.others.splice(..0, local..self.same);
            self.same = local;
        }
        while self.len() < local as usize {
            self.push(NONE);
        }
        match local.checked_sub(self.same) {
            Some(other) if (other as usize) < self.others.len() => {
                if let Some(slot) = self.others.get_mut(other as usize) {
                    *slot = id;
                }
            }
            Some(_) => self.push(id),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_was_said_of_them_in_whatever_order() {
        let mut ids = Ids::default();
        (0..4).for_each(|i| ids.push(i));
        assert!(ids.are_the_same());
        ids.push(9);
        ids.set(7, 7);
        let all = |ids: &Ids| (0..9).map(|i| ids.get(i)).collect::<Vec<_>>();
        assert_eq!(all(&ids), [0, 1, 2, 3, 9, NONE, NONE, 7, NONE]);
        ids.set(2, 2);
        ids.set(6, 5);
        ids.set(1, 30);
        assert_eq!(all(&ids), [0, 30, 2, 3, 9, NONE, 5, 7, NONE]);
        assert_eq!((ids.len(), ids.are_the_same()), (8, false));
    }
}
