//! The effect board: `async` code that runs without a runtime.
//!
//! A [`Task`] is a future that is polled in two places alone: when the host starts it and when the host answers one of
//! its effects. It has no waker, shares nothing with other tasks, and can be dropped at any point. So no promise of one
//! request is ever awaited by another, and a test or a simulation drives the very code that runs at the edge.
//!
//! Code within a task has an [`Io`]: it asks for effects and reads the time that came with the latest answer.

use core::cell::RefCell;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::collections::HashMap;
use std::rc::Rc;

use symbolon::time::Timestamp;

use crate::effect::{Answer, Effect, EffectId};

/// What a task has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// It waits for answers. These effects are new and are to be begun now; there may be none, while older ones are
    /// under way.
    Wait(Vec<(EffectId, Effect)>),
    /// It has ended. Effects still under way no longer matter.
    Done(T),
}

/// A piece of `async` work over effects.
pub struct Task<T> {
    future: Option<Pin<Box<dyn Future<Output = T>>>>,
    board: Rc<RefCell<Board>>,
}

/// What code within a task has of the outside.
#[derive(Clone)]
pub struct Io {
    board: Rc<RefCell<Board>>,
}

#[derive(Debug)]
struct Board {
    now: Timestamp,
    last_id: u32,
    new: Vec<(EffectId, Effect)>,
    /// None: asked, not yet answered.
    answers: HashMap<EffectId, Option<Answer>>,
}

impl<T> Task<T> {
    /// Work that is to be done; nothing happens before [`Task::start`].
    pub fn new<F: Future<Output = T> + 'static>(work: impl FnOnce(Io) -> F) -> Self {
        let board = Rc::new(RefCell::new(Board {
            now: Timestamp::EPOCH,
            last_id: 0,
            new: Vec::new(),
            answers: HashMap::new(),
        }));
        Self { future: Some(Box::pin(work(Io { board: Rc::clone(&board) }))), board }
    }

    /// Begins, at this reading of the clock. Once; later calls do no harm and no good.
    pub fn start(&mut self, now: Timestamp) -> Step<T> {
        self.board.borrow_mut().now = now;
        self.poll()
    }

    /// Goes on with an answer, at this reading of the clock. An answer to an effect that was never asked for, was
    /// answered before or is no longer waited for, and any answer after the end, is passed over.
    pub fn answer(&mut self, now: Timestamp, id: EffectId, answer: Answer) -> Step<T> {
        {
            let mut board = self.board.borrow_mut();
            board.now = now;
            match board.answers.get_mut(&id) {
                Some(slot @ None) => *slot = Some(answer),
                _ => return Step::Wait(Vec::new()),
            }
        }
        self.poll()
    }

    fn poll(&mut self) -> Step<T> {
        let Some(future) = &mut self.future else { return Step::Wait(Vec::new()) };
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => {
                self.future = None;
                Step::Done(value)
            }
            Poll::Pending => Step::Wait(core::mem::take(&mut self.board.borrow_mut().new)),
        }
    }
}

impl Io {
    /// The time: the reading of the clock that came with the start or the latest answer.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.board.borrow().now
    }

    /// Has the host do something, and waits for what it comes to.
    pub async fn perform(&self, effect: Effect) -> Answer {
        let waiting = Waiting { board: &self.board, id: self.board.borrow_mut().ask(effect) };
        poll_fn(|_| waiting.poll()).await
    }
}

impl Board {
    fn ask(&mut self, effect: Effect) -> EffectId {
        self.last_id = self.last_id.saturating_add(1);
        let id = EffectId(self.last_id);
        self.new.push((id, effect));
        self.answers.insert(id, None);
        id
    }
}

/// An effect that somebody waits for. Dropped, its answer no longer matters.
struct Waiting<'a> {
    board: &'a RefCell<Board>,
    id: EffectId,
}

impl Waiting<'_> {
    fn poll(&self) -> Poll<Answer> {
        match self.board.borrow_mut().answers.get_mut(&self.id).and_then(Option::take) {
            Some(answer) => Poll::Ready(answer),
            None => Poll::Pending,
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut board = self.board.borrow_mut();
        board.answers.remove(&self.id);
        // Never told to the host: it need not be begun at all.
        board.new.retain(|(id, _)| *id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::future::{or, zip};

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn read(key: &str) -> Effect {
        Effect::Directory { key: key.to_owned() }
    }

    fn text(text: &str) -> Answer {
        Answer::Text { text: text.to_owned() }
    }

    #[test]
    fn a_task_goes_on_from_answer_to_answer_with_the_time_of_each() {
        let mut task = Task::new(|io: Io| async move {
            let first = (io.now(), io.perform(read("a")).await, io.now());
            (first, io.perform(read("b")).await, io.now())
        });
        assert_eq!(task.start(at(1)), Step::Wait(vec![(EffectId(1), read("a"))]));
        assert_eq!(task.answer(at(2), EffectId(1), Answer::Absent), Step::Wait(vec![(EffectId(2), read("b"))]));
        let first = (at(1), Answer::Absent, at(2));
        assert_eq!(task.answer(at(3), EffectId(2), text("x")), Step::Done((first, text("x"), at(3))));
    }

    #[test]
    fn two_effects_are_under_way_at_once_and_are_answered_in_any_order() {
        let mut task = Task::new(|io: Io| async move { zip(io.perform(read("a")), io.perform(read("b"))).await });
        assert_eq!(task.start(at(1)), Step::Wait(vec![(EffectId(1), read("a")), (EffectId(2), read("b"))]));
        assert_eq!(task.answer(at(2), EffectId(2), text("b")), Step::Wait(vec![]));
        assert_eq!(task.answer(at(2), EffectId(1), text("a")), Step::Done((text("a"), text("b"))));
    }

    #[test]
    fn what_nobody_waits_for_is_passed_over() {
        let mut task = Task::new(|io: Io| async move {
            let first = or(io.perform(read("a")), io.perform(read("b"))).await;
            (first, io.perform(read("c")).await)
        });
        task.start(at(1));
        assert_eq!(task.answer(at(1), EffectId(9), text("never asked")), Step::Wait(vec![]));
        assert_eq!(task.answer(at(2), EffectId(2), text("b")), Step::Wait(vec![(EffectId(3), read("c"))]));
        assert_eq!(task.answer(at(3), EffectId(1), text("lost the race")), Step::Wait(vec![]));
        assert_eq!(task.answer(at(3), EffectId(2), text("again")), Step::Wait(vec![]));
        assert_eq!(task.answer(at(4), EffectId(3), text("c")), Step::Done((text("b"), text("c"))));
        assert_eq!(task.answer(at(5), EffectId(3), text("after the end")), Step::Wait(vec![]));
        assert_eq!(task.start(at(5)), Step::Wait(vec![]));
    }

    #[test]
    fn an_effect_that_is_dropped_before_it_was_told_is_never_begun() {
        let mut task = Task::new(|io: Io| async move {
            let raced = or(io.perform(read("a")), async { Answer::Absent }).await;
            (raced, io.perform(read("b")).await)
        });
        assert_eq!(task.start(at(1)), Step::Wait(vec![(EffectId(2), read("b"))]));
    }

    #[test]
    fn dropping_a_task_drops_what_it_holds() {
        let held = Rc::new(());
        let kept = Rc::clone(&held);
        let mut task = Task::new(|io: Io| async move {
            io.perform(read("a")).await;
            drop(kept);
        });
        task.start(at(1));
        assert_eq!(Rc::strong_count(&held), 2);
        drop(task);
        assert_eq!(Rc::strong_count(&held), 1);
    }
}
