//! The activity log's chain, for entries of every sort.

use proptest::prelude::*;
use serde_json::json;
use symbolon::activity::{Actor, Chain, Entry, root};
use symbolon::id::OrganizationId;
use symbolon::time::Timestamp;

proptest! {
    /// What was hashed as it was written can be hashed again as it was exported.
    #[test]
    fn an_export_can_be_checked(
        texts in prop::collection::vec(prop::option::of(".*"), 6),
        detail in ".*",
        number: i64,
        at in 0_i64..4_000_000_000_000,
    ) {
        let organization = OrganizationId::new(Timestamp::from_seconds(1), &[7; 10]);
        let text = |index: usize| texts[index].clone();
        let mut entry = Entry {
            seq: 1,
            id: detail.clone(),
            at: Timestamp::from_millis(at),
            actor: Actor { member: text(0), token: text(1) },
            action: "token.create".to_owned(),
            token: text(2),
            member: text(3),
            address: text(4),
            user_agent: text(5),
            details: json!({"b": detail, "a": {"z": number, "é": [null, true, {"y": "x"}]}}),
            prev_hash: root(organization),
            hash: String::new(),
        };
        entry.hash = entry.expected_hash();
        let line = serde_json::to_string(&entry).unwrap();
        let read: Entry = symbolon::json::read(&line).unwrap();
        prop_assert_eq!(Chain::of(organization).add(&read), Ok(()));
    }
}
