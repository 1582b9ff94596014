//! One run: the workload with all that goes wrong, the calm after it, and what must be true in the end.

use serde_json::json;
use symbolon::id::TokenId;
use symbolon::protocol::directory;
use symbolon_authority::store::Value;

use crate::change::Change;
use crate::clock::START;
use crate::event::Event;
use crate::object::Kind;
use crate::template;
use crate::truth::Need;
use crate::variant::Variant;
use crate::workload::Work;
use crate::world::{Counts, World};

/// How long after the last fault everything that was put off has been done, in milliseconds: the longest pause of the
/// outbox, and a minute for the second put.
const CALM_MILLIS: i64 = 480_000;
/// The last change is made now; a minute later, and what a put may take, the directory must say so.
const LAST_MILLIS: i64 = 62_500;

/// Whether a shard of the locator has its tables.
const PLACES: &str = "SELECT 1 FROM sqlite_master WHERE name = 'place'";

/// What a run has found.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Which seed.
    pub seed: u64,
    /// Which rule was broken, when, and how.
    pub what: String,
    /// What happened before, where that was asked for.
    pub trace: Vec<String>,
}

/// Runs a seed.
///
/// # Errors
/// [`Failure`] with the first thing that must never be.
pub fn run(seed: u64, variant: Option<Variant>, trace: bool) -> Result<Counts, Failure> {
    let mut world = World::new(seed, variant, trace);
    world.begin();
    world.run_until(START + world.plan.millis);
    world.calm();
    let calm = world.now;
    world.run_until(calm + CALM_MILLIS);
    // Nobody has asked for anything: alarms alone have brought the directory up to date.
    world.check_directories();
    world.last_changes();
    world.run_until(calm + CALM_MILLIS + 20_000);
    world.last_uses();
    world.run_until(calm + CALM_MILLIS + LAST_MILLIS);
    world.check();
    world.settled_uses();
    world.run_until(calm + CALM_MILLIS + LAST_MILLIS + 15_000);
    match world.violation {
        None => Ok(world.counts),
        Some(what) => Err(Failure { seed, what, trace: world.trace.unwrap_or_default() }),
    }
}

impl World {
    /// A few changes when nothing goes wrong.
    fn last_changes(&mut self) {
        for organization in self.workload.busy_organizations.clone() {
            let edge = self.workload.busy_edge(&mut self.rng);
            self.later(0, Event::Work(Work::Change { organization, change: Change::Create, edge }));
            let own: Vec<_> = self
                .workload
                .credentials
                .iter()
                .filter(|it| it.organization == organization)
                .map(|it| it.token)
                .collect();
            for token in own.into_iter().take(3) {
                for change in [Change::Rename(token), Change::Activate(token, false)] {
                    self.later(0, Event::Work(Work::Change { organization, change, edge }));
                }
            }
        }
    }

    /// Every isolate is asked once more, so that it hands over what it has counted; and every credential is tried.
    fn last_uses(&mut self) {
        let credentials = 0..self.workload.credentials.len();
        let mut all: Vec<(usize, usize)> = Vec::new();
        for edge in self.workload.edges() {
            for organization in &self.workload.busy_organizations {
                let own = credentials.clone().find(|index| {
                    let credential = &self.workload.credentials[*index];
                    credential.organization == *organization
                        && self.truths[*organization]
                            .newest(credential.token)
                            .is_some_and(|state| state.permits(&credential.proof, Need::Read, self.now + 120_000))
                });
                all.extend(own.map(|index| (index, edge)));
            }
        }
        for index in credentials.take(40) {
            all.push((index, self.workload.busy_edge(&mut self.rng)));
        }
        for (credential, edge) in all {
            let at = self.rng.i64(0..=3_000);
            self.later(at, Event::Work(Work::Use { credential, need: Need::Read, path: "/things", edge }));
        }
    }

    /// What goes by the directory alone is as it was changed last, now that the directory has been told.
    fn settled_uses(&mut self) {
        self.settled_from = self.now;
        for credential in 0..self.workload.credentials.len() {
            if !self.workload.credentials[credential].eventual {
                continue;
            }
            for _ in 0..2 {
                let edge = self.workload.busy_edge(&mut self.rng);
                let at = self.rng.i64(0..=1_000);
                self.later(at, Event::Work(Work::Use { credential, need: Need::Read, path: "/things", edge }));
            }
        }
    }

    /// What must be true in the end.
    fn check(&mut self) {
        let unanswered = self.unanswered();
        if unanswered > 0 {
            self.violated("answers", &format!("{unanswered} calls and tasks have no answer"));
        }
        self.check_directories();
        for organization in self.workload.busy_organizations.clone() {
            self.check_chain(organization);
        }
        self.check_places();
        self.check_uses();
    }

    fn check_directories(&mut self) {
        for organization in self.workload.busy_organizations.clone() {
            self.check_directory(organization);
        }
    }

    /// I4.
    fn check_directory(&mut self, organization: usize) {
        let disk = std::rc::Rc::clone(&self.objects[organization].disk);
        let secret = template::instance_secret();
        let mut wrong = Vec::new();
        let changed: Vec<_> = self.truths[organization].changed().map(|(id, state)| (id, state.epoch)).collect();
        for (token, epoch) in changed {
            for row in disk.look("SELECT key FROM credential WHERE token = ?1", &[Value::text(&token)]) {
                let key: String = row.get(0).expect("a key");
                let listed = self.directory.newest(&key).and_then(|row| directory::read(&secret, &key, row).ok());
                if listed.as_ref().map(|record| record.version.get()) != Some(epoch) {
                    wrong.push(format!("{key} is {:?} and not {epoch}", listed.map(|record| record.version)));
                }
            }
        }
        if !wrong.is_empty() {
            self.violated("I4", &format!("a minute after the last change {wrong:?}"));
        }
    }

    /// Every name at a locator is that of a credential which lives there, and nothing is being claimed any more.
    fn check_places(&mut self) {
        let mut wrong = Vec::new();
        for object in &self.objects {
            match &object.kind {
                Kind::Organization(number) if self.workload.busy_organizations.contains(number) => {
                    let claims = object.disk.look("SELECT key || ' ' || state FROM claim", &[]);
                    wrong.extend(claims.iter().map(|row| row.get::<String>(0).expect("a claim")));
                }
                Kind::Locator(_) if !object.disk.look(PLACES, &[]).is_empty() => {
                    for row in object.disk.look("SELECT key, organization, token FROM place", &[]) {
                        let (key, short_id): (String, String) =
                            (row.get(0).expect("a key"), row.get(1).expect("whose"));
                        let token: TokenId = row.parsed(2).expect("a token");
                        let organization = self.organization(&short_id);
                        let sql = "SELECT 1 FROM credential WHERE key = ?1 AND token = ?2";
                        let lives = self.objects[organization].disk.look(sql, &[(&key).into(), Value::text(&token)]);
                        // Where storage was put back, names of what was lost stay taken.
                        let whole = self.plan.put_back.is_none() || organization != self.workload.busy_organizations[0];
                        if lives.is_empty() && whole {
                            wrong.push(format!("{key} of {token} has a place"));
                        }
                    }
                }
                _ => {}
            }
        }
        if !wrong.is_empty() {
            self.violated("claims", &format!("{wrong:?}"));
        }
    }

    /// The activity log, judged by its own means.
    fn check_chain(&mut self, organization: usize) {
        let prepared = &self.template.organizations[organization];
        let (admin, short_id) = (prepared.admin.clone(), prepared.short_id);
        let verified = template::verify_chain(&self.objects[organization].disk, &admin, short_id, self.now);
        if verified["valid"] != json!(true) {
            self.violated("activity", &verified.to_string());
        }
    }

    /// I3.
    fn check_uses(&mut self) {
        let mut wrong = Vec::new();
        for (token, (all, lost)) in &self.workload.uses {
            let organization = self.workload.credentials.iter().find(|it| it.token == *token).map(|it| it.organization);
            // Of a secret that was brought in without an answer nobody knows whose it is.
            let Some(organization) = organization else { continue };
            let disk = &self.objects[organization].disk;
            let rows = disk.look("SELECT use_count FROM token WHERE id = ?1", &[Value::text(token)]);
            // One that was made after the copy which was put back is nowhere.
            let Some(row) = rows.first() else { continue };
            let counted: u64 = row.get(0).expect("a count");
            if counted > *all || counted < all - lost {
                wrong.push(format!(
                    "{token} was used {all} times, {lost} of them at isolates that ended; counted {counted}"
                ));
            }
        }
        if !wrong.is_empty() {
            self.violated("I3", &format!("{wrong:?}"));
        }
    }
}
