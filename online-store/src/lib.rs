//! The online store trait, its contract suite and its backends.
