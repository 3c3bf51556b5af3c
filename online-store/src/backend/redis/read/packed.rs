//! Reading packed rows: a field per view and key, all rows of a view at once.

use larder_core::Result;

use super::super::client::Client;
use super::super::error::Fault;
use super::super::hmget::Found;
use super::super::reply::unexpected;
use super::super::row::RowReader;
use super::super::schemas::Schemas;
use super::{Decoder, LookUps, ViewLookUp};
use crate::{ReadRows, ViewTable};

/// The rows of one view, key by key.
type Stored<'a> = Vec<Option<&'a [u8]>>;

impl LookUps<'_> {
    /// The fields of every view, from one answer per key; the failure of every view when an answer is none.
    pub(super) fn packed<'a>(
        &self,
        client: &Client,
        answers: impl Iterator<Item = Result<Found<'a>, Fault>>,
    ) -> Result<Vec<Stored<'a>>, Vec<Result<ReadRows>>> {
        let mut stored: Vec<Stored<'a>> =
            self.views.iter().map(|_| Vec::with_capacity(self.keys.len())).collect();
        let mut fields = Vec::with_capacity(stored.len());
        for answer in answers {
            let found = answer.map_err(|fault| self.failed(|| client.error(&fault)))?;
            found.fields(stored.len(), &mut fields).map_err(|_| self.failed(unexpected))?;
            for (stored, field) in stored.iter_mut().zip(&fields) {
                stored.push(*field);
            }
        }
        Ok(stored)
    }

    /// The rows of every view.
    pub(super) async fn packed_rows(
        &mut self,
        client: &Client,
        schemas: &Schemas,
        stored: &[Stored<'_>],
    ) -> Vec<Result<ReadRows>> {
        let mut rows = Vec::with_capacity(stored.len());
        for (view, stored) in self.views.iter_mut().zip(stored) {
            rows.push(match view.reader() {
                Some((table, reader)) => {
                    match learn(client, schemas, table, reader, stored).await {
                        Ok(()) => reader.rows(stored),
                        Err(error) => Err(error),
                    }
                }
                None => Err(unexpected()),
            });
        }
        rows
    }
}

impl<'r> ViewLookUp<'r> {
    fn reader(&mut self) -> Option<(&'r ViewTable, &mut RowReader<'r>)> {
        match &mut self.decoder {
            Decoder::Packed(reader) => Some((self.table, reader)),
            Decoder::Features => None,
        }
    }

    /// Looks up the schemas of these rows that it does not know, if they are packed.
    pub(in super::super) async fn learn(
        &mut self,
        client: &Client,
        schemas: &Schemas,
        stored: &[Option<&[u8]>],
    ) -> Result<()> {
        match self.reader() {
            Some((table, reader)) => learn(client, schemas, table, reader, stored).await,
            None => Ok(()),
        }
    }
}

async fn learn(
    client: &Client,
    schemas: &Schemas,
    table: &ViewTable,
    reader: &mut RowReader<'_>,
    stored: &[Option<&[u8]>],
) -> Result<()> {
    let unknown = reader.unknown(stored);
    if !unknown.is_empty() {
        for schema in schemas.find(client, table, &unknown).await? {
            reader.learn(schema);
        }
    }
    Ok(())
}
