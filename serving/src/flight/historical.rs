//! `get_historical_features`.

use larder_core::{Catalog, Error, ErrorKind, ObjectKind, Plane, Result, RetrievalPlan, Subject};
use larder_offline_store::{BatchStream, EntityRows, HistoricalOptions};

use super::OfflineServer;
use super::command::Historical;
use super::projections::projections;
use super::table::Table;
use crate::feast_words::FeastWords;
use crate::training::TrainingPlan;

impl OfflineServer {
    /// Joins and computes.
    ///
    /// # Errors
    /// `NotFound` for views that the project does not have, and for request columns that the rows lack; `Invalid` for
    /// rows without a join key; `Unsupported` for entity rows in SQL; otherwise as
    /// [`training_set`](crate::training_set).
    pub(super) async fn historical(
        &self,
        catalog: &Catalog,
        command: &Historical,
        table: Table,
    ) -> Result<BatchStream> {
        check_project(catalog, command)?;
        let full = command.full_feature_names;
        let projections = projections(catalog, command)?;
        let plan = RetrievalPlan::resolve_projections(catalog, &projections, full, Plane::Offline)?;
        let entity = self.entity_rows(command, table)?;
        if let EntityRows::Batches { schema, .. } = &entity {
            check_columns(&plan, |name| schema.field_with_name(name).is_ok())?;
        }
        let plan = TrainingPlan::of_plan(plan, full, &self.functions)?;
        plan.rows(self.offline.as_ref(), entity, None, HistoricalOptions::default()).await
    }

    fn entity_rows(&self, command: &Historical, table: Table) -> Result<EntityRows> {
        if !table.is_nothing() {
            let Table { schema, batches } = table.plain()?;
            return Ok(EntityRows::Batches { schema, batches });
        }
        if command.is_sql {
            // A `ValueError` in Feast 0.67, so not `Unsupported`.
            return Err(Error::invalid(
                "entity rows given as SQL need a warehouse, and there is none",
            )
            .with_hint("give a data frame, or start_date and end_date"));
        }
        let end = command.end.unwrap_or_else(|| self.clock.now());
        Ok(EntityRows::Window { start: command.start, end })
    }
}

fn check_project(catalog: &Catalog, command: &Historical) -> Result<()> {
    if catalog.project().name == command.project {
        return Ok(());
    }
    let view = command.views.first().map_or("", |(view, _)| view.as_str());
    Err(Error::not_found(ObjectKind::FeatureView, view, &command.project)
        .with_hint(format!("this server has the project \"{}\"", catalog.project().name)))
}

/// Says which columns the entity rows lack, in Feast's class for it.
fn check_columns(plan: &RetrievalPlan, has: impl Fn(&str) -> bool) -> Result<()> {
    for column in &plan.request_columns {
        if !has(&column.name) {
            let subject = Subject {
                kind: ObjectKind::RequestData,
                name: column.name.clone(),
                project: String::new(),
            };
            let message = format!("the entity rows have no column \"{}\"", column.name);
            return Err(Error::new(ErrorKind::NotFound, message).with_subject(subject));
        }
    }
    let keys = plan.views.iter().filter(|view| !view.view.is_entityless());
    let keys = keys.flat_map(|view| view.join_keys.iter().map(|key| key.column.as_str()));
    let keys: Vec<&str> = keys.collect();
    let missing: Vec<&str> = keys.iter().copied().filter(|key| !has(key)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let words = FeastWords {
        text: format!(
            "The entity dataframe you have provided must contain columns {}, but {} were missing.",
            python_set(&keys),
            python_set(&missing)
        ),
        class: Some("FeastEntityDFMissingColumnsError"),
    };
    Err(Error::invalid(format!("the entity rows lack the join keys {}", missing.join(", ")))
        .with_source(words))
}

/// A set of texts as Python prints one, in the order given.
pub(super) fn python_set(names: &[&str]) -> String {
    let mut unique: Vec<String> = Vec::new();
    for name in names {
        let quoted = format!("'{name}'");
        if !unique.contains(&quoted) {
            unique.push(quoted);
        }
    }
    format!("{{{}}}", unique.join(", "))
}
