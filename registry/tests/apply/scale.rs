//! Large repositories.

use std::fmt::Write;
use std::time::Instant;

use crate::shop::Repository;

#[test]
fn a_thousand_views_are_planned_and_applied_without_quadratic_work() {
    let mut text = String::from(
        "kind: entity\nname: user\nvalue_type: INT64\n---\n\
         kind: file_source\nname: s\npath: s.parquet\ntimestamp_field: ts\n",
    );
    for number in 0..1000 {
        write!(
            text,
            "---\nkind: feature_view\nname: view_{number}\nentities: [user]\nttl: 7d\nsource: s\n\
             schema: {{a_{number}: Int64, b_{number}: Float32, c_{number}: String}}\n"
        )
        .unwrap();
    }
    let repository = Repository::with(&[
        ("feature_store.yaml", "project: p\nregistry: data/registry.db\n"),
        ("views.yaml", &text),
    ]);
    let start = Instant::now();
    let applied = repository.apply().unwrap();
    let first = start.elapsed();
    assert_eq!(applied.changed.len(), 1000 + 4);
    let start = Instant::now();
    assert!(repository.plan().unwrap().is_empty());
    let second = start.elapsed();
    // Unoptimised and beside other work; Feast 0.67 takes 22 s and 13 s.
    assert!(first.as_secs() < 10 && second.as_secs() < 10, "{first:?} {second:?}");
}
