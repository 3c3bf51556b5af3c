//! Python values.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use chrono::{NaiveDate, NaiveDateTime};
use indexmap::IndexMap;

use super::call::NativeFunction;
use super::class::{Class, Instance};
use super::files::File;
use super::function::Function;
use super::key::Key;
use super::member::Member;
use super::module::Module;
use super::record::{ClassSpec, Object};
use super::scope::Variables;
use super::types::Type;

/// A Python value. Containers are shared, as in Python.
#[derive(Clone)]
pub(crate) enum Value {
    None,
    Ellipsis,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(Rc<str>),
    Bytes(Rc<[u8]>),
    List(Rc<List>),
    Tuple(Rc<Tuple>),
    Dict(Rc<Dict>),
    Set(Rc<Set>),
    Range(Range),
    /// What generators, `zip`, `map`, `reversed` ... give: the values that are still to come.
    Iterator(Rc<Iterator>),
    /// `timedelta`, in microseconds.
    Duration(i128),
    DateTime(DateTime),
    Date(NaiveDate),
    /// `timezone` with a fixed offset in seconds.
    Zone(i32),
    Path(Rc<str>),
    /// A text file of the repository.
    File(Rc<File>),
    Module(Rc<Module>),
    /// Something of a package that is not part of the repository; only its name is known.
    Foreign(Rc<str>),
    /// Something that may be used in any way without effect (`typing`, `logging`, `warnings`).
    Opaque(Rc<str>),
    Function(Rc<Function>),
    Native(NativeFunction),
    /// A method of a built-in value or object, by name.
    Method(Rc<Method>),
    Type(Type),
    /// A class that the repository defines.
    Class(Rc<Class>),
    Instance(Rc<Instance>),
    /// A member of an enumeration.
    Member(Rc<Member>),
    /// A class that the library describes (Feast's).
    Record(&'static ClassSpec),
    Object(Rc<Object>),
    /// A decorator waiting for its function.
    Decorator(Rc<PendingDecorator>),
}

/// A list.
pub(crate) struct List(pub(crate) RefCell<Vec<Value>>);
/// A tuple.
pub(crate) struct Tuple(pub(crate) Vec<Value>);
/// A dictionary in insertion order; the entry keeps the key as written.
pub(crate) struct Dict(pub(crate) RefCell<IndexMap<Key, (Value, Value)>>);
/// A set in insertion order (Python's order is arbitrary).
pub(crate) struct Set(pub(crate) RefCell<IndexMap<Key, Value>>);
/// Sets an entry of a dictionary. An equal key that is there already stays as it was written first.
pub(crate) fn put(entries: &mut IndexMap<Key, (Value, Value)>, key: Key, pair: (Value, Value)) {
    match entries.entry(key) {
        indexmap::map::Entry::Occupied(mut entry) => entry.get_mut().1 = pair.1,
        indexmap::map::Entry::Vacant(entry) => {
            entry.insert(pair);
        }
    }
}

/// The rest of an iteration.
pub(crate) struct Iterator(pub(crate) RefCell<VecDeque<Value>>);

/// `range(start, stop, step)`.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Range {
    pub(crate) start: i128,
    pub(crate) stop: i128,
    pub(crate) step: i128,
}

impl Range {
    pub(crate) fn len(self) -> usize {
        let span = if self.step > 0 { self.stop - self.start } else { self.start - self.stop };
        if span <= 0 {
            return 0;
        }
        let step = self.step.unsigned_abs();
        usize::try_from((span.unsigned_abs() - 1) / step + 1).unwrap_or(usize::MAX)
    }

    pub(crate) fn get(self, index: usize) -> Option<Value> {
        let index = i128::try_from(index).ok()?;
        (index < i128::try_from(self.len()).ok()?)
            .then(|| Value::Int(self.start + index * self.step))
    }
}

/// `datetime`, naive or with a fixed offset.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct DateTime {
    pub(crate) local: NaiveDateTime,
    /// Offset from UTC in seconds; `None` for a naive value.
    pub(crate) offset: Option<i32>,
}

impl DateTime {
    /// The instant, taking a naive value as UTC.
    pub(crate) fn utc(self) -> NaiveDateTime {
        let offset = chrono::Duration::seconds(i64::from(self.offset.unwrap_or(0)));
        self.local.checked_sub_signed(offset).unwrap_or(self.local)
    }
}

/// A method waiting for its call.
pub(crate) struct Method {
    pub(crate) receiver: Value,
    pub(crate) name: Rc<str>,
}

/// What `@decorator(...)` returns before it sees the function.
pub(crate) struct PendingDecorator {
    /// The class that the decorator makes an object of.
    pub(crate) spec: &'static ClassSpec,
    /// Arguments given to the decorator, already bound.
    pub(crate) attributes: Variables,
}

impl Drop for PendingDecorator {
    fn drop(&mut self) {
        bury_variables(&mut self.attributes);
    }
}

impl Value {
    pub(crate) fn text(text: impl AsRef<str>) -> Self {
        Self::Str(Rc::from(text.as_ref()))
    }

    pub(crate) fn list(values: Vec<Self>) -> Self {
        Self::List(Rc::new(List(RefCell::new(values))))
    }

    pub(crate) fn tuple(values: Vec<Self>) -> Self {
        Self::Tuple(Rc::new(Tuple(values)))
    }

    pub(crate) fn iterator(values: impl IntoIterator<Item = Self>) -> Self {
        Self::Iterator(Rc::new(Iterator(RefCell::new(values.into_iter().collect()))))
    }

    pub(crate) fn dict(entries: IndexMap<Key, (Self, Self)>) -> Self {
        Self::Dict(Rc::new(Dict(RefCell::new(entries))))
    }

    pub(crate) fn set(entries: IndexMap<Key, Self>) -> Self {
        Self::Set(Rc::new(Set(RefCell::new(entries))))
    }

    /// A dictionary with text keys.
    pub(crate) fn text_dict(entries: impl IntoIterator<Item = (Rc<str>, Self)>) -> Self {
        let entry =
            |(name, value): (Rc<str>, Self)| (Key::Str(Rc::clone(&name)), (Self::Str(name), value));
        Self::dict(entries.into_iter().map(entry).collect())
    }

    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            Self::Member(member) => member.text(),
            _ => None,
        }
    }

    /// The whole number that an `int` or `bool` stands for.
    pub(crate) fn as_int(&self) -> Option<i128> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Bool(flag) => Some(i128::from(*flag)),
            Self::Member(member) => member.number(),
            _ => None,
        }
    }

    pub(crate) fn as_object(&self) -> Option<&Rc<Object>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Python's `bool(value)`.
    pub(crate) fn truth(&self) -> bool {
        match self {
            Self::None => false,
            Self::Bool(flag) => *flag,
            Self::Int(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::Bytes(bytes) => !bytes.is_empty(),
            Self::List(list) => !list.0.borrow().is_empty(),
            Self::Tuple(tuple) => !tuple.0.is_empty(),
            Self::Dict(dict) => !dict.0.borrow().is_empty(),
            Self::Set(set) => !set.0.borrow().is_empty(),
            Self::Range(range) => range.len() > 0,
            Self::Duration(micros) => *micros != 0,
            _ => true,
        }
    }

    /// Python's `a is b`.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) | (Self::Ellipsis, Self::Ellipsis) => true,
            (Self::Bool(left), Self::Bool(right)) => left == right,
            (Self::Int(left), Self::Int(right)) => left == right,
            (Self::Str(left), Self::Str(right)) => left == right,
            (Self::Type(left), Self::Type(right)) => left == right,
            (Self::Record(left), Self::Record(right)) => std::ptr::eq(*left, *right),
            (Self::Member(left), Self::Member(right)) => left == right,
            _ => matches!((self.address(), other.address()), (Some(l), Some(r)) if l == r),
        }
    }

    /// Where a shared value lives; the identity of everything that has one.
    pub(crate) fn address(&self) -> Option<usize> {
        fn of<T>(shared: &Rc<T>) -> usize {
            Rc::as_ptr(shared).addr()
        }
        Some(match self {
            Self::List(shared) => of(shared),
            Self::Tuple(shared) => of(shared),
            Self::Dict(shared) => of(shared),
            Self::Set(shared) => of(shared),
            Self::Iterator(shared) => of(shared),
            Self::File(shared) => of(shared),
            Self::Module(shared) => of(shared),
            Self::Function(shared) => of(shared),
            Self::Method(shared) => of(shared),
            Self::Class(shared) => of(shared),
            Self::Instance(shared) => of(shared),
            Self::Object(shared) => of(shared),
            Self::Decorator(shared) => of(shared),
            _ => return None,
        })
    }

    /// The type's name, as Python's messages print it.
    pub(crate) fn type_name(&self) -> Rc<str> {
        let name = match self {
            Self::None => "NoneType",
            Self::Ellipsis => "ellipsis",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Str(_) => "str",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Tuple(_) => "tuple",
            Self::Dict(_) => "dict",
            Self::Set(_) => "set",
            Self::Range(_) => "range",
            Self::Iterator(_) => "iterator",
            Self::Duration(_) => "timedelta",
            Self::DateTime(_) => "datetime",
            Self::Date(_) => "date",
            Self::Zone(_) => "timezone",
            Self::Path(_) => "Path",
            Self::File(_) => "TextIOWrapper",
            Self::Module(_) => "module",
            Self::Foreign(name) | Self::Opaque(name) => return Rc::clone(name),
            Self::Function(_) => "function",
            Self::Native(_) | Self::Method(_) => "builtin_function_or_method",
            Self::Type(_) | Self::Class(_) | Self::Record(_) => "type",
            Self::Instance(instance) => return Rc::clone(&instance.class.name),
            Self::Member(member) => return Rc::clone(&member.class),
            Self::Object(object) => object.spec.name,
            Self::Decorator(_) => "decorator",
        };
        Rc::from(name)
    }
}

/// Frees nested containers one after the other instead of one inside the other: a list nested a
/// million deep must not overflow the stack when it is dropped.
fn bury(children: impl IntoIterator<Item = Value>) {
    thread_local! {
        static GRAVES: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
        static DIGGING: Cell<bool> = const { Cell::new(false) };
    }
    let queued = GRAVES.try_with(|graves| graves.borrow_mut().extend(children)).is_ok();
    if !queued || DIGGING.try_with(|digging| digging.replace(true)).unwrap_or(true) {
        return;
    }
    while let Ok(Some(value)) = GRAVES.try_with(|graves| graves.borrow_mut().pop()) {
        drop(value);
    }
    let _ended = DIGGING.try_with(|digging| digging.set(false));
}

impl Drop for List {
    fn drop(&mut self) {
        bury(self.0.get_mut().drain(..));
    }
}

impl Drop for Tuple {
    fn drop(&mut self) {
        bury(self.0.drain(..));
    }
}

impl Drop for Dict {
    fn drop(&mut self) {
        bury(self.0.get_mut().drain(..).flat_map(|(_, (key, value))| [key, value]));
    }
}

impl Drop for Set {
    fn drop(&mut self) {
        bury(self.0.get_mut().drain(..).map(|(_, value)| value));
    }
}

impl Drop for Iterator {
    fn drop(&mut self) {
        bury(self.0.get_mut().drain(..));
    }
}

/// Takes over the variables of a scope or the attributes of an object that is being dropped.
pub(crate) fn bury_variables(variables: &mut IndexMap<Rc<str>, Value>) {
    bury(variables.drain(..).map(|(_, value)| value));
}
