//! The JSON Schema of the profile format, generated from the types that read it.
//!
//! It says what a checker in an editor can use: keys, sorts of values and their meaning. What holds between parts
//! (names that must be declared, bounds that depend on others) is told by [`Profile::parse`](super::Profile::parse)
//! alone.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::parse::Head;
use super::{CharClass, Family, Kind, Name, Permission, ResourcePattern, Role, Scope, Service};

macro_rules! text_schema {
    ($name:ident, $pattern:expr, $max:expr, $description:expr) => {
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string", "description": $description, "pattern": $pattern, "maxLength": $max,
                })
            }
        }
    };
}

text_schema!(Name, NAME, Name::MAX_LEN, "Lower-case letters, digits, '-' and '_', beginning with a letter or digit");
text_schema!(
    Permission,
    r"^(\*|[a-z0-9._-]+):(\*|[a-z0-9._-]+)$",
    Permission::MAX_LEN,
    "resource:action; '*' stands for any in either place"
);
text_schema!(
    ResourcePattern,
    r"^[^\s/]+(/[^\s/]+){0,7}$",
    ResourcePattern::MAX_PARTS * (ResourcePattern::MAX_PART_LEN + 1),
    "One to 8 parts joined by '/', each of 1 to 128 visible characters; '*' stands for any part, or ends a part as a prefix"
);
text_schema!(CharClass, r"^[ -~]+$", CharClass::MAX_LEN, "Characters and ranges of them, as in a-z0-9_-");

const NAME: &str = "^[a-z0-9][a-z0-9_-]*$";
const WORD: &str = "^[a-z0-9._-]+$";

/// The JSON Schema (draft 2020-12) of a profile's file, read as JSON.
#[must_use]
pub fn schema() -> Value {
    let mut generator = SchemaGenerator::new(SchemaSettings::draft2020_12());
    let named = |mut schema: Schema, names: &str| {
        schema.insert("propertyNames".to_owned(), serde_json::json!({ "pattern": names }));
        schema.to_value()
    };
    let tables = [
        ("permissions", named(generator.subschema_for::<BTreeMap<String, BTreeMap<String, String>>>(), WORD)),
        ("scopes", named(generator.subschema_for::<BTreeMap<String, Scope>>(), NAME)),
        ("roles", named(generator.subschema_for::<BTreeMap<String, Role>>(), NAME)),
        ("families", named(generator.subschema_for::<BTreeMap<String, Family>>(), NAME)),
        ("services", named(generator.subschema_for::<BTreeMap<String, Service>>(), NAME)),
        ("kinds", named(generator.subschema_for::<BTreeMap<String, Kind>>(), NAME)),
    ];
    let mut root = generator.into_root_schema_for::<Head>().to_value();
    for (pointer, value) in [("title", "A Symbolon profile"), ("description", "What an organisation's tokens are")] {
        if let Some(root) = root.as_object_mut() {
            root.insert(pointer.to_owned(), value.into());
        }
    }
    for (table, schema) in tables {
        if let Some(properties) = root.pointer_mut("/properties").and_then(Value::as_object_mut) {
            properties.insert(table.to_owned(), schema);
        }
    }
    if let Some(required) = root.pointer_mut("/required").and_then(Value::as_array_mut) {
        required.extend(["roles".into(), "kinds".into()]);
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{BUILTIN_NAMES, builtin};

    /// As much of JSON Schema as [`schema`] uses; what it does not know is an error, so that nothing passes unseen.
    fn validate(root: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        let Some(schema) = schema.as_object() else {
            return if schema == &Value::Bool(true) { Ok(()) } else { Err(format!("{at}: not allowed")) };
        };
        let valid = |schema: &Value| validate(root, schema, value, at);
        for (keyword, rule) in schema {
            let holds = match keyword.as_str() {
                "$schema" | "$defs" | "title" | "description" | "default" | "format" => true,
                "$ref" => {
                    let pointer = rule.as_str().unwrap().strip_prefix('#').unwrap();
                    valid(root.pointer(pointer).unwrap())?;
                    true
                }
                "type" => {
                    let is = |sort: &Value| match sort.as_str().unwrap() {
                        "object" => value.is_object(),
                        "array" => value.is_array(),
                        "string" => value.is_string(),
                        "boolean" => value.is_boolean(),
                        "integer" => value.is_i64(),
                        "null" => value.is_null(),
                        other => panic!("type {other}"),
                    };
                    rule.as_array().map_or_else(|| is(rule), |sorts| sorts.iter().any(is))
                }
                "properties" => {
                    for (key, value) in value.as_object().into_iter().flatten() {
                        if let Some(schema) = rule.get(key) {
                            validate(root, schema, value, &format!("{at}.{key}"))?;
                        }
                    }
                    true
                }
                "additionalProperties" => {
                    for (key, value) in value.as_object().into_iter().flatten() {
                        if schema.get("properties").is_none_or(|known| known.get(key).is_none()) {
                            validate(root, rule, value, &format!("{at}.{key}"))?;
                        }
                    }
                    true
                }
                "propertyNames" => {
                    let names = rule.get("pattern").and_then(Value::as_str).unwrap();
                    value.as_object().is_none_or(|object| object.keys().all(|key| matches(names, key)))
                }
                "required" => rule.as_array().unwrap().iter().all(|key| value.get(key.as_str().unwrap()).is_some()),
                "items" => {
                    for (place, value) in value.as_array().into_iter().flatten().enumerate() {
                        validate(root, rule, value, &format!("{at}[{place}]"))?;
                    }
                    true
                }
                "enum" => rule.as_array().unwrap().contains(value),
                "const" => rule == value,
                "anyOf" => rule.as_array().unwrap().iter().any(|schema| valid(schema).is_ok()),
                "oneOf" => rule.as_array().unwrap().iter().filter(|schema| valid(schema).is_ok()).count() == 1,
                "pattern" => value.as_str().is_none_or(|text| matches(rule.as_str().unwrap(), text)),
                "maxLength" => value
                    .as_str()
                    .is_none_or(|text| u64::try_from(text.chars().count()).unwrap() <= rule.as_u64().unwrap()),
                "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
                "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().unwrap()),
                other => panic!("the keyword {other} is not known here"),
            };
            if !holds {
                return Err(format!("{at}: {keyword} {rule}"));
            }
        }
        Ok(())
    }

    /// The three patterns of the schema, told by the types that they describe.
    fn matches(pattern: &str, text: &str) -> bool {
        match pattern {
            NAME => text.parse::<Name>().is_ok(),
            WORD => format!("{text}:x").parse::<Permission>().is_ok() && text != "*",
            _ if pattern.contains(':') => text.parse::<Permission>().is_ok(),
            _ => text.parse::<CharClass>().is_ok(),
        }
    }

    fn json(profile: &str) -> Value {
        toml::from_str(profile).unwrap()
    }

    #[test]
    fn every_built_in_profile_is_valid_against_it() {
        let schema = schema();
        for name in BUILTIN_NAMES {
            assert_eq!(validate(&schema, &schema, &json(builtin(name).unwrap()), name), Ok(()));
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_valid_against_it() {
        let schema = schema();
        let good = builtin("symbolon").unwrap();
        for (part, by) in [
            ("name = \"symbolon\"\n", ""),
            ("name = \"symbolon\"", "name = \"Symbolon\""),
            ("title = \"Symbolon\"", "title = \"Symbolon\"\nother = 1"),
            ("[permissions.api]\nread = \"Read through the protected API\"", "[permissions.api]\nread = 1"),
            ("permissions = [\"api:read\"]", "permissions = [\"read\"]"),
            ("rank = 100", "rank = -1"),
            ("rank = 100", "rank = \"100\""),
            ("owner = \"member\"", "owner = \"members\""),
            ("proofs = [\"bearer\", \"signature\"]", "proofs = [\"bearer\", \"password\"]"),
            ("needed = \"scopes\" }", "needed = \"scopes\", some = 1 }"),
            ("required = true", "required = 1"),
            ("prefix = \"sym_pat_\"\n", ""),
        ] {
            let bad = good.replacen(part, by, 1);
            assert_ne!(bad, good, "{part}");
            assert!(validate(&schema, &schema, &json(&bad), "").is_err(), "{by}");
        }
    }
}
