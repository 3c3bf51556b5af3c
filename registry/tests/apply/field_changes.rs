//! What `plan` shows of an update, judged by what Feast printed.

use crate::shop::{Repository, feast_registry, vectors};

#[test]
fn changed_features_read_as_feast_prints_them() {
    let shop = Repository::shop();
    shop.edit("features.py", "WINDOWS_H = [1, 24]", "WINDOWS_H = [1, 24, 72]");
    let plan = shop.plan_against(&feast_registry("registry_materialized.db")).unwrap();
    let change = &plan.changes[0];
    let fields: Vec<_> = change.fields.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(fields, ["features"]);
    let printed = format!("\tfeatures: {} -> {}\n", change.fields[0].old, change.fields[0].new);
    let transcript = std::fs::read_to_string(vectors().join("transcript.txt")).unwrap();
    assert!(transcript.contains(&printed), "{printed}");
}

#[test]
fn every_kind_of_field_is_shown_as_python_shows_it() {
    let shop = Repository::shop();
    shop.edit("features.py", "ttl=timedelta(days=7)", "ttl=timedelta(days=8)");
    shop.edit("features.py", "\"tier\": \"1\"", "\"tier\": \"2\"");
    shop.edit("features.py", "Shopper activity over short windows", "Activity");
    shop.edit(
        "features.py",
        "    online=True,\n    offline=True,",
        "    online=False,\n    offline=True,",
    );
    shop.edit("entities.py", "owner=\"growth@shoply.example\"", "owner=\"\"");
    let plan = shop.plan_against(&feast_registry("registry.db")).unwrap();
    let shown: Vec<_> = plan
        .changes
        .iter()
        .flat_map(|change| {
            change
                .fields
                .iter()
                .map(|f| format!("{} {}: {} -> {}", change.name, f.field, f.old, f.new))
        })
        .collect();
    let expected = [
        "user owner: growth@shoply.example -> ",
        "product_features online: True -> False",
        "user_behavior_features tags: {'team': 'growth', 'tier': '1'} -> {'team': 'growth', 'tier': '2'}",
        "user_behavior_features ttl: seconds: 604800\n -> seconds: 691200\n",
        "user_behavior_features description: Shopper activity over short windows -> Activity",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn a_changed_function_is_shown_by_its_parts_without_the_pickled_body() {
    let shop = Repository::shop();
    shop.edit("features.py", "(rate or 0.0) * float(n or 0)", "(rate or 1.0) * float(n or 0)");
    let plan = shop.plan_against(&feast_registry("registry.db")).unwrap();
    let fields: Vec<_> = plan
        .changes
        .iter()
        .flat_map(|c| c.fields.iter().map(|f| (c.name.as_str(), f.field.as_str())))
        .collect();
    assert_eq!(fields, [("basket_features", "feature_transformation.body_text")]);
}
