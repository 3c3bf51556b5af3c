//! Columns that stand in folder names: `day=2024-03-10/part.parquet`.

use arrow_schema::{DataType, Field, FieldRef};
use datafusion::scalar::ScalarValue;
use larder_core::{Error, Result};
use object_store::path::Path;

/// What Hive and Spark write for null.
const NULL_PARTITION: &str = "__HIVE_DEFAULT_PARTITION__";

/// Partition columns of a set of files, with each file's values.
#[derive(Debug, Default)]
pub(super) struct Partitions {
    /// Columns in folder order.
    pub(super) columns: Vec<FieldRef>,
    /// Per file one value per column.
    pub(super) values: Vec<Vec<ScalarValue>>,
}

impl Partitions {
    /// Reads the folders between `prefix` and the file names.
    ///
    /// A column whose values are all integers is one (pyarrow does so too), any other is text.
    pub(super) fn of<'a>(
        prefix: &Path,
        files: impl Iterator<Item = &'a Path> + Clone,
        shown: &str,
    ) -> Result<Self> {
        let texts: Vec<Vec<(String, Option<String>)>> =
            files.map(|file| folders(prefix, file)).collect();
        let names = |folders: &[(String, Option<String>)]| -> Vec<String> {
            folders.iter().map(|(name, _)| name.clone()).collect()
        };
        let first = texts.first().map(|folders| names(folders)).unwrap_or_default();
        if texts.iter().any(|folders| names(folders) != first) {
            return Err(Error::invalid(format!(
                "the files of {shown} do not share the partition columns {first:?}"
            )));
        }
        let types: Vec<DataType> = (0..first.len())
            .map(|column| common_type(texts.iter().map(|folders| folders[column].1.as_deref())))
            .collect();
        let values = texts.iter().map(|folders| {
            folders
                .iter()
                .zip(&types)
                .map(|((_, text), data_type)| value(text.as_deref(), data_type))
        });
        let values = values.map(Iterator::collect).collect::<Result<_>>()?;
        let columns = first.iter().zip(types);
        let columns = columns.map(|(name, data_type)| Field::new(name, data_type, true).into());
        Ok(Self { columns: columns.collect(), values })
    }

    /// Leaves out the columns for which `keep` is false.
    pub(super) fn retain(mut self, keep: impl Fn(&str) -> bool) -> Self {
        let kept: Vec<bool> = self.columns.iter().map(|column| keep(column.name())).collect();
        for values in &mut self.values {
            let mut kept = kept.iter();
            values.retain(|_| kept.next() == Some(&true));
        }
        self.columns.retain(|column| keep(column.name()));
        self
    }
}

fn folders(prefix: &Path, file: &Path) -> Vec<(String, Option<String>)> {
    let parts = file.prefix_match(prefix).into_iter().flatten();
    let mut parts: Vec<String> = parts.map(|part| part.as_ref().to_owned()).collect();
    parts.pop();
    let pairs = parts.iter().filter_map(|part| part.split_once('='));
    pairs
        .map(|(name, text)| (name.to_owned(), (text != NULL_PARTITION).then(|| unescape(text))))
        .collect()
}

/// Undoes the `%3A` that Hive writes for characters that paths cannot have.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let escaped = (byte == b'%')
            .then(|| tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(escaped.unwrap_or(byte));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn common_type<'a>(mut texts: impl Iterator<Item = Option<&'a str>> + Clone) -> DataType {
    if texts.clone().flatten().next().is_none() {
        DataType::Utf8
    } else if texts.clone().flatten().all(|text| text.parse::<i32>().is_ok()) {
        DataType::Int32
    } else if texts.all(|text| text.is_none_or(|text| text.parse::<i64>().is_ok())) {
        DataType::Int64
    } else {
        DataType::Utf8
    }
}

fn value(text: Option<&str>, data_type: &DataType) -> Result<ScalarValue> {
    let scalar = match text {
        Some(text) => ScalarValue::try_from_string(text.to_owned(), data_type),
        None => ScalarValue::try_from(data_type),
    };
    scalar.map_err(crate::failure::from_datafusion)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partitions(files: &[&str]) -> Result<Partitions> {
        let files: Vec<Path> = files.iter().map(|file| Path::parse(file).unwrap()).collect();
        Partitions::of(&Path::from("data"), files.iter(), "data")
    }

    #[test]
    fn folders_become_columns_with_inferred_types() {
        let found = partitions(&[
            "data/year=2024/city=a%3Ab/x.parquet",
            "data/year=__HIVE_DEFAULT_PARTITION__/city=b/y.parquet",
        ]);
        let found = found.unwrap();
        let types: Vec<_> = found.columns.iter().map(|column| column.data_type().clone()).collect();
        assert_eq!(types, [DataType::Int32, DataType::Utf8]);
        assert_eq!(found.values[0], [ScalarValue::from(2024), ScalarValue::from("a:b")]);
        assert_eq!(found.values[1], [ScalarValue::Int32(None), ScalarValue::from("b")]);
    }

    #[test]
    fn files_at_different_depths_are_refused() {
        let error = partitions(&["data/year=2024/x.parquet", "data/y.parquet"]).unwrap_err();
        assert_eq!(error.kind(), larder_core::ErrorKind::Invalid);
    }

    #[test]
    fn plain_folders_are_no_columns() {
        assert!(partitions(&["data/old/x.parquet", "data/y.parquet"]).unwrap().columns.is_empty());
    }
}
