//! Order in short lists, by insertion.
//!
//! The standard library's sort is made for long lists: it is 3 KiB of WebAssembly for each type that is sorted, and for
//! each type that is collected into a tree. What is sorted in a Worker has some tens of entries.

/// The items in order, those that are equal as they came. Takes a number of moves that grows with the square of the number
/// of items: for lists that are bounded by a few hundred.
pub(crate) fn sorted<T>(items: impl IntoIterator<Item = T>, before: impl Fn(&T, &T) -> bool) -> Vec<T> {
    let mut sorted: Vec<T> = Vec::new();
    for item in items {
        let at = sorted.partition_point(|placed| !before(&item, placed));
        sorted.insert(at, item);
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_in_order_and_equals_as_they_came() {
        let items = [(3, 'a'), (1, 'b'), (3, 'c'), (2, 'd'), (1, 'e'), (0, 'f')];
        let mut expected = items.to_vec();
        expected.sort_by_key(|(number, _)| *number);
        assert_eq!(sorted(items, |a, b| a.0 < b.0), expected);
        assert!(sorted(Vec::<u8>::new(), |a, b| a < b).is_empty());
    }
}
