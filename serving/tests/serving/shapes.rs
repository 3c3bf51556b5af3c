//! Bodies of another shape, refused with the violations that `feast serve` answered.

use std::path::Path;

use larder_core::Compat;
use serde_json::Value;

use crate::fixture::Shop;

#[tokio::test(flavor = "multi_thread")]
async fn every_violation_is_named_as_feast_names_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/online/shapes.json");
    let recorded: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let shop = Shop::open(Compat::Larder).await;
    for exchange in recorded.as_array().unwrap() {
        let (path, body) = (exchange["path"].as_str().unwrap(), exchange["body"].as_str().unwrap());
        let (status, answer) = shop.post_text(path, "application/json", body);
        assert_eq!((status, &answer), (422, &exchange["answer"]), "{path} {body}");
    }
    shop.stop().await;
}
