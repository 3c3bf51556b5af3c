//! Dictionary look-ups with constant keys.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Int64Array, UInt32Array};
use arrow_schema::DataType;
use datafusion::arrow::compute::take;
use datafusion::common::{Result, ScalarValue, internal_err};

use super::{Kernel, Operand, collect};

/// Largest table that is addressed directly instead of hashed.
const DENSE: usize = 4096;

/// One constant of a key. Equal numbers are equal keys, whatever their type (`1 == 1.0 == True`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    None,
    Int(i64),
    /// Bits of a float that is no integer.
    Float(u64),
    Text(String),
}

impl Key {
    /// The key of a float.
    pub(crate) fn float(value: f64) -> Self {
        match whole(value) {
            Some(int) => Self::Int(int),
            None => Self::Float(value.to_bits()),
        }
    }
}

/// The integer that equals the float.
fn whole(value: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and inside the range of i64")]
    (value.fract() == 0.0 && (-LIMIT..LIMIT).contains(&value)).then_some(value as i64)
}

/// Codes of the constants that stand at one place of a tuple key.
#[derive(Debug, Default)]
struct Component {
    texts: HashMap<String, usize>,
    ints: HashMap<i64, usize>,
    floats: HashMap<u64, usize>,
    none: Option<usize>,
    size: usize,
}

impl Component {
    fn add(&mut self, key: &Key) -> usize {
        let next = self.size;
        let code = match key {
            Key::None => *self.none.get_or_insert(next),
            Key::Int(value) => *self.ints.entry(*value).or_insert(next),
            Key::Float(bits) => *self.floats.entry(*bits).or_insert(next),
            Key::Text(text) => *self.texts.entry(text.clone()).or_insert(next),
        };
        self.size = self.size.max(code + 1);
        code
    }

    /// Adds each row's code, times the radix, to the sums; a row without code becomes `None`.
    fn encode(&self, operand: &Operand, radix: usize, sums: &mut [Option<usize>]) -> Result<()> {
        let mut add = |code: &dyn Fn(usize) -> Option<usize>| {
            for (row, sum) in sums.iter_mut().enumerate() {
                let code = if operand.is_null(row) { self.none } else { code(row) };
                *sum = sum.zip(code).map(|(sum, code)| sum + code * radix);
            }
        };
        match operand.data_type() {
            DataType::Utf8 => {
                let values = operand.texts()?;
                add(&|row| self.texts.get(values.get(row)?).copied());
            }
            DataType::Int64 => {
                let values = operand.ints()?;
                add(&|row| self.ints.get(&values.get(row)?).copied());
            }
            DataType::Boolean => {
                let values = operand.bools()?;
                add(&|row| self.ints.get(&i64::from(values.get(row)?)).copied());
            }
            DataType::Float64 => {
                let values = operand.floats()?;
                add(&|row| {
                    let value = values.get(row)?;
                    match whole(value) {
                        Some(int) => self.ints.get(&int).copied(),
                        None if value.is_nan() => None,
                        None => self.floats.get(&value.to_bits()).copied(),
                    }
                });
            }
            DataType::Null => add(&|_| None),
            other => return internal_err!("no look-up by {other}"),
        }
        Ok(())
    }
}

#[derive(Debug)]
enum Table {
    Dense(Vec<Option<u32>>),
    Sparse(HashMap<usize, u32>),
}

/// Finds the position of a key among constant keys.
#[derive(Debug)]
struct Index {
    components: Vec<Component>,
    table: Table,
}

impl Index {
    /// Later equal keys win, as in a dictionary literal.
    fn new(keys: &[Vec<Key>]) -> Self {
        let width = keys.first().map_or(0, Vec::len);
        let mut components: Vec<Component> = Vec::new();
        components.resize_with(width, Component::default);
        let codes: Vec<Vec<usize>> = keys
            .iter()
            .map(|key| key.iter().zip(&mut components).map(|(part, c)| c.add(part)).collect())
            .collect();
        let positions = codes.iter().zip(0_u32..).map(|(codes, position)| {
            let mut radix = 1;
            let mut sum = 0;
            for (code, component) in codes.iter().zip(&components) {
                sum += code * radix;
                radix *= component.size;
            }
            (sum, position)
        });
        let size = components.iter().map(|c| c.size).product::<usize>();
        let table = if size <= DENSE {
            let mut dense = vec![None; size];
            positions.for_each(|(sum, position)| dense[sum] = Some(position));
            Table::Dense(dense)
        } else {
            Table::Sparse(positions.collect())
        };
        Self { components, table }
    }

    fn positions(&self, operands: &[Operand], rows: usize) -> Result<Vec<Option<u32>>> {
        let mut sums = vec![Some(0); rows];
        let mut radix = 1;
        for (component, operand) in self.components.iter().zip(operands) {
            component.encode(operand, radix, &mut sums)?;
            radix *= component.size;
        }
        if self.components.is_empty() {
            return Ok(vec![None; rows]);
        }
        Ok(sums
            .into_iter()
            .map(|sum| match &self.table {
                Table::Dense(dense) => dense[sum?],
                Table::Sparse(sparse) => sparse.get(&sum?).copied(),
            })
            .collect())
    }
}

/// Position of the row's key among the keys, null when it is not there.
///
/// A tuple key has one operand per place; a null operand is the key `None`.
#[derive(Debug, Clone)]
pub(crate) struct Position {
    keys: Vec<Vec<Key>>,
    index: Arc<Index>,
}

impl Position {
    /// All keys have the same number of places, as many as there will be operands.
    pub(crate) fn new(keys: Vec<Vec<Key>>) -> Self {
        let index = Arc::new(Index::new(&keys));
        Self { keys, index }
    }
}

impl PartialEq for Position {
    fn eq(&self, other: &Self) -> bool {
        self.keys == other.keys
    }
}

impl Eq for Position {}

impl Hash for Position {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.keys.hash(state);
    }
}

impl Kernel for Position {
    fn name(&self) -> &'static str {
        "position"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Int64
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let positions = self.index.positions(operands, rows)?;
        Ok(collect::<Int64Array, _>(positions.into_iter().map(|p| p.map(i64::from))))
    }
}

/// The value that belongs to the row's key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Lookup {
    position: Position,
    values: Vec<ScalarValue>,
    default: ScalarValue,
    kind: DataType,
}

impl Lookup {
    /// `values` belong to the keys of `position`; all of them and `default` have the type `kind`.
    pub(crate) fn new(
        position: Position,
        values: Vec<ScalarValue>,
        default: ScalarValue,
        kind: DataType,
    ) -> Self {
        Self { position, values, default, kind }
    }
}

impl Kernel for Lookup {
    fn name(&self) -> &'static str {
        "lookup"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        self.kind.clone()
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let positions = self.position.index.positions(operands, rows)?;
        let default = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        let indices: UInt32Array = positions.into_iter().map(|p| p.or(Some(default))).collect();
        let values = self.values.iter().chain([&self.default]).cloned();
        let values = ScalarValue::iter_to_array(values)?;
        debug_assert_eq!(values.data_type(), &self.kind);
        Ok(take(values.as_ref(), &indices, None)?)
    }
}
