//! Names of columns on both sides of a source's field mapping.

use larder_core::DataSource;

/// The name by which Feast knows a column of the source.
pub fn mapped_name<'a>(source: &'a DataSource, column: &'a str) -> &'a str {
    source.field_mapping.get(column).map_or(column, String::as_str)
}

/// The name in the source of a column that Feast knows by `name`.
///
/// When two source columns map to one name the first in name order is taken (Feast 0.67 does not notice either).
pub fn source_name<'a>(source: &'a DataSource, name: &'a str) -> &'a str {
    source
        .field_mapping
        .iter()
        .find_map(|(column, mapped)| (mapped == name).then_some(column.as_str()))
        .unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use larder_core::SourceKind;

    #[test]
    fn mapping_leads_there_and_back_and_leaves_other_names_alone() {
        let mut source = DataSource::new("clicks", SourceKind::Push);
        source.field_mapping.insert("ets".to_owned(), "event_ts".to_owned());
        for (column, name) in [("ets", "event_ts"), ("rate", "rate")] {
            assert_eq!(mapped_name(&source, column), name);
            assert_eq!(source_name(&source, name), column);
        }
    }
}
