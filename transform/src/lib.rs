//! On-demand transforms compiled to vectorised expressions over Arrow batches.
