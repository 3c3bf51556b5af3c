//! Views as a catalog holds them.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Float64Array, RecordBatch};
use larder_core::{
    ErrorKind, Field, OnDemandFeatureView, SQL_TAG, Tags, Transformation, ValueType, ViewMeta,
};
use larder_transform::{Column, compile_view};

fn view(mode: &str, transformation: Option<Transformation>) -> OnDemandFeatureView {
    OnDemandFeatureView {
        name: "basket".to_owned(),
        features: vec![Field::new("doubled", ValueType::Double)],
        sources: Vec::new(),
        transformation,
        mode: mode.to_owned(),
        singleton: false,
        write_to_online_store: false,
        entities: Vec::new(),
        entity_columns: Vec::new(),
        aggregations: Vec::new(),
        description: String::new(),
        tags: Tags::new(),
        owner: String::new(),
        org: String::new(),
        version: String::new(),
        disabled: false,
        meta: ViewMeta::default(),
    }
}

/// The text as Feast stores it, decorator included.
fn function(mode: &str, body: &str) -> Transformation {
    let decorator = "@on_demand_feature_view(\n    sources=[orders],\n    schema=[Field(name=\"doubled\", dtype=Float64)],\n)\n";
    Transformation::Function {
        name: "basket".to_owned(),
        body: Vec::new(),
        body_text: format!("{decorator}def basket(inputs: pd.DataFrame) -> pd.DataFrame:\n{body}"),
        mode: mode.to_owned(),
    }
}

fn inputs() -> Vec<Column> {
    vec![Column::new("total", ValueType::Double), Column::new("orders__total", ValueType::Double)]
}

#[test]
fn every_mode_of_a_view_gives_the_same_features() {
    let python = function(
        "python",
        "    return {\"doubled\": [t * 2 for t in inputs[\"orders__total\"]]}\n",
    );
    let pandas = function(
        "",
        "    df = pd.DataFrame()\n    df[\"doubled\"] = inputs.total * 2\n    return df\n",
    );
    let mut sql = view("python", None);
    sql.tags.insert(SQL_TAG.to_owned(), "{\"doubled\": \"total * 2\"}".to_owned());
    let totals = Arc::new(Float64Array::from(vec![Some(1.5), None]));
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("total", Arc::clone(&totals) as _, true),
        ("orders__total", totals as _, true),
    ])
    .unwrap();
    for view in [view("python", Some(python)), view("pandas", Some(pandas)), sql] {
        let program = compile_view(&view, inputs()).unwrap();
        assert_eq!(program.outputs(), [Column::new("doubled", ValueType::Double)]);
        let features = program.evaluate(&batch).unwrap();
        let expected = Float64Array::from(vec![Some(3.0), None]);
        assert_eq!(features[0].as_primitive::<Float64Type>(), &expected);
    }
}

#[test]
fn a_place_in_the_function_counts_from_its_decorator() {
    let python =
        function("python", "    return {\"doubled\": [nope(t) for t in inputs[\"total\"]]}\n");
    let error = compile_view(&view("python", Some(python)), inputs()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(error.location().map(|place| (place.line, place.column)), Some((6, 25)));
}

#[test]
fn views_without_a_function_that_can_be_compiled_are_unsupported() {
    let substrait = Transformation::Substrait { plan: Vec::new(), ibis_function: vec![2] };
    let ray = function("ray", "    return inputs\n");
    for view in [view("substrait", Some(substrait)), view("python", None), view("ray", Some(ray))] {
        let error = compile_view(&view, inputs()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
}
