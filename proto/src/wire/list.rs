//! Items of encoded lists and sets.

use larder_core::{Result, ValueType};

use super::message::{Content, Fields, take_array, take_varint};
use super::value::is_text;

/// The items of an encoded `StringList`, `Int64Set` and so on: field 1, numbers packed or not.
pub(crate) struct Items<'a> {
    element: ValueType,
    fields: Fields<'a>,
    packed: &'a [u8],
}

impl<'a> Items<'a> {
    /// The items of `list`, whose elements are of this type.
    pub(crate) fn new(element: ValueType, list: &'a [u8]) -> Self {
        Self { element, fields: Fields::new(list), packed: &[] }
    }

    fn is_packable(&self) -> bool {
        let length_delimited = matches!(
            self.element,
            ValueType::Bytes | ValueType::Map | ValueType::Struct | ValueType::Unknown
        );
        !length_delimited && !is_text(self.element)
    }

    fn take_packed(&mut self) -> Result<Content<'a>> {
        Ok(match self.element {
            ValueType::Double => {
                Content::Fixed64(u64::from_le_bytes(take_array(&mut self.packed)?))
            }
            ValueType::Float => Content::Fixed32(u32::from_le_bytes(take_array(&mut self.packed)?)),
            _ => Content::Varint(take_varint(&mut self.packed)?),
        })
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<Content<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if !self.packed.is_empty() {
                let item = self.take_packed();
                if item.is_err() {
                    self.packed = &[];
                }
                return Some(item);
            }
            let field = match self.fields.next()? {
                Ok(field) => field,
                Err(error) => return Some(Err(error)),
            };
            match field.content {
                _ if field.number != 1 => {}
                Content::Bytes(packed) if self.is_packable() => self.packed = packed,
                content => return Some(Ok(content)),
            }
        }
    }
}
