//! What does not compile says where and why.

use std::collections::BTreeMap;

use larder_core::{ErrorKind, ValueType};
use larder_transform::{Column, Definition, Mode, Source, compile, compile_with_constants};

fn definition(mode: Mode, text: &str) -> Definition {
    Definition {
        view: "v".to_owned(),
        mode,
        singleton: false,
        function: "f".to_owned(),
        source: Source { text: text.to_owned(), file: "views.py".to_owned(), first_line: 40 },
        inputs: vec![
            Column::new("a", ValueType::Int64),
            Column::new("f", ValueType::Double),
            Column::new("s", ValueType::String),
            Column::new("tags", ValueType::StringList),
        ],
        outputs: vec![Column::new("r", ValueType::Double)],
    }
}

/// A function with this body, whose first line is line 41 of the file.
fn body(mode: Mode, body: &str) -> Definition {
    let body = body.replace('\n', "\n    ");
    definition(mode, &format!("def f(inputs):\n    {body}\n"))
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn constructs_that_cannot_be_compiled_are_named_with_their_place() {
    use ErrorKind::{Invalid, Unsupported};
    use Mode::{Pandas, Python};
    let cases = [
        (Python, "while True:\n    pass", Unsupported, 41, 5),
        (Python, "return {\"r\": [x for x in inputs[\"a\"] if x]}", Unsupported, 41, 45),
        (Python, "x = 1\nreturn {\"r\": [SCALE * a for a in inputs[\"a\"]]}", Unsupported, 42, 19),
        (Python, "return {\"r\": [a.bit_length() for a in inputs[\"a\"]]}", Unsupported, 41, 19),
        (Python, "return {\"r\": inputs[\"a\"] * 2}", Unsupported, 41, 18),
        (Python, "return {\"r\": [inputs[\"a\"][0]]}", Unsupported, 41, 19),
        (Python, "return {\"r\": sum(inputs[\"a\"])}", Unsupported, 41, 18),
        (
            Python,
            "t = 0\nfor a in inputs[\"a\"]:\n    t += a\nreturn {\"r\": [t]}",
            Unsupported,
            43,
            9,
        ),
        (
            Python,
            "o = []\nfor a in inputs[\"a\"]:\n    if a:\n        o.append(a)\nreturn {\"r\": o}",
            Unsupported,
            43,
            12,
        ),
        (
            Python,
            "o = []\nfor a in inputs[\"a\"]:\n    o.append(a)\n    o.append(a)\nreturn {\"r\": o}",
            Unsupported,
            44,
            9,
        ),
        (Python, "return {\"r\": [1 if a else \"x\" for a in inputs[\"a\"]]}", Unsupported, 41, 19),
        (Python, "return {\"r\": [str(f or 0) for f in inputs[\"f\"]]}", Unsupported, 41, 19),
        (
            Python,
            "def g(x):\n    return g(x)\nreturn {\"r\": [g(a) for a in inputs[\"a\"]]}",
            Unsupported,
            42,
            16,
        ),
        (
            Python,
            "try:\n    x = 1\nexcept E:\n    x = 2\nreturn {\"r\": inputs[\"f\"]}",
            Unsupported,
            43,
            12,
        ),
        (
            Python,
            "t, o = 0, []\nfor a in inputs[\"a\"]:\n    try:\n        t += a\n    except TypeError:\n        t = 0\n    o.append(t)\nreturn {\"r\": o}",
            Unsupported,
            44,
            13,
        ),
        (Python, "import os", Unsupported, 41, 12),
        (
            Python,
            "return {\"r\": [[x for x in set(t)][0] for t in inputs[\"tags\"]]}",
            Unsupported,
            41,
            31,
        ),
        (
            Python,
            "return {\"r\": [max(t, key=lambda x: [x]) for t in inputs[\"tags\"]]}",
            Unsupported,
            41,
            19,
        ),
        (
            Python,
            "return {\"r\": [{x: 1 for x in t} for t in inputs[\"tags\"]]}",
            Unsupported,
            41,
            20,
        ),
        (
            Python,
            "o = []\nfor t in inputs[\"tags\"]:\n    for x in t:\n        o.append(x)\nreturn {\"r\": o}",
            Unsupported,
            43,
            9,
        ),
        (
            Python,
            "o = []\nfor t in inputs[\"tags\"]:\n    n = 0\n    for x in t:\n        n = x\n    o.append(n)\nreturn {\"r\": o}",
            Unsupported,
            46,
            18,
        ),
        (
            Python,
            "o = []\nfor t in inputs[\"tags\"]:\n    for x in t:\n        n = 1\n    o.append(n)\nreturn {\"r\": o}",
            Unsupported,
            45,
            18,
        ),
        (Python, "return {\"r\": [x for x in inputs[\"nope\"]]}", Invalid, 41, 30),
        (
            Python,
            "return {\"r\": [a + s for a, s in zip(inputs[\"a\"], inputs[\"s\"])]}",
            Invalid,
            41,
            19,
        ),
        (Python, "return {\"r\": [a < \"x\" for a in inputs[\"a\"]]}", Invalid, 41, 19),
        (Python, "return {\"r\": [1 // 0 for a in inputs[\"a\"]]}", Invalid, 41, 19),
        (Python, "return {\"r\": [1 +]}", Invalid, 41, 22),
        (Python, "return {\"q\": inputs[\"f\"]}", Invalid, 40, 5),
        (Python, "return {\"r\": inputs[\"s\"]}", Invalid, 40, 5),
        (Python, "return {\"r\": 1.0}", Invalid, 40, 5),
        (Python, "return inputs[\"f\"]", Invalid, 40, 5),
        (Pandas, "if inputs[\"a\"] > 1:\n    pass\nreturn inputs", Unsupported, 41, 8),
        (Pandas, "return inputs[inputs[\"a\"] > 1]", Unsupported, 41, 12),
        (
            Pandas,
            "return pd.DataFrame({\"r\": inputs[\"tags\"].apply(lambda t: sum(1 for x in t))})",
            Unsupported,
            41,
            77,
        ),
        (Pandas, "df = pd.DataFrame()\ndf[\"r\"] = 1.0\nreturn df", Unsupported, 42, 5),
        (Pandas, "return pd.DataFrame({\"r\": inputs[\"f\"].rolling(3)})", Unsupported, 41, 31),
        (Pandas, "return {\"r\": inputs[\"f\"]}", Invalid, 40, 5),
    ];
    for (mode, text, kind, line, column) in cases {
        let error = compile(&body(mode, text)).expect_err(text);
        let place = error.location().map(|place| (place.line, place.column));
        assert_eq!((error.kind(), place), (kind, Some((line, column))), "{text}\n{error}");
        assert_eq!(error.location().unwrap().file, "views.py");
        assert!(kind != Unsupported || error.hint().is_some(), "{error}");
    }
}

#[test]
fn a_constant_of_the_module_counts_only_when_passed_in() {
    let text = "return {\"r\": [RATES.get(s, 0.5) for s in inputs[\"s\"]]}";
    let definition = body(Mode::Python, text);
    assert_eq!(compile(&definition).unwrap_err().kind(), ErrorKind::Unsupported);
    let constants = BTreeMap::from([("RATES".to_owned(), "{\"books\": 0.9}".to_owned())]);
    let program = compile_with_constants(&definition, &constants).unwrap();
    assert_eq!(program.inputs(), [Column::new("s", ValueType::String)]);
}

#[test]
fn hostile_texts_are_refused_quickly() {
    let nested =
        format!("def f(inputs):\n    return {}1{}\n", "(".repeat(50_000), ")".repeat(50_000));
    let long = format!("def f(inputs):\n    x = \"{}\"\n", "x".repeat(300_000));
    let endless = "def f(inputs):\n    for a in range(9999):\n        for b in range(9999):\n            c = 1\n";
    for text in [nested.as_str(), &long, endless, "", "x = 1", "\u{0}", "def f(inputs)"] {
        let error = compile(&definition(Mode::Python, text)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Invalid | ErrorKind::Unsupported), "{error}");
    }
}

#[test]
fn a_batch_without_an_input_is_refused() {
    let program = compile(&body(Mode::Python, "return {\"r\": inputs[\"f\"]}")).unwrap();
    let schema = arrow_schema::Schema::empty();
    assert_eq!(program.bind(&schema).unwrap_err().kind(), ErrorKind::Invalid);
    let text = arrow_schema::Field::new(
        "f",
        arrow_schema::DataType::Struct(arrow_schema::Fields::empty()),
        true,
    );
    let schema = arrow_schema::Schema::new(vec![text]);
    assert_eq!(program.bind(&schema).unwrap_err().kind(), ErrorKind::Invalid);
}
