//! Plans that real Feast stored for views of mode="substrait", and what it computed with them
//! (`tests/vectors/transform/plans.py`).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "recorded/vectors.rs"]
#[expect(dead_code, reason = "made for functions, of which plans are one kind")]
mod vectors;

use larder_core::{
    ErrorKind, Field, OnDemandFeatureView, Tags, Transformation, ValueType, ViewMeta,
};
use larder_transform::{Column, Program, compile_view};

use self::vectors::Case;

const RECORDED: &str = include_str!("../../tests/vectors/transform/plans.json");

fn view(plan: Vec<u8>, outputs: &[Column]) -> OnDemandFeatureView {
    let field = |column: &Column| Field::new(&column.name, column.value_type);
    OnDemandFeatureView {
        name: "planned".to_owned(),
        features: outputs.iter().map(field).collect(),
        sources: Vec::new(),
        transformation: Some(Transformation::Substrait { plan, ibis_function: vec![1] }),
        mode: "substrait".to_owned(),
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

/// The recorded views with their plans.
fn cases() -> Vec<(Case, Vec<u8>)> {
    let recorded: Vec<serde_json::Value> = serde_json::from_str(RECORDED).unwrap();
    let plans = recorded.iter().map(|case| {
        let text = case["plan"].as_str().unwrap();
        let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        (0..text.len()).step_by(2).map(byte).collect()
    });
    Case::all(RECORDED).into_iter().zip(plans).collect()
}

fn program(case: &Case, plan: &[u8]) -> larder_core::Result<Program> {
    let definition = case.definition();
    compile_view(&view(plan.to_vec(), &definition.outputs), definition.inputs)
}

#[test]
fn every_recorded_plan_compiles_and_answers_as_feast_does() {
    let cases = cases();
    assert!(cases.len() >= 13, "{}", cases.len());
    let wrong: Vec<String> = cases
        .iter()
        .flat_map(|(case, plan)| match program(case, plan) {
            Ok(program) => case.differences(&program.evaluate(&case.batch()).unwrap()),
            Err(error) => vec![format!("{}: {error}", case.name())],
        })
        .collect();
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_damaged_plan_is_refused_or_computes_something() {
    let (case, plan) = &cases()[0];
    let definition = case.definition();
    for at in 0..plan.len() {
        let mut damaged = plan.clone();
        damaged[at] ^= 0x15;
        for bytes in [damaged, plan[..at].to_vec()] {
            match compile_view(&view(bytes, &definition.outputs), definition.inputs.clone()) {
                Ok(program) => drop(program.evaluate(&case.batch()).unwrap()),
                Err(error) => {
                    let known = matches!(error.kind(), ErrorKind::Invalid | ErrorKind::Unsupported);
                    assert!(known, "byte {at}: {error}");
                }
            }
        }
    }
}

#[test]
fn a_plan_that_does_not_fit_its_view_is_refused() {
    let (case, plan) = &cases()[0];
    let definition = case.definition();
    let compile = |inputs: Vec<Column>, outputs: &[Column]| {
        compile_view(&view(plan.clone(), outputs), inputs).unwrap_err().kind()
    };
    assert_eq!(compile(Vec::new(), &definition.outputs), ErrorKind::Invalid);
    let more = [Column::new("nobody", ValueType::Double)];
    assert_eq!(compile(definition.inputs.clone(), &more), ErrorKind::Invalid);
    let retyped: Vec<Column> = definition
        .outputs
        .iter()
        .map(|output| Column::new(&output.name, ValueType::String))
        .collect();
    assert_eq!(compile(definition.inputs, &retyped), ErrorKind::Invalid);
}
