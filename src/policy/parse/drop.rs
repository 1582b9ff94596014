//! Reading on behind a mistake: what cannot be read is left out, so that the next mistake shows too.

use serde_json::Value;

use crate::json::{JsonError, Step};

/// What of a tree is left out, by the way to each.
#[derive(Default)]
pub(super) struct Dropped(Vec<Vec<Step>>);

impl Dropped {
    /// Leaves this out as well.
    pub(super) fn push(&mut self, way: Vec<Step>) {
        self.0.push(way);
    }

    /// Whether a field is missed that is left out, and so was there.
    pub(super) fn explains(&self, error: &JsonError, way: &[Step]) -> bool {
        self.0.iter().any(|dropped| match dropped.split_last() {
            Some((Step::Key(key), parent)) => parent == way && error.message() == format!("missing field `{key}`"),
            _ => false,
        })
    }

    /// The tree without all that.
    pub(super) fn rest(&self, tree: &Value) -> Value {
        self.without(tree, &mut Vec::new())
    }

    fn without(&self, value: &Value, way: &mut Vec<Step>) -> Value {
        match value {
            Value::Array(items) => {
                let kept = items.iter().enumerate().filter_map(|(at, item)| self.kept(item, Step::At(at), way));
                Value::Array(kept.collect())
            }
            Value::Object(fields) => {
                let kept = fields.iter().filter_map(|(key, field)| {
                    self.kept(field, Step::Key(key.clone()), way).map(|field| (key.clone(), field))
                });
                Value::Object(kept.collect())
            }
            other => other.clone(),
        }
    }

    fn kept(&self, value: &Value, step: Step, way: &mut Vec<Step>) -> Option<Value> {
        way.push(step);
        let kept = (!self.0.contains(way)).then(|| self.without(value, way));
        way.pop();
        kept
    }

    /// The way to what an error is about, in the tree as it was: as far as that goes, with the places that it had there.
    pub(super) fn way(&self, tree: &Value, error: &JsonError) -> Vec<Step> {
        let mut way = Vec::new();
        let mut value = tree;
        for step in error.steps() {
            let next = match step {
                Step::Key(key) => value.get(key).map(|next| (Step::Key(key.clone()), next)),
                Step::At(nth) => self.nth(&way, value, *nth),
            };
            let Some((step, next)) = next else { break };
            way.push(step);
            value = next;
        }
        way
    }

    fn nth<'v>(&self, list: &[Step], value: &'v Value, nth: usize) -> Option<(Step, &'v Value)> {
        let is_kept = |at: usize| !self.0.iter().any(|way| way.split_last() == Some((&Step::At(at), list)));
        let items = value.as_array()?.iter().enumerate();
        items.filter(|(at, _)| is_kept(*at)).nth(nth).map(|(at, item)| (Step::At(at), item))
    }
}
