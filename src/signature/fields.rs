//! Structured fields (RFC 9651) as trees that keep their order, read and written by `sfv`.
//!
//! `sfv`'s own owned types need a hash map with an order and silently let a later key win over an earlier one. Here a
//! key that occurs twice is refused, because two readers may disagree on which of them counts.

use core::convert::Infallible;

use sfv::visitor::{DictionaryVisitor, EntryVisitor, InnerListVisitor, ItemVisitor, ListVisitor, ParameterVisitor};
use sfv::{
    BareItem, BareItemFromInput, DictSerializer, InnerListSerializer, ItemSerializer, Key, KeyRef, ListSerializer,
    ParameterSerializer, Parser,
};

use super::MAX_MEMBERS;
use super::error::SignatureError;

/// Parameters in the sender's order.
pub(super) type Parameters = Vec<(Key, BareItem)>;

/// An item and its parameters.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    pub(super) bare: BareItem,
    pub(super) parameters: Parameters,
}

/// A member of a dictionary or a list: an item where `bare` is there, and an inner list otherwise.
#[derive(Clone, Debug, PartialEq, Default)]
pub(super) struct Member {
    pub(super) bare: Option<BareItem>,
    pub(super) items: Vec<Item>,
    pub(super) parameters: Parameters,
}

/// A dictionary in the sender's order, each key once.
pub(super) type Dictionary = Vec<(Key, Member)>;

/// Reads a dictionary; `name` is the field's, for errors.
pub(super) fn parse_dictionary(name: &str, text: &str) -> Result<Dictionary, SignatureError> {
    let dictionary = Parser::new(text)
        .parse_dictionary_with_visitor(Collect(Vec::new()))
        .map_err(|_| SignatureError::malformed(name))?;
    unique(name, dictionary.iter().map(|(key, _)| key))?;
    for (_, member) in &dictionary {
        unique_parameters(name, member)?;
    }
    Ok(dictionary)
}

fn parse_list(name: &str, text: &str) -> Result<Vec<Member>, SignatureError> {
    let list = Parser::new(text)
        .parse_list_with_visitor(CollectList(Vec::new()))
        .map_err(|_| SignatureError::malformed(name))?;
    list.iter().try_for_each(|member| unique_parameters(name, member))?;
    Ok(list)
}

fn unique<'a>(name: &str, keys: impl Iterator<Item = &'a Key>) -> Result<(), SignatureError> {
    // A sorted vector: `sort` and the sets of the standard library are several kilobytes of WebAssembly.
    let mut seen: Vec<&str> = Vec::new();
    for key in keys {
        let key = key.as_str();
        match seen.binary_search(&key) {
            Ok(_) => return Err(SignatureError::DuplicateKey { name: name.to_owned(), key: key.to_owned() }),
            Err(at) if seen.len() < MAX_MEMBERS => seen.insert(at, key),
            Err(_) => return Err(SignatureError::TooLarge { what: name.to_owned(), limit: MAX_MEMBERS }),
        }
    }
    Ok(())
}

fn unique_parameters(name: &str, member: &Member) -> Result<(), SignatureError> {
    unique(name, member.parameters.iter().map(|(key, _)| key))?;
    member.items.iter().try_for_each(|item| unique(name, item.parameters.iter().map(|(key, _)| key)))
}

/// The strict serialisation of a field whose type need not be known (RFC 9421, section 2.1.1).
///
/// A text that is valid as more than one of dictionary, list and item has the same serialisation as each, given that no
/// key occurs twice, and that is refused. So the type is found by trying.
pub(super) fn canonical(name: &str, text: &str) -> Result<String, SignatureError> {
    match parse_dictionary(name, text) {
        Ok(dictionary) => Ok(print_dictionary(&dictionary)),
        Err(error @ (SignatureError::DuplicateKey { .. } | SignatureError::TooLarge { .. })) => Err(error),
        // An item is a list of one member.
        Err(_) => parse_list(name, text).map(|list| {
            let mut out = ListSerializer::new();
            for member in &list {
                match &member.bare {
                    Some(bare) => print_parameters(out.bare_item(bare), &member.parameters),
                    None => print_inner(out.inner_list(), member),
                };
            }
            out.finish().unwrap_or_default()
        }),
    }
}

/// A whole dictionary; the empty one is the empty text.
pub(super) fn print_dictionary(dictionary: &Dictionary) -> String {
    let mut out = DictSerializer::new();
    for (key, member) in dictionary {
        match &member.bare {
            Some(bare) => print_parameters(out.bare_item(key, bare), &member.parameters),
            None => print_inner(out.inner_list(key), member),
        };
    }
    out.finish().unwrap_or_default()
}

/// A member by itself, as `;key` and `@signature-params` want it: `true` is written out.
pub(super) fn print_member(member: &Member) -> String {
    match &member.bare {
        Some(bare) => print_item(bare, &member.parameters),
        None => {
            let mut out = ListSerializer::new();
            print_inner(out.inner_list(), member);
            out.finish().unwrap_or_default()
        }
    }
}

/// An item and its parameters.
pub(super) fn print_item(bare: &BareItem, parameters: &Parameters) -> String {
    print_parameters(ItemSerializer::new().bare_item(bare), parameters).finish()
}

/// A byte sequence by itself: base64 between colons.
pub(super) fn print_bytes(bytes: &[u8]) -> String {
    ItemSerializer::new().bare_item(bytes).finish()
}

fn print_inner<'a>(mut out: InnerListSerializer<'a>, member: &Member) -> ParameterSerializer<&'a mut String> {
    for item in &member.items {
        let _: ParameterSerializer<_> = print_parameters(out.bare_item(&item.bare), &item.parameters);
    }
    print_parameters(out.finish(), &member.parameters)
}

fn print_parameters<W: core::borrow::BorrowMut<String>>(
    out: ParameterSerializer<W>,
    parameters: &Parameters,
) -> ParameterSerializer<W> {
    out.parameters(parameters.iter().map(|(key, value)| (key, value)))
}

struct Collect(Dictionary);
struct CollectList(Vec<Member>);
struct Entry<'a>(&'a mut Member);
struct Inner<'a>(&'a mut Member);
struct InnerItem<'a>(&'a mut Vec<Item>);
struct CollectParameters<'a>(&'a mut Parameters);

impl<'de> DictionaryVisitor<'de> for Collect {
    type Out = Dictionary;
    type Error = Infallible;

    fn entry(&mut self, key: &'de KeyRef) -> Result<impl EntryVisitor<'de>, Infallible> {
        let (_, member) = self.0.push_mut((key.to_owned(), Member::default()));
        Ok(Entry(member))
    }

    fn finish(self) -> Result<Dictionary, Infallible> {
        Ok(self.0)
    }
}

impl<'de> ListVisitor<'de> for CollectList {
    type Out = Vec<Member>;
    type Error = Infallible;

    fn entry(&mut self) -> Result<impl EntryVisitor<'de>, Infallible> {
        Ok(Entry(self.0.push_mut(Member::default())))
    }

    fn finish(self) -> Result<Vec<Member>, Infallible> {
        Ok(self.0)
    }
}

impl<'de> EntryVisitor<'de> for Entry<'_> {
    type Error = Infallible;

    fn item(self) -> Result<impl ItemVisitor<'de>, Infallible> {
        Ok(self)
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'de>, Infallible> {
        Ok(Inner(self.0))
    }
}

impl<'de> ItemVisitor<'de> for Entry<'_> {
    type Out = ();
    type Error = Infallible;

    fn bare_item(self, bare: BareItemFromInput<'de>) -> Result<impl ParameterVisitor<'de, Out = ()>, Infallible> {
        self.0.bare = Some(bare.into());
        Ok(CollectParameters(&mut self.0.parameters))
    }
}

impl<'de> InnerListVisitor<'de> for Inner<'_> {
    type Error = Infallible;

    fn item(&mut self) -> Result<impl ItemVisitor<'de>, Infallible> {
        Ok(InnerItem(&mut self.0.items))
    }

    fn finish(self) -> Result<impl ParameterVisitor<'de>, Infallible> {
        Ok(CollectParameters(&mut self.0.parameters))
    }
}

impl<'de> ItemVisitor<'de> for InnerItem<'_> {
    type Out = ();
    type Error = Infallible;

    fn bare_item(self, bare: BareItemFromInput<'de>) -> Result<impl ParameterVisitor<'de, Out = ()>, Infallible> {
        let item = self.0.push_mut(Item { bare: bare.into(), parameters: Vec::new() });
        Ok(CollectParameters(&mut item.parameters))
    }
}

impl<'de> ParameterVisitor<'de> for CollectParameters<'_> {
    type Out = ();
    type Error = Infallible;

    fn parameter(&mut self, key: &'de KeyRef, value: BareItemFromInput<'de>) -> Result<(), Infallible> {
        self.0.push((key.to_owned(), value.into()));
        Ok(())
    }

    fn finish(self) -> Result<(), Infallible> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_type_the_serialisation_is_strict() {
        for (text, strict) in [
            (" a=1,    b=2;x=1;y=2,   c=(a   b   c)", "a=1, b=2;x=1;y=2, c=(a b c)"),
            ("a=?1,b", "a, b"),
            ("a ,  b;q=1.0", "a, b;q=1.0"),
            ("(a   b), 01", "(a b), 1"),
            ("\"one\";x=?1", "\"one\";x"),
            ("", ""),
        ] {
            assert_eq!(canonical("x", text.trim()).as_deref(), Ok(strict));
        }
        assert_eq!(canonical("x", "a,,b"), Err(SignatureError::malformed("x")));
    }

    #[test]
    fn a_key_that_occurs_twice_is_refused() {
        let twice = |key: &str| Err(SignatureError::DuplicateKey { name: "x".to_owned(), key: key.to_owned() });
        for (text, key) in [("a=1, b, a=2", "a"), ("a, a", "a"), ("a;p=1;q;p=1", "p"), ("(a;z;z b)", "z")] {
            assert_eq!(canonical("x", text), twice(key), "{text}");
        }
    }
}
