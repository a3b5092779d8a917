//! The window as a person meets it: clicks, keys, pictures; over a real store with a demonstration in it.

mod conversations;
mod demo;
mod exporting;
mod kit;
mod pictures;
mod proxied;
mod sieving;
mod soft;
mod sources;
mod use_it;
