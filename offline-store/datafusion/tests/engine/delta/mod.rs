//! Delta tables: the same answers as of their rows in one Parquet file.

macro_rules! trials {
    ($($name:ident),+ $(,)?) => {
        pub(crate) fn trials() -> Vec<libtest_mimic::Trial> {
            vec![$(libtest_mimic::Trial::test(
                concat!(module_path!(), "::", stringify!($name)),
                || {
                    crate::fixture::block_on($name());
                    Ok(())
                },
            )),+]
        }
    };
}

mod deleted;
mod faults;
mod golden;
mod questions;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    [golden::trials(), deleted::trials(), faults::trials()].into_iter().flatten().collect()
}
