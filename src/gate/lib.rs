//! The gate: rules and breakpoints, which say what becomes of a message on its way.
