//! Reading: one look-up per key, also for several views that share it.

mod packed;

use futures::{StreamExt as _, stream};
use larder_core::{Error, Result};

use super::client::Client;
use super::config::RedisLayout;
use super::error::Fault;
use super::hmget::{Answers, Asks, Found, HmgetPipeline};
use super::layout::{existence_field, feature_fields, micros};
use super::reply::unexpected;
use super::row::RowReader;
use super::schemas::Schemas;
use crate::{ReadRows, ViewRead, ViewTable};

/// Fields that one pipeline may ask for: its answers stay below a few megabytes unless values are large.
const FIELDS_PER_PIPELINE: usize = 8_192;

/// Reads the views of one request.
pub(super) async fn read_views(
    client: &Client,
    schemas: &Schemas,
    layout: RedisLayout,
    reads: &[ViewRead<'_>],
) -> Vec<Result<ReadRows>> {
    let mut groups = LookUps::group(reads, layout);
    let answers = send(client, &groups).await;
    let mut answers = answers.iter().flat_map(Answers::iter);
    let mut rows: Vec<Option<Result<ReadRows>>> = reads.iter().map(|_| None).collect();
    for group in &mut groups {
        let answers = answers.by_ref().take(group.keys.len());
        let read = match layout {
            RedisLayout::Feast => group.rows(client, answers),
            RedisLayout::Packed => match group.packed(client, answers) {
                Ok(stored) => group.packed_rows(client, schemas, &stored).await,
                Err(read) => read,
            },
        };
        for (view, read) in group.views.iter().zip(read) {
            rows[view.read] = Some(read);
        }
    }
    let unread = || Err(Error::internal("a view of a request was not read"));
    rows.into_iter().map(|rows| rows.unwrap_or_else(unread)).collect()
}

/// Sends the look-ups of all groups in pipelines of bounded size; answers in order, key by key.
pub(super) async fn send(client: &Client, groups: &[LookUps<'_>]) -> Vec<Answers> {
    let mut pipelines = Vec::new();
    let (mut pipeline, mut fields) = (HmgetPipeline::default(), 0);
    for group in groups {
        for key in group.keys {
            if fields + group.fields() > FIELDS_PER_PIPELINE && !pipeline.is_empty() {
                pipelines.push(std::mem::take(&mut pipeline));
                fields = 0;
            }
            pipeline.push(&group.asks, key);
            fields += group.fields();
        }
    }
    pipelines.push(pipeline);
    if let [pipeline] = pipelines.as_slice() {
        return vec![client.look_up(pipeline).await];
    }
    let asked: Vec<_> = pipelines.iter().map(|pipeline| client.look_up(pipeline)).collect();
    stream::iter(asked).buffered(client.calls_at_once()).collect().await
}

/// Views of one project that read the same keys.
pub(super) struct LookUps<'r> {
    asks: Asks<'r>,
    keys: &'r [&'r [u8]],
    views: Vec<ViewLookUp<'r>>,
}

impl<'r> LookUps<'r> {
    pub(super) fn group(reads: &'r [ViewRead<'r>], layout: RedisLayout) -> Vec<Self> {
        let mut groups: Vec<Vec<(ViewRead<'r>, ViewLookUp<'r>)>> = Vec::new();
        for (at, read) in reads.iter().enumerate() {
            let view = (*read, ViewLookUp::new(at, read.table, layout));
            let same = |group: &&mut Vec<(ViewRead<'_>, _)>| {
                let other = group[0].0;
                other.table.project() == read.table.project() && are_same(other.keys, read.keys)
            };
            match groups.iter_mut().find(same) {
                Some(group) => group.push(view),
                None => groups.push(vec![view]),
            }
        }
        let look_ups = groups.into_iter().map(|group| {
            let ViewRead { table, keys } = group[0].0;
            let views: Vec<ViewLookUp<'_>> = group.into_iter().map(|(_, view)| view).collect();
            let mut asks = Asks::of(table.project());
            for view in &views {
                view.ask(layout, &mut asks);
            }
            Self { asks, keys, views }
        });
        look_ups.collect()
    }

    /// The views, in the order of the request.
    pub(super) fn views(&mut self) -> impl Iterator<Item = &mut ViewLookUp<'r>> {
        self.views.iter_mut()
    }

    /// Fields per key, of all views.
    pub(super) fn fields(&self) -> usize {
        self.asks.fields()
    }

    /// The rows of every view, from one answer per key.
    fn rows<'a>(
        &mut self,
        client: &Client,
        answers: impl Iterator<Item = Result<Found<'a>, Fault>>,
    ) -> Vec<Result<ReadRows>> {
        let empty = |view: &ViewLookUp<'_>| {
            Ok(ReadRows::with_capacity(self.keys.len(), view.table.features().len()))
        };
        let mut rows: Vec<Result<ReadRows>> = self.views.iter().map(empty).collect();
        let count = self.fields();
        let mut fields = Vec::with_capacity(count);
        for answer in answers {
            match answer {
                Ok(found) => {
                    if found.fields(count, &mut fields).is_err() {
                        return self.failed(unexpected);
                    }
                }
                Err(fault) => return self.failed(|| client.error(&fault)),
            }
            let mut rest = fields.as_slice();
            for (view, rows) in self.views.iter_mut().zip(&mut rows) {
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

/// Whether two lists hold the same keys; callers share the list.
fn are_same(one: &[&[u8]], other: &[&[u8]]) -> bool {
    std::ptr::eq(one, other) || one == other
}

/// One view of a request.
pub(super) struct ViewLookUp<'r> {
    /// Its place in the request.
    read: usize,
    table: &'r ViewTable,
    decoder: Decoder<'r>,
}

enum Decoder<'r> {
    Features,
    Packed(Box<RowReader<'r>>),
}

impl<'r> ViewLookUp<'r> {
    fn new(read: usize, table: &'r ViewTable, layout: RedisLayout) -> Self {
        let decoder = match layout {
            RedisLayout::Feast => Decoder::Features,
            RedisLayout::Packed => Decoder::Packed(Box::new(RowReader::new(table))),
        };
        Self { read, table, decoder }
    }

    /// Adds the fields that it asks for.
    fn ask(&self, layout: RedisLayout, asks: &mut Asks<'_>) {
        if layout == RedisLayout::Feast {
            for field in feature_fields(self.table) {
                asks.add_feature(field);
            }
        }
        asks.add(existence_field(self.table, layout).as_bytes());
    }

    /// Fields that it asks for; the last is the one through which its row exists.
    pub(super) fn width(&self) -> usize {
        match self.decoder {
            Decoder::Features => self.table.features().len() + 1,
            Decoder::Packed(_) => 1,
        }
    }

    /// Appends the row that the view's own fields hold.
    pub(super) fn push_row(&mut self, fields: &[Option<&[u8]>], rows: &mut ReadRows) -> Result<()> {
        let Some((Some(existence), values)) = fields.split_last() else {
            rows.begin_row(None);
            return Ok(());
        };
        match &mut self.decoder {
            Decoder::Packed(reader) => reader
                .push(existence, rows)
                .map_err(|error| error.context(format_args!("{}", self.table))),
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
