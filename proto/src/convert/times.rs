//! When registry objects were first and last applied.

use crate::feast::core;

/// When an object was first and last applied, as the registry records it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Times {
    /// First applied.
    pub created: Option<prost_types::Timestamp>,
    /// Last applied.
    pub updated: Option<prost_types::Timestamp>,
}

/// A registry message that records its times.
pub trait Stamped {
    /// The recorded times.
    fn times(&self) -> Times;

    /// Records other times; everything else stays.
    fn set_times(&mut self, times: Times);
}

macro_rules! stamped {
    ($($message:ident)+) => {
        $(impl Stamped for core::$message {
            fn times(&self) -> Times {
                self.meta.as_ref().map_or_else(Times::default, |meta| Times {
                    created: meta.created_timestamp,
                    updated: meta.last_updated_timestamp,
                })
            }

            fn set_times(&mut self, times: Times) {
                let meta = self.meta.get_or_insert_default();
                meta.created_timestamp = times.created;
                meta.last_updated_timestamp = times.updated;
            }
        })+
    };
}

stamped! {
    DataSource
    Entity
    FeatureService
    FeatureView
    LabelView
    OnDemandFeatureView
    Permission
    Project
    SavedDataset
    StreamFeatureView
}
