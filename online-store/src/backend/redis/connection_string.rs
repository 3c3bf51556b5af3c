//! Feast's connection strings: `host:port` and `option=value`, separated by commas.
//!
//! Options are the keyword arguments of redis-py, which Feast hands over, and their values go through JSON first.

use std::path::PathBuf;
use std::time::Duration;

use larder_core::{Error, Result};
use serde_json::Value as Json;

use super::config::{RedisConfig, RedisNode, RedisTls, RedisTopology};

const DEFAULT_PORT: u16 = 6379;
const EXAMPLE: &str = "write host:port,option=value, for instance localhost:6379,db=1,ssl=true";

/// Options of redis-py that say how it does its work and not what it does.
const WITHOUT_EFFECT: [&str; 23] = [
    "client_name",
    "cluster_error_retry_attempts",
    "decode_responses",
    "driver_info",
    "dynamic_startup_nodes",
    "encoding",
    "encoding_errors",
    "health_check_interval",
    "lib_name",
    "lib_version",
    "max_connections",
    "protocol",
    "reinitialize_steps",
    "require_full_coverage",
    "retry_on_error",
    "retry_on_timeout",
    "single_connection_client",
    "skip_full_coverage_check",
    "socket_keepalive",
    "socket_keepalive_options",
    "socket_read_size",
    "ssl_include_verify_chain",
    "url",
];

/// Options that would change whom we talk to or trust, and that our client does not know.
const NOT_SUPPORTED: [&str; 10] = [
    "credential_provider",
    "ssl_ca_data",
    "ssl_ca_path",
    "ssl_ciphers",
    "ssl_exclude_verify_flags",
    "ssl_min_version",
    "ssl_ocsp_expected_cert",
    "ssl_password",
    "ssl_validate_ocsp",
    "unix_socket_path",
];

/// Fills in what a connection string says.
pub(super) fn read_into(text: &str, config: &mut RedisConfig) -> Result<()> {
    let (mut tls, mut with_tls) = (RedisTls::default(), false);
    for part in text.split(',') {
        let Some((name, value)) = part.split_once('=') else {
            config.nodes.push(node(part)?);
            continue;
        };
        let option = Setting { name, value };
        match name {
            "ssl" => with_tls = option.truth()?,
            "ssl_ca_certs" => tls.authorities = option.text().map(PathBuf::from),
            "ssl_certfile" => set_identity(&mut tls, |files| &mut files.0, &option),
            "ssl_keyfile" => set_identity(&mut tls, |files| &mut files.1, &option),
            "ssl_cert_reqs" => tls.verify = option.text().is_some_and(|word| word != "none"),
            "ssl_check_hostname" => tls.verify_name = option.truth()?,
            _ => read_option(&option, config)?,
        }
    }
    if config.nodes.is_empty() {
        return Err(Error::invalid("connection_string names no Redis").with_hint(EXAMPLE));
    }
    if matches!(config.topology, RedisTopology::Single) {
        config.nodes.truncate(1);
    }
    config.tls = with_tls.then_some(tls);
    check_identity(config.tls.as_ref())
}

fn read_option(option: &Setting<'_>, config: &mut RedisConfig) -> Result<()> {
    match option.name {
        "db" => config.database = option.number()?,
        "username" => config.credentials.username = option.text(),
        "password" => config.credentials.password = option.text(),
        "socket_timeout" => set_timeout(&mut config.response_timeout, option)?,
        "socket_connect_timeout" => set_timeout(&mut config.connect_timeout, option)?,
        "read_from_replicas" => config.read_from_replicas = option.truth()?,
        name if WITHOUT_EFFECT.contains(&name) => {}
        name if NOT_SUPPORTED.contains(&name) => {
            return Err(Error::unsupported(format!(
                "connection_string: the option \"{name}\" cannot be used"
            ))
            .with_hint("for TLS there are ssl_ca_certs, ssl_certfile, ssl_keyfile, ssl_cert_reqs and ssl_check_hostname"));
        }
        name if name.trim() != name => {
            return Err(Error::invalid(format!(
                "connection_string: the option \"{name}\" begins or ends with a space"
            ))
            .with_hint("leave no spaces around commas"));
        }
        name => {
            return Err(Error::invalid(format!(
                "connection_string: there is no option \"{name}\""
            ))
            .with_hint("the options are db, username, password, ssl, ssl_*, socket_timeout and socket_connect_timeout"));
        }
    }
    Ok(())
}

/// Feast splits at colons: no URLs and no IPv6 addresses.
fn node(part: &str) -> Result<RedisNode> {
    let (host, port) = part.split_once(':').unwrap_or((part, ""));
    let host_is_plain =
        !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || "/[]@".contains(c));
    let port = if part.contains(':') { port.parse().ok() } else { Some(DEFAULT_PORT) };
    match port {
        Some(port) if host_is_plain => Ok(RedisNode { host: host.to_owned(), port }),
        // Not shown: it may be a URL with a password.
        _ => Err(Error::invalid("connection_string: an address is not of the form host:port")
            .with_hint(EXAMPLE)),
    }
}

fn set_timeout(timeout: &mut Duration, option: &Setting<'_>) -> Result<()> {
    if let Some(seconds) = option.seconds()? {
        *timeout = seconds;
    }
    Ok(())
}

fn set_identity(
    tls: &mut RedisTls,
    part: impl Fn(&mut (PathBuf, PathBuf)) -> &mut PathBuf,
    option: &Setting<'_>,
) {
    if let Some(path) = option.text() {
        *part(tls.identity.get_or_insert_default()) = PathBuf::from(path);
    }
}

fn check_identity(tls: Option<&RedisTls>) -> Result<()> {
    let files = tls.and_then(|tls| tls.identity.as_ref());
    let half = files.is_some_and(|(certificate, key)| {
        certificate.as_os_str().is_empty() || key.as_os_str().is_empty()
    });
    if half {
        return Err(Error::invalid("connection_string: ssl_certfile and ssl_keyfile go together"));
    }
    Ok(())
}

/// One option as written.
struct Setting<'a> {
    name: &'a str,
    value: &'a str,
}

impl Setting<'_> {
    fn json(&self) -> Option<Json> {
        serde_json::from_str(self.value).ok()
    }

    /// A text: what stands there, without the quotes that Feast's JSON takes away; none for `null`.
    fn text(&self) -> Option<String> {
        match self.json() {
            Some(Json::String(text)) => Some(text),
            Some(Json::Null) => None,
            _ => Some(self.value.to_owned()),
        }
    }

    /// A boolean. `True` is a text for Feast, which Python takes as true; so is `False`, and there we stop.
    fn truth(&self) -> Result<bool> {
        match self.json() {
            Some(Json::Bool(truth)) => Ok(truth),
            Some(Json::Null) => Ok(false),
            Some(Json::Number(number)) => Ok(number.as_f64() != Some(0.0)),
            _ if matches!(self.text().as_deref(), Some("True" | "true")) => Ok(true),
            _ => Err(self.wrong("true or false").with_hint(
                "Feast takes every text as true, also \"False\": write true or false in lower case",
            )),
        }
    }

    fn number(&self) -> Result<i64> {
        let text = self.text().unwrap_or_else(|| "0".to_owned());
        text.parse().ok().filter(|number| *number >= 0).ok_or_else(|| self.wrong("a whole number"))
    }

    fn seconds(&self) -> Result<Option<Duration>> {
        let Some(text) = self.text() else { return Ok(None) };
        let seconds =
            text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        match seconds {
            Some(seconds) if !seconds.is_zero() => Ok(Some(seconds)),
            _ => Err(self.wrong("a number of seconds above zero")),
        }
    }

    /// The value is not shown: it may be a misplaced password.
    fn wrong(&self, expected: &str) -> Error {
        Error::invalid(format!("connection_string: {} must be {expected}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;

    use super::*;

    fn parse(text: &str) -> Result<RedisConfig> {
        RedisConfig::new(RedisTopology::Cluster, text)
    }

    /// What Feast 0.67 made of the strings in `tests/vectors/online/misc.json`.
    #[test]
    fn strings_mean_what_they_mean_to_feast() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/online/misc.json");
        let golden: Json = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let cases = golden["redis_connection_strings"].as_array().unwrap();
        assert!(cases.len() > 10);
        for case in cases {
            let text = case["in"].as_str().unwrap();
            let usable = case["nodes"].as_array().unwrap().iter().all(can_be_connected_to)
                && case["params"].as_object().unwrap().keys().all(|name| name.trim() == name);
            match parse(text) {
                Ok(config) => {
                    assert!(usable, "{text}");
                    assert_eq!(described(&config), expected(case), "{text}");
                }
                Err(error) => {
                    assert!(!usable, "{text}: {error}");
                    assert_eq!(error.kind(), ErrorKind::Invalid, "{text}");
                }
            }
        }
    }

    fn can_be_connected_to(node: &Json) -> bool {
        let host = node["host"].as_str().unwrap();
        let port = node.get("port").map_or("6379", |port| port.as_str().unwrap());
        port.parse::<u16>().is_ok() && !host.is_empty() && host != "["
    }

    /// Nodes, database, user, password, TLS and answer timeout as the recorded case has them.
    fn expected(case: &Json) -> [String; 6] {
        let nodes = case["nodes"].as_array().unwrap().iter().map(|node| {
            let port = node.get("port").map_or("6379", |port| port.as_str().unwrap());
            format!("{}:{port}", node["host"].as_str().unwrap())
        });
        let option = |name: &str, default: &str| match case["params"].get(name) {
            Some(Json::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => default.to_owned(),
        };
        [
            nodes.collect::<Vec<_>>().join(","),
            option("db", "0"),
            option("username", ""),
            option("password", ""),
            option("ssl", "false").to_lowercase(),
            option("socket_timeout", "3"),
        ]
    }

    fn described(config: &RedisConfig) -> [String; 6] {
        let RedisConfig { nodes, credentials, .. } = config;
        [
            nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
            config.database.to_string(),
            credentials.username.clone().unwrap_or_default(),
            credentials.password.clone().unwrap_or_default(),
            config.tls.is_some().to_string(),
            config.response_timeout.as_secs_f64().to_string(),
        ]
    }

    #[test]
    fn only_the_first_node_of_a_single_redis_counts() {
        let config = RedisConfig::new(RedisTopology::Single, "a:1,b:2").unwrap();
        assert_eq!(config.nodes, [RedisNode { host: "a".to_owned(), port: 1 }]);
    }

    #[test]
    fn passwords_are_texts_whatever_they_look_like() {
        for (written, meant) in [
            ("12345", Some("12345")),
            ("\"12345\"", Some("12345")),
            ("1e5", Some("1e5")),
            ("true", Some("true")),
            ("a=b", Some("a=b")),
            ("", Some("")),
            ("null", None),
        ] {
            let config = parse(&format!("h:1,password={written}")).unwrap();
            assert_eq!(config.credentials.password.as_deref(), meant, "{written}");
        }
    }

    #[test]
    fn tls_options_are_understood() {
        let text = "h:1,ssl=true,ssl_ca_certs=ca.pem,ssl_certfile=c.pem,ssl_keyfile=k.pem,ssl_cert_reqs=none,ssl_check_hostname=false";
        let expected = RedisTls {
            authorities: Some("ca.pem".into()),
            identity: Some(("c.pem".into(), "k.pem".into())),
            verify: false,
            verify_name: false,
        };
        assert_eq!(parse(text).unwrap().tls, Some(expected));
        assert_eq!(parse("h:1,ssl=true").unwrap().tls, Some(RedisTls::default()));
        assert_eq!(parse("h:1,ssl_ca_certs=ca.pem").unwrap().tls, None);
    }

    #[test]
    fn options_that_would_be_misread_are_refused() {
        for (text, kind) in [
            ("h:1,ssl=False", ErrorKind::Invalid),
            ("h:1,ssl=no", ErrorKind::Invalid),
            ("h:1,db=one", ErrorKind::Invalid),
            ("h:1,db=-1", ErrorKind::Invalid),
            ("h:1,socket_timeout=0", ErrorKind::Invalid),
            ("h:1,socket_timeout=soon", ErrorKind::Invalid),
            ("h:1,sll=true", ErrorKind::Invalid),
            ("h:1,ssl=true,ssl_certfile=c.pem", ErrorKind::Invalid),
            ("h:1,ssl_ca_path=/certs", ErrorKind::Unsupported),
            ("password=x", ErrorKind::Invalid),
            ("h:99999", ErrorKind::Invalid),
            ("h:1:2", ErrorKind::Invalid),
        ] {
            assert_eq!(parse(text).unwrap_err().kind(), kind, "{text}");
        }
    }

    #[test]
    fn no_error_tells_a_password() {
        for text in ["redis://:hunter2@h:1/0", "h:1,ssl=hunter2", "h:1,db=hunter2", "hunter2@h:1"] {
            let error = parse(text).unwrap_err();
            assert!(!format!("{error:?} {error}").contains("hunter2"), "{error:?}");
        }
        let config = parse("h:1,username=hunter2,password=hunter2").unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
