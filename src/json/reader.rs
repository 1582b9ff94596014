//! serde's source for what it derives: a tree.
//!
//! Each method visits in one way alone, so that of a derived visitor only what is used is compiled.

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, Expected, MapAccess, SeqAccess, Unexpected, VariantAccess,
    Visitor,
};
use serde_json::{Map, Value, map};

use super::error::{JsonError, Step};

/// A value of a tree, to be read.
#[derive(Clone, Copy)]
pub(super) struct Reader<'de>(pub(super) &'de Value);

/// The value is of another sort.
#[cold]
fn other_sort(value: &Value, expected: &dyn Expected) -> JsonError {
    let found = match value {
        Value::Null => Unexpected::Other("null"),
        Value::Bool(yes) => Unexpected::Bool(*yes),
        Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(number), _, _) => Unexpected::Unsigned(number),
            (_, Some(number), _) => Unexpected::Signed(number),
            (_, _, number) => Unexpected::Float(number.unwrap_or_default()),
        },
        Value::String(text) => Unexpected::Str(text),
        Value::Array(_) => Unexpected::Seq,
        Value::Object(_) => Unexpected::Map,
    };
    JsonError::invalid_type(found, expected)
}

/// The array has not so many items.
#[cold]
fn other_length(length: usize, expected: &dyn Expected) -> JsonError {
    JsonError::invalid_length(length, expected)
}

impl<'de> Reader<'de> {
    fn text<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.0 {
            Value::String(text) => visitor.visit_borrowed_str(text),
            other => Err(other_sort(other, &visitor)),
        }
    }

    fn whole<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        let number = match self.0 {
            Value::Number(number) => (number.as_u64(), number.as_i64()),
            _ => (None, None),
        };
        match number {
            (Some(number), _) => visitor.visit_u64(number),
            (None, Some(number)) => visitor.visit_i64(number),
            (None, None) => Err(other_sort(self.0, &visitor)),
        }
    }

    fn list<V: Visitor<'de>>(self, visitor: V, length: Option<usize>) -> Result<V::Value, JsonError> {
        match self.0 {
            Value::Array(list) if length.is_none_or(|length| length == list.len()) => {
                visitor.visit_seq(Items { rest: list.iter(), next: 0 })
            }
            Value::Array(list) => Err(other_length(list.len(), &visitor)),
            other => Err(other_sort(other, &visitor)),
        }
    }

    fn object<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.0 {
            Value::Object(object) => visitor.visit_map(Entries::of(object)),
            other => Err(other_sort(other, &visitor)),
        }
    }
}

macro_rules! whole_numbers {
    ($($method:ident)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
            self.whole(visitor)
        })+
    };
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = JsonError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(yes) => visitor.visit_bool(*yes),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), _, _) => visitor.visit_u64(number),
                (_, Some(number), _) => visitor.visit_i64(number),
                (_, _, number) => visitor.visit_f64(number.unwrap_or_default()),
            },
            Value::String(_) => self.text(visitor),
            Value::Array(_) => self.list(visitor, None),
            Value::Object(_) => self.object(visitor),
        }
    }

    whole_numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.0 {
            Value::Bool(yes) => visitor.visit_bool(*yes),
            other => Err(other_sort(other, &visitor)),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.text(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.text(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.text(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, JsonError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.list(visitor, None)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, JsonError> {
        self.list(visitor, Some(length))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        self.list(visitor, Some(length))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.object(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        self.object(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        visitor.visit_enum(Variant::of(self.0)?)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! { f32 f64 char bytes byte_buf unit unit_struct }
}

/// The items of an array.
struct Items<'de> {
    rest: core::slice::Iter<'de, Value>,
    next: usize,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = JsonError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, JsonError> {
        let Some(item) = self.rest.next() else { return Ok(None) };
        let at = self.next;
        self.next = at.saturating_add(1);
        match seed.deserialize(Reader(item)) {
            Ok(read) => Ok(Some(read)),
            Err(error) => Err(error.inside(Step::At(at))),
        }
    }
}

/// The entries of an object.
struct Entries<'de> {
    rest: map::Iter<'de>,
    entry: Option<(&'de String, &'de Value)>,
}

impl<'de> Entries<'de> {
    fn of(object: &'de Map<String, Value>) -> Self {
        Self { rest: object.iter(), entry: None }
    }

    fn take(&mut self) -> Result<(&'de String, &'de Value), JsonError> {
        self.entry.take().ok_or_else(|| JsonError::custom("a value without its key"))
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = JsonError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, JsonError> {
        self.entry = self.rest.next();
        let Some((key, _)) = self.entry else { return Ok(None) };
        match seed.deserialize(Key(key)) {
            Ok(read) => Ok(Some(read)),
            Err(error) => Err(error.about_key(key)),
        }
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, JsonError> {
        let (key, value) = self.take()?;
        seed.deserialize(Reader(value)).map_err(|error| error.inside(Step::Key(key.clone())))
    }
}

/// A key of an object, or the name of a variant.
#[derive(Clone, Copy)]
struct Key<'de>(&'de str);

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = JsonError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, JsonError> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// A variant of an enum: its name alone, or an object with one entry.
struct Variant<'de> {
    name: &'de str,
    value: Option<&'de Value>,
}

impl<'de> Variant<'de> {
    fn of(value: &'de Value) -> Result<Self, JsonError> {
        match value {
            Value::String(name) => Ok(Self { name, value: None }),
            Value::Object(object) => {
                let mut entries = object.iter();
                match (entries.next(), entries.next()) {
                    (Some((name, value)), None) => Ok(Self { name, value: Some(value) }),
                    _ => Err(JsonError::invalid_value(Unexpected::Map, &"an object with a single key")),
                }
            }
            other => Err(other_sort(other, &"the name of a variant, or an object with a single key")),
        }
    }

    fn inside(&self, error: JsonError) -> JsonError {
        error.inside(Step::Key(self.name.to_owned()))
    }

    fn filled(&self, as_what: Unexpected<'_>) -> Result<Reader<'de>, JsonError> {
        self.value.map(Reader).ok_or_else(|| JsonError::invalid_type(Unexpected::UnitVariant, &Sort(as_what)))
    }
}

/// A sort of variant, as what was expected.
struct Sort<'a>(Unexpected<'a>);

impl Expected for Sort<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(&self.0, f)
    }
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = JsonError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), JsonError> {
        match seed.deserialize(Key(self.name)) {
            Ok(read) => Ok((read, self)),
            // Its name alone stands where the value would: the place is that of the value.
            Err(error) if self.value.is_none() => Err(error),
            Err(error) => Err(error.about_key(self.name)),
        }
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = JsonError;

    fn unit_variant(self) -> Result<(), JsonError> {
        match self.value {
            None | Some(Value::Null) => Ok(()),
            Some(other) => Err(other_sort(other, &"unit")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, JsonError> {
        let reader = self.filled(Unexpected::NewtypeVariant)?;
        seed.deserialize(reader).map_err(|error| self.inside(error))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, JsonError> {
        let reader = self.filled(Unexpected::TupleVariant)?;
        reader.list(visitor, Some(length)).map_err(|error| self.inside(error))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, JsonError> {
        let reader = self.filled(Unexpected::StructVariant)?;
        reader.object(visitor).map_err(|error| self.inside(error))
    }
}
