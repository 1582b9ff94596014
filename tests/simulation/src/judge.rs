//! What was decided and answered, held against the truth: each acceptance, each refusal, each change that returned.

use serde_json::Value as Json;
use symbolon::id::TokenId;
use symbolon::token::Digest;
use symbolon_gate::Outcome;

use crate::change::Change;
use crate::event::Event;
use crate::truth::{Carried, Need};
use crate::workload::{About, Credential, Request, Stranger, Work};
use crate::world::World;

impl World {
    /// A gate has decided: judged at once.
    pub(crate) fn decided(&mut self, number: usize, outcome: &Outcome, carried: Carried) {
        self.workload.requests[number].carried = carried;
        let Request { about, sent, edge, .. } = &self.workload.requests[number];
        let (about, sent, edge) = (about.clone(), *sent, *edge);
        let (accepted, status, code) = match outcome {
            Outcome::Forward(_) => (true, 200, "forward".to_owned()),
            Outcome::Respond(response) => {
                let body: Json = serde_json::from_str(&response.body).unwrap_or_default();
                (false, response.status, body["code"].as_str().unwrap_or_default().to_owned())
            }
            Outcome::Asset { .. } => (false, 500, "asset".to_owned()),
        };
        let name = match &about {
            About::Use { credential, need } => format!("use of {credential} for {need:?}"),
            About::Stranger(number) => format!("stranger {number}"),
            About::Signed { credential, signed } => format!("signed request {signed} of {credential}"),
            About::Change { change, .. } => format!("{change:?}"),
        };
        self.note(|| format!("edge {edge}: {name} sent at {}: {status} {code}", sent - crate::clock::START));
        if status == 500 {
            self.violated("fault", &format!("{name}: {outcome:?}"));
        }
        let (credential, need) = match about {
            About::Use { credential, need } => (credential, need),
            About::Signed { credential, .. } => (credential, Need::Write),
            About::Stranger(number) => {
                if accepted {
                    self.stranger_accepted(number, edge);
                }
                return;
            }
            About::Change { .. } => return,
        };
        if status >= 500 {
            self.counts.undecided += 1;
            if sent >= self.calm_from {
                self.violated("availability", &format!("{name} is answered {status} {code} when nothing fails"));
            }
            return;
        }
        let Credential { organization, token, proof, eventual, .. } = &self.workload.credentials[credential];
        // Of what goes by the directory alone nothing is promised until that has been told.
        let truth = &self.truths[*organization];
        let judged =
            !eventual || (sent >= self.settled_from && !truth.is_put_back(*token) && !truth.is_lost(*token, proof));
        let token = *token;
        if accepted {
            self.counts.accepted += 1;
            self.workload.uses.entry(token).or_default().0 += 1;
            *self.workload.uses_at.entry(edge).or_default().entry(token).or_default() += 1;
            if judged && let Err(what) = truth.may_accept(token, proof, need, sent, self.now) {
                self.violated("I1", &format!("{name} at edge {edge} {what}"));
            }
            if let About::Signed { signed, .. } = self.workload.requests[number].about {
                let signed = &mut self.workload.signed[signed];
                signed.accepted += 1;
                if signed.accepted > 1 {
                    self.violated("I5", &format!("{name} was accepted again at edge {edge}"));
                }
            }
        } else {
            self.counts.refused += 1;
            // Of clocks and repetitions nothing is said here.
            let about_time = matches!(code.as_str(), "signature_stale" | "signature_invalid" | "replayed");
            if judged
                && !about_time
                && let Err(what) = truth.may_refuse(token, proof, need, sent, self.now)
            {
                self.violated("I2", &format!("{name} at edge {edge}: {code}: {what}"));
            }
        }
    }

    /// It has been brought in meanwhile; whoever did that may not know yet.
    fn stranger_accepted(&mut self, number: usize, edge: usize) {
        let Stranger { organization, secret, .. } = &self.workload.strangers[number];
        let disk = &self.objects[*organization].disk;
        let sql = "SELECT token FROM credential WHERE key = ?1";
        match disk.look(sql, &[format!("d:{}", Digest::of(secret)).into()]).first() {
            Some(row) => {
                let token: TokenId = row.parsed(0).expect("a token's id");
                self.workload.uses.entry(token).or_default().0 += 1;
                *self.workload.uses_at.entry(edge).or_default().entry(token).or_default() += 1;
            }
            // Of storage that was put back nobody says any more what it had.
            None if self.plan.put_back.is_some() => {}
            None => self.violated("I1", &format!("stranger {number} was accepted, and nobody has brought it in")),
        }
    }

    /// A client has its answer.
    pub(crate) fn respond(&mut self, number: usize, outcome: Outcome) {
        let Request { about, carried, .. } = &self.workload.requests[number];
        let (About::Change { organization, change }, carried) = (about.clone(), *carried) else { return };
        let Outcome::Respond(response) = outcome else { return };
        let lost = self.fails(self.plan.lost);
        if lost || response.status >= 500 {
            if self.workload.requests[number].sent >= self.calm_from {
                self.violated("availability", &format!("{change:?}: {}", response.body));
            }
            // Whoever does not know asks again.
            if change.can_be_repeated() && self.faulty {
                let (edge, wait) = (self.workload.busy_edge(&mut self.rng), self.rng.i64(0..=1_000));
                self.later(wait, Event::Work(Work::Change { organization, change, edge }));
            }
            return;
        }
        if response.status >= 300 {
            self.note(|| format!("{change:?} is refused: {}", response.body));
            return;
        }
        self.counts.changes += 1;
        let document: Json = serde_json::from_str(&response.body).unwrap_or_default();
        self.note(|| format!("{change:?} returned: {carried:?}"));
        if carried.epoch > self.truths[organization].epoch() {
            self.violated("durability", &format!("{change:?} returned and is nowhere"));
        }
        let eventual = |id: &TokenId| self.workload.credentials.iter().any(|it| it.token == *id && it.eventual);
        if let (Some(id), Some(at)) = (change.token(), document.get("holds_everywhere_at"))
            && at.is_null() != eventual(id)
        {
            self.violated("promise", &format!("{change:?}: it holds everywhere at {at}"));
        }
        let later = matches!(change, Change::Expire(id, _) if self.truths[organization].ends_later(id, carried.epoch));
        if change.holds_when_it_returns() && !later {
            let epoch = if let Some(own) = change.token() {
                // As of when this token was changed: of what else came in the same turn (a rotation that ended, say), and of
                // what came since where this was asked for again, nothing is said.
                self.truths[organization].newest_until(*own, carried.epoch).unwrap_or(0)
            } else if carried.anew {
                carried.epoch
            } else {
                // Asked for again: it holds as of when it had been done, and of what came after nothing is said.
                let about = |it: &&Credential| matches!(&change, Change::Role(member, _) | Change::Suspend(member, _) if it.member == Some(*member));
                let tokens = self.workload.credentials.iter().filter(|it| it.organization == organization);
                let truth = &self.truths[organization];
                let states = tokens.filter(about).filter_map(|it| truth.newest_until(it.token, carried.epoch));
                states.max().unwrap_or(0)
            };
            self.truths[organization].holds_since(self.now, epoch);
        }
        let about = self.changed(organization, &change, &document);
        // Now is when it shows.
        for credential in about {
            for _ in 0..self.rng.usize(1..=4) {
                let edge = self.workload.busy_edge(&mut self.rng);
                let need = if self.rng.bool() { Need::Read } else { Need::Write };
                let at = self.rng.i64(1..=5);
                self.later(at, Event::Work(Work::Use { credential, need, path: "/things", edge }));
            }
        }
    }
}
