//! A record that several sources write while one session reads it: what a tab of the window holds, so that a proxy and captures on
//! interfaces stand in one list.

use crate::session::Session;
use std::sync::Arc;
use wirelore_record::Recorder;

/// The record, and what reads it.
pub struct Bench {
    /// Where sources write.
    pub recorder: Recorder,
    /// Beside that of the window: dropped, it ends nothing.
    pub session: Session,
}

impl Bench {
    /// Of a session that reads along with a recorder.
    #[must_use]
    pub fn new(recorder: &Recorder, session: &Session) -> Arc<Bench> {
        Arc::new(Bench { recorder: recorder.clone(), session: session.beside() })
    }

    /// What the window was handed.
    #[must_use]
    pub fn of(handed: &wirelore_window::door::Bench) -> Option<Arc<Bench>> {
        Arc::clone(handed).downcast::<Bench>().ok()
    }
}
