//! The engine over a real S3 server.

/// The trials of a file, which are asynchronous functions.
macro_rules! trials {
    ($($name:ident),+ $(,)?) => {
        pub(super) fn trials() -> Vec<libtest_mimic::Trial> {
            vec![$(libtest_mimic::Trial::test(concat!("s3::", stringify!($name)), || {
                crate::fixture::block_on($name());
                Ok(())
            })),+]
        }
    };
}

mod mirror;
mod reads;
mod server;
mod writes;

use std::path::Path;
use std::sync::Arc;

use larder_offline_store::OfflineStore;
use larder_offline_store::contract::CASES;
use libtest_mimic::Trial;
#[cfg(feature = "delta")]
pub(crate) use server::TestBucket;

use self::mirror::Mirror;
use crate::fixture::block_on;
use crate::vectors;

/// The contract and the golden vectors with every file in a bucket, then what only a bucket can do.
pub(crate) fn trials() -> Vec<Trial> {
    let make = |folder: &Path| Arc::new(Mirror::of(folder)) as Arc<dyn OfflineStore>;
    let contract = CASES.iter().map(|case| {
        Trial::test(format!("s3::contract::{}", case.name), move || {
            block_on((case.run)(make));
            Ok(())
        })
    });
    let mut trials: Vec<Trial> = contract.collect();
    trials.extend(vectors::trials_over("s3::vectors", make));
    trials.extend(reads::trials());
    trials.extend(writes::trials());
    trials
}
