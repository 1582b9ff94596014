//! What a column can hold, and reading it as what it means.

use symbolon::time::Timestamp;

use super::StoreError;

/// The largest integer, in both directions, that every adapter keeps exact: 2^53 − 1.
pub const MAX_INTEGER: i64 = 9_007_199_254_740_991;

/// What a column can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A whole number within [`MAX_INTEGER`].
    Integer(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl Value {
    /// A text made from anything that prints itself.
    #[must_use]
    pub fn text(of: &impl ToString) -> Self {
        Self::Text(of.to_string())
    }

    /// A count.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] if it is 2^53 or more.
    pub fn count(count: u64) -> Result<Self, StoreError> {
        match i64::try_from(count) {
            Ok(number) if number <= MAX_INTEGER => Ok(Self::Integer(number)),
            _ => Err(StoreError::TooLarge),
        }
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(i64::from(number))
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Self::Integer(i64::from(yes))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Blob(bytes.to_owned())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Blob(bytes)
    }
}

impl From<Timestamp> for Value {
    /// Milliseconds since 1970, which sort and compare in SQL.
    fn from(time: Timestamp) -> Self {
        Self::Integer(time.as_millis())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row(Vec<Value>);

impl Row {
    /// A row of these columns.
    #[must_use]
    pub const fn new(columns: Vec<Value>) -> Self {
        Self(columns)
    }

    /// What the column holds.
    ///
    /// # Errors
    /// [`StoreError::Column`] if there is no such column or it holds something else.
    pub fn get<T: FromValue>(&self, index: usize) -> Result<T, StoreError> {
        self.0.get(index).and_then(T::from_value).ok_or(StoreError::Column { index, expected: T::EXPECTED })
    }
}

/// Something that a column can be read as.
pub trait FromValue: Sized {
    /// What it is called in an error.
    const EXPECTED: &'static str;

    /// Reads it; none if the value is something else.
    fn from_value(value: &Value) -> Option<Self>;
}

impl FromValue for i64 {
    const EXPECTED: &'static str = "an integer";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(number) => Some(*number),
            _ => None,
        }
    }
}

impl FromValue for u64 {
    const EXPECTED: &'static str = "a count";

    fn from_value(value: &Value) -> Option<Self> {
        i64::from_value(value)?.try_into().ok()
    }
}

impl FromValue for u32 {
    const EXPECTED: &'static str = "a small count";

    fn from_value(value: &Value) -> Option<Self> {
        i64::from_value(value)?.try_into().ok()
    }
}

impl FromValue for bool {
    const EXPECTED: &'static str = "0 or 1";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(0) => Some(false),
            Value::Integer(1) => Some(true),
            _ => None,
        }
    }
}

impl FromValue for String {
    const EXPECTED: &'static str = "a text";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}

impl FromValue for Vec<u8> {
    const EXPECTED: &'static str = "bytes";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Blob(bytes) => Some(bytes.clone()),
            _ => None,
        }
    }
}

impl FromValue for Timestamp {
    const EXPECTED: &'static str = "a time";

    fn from_value(value: &Value) -> Option<Self> {
        i64::from_value(value).map(Self::from_millis)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

/// A column that holds a text with one spelling (an identifier, a digest) is read with [`parsed`](Row::parsed).
impl Row {
    /// What the text of the column says.
    ///
    /// # Errors
    /// [`StoreError::Column`] if the column holds no text, or none that can be read.
    pub fn parsed<T: core::str::FromStr>(&self, index: usize) -> Result<T, StoreError> {
        let text: String = self.get(index)?;
        text.parse().map_err(|_| StoreError::Column { index, expected: core::any::type_name::<T>() })
    }

    /// What the text of the column says, if it is not null.
    ///
    /// # Errors
    /// [`StoreError::Column`] if the column holds neither null nor a text that can be read.
    pub fn parsed_or_null<T: core::str::FromStr>(&self, index: usize) -> Result<Option<T>, StoreError> {
        match self.get::<Option<String>>(index)? {
            None => Ok(None),
            Some(_) => self.parsed(index).map(Some),
        }
    }

    /// What the JSON of the column says.
    ///
    /// # Errors
    /// [`StoreError::Column`] if the column holds no text, or none that can be read.
    pub fn json<T: serde::de::DeserializeOwned>(&self, index: usize) -> Result<T, StoreError> {
        let text: String = self.get(index)?;
        symbolon::json::read(&text).map_err(|_| StoreError::Column { index, expected: core::any::type_name::<T>() })
    }
}
