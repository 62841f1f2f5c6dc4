//! SQLite: one writer thread, readers beside it.
