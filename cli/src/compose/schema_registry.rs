//! A schema registry over HTTP, as Confluent's answers.

use std::time::Duration;

use larder_core::{Error, ErrorKind, Result};
use larder_stream_features::WriterSchemas;
use serde::Deserialize;
use ureq::Agent;

/// Time for one answer, the connection included.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Asks `<url>/schemas/ids/<id>`; every id is asked for once per run.
#[derive(Debug)]
pub(super) struct HttpSchemas {
    url: String,
    agent: Agent,
}

/// The part of an answer that is needed.
#[derive(Debug, Deserialize)]
struct Answer {
    schema: String,
}

impl HttpSchemas {
    pub(super) fn new(url: &str) -> Self {
        let settings = Agent::config_builder().timeout_global(Some(TIMEOUT));
        let agent = settings.http_status_as_error(false).build().new_agent();
        Self { url: url.trim_end_matches('/').to_owned(), agent }
    }
}

impl WriterSchemas for HttpSchemas {
    fn schema(&self, id: u32) -> Result<String> {
        let away = |error: ureq::Error| {
            let message = format!("the schema registry does not answer for schema {id}");
            Error::new(ErrorKind::Unavailable, message).with_source(error)
        };
        let mut answer =
            self.agent.get(format!("{}/schemas/ids/{id}", self.url)).call().map_err(away)?;
        match answer.status().as_u16() {
            200 => {
                answer.body_mut().read_json().map(|answer: Answer| answer.schema).map_err(|error| {
                    Error::data(format!(
                        "the schema registry's answer for schema {id} has no schema"
                    ))
                    .with_source(error)
                })
            }
            404 => {
                let message = format!("the schema registry has no schema {id}");
                Err(Error::new(ErrorKind::NotFound, message))
            }
            status => {
                let message = format!("the schema registry answers {status} for schema {id}");
                Err(Error::new(ErrorKind::Unavailable, message))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;

    use super::*;

    const ANSWERS: [&str; 4] =
        [r#"200 {"schema": "\"string\""}"#, r#"404 {"error_code": 40403}"#, "500 {}", "200 {}"];

    /// A registry that gives these answers, one per connection, and in the end tells what it was asked.
    fn registry() -> (String, std::thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let served = std::thread::spawn(move || {
            let answer = |answer: &str| {
                let (mut stream, _) = listener.accept().unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let asked = lines.next().unwrap().unwrap();
                lines.find(|line| line.as_ref().is_ok_and(String::is_empty));
                let (status, body) = answer.split_once(' ').unwrap();
                let length = body.len();
                write!(
                    stream,
                    "HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                )
                .unwrap();
                asked
            };
            ANSWERS.into_iter().map(answer).collect()
        });
        (url, served)
    }

    #[test]
    fn answers_of_a_registry_are_understood() {
        let (url, served) = registry();
        let schemas = HttpSchemas::new(&url);
        assert_eq!(schemas.schema(7).unwrap(), "\"string\"");
        let kinds = [8, 9, 10].map(|id| schemas.schema(id).unwrap_err().kind());
        assert_eq!(kinds, [ErrorKind::NotFound, ErrorKind::Unavailable, ErrorKind::Data]);
        let asked = served.join().unwrap();
        assert_eq!(asked[0], "GET /schemas/ids/7 HTTP/1.1");
        assert_eq!(schemas.schema(7).unwrap_err().kind(), ErrorKind::Unavailable, "nobody listens");
    }
}
