//! Files of the Avro library and of fastavro, read in pieces, damaged, and damaged in memory.

use std::path::{Path, PathBuf};

use apache_avro::schema::Schema;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use larder_core::ErrorKind;
use proptest::prelude::*;

use super::*;
use crate::source::RawEvents;

fn vector(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/stream").join(name)
}

/// Every event from one on, so many at a time, with its number.
fn events(path: &Path, first: u64, most: usize) -> Result<Vec<(u64, Vec<u8>)>> {
    let (mut file, _) = ContainerFile::open(path, first)?;
    let (mut all, mut is_at_end) = (Vec::new(), false);
    while !is_at_end {
        let mut events = RawEvents::default();
        is_at_end = file.read(most, &mut events)?;
        assert!(events.len() <= most);
        all.extend((0..events.len()).map(|at| (events.offset(at), events.event(at).to_vec())));
        assert_eq!(file.next_event(), first + all.len() as u64);
    }
    Ok(all)
}

#[test]
fn a_file_that_is_opened_at_an_event_goes_on_with_it() {
    for name in ["null.avro", "deflate.avro", "snappy.avro", "zstandard.avro", "evolved.avro"] {
        let path = vector(name);
        let whole = events(&path, 0, 1_000).unwrap();
        assert_eq!(
            whole.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
            (0..40).collect::<Vec<_>>()
        );
        for first in 0..=40 {
            for most in [1, 7, 40] {
                let rest = events(&path, first, most).unwrap();
                let skipped = usize::try_from(first).unwrap();
                assert!(rest == whole[skipped..], "{name} from {first}, {most} at a time");
            }
        }
        // One that has fewer events says how many they are.
        assert_eq!(ContainerFile::open(&path, 41).unwrap().1, 40);
    }
}

#[test]
fn what_is_not_read_begins_with_the_block_of_the_next_event() {
    let path = vector("null.avro");
    let length = path.metadata().unwrap().len();
    let begins: Vec<u64> =
        (0..=40).map(|event| ContainerFile::open(&path, event).unwrap().0.begin()).collect();
    assert!(begins.is_sorted());
    assert_eq!(begins.last(), Some(&length));
    let bytes = std::fs::read(&path).unwrap();
    for begin in begins.iter().filter(|begin| **begin > 0) {
        let begin = usize::try_from(*begin).unwrap();
        assert!(bytes[..begin].ends_with(b"larder in a test"), "{begin}");
    }
}

#[test]
fn an_event_alone_is_a_container_of_it() {
    let path = vector("deflate.avro");
    let mut read = RawEvents::default();
    ContainerFile::open(&path, 0).unwrap().0.read(3, &mut read).unwrap();
    let whole = read.whole_event(2);
    let (schema, event) = only_event(&whole).unwrap();
    assert_eq!((&schema, &*event), (&read.container().unwrap().schema, read.event(2)));
    // The format's own library reads it, too.
    let values: Vec<Value> =
        apache_avro::Reader::new(&whole[..]).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(values.len(), 1);
    for others in [&whole[..whole.len() - 1], &whole[..8], &std::fs::read(&path).unwrap(), b""] {
        assert_eq!(only_event(others).unwrap_err().kind(), ErrorKind::Data);
    }
}

const SCHEMA: &str = r#"{"type": "record", "name": "Node", "namespace": "a", "fields": [
    {"name": "next", "type": ["null", "Node", "string"]},
    {"name": "sizes", "type": {"type": "array", "items": "long"}},
    {"name": "truths", "type": {"type": "map", "values": "boolean"}},
    {"name": "nothing", "type": {"type": "array", "items": "null"}},
    {"name": "id", "type": {"type": "fixed", "name": "Id", "size": 3}},
    {"name": "other", "type": "Id"},
    {"name": "level", "type": {"type": "enum", "name": "Level", "symbols": ["low", "high"]}},
    {"name": "again", "type": "Level"},
    {"name": "numbers", "type": {"type": "record", "name": "Numbers", "fields": [
        {"name": "float", "type": "float"}, {"name": "double", "type": "double"}, {"name": "bytes", "type": "bytes"}]}}]}"#;

fn node() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Union(0, Box::new(Value::Null))),
        "[a-cé]{0,5}".prop_map(|text| Value::Union(2, Box::new(Value::String(text)))),
    ];
    leaf.prop_recursive(6, 12, 1, |next| {
        let lists = (prop::collection::vec(any::<i64>(), 0..4), 0_usize..4);
        let maps = prop::collection::hash_map("[ab]", any::<bool>(), 0..3);
        let numbers = (any::<f32>(), any::<f64>(), prop::collection::vec(any::<u8>(), 0..4));
        (next, lists, maps, any::<[u8; 3]>(), numbers).prop_map(
            |(next, (sizes, nothing), truths, id, numbers)| {
                Value::Union(1, Box::new(node_of(next, sizes, nothing, truths, id, numbers)))
            },
        )
    })
    .prop_map(|next| node_of(next, vec![1], 2, [].into(), [1, 2, 3], (1.0, 2.0, vec![])))
}

fn node_of(
    next: Value,
    sizes: Vec<i64>,
    nothing: usize,
    truths: std::collections::HashMap<String, bool>,
    id: [u8; 3],
    (float, double, bytes): (f32, f64, Vec<u8>),
) -> Value {
    let record = |fields: Vec<(&str, Value)>| {
        Value::Record(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    let truths = truths.into_iter().map(|(key, truth)| (key, Value::Boolean(truth)));
    record(vec![
        ("next", next),
        ("sizes", Value::Array(sizes.into_iter().map(Value::Long).collect())),
        ("truths", Value::Map(truths.collect())),
        ("nothing", Value::Array(vec![Value::Null; nothing])),
        ("id", Value::Fixed(3, id.to_vec())),
        ("other", Value::Fixed(3, id.to_vec())),
        ("level", Value::Enum(1, "high".to_owned())),
        ("again", Value::Enum(0, "low".to_owned())),
        (
            "numbers",
            record(vec![
                ("float", Value::Float(float)),
                ("double", Value::Double(double)),
                ("bytes", Value::Bytes(bytes)),
            ]),
        ),
    ])
}

proptest! {
    #[test]
    fn values_are_as_long_as_their_writer_made_them(value in node(), more in any::<[u8; 4]>(), cut in 0_usize..1000) {
        let schema = Schema::parse_str(SCHEMA).unwrap();
        let shape = Shape::parse(SCHEMA).unwrap();
        let mut bytes = Vec::new();
        let writer = GenericDatumWriter::builder(&schema).build().unwrap();
        writer.write_value(&mut bytes, value).unwrap();
        let len = bytes.len();
        prop_assert!(shape.len(&bytes[..cut % len]).is_err());
        bytes.extend(more);
        prop_assert_eq!(shape.len(&bytes), Ok(len));
    }

    #[test]
    fn any_bytes_have_a_length_or_none(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(len) = Shape::parse(SCHEMA).unwrap().len(&bytes) {
            prop_assert!(len <= bytes.len());
        }
    }

    #[test]
    fn a_damaged_file_is_read_or_refused(
        name in prop::sample::select(vec!["null.avro", "deflate.avro", "snappy.avro", "zstandard.avro"]),
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
        first in 0_u64..50,
    ) {
        let mut bytes = std::fs::read(vector(name)).unwrap();
        for (at, byte) in damages {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes).unwrap();
        if let Ok((mut file, _)) = ContainerFile::open(file.path(), first) {
            let mut events = RawEvents::default();
            if let Err(error) = file.read(100, &mut events) {
                prop_assert_eq!(error.kind(), ErrorKind::Data);
            }
        }
        // Its bytes as one message.
        let _refused = only_event(&bytes);
    }
}

#[test]
fn parts_that_tell_their_size_and_values_without_end_have_a_length_or_none() {
    let shape = Shape::parse(r#"{"type": "array", "items": "long"}"#).unwrap();
    // Two longs in a part of two bytes, one in a part without a size, the end.
    assert_eq!(shape.len(&[3, 4, 2, 4, 2, 6, 0, 9]), Ok(7));
    let nulls = Shape::parse(r#"{"type": "array", "items": "null"}"#).unwrap();
    let most = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    assert_eq!(nulls.len(&[&most[..], &[0]].concat()), Ok(11));
    let deep =
        r#"{"type": "record", "name": "R", "fields": [{"name": "r", "type": ["null", "R"]}]}"#;
    let deep = Shape::parse(deep).unwrap();
    assert_eq!(deep.len(&[&[2; 100][..], &[0]].concat()), Ok(101));
    assert!(deep.len(&[2; 1_000]).is_err());
}
