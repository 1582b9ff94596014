//! Random commands by random actors of two organisations, over edges, authorities and locators together, while objects are
//! replaced and messages are lost.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use symbolon::policy::{Grant, GrantSet, Permission};
use symbolon::token::Digest;

use super::call::Call;
use super::world::World;

#[derive(Clone, Debug)]
enum Step {
    Create { actor: usize, kind: &'static str, scopes: Vec<&'static str> },
    Import { actor: usize, scopes: Vec<&'static str> },
    Edit { actor: usize, token: usize, scopes: Vec<&'static str> },
    Rename { actor: usize, token: usize, name: String },
    Switch { actor: usize, token: usize, active: bool },
    Revoke { actor: usize, token: usize },
    Rotate { actor: usize, token: usize, grace: u32 },
    Regenerate { actor: usize, token: usize },
    Take { actor: usize, role: &'static str },
    Change { actor: usize, member: usize, role: &'static str },
    Suspend { actor: usize, member: usize, status: &'static str },
    Remove { actor: usize, member: usize },
    Profile { actor: usize, variant: usize },
    Lose(Option<&'static str>),
    Restart(bool),
    Pass(i64),
}

/// What is changed in the usual profile: a part, and what comes in its place.
const PROFILES: &[(&str, &str)] = &[
    ("\"routes:*\", \"organizations:*\"]", "\"routes:*\", \"organizations:*\", \"api:*\"]"),
    (
        "permissions = [\"api:read\", \"api:write\"]\n\n[scopes.verify]",
        "permissions = [\"api:read\"]\n\n[scopes.verify]",
    ),
    ("permissions = [\"credentials:verify\"]", "permissions = [\"credentials:verify\", \"tokens:*\"]"),
    ("[\"api:read\", \"tokens:view\"", "[\"api:*\", \"members:*\", \"tokens:view\""),
    ("ceiling = \"owner_role\"", "ceiling = \"everything\""),
    ("[scopes.read]", "[permissions.orders]\nread = \"Read orders\"\n\n[scopes.read]"),
    ("rank = 20", "rank = 90"),
];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let index = || 0usize..10;
    let scopes = || proptest::sample::subsequence(vec!["read", "write", "verify", "manage"], 0..=4);
    let role = || proptest::sample::select(vec!["owner", "admin", "developer", "viewer"]);
    let kind = || proptest::sample::select(vec!["pat", "key", "ci"]);
    let step = prop_oneof![
        8 => (index(), kind(), scopes()).prop_map(|(actor, kind, scopes)| Step::Create { actor, kind, scopes }),
        2 => (index(), scopes()).prop_map(|(actor, scopes)| Step::Import { actor, scopes }),
        4 => (index(), index(), scopes()).prop_map(|(actor, token, scopes)| Step::Edit { actor, token, scopes }),
        2 => (index(), index(), "[a-z]{1,8}").prop_map(|(actor, token, name)| Step::Rename { actor, token, name }),
        2 => (index(), index(), any::<bool>()).prop_map(|(actor, token, active)| Step::Switch { actor, token, active }),
        2 => (index(), index()).prop_map(|(actor, token)| Step::Revoke { actor, token }),
        2 => (index(), index(), 0u32..100).prop_map(|(actor, token, grace)| Step::Rotate { actor, token, grace }),
        1 => (index(), index()).prop_map(|(actor, token)| Step::Regenerate { actor, token }),
        2 => (index(), role()).prop_map(|(actor, role)| Step::Take { actor, role }),
        2 => (index(), index(), role()).prop_map(|(actor, member, role)| Step::Change { actor, member, role }),
        1 => (index(), index(), proptest::sample::select(vec!["active", "suspended"]))
            .prop_map(|(actor, member, status)| Step::Suspend { actor, member, status }),
        1 => (index(), index()).prop_map(|(actor, member)| Step::Remove { actor, member }),
        2 => (index(), index()).prop_map(|(actor, variant)| Step::Profile { actor, variant }),
        1 => proptest::option::of(Just("{\"claim\":")).prop_map(Step::Lose),
        1 => any::<bool>().prop_map(Step::Restart),
        3 => (0i64..100_000).prop_map(Step::Pass),
    ];
    proptest::collection::vec(step, 1..40)
}

/// What a committed change has made of a token.
type Document = Json;

struct Run {
    world: World,
    /// Secrets that were handed out, with the organisation of each: 0 or 1.
    secrets: Vec<(String, usize)>,
    tokens: Vec<(String, usize)>,
    members: Vec<(String, usize)>,
    authorities: [String; 2],
    /// A key of each organisation that no actor has.
    auditors: [String; 2],
    /// The tokens as the answers to changes showed them last.
    committed: BTreeMap<String, Document>,
    imported: usize,
    edge: usize,
}

impl Run {
    fn new() -> Self {
        let (mut world, ann) = World::set_up(2, "symbolon");
        let bea = world.another(&ann, "other", "symbolon");
        let (mut tokens, mut members) = (Vec::new(), Vec::new());
        for (organization, secret) in [&ann, &bea].into_iter().enumerate() {
            let (_, me) = world.get(secret, "/v1/whoami");
            tokens.push((me["token"]["id"].as_str().unwrap().to_owned(), organization));
            members.push((me["principal"]["id"].as_str().unwrap().to_owned(), organization));
        }
        let authorities = [world.authority(&ann), world.authority(&bea)];
        let key = json!({"kind": "key", "name": "auditor", "scopes": ["manage"]});
        let auditors = [world.create(&ann, &key).1, world.create(&bea, &key).1];
        let secrets = vec![(ann, 0), (bea, 1)];
        Self {
            world,
            secrets,
            tokens,
            members,
            authorities,
            auditors,
            committed: BTreeMap::new(),
            imported: 0,
            edge: 0,
        }
    }

    fn pick(list: &[(String, usize)], index: usize) -> (String, usize) {
        list[index % list.len()].clone()
    }

    /// Everything that makes an organisation what it is, as it stands in its database.
    fn state(&self, organization: usize) -> Vec<String> {
        let mut all = Vec::new();
        for sql in [
            "SELECT name || profile || profile_epoch || epoch || activity_seq || activity_hash FROM organization",
            "SELECT id || name || email || role || status FROM member ORDER BY id",
            "SELECT id || name || description || choice || active || coalesce(passphrase, '') || coalesce(expires_at, '')
                || coalesce(revoked_at, '') FROM token ORDER BY id",
            "SELECT token || generation || proof || coalesce(until, '') FROM proof ORDER BY token, generation",
            "SELECT key || token FROM credential ORDER BY key",
        ] {
            let rows = self.world.sql(&self.authorities[organization], sql, &[]);
            all.extend(rows.iter().map(|row| row.get::<String>(0).unwrap()));
        }
        all
    }

    fn permissions(&mut self, secret: &str) -> Option<GrantSet> {
        let (status, me) = self.world.send(0, Call::new("GET", "/v1/whoami").bearer(secret));
        let permissions: Vec<Permission> = serde_json::from_value(me["permissions"].clone()).unwrap_or_default();
        (status == 200).then(|| permissions.into_iter().map(Grant::unlimited).collect())
    }

    /// A call by an actor, and what must hold of any call. `None`: the credential did not stand.
    fn call(&mut self, actor: usize, method: &str, path: &str, body: &Json) -> Option<(u16, Json, GrantSet, usize)> {
        let (secret, organization) = Self::pick(&self.secrets, actor);
        let had = self.permissions(&secret)?;
        let other = self.state(1 - organization);
        self.edge = (self.edge + 1) % 2;
        let (status, answer) = self.world.send(self.edge, Call::new(method, path).bearer(&secret).json(body));
        assert_ne!(status, 500, "{method} {path} {body}: {answer}");
        assert_eq!(self.state(1 - organization), other, "{method} {path} changed another organisation");
        Some((status, answer, had, organization))
    }

    /// A token came out of a call: it can do no more than whoever made it.
    fn made(&mut self, token: &Json, secret: Option<&str>, had: &GrantSet, organization: usize) {
        let id = token["id"].as_str().unwrap().to_owned();
        self.committed.insert(id.clone(), token.clone());
        if !self.tokens.iter().any(|(known, _)| *known == id) {
            self.tokens.push((id, organization));
        }
        if let Some(secret) = secret {
            if let Some(has) = self.permissions(secret) {
                assert!(had.contains(&has), "{had:?} made {has:?}");
            }
            self.secrets.push((secret.to_owned(), organization));
        }
    }

    fn edit(&mut self, actor: usize, token: usize, body: &Json) {
        let (id, _) = Self::pick(&self.tokens, token);
        if let Some((200, answer, had, organization)) = self.call(actor, "PATCH", &format!("/v1/tokens/{id}"), body) {
            self.made(&answer, None, &had, organization);
        }
    }

    /// Another profile: nobody comes to do what neither they could before nor the actor.
    fn replace(&mut self, actor: usize, variant: usize) {
        let usual = symbolon::policy::builtin("symbolon").unwrap();
        let declared = symbolon::policy::Profile::parse(usual).unwrap();
        let profile = match PROFILES.get(variant) {
            Some((part, by)) => {
                assert!(usual.contains(part), "{part}");
                usual.replacen(part, by, 1)
            }
            None => symbolon::policy::builtin(["symbolon", "semgrep"][variant % 2]).unwrap().to_owned(),
        };
        let before: Vec<_> =
            self.secrets.clone().into_iter().map(|(secret, _)| (self.permissions(&secret), secret)).collect();
        let Some((200, _, had, _)) = self.call(actor, "PUT", "/v1/profile", &json!({"profile": profile})) else {
            return;
        };
        for (before, secret) in before {
            let (Some(before), Some(now)) = (before, self.permissions(&secret)) else { continue };
            // What was declared before, one by one: whoever has all of it may give a `*`, which is no more than that.
            for info in declared.permissions() {
                let was = before.permits(&info.permission, None) || had.permits(&info.permission, None);
                assert!(was || !now.permits(&info.permission, None), "{} came from {had:?}", info.permission);
            }
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Create { actor, kind, scopes } => {
                let body = json!({"kind": kind, "name": "x", "scopes": scopes});
                if let Some((201, answer, had, organization)) = self.call(actor, "POST", "/v1/tokens", &body) {
                    self.made(&answer["token"], answer["secret"].as_str(), &had, organization);
                }
            }
            Step::Import { actor, scopes } => {
                self.imported += 1;
                let secret = super::imports::secret_of("hg_ak_", self.imported);
                let entry =
                    json!({"kind": "key", "name": "x", "scopes": scopes, "sha256": Digest::of(&secret).to_string()});
                let body = json!({"tokens": [entry]});
                if let Some((201, answer, had, organization)) = self.call(actor, "POST", "/v1/tokens/import", &body) {
                    self.made(&answer["tokens"][0], Some(&secret), &had, organization);
                }
            }
            Step::Edit { actor, token, scopes } => self.edit(actor, token, &json!({"scopes": scopes})),
            Step::Rename { actor, token, name } => self.edit(actor, token, &json!({"name": name})),
            Step::Switch { actor, token, active } => self.edit(actor, token, &json!({"active": active})),
            Step::Revoke { actor, token } => {
                let (id, _) = Self::pick(&self.tokens, token);
                let path = format!("/v1/tokens/{id}");
                if let Some((200, answer, had, organization)) = self.call(actor, "DELETE", &path, &Json::Null) {
                    self.made(&answer, None, &had, organization);
                }
            }
            Step::Rotate { actor, token, grace } => {
                let (id, _) = Self::pick(&self.tokens, token);
                let path = format!("/v1/tokens/{id}/rotate");
                let body = json!({"grace_seconds": grace});
                if let Some((200, answer, had, organization)) = self.call(actor, "POST", &path, &body) {
                    self.made(&answer["token"], answer["secret"].as_str(), &had, organization);
                }
            }
            Step::Regenerate { actor, token } => {
                let (id, _) = Self::pick(&self.tokens, token);
                let path = format!("/v1/tokens/{id}/regenerate");
                if let Some((200, answer, had, organization)) = self.call(actor, "POST", &path, &json!({})) {
                    self.made(&answer["token"], answer["secret"].as_str(), &had, organization);
                }
            }
            Step::Take { actor, role } => {
                let email = format!("m{}@acme.example", self.members.len());
                let body = json!({"name": "M", "email": email, "role": role});
                if let Some((201, member, _, organization)) = self.call(actor, "POST", "/v1/members", &body) {
                    self.members.push((member["id"].as_str().unwrap().to_owned(), organization));
                }
            }
            Step::Change { actor, member, role } => {
                let (id, _) = Self::pick(&self.members, member);
                self.call(actor, "PATCH", &format!("/v1/members/{id}"), &json!({"role": role}));
            }
            Step::Suspend { actor, member, status } => {
                let (id, _) = Self::pick(&self.members, member);
                self.call(actor, "PATCH", &format!("/v1/members/{id}"), &json!({"status": status}));
            }
            Step::Remove { actor, member } => {
                let (id, _) = Self::pick(&self.members, member);
                self.call(actor, "DELETE", &format!("/v1/members/{id}"), &Json::Null);
            }
            Step::Profile { actor, variant } => self.replace(actor, variant),
            Step::Lose(lost) => self.world.lost = lost,
            Step::Restart(first) => {
                let object = self.authorities[usize::from(first)].clone();
                self.world.restart(&object);
            }
            Step::Pass(millis) => self.world.pass(millis),
        }
    }

    fn end(mut self) {
        self.world.lost = None;
        for object in self.authorities.clone() {
            self.world.restart(&object);
        }
        self.world.pass(3_600_000);
        for (id, document) in &self.committed {
            let organization = self.tokens.iter().find(|(known, _)| known == id).unwrap().1;
            let rows = self.world.sql(
                &self.authorities[organization],
                "SELECT name, choice, active, revoked_at IS NOT NULL FROM token WHERE id = ?1",
                &[id.as_str().into()],
            );
            let row = rows.first().unwrap_or_else(|| panic!("{id} is lost: {document}"));
            assert_eq!(document["name"], row.get::<String>(0).unwrap());
            let choice: Json = serde_json::from_str(&row.get::<String>(1).unwrap()).unwrap();
            assert_eq!(document["scopes"], choice["scopes"], "{id}");
            assert_eq!(document["status"] == "revoked", row.get::<bool>(3).unwrap(), "{id}: {document}");
            if document["status"] == "active" {
                assert!(row.get::<bool>(2).unwrap(), "{id}: {document}");
            }
        }
        for auditor in self.auditors.clone() {
            let (status, found) = self.world.get(&auditor, "/v1/activity/verify");
            assert_eq!((status, &found["valid"]), (200, &json!(true)), "{found}");
        }
        assert_eq!(self.world.faults, Vec::<String>::new());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_rises_no_neighbour_changes_and_nothing_is_lost(steps in steps()) {
        let mut run = Run::new();
        for step in steps {
            run.step(step);
        }
        run.end();
    }
}
