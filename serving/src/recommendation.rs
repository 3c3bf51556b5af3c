//! Interaction features: one user against many candidates in one call.

use larder_core::{Error, Result, Selection, Value};

use crate::online::{
    Budget, OnlineAnswer, OnlineRequest, OnlineService, RequestColumn, RequestValues,
};

/// One user, the candidates, and what to compute.
#[derive(Debug, Clone)]
pub struct InteractionRequest {
    /// Features or a feature service.
    pub selection: Selection,
    /// Join key of the user.
    pub user_join_key: String,
    /// The user.
    pub user: Value,
    /// Join key of the items.
    pub item_join_key: String,
    /// The candidates; duplicates are answered each in its place.
    pub items: Vec<Value>,
    /// Request data by name, the same for all candidates.
    pub context: Vec<(String, Value)>,
    /// Names columns `view__feature`.
    pub full_feature_names: bool,
}

/// How complete the inputs of one candidate were; a missing user outranks a missing item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CandidateStatus {
    /// Every stored input was found, fresh and not null.
    Present,
    /// No row is stored for the user.
    UserNotFound,
    /// No row is stored for the item.
    ItemNotFound,
    /// Both rows exist, but some input is null or expired.
    Incomplete,
}

/// Feature columns aligned with the candidates.
#[derive(Debug)]
pub struct InteractionAnswer {
    /// The answer; its columns from [`InteractionAnswer::columns`] on are the features.
    pub answer: OnlineAnswer,
    /// One status per candidate.
    pub statuses: Vec<CandidateStatus>,
}

impl InteractionAnswer {
    /// Columns of the answer that are features (the echoed join keys are left out).
    pub fn columns(&self) -> std::ops::Range<usize> {
        self.answer.entity_columns()..self.answer.columns()
    }
}

impl OnlineService {
    /// Computes the features of every (user, candidate) pair: one call to the store, which reads the user once.
    ///
    /// A ranker (`RankItems`) goes on from here: it takes the columns of this answer, which are aligned with the candidates,
    /// as the rows of its model, and orders the candidates by score. It needs no other access to the stores.
    ///
    /// # Errors
    /// As [`OnlineService::get_online_features`]; `Invalid` for a null user, or a join key that no
    /// selected view has; more candidates than allowed. An unknown user or item is a status, not an error.
    pub async fn get_interaction_features(
        &self,
        request: InteractionRequest,
        budget: Budget,
    ) -> Result<InteractionAnswer> {
        self.check_join_keys(&request)?;
        let (rows, limit) = (request.items.len(), self.config().max_candidates);
        if rows == 0 {
            return Err(Error::invalid("no candidate item was given"));
        }
        if rows > limit {
            let message = format!("{rows} candidates are more than the limit of {limit}");
            return Err(Error::invalid(message)
                .with_hint("ask for fewer, or raise serving.limits.candidates"));
        }
        let repeated = |value: Value| RequestValues::Typed(vec![value; rows]);
        let mut columns = vec![
            RequestColumn { name: request.user_join_key.clone(), values: repeated(request.user) },
            RequestColumn {
                name: request.item_join_key.clone(),
                values: RequestValues::Typed(request.items),
            },
        ];
        columns.extend(
            request
                .context
                .into_iter()
                .map(|(name, value)| RequestColumn { name, values: repeated(value) }),
        );
        let answer = self
            .get_online_features_within(
                &OnlineRequest {
                    selection: request.selection,
                    full_feature_names: request.full_feature_names,
                    columns,
                    include_view_versions: false,
                },
                budget,
            )
            .await?;
        let statuses = (0..rows)
            .map(|row| {
                candidate_status(&answer, &request.user_join_key, &request.item_join_key, row)
            })
            .collect();
        Ok(InteractionAnswer { answer, statuses })
    }

    fn check_join_keys(&self, request: &InteractionRequest) -> Result<()> {
        let snapshot = self.catalog().load();
        let known = snapshot.catalog().join_keys();
        for (what, key) in [("user", &request.user_join_key), ("item", &request.item_join_key)] {
            if !known.contains_key(key) {
                return Err(Error::invalid(format!(
                    "{what} join key \"{key}\" is not a join key of the project"
                ))
                .with_hint(format!("it has {}", join_names(known.keys()))));
            }
        }
        if request.user.is_null() {
            return Err(Error::invalid("the user id is null"));
        }
        if request.user_join_key == request.item_join_key {
            return Err(Error::invalid("user and item have the same join key"));
        }
        Ok(())
    }
}

fn candidate_status(answer: &OnlineAnswer, user: &str, item: &str, row: usize) -> CandidateStatus {
    if !answer.has_rows(user, row) {
        CandidateStatus::UserNotFound
    } else if !answer.has_rows(item, row) {
        CandidateStatus::ItemNotFound
    } else if answer.is_complete(row) {
        CandidateStatus::Present
    } else {
        CandidateStatus::Incomplete
    }
}

fn join_names<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names
        .filter(|name| *name != larder_core::DUMMY_JOIN_KEY)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}
