//! Worlds that are wrong on purpose: in each a rule that the protocol rests on does not hold, and a run must notice.

/// A rule that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Answers to changes leave after half of their wait.
    WaitCut,
    /// Effects leave before what they rest on is durable.
    GateOpen,
    /// Lists of changes arrive empty.
    ChangesDropped,
    /// Answers that come late carry the epoch of the latest one.
    LateAnswersKept,
    /// An authority's answers carry what the directory says of a record.
    DirectoryTrusted,
    /// A batch of uses that arrives twice does so under another name.
    BatchRenamed,
    /// A replay memory begins empty after a restart.
    ReplayForgotten,
    /// A put to the directory that failed is said to have succeeded.
    PutLost,
    /// Alarms do not come.
    AlarmLost,
    /// Clocks step back by more than the margin, and no reading shows it.
    ClockHidden,
    /// A new instance finds no horizon of the former one.
    HorizonLost,
    /// The writes of an instance that was superseded do not fail.
    FenceSkipped,
    /// What is put into the directory is what was there first.
    DirectoryFrozen,
    /// Nobody starts over where an authority's storage was put back to an older state.
    StartOverLost,
}

impl Variant {
    /// All of them, with the names that the command line knows.
    pub const ALL: &[(&str, Self)] = &[
        ("wait-cut", Self::WaitCut),
        ("gate-open", Self::GateOpen),
        ("changes-dropped", Self::ChangesDropped),
        ("late-answers-kept", Self::LateAnswersKept),
        ("directory-trusted", Self::DirectoryTrusted),
        ("batch-renamed", Self::BatchRenamed),
        ("replay-forgotten", Self::ReplayForgotten),
        ("put-lost", Self::PutLost),
        ("alarm-lost", Self::AlarmLost),
        ("clock-hidden", Self::ClockHidden),
        ("horizon-lost", Self::HorizonLost),
        ("fence-skipped", Self::FenceSkipped),
        ("directory-frozen", Self::DirectoryFrozen),
        ("start-over-lost", Self::StartOverLost),
    ];
}
