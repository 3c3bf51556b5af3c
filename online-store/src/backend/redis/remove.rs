//! Removing rows of views: every key of the project is looked at, and only its own rows go; then the schemas of packed
//! rows.

use larder_core::Result;
use redis::Cmd;

use super::client::Client;
use super::config::RedisLayout;
use super::error::Fault;
use super::layout::{existence_field, feature_fields};
use super::scan::Scan;
use super::schemas::Schemas;
use super::script::{REMOVE_VIEWS, run};
use crate::ViewTable;

/// Keys of one script call.
const KEYS_PER_SCRIPT: usize = 100;

/// Removes the rows of tables, which may belong to several projects.
pub(super) async fn remove(client: &Client, schemas: &Schemas, tables: &[ViewTable]) -> Result<()> {
    let mut rest = tables.to_vec();
    while let Some(first) = rest.first() {
        let project = first.project().to_owned();
        let (ours, others): (Vec<ViewTable>, _) =
            rest.into_iter().partition(|table| table.project() == project);
        rest = others;
        let mut scan = Scan::new(client, &project);
        while let Some(keys) = scan.next().await? {
            remove_from(client, &keys, &ours).await.map_err(|fault| client.error(&fault))?;
        }
        for table in &ours {
            schemas.remove(client, table).await?;
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
