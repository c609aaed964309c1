//! Guards that a test build can switch off, so that a checker can show that it would notice: without the feature
//! `teeth` every guard is on; with it, `TODO_TEETH` names those that are off (`version-reuse,majority`).

#[cfg(all(feature = "teeth", not(debug_assertions)))]
compile_error!("the feature `teeth` takes guards away: it is for test builds, never for a release");

/// What keeps a race from happening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    /// A version never comes twice for an id, also over a delete and a new create.
    VersionReuse,
    /// Writes are acknowledged by a majority, and reads see only what one has.
    Majority,
}

#[cfg(not(feature = "teeth"))]
pub(crate) const fn is_off(_: Guard) -> bool {
    false
}

#[cfg(feature = "teeth")]
pub(crate) fn is_off(guard: Guard) -> bool {
    let name = match guard {
        Guard::VersionReuse => "version-reuse",
        Guard::Majority => "majority",
    };
    std::env::var("TODO_TEETH").is_ok_and(|off| off.split(',').any(|off| off == name))
}
