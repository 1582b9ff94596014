//! Ctrl-C, told to whoever can still put things right; and waiting for a server without being deaf to it.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// How often a wait looks up.
const LOOK: Duration = Duration::from_millis(50);
/// The exit code of a process that a second Ctrl-C ends.
const EXIT_CODE: i32 = 130;

/// Where Ctrl-C is told. The second one ends the process at once: whoever presses it again waits no longer.
pub(crate) struct Interrupts {
    told: Receiver<()>,
    came: Cell<bool>,
}

/// How a wait ended.
pub(crate) enum Waited<T> {
    /// With its result.
    Done(T),
    /// By Ctrl-C; with the result where that came soon after.
    Interrupted(Option<T>),
}

impl Interrupts {
    /// Takes Ctrl-C over, once in a process.
    ///
    /// # Errors
    /// [`Failure::Local`] where the system does not let us.
    pub(crate) fn watch() -> Result<Self, Failure> {
        let (sender, told) = mpsc::channel();
        let again = AtomicBool::new(false);
        ctrlc::set_handler(move || {
            if again.swap(true, Ordering::Relaxed) {
                std::process::exit(EXIT_CODE);
            }
            let _told = sender.send(());
        })
        .map_err(|error| Failure::local("watching for Ctrl-C", error))?;
        Ok(Self { told, came: Cell::new(false) })
    }

    /// Whether it has come, or comes within this time.
    pub(crate) fn within(&self, time: Duration) -> bool {
        if !self.came.get() && self.told.recv_timeout(time).is_ok() {
            self.came.set(true);
        }
        self.came.get()
    }

    /// Waits for what blocks, such as a server's answer; after Ctrl-C no longer than `grace`.
    pub(crate) fn during<T: Send + 'static>(
        &self,
        grace: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Waited<T> {
        let (sender, done) = mpsc::channel();
        thread::spawn(move || {
            // Whoever waited may have given up.
            let _told = sender.send(work());
        });
        let mut since = None;
        loop {
            match done.recv_timeout(LOOK) {
                Ok(result) if self.came.get() => return Waited::Interrupted(Some(result)),
                Ok(result) => return Waited::Done(result),
                // The thread is gone without a result: there is none to wait for.
                Err(RecvTimeoutError::Disconnected) => return Waited::Interrupted(None),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.within(Duration::ZERO) {
                let since: Instant = *since.get_or_insert_with(Instant::now);
                if since.elapsed() >= grace {
                    return Waited::Interrupted(None);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interrupts() -> (mpsc::Sender<()>, Interrupts) {
        let (sender, told) = mpsc::channel();
        (sender, Interrupts { told, came: Cell::new(false) })
    }

    #[test]
    fn a_wait_ends_with_its_result_or_with_ctrl_c() {
        let (ctrl_c, interrupts) = interrupts();
        assert!(matches!(interrupts.during(Duration::ZERO, || 7), Waited::Done(7)));
        ctrl_c.send(()).unwrap();
        let (release, held) = mpsc::channel::<()>();
        assert!(matches!(interrupts.during(Duration::ZERO, move || held.recv()), Waited::Interrupted(None)));
        drop(release);
        assert!(interrupts.within(Duration::ZERO), "it is remembered");
    }

    #[test]
    fn what_comes_soon_after_ctrl_c_is_not_lost() {
        let (ctrl_c, interrupts) = interrupts();
        ctrl_c.send(()).unwrap();
        assert!(interrupts.within(Duration::ZERO));
        let waited = interrupts.during(Duration::from_secs(60), || "granted");
        assert!(matches!(waited, Waited::Interrupted(Some("granted"))));
    }
}
