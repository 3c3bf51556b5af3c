//! The `online_store` section of type `remote`, with the token of the `auth` section.

use std::path::Path;
use std::time::Duration;

use larder_core::{Error, Result};
use larder_online_store::{RemoteConfig, RemoteStore, RemoteToken};
use larder_registry::RepoConfig;
use larder_registry::repo_config::{
    self, AuthConfig, Environment, FEAST_OIDC_TOKEN, LOCAL_K8S_TOKEN, ProcessEnvironment,
};

/// Where Kubernetes puts the token of a pod.
const POD_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// The store that the settings describe; nothing is connected yet.
///
/// # Errors
/// `Invalid` for a URL, a time or a certificate that cannot be used; `Unsupported` for tokens that would have to be
/// fetched; `PermissionDenied` when authentication is configured and there is no token.
pub(super) fn store(
    config: &RepoConfig,
    settings: &repo_config::RemoteStore,
) -> Result<RemoteStore> {
    let idle = u64::from(settings.connection_idle_timeout);
    let authorities = (!settings.cert.is_empty()).then(|| config.repo_path.join(&settings.cert));
    RemoteStore::open(&RemoteConfig {
        authorities,
        token: token(&config.auth, &ProcessEnvironment, Path::new(POD_TOKEN))?,
        connections: settings.connection_pool_size as usize,
        idle_timeout: (idle > 0).then(|| Duration::from_secs(idle)),
        retries: settings.connection_retries,
        connect_timeout: seconds("connect_timeout", settings.connect_timeout)?,
        request_timeout: seconds("request_timeout", settings.request_timeout)?,
        rows_per_request: settings.rows_per_request as usize,
        ..RemoteConfig::new(&settings.path)
    })
}

fn seconds(key: &str, value: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(value).map_err(|cause| {
        Error::invalid(format!("online_store.{key}: {value} is no number of seconds"))
            .with_source(cause)
    })
}

/// The first token that there is, in Feast's order.
fn token(
    auth: &AuthConfig,
    environment: &dyn Environment,
    of_pod: &Path,
) -> Result<Option<RemoteToken>> {
    let text = |text: &str| RemoteToken::Text(text.to_owned());
    let variable =
        |name: &str| environment.get(name).filter(|token| !token.is_empty()).map(RemoteToken::Text);
    let pod_token = || of_pod.is_file().then(|| RemoteToken::File(of_pod.to_owned()));
    let found = match auth {
        AuthConfig::NoAuth => return Ok(None),
        AuthConfig::Kubernetes { user_token } => user_token
            .as_ref()
            .map(|token| text(token.expose()))
            .or_else(pod_token)
            .or_else(|| variable(LOCAL_K8S_TOKEN)),
        AuthConfig::Oidc { token, token_env_var, fetches_token, .. } => {
            match (token, token_env_var) {
                (Some(token), _) => Some(text(token.expose())),
                (None, Some(name)) => variable(name),
                (None, None) if *fetches_token => {
                    return Err(Error::unsupported(
                        "auth.client_secret: tokens are not fetched from the identity provider",
                    )
                    .with_hint("give the token itself: auth.token or auth.token_env_var"));
                }
                (None, None) => variable(FEAST_OIDC_TOKEN).or_else(pod_token),
            }
        }
    };
    found.map(Some).ok_or_else(|| {
        let kind = larder_core::ErrorKind::PermissionDenied;
        Error::new(kind, "the remote online store needs a token and there is none")
            .with_hint("set auth.token or auth.token_env_var (kubernetes: auth.user_token)")
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use larder_core::ErrorKind;
    use larder_registry::repo_config::FixedEnvironment;

    use super::*;

    fn oidc(token_env_var: Option<&str>) -> AuthConfig {
        AuthConfig::Oidc {
            auth_discovery_url: String::new(),
            client_id: None,
            audience: None,
            issuer: None,
            verify_ssl: true,
            token: None,
            token_env_var: token_env_var.map(str::to_owned),
            fetches_token: false,
        }
    }

    const KUBERNETES: AuthConfig = AuthConfig::Kubernetes { user_token: None };

    #[test]
    fn tokens_come_from_the_environment_and_the_pod_in_feasts_order() {
        let (pod, nowhere) =
            (Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")), Path::new("/nowhere"));
        let set = FixedEnvironment::from([
            (LOCAL_K8S_TOKEN, "of kubernetes"),
            (FEAST_OIDC_TOKEN, "of oidc"),
            ("MINE", "mine"),
            ("EMPTY", ""),
        ]);
        let text = |text: &str| Some(RemoteToken::Text(text.to_owned()));
        let of_pod = Some(RemoteToken::File(PathBuf::from(pod)));
        for (auth, of, expected) in [
            (KUBERNETES, nowhere, text("of kubernetes")),
            (KUBERNETES, pod, of_pod),
            (oidc(None), pod, text("of oidc")),
            (oidc(Some("MINE")), pod, text("mine")),
            (AuthConfig::NoAuth, pod, None),
        ] {
            assert_eq!(token(&auth, &set, of).unwrap(), expected, "{auth:?}");
        }
        for auth in [oidc(Some("EMPTY")), oidc(Some("UNSET"))] {
            let error = token(&auth, &set, pod).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{auth:?}");
        }
    }
}
