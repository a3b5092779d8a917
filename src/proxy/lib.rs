//! The proxy: stands between clients and servers, passes on what they say byte for byte, and records it.
