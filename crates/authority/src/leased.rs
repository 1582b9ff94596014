//! How an event comes to a machine that grants leases: the takeover, once for all of them.
//!
//! Until the write that fences a former machine is confirmed, events wait; then the machine reads its state and handles
//! them in their order. Calls that cannot be handled are answered as failed, and nothing is lost silently.

use symbolon::time::Timestamp;

use crate::leases::Entry;
use crate::machine::{Context, Effect, Event};
use crate::store::StoreError;

/// A machine that grants leases.
pub(crate) trait Leased {
    /// Why it cannot begin to answer.
    type Fault: core::fmt::Display;

    /// What is to become of an event: [`Leases::enter`](crate::leases::Leases::enter) over the machine's tables.
    ///
    /// # Errors
    /// The store's, with the event.
    fn enter(&mut self, event: Event) -> Result<Entry, (Event, StoreError)>;

    /// Completes older tables and begins to answer: no other machine can, or this one has just made the tables. The effect
    /// is the takeover's timer.
    ///
    /// # Errors
    /// That the tables cannot be read; then it does not answer.
    fn open(&mut self, now: Timestamp) -> Result<Option<Effect>, Self::Fault>;

    /// It could not be opened: the next event begins anew.
    fn not_opened(&mut self);

    /// Handles an event, also before anybody has founded what the machine is for.
    fn handle(&mut self, context: &mut Context<'_>, event: Event) -> Vec<Effect>;

    /// What is to be done in place of an event that cannot be handled and was not a call.
    fn lost(&self, _now: Timestamp, _event: &Event) -> Option<Effect> {
        None
    }
}

/// Takes an event.
pub(crate) fn on<M: Leased>(machine: &mut M, context: &mut Context<'_>, event: Event) -> Vec<Effect> {
    let now = context.now;
    match machine.enter(event) {
        Ok(Entry::Handle(event)) => machine.handle(context, event),
        Ok(Entry::Fenced(events)) => match machine.open(now) {
            Ok(timer) => {
                let mut effects: Vec<Effect> = timer.into_iter().collect();
                for event in events {
                    effects.extend(machine.handle(context, event));
                }
                effects
            }
            Err(fault) => {
                machine.not_opened();
                let fault = fault.to_string();
                events.iter().filter_map(|event| give_up(machine, now, event, &fault)).collect()
            }
        },
        Ok(Entry::Wait(effect)) => effect.into_iter().collect(),
        Ok(Entry::Full(event)) => {
            give_up(machine, now, &event, "too many calls came before the machine had taken over").into_iter().collect()
        }
        Err((event, fault)) => give_up(machine, now, &event, &fault.to_string()).into_iter().collect(),
    }
}

fn give_up<M: Leased>(machine: &M, now: Timestamp, event: &Event, fault: &str) -> Option<Effect> {
    match event {
        Event::Call { id, .. } => Some(Effect::Fail { id: *id, fault: fault.to_owned() }),
        _ => machine.lost(now, event),
    }
}
