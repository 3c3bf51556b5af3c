//! Vectorised functions with Python's and pandas' meaning, as DataFusion scalar functions.
//!
//! Every kernel is total: where Python would raise, the row is null. A kernel is a small value (its
//! parameters), so that equal calls compare equal and constant calls fold at compile time.

mod arithmetic;
mod choose;
mod compare;
mod convert;
mod each;
mod elements;
mod integer;
mod list;
mod lookup;
mod math;
mod numpy;
mod operand;
mod order;
mod rounding;
mod set;
mod text;
mod time;
mod total;

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

pub(crate) use arithmetic::{Arithmetic, ArithmeticOp, BitOp, Bits};
pub(crate) use choose::{Choose, Truth};
pub(crate) use compare::{Compare, CompareOp, Missing};
pub(crate) use convert::{
    FillMissing, IsMissing, ParseFloat, ParseInt, ParseNumber, ToInt, Wrap32,
};
pub(crate) use each::{FieldOf, Folded, Inner, Mapped, Quantified};
pub(crate) use elements::{FillElements, Flatten, JoinLists, Letters, MakeList, Numbers, SumList};
pub(crate) use integer::{IntMath, IntOp};
pub(crate) use list::{Contains, EqualLists, Found, Item, Length, Search, SliceList};
pub(crate) use lookup::{Key, Lookup, Position};
pub(crate) use math::{FloatTest, LogBase, Math, MathFunction, Pair, PairFunction, TestFloat};
pub(crate) use numpy::{Logical, LogicalOp, Numpy};
pub(crate) use operand::Operand;
pub(crate) use order::{Extreme, Orderable, SortList};
pub(crate) use rounding::{Round, RoundDecimal};
pub(crate) use set::{SameElements, SetMath, SetOp};
pub(crate) use text::{
    Class, Concat, Count, Find, Format, FormatSpec, Formatted, Join, Letter, NumberStyle, OfClass,
    Pad, PadSide, Pattern, PatternUse, RemoveAffix, Repeat, Replace, SliceText, Split,
    StripLetters, Text, TextFunction, ZeroFill, positions as slice_positions,
};

pub(crate) use time::{
    Clock, DurationMath, DurationOp, DurationPart, FromEpoch, Localize, MakeInstant, ParseInstant,
    Part, PartOfDuration, PartOfInstant, ShiftInstant, Spread, TimeFormat, TimeSyntax, TimeText,
    ToSeconds, Truncate, duration_type, instant_type,
};

/// A vectorised function: its parameters are `self`, its columns are the operands.
pub(crate) trait Kernel: Debug + Clone + Eq + Hash + Send + Sync + 'static {
    /// Name in plans and messages.
    fn name(&self) -> &'static str;

    /// Type of the result for operands of these types.
    fn output(&self, inputs: &[DataType]) -> DataType;

    /// The result, `rows` long. An operand made of one constant has length 1.
    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef>;
}

/// The expression that applies the kernel to its arguments.
pub(crate) fn call<K: Kernel>(kernel: K, arguments: Vec<Expr>) -> Expr {
    let signature = if arguments.is_empty() {
        Signature::nullary(Volatility::Immutable)
    } else {
        Signature::any(arguments.len(), Volatility::Immutable)
    };
    ScalarUDF::new_from_impl(Function { kernel, signature }).call(arguments)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Function<K> {
    kernel: K,
    signature: Signature,
}

impl<K: Kernel> ScalarUDFImpl for Function<K> {
    fn name(&self) -> &str {
        self.kernel.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        Ok(self.kernel.output(arg_types))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let operands = args.args.into_iter().map(Operand::new).collect::<Result<Vec<_>>>()?;
        let result = self.kernel.run(&operands, rows)?;
        if constant {
            return ScalarValue::try_from_array(&result, 0).map(ColumnarValue::Scalar);
        }
        Ok(ColumnarValue::Array(result))
    }
}

/// A boxed array of the iterator's values.
pub(crate) fn collect<A, T>(values: impl Iterator<Item = Option<T>>) -> ArrayRef
where
    A: arrow_array::Array + FromIterator<Option<T>> + 'static,
{
    Arc::new(values.collect::<A>())
}
