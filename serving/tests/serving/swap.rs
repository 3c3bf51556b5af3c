use std::time::{Duration, Instant};

use larder_core::{Catalog, Compat, Field, ValueType};
use serde_json::json;

use crate::fixture::{Shop, parts};

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_change_is_served_without_dropping_a_request() {
    let shop = Shop::open(Compat::Larder).await;
    let ask = |feature: &str| {
        let body = json!({"features": [feature], "entities": {"user_id": [1]}});
        shop.post("/get-online-features", &body).0
    };
    assert_eq!(ask("user_stats:loyalty"), 404);
    let mut changed = parts();
    changed.version = "2".to_owned();
    changed.feature_views[0].features.push(Field::new("loyalty", ValueType::Int64));
    shop.source.push(Catalog::new(changed));
    let limit = Instant::now() + Duration::from_secs(10);
    while ask("user_stats:loyalty") != 200 {
        assert_eq!(ask("user_stats:spend"), 200, "the old definitions go on being served");
        assert!(Instant::now() < limit, "the change was never picked up");
    }
    shop.stop().await;
}
