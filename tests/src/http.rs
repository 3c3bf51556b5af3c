//! HTTP as a client sees it: a status is an answer, not an error.

use std::time::Duration;

use serde_json::Value;

/// Status, type and body of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Its `content-type`, if it has one.
    pub content_type: Option<String>,
    /// Body as text.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {} {}", self.status, self.body))
    }
}

/// Posts a JSON document.
///
/// # Errors
/// When no answer comes within 30 seconds.
pub fn post(url: &str, body: &Value) -> Result<Answer, ureq::Error> {
    post_text(url, &body.to_string())
}

/// Posts any text as if it were JSON.
///
/// # Errors
/// When no answer comes within 30 seconds.
pub fn post_text(url: &str, body: &str) -> Result<Answer, ureq::Error> {
    post_typed(url, "application/json", body)
}

/// Posts any text under a content type.
///
/// # Errors
/// When no answer comes within 30 seconds.
pub fn post_typed(url: &str, content_type: &str, body: &str) -> Result<Answer, ureq::Error> {
    answer(agent().post(url).content_type(content_type).send(body)?)
}

/// Gets a page.
///
/// # Errors
/// When no answer comes within 30 seconds.
pub fn get(url: &str) -> Result<Answer, ureq::Error> {
    answer(agent().get(url).call()?)
}

fn answer(response: ureq::http::Response<ureq::Body>) -> Result<Answer, ureq::Error> {
    let status = response.status().as_u16();
    let content_type = response.headers().get("content-type");
    let content_type = content_type.and_then(|value| value.to_str().ok()).map(str::to_owned);
    Ok(Answer { status, content_type, body: response.into_body().read_to_string()? })
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .into()
}
