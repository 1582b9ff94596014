//! What a call leaves behind on the stack. Moving a value copies it, and the old copy stays in linear memory, where a
//! later reader of that memory would find it.

use zeroize::Zeroize as _;

/// More than any call here uses: signing with p256 takes some 10 KiB.
const DEPTH: usize = 32 * 1024;

/// Runs `call`, and then overwrites the stack below its caller.
pub(crate) fn wiped<T>(call: impl FnOnce() -> T) -> T {
    let outcome = call();
    wipe();
    outcome
}

#[inline(never)]
fn wipe() {
    let mut room = [0_u8; DEPTH];
    // Written in a way that the compiler cannot leave out.
    room.zeroize();
    core::hint::black_box(&room);
}
