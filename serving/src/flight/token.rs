//! The token that every call must carry.

use larder_core::{Error, ErrorKind};
use ring::digest::{Digest, SHA256, digest};
use tonic::metadata::MetadataMap;
use tonic::{Request, Status};

use super::BearerToken;

/// Lets calls through that carry `authorization: Bearer <token>`, as Feast's client sends it.
#[derive(Debug, Clone)]
pub(super) struct Doorkeeper(Option<Digest>);

impl Doorkeeper {
    /// One who asks for this token, or for none.
    pub(super) fn new(token: Option<&BearerToken>) -> Self {
        Self(token.map(|token| digest(&SHA256, token.expose().as_bytes())))
    }

    fn check(&self, metadata: &MetadataMap) -> Result<(), Error> {
        let Some(wanted) = &self.0 else { return Ok(()) };
        let refused = |message: &str| Err(Error::new(ErrorKind::PermissionDenied, message));
        let Some(given) = metadata.get("authorization") else {
            return refused("the call carries no token");
        };
        let given = given.as_encoded_bytes();
        let Some((scheme, token)) = given.split_at_checked(SCHEME.len()) else {
            return refused("the token is no bearer token");
        };
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return refused("the token is no bearer token");
        }
        // Digests: how long the comparison takes tells nothing about the token.
        if digest(&SHA256, token.trim_ascii()).as_ref() == wanted.as_ref() {
            Ok(())
        } else {
            refused("the token is not the one of this server")
        }
    }
}

const SCHEME: &[u8] = b"Bearer ";

impl tonic::service::Interceptor for Doorkeeper {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        match self.check(request.metadata()) {
            Ok(()) => Ok(request),
            Err(error) => Err(Status::unauthenticated(error.message())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_token_opens() {
        let keeper = Doorkeeper::new(Some(&BearerToken::new("open sesame")));
        for (header, opens) in [
            (None, false),
            (Some("Bearer open sesame"), true),
            (Some("bearer open sesame"), true),
            (Some("Bearer open"), false),
            (Some("Bearer open sesame!"), false),
            (Some("Basic open sesame"), false),
            (Some("Bear"), false),
        ] {
            let mut metadata = MetadataMap::new();
            if let Some(header) = header {
                metadata.insert("authorization", header.parse().unwrap());
            }
            assert_eq!(keeper.check(&metadata).is_ok(), opens, "{header:?}");
            assert!(Doorkeeper::new(None).check(&metadata).is_ok());
        }
    }
}
