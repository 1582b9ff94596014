//! What is wrong with a text or a tree, and where.

use core::fmt;

/// What stands before and after the name of a field that comes twice: the library takes no more than a text.
pub(super) const TWICE: (&str, &str) = ("the field `", "` comes twice");
/// How many characters of a field's name are shown at most.
const MAX_SHOWN: usize = 64;

/// A step on the way through a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Into the value of this key.
    Key(String),
    /// Into this place of an array, from 0.
    At(usize),
}

/// A text is not JSON, or a tree is not what a type wants.
#[derive(Clone, Debug, PartialEq, Eq)]
// In a box, since results that hold it are passed from field to field.
pub struct JsonError(Box<Fault>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Fault {
    message: String,
    place: Option<(usize, usize)>,
    /// From the fault outwards.
    way: Vec<Step>,
    about_key: bool,
}

impl JsonError {
    pub(super) fn syntax(error: &serde_json::Error) -> Self {
        let message = error.to_string();
        // The library's message ends with the place that is kept beside it.
        let end = message.rfind(" at line ").unwrap_or(message.len());
        let message = message.get(..end).unwrap_or_default().to_owned();
        Self(Box::new(Fault { message, place: Some((error.line(), error.column())), ..Fault::default() }))
    }

    pub(super) fn inside(mut self, step: Step) -> Self {
        self.0.way.push(step);
        self
    }

    pub(super) fn about_key(mut self, key: &str) -> Self {
        self.0.about_key = true;
        self.inside(Step::Key(key.to_owned()))
    }

    /// What is wrong. It may hold a part of what was read.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The line, from 1, and the column, in bytes; none where the text is JSON.
    #[must_use]
    pub fn place(&self) -> Option<(usize, usize)> {
        self.0.place
    }

    /// The field that an object names twice, where that is what is wrong; at most 64 characters of it.
    #[must_use]
    pub fn twice(&self) -> Option<String> {
        let name = self.0.message.strip_prefix(TWICE.0)?.strip_suffix(TWICE.1)?;
        self.place().map(|_| name.chars().take(MAX_SHOWN).collect())
    }

    /// The steps to what is wrong, from the outside.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.0.way.iter().rev()
    }

    /// Whether the last step's key itself is wrong, and not its value.
    #[must_use]
    pub fn is_about_key(&self) -> bool {
        self.0.about_key
    }

    /// The steps in a row, as in `grants[0].resource`; empty for the whole.
    #[must_use]
    pub fn path(&self) -> String {
        let mut text = String::new();
        for step in self.steps() {
            match step {
                Step::Key(key) => {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    text.push_str(key);
                }
                Step::At(at) => text.push_str(&format!("[{at}]")),
            }
        }
        text
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl core::error::Error for JsonError {}

impl serde::de::Error for JsonError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(Box::new(Fault { message: message.to_string(), ..Fault::default() }))
    }
}
