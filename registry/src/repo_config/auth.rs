//! The `auth` section.

use larder_core::Result;

use super::reader::Reader;
use super::secret::Secret;

/// Who may call the servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthConfig {
    /// Everybody.
    NoAuth,
    /// Holders of Kubernetes service account tokens.
    Kubernetes {
        /// Token that a client sends; `None` for the pod's own.
        user_token: Option<Secret<String>>,
    },
    /// Holders of tokens of an identity provider.
    Oidc {
        /// Discovery document; empty for a client that only passes a token on.
        auth_discovery_url: String,
        /// Client whose roles count.
        client_id: Option<String>,
        /// Audience that a token must carry, if checked.
        audience: Option<String>,
        /// Issuer that a token must carry, if checked.
        issuer: Option<String>,
        /// Whether certificates are verified.
        verify_ssl: bool,
        /// Token that a client sends.
        token: Option<Secret<String>>,
        /// Variable that holds it.
        token_env_var: Option<String>,
        /// Whether a client is to fetch its token from the provider.
        fetches_token: bool,
    },
}

impl AuthConfig {
    pub(super) fn read(section: &Reader<'_>) -> Result<Self> {
        if section.section().is_some_and(|section| section.get("type").is_none()) {
            return Err(section.error("type", "is missing; write no_auth, kubernetes or oidc"));
        }
        let kind =
            section.choice("type", "no_auth", &[("no_auth", 0), ("kubernetes", 1), ("oidc", 2)])?;
        let config = match kind {
            0 => Self::NoAuth,
            1 => Self::Kubernetes { user_token: section.secret("user_token")? },
            _ => Self::Oidc {
                auth_discovery_url: section.text("auth_discovery_url", "")?,
                client_id: section.optional_text("client_id")?,
                audience: section.optional_text("audience")?,
                issuer: section.optional_text("issuer")?,
                verify_ssl: section.boolean("verify_ssl", true)?,
                token: section.secret("token")?,
                token_env_var: section.optional_text("token_env_var")?,
                fetches_token: section.secret("client_secret")?.is_some(),
            },
        };
        if kind == 2 {
            section.allow(&[
                "ui_client_id",
                "ca_cert_path",
                "jwks_cache_lifespan_seconds",
                "jwks_request_timeout_seconds",
                "username",
                "password",
                "token_refresh_margin_seconds",
            ]);
        }
        section.finish()?;
        Ok(config)
    }
}
