//! Lanes: what each integration is told, when, and why not.
