//! Tells a client which views its answer lacks.

use axum::http::HeaderValue;

use crate::online::OnlineAnswer;

/// Names of the views that did not answer in time, separated by commas.
pub(crate) const LATE_VIEWS: &str = "larder-late-views";

/// The header's value; `None` when all views answered.
pub(crate) fn late_views(answer: &OnlineAnswer) -> Option<HeaderValue> {
    let names: Vec<&str> = answer.late_views().collect();
    if names.is_empty() { None } else { HeaderValue::from_bytes(names.join(",").as_bytes()).ok() }
}
