//! Values of events, borrowed from the batch that holds them.

use larder_core::Value;

/// Type of a value of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScalarType {
    Bool,
    /// Whole numbers, instants included.
    Int,
    Double,
    Text,
}

impl ScalarType {
    /// Its name in definitions and messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bool => "boolean",
            Self::Int => "bigint",
            Self::Double => "double",
            Self::Text => "text",
        }
    }

    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Double)
    }
}

/// One value of an event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scalar<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(&'a str),
}

impl Scalar<'_> {
    #[inline]
    pub(crate) fn is_null(self) -> bool {
        matches!(self, Self::Null)
    }

    /// A number of either sort, `None` for anything else.
    #[inline]
    pub(crate) fn number(self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(number as f64),
            Self::Double(number) => Some(number),
            Self::Null | Self::Bool(_) | Self::Text(_) => None,
        }
    }

    pub(crate) fn to_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(truth) => Value::Bool(truth),
            Self::Int(number) => Value::Int64(number),
            Self::Double(number) => Value::Double(number),
            Self::Text(text) => Value::String(text.to_owned()),
        }
    }

    /// A hash whose definition never changes: sketches and orders are built on it.
    #[inline]
    pub(crate) fn stable_hash(self) -> u64 {
        use xxhash_rust::xxh3::xxh3_64_with_seed as hash;
        match self {
            Self::Null => 0,
            Self::Bool(truth) => hash(&[u8::from(truth)], 1),
            Self::Int(number) => hash(&number.to_le_bytes(), 2),
            // Zero has two signs and one value.
            Self::Double(number) => hash(&(number + 0.0).to_bits().to_le_bytes(), 3),
            Self::Text(text) => hash(text.as_bytes(), 4),
        }
    }
}

/// A value that state keeps: total order, so that ties never depend on who came first.
#[derive(Debug, Clone)]
pub(crate) enum Held {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Box<str>),
}

impl Held {
    /// `None` for null.
    pub(crate) fn new(scalar: Scalar<'_>) -> Option<Self> {
        Some(match scalar {
            Scalar::Null => return None,
            Scalar::Bool(truth) => Self::Bool(truth),
            Scalar::Int(number) => Self::Int(number),
            Scalar::Double(number) => Self::Double(number),
            Scalar::Text(text) => Self::Text(text.into()),
        })
    }

    #[inline]
    pub(crate) fn scalar(&self) -> Scalar<'_> {
        match self {
            Self::Bool(truth) => Scalar::Bool(*truth),
            Self::Int(number) => Scalar::Int(*number),
            Self::Double(number) => Scalar::Double(*number),
            Self::Text(text) => Scalar::Text(text),
        }
    }

    /// Numbers by value, texts by bytes; values of different types, which one column never has, by type.
    #[inline]
    pub(crate) fn order(&self, other: Scalar<'_>) -> std::cmp::Ordering {
        let rank = |scalar: Scalar<'_>| match scalar {
            Scalar::Null => 0,
            Scalar::Bool(_) => 1,
            Scalar::Int(_) => 2,
            Scalar::Double(_) => 3,
            Scalar::Text(_) => 4,
        };
        match (self.scalar(), other) {
            (Scalar::Bool(a), Scalar::Bool(b)) => a.cmp(&b),
            (Scalar::Int(a), Scalar::Int(b)) => a.cmp(&b),
            (Scalar::Double(a), Scalar::Double(b)) => a.total_cmp(&b),
            (Scalar::Text(a), Scalar::Text(b)) => a.cmp(b),
            (a, b) => rank(a).cmp(&rank(b)),
        }
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.order(other.scalar()).is_eq()
    }
}
