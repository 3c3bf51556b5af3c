//! The offline store trait, its requests, a naive oracle and the contract suite.
