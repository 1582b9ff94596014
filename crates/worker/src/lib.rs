//! The Cloudflare adapter: what the JavaScript host in `js/` calls, and nothing that decides.
//!
//! All I/O and every promise is JavaScript's; WebAssembly runs to its end on every call. Two classes cross the border:
//! [`Gate`], one for each isolate, and [`Authority`], one for each Durable Object. Whoever traps is thrown away with
//! its instance, and its host makes another.

mod authority;
mod flat;
mod gate;
mod store;
#[cfg(feature = "test-hooks")]
mod test_hooks;

pub use authority::Authority;
pub use gate::Gate;

use serde::Serialize;
use symbolon::time::Timestamp;

/// `Date.now()` as a time.
fn time(now_millis: f64) -> Timestamp {
    #[expect(clippy::as_conversions, reason = "a float becomes the nearest integer, and NaN becomes 0")]
    Timestamp::from_millis(now_millis as i64)
}

/// What the host is told. Our own types are always JSON; if one were not, the host reads this as a fault.
fn to_json(told: &impl Serialize) -> String {
    serde_json::to_string(told).unwrap_or_default()
}
