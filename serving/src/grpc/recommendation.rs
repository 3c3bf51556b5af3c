//! `larder.recommendation.v1.RecommendationService`.

use std::sync::Arc;

use larder_core::{Error, Result};
use larder_proto::convert;
use larder_proto::larder::recommendation::v1 as wire;
use tonic::{Request, Response, Status};
use wire::get_interaction_features_request::Kind;
use wire::recommendation_service_server::RecommendationService;

use super::{answer, request};
use crate::FeatureServer;
use crate::metrics::{Stage, Stages};
use crate::recommendation::{CandidateStatus, InteractionAnswer, InteractionRequest};
use crate::status::grpc_status;

/// One user against many candidates.
#[derive(Debug, Clone)]
pub(crate) struct Recommendation(pub(crate) FeatureServer);

#[tonic::async_trait]
impl RecommendationService for Recommendation {
    async fn get_interaction_features(
        &self,
        message: Request<wire::GetInteractionFeaturesRequest>,
    ) -> Result<Response<wire::GetInteractionFeaturesResponse>, Status> {
        let service = self.0.online();
        let refuse = |error| grpc_status(&error, service.config().compat);
        let budget = request::budget(&message);
        let message = message.into_inner();
        if message.item_ids.as_ref().is_none_or(|items| items.val.is_empty()) {
            return Ok(Response::new(wire::GetInteractionFeaturesResponse::default()));
        }
        let request = interaction_request(message).map_err(refuse)?;
        let answer = service.get_interaction_features(request, budget).await.map_err(refuse)?;
        let encoding = Stages::start(service.metrics().map(Arc::as_ref), Stage::Encode);
        let mut message = Response::new(response(&answer).map_err(refuse)?);
        encoding.end();
        message.extensions_mut().insert(answer.answer.facts());
        request::name_late_views(&answer.answer, &mut message);
        Ok(message)
    }
}

fn interaction_request(message: wire::GetInteractionFeaturesRequest) -> Result<InteractionRequest> {
    let (service, features) = match message.kind {
        Some(Kind::FeatureService(service)) => (Some(service), None),
        Some(Kind::Features(features)) => (None, Some(features)),
        None => (None, None),
    };
    let user = message.user_id.ok_or_else(|| Error::invalid("user_id is missing"))?;
    let context = message
        .request_context
        .into_iter()
        .map(|(name, value)| (name, convert::value_from_proto(value)))
        .collect();
    Ok(InteractionRequest {
        selection: request::selection(service, features)?,
        user_join_key: message.user_join_key,
        user: convert::value_from_proto(user),
        item_join_key: message.item_join_key,
        items: request::domain_values(message.item_ids.unwrap_or_default().val),
        context,
        full_feature_names: message.full_feature_names,
    })
}

fn response(interaction: &InteractionAnswer) -> Result<wire::GetInteractionFeaturesResponse> {
    let columns = interaction
        .columns()
        .map(|column| {
            Ok(wire::InteractionColumn {
                name: interaction.answer.name(column).to_owned(),
                values: answer::values(&interaction.answer, column)?,
                statuses: answer::statuses(&interaction.answer, column),
            })
        })
        .collect::<Result<_>>()?;
    let candidate_statuses =
        interaction.statuses.iter().map(|status| wire_status(*status).into()).collect();
    Ok(wire::GetInteractionFeaturesResponse { columns, candidate_statuses })
}

fn wire_status(status: CandidateStatus) -> wire::CandidateStatus {
    match status {
        CandidateStatus::Present => wire::CandidateStatus::Present,
        CandidateStatus::UserNotFound => wire::CandidateStatus::UserNotFound,
        CandidateStatus::ItemNotFound => wire::CandidateStatus::ItemNotFound,
        CandidateStatus::Incomplete => wire::CandidateStatus::Incomplete,
    }
}
