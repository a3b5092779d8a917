//! Certificates: our own authority and what it signs, whom upstream is believed to be and why not, and trust that can be undone.
