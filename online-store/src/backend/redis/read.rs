//! Reading: one look-up per key, also for several views that share it.

use futures::{StreamExt as _, stream};
use larder_core::{Error, Result};
use redis::{Cmd, Value};

use super::client::{Answer, Client};
use super::config::RedisLayout;
use super::layout::{existence_field, feature_fields, micros, row_key};
use super::reply::{Fields, unexpected};
use crate::backend::packed_row::{PackedRow, Selection};
use crate::{ReadRows, ViewRead, ViewTable};

/// Fields that one pipeline may ask for: its answers stay below a few megabytes unless values are large.
const FIELDS_PER_PIPELINE: usize = 8_192;

/// Reads the views of one request.
pub(super) async fn read_views(
    client: &Client,
    layout: RedisLayout,
    reads: &[ViewRead<'_>],
) -> Vec<Result<ReadRows>> {
    let groups = LookUps::group(reads, layout);
    let mut answers = send(client, &groups).await.into_iter();
    let mut rows: Vec<Option<Result<ReadRows>>> = reads.iter().map(|_| None).collect();
    for group in &groups {
        let read = group.rows(client, answers.by_ref().take(group.keys.len()));
        for (view, read) in group.views.iter().zip(read) {
            rows[view.read] = Some(read);
        }
    }
    let unread = || Err(Error::internal("a view of a request was not read"));
    rows.into_iter().map(|rows| rows.unwrap_or_else(unread)).collect()
}

/// Sends the look-ups of all groups in pipelines of bounded size; answers in order, key by key.
pub(super) async fn send(client: &Client, groups: &[LookUps<'_>]) -> Vec<Answer> {
    let mut pipelines = Vec::new();
    let (mut commands, mut fields) = (Vec::new(), 0);
    for group in groups {
        for key in group.keys {
            if fields + group.fields > FIELDS_PER_PIPELINE && !commands.is_empty() {
                pipelines.push(std::mem::take(&mut commands));
                fields = 0;
            }
            commands.push(group.command(key));
            fields += group.fields;
        }
    }
    if pipelines.is_empty() {
        return client.look_up(commands).await;
    }
    pipelines.push(commands);
    let pipelines = pipelines.into_iter().map(|commands| client.look_up(commands));
    stream::iter(pipelines).buffered(client.calls_at_once()).concat().await
}

/// Views of one project that read the same keys.
pub(super) struct LookUps<'r> {
    project: &'r str,
    keys: &'r [&'r [u8]],
    views: Vec<ViewLookUp<'r>>,
    /// Fields per key, of all views.
    fields: usize,
}

impl<'r> LookUps<'r> {
    pub(super) fn group(reads: &'r [ViewRead<'r>], layout: RedisLayout) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for (at, read) in reads.iter().enumerate() {
            let (project, keys) = (read.table.project(), read.keys);
            let view = ViewLookUp::new(at, read.table, layout);
            let fields = view.width();
            let same = |group: &&mut Self| group.project == project && are_same(group.keys, keys);
            match groups.iter_mut().find(same) {
                Some(group) => {
                    group.fields += fields;
                    group.views.push(view);
                }
                None => groups.push(Self { project, keys, views: vec![view], fields }),
            }
        }
        groups
    }

    /// The views, in the order of the request.
    pub(super) fn views(&self) -> impl Iterator<Item = &ViewLookUp<'r>> {
        self.views.iter()
    }

    /// Fields per key, of all views.
    pub(super) fn fields(&self) -> usize {
        self.fields
    }

    fn command(&self, key: &[u8]) -> Cmd {
        let key = row_key(key, self.project);
        let mut command = Cmd::with_capacity(self.fields + 2, key.len() + 6 * self.fields + 64);
        command.arg("HMGET").arg(key);
        for view in &self.views {
            if matches!(view.decoder, Decoder::Features) {
                for field in feature_fields(view.table) {
                    command.arg(&field[..]);
                }
            }
            command.arg(&view.existence);
        }
        command
    }

    /// The rows of every view, from one answer per key.
    fn rows(
        &self,
        client: &Client,
        answers: impl Iterator<Item = Answer>,
    ) -> Vec<Result<ReadRows>> {
        let empty = |view: &ViewLookUp<'_>| {
            Ok(ReadRows::with_capacity(self.keys.len(), view.table.features().len()))
        };
        let mut rows: Vec<Result<ReadRows>> = self.views.iter().map(empty).collect();
        for answer in answers {
            let fields = match &answer {
                Ok(answer) => fields_of(answer, self.fields),
                Err(fault) => return self.failed(|| client.error(fault)),
            };
            let Ok(fields) = fields else { return self.failed(unexpected) };
            let mut rest = fields.as_slice();
            for (view, rows) in self.views.iter().zip(&mut rows) {
                let (own, others) = rest.split_at(view.width());
                rest = others;
                if let Ok(read) = rows
                    && let Err(error) = view.push_row(own, read)
                {
                    *rows = Err(error);
                }
            }
        }
        rows
    }

    fn failed(&self, error: impl Fn() -> Error) -> Vec<Result<ReadRows>> {
        self.views.iter().map(|_| Err(error())).collect()
    }
}

/// The fields of one answer, `None` where a field is not set.
pub(super) fn fields_of<'a>(answer: &'a Value, count: usize) -> Result<Vec<Option<&'a [u8]>>> {
    match answer {
        Value::BulkString(gathered) => {
            let mut reader = Fields::of(gathered)?;
            (0..count).map(|_| reader.next()).collect()
        }
        Value::Array(values) if values.len() == count => {
            let field = |value: &'a Value| match value {
                Value::BulkString(bytes) => Some(bytes.as_slice()),
                _ => None,
            };
            Ok(values.iter().map(field).collect())
        }
        _ => Err(unexpected()),
    }
}

/// Whether two lists hold the same keys; callers share the list.
fn are_same(one: &[&[u8]], other: &[&[u8]]) -> bool {
    std::ptr::eq(one, other) || one == other
}

/// One view of a request.
pub(super) struct ViewLookUp<'r> {
    /// Its place in the request.
    read: usize,
    table: &'r ViewTable,
    existence: String,
    decoder: Decoder,
}

enum Decoder {
    Features,
    Packed(Selection),
}

impl<'r> ViewLookUp<'r> {
    fn new(read: usize, table: &'r ViewTable, layout: RedisLayout) -> Self {
        let decoder = match layout {
            RedisLayout::Feast => Decoder::Features,
            RedisLayout::Packed => Decoder::Packed(Selection::new(table)),
        };
        Self { read, table, existence: existence_field(table, layout), decoder }
    }

    /// Fields that it asks for; the last is the one through which its row exists.
    pub(super) fn width(&self) -> usize {
        match self.decoder {
            Decoder::Features => self.table.features().len() + 1,
            Decoder::Packed(_) => 1,
        }
    }

    /// Appends the row that the view's own fields hold.
    pub(super) fn push_row(&self, fields: &[Option<&[u8]>], rows: &mut ReadRows) -> Result<()> {
        let Some((Some(existence), values)) = fields.split_last() else {
            rows.begin_row(None);
            return Ok(());
        };
        match &self.decoder {
            Decoder::Packed(selection) => {
                let row = PackedRow::parse(existence)
                    .map_err(|error| error.context(format_args!("{}", self.table)))?;
                selection.unpack(&row, rows)
            }
            Decoder::Features => {
                rows.begin_row(Some(micros(existence, self.table)?));
                for (feature, value) in values.iter().enumerate() {
                    if let Some(value) = value {
                        rows.set(feature, value)?;
                    }
                }
                Ok(())
            }
        }
    }
}
