//! Scripts that run inside Redis, where nothing comes between reading and writing a row.

use std::sync::LazyLock;

use redis::Cmd;

/// A script and its digest, under which a server knows it after the first call.
#[derive(Debug)]
pub(super) struct Script {
    source: &'static str,
    digest: String,
}

impl Script {
    fn new(source: &'static str) -> Self {
        Self { source, digest: redis::Script::new(source).get_hash().to_owned() }
    }

    /// The command that runs it, up to its keys; `whole` sends the source to a server that has forgotten it.
    pub(super) fn call(&self, whole: bool, keys: usize) -> Cmd {
        let mut command = redis::cmd(if whole { "EVAL" } else { "EVALSHA" });
        command.arg(if whole { self.source } else { &self.digest }).arg(keys);
        command
    }
}

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident = $file:literal;)*) => {
        $($(#[$doc])* pub(super) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(include_str!(concat!("lua/", $file))));)*
    };
}

scripts! {
    /// Rows in Feast's layout.
    WRITE_FEATURES = "write_features.lua";
    /// Rows in the packed layout.
    WRITE_PACKED = "write_packed.lua";
    /// One packed row, if it did not change.
    REPLACE_PACKED = "replace_packed.lua";
    /// Rows of removed views.
    REMOVE_VIEWS = "remove_views.lua";
}
