//! How connections are made: to one server, and to the master that sentinels name.

use async_trait::async_trait;
use larder_core::{Error, Result};
use redis::aio::{ConnectionLike as _, MultiplexedConnection};
use redis::io::tcp::TcpSettings;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, ConnectionAddr, IntoConnectionInfo as _,
    RedisConnectionInfo, RedisResult, TlsCertificates, TlsMode,
};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use super::client::{answer, pipeline_of};
use super::config::{RedisConfig, RedisNode, RedisTls};
use super::hmget::{Answers, HmgetPipeline};
use super::log_in::log_in;
use super::look_up::LookUpConnection;

/// Requests that a connection takes before callers wait.
const QUEUE: usize = 256;

/// Makes connections of one kind.
#[async_trait]
pub(super) trait Dial: Send + Sync {
    /// A connection that can be used by many at a time, each with a clone.
    type Connection: Clone + Send + Sync;

    /// Makes a connection and logs in.
    async fn dial(&self) -> RedisResult<Self::Connection>;
}

/// Makes clients of servers at any address, with the user, password and TLS of one configuration.
pub(super) struct Clients {
    login: RedisConnectionInfo,
    tls: Option<(RedisTls, TlsCertificates)>,
}

impl Clients {
    /// Reads the certificates.
    pub(super) fn new(config: &RedisConfig) -> Result<Self> {
        let tls = match &config.tls {
            Some(tls) => Some((tls.clone(), certificates(tls)?)),
            None => None,
        };
        Ok(Self { login: login(config), tls })
    }

    /// A client of a server; it connects when it is asked to.
    pub(super) fn of(&self, node: &RedisNode) -> RedisResult<Client> {
        let tls = self.tls.as_ref();
        let info = address(node, tls.map(|(tls, _)| tls))
            .into_connection_info()?
            .set_redis_settings(self.login.clone())
            .set_tcp_settings(tcp_settings());
        let Some((tls, certificates)) = tls else { return Client::open(info) };
        let client = Client::build_with_tls(info, certificates.clone())?;
        if takes_any_name(tls) { with_any_name(&client) } else { Ok(client) }
    }
}

/// Connections to one server.
pub(super) enum ServerDial {
    /// Always the same.
    Fixed(Box<Client>),
    /// The current master.
    Master(Box<Mutex<SentinelClient>>),
}

impl ServerDial {
    pub(super) fn fixed(config: &RedisConfig) -> Result<Self> {
        let node = config.nodes.first().ok_or_else(|| Error::internal("no node"))?;
        let client = Clients::new(config)?.of(node).map_err(refused)?;
        Ok(Self::Fixed(Box::new(client)))
    }

    /// Feast's options are those of the master; sentinels get neither password nor TLS, as in redis-py.
    pub(super) fn master(config: &RedisConfig, name: &str) -> Result<Self> {
        let sentinels = config.nodes.iter().map(|node| address(node, None));
        let mut builder = SentinelClientBuilder::new(sentinels, name, SentinelServerType::Master)
            .map_err(refused)?
            .set_client_to_redis_db(config.database)
            .set_client_to_redis_tcp_settings(tcp_settings());
        if let Some(username) = &config.credentials.username {
            builder = builder.set_client_to_redis_username(username);
        }
        if let Some(password) = &config.credentials.password {
            builder = builder.set_client_to_redis_password(password);
        }
        if let Some(tls) = &config.tls {
            // The client library looks whether it is the master on a connection that it makes itself, and logs in there.
            if takes_any_name(tls) {
                return Err(Error::unsupported(
                    "connection_string: ssl_check_hostname=false cannot be used with sentinels",
                )
                .with_hint("give the servers certificates for their own names or addresses"));
            }
            builder = builder
                .set_client_to_redis_tls_mode(tls_mode(tls))
                .set_client_to_redis_certificates(certificates(tls)?);
        }
        Ok(Self::Master(Box::new(Mutex::new(builder.build().map_err(refused)?))))
    }

    async fn client(&self) -> RedisResult<Client> {
        match self {
            Self::Fixed(client) => Ok(Client::clone(client)),
            Self::Master(sentinels) => sentinels.lock().await.async_get_client().await,
        }
    }
}

#[async_trait]
impl Dial for ServerDial {
    type Connection = MultiplexedConnection;

    async fn dial(&self) -> RedisResult<MultiplexedConnection> {
        self.client().await?.get_multiplexed_async_connection_with_config(&config()).await
    }
}

/// Makes connections to the same server for look-ups.
pub(super) struct LookUpDial<'a> {
    pub(super) server: &'a ServerDial,
    /// Whether a replica of a cluster shall answer, and not send us to its primary.
    pub(super) of_replica: bool,
}

/// A connection for look-ups.
#[derive(Debug, Clone)]
pub(super) enum LookUpLine {
    /// Our own.
    Raw(LookUpConnection),
    /// The client library's, where the bytes are encrypted.
    Library(MultiplexedConnection),
}

impl LookUpLine {
    /// Sends look-ups and awaits their answers.
    pub(super) async fn ask(&self, look_ups: &HmgetPipeline<'_>) -> RedisResult<Answers> {
        match self {
            Self::Raw(connection) => {
                let answers = connection.ask(look_ups.to_bytes(), look_ups.len()).await?;
                Ok(Answers::Raw(answers))
            }
            Self::Library(connection) => {
                let pipeline = pipeline_of(look_ups.to_commands());
                let mut connection = connection.clone();
                let values = connection.req_packed_commands(&pipeline, 0, pipeline.len()).await?;
                Ok(Answers::Values(values.into_iter().map(answer).collect()))
            }
        }
    }

    /// Has a replica of a cluster answer what it knows.
    async fn read_from_replica(&self) -> RedisResult<()> {
        let command = redis::cmd("READONLY");
        match self {
            // Its own answer does not matter: a server that refuses sends the look-ups to its primary.
            Self::Raw(connection) => {
                connection.ask(command.get_packed_command(), 1).await?;
                Ok(())
            }
            Self::Library(connection) => command.exec_async(&mut connection.clone()).await,
        }
    }
}

#[async_trait]
impl Dial for LookUpDial<'_> {
    type Connection = LookUpLine;

    async fn dial(&self) -> RedisResult<LookUpLine> {
        let line = self.line().await?;
        if self.of_replica {
            line.read_from_replica().await?;
        }
        Ok(line)
    }
}

impl LookUpDial<'_> {
    async fn line(&self) -> RedisResult<LookUpLine> {
        let client = self.server.client().await?;
        let info = client.get_connection_info();
        let ConnectionAddr::Tcp(host, port) = info.addr() else {
            let made = client.get_multiplexed_async_connection_with_config(&config()).await;
            return made.map(LookUpLine::Library);
        };
        let stream = TcpStream::connect((host.as_str(), *port)).await?;
        stream.set_nodelay(true)?;
        let stream = log_in(stream, info.redis_settings(), config()).await?;
        Ok(LookUpLine::Raw(LookUpConnection::over(stream)))
    }
}

/// Whoever calls watches the time.
fn config() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(None)
        .set_pipeline_buffer_size(QUEUE)
}

fn address(node: &RedisNode, tls: Option<&RedisTls>) -> ConnectionAddr {
    let (host, port) = (node.host.clone(), node.port);
    match tls {
        None => ConnectionAddr::Tcp(host, port),
        Some(tls) => ConnectionAddr::TcpTls { host, port, insecure: !tls.verify, tls_params: None },
    }
}

/// Whether a certificate is checked, but not whose name it has.
fn takes_any_name(tls: &RedisTls) -> bool {
    tls.verify && !tls.verify_name
}

/// A client of the same server that takes its certificate whatever its name.
fn with_any_name(client: &Client) -> RedisResult<Client> {
    let info = client.get_connection_info();
    let mut address = info.addr().clone();
    address.set_danger_accept_invalid_hostnames(true);
    Client::open(info.clone().set_addr(address))
}

fn tls_mode(tls: &RedisTls) -> TlsMode {
    if tls.verify { TlsMode::Secure } else { TlsMode::Insecure }
}

fn login(config: &RedisConfig) -> RedisConnectionInfo {
    let mut login = RedisConnectionInfo::default().set_db(config.database).set_skip_set_lib_name();
    if let Some(username) = &config.credentials.username {
        login = login.set_username(username);
    }
    if let Some(password) = &config.credentials.password {
        login = login.set_password(password);
    }
    login
}

/// Requests are small and must not wait for one another.
fn tcp_settings() -> TcpSettings {
    TcpSettings::default().set_nodelay(true)
}

fn certificates(tls: &RedisTls) -> Result<TlsCertificates> {
    // One of several cryptographic libraries must be chosen for the process; whoever came first has.
    drop(rustls::crypto::ring::default_provider().install_default());
    let client_tls = match &tls.identity {
        None => None,
        Some((certificate, key)) => Some(ClientTlsConfig {
            client_cert: read("ssl_certfile", certificate)?,
            client_key: read("ssl_keyfile", key)?,
        }),
    };
    let root_cert = tls.authorities.as_ref().map(|path| read("ssl_ca_certs", path)).transpose()?;
    Ok(TlsCertificates { client_tls, root_cert })
}

fn read(option: &str, path: &std::path::Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|cause| {
        let path = path.display();
        Error::invalid(format!("connection_string: {option}: cannot read \"{path}\""))
            .with_source(cause)
    })
}

/// The error for settings that the client library refuses before it connects.
pub(super) fn refused(cause: redis::RedisError) -> Error {
    Error::invalid("connection_string cannot be used").with_source(cause)
}
