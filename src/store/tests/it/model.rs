//! The store against a plain model of it.

use crate::ops::{Both, op};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 2000, ..ProptestConfig::default() })]
    #[test]
    fn every_snapshot_shows_the_model_of_its_moment_for_ever(ops in prop::collection::vec(op(), 1..120)) {
        let mut both = Both::new();
        let store = both.builder.store();
        let mut held = Vec::new();
        for (i, op) in ops.iter().enumerate() {
            both.apply(op);
            if matches!(op, crate::ops::Op::Publish) || i + 1 == ops.len() {
                both.builder.publish(true);
                let now = store.snapshot();
                both.model.check(&now);
                if held.len() < 4 {
                    held.push((now, both.model.clone()));
                }
            }
        }
        // Reading ended: everything is folded in, nothing changes.
        both.builder.progress(wirelore_store::Progress { read: 1, of: Some(1), done: true });
        both.builder.publish(true);
        both.model.check(&store.snapshot());
        for (snapshot, model) in held {
            model.check(&snapshot);
        }
    }
}
