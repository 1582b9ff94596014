#![allow(clippy::indexing_slicing)]

use std::collections::BTreeSet;

use super::*;
use symbolon::problem::Code;

fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter().filter(|(name, _)| *name != "parameters");
        methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

#[test]
fn the_document_has_every_route_and_no_other() {
    let document = document().unwrap();
    let written: BTreeSet<(String, String)> =
        operations(&document).map(|(path, method, _)| (method.to_owned(), path.to_owned())).collect();
    let routed: BTreeSet<(String, String)> = ROUTES
        .iter()
        .flat_map(|route| methods(route).iter().map(|method| (method.to_lowercase(), template(route.path))))
        .collect();
    assert_eq!(written, routed);
}

#[test]
fn every_operation_has_a_name_of_its_own_and_says_what_it_does() {
    let document = document().unwrap();
    let mut names = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        assert!(names.insert(operation["operationId"].as_str().unwrap()), "{method} {path}");
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{method} {path}");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with(['2', '3'])), "{method} {path}");
        assert!(responses.contains_key("500"), "{method} {path}");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn follow(root: &Value, value: &Value) {
        if let Some(target) = value.get("$ref").and_then(Value::as_str) {
            assert!(root.pointer(target.strip_prefix('#').unwrap()).is_some(), "{target}");
        }
        match value {
            Value::Object(object) => object.values().for_each(|value| follow(root, value)),
            Value::Array(values) => values.iter().for_each(|value| follow(root, value)),
            _ => {}
        }
    }
    let document = document().unwrap();
    follow(&document, &document);
}

#[test]
fn every_code_is_an_example_of_its_status_but_for_wrong_methods() {
    let document = document().unwrap();
    let examples: BTreeSet<&str> = document["components"]["responses"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|response| response["content"]["application/problem+json"]["examples"].as_object().unwrap().keys())
        .map(String::as_str)
        .collect();
    let all: BTreeSet<&str> =
        Code::ALL.iter().filter(|code| **code != Code::MethodNotAllowed).map(|code| code.as_str()).collect();
    assert_eq!(examples, all);
}

#[test]
fn every_example_is_valid() {
    let document = document().unwrap();
    let check = |schema: &Value, example: &Value, at: &str| {
        let mut schema = schema.clone();
        schema["components"] = document["components"].clone();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let errors: Vec<String> = validator.iter_errors(example).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{at}: {errors:?}");
    };
    for (path, method, operation) in operations(&document) {
        for content in operation["requestBody"]["content"].as_object().into_iter().flat_map(|content| content.values())
        {
            check(&content["schema"], &content["example"], &format!("{method} {path}"));
        }
    }
    for response in document["components"]["responses"].as_object().unwrap().values() {
        let content = &response["content"]["application/problem+json"];
        for (name, example) in content["examples"].as_object().unwrap() {
            check(&content["schema"], &example["value"], name);
        }
    }
}

#[test]
fn the_published_schema_of_profiles_is_up_to_date() {
    let published = include_str!("../../../docs/profile.schema.json");
    assert!(
        published == print(&profile_schema()),
        "docs/profile.schema.json differs from what the types say: copy dist/www/profile.schema.json there after `cargo xtask build www`"
    );
}
