//! Moves feature rows from the offline to the online store.
