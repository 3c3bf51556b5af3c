//! Kafka's errors as those of this project.

use std::fmt::Display;

use larder_core::{Error, ErrorKind};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// What a code means for whoever waits for an answer.
fn kind(code: Code) -> ErrorKind {
    match code {
        Code::UnknownTopicOrPartition
        | Code::UnknownTopic
        | Code::UnknownPartition
        | Code::OffsetOutOfRange
        | Code::AutoOffsetReset
        | Code::NoOffset => ErrorKind::NotFound,
        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed
        | Code::Authentication
        | Code::SaslAuthenticationFailed
        | Code::IllegalSASLState
        | Code::UnsupportedSASLMechanism
        | Code::SSL => ErrorKind::PermissionDenied,
        Code::TopicAlreadyExists | Code::Fenced | Code::ProducerFenced | Code::FencedInstanceId => {
            ErrorKind::AlreadyExists
        }
        Code::IllegalGeneration
        | Code::UnknownMemberId
        | Code::AssignmentLost
        | Code::RebalanceInProgress
        | Code::InvalidProducerEpoch
        | Code::InvalidProducerIdMapping
        | Code::UnknownProducerId
        | Code::PollExceeded => ErrorKind::Conflict,
        Code::InvalidArgument
        | Code::InvalidConfig
        | Code::InvalidTopic
        | Code::InvalidPartitions
        | Code::InvalidReplicationFactor
        | Code::InvalidSessionTimeout
        | Code::InvalidTransactionTimeout
        | Code::PolicyViolation
        | Code::MessageSizeTooLarge => ErrorKind::Invalid,
        Code::UnsupportedVersion | Code::UnsupportedFeature | Code::NotImplemented => {
            ErrorKind::Unsupported
        }
        Code::BadMessage | Code::BadCompression | Code::InvalidMessage => ErrorKind::Data,
        // Brokers that start, stop, elect and answer late; a code that is not known is waited for too.
        _ => ErrorKind::Unavailable,
    }
}

fn hint(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::UnknownTopicOrPartition | Code::UnknownTopic => {
            "fs stream topics apply makes the topics of streams/topics.yaml"
        }
        Code::OffsetOutOfRange | Code::AutoOffsetReset => {
            "the events were removed before they were read: raise the retention of the topic, or begin anew with \
             --reset"
        }
        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed => {
            "the user of stream.kafka needs: read on the topic and the group, write on output topics, write on the \
             transactional id"
        }
        Code::Authentication | Code::SaslAuthenticationFailed | Code::IllegalSASLState => {
            "see sasl_username, sasl_password and sasl_mechanism of stream.kafka in larder.yaml"
        }
        Code::UnsupportedSASLMechanism => "see sasl_mechanism of stream.kafka in larder.yaml",
        Code::SSL => "see security_protocol and ssl_ca_location of stream.kafka in larder.yaml",
        Code::BrokerTransportFailure
        | Code::AllBrokersDown
        | Code::Resolve
        | Code::OperationTimedOut => {
            "no broker answers: see bootstrap_servers of stream.kafka in larder.yaml"
        }
        Code::InvalidReplicationFactor => {
            "the cluster has fewer brokers: set stream.kafka.replication or pass --replication"
        }
        _ => return None,
    })
}

/// The error of an action that failed with this code.
pub(super) fn coded(what: impl Display, code: Code) -> Error {
    let error = Error::new(kind(code), format!("{what}: {code}"));
    match hint(code) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// What the client says of a property, which repeats its value.
fn without(description: &str, value: &str) -> String {
    if value.is_empty() { description.to_owned() } else { description.replace(value, "...") }
}

/// The error of an action. Values of the configuration are not repeated: they may be secrets.
pub(super) fn failed(what: impl Display, error: &KafkaError) -> Error {
    match error {
        KafkaError::ClientConfig(_, description, name, value) => {
            let description = without(description, value);
            let message = format!("{what}: Kafka property \"{name}\": {description}");
            Error::invalid(message).with_hint("see stream.kafka in larder.yaml")
        }
        KafkaError::ClientCreation(reason) => {
            Error::invalid(format!("{what}: {reason}")).with_hint("see stream.kafka in larder.yaml")
        }
        other => match other.rdkafka_error_code() {
            Some(code) => coded(what, code),
            None => Error::new(ErrorKind::Unavailable, format!("{what}: {other}")),
        },
    }
}

/// Whether a broker does not let this user in.
pub(super) fn is_refusal(error: &KafkaError) -> bool {
    error.rdkafka_error_code().is_some_and(|code| kind(code) == ErrorKind::PermissionDenied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_that_is_gone_may_come_back_and_a_login_that_fails_will_not_pass() {
        for (code, expected) in [
            (Code::AllBrokersDown, ErrorKind::Unavailable),
            (Code::NotEnoughReplicas, ErrorKind::Unavailable),
            (Code::UnknownTopicOrPartition, ErrorKind::NotFound),
            (Code::SaslAuthenticationFailed, ErrorKind::PermissionDenied),
            (Code::Fenced, ErrorKind::AlreadyExists),
            (Code::IllegalGeneration, ErrorKind::Conflict),
        ] {
            assert_eq!(coded("x", code).kind(), expected, "{code:?}");
        }
    }

    #[test]
    fn values_of_the_configuration_are_not_repeated() {
        let mut config = rdkafka::ClientConfig::new();
        config.set("security.protocol", "opensesame");
        let error = config.create_native_config().map(drop).unwrap_err();
        let error = failed("no client", &error);
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(!format!("{error} {error:?}").contains("opensesame"), "{error:?}");
    }
}
