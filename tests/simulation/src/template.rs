//! What every run begins with, made once by the real machines: an instance with its routes, organisations with members
//! and tokens, and the locator's shards. A run copies the databases.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use base64ct::{Base64, Encoding as _};
use serde_json::{Value as Json, json};
use symbolon::id::{OrganizationId, ShortId, TokenId};
use symbolon::key::{PrivateKey, Thumbprint};
use symbolon::policy::{GrantSet, SecretFormat};
use symbolon::protocol::SharedSecret;
use symbolon::protocol::message::{
    Ask, Client, HttpRequest, HttpResponse, InstanceCall, Lookup, Manage, OrganizationCall,
};
use symbolon::time::Timestamp;
use symbolon::token::{Digest, Format, InstanceSecret, RANDOM_LEN};
use symbolon_authority::instance::Instance;
use symbolon_authority::locator::{self, Locator};
use symbolon_authority::machine::{CallId, Config, Context, Effect, Event, Machine, Target};
use symbolon_authority::organization::Organization;
use symbolon_authority::store::Store as _;

use crate::clock::START;
use crate::disk::{Database, Disk};
use crate::truth::Truth;

/// How many organisations there are.
pub(crate) const ORGANIZATIONS: usize = 4;
/// How many tokens each has: 2,000 in all.
pub(crate) const TOKENS: usize = 500;
/// How many members beside the owners, each with tokens.
const MEMBERS: usize = 10;
/// How many of an organisation's tokens are proved by a key.
const KEYS: usize = 12;
/// Each so-manyeth of them goes by the directory alone.
pub(crate) const EVENTUAL_EVERY: usize = 10;
/// How long before a run everything was made, in milliseconds.
const BEFORE: i64 = 3_600_000;

/// The secret under which credentials name their organisation.
pub(crate) const INSTANCE_SECRET: [u8; 32] = [7; 32];
const SETUP_CODE: &str = "correct horse battery staple";

/// The hosts of the protected side and of management.
pub(crate) const GATEWAY: &str = "https://api.example";
pub(crate) const MANAGEMENT: &str = "https://tokens.example";

/// How a token is proved.
#[derive(Clone)]
pub(crate) enum Means {
    /// By this secret.
    Secret(String),
    /// By signatures with this key.
    Key(Arc<PrivateKey>, Thumbprint),
}

/// A token that is there from the start.
#[derive(Clone)]
pub(crate) struct Made {
    pub(crate) id: TokenId,
    pub(crate) means: Means,
    pub(crate) member: Option<usize>,
    /// Whether its kind goes by the directory alone.
    pub(crate) eventual: bool,
}

/// An organisation that is there from the start.
pub(crate) struct Prepared {
    pub(crate) short_id: ShortId,
    /// The owner's own token, which nothing happens to.
    pub(crate) admin: String,
    pub(crate) members: Vec<String>,
    pub(crate) tokens: Vec<Made>,
    /// Its profile's text.
    pub(crate) profile: String,
    pub(crate) database: Vec<u8>,
}

/// What every run begins with.
pub(crate) struct Template {
    pub(crate) organizations: Vec<Prepared>,
    pub(crate) instance: Vec<u8>,
    pub(crate) locators: BTreeMap<String, Vec<u8>>,
}

/// The settings of the instance.
pub(crate) fn config() -> Config {
    Config { instance_secret: INSTANCE_SECRET.to_vec(), setup_code: SharedSecret::new(SETUP_CODE) }
}

/// A secret of the kind `key` in the form of an organisation's, which nobody has.
pub(crate) fn secret(rng: &mut fastrand::Rng, template: &Template, organization: usize) -> String {
    let mut random = [0; RANDOM_LEN];
    rng.fill(&mut random);
    let format = Format::new("sym_key_", SecretFormat::Native).expect("the prefix of a built-in kind");
    let short_id = template.organizations[organization].short_id;
    format.generate(&short_id, &instance_secret(), &random).expect("enough random bytes").expose().to_owned()
}

/// The secret as the gate takes it.
pub(crate) fn instance_secret() -> InstanceSecret {
    InstanceSecret::new(&INSTANCE_SECRET).expect("32 bytes")
}

/// The template, made at the first call.
pub(crate) fn template() -> &'static Template {
    static MADE: OnceLock<Template> = OnceLock::new();
    MADE.get_or_init(make)
}

/// A host without any fault.
struct Host {
    now: i64,
    random: fastrand::Rng,
    config: Config,
    instance: Option<Instance<Disk>>,
    organizations: BTreeMap<ShortId, (Organization<Disk>, Disk)>,
    locators: BTreeMap<String, (Locator<Disk>, Disk)>,
    /// The token with which the instance was set up.
    founder: Option<TokenId>,
}

fn run(machine: &mut dyn Machine, now: i64, random: &mut fastrand::Rng, config: &Config, event: Event) -> Vec<Effect> {
    let mut fill = |bytes: &mut [u8]| random.fill(bytes);
    machine.on(&mut Context { now: Timestamp::from_millis(now), random: &mut fill, config }, event)
}

impl Host {
    fn organization(&mut self, id: ShortId, call: &OrganizationCall) -> String {
        let mut machine = self.organizations.remove(&id).unwrap_or_else(|| {
            let disk = Disk::new(Database::empty());
            (Organization::new(disk.clone()), disk)
        });
        let json = serde_json::to_string(call).expect("a call is JSON");
        let mut events = vec![Event::Call { id: CallId(1), json }];
        let mut reply = None;
        while let Some(event) = events.pop() {
            let effects = run(&mut machine.0, self.now, &mut self.random, &self.config, event);
            for effect in effects {
                match effect {
                    Effect::Reply { json, .. } => reply = Some(json),
                    Effect::Fail { fault, .. } => panic!("{fault}"),
                    Effect::Ask { id, target: Target::Locator(key), json } => {
                        let answer = Ok(self.locator(&key, json));
                        events.push(Event::Answered { id, answer });
                    }
                    Effect::Ask { target, .. } => panic!("{target:?}"),
                    Effect::KvPut { .. } | Effect::SetAlarm { .. } => {}
                    Effect::Sync { id } => events.insert(0, Event::Synced { id }),
                    Effect::Timer { id, .. } => events.insert(0, Event::Timer { id }),
                }
            }
        }
        self.organizations.insert(id, machine);
        self.now += 100;
        reply.expect("a call is answered")
    }

    fn locator(&mut self, key: &str, json: String) -> String {
        let (machine, _) = self.locators.entry(locator::object_name(key)).or_insert_with(|| {
            let disk = Disk::new(Database::empty());
            (Locator::new(disk.clone()), disk)
        });
        let event = Event::Call { id: CallId(1), json };
        match run(machine, self.now, &mut self.random, &self.config, event).pop() {
            Some(Effect::Reply { json, .. }) => json,
            other => panic!("{other:?}"),
        }
    }

    fn instance(&mut self, call: &InstanceCall) -> Json {
        let mut machine = self.instance.take().expect("the instance");
        let json = serde_json::to_string(call).expect("a call is JSON");
        let mut effects =
            run(&mut machine, self.now, &mut self.random, &self.config, Event::Call { id: CallId(1), json });
        let mut reply = None;
        while let Some(effect) = effects.pop() {
            let event = match effect {
                Effect::Reply { json, .. } => {
                    reply = Some(json);
                    continue;
                }
                Effect::Ask { id, target: Target::Organization(organization), json } => {
                    let call = serde_json::from_str(&json).expect("a call");
                    Event::Answered { id, answer: Ok(self.organization(organization, &call)) }
                }
                Effect::Sync { id } => Event::Synced { id },
                Effect::Timer { id, .. } => Event::Timer { id },
                Effect::SetAlarm { .. } => continue,
                other => panic!("{other:?}"),
            };
            effects.extend(run(&mut machine, self.now, &mut self.random, &self.config, event));
        }
        self.instance = Some(machine);
        let response: HttpResponse = serde_json::from_str(&reply.expect("a reply")).expect("a response");
        assert!(response.status < 300, "{}", response.body);
        serde_json::from_str(&response.body).expect("JSON")
    }

    /// A management call, as a gate would hand it over.
    fn manage(&mut self, id: ShortId, secret: &str, method: &str, path: &str, body: &Json) -> Json {
        let ask = Ask { lookup: Some(Lookup::Digest(Digest::of(secret))), ..Ask::default() };
        let found = self.organization(id, &OrganizationCall::Ask(ask));
        let answer: symbolon::protocol::message::Answer = serde_json::from_str(&found).expect("an answer");
        let token = answer.record.expect("the credential in use is known").token;
        let request = request(method, path, body);
        let manage = Manage { token, signed: false, passphrase_hash: None, request };
        let reply = self.organization(id, &OrganizationCall::Manage(manage));
        let response: HttpResponse = serde_json::from_str(&reply).expect("a response");
        assert!(response.status < 300, "{method} {path}: {}", response.body);
        serde_json::from_str(&response.body).expect("JSON")
    }
}

fn request(method: &str, path: &str, body: &Json) -> HttpRequest {
    HttpRequest {
        method: method.to_owned(),
        origin: MANAGEMENT.to_owned(),
        path: path.to_owned(),
        query: None,
        headers: Vec::new(),
        body: if body.is_null() { String::new() } else { body.to_string() },
        client: Client::default(),
    }
}

fn text(json: &Json) -> String {
    json.as_str().expect("a text").to_owned()
}

fn make() -> Template {
    let mut host = Host {
        now: START - BEFORE,
        random: fastrand::Rng::with_seed(1),
        config: config(),
        instance: None,
        organizations: BTreeMap::new(),
        locators: BTreeMap::new(),
        founder: None,
    };
    let instance = Disk::new(Database::empty());
    host.instance = Some(Instance::new(instance.clone()));
    // Creations are many here, and limits have tests of their own.
    let usual = symbolon::policy::builtin("symbolon").expect("it is built in");
    let profile = format!(
        "{}\n[limits]\ncreation = {{ max = 10000, seconds = 1 }}\n",
        usual.replace("[kinds.ci]\n", "[kinds.ci]\nfreshness = \"eventual\"\n")
    );
    assert!(profile.contains("eventual"), "a kind goes by the directory alone");
    let organizations: Vec<Prepared> =
        (0..ORGANIZATIONS).map(|number| organization(&mut host, &instance, number, &profile)).collect();
    let routes = json!({"routes": [
        {"method": "GET", "path": "/things", "permission": "api:read", "organization": "*"},
        {"method": "GET", "path": "/strict", "permission": "api:read", "freshness": "strict", "organization": "*"},
        {"method": "POST", "path": "/things", "permission": "api:write", "organization": "*"},
    ]});
    let founding = founding(&instance);
    host.instance(&InstanceCall::Manage {
        organization: founding,
        token: host.founder.expect("an organisation was founded"),
        effective: GrantSet::all(),
        request: request("PUT", "/v1/routes", &routes),
    });
    let finished = organizations
        .into_iter()
        .map(|prepared| {
            let disk = &host.organizations[&prepared.short_id].1;
            // A run begins long after: nobody holds anything, and the directory has been told.
            disk.execute("UPDATE organization SET horizon = NULL", &[]).expect("an update");
            disk.execute("DELETE FROM outbox", &[]).expect("a deletion");
            Prepared { database: disk.database().to_bytes(), ..prepared }
        })
        .collect();
    Template {
        organizations: finished,
        instance: instance.database().to_bytes(),
        locators: host.locators.iter().map(|(name, (_, disk))| (name.clone(), disk.database().to_bytes())).collect(),
    }
}

/// The organisation whose tokens administer the instance.
fn founding(instance: &Disk) -> OrganizationId {
    instance.database().look("SELECT id FROM organization WHERE founding = 1", &[])[0].parsed(0).expect("its id")
}

/// The key of a token.
fn key_of(organization: usize, token: usize) -> PrivateKey {
    let mut bytes = [9; 32];
    bytes[..8].copy_from_slice(&(organization * TOKENS + token + 1).to_be_bytes());
    PrivateKey::from_bytes(&bytes).expect("a number below the order of the curve")
}

fn organization(host: &mut Host, instance: &Disk, number: usize, profile: &str) -> Prepared {
    let body = json!({
        "setup_code": (number == 0).then_some(SETUP_CODE),
        "organization": {"slug": format!("org-{number}"), "name": "Organisation", "profile": profile},
        "owner": {"name": "Owner", "email": "owner@a.example"},
    });
    let made = if number == 0 {
        host.instance(&InstanceCall::Setup { request: request("POST", "/v1/setup", &body) })
    } else {
        host.instance(&InstanceCall::Manage {
            organization: founding(instance),
            token: host.founder.expect("an organisation was founded"),
            effective: GrantSet::all(),
            request: request("POST", "/v1/organizations", &body),
        })
    };
    let short_id: ShortId = text(&made["organization"]["short_id"]).parse().expect("a short id");
    let owner = text(&made["secret"]);
    if number == 0 {
        host.founder = Some(text(&made["token"]["id"]).parse().expect("a token's id"));
    }
    let members: Vec<String> = (0..MEMBERS)
        .map(|member| {
            let body = json!({
                "name": format!("Member {member}"), "email": format!("m{member}@a.example"), "role": "developer"});
            text(&host.manage(short_id, &owner, "POST", "/v1/members", &body)["id"])
        })
        .collect();
    let mut tokens = Vec::new();
    for index in 0..TOKENS {
        let eventual = index >= KEYS && index % EVENTUAL_EVERY == 0;
        let kind = match index % 3 {
            _ if eventual => "ci",
            2 => "key",
            _ => "pat",
        };
        let mut body = json!({"kind": kind, "name": format!("token {index}"), "scopes": ["write"]});
        let mut means = None;
        if index < KEYS {
            let key = key_of(number, index);
            let challenge = host.manage(short_id, &owner, "POST", "/v1/keys/challenge", &json!({}));
            let signature = key.sign(text(&challenge["challenge"]).as_bytes()).to_bytes();
            body["public_key"] = json!(key.public_key().to_hex());
            body["proof"] = json!(Base64::encode_string(&signature));
            let thumbprint = key.public_key().thumbprint();
            means = Some(Means::Key(Arc::new(key), thumbprint));
        }
        let made = host.manage(short_id, &owner, "POST", "/v1/tokens", &body);
        let id = text(&made["token"]["id"]).parse().expect("a token's id");
        let means = means.unwrap_or_else(|| Means::Secret(text(&made["secret"])));
        tokens.push(Made { id, means, member: (kind == "pat").then_some(index % MEMBERS), eventual });
    }
    // Members sign in by ways that are not simulated: their tokens are handed to them here.
    let disk = &host.organizations[&short_id].1;
    for token in &tokens {
        if let Some(member) = token.member {
            let parameters = [token.id.to_string().into(), members[member].as_str().into()];
            disk.execute("UPDATE token SET owner = ?2, created_by_member = ?2 WHERE id = ?1", &parameters)
                .expect("an update");
        }
    }
    Prepared { short_id, admin: owner, members, tokens, profile: profile.to_owned(), database: Vec::new() }
}

impl Prepared {
    /// Its profile with other leases.
    pub(crate) fn profile_with(&self, lease_millis: u64, stale_seconds: u64) -> String {
        format!("{}\n[leases]\nlease_millis = {lease_millis}\nstale_for_seconds = {stale_seconds}\n", self.profile)
    }
}

impl Template {
    /// What is true of each organisation from the start.
    pub(crate) fn truths(&self) -> &'static [Truth] {
        static TRUTHS: OnceLock<Vec<Truth>> = OnceLock::new();
        TRUTHS.get_or_init(|| {
            self.organizations.iter().map(|it| Truth::begin(&Database::from_bytes(&it.database))).collect()
        })
    }
}

/// What the authority of an organisation says of its own activity log, over a copy of what it keeps.
pub(crate) fn verify_chain(database: &Database, admin: &str, short_id: ShortId, now: i64) -> Json {
    let disk = Disk::new(Database::from_bytes(&database.to_bytes()));
    let mut host = Host {
        now,
        random: fastrand::Rng::with_seed(2),
        config: config(),
        instance: None,
        organizations: BTreeMap::from([(short_id, (Organization::new(disk.clone()), disk))]),
        locators: BTreeMap::new(),
        founder: None,
    };
    host.manage(short_id, admin, "GET", "/v1/activity/verify", &Json::Null)
}
