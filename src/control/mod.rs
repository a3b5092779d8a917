//! The control socket: whoever runs the proxy steers it from other programs, in lines of JSON.
//!
//! A line `{"id": 1, "do": "status"}` is answered by a line `{"id": 1, "ok": true, "result": ...}` or
//! `{"id": 1, "ok": false, "error": "..."}`. After `{"do": "events"}` lines `{"event": ...}` come as things happen. Only the user who runs
//! the proxy can open the socket.

mod ask;
mod live;
mod orders;
mod running;
mod serve;

pub use ask::{run, send};
pub use running::Running;
pub use serve::{Control, serve};

use serde_json::Value;

/// What the control socket steers besides the gate.
pub trait Steered: Send + Sync {
    /// Where it listens, what it records, how much came.
    fn status(&self) -> Value;
    /// Ends the proxy as Ctrl+C does.
    fn stop(&self);
    /// Sends a request of our own and says what came back.
    ///
    /// # Errors
    /// What is wrong with the order, or what failed.
    fn send(&self, order: &Value) -> Result<Value, String>;
    /// The options that can be changed while it runs, with their values.
    fn options(&self) -> Value;
    /// Sets one of them: a text, a number, true or false; or an array where it has several values.
    ///
    /// # Errors
    /// It is not known, or the value does not fit.
    fn set(&self, name: &str, value: &Value) -> Result<(), String>;
}
