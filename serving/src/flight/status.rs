//! Errors as Feast's remote offline store understands them.

use larder_core::{Compat, Error};
use tonic::Status;

use crate::feast_words::FeastWords;
use crate::status::{log_server_fault, one_line, wire_status};

/// What Feast 0.67's client looks for; after it comes a JSON object with module, class and message.
const MARK: &str = "Flight error: ";

/// Longer texts are cut: clients of gRPC refuse large trailers.
const LONGEST: usize = 2_000;

/// The status of an error. One of Feast's own classes is named in it, and the client raises that class again; any
/// other code becomes the exception that pyarrow has for it (`INVALID_ARGUMENT`: `ArrowInvalid`, a `ValueError`).
pub(super) fn flight_status(error: &Error) -> Status {
    log_server_fault(error);
    let wire = wire_status(error, Compat::Larder);
    let words = FeastWords::of(error).and_then(|words| Some((words.class?, words.text.as_str())));
    let text = match words {
        Some((class, text)) => detail(class, text),
        None if wire.class == "FeastError" => cut(&one_line(error)).to_owned(),
        None => detail(wire.class, &wire.message),
    };
    Status::new(wire.grpc, text)
}

fn detail(class: &str, message: &str) -> String {
    let message = serde_json::Value::from(cut(message));
    format!(
        "{MARK}{{\"module\": \"feast.errors\", \"class\": \"{class}\", \"message\": {message}}}"
    )
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST)]
}

#[cfg(test)]
mod tests {
    use larder_core::ObjectKind;
    use tonic::Code;

    use super::*;

    #[test]
    fn classes_of_feast_are_named() {
        for (error, code, class, message) in [
            (
                Error::not_found(ObjectKind::FeatureView, "ghost", "p"),
                Code::NotFound,
                "FeatureViewNotFoundException",
                "Feature view ghost does not exist in project p",
            ),
            (
                Error::not_found(ObjectKind::DataSource, "nope", "p"),
                Code::NotFound,
                "DataSourceObjectNotFoundException",
                "Data source nope does not exist in project p",
            ),
            (
                Error::invalid("missing").with_source(FeastWords {
                    text: "it says {so}".to_owned(),
                    class: Some("FeastEntityDFMissingColumnsError"),
                }),
                Code::InvalidArgument,
                "FeastEntityDFMissingColumnsError",
                "it says {so}",
            ),
        ] {
            let status = flight_status(&error);
            assert_eq!(status.code(), code);
            let json = status.message().strip_prefix(MARK).unwrap();
            let json: serde_json::Value = serde_json::from_str(json).unwrap();
            assert_eq!(
                (json["class"].as_str(), json["message"].as_str()),
                (Some(class), Some(message))
            );
        }
    }

    #[test]
    fn other_errors_say_what_and_why() {
        let status = flight_status(&Error::invalid("ragged").with_hint("do not"));
        assert_eq!(
            (status.code(), status.message()),
            (Code::InvalidArgument, "ragged; hint: do not")
        );
    }

    #[test]
    fn long_texts_are_cut_between_letters() {
        let status = flight_status(&Error::invalid("ü".repeat(10_000)));
        assert!(status.message().len() <= LONGEST && status.message().ends_with('ü'));
    }
}
