//! One view as a store sees it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use larder_core::{Error, FeatureView, Field, Result};
use larder_proto::wire::field_hash::feature_field;

use crate::ViewSchema;

/// A feature of a view, with its field name on Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureColumn {
    /// Name of the feature.
    pub name: Arc<str>,
    /// `murmur3_32` (x86, seed 0) of `<view>:<feature>`.
    pub hash: u32,
}

/// A view's storage name and the features to read or write, prepared once per catalog version.
///
/// The features may be any selection of the view's, in any order; cells follow that order. Cloning costs a few
/// reference counts.
#[derive(Debug, Clone)]
pub struct ViewTable {
    project: Arc<str>,
    view: Arc<str>,
    features: Arc<[FeatureColumn]>,
    by_hash: Arc<[u32]>,
    by_name: Arc<[u32]>,
    ttl: Option<Duration>,
    schema: Option<Arc<ViewSchema>>,
}

impl ViewTable {
    /// A table for the view with this storage name: the real view name, never an alias, with `_v<N>` when the registry
    /// versions online views.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](larder_core::ErrorKind::Invalid) when a feature occurs twice or when the hashes of two
    /// features collide, which Feast does not notice and Redis could not keep apart.
    pub fn new<Name: Into<Arc<str>>>(
        project: impl Into<Arc<str>>,
        view: impl Into<Arc<str>>,
        features: impl IntoIterator<Item = Name>,
    ) -> Result<Self> {
        let view = view.into();
        let features: Arc<[FeatureColumn]> = features
            .into_iter()
            .map(|name| {
                let name = name.into();
                FeatureColumn { hash: field_hash(&view, &name), name }
            })
            .collect();
        let by_hash = order_by(&features, |feature| feature.hash);
        let by_name = order_by(&features, |feature| Arc::clone(&feature.name));
        let table = Self {
            project: project.into(),
            view,
            features,
            by_hash,
            by_name,
            ttl: None,
            schema: None,
        };
        table.refuse_clashes()?;
        Ok(table)
    }

    /// The table `storage_name` of a registered view, with these of its features, its ttl and its schema.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of_view<'f>(
        project: impl Into<Arc<str>>,
        storage_name: impl Into<Arc<str>>,
        view: &FeatureView,
        features: impl IntoIterator<Item = &'f Field, IntoIter: Clone>,
    ) -> Result<Self> {
        let (storage_name, features) = (storage_name.into(), features.into_iter());
        let schema = ViewSchema::new(&storage_name, view, features.clone());
        let names = features.map(|field| field.name.as_str());
        let table = Self::new(project, storage_name, names)?.with_ttl(view.effective_ttl());
        Ok(Self { schema: Some(Arc::new(schema)), ..table })
    }

    /// What a store that speaks of views rather than of bytes knows of this one; `None` for a table made by hand.
    pub fn schema(&self) -> Option<&ViewSchema> {
        self.schema.as_deref()
    }

    /// The same table with a time to live, which stores that expire rows (`scylladb`) count from each write.
    pub fn with_ttl(self, ttl: Option<Duration>) -> Self {
        Self { ttl, ..self }
    }

    /// How long a written row lives in stores that expire rows; `None` for ever.
    pub fn ttl(&self) -> Option<Duration> {
        self.ttl
    }

    /// Project.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// Storage name of the view.
    pub fn view(&self) -> &str {
        &self.view
    }

    /// Project and storage name of the view, which address it.
    pub(crate) fn address(&self) -> (Arc<str>, Arc<str>) {
        (Arc::clone(&self.project), Arc::clone(&self.view))
    }

    /// The features, shared.
    pub(crate) fn shared_features(&self) -> Arc<[FeatureColumn]> {
        Arc::clone(&self.features)
    }

    /// Features in the order of the cells.
    pub fn features(&self) -> &[FeatureColumn] {
        &self.features
    }

    /// Position of a feature.
    pub fn feature(&self, name: &str) -> Option<usize> {
        let found = self
            .by_name
            .binary_search_by(|&at| self.features[at as usize].name.as_ref().cmp(name))
            .ok()?;
        Some(self.by_name[found] as usize)
    }

    /// Positions in the order of the hashes.
    pub(crate) fn by_hash(&self) -> impl ExactSizeIterator<Item = (u32, usize)> {
        self.by_hash.iter().map(|&at| (self.features[at as usize].hash, at as usize))
    }

    /// Positions in the order of the names' bytes.
    pub(crate) fn by_name(&self) -> impl ExactSizeIterator<Item = (&str, usize)> {
        self.by_name.iter().map(|&at| (self.features[at as usize].name.as_ref(), at as usize))
    }

    fn refuse_clashes(&self) -> Result<()> {
        for pair in self.by_hash.windows(2) {
            let [one, other] = [pair[0], pair[1]].map(|at| &self.features[at as usize]);
            if one.hash != other.hash {
                continue;
            }
            return Err(if one.name == other.name {
                Error::invalid(format!("{self} lists the feature \"{}\" twice", one.name))
            } else {
                Error::invalid(format!(
                    "the features \"{}\" and \"{}\" of {self} have the same 32-bit hash",
                    one.name, other.name
                ))
                .with_hint("rename one of the two")
            });
        }
        Ok(())
    }
}

impl fmt::Display for ViewTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "view \"{}\" of project \"{}\"", self.view, self.project)
    }
}

fn order_by<Key: Ord>(
    features: &[FeatureColumn],
    key: impl Fn(&FeatureColumn) -> Key,
) -> Arc<[u32]> {
    let mut order: Vec<usize> = (0..features.len()).collect();
    order.sort_by_key(|&at| key(&features[at]));
    order.into_iter().map(|at| u32::try_from(at).expect("fewer than 2^32 features")).collect()
}

pub(crate) fn field_hash(view: &str, feature: &str) -> u32 {
    u32::from_le_bytes(feature_field(view, feature))
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;

    use super::*;

    #[test]
    fn hashes_are_those_of_feast() {
        // Feast 0.67, redis: mmh3.hash("user_behavior_features:clicks_7d", signed=False).
        let table = ViewTable::new("shop", "user_behavior_features", ["clicks_7d"]).unwrap();
        assert_eq!(table.features()[0].hash, 0xb508_a96c);
    }

    #[test]
    fn features_are_found_by_name() {
        let table = ViewTable::new("p", "v", ["b", "é", "a"]).unwrap();
        let found = ["a", "b", "é", "c"].map(|name| table.feature(name));
        assert_eq!(found, [Some(2), Some(0), Some(1), None]);
    }

    #[test]
    fn a_feature_listed_twice_is_refused() {
        let refused = ViewTable::new("p", "v", ["a", "b", "a"]).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid);
    }

    #[test]
    fn features_whose_hashes_collide_are_refused() {
        let [one, other] = ["f37660", "f43618"];
        assert_eq!(field_hash("v", one), field_hash("v", other));
        assert_eq!(ViewTable::new("p", "v", [one, other]).unwrap_err().kind(), ErrorKind::Invalid);
    }
}
