//! Removing rows of views: every key of the project is looked at, and only its own rows go.

use larder_core::Result;
use redis::{Cmd, Value};

use super::client::{Client, Primary, parse};
use super::config::RedisLayout;
use super::error::Fault;
use super::layout::{entity_key_of, existence_field, feature_fields, scan_pattern};
use super::script::{REMOVE_VIEWS, run};
use crate::ViewTable;

/// Keys that one step of a scan looks at.
const SCAN_STEP: usize = 1_000;

/// Keys of one script call.
const KEYS_PER_SCRIPT: usize = 100;

/// Removes the rows of tables, which may belong to several projects.
pub(super) async fn remove(client: &Client, tables: &[ViewTable]) -> Result<()> {
    let mut rest = tables.to_vec();
    while let Some(first) = rest.first() {
        let project = first.project().to_owned();
        let (ours, others) = rest.into_iter().partition(|table| table.project() == project);
        rest = others;
        remove_views(client, &project, &ours).await.map_err(|fault| client.error(&fault))?;
    }
    Ok(())
}

async fn remove_views(client: &Client, project: &str, views: &[ViewTable]) -> Result<(), Fault> {
    for primary in client.primaries().await? {
        let mut scan = Scan::new(project);
        while let Some(keys) = scan.next(client, &primary).await? {
            remove_from(client, &keys, views).await?;
        }
    }
    Ok(())
}

async fn remove_from(client: &Client, keys: &[Vec<u8>], views: &[ViewTable]) -> Result<(), Fault> {
    let parts: Vec<&[Vec<u8>]> = keys.chunks(client.keys_per_script(KEYS_PER_SCRIPT)).collect();
    let answers = run(client, &parts, |keys, whole| command(keys, views, whole)).await;
    answers.into_iter().try_for_each(|answer| answer.map(drop))
}

fn command(keys: &[Vec<u8>], views: &[ViewTable], whole: bool) -> Cmd {
    let mut command = REMOVE_VIEWS.call(whole, keys.len());
    for key in keys {
        command.arg(key);
    }
    for view in views {
        command.arg(existence_field(view, RedisLayout::Feast));
        command.arg(existence_field(view, RedisLayout::Packed));
        command.arg(view.features().len());
        for field in feature_fields(view) {
            command.arg(&field[..]);
        }
    }
    command
}

/// A walk over the keys of one project on one server.
pub(super) struct Scan<'p> {
    project: &'p str,
    pattern: Vec<u8>,
    /// Where to go on; none at the end.
    cursor: Option<Vec<u8>>,
}

impl<'p> Scan<'p> {
    pub(super) fn new(project: &'p str) -> Self {
        Self { project, pattern: scan_pattern(project), cursor: Some(b"0".to_vec()) }
    }

    /// The next keys, which may be none; `None` when all were seen. A key may come twice.
    pub(super) async fn next(
        &mut self,
        client: &Client,
        primary: &Primary,
    ) -> Result<Option<Vec<Vec<u8>>>, Fault> {
        let Some(cursor) = self.cursor.take() else { return Ok(None) };
        let mut command = redis::cmd("SCAN");
        command.arg(&cursor).arg("MATCH").arg(&self.pattern).arg("COUNT").arg(SCAN_STEP);
        command.arg("TYPE").arg("hash");
        let answer: Value = client.ask(primary, command).await?;
        let (cursor, mut keys): (Vec<u8>, Vec<Vec<u8>>) =
            redis::from_redis_value(answer).map_err(parse)?;
        self.cursor = (cursor != b"0").then_some(cursor);
        keys.retain(|key| entity_key_of(key, self.project).is_some());
        Ok(Some(keys))
    }
}
