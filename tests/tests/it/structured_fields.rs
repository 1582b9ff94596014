//! Structured fields: all cases of the HTTP working group, through the library that reads and writes them here, and those
//! that parse also through `;sf` (RFC 9421, section 2.1.1), which does not know a field's type.

use serde::Deserialize;
use serde_json::{Value, json};
use sfv::{
    BareItem, Date, Decimal, Dictionary, FieldType, InnerList, Integer, Item, Key, List, ListEntry, Parameters, Parser,
    Token,
};
use symbolon::signature::{Component, Field, MAX_FIELD_BYTES, Message, Request, SignatureError, Target};
use symbolon_tests::{Tally, run};

#[derive(Deserialize)]
struct Case {
    name: String,
    raw: Option<Vec<String>>,
    header_type: String,
    expected: Option<Value>,
    #[serde(default)]
    must_fail: bool,
    #[serde(default)]
    can_fail: bool,
    canonical: Option<Vec<String>>,
}

impl Case {
    /// The strict serialisation, which is the text itself where none is given.
    fn strict(&self) -> String {
        self.canonical.as_ref().or(self.raw.as_ref()).map(|lines| lines.join(", ")).unwrap_or_default()
    }
}

/// A value of any type, as the vectors write it, and its strict serialisation.
fn parsed(case: &Case, text: &str) -> Option<(Value, String)> {
    match case.header_type.as_str() {
        "item" => {
            let item: Item = Parser::new(text).parse().ok()?;
            Some((item_out(&item), item.serialize()))
        }
        "list" => {
            let list: List = Parser::new(text).parse().ok()?;
            Some((list.iter().map(entry_out).collect(), list.serialize().unwrap_or_default()))
        }
        "dictionary" => {
            let dictionary: Dictionary = Parser::new(text).parse().ok()?;
            let out = dictionary.iter().map(|(key, entry)| json!([key.as_str(), entry_out(entry)])).collect();
            Some((out, dictionary.serialize().unwrap_or_default()))
        }
        other => panic!("{other}"),
    }
}

fn bare_out(bare: &BareItem) -> Value {
    match bare {
        BareItem::Decimal(value) => json!({"__type": "decimal", "value": value.to_string()}),
        BareItem::Integer(value) => json!(i64::from(*value)),
        BareItem::String(value) => json!(value.as_str()),
        BareItem::ByteSequence(value) => json!({"__type": "binary", "value": base32(value)}),
        BareItem::Boolean(value) => json!(value),
        BareItem::Token(value) => json!({"__type": "token", "value": value.as_str()}),
        BareItem::Date(value) => json!({"__type": "date", "value": i64::from(value.unix_seconds())}),
        BareItem::DisplayString(value) => json!({"__type": "displaystring", "value": value}),
    }
}

fn parameters_out(parameters: &Parameters) -> Value {
    parameters.iter().map(|(key, value)| json!([key.as_str(), bare_out(value)])).collect()
}

fn item_out(item: &Item) -> Value {
    json!([bare_out(&item.bare_item), parameters_out(&item.params)])
}

fn entry_out(entry: &ListEntry) -> Value {
    match entry {
        ListEntry::Item(item) => item_out(item),
        ListEntry::InnerList(list) => {
            json!([list.items.iter().map(item_out).collect::<Value>(), parameters_out(&list.params)])
        }
    }
}

/// Writes decimals as texts, so that they are compared exactly.
fn exact(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => {
            let decimal = Decimal::try_from(number.as_f64().unwrap()).unwrap();
            json!({"__type": "decimal", "value": decimal.to_string()})
        }
        Value::Array(values) => values.iter().map(exact).collect(),
        other => other.clone(),
    }
}

fn base32(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut out = String::new();
    for chunk in bytes.chunks(5) {
        let bits = chunk.iter().fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte)) << (8 * (5 - chunk.len()));
        let digits = (chunk.len() * 8).div_ceil(5);
        for at in 0..8 {
            let digit = usize::try_from((bits >> (35 - 5 * at)) & 31).unwrap();
            out.push(if at < digits { char::from(DIGITS[digit]) } else { '=' });
        }
    }
    out
}

fn bare_in(value: &Value) -> Option<BareItem> {
    Some(match value {
        Value::Bool(value) => BareItem::Boolean(*value),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => BareItem::Integer(Integer::try_from(integer).ok()?),
            None => BareItem::Decimal(Decimal::try_from(number.as_f64()?).ok()?),
        },
        Value::String(text) => BareItem::String(sfv::String::from_string(text.clone()).ok()?),
        Value::Object(typed) => match (typed["__type"].as_str()?, &typed["value"]) {
            ("token", value) => BareItem::Token(Token::from_string(value.as_str()?.to_owned()).ok()?),
            ("date", value) => BareItem::Date(Date::from_unix_seconds(Integer::try_from(value.as_i64()?).ok()?)),
            ("displaystring", value) => BareItem::DisplayString(value.as_str()?.to_owned()),
            (other, _) => panic!("{other}"),
        },
        other => panic!("{other}"),
    })
}

fn parameters_in(value: &Value) -> Option<Parameters> {
    let pairs = value.as_array()?.iter();
    pairs.map(|pair| Some((Key::from_string(pair[0].as_str()?.to_owned()).ok()?, bare_in(&pair[1])?))).collect()
}

fn item_in(value: &Value) -> Option<Item> {
    Some(Item::with_params(bare_in(&value[0])?, parameters_in(&value[1])?))
}

fn entry_in(value: &Value) -> Option<ListEntry> {
    match value[0].as_array() {
        Some(items) => {
            let items = items.iter().map(item_in).collect::<Option<_>>()?;
            Some(InnerList::with_params(items, parameters_in(&value[1])?).into())
        }
        None => item_in(value).map(Into::into),
    }
}

fn serialized(case: &Case) -> Option<String> {
    let value = case.expected.as_ref().unwrap();
    match case.header_type.as_str() {
        "item" => Some(item_in(value)?.serialize()),
        "list" => value.as_array()?.iter().map(entry_in).collect::<Option<List>>()?.serialize(),
        "dictionary" => {
            let pair = |pair: &Value| Some((Key::from_string(pair[0].as_str()?.to_owned()).ok()?, entry_in(&pair[1])?));
            value.as_array()?.iter().map(pair).collect::<Option<Dictionary>>()?.serialize()
        }
        other => panic!("{other}"),
    }
}

fn check_parsing(case: &Case, tally: &mut Tally) {
    let text = case.raw.as_ref().unwrap().join(", ");
    let outcome = parsed(case, &text);
    if case.must_fail {
        tally.check(&case.name, outcome, None);
    } else if let (None, true) = (&outcome, case.can_fail) {
        tally.skip(&case.name, "may fail, and does");
    } else {
        let expected = (exact(case.expected.as_ref().unwrap()), case.strict());
        tally.check(&case.name, outcome, Some(expected));
    }
}

fn parsing(name: &str) {
    run(&format!("structured-fields/{name}.json"), |cases: Vec<Case>, tally| {
        cases.iter().for_each(|case| check_parsing(case, tally));
    });
}

fn serialising(name: &str) {
    run(&format!("structured-fields/serialisation-tests/{name}.json"), |cases: Vec<Case>, tally| {
        for case in &cases {
            let expected = if case.must_fail { None } else { Some(case.strict()) };
            tally.check(&case.name, serialized(case), expected);
        }
    });
}

const FILES: [&str; 20] = [
    "binary",
    "boolean",
    "date",
    "dictionary",
    "display-string",
    "examples",
    "item",
    "key-generated",
    "large-generated",
    "list",
    "listlist",
    "number",
    "number-generated",
    "param-dict",
    "param-list",
    "param-listlist",
    "string",
    "string-generated",
    "token",
    "token-generated",
];

#[test]
fn the_library_reads_and_writes_every_type() {
    FILES.iter().for_each(|file| parsing(file));
}

#[test]
fn the_library_refuses_to_write_what_is_none() {
    ["key-generated", "number", "string-generated", "token-generated"].iter().for_each(|file| serialising(file));
}

#[test]
fn a_component_with_sf_is_the_strict_serialisation_whatever_the_type() {
    let target = Target::parse("https://example.com/").unwrap();
    let component: Component = "\"x\";sf".parse().unwrap();
    for file in FILES {
        run(&format!("structured-fields/{file}.json"), |cases: Vec<Case>, tally| {
            for case in cases.iter().filter(|case| !case.must_fail) {
                let raw = case.raw.as_ref().unwrap();
                let fields: Vec<Field<'_>> = raw.iter().map(|line| ("X", line.as_bytes())).collect();
                let message = Message::from(Request { method: "GET", target: &target, fields: &fields });
                match component.value(&message) {
                    Err(SignatureError::DuplicateKey { .. }) => {
                        tally.skip(&case.name, "a key occurs twice, which is refused here");
                    }
                    Err(SignatureError::TooLarge { limit, .. }) if limit == MAX_FIELD_BYTES => {
                        tally.skip(&case.name, "longer than a field may be here");
                    }
                    Err(_) if case.can_fail => tally.skip(&case.name, "may fail, and does"),
                    outcome => tally.check(&case.name, outcome, Ok(case.strict())),
                }
            }
        });
    }
}
