//! The description fits itself and the routes.

use serde_json::Value;

use crate::harness::{World, request};

fn refs<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(object) => {
            if let Some(target) = object.get("$ref").and_then(Value::as_str) {
                found.push(target);
            }
            object.values().for_each(|v| refs(v, found));
        }
        Value::Array(list) => list.iter().for_each(|v| refs(v, found)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_is_whole_and_every_route_asks_for_the_token() {
    let world = World::new().await;
    let answer = world
        .send(request("GET", "/api/v1/openapi.json", "", None))
        .await;
    assert_eq!(answer.status, 200);
    let document = answer.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    assert_eq!(document["info"]["title"], "Campanile");
    let mut found = Vec::new();
    refs(&document, &mut found);
    assert!(found.len() > 10);
    for target in found {
        let pointer = target.strip_prefix('#').unwrap();
        assert!(
            document.pointer(pointer).is_some(),
            "{target} leads nowhere"
        );
    }
    let mut operation_ids = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operation_ids.push(operation["operationId"].as_str().unwrap());
            let ok = &operation["responses"]["200"];
            assert!(ok["description"].is_string(), "{method} {path}");
            for name in path
                .split('/')
                .filter_map(|s| s.strip_prefix('{')?.strip_suffix('}'))
            {
                let parameters = operation["parameters"].as_array().unwrap();
                let named =
                    |p: &&Value| p["name"] == name && p["in"] == "path" && p["required"] == true;
                assert!(
                    parameters.iter().any(|p| named(&p)),
                    "{method} {path} {name}"
                );
            }
            let real = path.replace("{id}", "0190-x").replace("{action}", "close");
            let method = method.to_ascii_uppercase();
            let answer = world.send(request(&method, &real, "", None)).await;
            match operation["x-permission"].as_str().unwrap() {
                "Public" => assert_eq!(answer.status, 200, "{method} {path}"),
                _ => {
                    answer.problem(401);
                    assert!(operation["security"][0]["token"].is_array());
                    assert!(operation["responses"]["default"].is_object());
                }
            }
        }
    }
    assert_eq!(operation_ids.len(), 19);
    operation_ids.sort_unstable();
    operation_ids.dedup();
    assert_eq!(operation_ids.len(), 19, "each its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_have_the_fields_that_the_description_says() {
    let world = World::new().await;
    let id = world.fire("db-1").await;
    let document = server::openapi_document();
    let fits = |schema: &str, value: &Value| {
        let schema = &document["components"]["schemas"][schema];
        let properties = schema["properties"].as_object().unwrap();
        let fields = value.as_object().unwrap();
        for field in fields.keys() {
            assert!(properties.contains_key(field), "{field} is not described");
        }
        for required in schema["required"].as_array().unwrap() {
            assert!(
                fields.contains_key(required.as_str().unwrap()),
                "{required} is missing"
            );
        }
        assert_eq!(fields.len(), properties.len(), "{properties:?}");
    };
    let page = world.read("/api/v1/alerts").await;
    fits("Alert", &page["alerts"][0]);
    let events = world.read(&format!("/api/v1/alerts/{id}/events")).await;
    fits("Event", &events["events"][0]);
    let lanes = world.read(&format!("/api/v1/alerts/{id}/lanes")).await;
    fits("Lane", &lanes["lanes"][0]);
    let body =
        serde_json::json!({ "matchers": ["env=prod"], "windows": [{ "weekdays": ["monday"] }] });
    let silence = world.post("/api/v1/silences", &body).await.json();
    fits("Silence", &silence);
}
