use symbolon::id::TokenId;
use symbolon::protocol::login::RequestKey;

use super::*;
use crate::machine::Unreachable;
use crate::store::Sqlite;
use crate::test_host::{Host, reply};

const SHARD: u8 = 0x5a;
const KEY: &str = "8d5e7f0a-6c3b-4f2e-9a1d-0b2c3d4e5f60";

/// A shard and its client's codes.
struct Bench<'s> {
    host: Host,
    store: &'s Sqlite,
    login: Login<&'s Sqlite>,
}

fn from(address: &str) -> Client {
    Client { address: Some(address.to_owned()), user_agent: Some("cli/1".to_owned()) }
}

fn approval() -> Approval {
    let token = TokenId::new(Timestamp::from_seconds(1), &[7; 10]);
    Approval { organization: "Acme42".parse().unwrap(), token }
}

fn key() -> RequestKey {
    KEY.parse().unwrap()
}

impl<'s> Bench<'s> {
    fn new(store: &'s Sqlite) -> Self {
        Self { host: Host::default(), store, login: Login::new(store) }
    }

    fn call<A: serde::de::DeserializeOwned>(&mut self, call: &LoginCall) -> A {
        self.host.call_with_effects(&mut self.login, call).0
    }

    fn begin(&mut self) -> (UserCode, DeviceCode) {
        match self.begin_from("192.0.2.1") {
            Begun::Made { device_code, user_code, .. } => (user_code, device_code),
            Begun::RateLimited { .. } => panic!("limited"),
        }
    }

    fn begin_from(&mut self, address: &str) -> Begun {
        let scope = Some("scan".to_owned());
        self.call(&LoginCall::Begin { shard: SHARD, client_id: "cli".to_owned(), scope, client: from(address) })
    }

    fn decide(&mut self, name: LoginName, approval: Option<Approval>) -> Shown {
        self.call(&LoginCall::Decide { name, approval })
    }

    fn collect(&mut self, with: Collector) -> Collected {
        let client_id = Some("cli".to_owned());
        self.call(&LoginCall::Collect { with, client_id, client: from("192.0.2.1") })
    }

    /// Collects something that was approved, with this answer of the authority.
    fn fetch(&mut self, with: Collector, answer: Result<HttpResponse, Unreachable>) -> Collected {
        let client_id = Some("cli".to_owned());
        let call = LoginCall::Collect { with, client_id, client: from("192.0.2.1") };
        let (call, mut effects) = self.host.begin(&mut self.login, &call);
        let [Effect::Ask { id, target, json }] = effects.as_slice() else { panic!("{effects:?}") };
        assert_eq!(target, &Target::Organization("Acme42".parse().unwrap()));
        let asked: OrganizationCall = serde_json::from_str(json).unwrap();
        assert_eq!(asked, OrganizationCall::CollectLogin { token: approval().token });
        let answer = answer.map(|response| serde_json::to_string(&response).unwrap());
        let id = *id;
        effects = self.host.on(&mut self.login, Event::Answered { id, answer });
        reply(call, &mut effects)
    }

    fn tables(&self) -> usize {
        self.store.execute("SELECT name FROM sqlite_master", &[]).unwrap().len()
    }
}

fn made() -> LoginToken {
    LoginToken {
        secret: "sgp_secret".to_owned(),
        user_name: "Ada".to_owned(),
        scopes: vec!["cli".to_owned()],
        expires_at: None,
    }
}

/// What an authority answers.
fn answers(status: u16) -> Result<HttpResponse, Unreachable> {
    let body = if status == 201 { serde_json::to_string(&made()).unwrap() } else { String::new() };
    Ok(HttpResponse { status, headers: Vec::new(), body })
}

fn token() -> Collected {
    Collected::Token(made())
}

#[test]
fn a_device_gets_one_token_once_a_member_has_approved() {
    let store = Sqlite::in_memory().unwrap();
    let mut bench = Bench::new(&store);
    let (user_code, device) = bench.begin();
    let name = LoginName::UserCode(user_code);
    assert_eq!((name.shard(), device.shard()), (SHARD, SHARD), "both lead to this shard");
    let with = Collector::DeviceCode(device);
    assert_eq!(bench.collect(with.clone()), Collected::Pending);
    let other =
        LoginCall::Collect { with: with.clone(), client_id: Some("other".to_owned()), client: from("192.0.2.1") };
    assert_eq!(bench.call::<Collected>(&other), Collected::Unknown, "another client's code");
    let Shown::Found(asking) = bench.call(&LoginCall::Show { name: name.clone() }) else { panic!() };
    assert_eq!((asking.client_id.as_deref(), asking.scope.as_deref()), (Some("cli"), Some("scan")));
    assert_eq!(asking.client, Some(from("192.0.2.1")));

    assert!(matches!(bench.decide(name.clone(), Some(approval())), Shown::Found(_)));
    assert!(matches!(bench.decide(name.clone(), Some(approval())), Shown::Found(_)), "repeated");
    assert_eq!(bench.decide(name.clone(), None), Shown::Decided);
    // A lost answer of the authority loses nothing.
    assert_eq!(bench.fetch(with.clone(), Err(Unreachable)), Collected::Unavailable);
    assert_eq!(bench.fetch(with.clone(), answers(202)), Collected::Pending);
    assert_eq!(bench.fetch(with.clone(), answers(201)), token());
    assert_eq!(bench.collect(with), Collected::Unknown, "a code is good for one token");
    assert_eq!(bench.call::<Shown>(&LoginCall::Show { name }), Shown::Unknown);
}

#[test]
fn a_decision_outlives_a_restart_and_codes_are_kept_as_digests() {
    let store = Sqlite::in_memory().unwrap();
    let mut bench = Bench::new(&store);
    let (user_code, device) = bench.begin();
    bench.decide(LoginName::UserCode(user_code.clone()), Some(approval()));
    let rows = store.execute("SELECT code || device || state || client FROM login", &[]).unwrap();
    let row: String = rows[0].get(0).unwrap();
    let shown = user_code.display().replace('-', "");
    assert!(!row.contains(&shown) && !row.contains(device.expose()), "{row}");
    bench.login = Login::new(&store);
    assert_eq!(bench.fetch(Collector::DeviceCode(device), answers(201)), token());
}

#[test]
fn who_denies_or_may_not_approve_any_more_ends_it() {
    let store = Sqlite::in_memory().unwrap();
    let mut bench = Bench::new(&store);
    let (user_code, device) = bench.begin();
    bench.decide(LoginName::UserCode(user_code), None);
    assert_eq!(bench.collect(Collector::DeviceCode(device.clone())), Collected::Denied);
    assert_eq!(bench.collect(Collector::DeviceCode(device)), Collected::Unknown);

    let (user_code, device) = bench.begin();
    bench.decide(LoginName::UserCode(user_code), Some(approval()));
    assert_eq!(bench.fetch(Collector::DeviceCode(device.clone()), answers(503)), Collected::Unavailable);
    assert_eq!(bench.fetch(Collector::DeviceCode(device.clone()), answers(401)), Collected::Denied);
    assert_eq!(bench.collect(Collector::DeviceCode(device)), Collected::Unknown);
}

#[test]
fn a_client_with_a_key_of_its_own_waits_and_is_shown_with_its_address() {
    let store = Sqlite::in_memory().unwrap();
    let mut bench = Bench::new(&store);
    let name = LoginName::Key(key());
    let asked = |bench: &mut Bench<'_>| match bench.call(&LoginCall::Show { name: LoginName::Key(key()) }) {
        Shown::Found(asking) => asking.client,
        other => panic!("{other:?}"),
    };
    assert_eq!(asked(&mut bench), None, "it has not asked yet");
    assert_eq!(bench.collect(Collector::Key(key())), Collected::Pending);
    assert_eq!(asked(&mut bench), Some(from("192.0.2.1")));
    assert_eq!(bench.tables(), 0, "nothing is written of a key that nobody decided on");

    assert!(matches!(bench.decide(name, Some(approval())), Shown::Found(_)));
    assert_eq!(bench.fetch(Collector::Key(key()), answers(201)), token());
    assert_eq!(bench.collect(Collector::Key(key())), Collected::Pending, "a key is good for one token");
}

#[test]
fn a_key_with_which_nobody_asks_is_not_approved() {
    let store = Sqlite::in_memory().unwrap();
    let mut bench = Bench::new(&store);
    let name = || LoginName::Key(key());
    assert_eq!(bench.decide(name(), Some(approval())), Shown::Unasked);
    assert_eq!(bench.tables(), 0, "nothing was written");
    // Nor where the client has gone meanwhile, or this machine knows nothing of it any more.
    assert_eq!(bench.collect(Collector::Key(key())), Collected::Pending);
    bench.host.now = bench.host.now.plus_seconds(i64::from(LIFE_SECONDS));
    assert_eq!(bench.decide(name(), Some(approval())), Shown::Unasked);
    assert_eq!(bench.collect(Collector::Key(key())), Collected::Pending);
    bench.login = Login::new(&store);
    assert_eq!(bench.decide(name(), Some(approval())), Shown::Unasked);
    assert_eq!(bench.collect(Collector::Key(key())), Collected::Pending);
    assert!(matches!(bench.decide(name(), Some(approval())), Shown::Found(_)));
    assert_eq!(bench.fetch(Collector::Key(key()), answers(201)), token());
    // Denied is it at any time: that gives nobody anything.
    assert!(matches!(bench.decide(name(), None), Shown::Found(_)));
}

#[test]
fn a_flood_of_keys_does_not_keep_a_client_from_being_seen() {
    let (mut polls, now) = (Polls::default(), Timestamp::from_seconds(1_000));
    let digest = |n: u32| Digest::of(n.to_string());
    for n in 0..5_000_u32 {
        polls.note(now.plus_seconds(i64::from(n / 100)), digest(n), from("192.0.2.66"));
    }
    let now = now.plus_seconds(60);
    polls.note(now, digest(9_999), from("192.0.2.1"));
    assert_eq!(polls.client(now, digest(9_999)), Some(&from("192.0.2.1")));
    assert_eq!(polls.client(now, digest(0)), None, "the oldest made room");
}

#[test]
fn codes_that_nobody_was_given_write_nothing() {
    let store = Sqlite::in_memory().unwrap();
    let mut bench = Bench::new(&store);
    let name = LoginName::UserCode("BCDFGHJK".parse().unwrap());
    assert_eq!(bench.call::<Shown>(&LoginCall::Show { name: name.clone() }), Shown::Unknown);
    assert_eq!(bench.decide(name, Some(approval())), Shown::Unknown);
    assert_eq!(bench.collect(Collector::DeviceCode(DeviceCode::new(SHARD, &[1; 32]))), Collected::Unknown);
    assert_eq!(bench.tables(), 0);
}

#[test]
fn codes_end_after_ten_minutes_and_are_forgotten_by_the_alarm() {
    let store = Sqlite::in_memory().unwrap();
    let mut bench = Bench::new(&store);
    let call = LoginCall::Begin { shard: SHARD, client_id: "cli".to_owned(), scope: None, client: from("192.0.2.1") };
    let (begun, effects) = bench.host.call_with_effects::<Begun>(&mut bench.login, &call);
    let Begun::Made { device_code, user_code, expires_in, .. } = begun else { panic!() };
    let at = bench.host.now.plus_seconds(i64::from(expires_in));
    assert_eq!(effects, [Effect::SetAlarm { at }]);
    bench.decide(LoginName::UserCode(user_code.clone()), Some(approval()));
    bench.host.now = at;
    assert_eq!(bench.collect(Collector::DeviceCode(device_code)), Collected::Unknown);
    assert_eq!(bench.decide(LoginName::UserCode(user_code), Some(approval())), Shown::Unknown);
    assert_eq!(bench.host.on(&mut bench.login, Event::Alarm), []);
    assert_eq!(store.execute("SELECT 1 FROM login", &[]), Ok(Vec::new()));
}

#[test]
fn who_asks_too_often_is_slowed_down() {
    let store = Sqlite::in_memory().unwrap();
    let mut bench = Bench::new(&store);
    let (_, device) = bench.begin();
    let with = Collector::DeviceCode(device);
    assert_eq!(bench.collect(with.clone()), Collected::Pending);
    bench.host.now = bench.host.now.plus_seconds(1);
    assert_eq!(bench.collect(with.clone()), Collected::SlowDown { interval: 10 });
    bench.host.now = bench.host.now.plus_seconds(5);
    assert_eq!(bench.collect(with.clone()), Collected::SlowDown { interval: 15 });
    bench.host.now = bench.host.now.plus_seconds(15);
    assert_eq!(bench.collect(with), Collected::Pending);
}

#[test]
fn an_address_begins_ten_logins_in_a_minute() {
    let store = Sqlite::in_memory().unwrap();
    let mut bench = Bench::new(&store);
    let [(max, _), (max_waiting, _)] = poll::BEGUN;
    for _ in 0..max {
        bench.begin();
    }
    assert_eq!(bench.begin_from("192.0.2.1"), Begun::RateLimited { retry_after: 61 });
    assert!(matches!(bench.begin_from("192.0.2.2"), Begun::Made { .. }));
    // A host of IPv6 has 2^64 addresses, and is one client all the same.
    for host in 0..max {
        assert!(matches!(bench.begin_from(&format!("2001:db8:1:2::{host:x}")), Begun::Made { .. }));
    }
    assert_eq!(bench.begin_from("2001:db8:1:2:ffff::1"), Begun::RateLimited { retry_after: 61 });
    assert!(matches!(bench.begin_from("2001:db8:1:3::1"), Begun::Made { .. }));
    for minute in 1..=3 {
        bench.host.now = bench.host.now.plus_seconds(60);
        if minute * max >= max_waiting {
            let wait = LIFE_SECONDS - minute * 60 + 1;
            assert_eq!(bench.begin_from("192.0.2.1"), Begun::RateLimited { retry_after: wait }, "they wait still");
        } else {
            for _ in 0..max {
                assert!(matches!(bench.begin_from("192.0.2.1"), Begun::Made { .. }));
            }
        }
    }
}
