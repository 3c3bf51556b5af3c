//! Members of enumerations.

use std::rc::Rc;

use super::scope::Variables;
use super::types::Type;
use super::value::Value;

/// A member of an enumeration.
pub(crate) struct Member {
    pub(crate) class: Rc<str>,
    pub(crate) name: Rc<str>,
    pub(crate) value: Value,
    mixin: Mixin,
}

/// What an enumeration's members are besides members.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mixin {
    None,
    /// `class E(str, Enum)`.
    Text,
    /// `class E(StrEnum)`: `str(member)` is the value.
    StrEnum,
    /// `class E(IntEnum)`.
    Number,
}

impl PartialEq for Member {
    fn eq(&self, other: &Self) -> bool {
        self.class == other.class && self.name == other.name
    }
}

impl Member {
    /// A member of an enumeration that a library brings; its value is its name.
    pub(crate) fn plain(class: &str, name: &str) -> Rc<Self> {
        Self::valued(class, name, Value::text(name))
    }

    /// A member of an enumeration that a library brings.
    pub(crate) fn valued(class: &str, name: &str, value: Value) -> Rc<Self> {
        Rc::new(Self { class: Rc::from(class), name: Rc::from(name), value, mixin: Mixin::None })
    }

    /// The text that it is, for members that are strings too.
    pub(crate) fn text(&self) -> Option<&str> {
        match (self.mixin, &self.value) {
            (Mixin::Text | Mixin::StrEnum, Value::Str(text)) => Some(text),
            _ => None,
        }
    }

    /// The number that it is, for members that are numbers too.
    pub(crate) fn number(&self) -> Option<i128> {
        match (self.mixin, &self.value) {
            (Mixin::Number, Value::Int(number)) => Some(*number),
            _ => None,
        }
    }

    /// Whether `str(member)` is its value.
    pub(crate) fn plain_text(&self) -> bool {
        self.mixin == Mixin::StrEnum
    }
}

/// How the members of an enumeration behave; `None` for a class that is none.
pub(super) fn mixin(bases: &[Value]) -> Option<Mixin> {
    let named = |wanted: &str| {
        bases.iter().any(|base| matches!(base, Value::Opaque(name) if **name == *wanted))
    };
    let inherited = bases.iter().find_map(|base| match base {
        Value::Class(class) => class.mixin(),
        _ => None,
    });
    let is =
        |kind: Type| bases.iter().any(|base| matches!(base, Value::Type(base) if *base == kind));
    if named("enum.StrEnum") {
        Some(Mixin::StrEnum)
    } else if named("enum.IntEnum") || (named("enum.Enum") && is(Type::Int)) {
        Some(Mixin::Number)
    } else if named("enum.Enum") && is(Type::Str) {
        Some(Mixin::Text)
    } else if named("enum.Enum") {
        Some(Mixin::None)
    } else {
        inherited
    }
}

/// Turns the plain values of an enumeration's body into members; `auto()` counts.
pub(super) fn number(class: &Rc<str>, mixin: Mixin, attributes: &mut Variables) {
    let mut last = 0;
    for (name, value) in attributes.iter_mut() {
        if name.starts_with('_') || matches!(value, Value::Function(_) | Value::Native(_)) {
            continue;
        }
        if matches!(value, Value::Opaque(marker) if &**marker == "enum.auto") {
            *value = match mixin {
                Mixin::StrEnum | Mixin::Text => Value::text(name.to_lowercase()),
                _ => Value::Int(last + 1),
            };
        }
        last = value.as_int().unwrap_or(last);
        let member =
            Member { class: Rc::clone(class), name: Rc::clone(name), value: value.clone(), mixin };
        *value = Value::Member(Rc::new(member));
    }
}
