//! Encoded values as Arrow arrays.

use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, BooleanBuilder, PrimitiveBuilder, StringBuilder};
use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int32Type, Int64Type, TimestampSecondType,
};
use arrow_array::{ArrayRef, Float32Array, Float64Array, ListArray, NullArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::Field;
use larder_core::{Error, Result, ValueType};

use super::cast::cast_value;
use super::value::{decode_value, encode_value};
use crate::wire::json;
use crate::wire::list::Items;
use crate::wire::message::{Content, put_bytes};
use crate::wire::value::{double, float, int32, is_text, set_field};

/// Feast's marker for a missing instant, which Arrow knows as null.
const NOT_A_TIME: i64 = i64::MIN;

/// The Arrow array of a column of encoded values; its type is [`ValueType::arrow_type`].
///
/// A missing cell (`None`) and a null (no bytes) are both null. A value stored under another type is
/// cast, so that rows written before a feature changed its type stay readable. Maps, structs, nested
/// lists and scalar maps become JSON text, zoned timestamps ISO 8601 text.
///
/// # Errors
/// `Data` when a cell is malformed, `Invalid` when it holds a type that cannot be cast.
pub fn decode_column<'a>(
    value_type: ValueType,
    cells: impl IntoIterator<Item = Option<&'a [u8]>, IntoIter: Clone>,
) -> Result<ArrayRef> {
    let cells = cells.into_iter();
    if let Some(floats) = lone_floats(value_type, cells.clone()) {
        return Ok(floats);
    }
    if let Some(element) = value_type.list_element().or_else(|| value_type.set_element()) {
        return decode_lists(value_type, element, cells);
    }
    let mut sink = sink(value_type, cells.size_hint().0);
    for cell in cells {
        let mut recast = Vec::new();
        match content_of(value_type, cell, &mut recast)? {
            Some(content) => sink.push(content)?,
            None => sink.push_null(),
        }
    }
    Ok(sink.finish())
}

/// The content of a cell as a field of the wanted type; `recast` holds it if it had to be cast.
fn content_of<'a>(
    value_type: ValueType,
    cell: Option<&'a [u8]>,
    recast: &'a mut Vec<u8>,
) -> Result<Option<Content<'a>>> {
    let Some(bytes) = cell else {
        return Ok(None);
    };
    if let Some(float) = lone_float(value_type, bytes) {
        return Ok(Some(float));
    }
    match set_field(bytes)? {
        None => Ok(None),
        Some((found, content)) if found == stored_type(value_type) => Ok(Some(content)),
        Some(_) => {
            encode_value(&cast_value(decode_value(bytes)?, value_type)?, recast)?;
            Ok(set_field(recast)?.map(|(_, content)| content))
        }
    }
}

/// A float of the wanted type that is the only field of its message, as nearly every stored float is: no walk over fields.
#[inline]
fn lone_float(value_type: ValueType, value: &[u8]) -> Option<Content<'_>> {
    const DOUBLE: u8 = (5 << 3) | 1;
    const FLOAT: u8 = (6 << 3) | 5;
    let (tag, bits) = value.split_first()?;
    match (value_type, *tag, bits.len()) {
        (ValueType::Double, DOUBLE, 8) => {
            bits.first_chunk().map(|bits| Content::Fixed64(u64::from_le_bytes(*bits)))
        }
        (ValueType::Float, FLOAT, 4) => {
            bits.first_chunk().map(|bits| Content::Fixed32(u32::from_le_bytes(*bits)))
        }
        _ => None,
    }
}

/// A column of nothing but [`lone_float`]s, as nearly every column of floats is: one pass and no decision per cell.
fn lone_floats<'a>(
    value_type: ValueType,
    cells: impl Iterator<Item = Option<&'a [u8]>>,
) -> Option<ArrayRef> {
    match value_type {
        ValueType::Double => {
            let numbers = all(cells, |cell| match lone_float(ValueType::Double, cell)? {
                Content::Fixed64(bits) => Some(f64::from_bits(bits)),
                _ => None,
            });
            Some(Arc::new(Float64Array::from(numbers?)))
        }
        ValueType::Float => {
            let numbers = all(cells, |cell| match lone_float(ValueType::Float, cell)? {
                Content::Fixed32(bits) => Some(f32::from_bits(bits)),
                _ => None,
            });
            Some(Arc::new(Float32Array::from(numbers?)))
        }
        _ => None,
    }
}

/// The numbers of all cells, if there are no others.
fn all<'a, T>(
    cells: impl Iterator<Item = Option<&'a [u8]>>,
    number: impl Fn(&[u8]) -> Option<T>,
) -> Option<Vec<T>> {
    let mut numbers = Vec::with_capacity(cells.size_hint().0);
    for cell in cells {
        numbers.push(number(cell?)?);
    }
    Some(numbers)
}

/// The type whose field holds values of this type.
fn stored_type(value_type: ValueType) -> ValueType {
    match value_type {
        ValueType::PdfBytes | ValueType::ImageBytes => ValueType::Bytes,
        other => other,
    }
}

fn decode_lists<'a>(
    value_type: ValueType,
    element: ValueType,
    cells: impl Iterator<Item = Option<&'a [u8]>>,
) -> Result<ArrayRef> {
    let mut items = sink(element, cells.size_hint().0);
    let (mut count, mut offsets, mut valid) = (0_i32, vec![0_i32], Vec::new());
    for cell in cells {
        let mut recast = Vec::new();
        let content = content_of(value_type, cell, &mut recast)?;
        valid.push(content.is_some());
        if let Some(content) = content {
            for item in Items::new(element, content.bytes()?) {
                items.push(item?)?;
                count = count.checked_add(1).ok_or_else(|| {
                    Error::invalid("a column of lists has more than two thousand million items")
                })?;
            }
        }
        offsets.push(count);
    }
    let field = Arc::new(Field::new("item", element.arrow_type(), true));
    let offsets = OffsetBuffer::new(offsets.into());
    Ok(Arc::new(ListArray::new(field, offsets, items.finish(), Some(NullBuffer::from(valid)))))
}

/// An Arrow array under construction, fed with the contents of value fields.
trait Sink {
    fn push(&mut self, content: Content<'_>) -> Result<()>;
    fn push_null(&mut self);
    fn finish(&mut self) -> ArrayRef;
}

/// An empty array with room for so many numbers.
fn sink(value_type: ValueType, room: usize) -> Box<dyn Sink> {
    match value_type {
        ValueType::Int32 => {
            numbers::<Int32Type>(room, |content| Ok(Some(int32(content.varint()?))))
        }
        ValueType::Int64 => {
            numbers::<Int64Type>(room, |content| Ok(Some(content.varint()?.cast_signed())))
        }
        ValueType::Double => numbers::<Float64Type>(room, |content| double(content).map(Some)),
        ValueType::Float => numbers::<Float32Type>(room, |content| float(content).map(Some)),
        ValueType::UnixTimestamp => Box::new(Numbers {
            builder: PrimitiveBuilder::<TimestampSecondType>::with_capacity(room)
                .with_timezone("UTC"),
            read: |content| {
                let seconds = content.varint()?.cast_signed();
                Ok((seconds != NOT_A_TIME).then_some(seconds))
            },
        }),
        ValueType::Bool => Box::new(BooleanBuilder::new()),
        ValueType::Bytes | ValueType::PdfBytes | ValueType::ImageBytes => {
            Box::new(BinaryBuilder::new())
        }
        ValueType::Null => Box::new(Nulls(0)),
        text if is_text(text) => Box::new(StringBuilder::new()),
        nested => Box::new(Nested { builder: StringBuilder::new(), value_type: nested }),
    }
}

struct Numbers<T: ArrowPrimitiveType> {
    builder: PrimitiveBuilder<T>,
    read: fn(Content<'_>) -> Result<Option<T::Native>>,
}

fn numbers<T: ArrowPrimitiveType>(
    room: usize,
    read: fn(Content<'_>) -> Result<Option<T::Native>>,
) -> Box<dyn Sink> {
    Box::new(Numbers { builder: PrimitiveBuilder::<T>::with_capacity(room), read })
}

impl<T: ArrowPrimitiveType> Sink for Numbers<T> {
    fn push(&mut self, content: Content<'_>) -> Result<()> {
        self.builder.append_option((self.read)(content)?);
        Ok(())
    }

    fn push_null(&mut self) {
        self.builder.append_null();
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.builder.finish())
    }
}

impl Sink for BooleanBuilder {
    fn push(&mut self, content: Content<'_>) -> Result<()> {
        self.append_value(content.varint()? != 0);
        Ok(())
    }

    fn push_null(&mut self) {
        self.append_null();
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(Self::finish(self))
    }
}

impl Sink for BinaryBuilder {
    fn push(&mut self, content: Content<'_>) -> Result<()> {
        self.append_value(content.bytes()?);
        Ok(())
    }

    fn push_null(&mut self) {
        self.append_null();
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(Self::finish(self))
    }
}

impl Sink for StringBuilder {
    fn push(&mut self, content: Content<'_>) -> Result<()> {
        self.append_value(content.text()?);
        Ok(())
    }

    fn push_null(&mut self) {
        self.append_null();
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(Self::finish(self))
    }
}

/// A column of type `Null`.
struct Nulls(usize);

impl Sink for Nulls {
    fn push(&mut self, _: Content<'_>) -> Result<()> {
        self.0 += 1;
        Ok(())
    }

    fn push_null(&mut self) {
        self.0 += 1;
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(NullArray::new(self.0))
    }
}

/// Messages that travel as text.
struct Nested {
    builder: StringBuilder,
    value_type: ValueType,
}

impl Sink for Nested {
    fn push(&mut self, content: Content<'_>) -> Result<()> {
        let mut value = Vec::new();
        put_bytes(self.value_type.number().cast_unsigned(), content.bytes()?, &mut value);
        let text = json::nested_text(&value)?;
        self.builder.append_option(text);
        Ok(())
    }

    fn push_null(&mut self) {
        self.builder.append_null();
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.builder.finish())
    }
}
