//! Functions of one or two floats, with Python's exceptions or numpy's infinities.

use arrow_array::{ArrayRef, BooleanArray, Float64Array};
use arrow_schema::DataType;
use datafusion::common::Result;

use super::arithmetic::floats;
use super::{Kernel, Operand, collect};

/// A function of one float.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum MathFunction {
    Abs,
    Sqrt,
    Cbrt,
    Exp,
    Exp2,
    Expm1,
    Log,
    Log1p,
    Log2,
    Log10,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    Degrees,
    Radians,
    Ceil,
    Floor,
    Truncate,
    /// To the nearest integer, ties to even.
    Rint,
    /// -1, 0 or 1; not-a-number of itself.
    Sign,
    Float32,
}

/// Applies a [`MathFunction`]; `raises` is Python's way, otherwise numpy's (infinities and
/// not-a-number instead of null).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Math {
    pub(crate) function: MathFunction,
    pub(crate) raises: bool,
}

impl Kernel for Math {
    fn name(&self) -> &'static str {
        "math"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Float64
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let values = operands[0].floats()?;
        let function = apply(self.function);
        let raises = self.raises;
        Ok(collect::<Float64Array, _>((0..rows).map(|row| {
            let value = values.get(row)?;
            let result = function(value);
            let lost =
                (result.is_nan() && !value.is_nan()) || (result.is_infinite() && value.is_finite());
            (!(raises && lost)).then_some(result)
        })))
    }
}

fn apply(function: MathFunction) -> fn(f64) -> f64 {
    match function {
        MathFunction::Abs => f64::abs,
        MathFunction::Sqrt => f64::sqrt,
        MathFunction::Cbrt => f64::cbrt,
        MathFunction::Exp => f64::exp,
        MathFunction::Exp2 => f64::exp2,
        MathFunction::Expm1 => f64::exp_m1,
        MathFunction::Log => f64::ln,
        MathFunction::Log1p => f64::ln_1p,
        MathFunction::Log2 => f64::log2,
        MathFunction::Log10 => f64::log10,
        MathFunction::Sin => f64::sin,
        MathFunction::Cos => f64::cos,
        MathFunction::Tan => f64::tan,
        MathFunction::Asin => f64::asin,
        MathFunction::Acos => f64::acos,
        MathFunction::Atan => f64::atan,
        MathFunction::Sinh => f64::sinh,
        MathFunction::Cosh => f64::cosh,
        MathFunction::Tanh => f64::tanh,
        // CPython multiplies by these constants; f64::to_degrees rounds differently.
        MathFunction::Degrees => |value| value * (180.0 / std::f64::consts::PI),
        MathFunction::Radians => |value| value * (std::f64::consts::PI / 180.0),
        MathFunction::Ceil => f64::ceil,
        MathFunction::Floor => f64::floor,
        MathFunction::Truncate => f64::trunc,
        MathFunction::Rint => f64::round_ties_even,
        MathFunction::Sign => |value| if value == 0.0 { 0.0 } else { value.signum() },
        #[expect(
            clippy::cast_possible_truncation,
            reason = "rounding to single precision is meant"
        )]
        MathFunction::Float32 => |value| f64::from(value as f32),
    }
}

/// A function of two floats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum PairFunction {
    Atan2,
    CopySign,
    Hypot,
    /// The larger one; not-a-number if either is.
    Maximum,
    /// The smaller one; not-a-number if either is.
    Minimum,
    /// The larger one that is a number.
    FMax,
    /// The smaller one that is a number.
    FMin,
    /// C's remainder, with the sign of the dividend.
    FMod,
    /// `math.pow`.
    Power,
}

/// Applies a [`PairFunction`]; `raises` as in [`Math`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Pair {
    pub(crate) function: PairFunction,
    pub(crate) raises: bool,
}

impl Kernel for Pair {
    fn name(&self) -> &'static str {
        "math_pair"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Float64
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [left, right] = operands else { unreachable!("two operands") };
        let function: fn(f64, f64) -> f64 = match self.function {
            PairFunction::Atan2 => f64::atan2,
            PairFunction::CopySign => f64::copysign,
            PairFunction::Hypot => f64::hypot,
            PairFunction::Maximum => {
                |a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
            }
            PairFunction::Minimum => {
                |a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }
            }
            PairFunction::FMax => f64::max,
            PairFunction::FMin => f64::min,
            PairFunction::FMod => |a, b| a % b,
            PairFunction::Power => f64::powf,
        };
        if !self.raises {
            let (left, right) = (left.floats()?, right.floats()?);
            return Ok(collect::<Float64Array, _>(
                (0..rows).map(|row| Some(function(left.get(row)?, right.get(row)?))),
            ));
        }
        let (left, right) = (left.floats()?, right.floats()?);
        Ok(collect::<Float64Array, _>((0..rows).map(|row| {
            let (a, b) = (left.get(row)?, right.get(row)?);
            let result = function(a, b);
            let lost = (result.is_nan() && !a.is_nan() && !b.is_nan())
                || (result.is_infinite() && a.is_finite() && b.is_finite());
            (!lost).then_some(result)
        })))
    }
}

/// A question about a float.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum FloatTest {
    Finite,
    Infinite,
    Nan,
}

/// Answers a [`FloatTest`]; null of null.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TestFloat(pub(crate) FloatTest);

impl Kernel for TestFloat {
    fn name(&self) -> &'static str {
        "float_test"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Boolean
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let values = operands[0].floats()?;
        let test = match self.0 {
            FloatTest::Finite => f64::is_finite,
            FloatTest::Infinite => f64::is_infinite,
            FloatTest::Nan => f64::is_nan,
        };
        Ok(collect::<BooleanArray, _>((0..rows).map(|row| values.get(row).map(test))))
    }
}

/// `math.log(x, base)`: null where either logarithm does not exist, or the base is 1.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct LogBase;

impl Kernel for LogBase {
    fn name(&self) -> &'static str {
        "log_base"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Float64
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [value, base] = operands else { unreachable!("two operands") };
        let log = |value: f64| (value > 0.0 || value.is_nan()).then(|| value.ln());
        floats(value, base, rows, move |value, base| {
            let (value, base) = (log(value)?, log(base)?);
            (base != 0.0).then_some(value / base)
        })
    }
}
