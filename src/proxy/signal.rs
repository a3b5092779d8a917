//! Waiting for the word to stop.

use std::io;

/// Waits for SIGINT or SIGTERM, or until somebody has had enough.
///
/// # Errors
/// They cannot be listened for.
pub fn wait(enough: &tokio::sync::Notify) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = enough.notified() => {}
        }
        Ok(())
    })
}
