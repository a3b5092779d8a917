//! Wirelore: see ARCHITECTURE.md.
