//! Limits on the configuration file (I10).

/// The file in bytes: 5,000 machines with a source of their own each need about 1 MB.
pub const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Lists and maps inside each other: what we read is at most 8 deep, settings of vendors may nest further.
pub const DEPTH_MAX: usize = 32;
/// Values in the file: ten times what 5,000 sources and as many integrations need.
pub const NODES_MAX: usize = 500_000;
/// Problems reported at once; nobody reads more, and a file of another kind would give one for every line.
pub const PROBLEMS_MAX: usize = 200;
/// A secret's file in bytes: private keys with their chains have about 10 kB.
pub const SECRET_FILE_BYTES_MAX: usize = 64 * 1024;
/// Names of projects, sources and integrations, in characters: they stand in tables and metric labels.
pub const NAME_CHARS_MAX: usize = 100;
/// A source's key, in characters: 16 random hexadecimal digits cannot be guessed over a network.
pub const KEY_CHARS_MIN: usize = 16;
/// A source's key, in characters: it stands in URLs, whose length proxies limit to about 4,000.
pub const KEY_CHARS_MAX: usize = 256;
/// Retention in hours: with less, what people were just called about is gone before they look.
pub const RETENTION_HOURS_MIN: i64 = 1;
/// A duration in days: longer ones are slips of the unit.
pub const DURATION_DAYS_MAX: i64 = 366;
/// Openings from which on an alert may count as flapping: one alone is no change to and fro.
pub const FLAPPING_CHANGES_MIN: i64 = 2;
/// Openings up to which it may not: nobody wants to be told more often than that of one key.
pub const FLAPPING_CHANGES_MAX: i64 = 1000;
