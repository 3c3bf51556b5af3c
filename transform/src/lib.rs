//! On-demand feature views compiled to vectorised expressions over Arrow batches.
//!
//! A view's computation is compiled once ([`compile`]) into a [`Program`]: DataFusion physical
//! expressions over its inputs. The same program answers a request of one row and a training set of
//! millions in batches, so online and offline features cannot differ. There is no Python interpreter.
//! A function that does not compile can be called as it is ([`Function`]) by whoever implements
//! [`FunctionRunner`]; [`Transform`] is either.
//!
//! Front ends: SQL expressions ([`Mode::Sql`]), the Python of Feast's `mode="python"` (also
//! `singleton=True`) and `mode="pandas"`, and the stored plans of `mode="substrait"` ([`compile_view`]).
//! What they cannot express is refused when the view is applied, with file, line, column, the
//! construct and a hint.
//!
//! # What Python means here
//! - Types are static, known from the declared inputs. `Int32` and `Int64` are `int` (64 bits),
//!   `Float32` and `Float64` are `float`, as Feast's online path hands them over. A null is `None`.
//! - `/` gives a float, `//` and `%` round towards minus infinity, `int == float` is exact, `and` and
//!   `or` give one of their operands, truth is Python's (`0`, `""`, `None`, an empty list are false).
//! - A value that is an int in one row and a float in another (`x or 0` on floats) is kept as a float.
//!   Numbers mean the same then; its text (`str(x)`, `f"{x}"`) is refused. Ints above 2^53 lose digits.
//! - A list of the row has elements of one type; a loop over it runs pass by pass over all rows at once.
//! - Loops over rows have no order: a variable cannot carry a value from one row to the next, and a
//!   list needs exactly one element per row.
//! - An output that is not a number (NaN) is null, as Feast 0.67 stores it in both modes.
//!
//! # What pandas means here
//! Columns behave as pandas 2.3 on int64, float64, object texts and bools: missing values hand
//! themselves on in arithmetic, compare as false (`!=` as true), and division by zero gives an
//! infinity. An integer column with a missing value stays an integer column in the other rows.
//!
//! # The one deliberate difference
//! **Where Python would raise, the features computed from that value are null in that row**, instead
//! of the whole request failing: `None * 2`, division by zero, a missing key without default, `int`
//! of a bad text, a result beyond 64 bits. Such a row is never mistaken for `None`: `(a / b) or 1.0`
//! is null, not 1.0, where `b` is zero. Features of the same view that do not use the value are not
//! affected. SQL likewise: a cast, a division by zero or a function that fails is null in that row.
//!
//! # Example
//! ```
//! # use std::sync::Arc;
//! # use larder_core::ValueType;
//! use larder_transform::{Column, Definition, Mode, Source, compile};
//! # use arrow_array::{Float64Array, RecordBatch, cast::AsArray, types::Float64Type};
//! let program = compile(&Definition {
//!     view: "basket".into(),
//!     mode: Mode::Python,
//!     singleton: false,
//!     function: "basket".into(),
//!     source: Source {
//!         text: "def basket(inputs):\n    return {\"r\": [t * 2 if t else 0.0 for t in inputs[\"total\"]]}\n".into(),
//!         file: "features.py".into(),
//!         first_line: 1,
//!     },
//!     inputs: vec![Column::new("total", ValueType::Double)],
//!     outputs: vec![Column::new("r", ValueType::Double)],
//! })?;
//! let totals = Float64Array::from(vec![Some(2.5), None]);
//! let batch = RecordBatch::try_from_iter([("total", Arc::new(totals) as _)])?;
//! let features = program.evaluate(&batch)?;
//! assert_eq!(features[0].as_primitive::<Float64Type>().values(), &[5.0, 0.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod catalog;
mod definition;
mod function;
mod kernel;
mod plan;
mod program;
mod python;
mod sql;
mod substrait;

use std::collections::BTreeMap;

pub use catalog::{Transform, compile_view, definition};
pub use definition::{Column, Definition, MAX_SOURCE_BYTES, Mode, Source};
pub use function::{Function, FunctionRunner, Phase, Raised};
pub use program::{BoundProgram, Program};

/// Compiles a definition.
///
/// # Errors
/// Each with the place in the text:
/// - [`ErrorKind::Unsupported`](larder_core::ErrorKind::Unsupported) for valid code that the compiler does
///   not know, with a hint, and for names that the function's text does not define;
/// - [`ErrorKind::Invalid`](larder_core::ErrorKind::Invalid) for syntax errors, unknown columns, operations
///   that raise in every row, and results that do not fit the declared outputs.
pub fn compile(definition: &Definition) -> larder_core::Result<Program> {
    compile_with_constants(definition, &BTreeMap::new())
}

/// Compiles a definition whose function may use these constants of its module: name to source text
/// of a literal.
///
/// Feast 0.67 rebuilds a function from its text and loses such names; a repository that real Feast
/// must serve too keeps its constants inside the function.
///
/// # Errors
/// As [`compile`].
pub fn compile_with_constants(
    definition: &Definition,
    constants: &BTreeMap<String, String>,
) -> larder_core::Result<Program> {
    match definition.mode {
        Mode::Sql => sql::compile(definition),
        Mode::Python | Mode::Pandas => python::compile(definition, constants),
    }
}
