//! Generated input data, the same for the same seed.

mod columns;
mod drivers;
mod random;
mod shop;

pub(crate) use drivers::generate as driver_stats;
pub(crate) use shop::{Scale, generate as shop};
