//! Feast's and Larder's protobuf messages, and every byte layout that Feast can read.
