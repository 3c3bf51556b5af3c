//! Reading: views that share keys are asked for together.

use std::collections::BTreeSet;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use larder_core::{Error, Result};

use super::client::Client;
use super::error::Fault;
use super::layout::{Answer, Column, KeyColumns, read_body, reference};
use crate::{ReadRows, ViewRead};

/// Requests of one call at one time.
const REQUESTS_AT_ONCE: usize = 4;

/// Reads the views of one request.
pub(super) async fn read_views(
    client: &Client,
    rows_per_request: usize,
    reads: &[ViewRead<'_>],
) -> Vec<Result<ReadRows>> {
    let groups = group(reads);
    let mut requests: Vec<BoxFuture<'_, _>> = Vec::with_capacity(groups.len());
    for group in &groups {
        requests.push(read_group(client, rows_per_request, reads, group).boxed());
    }
    let answers: Vec<_> = stream::iter(requests).buffered(REQUESTS_AT_ONCE).collect().await;
    let mut rows: Vec<Option<Result<ReadRows>>> = reads.iter().map(|_| None).collect();
    for (read, answer) in groups.iter().flatten().zip(answers.into_iter().flatten()) {
        rows[*read] = Some(answer);
    }
    let unread = || Err(Error::internal("a view of a request was not read"));
    rows.into_iter().map(|rows| rows.unwrap_or_else(unread)).collect()
}

/// Positions of reads of one project that have the same keys.
fn group(reads: &[ViewRead<'_>]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (at, read) in reads.iter().enumerate() {
        let same = |group: &&mut Vec<usize>| {
            let first = reads[group[0]];
            first.table.project() == read.table.project()
                && (std::ptr::eq(first.keys, read.keys) || first.keys == read.keys)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(at),
            None => groups.push(vec![at]),
        }
    }
    groups
}

/// Reads views together and, when the server refuses them, one by one: only those that it refuses then fail.
async fn read_group(
    client: &Client,
    rows_per_request: usize,
    reads: &[ViewRead<'_>],
    group: &[usize],
) -> Vec<Result<ReadRows>> {
    let views: Vec<ViewRead<'_>> = group.iter().map(|&at| reads[at]).collect();
    match read_together(client, rows_per_request, &views).await {
        Ok(rows) => rows.into_iter().map(Ok).collect(),
        Err(Failure::Server(fault)) if views.len() > 1 && fault.is_about_a_view() => {
            let mut answers = Vec::with_capacity(views.len());
            for view in &views {
                let alone = read_together(client, rows_per_request, std::slice::from_ref(view));
                let rows = alone.await.map(|mut rows| rows.pop().unwrap_or_default());
                answers.push(rows.map_err(|failure| failure.into_error(client)));
            }
            answers
        }
        Err(failure) => {
            let error = failure.into_error(client);
            views.iter().map(|_| Err(error.again())).collect()
        }
    }
}

/// Why a read failed.
enum Failure {
    Server(Fault),
    Other(Error),
}

impl Failure {
    fn into_error(self, client: &Client) -> Error {
        match self {
            Self::Server(fault) => client.error(&fault),
            Self::Other(error) => error,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Server(fault)
    }
}

async fn read_together(
    client: &Client,
    rows_per_request: usize,
    views: &[ViewRead<'_>],
) -> Result<Vec<ReadRows>, Failure> {
    let keys = views.first().map_or(&[][..], |view| view.keys);
    let features: BTreeSet<String> = views
        .iter()
        .flat_map(|view| {
            let features = view.table.features().iter();
            features.map(|feature| format!("{}:{}", reference(view.table), feature.name))
        })
        .collect();
    let features: Vec<String> = features.into_iter().collect();
    let mut requests: Vec<BoxFuture<'_, _>> = Vec::new();
    for keys in keys.chunks(rows_per_request.max(1)) {
        requests.push(ask(client, &features, keys).boxed());
    }
    let answers: Vec<(usize, Option<Answer>)> =
        stream::iter(requests).buffered(REQUESTS_AT_ONCE).try_collect().await?;
    Ok(views.iter().map(|view| rows(view, &answers)).collect::<Result<_>>()?)
}

/// The answer for some keys, and their number; nothing is asked when no feature is wanted.
async fn ask(
    client: &Client,
    features: &[String],
    keys: &[&[u8]],
) -> Result<(usize, Option<Answer>), Failure> {
    if features.is_empty() {
        return Ok((keys.len(), None));
    }
    let body = read_body(features, &KeyColumns::decode(keys.iter().copied())?)?;
    let answer = client.post("/get-online-features", body).await?;
    let answer = Answer::parse(&answer, keys.len()).map_err(Fault::Shape)?;
    Ok((keys.len(), Some(answer)))
}

/// One view's rows of all answers.
fn rows(view: &ViewRead<'_>, answers: &[(usize, Option<Answer>)]) -> Result<ReadRows> {
    let table = view.table;
    let mut rows = ReadRows::with_capacity(view.keys.len(), table.features().len());
    let mut value = Vec::new();
    for (count, answer) in answers {
        let columns = match answer {
            Some(answer) => columns(view, answer)?,
            None => Vec::new(),
        };
        for row in 0..*count {
            rows.begin_row(None);
            let times = columns.iter().map(|column| column.event_timestamp(row));
            let newest = times.collect::<Result<Vec<_>>>()?.into_iter().flatten().max();
            let Some(event) = newest else { continue };
            rows.raise_event_timestamp(event);
            for (feature, column) in columns.iter().enumerate() {
                let known = table.schema().map(|schema| schema.value_types[feature]);
                value.clear();
                let read = column.value(row, known, &mut value).map_err(|error| {
                    let name = &table.features()[feature].name;
                    error.context(format_args!("feature \"{name}\" of {table}"))
                })?;
                if read.is_some() {
                    rows.set(feature, &value)?;
                }
            }
        }
    }
    Ok(rows)
}

/// The columns of the table's features, in their order.
fn columns<'a>(view: &ViewRead<'_>, answer: &'a Answer) -> Result<Vec<&'a Column>> {
    let table = view.table;
    let column = |name: &str| {
        answer.column(reference(table), name).ok_or_else(|| {
            Error::data(format!("the feature server did not answer feature \"{name}\" of {table}"))
        })
    };
    table.features().iter().map(|feature| column(&feature.name)).collect()
}
