//! Encoded protobuf messages, read and patched without decoding them.

use larder_core::{Error, Result};

/// One field of an encoded message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RawField<'a> {
    /// Field number.
    pub number: u32,
    /// What the field holds.
    pub content: Content<'a>,
    /// The whole field as encoded, tag included.
    pub encoded: &'a [u8],
}

/// Content of a field by wire type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Content<'a> {
    /// Integers, booleans and enum values.
    Varint(u64),
    /// 64-bit floats and fixed integers, as bits.
    Fixed64(u64),
    /// Texts, bytes, messages and packed lists.
    Bytes(&'a [u8]),
    /// 32-bit floats and fixed integers, as bits.
    Fixed32(u32),
}

impl<'a> Content<'a> {
    /// The bytes of a length-delimited field.
    ///
    /// # Errors
    /// `Data` for any other wire type.
    pub fn bytes(self) -> Result<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(wrong_wire_type()),
        }
    }

    /// The text of a length-delimited field.
    ///
    /// # Errors
    /// `Data` for any other wire type or for bytes that are not UTF-8.
    pub fn text(self) -> Result<&'a str> {
        std::str::from_utf8(self.bytes()?)
            .map_err(|error| Error::data("a protobuf text is not UTF-8").with_source(error))
    }

    /// The number of a varint field.
    ///
    /// # Errors
    /// `Data` for any other wire type.
    pub fn varint(self) -> Result<u64> {
        match self {
            Self::Varint(number) => Ok(number),
            _ => Err(wrong_wire_type()),
        }
    }
}

fn wrong_wire_type() -> Error {
    Error::data("a protobuf field has another wire type than declared")
}

fn cut_short() -> Error {
    Error::data("a protobuf message is cut short")
}

/// The fields of an encoded message, in the order in which they were written.
///
/// Ends after the first error.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields of `message`.
    pub fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn read(&mut self) -> Result<RawField<'a>> {
        let start = self.rest;
        let tag = take_varint(&mut self.rest)?;
        // A tag has 32 bits, so that a number has 29.
        let number = u32::try_from(tag).unwrap_or(0) >> 3;
        if number == 0 {
            return Err(Error::data("a protobuf field has an impossible number"));
        }
        let content = match tag & 7 {
            0 => Content::Varint(take_varint(&mut self.rest)?),
            1 => Content::Fixed64(u64::from_le_bytes(take_array(&mut self.rest)?)),
            2 => {
                let length = take_varint(&mut self.rest)?;
                let length = usize::try_from(length).map_err(|_| cut_short())?;
                Content::Bytes(take_slice(&mut self.rest, length)?)
            }
            5 => Content::Fixed32(u32::from_le_bytes(take_array(&mut self.rest)?)),
            _ => return Err(Error::data("a protobuf field has an unknown wire type")),
        };
        let encoded = &start[..start.len() - self.rest.len()];
        Ok(RawField { number, content, encoded })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<RawField<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Cuts a varint off the front.
pub(crate) fn take_varint(rest: &mut &[u8]) -> Result<u64> {
    let mut number = 0_u64;
    for (index, &byte) in rest.iter().enumerate().take(10) {
        if index == 9 && byte > 1 {
            break; // more than 64 bits
        }
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            *rest = &rest[index + 1..];
            return Ok(number);
        }
    }
    Err(if rest.len() < 10 { cut_short() } else { Error::data("a protobuf varint is too long") })
}

fn take_slice<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length).ok_or_else(cut_short)?;
    *rest = left;
    Ok(taken)
}

/// Cuts `N` bytes off the front.
pub(crate) fn take_array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N]> {
    let (taken, left) = rest.split_first_chunk::<N>().ok_or_else(cut_short)?;
    *rest = left;
    Ok(*taken)
}

/// Appends a varint.
#[inline]
pub(crate) fn put_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Bytes of a varint.
#[inline]
pub(crate) fn varint_len(number: u64) -> usize {
    (u64::BITS - (number | 1).leading_zeros()).div_ceil(7) as usize
}

/// Appends the tag of a field.
#[inline]
pub(crate) fn put_tag(number: u32, wire_type: u32, out: &mut Vec<u8>) {
    put_varint(u64::from(number) << 3 | u64::from(wire_type), out);
}

/// Appends a length-delimited field.
#[inline]
pub(crate) fn put_bytes(number: u32, bytes: &[u8], out: &mut Vec<u8>) {
    put_tag(number, 2, out);
    put_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// The last occurrence of a length-delimited field, `None` when the field is absent.
///
/// # Errors
/// `Data` when the message is malformed.
pub fn find_bytes(message: &[u8], number: u32) -> Result<Option<&[u8]>> {
    let mut found = None;
    for field in Fields::new(message) {
        let field = field?;
        if field.number == number {
            found = Some(field.content.bytes()?);
        }
    }
    Ok(found)
}

/// The message with a singular length-delimited field replaced; every other byte stays.
///
/// An empty `value` is written too (present and empty); `None` removes the field. A field that was
/// absent is inserted before the first field with a higher number, where Feast's encoder puts it.
///
/// # Errors
/// `Data` when the message is malformed.
pub fn with_bytes(message: &[u8], number: u32, value: Option<&[u8]>) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(message.len() + value.map_or(0, <[u8]>::len) + 8);
    let mut pending = value;
    for field in Fields::new(message) {
        let field = field?;
        if field.number >= number
            && let Some(value) = pending.take()
        {
            put_bytes(number, value, &mut out);
        }
        if field.number != number {
            out.extend_from_slice(field.encoded);
        }
    }
    if let Some(value) = pending {
        put_bytes(number, value, &mut out);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;

    use super::*;

    const SAMPLE: &[u8] = &[0x0a, 1, b'a', 0x18, 0xac, 0x02, 0x25, 0, 0, 0x80, 0x3f];

    #[test]
    fn fields_come_with_their_content_and_their_bytes() {
        let fields: Vec<_> = Fields::new(SAMPLE).collect::<Result<_>>().unwrap();
        assert_eq!(fields[0].content, Content::Bytes(b"a"));
        assert_eq!(fields[1].content, Content::Varint(300));
        assert_eq!(fields[2].content, Content::Fixed32(1.0_f32.to_bits()));
        let joined: Vec<u8> = fields.iter().flat_map(|field| field.encoded.to_vec()).collect();
        assert_eq!(joined, SAMPLE);
    }

    #[test]
    fn malformed_messages_are_data_errors() {
        for bytes in [&[0x0a, 5, 1][..], &[0x80], &[0x07], &[0x00, 1], &[0x0b], &[0x08; 1]] {
            let result: Result<Vec<_>> = Fields::new(bytes).collect();
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Data, "{bytes:?}");
        }
        let endless = [0xff_u8; 11];
        let too_large = [0x20, 0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
        assert!(Fields::new(&too_large).next().unwrap().is_err());
        // A tag of more than 32 bits, which protobuf decoders refuse.
        let wide_tag = [0x80, 0x80, 0x80, 0xff, 0x7f, 0];
        assert!(Fields::new(&wide_tag).next().unwrap().is_err());
        assert!(Fields::new(&endless).next().unwrap().is_err());
    }

    #[test]
    fn a_replaced_field_keeps_its_place_and_a_new_one_finds_its_place() {
        let replaced = with_bytes(SAMPLE, 1, Some(b"bc")).unwrap();
        assert_eq!(replaced[..4], [0x0a, 2, b'b', b'c']);
        assert_eq!(replaced[4..], SAMPLE[3..]);
        let inserted = with_bytes(SAMPLE, 2, Some(b"")).unwrap();
        assert_eq!(inserted[..5], [0x0a, 1, b'a', 0x12, 0]);
        let appended = with_bytes(SAMPLE, 9, Some(b"z")).unwrap();
        assert_eq!(appended[SAMPLE.len()..], [0x4a, 1, b'z']);
        assert_eq!(with_bytes(SAMPLE, 1, None).unwrap(), SAMPLE[3..]);
    }
}
