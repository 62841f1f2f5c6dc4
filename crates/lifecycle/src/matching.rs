//! Matchers: parsing and evaluation.
