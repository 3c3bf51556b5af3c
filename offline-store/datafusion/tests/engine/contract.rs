//! The contract suite that every offline store passes.

use std::path::Path;
use std::sync::Arc;

use larder_offline_store::OfflineStore;
use larder_offline_store::contract::CASES;
use libtest_mimic::Trial;

use crate::fixture::{block_on, engine};

fn make(folder: &Path) -> Arc<dyn OfflineStore> {
    Arc::new(engine(folder))
}

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |case: &'static larder_offline_store::contract::Case| {
        Trial::test(format!("contract::{}", case.name), || {
            block_on((case.run)(make));
            Ok(())
        })
    };
    CASES.iter().map(trial).collect()
}
