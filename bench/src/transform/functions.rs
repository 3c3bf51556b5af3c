//! Typical on-demand functions.

use larder_core::ValueType;
use larder_transform::{Column, Definition, Mode, Source};

/// What all functions may read, in the order of [`super::data::rows`].
pub(super) const INPUTS: [(&str, ValueType); 5] = [
    ("price", ValueType::Double),
    ("spend", ValueType::Double),
    ("visits", ValueType::Int64),
    ("device", ValueType::String),
    ("seen", ValueType::UnixTimestamp),
];

/// A function by name, with its mode, its text and the type of its features.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) mode: Mode,
    pub(super) text: &'static str,
    outputs: &'static [(&'static str, ValueType)],
}

pub(super) const CASES: [Case; 5] = [
    Case {
        name: "ratio",
        mode: Mode::Pandas,
        text: "\
def ratio(df):
    out = pd.DataFrame()
    out[\"share\"] = df[\"price\"] / (df[\"spend\"] + 1)
    out[\"per_visit\"] = df[\"spend\"] / df[\"visits\"].clip(lower=1)
    return out
",
        outputs: &[("share", ValueType::Double), ("per_visit", ValueType::Double)],
    },
    Case {
        name: "bands",
        mode: Mode::Pandas,
        text: "\
def bands(df):
    out = pd.DataFrame()
    out[\"band\"] = np.where(df[\"price\"] > 75, \"high\", np.where(df[\"price\"] > 25, \"mid\", \"low\"))
    out[\"filled\"] = df[\"spend\"].fillna(0).round(2)
    return out
",
        outputs: &[("band", ValueType::String), ("filled", ValueType::Double)],
    },
    Case {
        name: "hours",
        mode: Mode::Pandas,
        text: "\
def hours(df):
    out = pd.DataFrame()
    out[\"hour\"] = df[\"seen\"].dt.hour
    out[\"weekend\"] = df[\"seen\"].dt.dayofweek >= 5
    return out
",
        outputs: &[("hour", ValueType::Int64), ("weekend", ValueType::Bool)],
    },
    Case {
        name: "guarded",
        mode: Mode::Python,
        text: "\
def guarded(inputs):
    return {
        \"share\": [p / s if s else None for p, s in zip(inputs[\"price\"], inputs[\"spend\"])],
        \"loyal\": [v >= 10 for v in inputs[\"visits\"]],
    }
",
        outputs: &[("share", ValueType::Double), ("loyal", ValueType::Bool)],
    },
    Case {
        name: "labels",
        mode: Mode::Python,
        text: "\
def labels(inputs):
    weights = {\"mobile\": 1.0, \"desktop\": 2.0}
    label, weight = [], []
    for device, visits in zip(inputs[\"device\"], inputs[\"visits\"]):
        label.append(f\"{device.upper()}-{visits}\")
        weight.append(weights.get(device, 0.5))
    return {\"label\": label, \"weight\": weight}
",
        outputs: &[("label", ValueType::String), ("weight", ValueType::Double)],
    },
];

impl Case {
    pub(super) fn mode_name(&self) -> &'static str {
        if self.mode == Mode::Pandas { "pandas" } else { "python" }
    }

    pub(super) fn definition(&self) -> Definition {
        let columns = |all: &[(&str, ValueType)]| {
            all.iter().map(|&(name, value_type)| Column::new(name, value_type)).collect()
        };
        Definition {
            view: self.name.to_owned(),
            mode: self.mode,
            singleton: false,
            function: self.name.to_owned(),
            source: Source { text: self.text.to_owned(), ..Source::default() },
            inputs: columns(&INPUTS),
            outputs: columns(self.outputs),
        }
    }
}
