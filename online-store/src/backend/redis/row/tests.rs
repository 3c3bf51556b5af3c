//! The bytes of rows, and what comes back from them.

use larder_core::{ErrorKind, FeatureView, Field, ValueType};
use larder_proto::wire::value::{put_bool, put_double, put_float, put_int32, put_int64, put_text};
use proptest::prelude::*;

use super::{RowReader, RowSchema, RowWriter, StoredRow};
use crate::backend::packed_row::{PackedRow, Selection};
use crate::{Cell, ReadRows, ViewTable, WriteRows, WriteRowsBuilder};

const EVENT: i64 = 1_767_225_600_123_456;

/// The cells of a row as they are written; `None` leaves a feature out, no bytes are null.
type Cells = Vec<Option<Vec<u8>>>;

/// The table of a registered view, with these of its features.
fn table_of(features: &[(&str, ValueType)], some: impl Fn(&str) -> bool) -> ViewTable {
    let features = features.iter().map(|(name, value_type)| Field::new(*name, *value_type));
    let view = FeatureView { features: features.collect(), ..FeatureView::new("users") };
    let some = view.features.iter().filter(|field| some(&field.name));
    ViewTable::of_view("shop", "users", &view, some).unwrap()
}

fn table(features: &[(&str, ValueType)]) -> ViewTable {
    table_of(features, |_| true)
}

fn rows(table: &ViewTable, created: Option<i64>, cells: &[Option<Vec<u8>>]) -> WriteRows {
    let mut rows = WriteRowsBuilder::new(table);
    rows.begin_row(b"key", EVENT, created).unwrap();
    for (feature, cell) in cells.iter().enumerate() {
        if let Some(value) = cell {
            rows.set(feature, value).unwrap();
        }
    }
    rows.finish()
}

fn pack(table: &ViewTable, created: Option<i64>, cells: &[Option<Vec<u8>>]) -> Vec<u8> {
    let mut packed = Vec::new();
    RowWriter::new(table).pack(&rows(table, created, cells), 0, &mut packed).unwrap();
    packed
}

fn pack_over(
    table: &ViewTable,
    cells: &[Option<Vec<u8>>],
    stored: &[u8],
    of: &ViewTable,
) -> (Vec<u8>, RowSchema) {
    let (mut packed, rows) = (Vec::new(), rows(table, None, cells));
    let known = RowWriter::new(of).schema().clone();
    let stored = (&StoredRow::parse(stored).unwrap(), Some(&known));
    let schema = RowWriter::new(table).pack_over(&rows, 0, stored, &mut packed).unwrap();
    (packed, schema)
}

/// What a reader of a table shows of stored rows, knowing the schemas of others.
fn read(table: &ViewTable, stored: &[&[u8]], known: &[RowSchema]) -> Vec<Cells> {
    let mut reader = RowReader::new(table);
    for schema in known {
        reader.learn(schema.clone());
    }
    let stored: Vec<Option<&[u8]>> = stored.iter().copied().map(Some).collect();
    shown(&reader.rows(&stored).unwrap())
}

fn shown(rows: &ReadRows) -> Vec<Cells> {
    let cell = |cell: Cell<'_>| cell.bytes().map(<[u8]>::to_vec);
    (0..rows.len()).map(|row| rows.row(row).map(cell).collect()).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "a cell that is written is some")]
fn value(put: impl FnOnce(&mut Vec<u8>)) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    put(&mut bytes);
    Some(bytes)
}

/// Every feature here has the same bytes in a version 1 row: its hash is that of its name.
fn hashed(table: &ViewTable, cells: &[Option<Vec<u8>>]) -> Vec<u8> {
    let mut packed = Vec::new();
    Selection::new(table).pack(&rows(table, None, cells), 0, None, &mut packed).unwrap();
    packed
}

const MIXED: [(&str, ValueType); 7] = [
    ("ratio", ValueType::Double),
    ("score", ValueType::Float),
    ("visits", ValueType::Int64),
    ("rank", ValueType::Int32),
    ("member", ValueType::Bool),
    ("seen", ValueType::UnixTimestamp),
    ("city", ValueType::String),
];

fn mixed() -> Cells {
    vec![
        value(|out| put_double(0.1, out)),
        value(|out| put_float(-1.5, out)),
        value(|out| put_int64(-3, out)),
        value(|out| put_int32(7, out)),
        value(|out| put_bool(true, out)),
        Some(b"\x40\x80\x94\xeb\xdc\x03".to_vec()),
        value(|out| put_text(ValueType::String, "Berlin", out)),
    ]
}

/// Hashes and digests as mmh3 computes them in Python.
#[test]
fn rows_have_their_documented_bytes() {
    let floats = table(&[("a", ValueType::Float), ("b", ValueType::Double)]);
    let cells = vec![value(|out| put_float(1.0, out)), value(|out| put_double(2.0, out))];
    let schema = RowWriter::new(&floats).schema().clone();
    assert_eq!(hex::encode(schema.to_bytes()), "56f2967c054428a1c706");
    let digest = hex::encode(schema.digest());
    assert_eq!(digest, "af147167837132f7");
    let plain = hex::encode(pack(&floats, None, &cells));
    assert_eq!(plain, format!("20{digest}402222464847060000000000000000400000803f"));
    let created = hex::encode(pack(&floats, Some(EVENT + 1), &[None, Some(Vec::new())]));
    assert_eq!(
        created,
        format!("27{digest}402222464847060041222246484706000102000000000000000000000000")
    );
    let text = table(&[("city", ValueType::String)]);
    let digest = hex::encode(RowWriter::new(&text).schema().digest());
    assert_eq!(digest, "18f6331c7545ec84");
    let row = hex::encode(pack(&text, None, &[Some(b"\x12\x01x".to_vec())]));
    assert_eq!(row, format!("20{digest}402222464847060003120178"));
}

#[test]
fn ten_floats_fit_into_what_redis_keeps_in_one_block() {
    let names: Vec<String> = (0..10).map(|n| format!("f{n}")).collect();
    for (value_type, one, bytes) in [
        (ValueType::Float, value(|out| put_float(0.5, out)), 57),
        (ValueType::Double, value(|out| put_double(0.5, out)), 97),
    ] {
        let features: Vec<_> = names.iter().map(|name| (name.as_str(), value_type)).collect();
        assert_eq!(pack(&table(&features), None, &vec![one; 10]).len(), bytes);
    }
}

#[test]
fn cells_come_back_as_written_in_any_order_and_selection() {
    let all = table(&MIXED);
    let stored = pack(&all, Some(EVENT), &mixed());
    assert_eq!(read(&all, &[&stored, &stored], &[]), vec![mixed(); 2]);
    let mut turned = MIXED;
    turned.reverse();
    let some = table_of(&turned, |name| ["city", "ratio", "rank"].contains(&name));
    let cells = mixed();
    let expected = vec![cells[6].clone(), cells[3].clone(), cells[0].clone()];
    assert_eq!(read(&some, &[&stored], &[]), [expected]);
}

#[test]
fn values_of_other_types_than_registered_come_back_too() {
    let all = table(&MIXED);
    let odd: Cells = vec![
        value(|out| put_int64(1, out)),
        Some(b"\x35\0\0".to_vec()),
        // A number that is longer than it has to be.
        Some(b"\x20\x87\x00".to_vec()),
        value(|out| put_text(ValueType::String, "seven", out)),
        Some(Vec::new()),
        None,
        value(|out| put_double(f64::NAN, out)),
    ];
    let any_type = RowWriter::new(&all).any_type;
    let stored = pack(&all, None, &odd);
    let found = read(&all, &[&stored], std::slice::from_ref(&any_type));
    assert_eq!(found, std::slice::from_ref(&odd));
    // Beside rows of the registered types, before and after.
    let plain = pack(&all, None, &mixed());
    let rows = read(&all, &[&plain, &stored, &plain], &[any_type]);
    assert_eq!(rows, [mixed(), odd, mixed()]);
}

#[test]
fn rows_of_version_1_are_read_beside_those_of_version_2() {
    let all = table(&MIXED);
    let mut partly = mixed();
    (partly[0], partly[4]) = (Some(Vec::new()), None);
    let (old, new) = (hashed(&all, &partly), pack(&all, None, &mixed()));
    assert_eq!(read(&all, &[&old, &new, &old], &[]), [partly.clone(), mixed(), partly]);
}

#[test]
fn a_changed_schema_reads_old_rows_once_it_is_known() {
    let before = table(&MIXED);
    let stored = pack(&before, None, &mixed());
    let now = table(&[
        ("new", ValueType::Double),
        ("city", ValueType::String),
        ("rank", ValueType::Int64),
        ("ratio", ValueType::Double),
    ]);
    let mut reader = RowReader::new(&now);
    let schema = RowWriter::new(&before).schema().clone();
    assert_eq!(reader.unknown(&[Some(&stored), None, Some(&stored)]), [schema.digest()]);
    // Until then there is a row, and nothing in it can be read.
    let rows = reader.rows(&[Some(&stored)]).unwrap();
    assert_eq!(rows.event_timestamp(0), Some(EVENT));
    assert_eq!(shown(&rows), [vec![Some(vec![0xff]); 4]]);
    let stored_schema = RowSchema::parse(&schema.to_bytes(), schema.digest()).unwrap();
    assert_eq!(stored_schema, schema);
    reader.learn(stored_schema);
    assert_eq!(reader.unknown(&[Some(&stored)]), [[0; 8]; 0]);
    let cells = mixed();
    let expected = vec![None, cells[6].clone(), cells[3].clone(), cells[0].clone()];
    assert_eq!(shown(&reader.rows(&[Some(&stored)]).unwrap()), [expected]);
}

#[test]
fn a_schema_is_known_by_its_digest_only() {
    let schema = RowWriter::new(&table(&MIXED)).schema().clone();
    let bytes = schema.to_bytes();
    assert!(RowSchema::parse(&bytes, [0; 8]).is_none());
    assert!(RowSchema::parse(&bytes[1..], schema.digest()).is_none());
    assert!(RowSchema::parse(&bytes[5..], schema.digest()).is_none());
    let mut turned = MIXED;
    turned.reverse();
    assert_eq!(*RowWriter::new(&table(&turned)).schema(), schema);
    let other = RowWriter::new(&table(&MIXED[..6])).schema().clone();
    assert!(schema.covers(&other) && !other.covers(&schema));
    assert_ne!(other.digest(), schema.digest());
}

#[test]
fn features_left_out_keep_their_value_under_the_new_time() {
    let all = table(&MIXED);
    let first = mixed();
    let mut update: Cells = vec![None; 7];
    (update[0], update[6]) =
        (Some(Vec::new()), value(|out| put_text(ValueType::String, "Rome", out)));
    let mut expected = first.clone();
    (expected[0], expected[6]) = (update[0].clone(), update[6].clone());
    for stored in [pack(&all, Some(EVENT - 1), &first), hashed(&all, &first)] {
        let (merged, schema) = pack_over(&all, &update, &stored, &all);
        assert_eq!(schema, *RowWriter::new(&all).schema());
        assert_eq!(read(&all, &[&merged], &[]), [expected.clone()]);
    }
    // Rows of tables that share one feature have those of both.
    let [one, other] = [["ratio", "city"], ["city", "rank"]]
        .map(|names| ViewTable::new("shop", "users", names).unwrap());
    let stored = pack(&one, None, &[first[0].clone(), first[6].clone()]);
    let (merged, schema) = pack_over(&other, &[None, first[3].clone()], &stored, &one);
    let cells = read(&all, &[&merged], &[schema]);
    let expected =
        vec![first[0].clone(), None, None, first[3].clone(), None, None, first[6].clone()];
    assert_eq!(cells, [expected]);
}

#[test]
fn cut_rows_and_rows_with_more_are_unreadable_and_spoil_no_others() {
    let all = table(&MIXED);
    let plain = pack(&all, Some(EVENT), &mixed());
    let longer = [plain.as_slice(), b"x"].concat();
    let damaged =
        (1..plain.len()).map(|cut| &plain[..cut]).chain([longer.as_slice(), b"\x28", b"\xff", b""]);
    for bytes in damaged {
        let rows = read(&all, &[&plain, bytes, &plain], &[]);
        assert_eq!(rows, [mixed(), vec![Some(vec![0xff]); 7], mixed()], "{}", bytes.len());
    }
    let newer = StoredRow::parse(&[0x30, 1, 2, 3]).unwrap_err();
    assert_eq!(newer.kind(), ErrorKind::Data);
    assert!(PackedRow::parse(&plain).is_err());
}

fn any_cell(value_type: ValueType) -> BoxedStrategy<Option<Vec<u8>>> {
    let of_type = match value_type {
        ValueType::Double => any::<f64>().prop_map(|n| value(|out| put_double(n, out))).boxed(),
        ValueType::Float => any::<f32>().prop_map(|n| value(|out| put_float(n, out))).boxed(),
        ValueType::Int64 => any::<i64>().prop_map(|n| value(|out| put_int64(n, out))).boxed(),
        ValueType::Int32 => any::<i32>().prop_map(|n| value(|out| put_int32(n, out))).boxed(),
        ValueType::Bool => any::<bool>().prop_map(|b| value(|out| put_bool(b, out))).boxed(),
        _ => {
            ".{0,200}".prop_map(|text| value(|out| put_text(ValueType::String, &text, out))).boxed()
        }
    };
    prop_oneof![6 => of_type, 1 => Just(None), 1 => Just(Some(Vec::new())), 1 => any::<Vec<u8>>().prop_map(Some)]
        .boxed()
}

proptest! {
    /// Whatever is written, of whatever type, comes back byte for byte from both versions, beside one another.
    #[test]
    fn any_rows_come_back(
        rows in proptest::collection::vec(
            (MIXED.map(|(_, value_type)| any_cell(value_type)), any::<Option<i64>>(), any::<bool>()), 1..8),
    ) {
        let all = table(&MIXED);
        let stored: Vec<Vec<u8>> = rows.iter().map(|(cells, created, is_old)| {
            if *is_old { hashed(&all, cells) } else { pack(&all, *created, cells) }
        }).collect();
        let stored: Vec<&[u8]> = stored.iter().map(Vec::as_slice).collect();
        let expected: Vec<Cells> = rows.iter().map(|(cells, ..)| cells.to_vec()).collect();
        prop_assert_eq!(read(&all, &stored, &[RowWriter::new(&all).any_type]), expected);
    }

    /// Bytes that somebody else put there may be anything.
    #[test]
    fn any_bytes_are_read_without_harm(bytes in any::<Vec<u8>>(), first in 0x1f_u8..0x30, known in any::<bool>()) {
        let all = table(&MIXED);
        let mut stored = vec![first];
        if known {
            stored.extend(RowWriter::new(&all).schema().digest());
        }
        stored.extend(bytes);
        let rows = read(&all, &[&stored], &[]);
        prop_assert_eq!((rows.len(), rows[0].len()), (1, 7));
    }
}
