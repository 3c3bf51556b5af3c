//! Which endpoint a path belongs to: one of a few names, whatever clients send.

/// The endpoint of paths that lead nowhere.
pub(super) const OTHER: &str = "other";

/// Answered also when everything else is too much.
pub(super) const HEALTH: &str = "/health";

/// Paths of the HTTP server.
const HTTP: [&str; 14] = [
    "/get-online-features",
    "/push",
    "/write-to-online-store",
    MATERIALIZE,
    MATERIALIZE_INCREMENTAL,
    "/search",
    "/retrieve-online-documents",
    "/v1/vector_stores",
    "/chat",
    "/ws/chat",
    "/openapi.json",
    "/docs",
    "/redoc",
    HEALTH,
];

const MATERIALIZE: &str = "/materialize";
const MATERIALIZE_INCREMENTAL: &str = "/materialize-incremental";

/// Paths with a name in them.
const VECTOR_STORE: &str = "/v1/vector_stores/{vector_store_id}";
const VECTOR_STORE_SEARCH: &str = "/v1/vector_stores/{vector_store_id}/search";

/// Answered also when everything else is too much.
pub(super) const GRPC_HEALTH: &str = "/grpc.health.v1.Health/Check";

/// Answered by a stream that goes on after its head.
pub(super) const BATCH_GET: &str = "/larder.lookup.v1.LookupService/BatchGet";

/// How the methods of Arrow Flight begin.
const FLIGHT: &str = "/arrow.flight.protocol.FlightService/";

/// Methods of the gRPC servers.
const GRPC: [&str; 18] = [
    BATCH_GET,
    "/arrow.flight.protocol.FlightService/DoAction",
    "/arrow.flight.protocol.FlightService/DoExchange",
    "/arrow.flight.protocol.FlightService/DoGet",
    "/arrow.flight.protocol.FlightService/DoPut",
    "/arrow.flight.protocol.FlightService/GetFlightInfo",
    "/arrow.flight.protocol.FlightService/GetSchema",
    "/arrow.flight.protocol.FlightService/Handshake",
    "/arrow.flight.protocol.FlightService/ListActions",
    "/arrow.flight.protocol.FlightService/ListFlights",
    "/arrow.flight.protocol.FlightService/PollFlightInfo",
    "/GrpcFeatureServer/GetOnlineFeatures",
    "/GrpcFeatureServer/Push",
    "/GrpcFeatureServer/WriteToOnlineStore",
    "/feast.serving.ServingService/GetFeastServingInfo",
    "/feast.serving.ServingService/GetOnlineFeatures",
    "/larder.recommendation.v1.RecommendationService/GetInteractionFeatures",
    GRPC_HEALTH,
];

pub(super) fn of_http(path: &str) -> &'static str {
    if let Some(known) = HTTP.into_iter().find(|known| *known == path) {
        return known;
    }
    match path.strip_prefix("/v1/vector_stores/").map(|rest| rest.split_once('/')) {
        Some(None) => VECTOR_STORE,
        Some(Some((_, "search"))) => VECTOR_STORE_SEARCH,
        _ => OTHER,
    }
}

pub(super) fn of_grpc(path: &str) -> &'static str {
    GRPC.into_iter().find(|known| *known == path).unwrap_or(OTHER)
}

/// Feast 0.67 counts what works on features, not `/health` and the like.
pub(crate) fn is_counted_by_feast(endpoint: &str) -> bool {
    !matches!(
        endpoint,
        OTHER
            | HEALTH
            | "/chat"
            | "/ws/chat"
            | "/openapi.json"
            | "/docs"
            | "/redoc"
            | "/v1/vector_stores"
            | VECTOR_STORE
    )
}

/// Whether an endpoint moves whole tables, for which no time is too long.
pub(super) fn is_unlimited(endpoint: &str) -> bool {
    matches!(endpoint, MATERIALIZE | MATERIALIZE_INCREMENTAL) || endpoint.starts_with(FLIGHT)
}

/// Whether the answer is a stream that goes on after its head.
pub(super) fn is_streamed(endpoint: &str) -> bool {
    endpoint == BATCH_GET || endpoint.starts_with(FLIGHT)
}

/// Whether a path has a name of its own.
#[cfg(test)]
pub(crate) fn is_known(path: &str) -> bool {
    of_http(path) != OTHER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_make_up_is_one_endpoint() {
        assert_eq!(of_http("/push"), "/push");
        assert_eq!(of_http("/push/"), OTHER);
        assert_eq!(of_http("/push?x=1"), OTHER);
        assert_eq!(of_grpc("/feast.serving.ServingService/Nothing"), OTHER);
    }
}
