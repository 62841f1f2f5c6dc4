//! Settings and manifests.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{BASE, build};
use crate::kit::fields_of;
use crate::registry::{DIALECTS, SINKS};

#[test]
fn every_sink_is_built_from_its_example_which_has_all_required_settings_and_no_unknown_ones() {
    for kind in SINKS {
        let name = kind.manifest().name;
        let example = kind.example(BASE);
        let fields = fields_of(&(kind.manifest().schema)());
        for key in example.keys() {
            assert!(
                fields.iter().any(|f| f.name == *key),
                "{name}: the example's {key} is no setting"
            );
        }
        for field in fields.iter().filter(|f| f.required) {
            assert!(
                example.contains_key(&field.name),
                "{name}: the example lacks {}",
                field.name
            );
        }
        build(*kind);
    }
}

#[test]
fn every_sink_refuses_unknown_missing_and_mistyped_settings_by_their_field() {
    for kind in SINKS {
        let manifest = kind.manifest();
        let example = kind.example(BASE);
        let refused = |settings| kind.build(&settings).err().unwrap_or_default();

        let mut unknown = example.clone();
        unknown.insert("no_such_setting".to_owned(), json!(1));
        assert!(
            refused(unknown)
                .iter()
                .any(|e| e.field == "no_such_setting"),
            "{}",
            manifest.name
        );

        for field in fields_of(&(manifest.schema)()) {
            let mut missing = example.clone();
            missing.remove(&field.name);
            let errors = refused(missing);
            assert_eq!(
                errors.iter().any(|e| e.field == field.name),
                field.required,
                "{} {}",
                manifest.name,
                field.name
            );

            let mut mistyped = example.clone();
            mistyped.insert(field.name.clone(), json!([["s3cr3t-value"]]));
            let errors = refused(mistyped);
            assert!(
                errors.iter().any(|e| e.field == field.name),
                "{} {}: {errors:?}",
                manifest.name,
                field.name
            );
            // I9: an error about a secret does not repeat it.
            assert!(
                !field.secret || !format!("{errors:?}").contains("s3cr3t-value"),
                "{}",
                manifest.name
            );
        }
    }
}

#[test]
fn every_manifest_says_what_people_need() {
    let mut names = HashSet::new();
    for kind in SINKS {
        let manifest = kind.manifest();
        let name = manifest.name;
        assert!(names.insert(name), "{name} stands twice in the registry");
        assert!(
            !manifest.title.is_empty() && !manifest.about.is_empty() && !manifest.docs.is_empty(),
            "{name}"
        );
        assert!(manifest.setup.len() >= 2, "{name}: steps to set it up");
        assert!(
            manifest.deadline_ms >= 1000 && manifest.requests_max >= 1,
            "{name}"
        );
        assert!(
            manifest.takes_issues || manifest.takes_notifications,
            "{name}"
        );
        for field in fields_of(&(manifest.schema)()) {
            assert!(
                field.about.len() >= 10,
                "{name}: {} has no description",
                field.name
            );
        }
        let mut codes = HashSet::new();
        for error in manifest.errors {
            assert!(
                codes.insert(error.code),
                "{name}: two sentences for {}",
                error.code
            );
            assert!(
                error.sentence.ends_with('.') && error.sentence.len() > 20,
                "{name}: {}",
                error.code
            );
        }
    }
    for dialect in DIALECTS {
        let manifest = dialect.manifest();
        assert!(
            names.insert(manifest.name),
            "{} stands twice",
            manifest.name
        );
        assert!(
            manifest.setup.iter().any(|step| step.contains("{url}")),
            "{}: no address",
            manifest.name
        );
        for field in fields_of(&(manifest.schema)()) {
            assert!(
                field.about.len() >= 10,
                "{}: {} has no description",
                manifest.name,
                field.name
            );
        }
    }
}

#[test]
fn every_secret_setting_of_an_example_is_among_the_sinks_secrets() {
    for kind in SINKS {
        let manifest = kind.manifest();
        let example = kind.example(BASE);
        let sink = build(*kind);
        for field in fields_of(&(manifest.schema)()).iter().filter(|f| f.secret) {
            for text in texts(example.get(&field.name).unwrap_or(&Value::Null)) {
                let is_known = sink.secrets().iter().any(|s| s.expose() == text);
                assert!(
                    is_known,
                    "{}: {} is not redacted",
                    manifest.name, field.name
                );
                assert!(
                    !sink.target().contains(&text),
                    "{}: the target shows a secret",
                    manifest.name
                );
            }
        }
    }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(map) => map.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}
