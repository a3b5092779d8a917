//! The session file: what passed through the proxy, as packets that any analyzer opens, written while it happens.
