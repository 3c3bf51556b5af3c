//! Texts split into lists and lists joined to texts.

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_schema::{DataType, Field};
use datafusion::common::{Result, internal_err};

use super::super::{Kernel, Operand, collect};
use super::is_space;

/// `text.split(separator, most)`; a null separator is white space, an empty one raises.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Split {
    /// Most cuts; negative for all.
    pub(crate) most: i64,
    /// Whether cuts are counted from the end.
    pub(crate) from_end: bool,
    /// Whether the separator is white space, however much.
    pub(crate) spaces: bool,
}

impl Kernel for Split {
    fn name(&self) -> &'static str {
        "split_text"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)))
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [text, separator] = operands else { unreachable!("two operands") };
        let (text, separator) = (text.texts()?, separator.texts()?);
        let mut lists = ListBuilder::new(StringBuilder::new());
        for row in 0..rows {
            let parts = text.get(row).and_then(|text| {
                if self.spaces {
                    return Some(self.words(text));
                }
                let separator = separator.get(row).filter(|separator| !separator.is_empty())?;
                Some(self.parts(text, separator))
            });
            for part in parts.iter().flatten() {
                lists.values().append_value(part);
            }
            lists.append(parts.is_some());
        }
        Ok(Arc::new(lists.finish()))
    }
}

impl Split {
    fn parts<'t>(&self, text: &'t str, separator: &str) -> Vec<&'t str> {
        let Some(most) = usize::try_from(self.most).ok().map(|most| most.saturating_add(1)) else {
            return text.split(separator).collect();
        };
        if !self.from_end {
            return text.splitn(most, separator).collect();
        }
        let mut parts: Vec<_> = text.rsplitn(most, separator).collect();
        parts.reverse();
        parts
    }

    fn words<'t>(&self, text: &'t str) -> Vec<&'t str> {
        let Ok(most) = usize::try_from(self.most) else {
            return text.split(is_space).filter(|word| !word.is_empty()).collect();
        };
        let mut words = Vec::new();
        let mut rest = text.trim_matches(is_space);
        if !self.from_end {
            rest = text.trim_start_matches(is_space);
        }
        while !rest.is_empty() {
            if words.len() == most {
                words.push(if self.from_end { rest } else { rest.trim_start_matches(is_space) });
                break;
            }
            let cut =
                if self.from_end { rest.rsplit_once(is_space) } else { rest.split_once(is_space) };
            let Some((before, after)) = cut else {
                words.push(rest);
                break;
            };
            let (word, more) = if self.from_end { (after, before) } else { (before, after) };
            words.push(word);
            rest = if self.from_end {
                more.trim_end_matches(is_space)
            } else {
                more.trim_start_matches(is_space)
            };
        }
        if self.from_end {
            words.reverse();
        }
        words
    }
}

/// `separator.join(list)`; null when an element is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Join;

impl Kernel for Join {
    fn name(&self) -> &'static str {
        "join_texts"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Utf8
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [separator, list] = operands else { unreachable!("two operands") };
        let (separator, lists) = (separator.texts()?, list.lists()?);
        let DataType::List(item) = list.data_type() else {
            return internal_err!("join wants a list");
        };
        if *item.data_type() != DataType::Utf8 {
            return internal_err!("join wants texts");
        }
        Ok(collect::<StringArray, _>((0..rows).map(|row| {
            let (separator, elements) = (separator.get(row)?, lists.get(row)?);
            let texts = elements.as_string::<i32>();
            let parts: Option<Vec<&str>> =
                (0..texts.len()).map(|at| texts.is_valid(at).then(|| texts.value(at))).collect();
            Some(parts?.join(separator))
        })))
    }
}
