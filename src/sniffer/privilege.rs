//! Giving privilege away: what is open stays open, nothing more can be opened with it.

/// Lets go of every capability, and of the hope to get one back by starting something. Called before there are other threads.
///
/// Where the system refuses, there was nothing to give away, or it is no system that knows capabilities: going on is no worse.
pub fn give_away() {
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities, set_no_new_privs};
        let none = CapabilitySet::empty();
        let _ = set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none });
        let _ = set_no_new_privs(true);
    }
}
