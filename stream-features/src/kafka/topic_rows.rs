//! Rows as messages of a topic.

use async_trait::async_trait;
use larder_core::{Error, Result, Value};

use super::KafkaProducer;
use crate::definition::RowSchema;
use crate::operator::{OutputRow, decode_key};
use crate::sink::{Covered, RowDocument, Sink};

/// A message per row: the key of the job as its key, an object as JSON lines have it as its value.
///
/// The key of one column is its value as text, the key of several a JSON array. Rows of one key are of one partition, in
/// the order in which they were told, by the same hash as Java's clients use.
#[derive(Debug)]
pub struct TopicRows {
    producer: KafkaProducer,
    topic: String,
    document: RowDocument,
}

impl TopicRows {
    /// Rows of this shape for a topic.
    pub fn new(producer: KafkaProducer, topic: &str, row: &RowSchema) -> Self {
        Self { producer, topic: topic.to_owned(), document: RowDocument::new(row) }
    }
}

#[async_trait]
impl Sink for TopicRows {
    fn kind(&self) -> &'static str {
        "topic"
    }

    /// What was not committed, nobody saw.
    async fn restore(&mut self, _: Option<&[u8]>) -> Result<()> {
        Ok(())
    }

    async fn write(&mut self, rows: &[OutputRow]) -> Result<()> {
        for row in rows {
            let value = serde_json::to_vec(&self.document.object(row)?)
                .map_err(|error| Error::internal("a row as JSON").with_source(error))?;
            self.producer.send(&self.topic, key(&decode_key(&row.key)?).as_bytes(), &value).await?;
        }
        Ok(())
    }

    /// The commit waits for every message; waiting here too would only take longer.
    async fn flush(&mut self, _: Covered) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }

    async fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

/// The key of a message.
fn key(values: &[Value]) -> String {
    let text = |value: &Value| match value {
        Value::String(text) => serde_json::Value::from(text.as_str()),
        Value::Bool(truth) => serde_json::Value::from(*truth),
        Value::Int64(number) => serde_json::Value::from(*number),
        _ => serde_json::Value::Null,
    };
    match values {
        [Value::String(text)] => text.clone(),
        [value] => text(value).to_string(),
        values => serde_json::Value::Array(values.iter().map(text).collect()).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_its_value_and_several_are_an_array() {
        let name = || Value::String("a\"b".to_owned());
        for (values, expected) in [
            (vec![name()], "a\"b"),
            (vec![Value::Int64(-7)], "-7"),
            (vec![Value::Bool(true)], "true"),
            (vec![name(), Value::Int64(7)], "[\"a\\\"b\",7]"),
        ] {
            assert_eq!(key(&values), expected);
        }
    }
}
