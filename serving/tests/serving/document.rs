//! What the API says of itself: `/openapi.json`, `/docs` and `/redoc`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use larder_core::Compat;
use serde_json::{Map, Value, json};

use crate::fixture::Shop;

fn get(shop: &Shop, path: &str) -> (u16, String, String) {
    let mut answer = shop.client.get(format!("http://{}{path}", shop.http)).call().unwrap();
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    (answer.status().as_u16(), kind, answer.body_mut().read_to_string().unwrap())
}

async fn served() -> Value {
    let shop = Shop::open(Compat::Larder).await;
    let (status, kind, text) = get(&shop, "/openapi.json");
    shop.stop().await;
    assert_eq!((status, kind.as_str()), (200, "application/json"));
    serde_json::from_str(&text).unwrap()
}

/// What `feast serve` says of itself.
fn of_feast() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/online/openapi.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Method, path and what is said of them.
fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    document["paths"].as_object().unwrap().iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter();
        methods.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    })
}

/// Follows a reference.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(place) => document.pointer(place.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

/// The schema of a request's body.
fn body<'a>(document: &'a Value, operation: &'a Value) -> Option<&'a Value> {
    let schema = operation.pointer("/requestBody/content/application~1json/schema")?;
    Some(resolved(document, schema))
}

/// The JSON types that a schema admits.
fn types<'a>(document: &'a Value, schema: &'a Value) -> BTreeSet<&'a str> {
    let schema = resolved(document, schema);
    match schema["anyOf"].as_array() {
        Some(choices) => choices.iter().flat_map(|choice| types(document, choice)).collect(),
        None => schema["type"].as_str().into_iter().collect(),
    }
}

fn fields(body: &Value) -> impl Iterator<Item = (&String, &Value, bool)> {
    let required = |name: &str| {
        body["required"].as_array().is_some_and(|names| names.iter().any(|known| known == name))
    };
    let properties = body["properties"].as_object().into_iter().flatten();
    properties.map(move |(name, schema)| (name, schema, required(name)))
}

/// A line per operation and per field of its body.
fn outline(document: &Value) -> String {
    let mut text = String::new();
    for (method, path, operation) in operations(document) {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let parameters: Vec<&str> = parameters.filter_map(|p| p["name"].as_str()).collect();
        let statuses: Vec<&String> = operation["responses"].as_object().unwrap().keys().collect();
        let (method, parameters) = (method.to_uppercase(), parameters.join(", "));
        writeln!(text, "{method} {path} ({parameters}) -> {statuses:?}").unwrap();
        let Some(body) = body(document, operation) else { continue };
        for (name, schema, is_required) in fields(body) {
            let types: Vec<&str> = types(document, schema).into_iter().collect();
            let star = if is_required { "*" } else { "" };
            let default = schema.get("default").map_or_else(String::new, |d| format!(" = {d}"));
            writeln!(text, "    {name}{star}: {}{default}", types.join(" | ")).unwrap();
        }
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_the_one_that_was_agreed_on() {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    let outline = outline(&served().await);
    settings.bind(|| insta::assert_snapshot!("openapi", outline));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_feasts_document_allows_a_request_to_say_ours_allows_too() {
    let (ours, feast) = (served().await, of_feast());
    let mut compared = 0;
    for (method, path, operation) in operations(&feast) {
        let own = &ours["paths"][path][method];
        assert!(own.is_object(), "{method} {path}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let described = |own: &Value| {
                ["name", "in", "required"].iter().all(|key| own[*key] == parameter[*key])
                    && own["schema"]["default"] == parameter["schema"]["default"]
            };
            let parameters = own["parameters"].as_array().into_iter().flatten();
            assert_eq!(parameters.filter(|own| described(own)).count(), 1, "{path} {parameter}");
        }
        let Some(recorded) = body(&feast, operation) else { continue };
        let body = body(&ours, own).unwrap_or_else(|| panic!("{method} {path} takes a body"));
        for (name, schema, is_required) in fields(recorded) {
            let known = fields(body).find(|(known, ..)| *known == name);
            let (_, own, own_required) = known.unwrap_or_else(|| panic!("{path}: {name}"));
            assert_eq!(own_required, is_required, "{path}: {name}");
            assert_eq!(own.get("default"), schema.get("default"), "{path}: {name}");
            let (own, theirs) = (types(&ours, own), types(&feast, schema));
            assert!(theirs.is_subset(&own), "{path}: {name} may be {theirs:?}, not only {own:?}");
            compared += 1;
        }
    }
    assert!(compared > 30, "only {compared} fields were compared");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_path_is_answered_for_the_methods_that_are_documented_and_no_other() {
    let shop = Shop::open(Compat::Larder).await;
    let document: Value = serde_json::from_str(&get(&shop, "/openapi.json").2).unwrap();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "delete"] {
            let url = format!("http://{}{}", shop.http, path.replace("{vector_store_id}", "none"));
            let request = ureq::http::Request::builder().method(method.to_uppercase().as_str());
            let request = request.uri(url).header("content-type", "application/json");
            let answer = match method {
                "post" | "put" => shop.client.run(request.body("{}").unwrap()),
                _ => shop.client.run(request.body(()).unwrap()),
            };
            let mut answer = answer.unwrap();
            let (status, text) = (answer.status(), answer.body_mut().read_to_string().unwrap());
            assert_ne!(text, r#"{"detail":"Not Found"}"#, "{method} {path}");
            let is_documented = methods.get(method).is_some();
            assert_eq!(status.as_u16() != 405, is_documented, "{method} {path}: {status} {text}");
        }
    }
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reference_of_the_document_leads_to_a_schema_that_is_used() {
    let document = served().await;
    let text = document.to_string();
    let schemas: &Map<String, Value> = document["components"]["schemas"].as_object().unwrap();
    for name in schemas.keys() {
        let reference = json!(format!("#/components/schemas/{name}")).to_string();
        assert!(text.contains(&reference), "{name} is not used");
    }
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let place = reference.split('"').next().unwrap();
        assert!(document.pointer(place).is_some(), "{place} leads nowhere");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_show_the_document() {
    let shop = Shop::open(Compat::Larder).await;
    for path in ["/docs", "/redoc"] {
        let (status, kind, page) = get(&shop, path);
        assert_eq!((status, kind.as_str()), (200, "text/html; charset=utf-8"));
        assert!(page.contains("openapi.json"), "{page}");
        assert!(!page.contains("http://") && !page.contains("https://"), "needs no other host");
    }
    shop.stop().await;
}
