use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use larder_proto::feast::serving::GetFeastServingInfoRequest;
use larder_proto::feast::serving::serving_service_client::ServingServiceClient;
use larder_serving::{ServerConfig, ServerTls};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject as _};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use crate::fixture::{Setup, Shop, settings};

const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// A shop that speaks TLS, and the certificate that its clients trust.
async fn shop(settings: ServerConfig) -> (Shop, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (key, certificate) = (made.signing_key.serialize_pem(), made.cert.pem());
    let tls = ServerTls::from_pem(key.as_bytes(), certificate.as_bytes()).unwrap();
    (Shop::start(Setup { settings, tls: Some(tls), ..Setup::default() }).await, certificate)
}

async fn connect(address: SocketAddr, certificate: &str) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let socket = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect("localhost".try_into().unwrap(), socket).await
}

async fn get_health(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<String> {
    stream.write_all(HEALTH).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

async fn channel(shop: &Shop, certificate: &str) -> Channel {
    let trusted = Certificate::from_pem(certificate);
    let tls = ClientTlsConfig::new().ca_certificate(trusted).domain_name("localhost");
    let endpoint = Endpoint::from_shared(format!("https://{}", shop.grpc)).unwrap();
    endpoint.tls_config(tls).unwrap().connect().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn http_and_grpc_are_served_over_tls() {
    let (shop, certificate) = shop(settings()).await;
    let answer = get_health(connect(shop.http, &certificate).await.unwrap()).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let mut client = ServingServiceClient::new(channel(&shop, &certificate).await);
    let info = client.get_feast_serving_info(GetFeastServingInfoRequest {}).await.unwrap();
    assert!(!info.into_inner().version.is_empty());
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_trust_the_certificate_or_speaks_plain_text_gets_nothing() {
    let (shop, _) = shop(settings()).await;
    let (other, stranger) = self::shop(settings()).await;
    connect(shop.http, &stranger).await.unwrap_err();
    other.stop().await;
    let plain = TcpStream::connect(shop.http).await.unwrap();
    let answer = get_health(plain).await.unwrap_or_default();
    assert!(!answer.contains("HTTP/1.1"), "{answer:?}");
    let endpoint = Endpoint::from_shared(format!("http://{}", shop.grpc)).unwrap();
    let refused = match endpoint.connect().await {
        Ok(channel) => {
            let mut client = ServingServiceClient::new(channel);
            client.get_feast_serving_info(GetFeastServingInfoRequest {}).await.is_err()
        }
        Err(_) => true,
    };
    assert!(refused);
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_that_hang_stop_nobody_and_are_ended() {
    let quick = ServerConfig { handshake_timeout: Duration::from_millis(300), ..settings() };
    let (shop, certificate) = shop(quick).await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(TcpStream::connect(shop.http).await.unwrap());
        silent.push(TcpStream::connect(shop.grpc).await.unwrap());
    }
    let answer = get_health(connect(shop.http, &certificate).await.unwrap()).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    channel(&shop, &certificate).await;
    for mut stream in silent {
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut rest));
        assert!(ended.await.is_ok(), "a hanging handshake was never ended");
    }
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grpc_client_that_sends_no_preface_is_ended_on_plain_text_too() {
    let quick = ServerConfig { handshake_timeout: Duration::from_millis(100), ..settings() };
    let shop = Shop::start(Setup { settings: quick, ..Setup::default() }).await;
    let mut silent = TcpStream::connect(shop.grpc).await.unwrap();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(10), silent.read_to_end(&mut rest)).await;
    assert!(ended.is_ok() && rest.is_empty(), "{rest:?}");
    shop.stop().await;
}
