//! Tumbling, hopping and sliding windows over tiles.

mod operator;
mod plan;
mod tiles;

pub(crate) use operator::WindowOperator;
pub(crate) use plan::{Emit, Output, Window, WindowPlan};

#[cfg(test)]
mod tests;
