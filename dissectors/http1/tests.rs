//! Unit tests of the grammar.
