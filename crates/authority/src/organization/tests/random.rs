//! Random commands by random actors, while puts fail, locators are away and machines are replaced.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use symbolon::key::PrivateKey;
use symbolon::protocol::{Record, RecordState};
use symbolon::token::Digest;

use super::world::World;

#[derive(Clone, Debug)]
enum Step {
    Create { actor: usize, kind: &'static str, scopes: Vec<&'static str> },
    Register { actor: usize, key: u8 },
    Edit { actor: usize, token: usize, scopes: Vec<&'static str> },
    Switch { actor: usize, token: usize, active: bool },
    Revoke { actor: usize, token: usize },
    Rotate { actor: usize, token: usize, grace: u32 },
    Take { actor: usize, role: &'static str },
    Demote { actor: usize, member: usize, role: &'static str },
    Suspend { actor: usize, member: usize, status: &'static str },
    Remove { actor: usize, member: usize },
    Lease { token: usize },
    FailPuts(bool),
    LocatorDown(bool),
    Restart,
    Pass(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let index = || 0usize..6;
    let scopes = || proptest::sample::subsequence(vec!["read", "write", "verify", "manage"], 0..=4);
    let role = || proptest::sample::select(vec!["owner", "admin", "developer", "viewer"]);
    let kind = || proptest::sample::select(vec!["pat", "key", "ci"]);
    let step = prop_oneof![
        6 => (index(), kind(), scopes()).prop_map(|(actor, kind, scopes)| Step::Create { actor, kind, scopes }),
        2 => (index(), 1u8..4).prop_map(|(actor, key)| Step::Register { actor, key }),
        3 => (index(), index(), scopes()).prop_map(|(actor, token, scopes)| Step::Edit { actor, token, scopes }),
        2 => (index(), index(), any::<bool>()).prop_map(|(actor, token, active)| Step::Switch { actor, token, active }),
        2 => (index(), index()).prop_map(|(actor, token)| Step::Revoke { actor, token }),
        2 => (index(), index(), 0u32..100).prop_map(|(actor, token, grace)| Step::Rotate { actor, token, grace }),
        2 => (index(), role()).prop_map(|(actor, role)| Step::Take { actor, role }),
        2 => (index(), index(), role()).prop_map(|(actor, member, role)| Step::Demote { actor, member, role }),
        1 => (index(), index(), proptest::sample::select(vec!["active", "suspended"]))
            .prop_map(|(actor, member, status)| Step::Suspend { actor, member, status }),
        1 => (index(), index()).prop_map(|(actor, member)| Step::Remove { actor, member }),
        2 => index().prop_map(|token| Step::Lease { token }),
        1 => any::<bool>().prop_map(Step::FailPuts),
        1 => any::<bool>().prop_map(Step::LocatorDown),
        1 => Just(Step::Restart),
        3 => (0i64..100_000).prop_map(Step::Pass),
    ];
    proptest::collection::vec(step, 1..40)
}

struct Run {
    world: World,
    /// Secrets that were handed out, newest last; those of keys are left out, since only gates can use them.
    secrets: Vec<String>,
    tokens: Vec<String>,
    members: Vec<String>,
    revoked: Vec<String>,
}

impl Run {
    fn new() -> Self {
        let (mut world, secret) = World::founded("symbolon");
        let me = world.http(&secret, "GET", "/v1/whoami", &Json::Null).1;
        let text = |value: &Json| value.as_str().unwrap().to_owned();
        let (tokens, members) = (vec![text(&me["token"]["id"])], vec![text(&me["principal"]["id"])]);
        Self { world, secrets: vec![secret], tokens, members, revoked: Vec::new() }
    }

    fn pick(list: &[String], index: usize) -> String {
        list[index % list.len()].clone()
    }

    /// What an actor may do now, as an edge would judge it.
    fn living(&mut self, secret: &str) -> Option<Record> {
        let now = self.world.now;
        let record = self.world.record(secret)?;
        (record.standing(now).is_ok() && record.bearer(&Digest::of(secret), now).is_some()).then_some(record)
    }

    /// A management call, if the actor's credential would pass the gate.
    fn http(&mut self, actor: usize, method: &str, path: &str, body: &Json) -> Option<(u16, Json)> {
        let secret = Self::pick(&self.secrets, actor);
        self.living(&secret)?;
        let call = self.world.begin_http(&secret, method, path, body);
        // Claims wait for locators, narrowings for leases.
        let (status, answer) = self.world.response(call);
        assert_ne!(status, 500, "{method} {path} {body}: {answer}");
        Some((status, answer))
    }

    fn made(&mut self, before: &Record, answer: &Json) {
        let id = answer["token"]["id"].as_str().unwrap().to_owned();
        if let Some(secret) = answer["secret"].as_str() {
            let new = self.world.record(secret).unwrap();
            let (had, has) = (before.effective(), new.effective());
            assert!(had.contains(&has), "{had:?} gave {has:?}");
            self.secrets.push(secret.to_owned());
        }
        if !self.tokens.contains(&id) {
            self.tokens.push(id);
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Create { actor, kind, scopes } => {
                let secret = Self::pick(&self.secrets, actor);
                let Some(before) = self.living(&secret) else { return };
                let body = json!({"kind": kind, "name": "x", "scopes": scopes});
                if let Some((201, answer)) = self.http(actor, "POST", "/v1/tokens", &body) {
                    assert!(!scopes.is_empty(), "nothing is granted by silence");
                    self.made(&before, &answer);
                }
            }
            Step::Register { actor, key } => self.register(actor, key),
            Step::Edit { actor, token, scopes } => {
                let path = format!("/v1/tokens/{}", Self::pick(&self.tokens, token));
                self.http(actor, "PATCH", &path, &json!({"scopes": scopes}));
            }
            Step::Switch { actor, token, active } => {
                let path = format!("/v1/tokens/{}", Self::pick(&self.tokens, token));
                self.http(actor, "PATCH", &path, &json!({"active": active}));
            }
            Step::Revoke { actor, token } => {
                let id = Self::pick(&self.tokens, token);
                if let Some((200, answer)) = self.http(actor, "DELETE", &format!("/v1/tokens/{id}"), &Json::Null) {
                    let holds: symbolon::time::Timestamp =
                        answer["holds_everywhere_at"].as_str().unwrap().parse().unwrap();
                    assert!(holds <= self.world.now, "it is answered when it holds");
                    self.revoked.push(id);
                }
            }
            Step::Rotate { actor, token, grace } => {
                let path = format!("/v1/tokens/{}/rotate", Self::pick(&self.tokens, token));
                let secret = Self::pick(&self.secrets, actor);
                let Some(before) = self.living(&secret) else { return };
                if let Some((200, answer)) = self.http(actor, "POST", &path, &json!({"grace_seconds": grace})) {
                    self.made(&before, &answer);
                }
            }
            Step::Take { actor, role } => {
                let email = format!("m{}@acme.example", self.members.len());
                let body = json!({"name": "M", "email": email, "role": role});
                if let Some((201, member)) = self.http(actor, "POST", "/v1/members", &body) {
                    self.members.push(member["id"].as_str().unwrap().to_owned());
                }
            }
            Step::Demote { actor, member, role } => {
                let path = format!("/v1/members/{}", Self::pick(&self.members, member));
                self.http(actor, "PATCH", &path, &json!({"role": role}));
            }
            Step::Suspend { actor, member, status } => {
                let path = format!("/v1/members/{}", Self::pick(&self.members, member));
                self.http(actor, "PATCH", &path, &json!({"status": status}));
            }
            Step::Remove { actor, member } => {
                let path = format!("/v1/members/{}", Self::pick(&self.members, member));
                self.http(actor, "DELETE", &path, &Json::Null);
            }
            Step::Lease { token } => {
                let token = Self::pick(&self.tokens, token).parse().unwrap();
                let lookup = Some(symbolon::protocol::message::Lookup::Token(token));
                self.world.ask(symbolon::protocol::message::Ask { lookup, lease: true, ..Default::default() });
            }
            Step::FailPuts(fail) => self.world.fail_puts = fail,
            Step::LocatorDown(down) => self.world.locator_down = down,
            Step::Restart => self.world.restart(),
            Step::Pass(millis) => self.world.pass(millis),
        }
    }

    fn register(&mut self, actor: usize, key: u8) {
        let key = PrivateKey::from_hex(&format!("{:0>62}{key:02x}", "1")).unwrap();
        let Some((201, made)) = self.http(actor, "POST", "/v1/keys/challenge", &Json::Null) else { return };
        let proof = key.sign(made["challenge"].as_str().unwrap().as_bytes()).to_bytes();
        let body = json!({"kind": "pat", "name": "k", "scopes": ["read"], "public_key": key.public_key().to_hex(),
            "proof": Base64UrlUnpadded::encode_string(&proof)});
        if let Some((201, answer)) = self.http(actor, "POST", "/v1/tokens", &body) {
            self.tokens.push(answer["token"]["id"].as_str().unwrap().to_owned());
        }
    }

    fn end(mut self) {
        self.world.fail_puts = false;
        self.world.locator_down = false;
        let first = self.secrets[0].clone();
        self.world.record(&first);
        self.world.pass(3_600_000);
        self.world.check_invariants();
        for id in self.revoked {
            let lookup = Some(symbolon::protocol::message::Lookup::Token(id.parse().unwrap()));
            let answer = self.world.ask(symbolon::protocol::message::Ask { lookup, ..Default::default() });
            assert_eq!(answer.record.unwrap().state, RecordState::Revoked, "revoked for good");
        }
        assert_eq!(self.world.faults, Vec::<String>::new());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn nobody_rises_nothing_is_lost_and_the_log_stays_whole(steps in steps()) {
        let mut run = Run::new();
        for step in steps {
            run.step(step);
        }
        run.end();
    }
}
