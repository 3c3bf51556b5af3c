//! Scripts that run inside Redis, where nothing comes between reading and writing a row.

use std::sync::LazyLock;

use redis::Cmd;

use super::client::{Answer, Client};

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

/// Runs a script once for each part of some work; a server that has forgotten it gets it again.
pub(super) async fn run<'p, Part>(
    client: &Client,
    parts: &'p [Part],
    command: impl Fn(&'p Part, bool) -> Cmd,
) -> Vec<Answer> {
    let mut answers = client.send(parts.iter().map(|part| command(part, false)).collect()).await;
    let is_forgotten =
        |answer: &Answer| matches!(answer, Err(fault) if fault.code() == Some("NOSCRIPT"));
    let forgotten: Vec<usize> =
        (0..answers.len()).filter(|&at| is_forgotten(&answers[at])).collect();
    if forgotten.is_empty() {
        return answers;
    }
    let commands = forgotten.iter().map(|&at| command(&parts[at], true)).collect();
    for (at, answer) in forgotten.into_iter().zip(client.send(commands).await) {
        answers[at] = answer;
    }
    answers
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
    /// One row in either layout, if it did not change.
    REMOVE_UNCHANGED = "remove_unchanged.lua";
    /// Rows of removed views.
    REMOVE_VIEWS = "remove_views.lua";
}
