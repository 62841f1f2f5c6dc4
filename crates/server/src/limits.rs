//! Limits of the hub's HTTP side, each with its reason (I10). Limits on what senders say stand in `model::limits`.

use model::DurationMs;

/// Connections at once: a few thousand senders that keep theirs open, far below the usual 65,536 descriptors.
pub const CONNECTIONS_MAX: usize = 8192;
/// Head of a request in bytes: browsers' largest cookies fit; more is answered with 431.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// How long a connection may take for a request's head, idle time before it included. Prometheus re-sends each
/// minute over a connection that it keeps: that must not be cut just before.
pub const HEAD_WITHIN: DurationMs = DurationMs::from_secs(75);
/// How long a whole body may take: 10 MB over a line of 3 Mbit/s.
pub const BODY_WITHIN: DurationMs = DurationMs::from_secs(30);
/// A peer that takes nothing of what it asked for is cut after this long. SSE's comments come more often.
pub const WRITE_STALL_MAX: DurationMs = DurationMs::from_secs(30);
/// How long stopping waits for requests that are being answered.
pub const STOP_GRACE: DurationMs = DurationMs::from_secs(10);
/// How long accepting pauses after an error such as "too many open files".
pub const ACCEPT_PAUSE: DurationMs = DurationMs::from_secs(1);

/// Bodies above this are decoded on a thread of their own and need a permit: 256 kB of JSON take about 2 ms.
pub const SMALL_BODY_BYTES: usize = 256 * 1024;
/// Bodies above `SMALL_BODY_BYTES` in memory at once: 16 × 10 MB.
pub const LARGE_BODIES_MAX: usize = 16;
/// What is read and thrown away of a body over the limit, so that its sender hears why instead of a reset.
pub const DRAIN_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Alerts in one answer to a dialect's reading clients: karma and amtool hold far fewer.
pub const READ_ALERTS_MAX: usize = 10_000;

/// A body of the native API: the longest note is 25,000 characters of up to 4 bytes (JSON may escape each as 12).
pub const API_BODY_BYTES_MAX: usize = 512 * 1024;
/// Requests of the native API at once: more only wait for the store's readers.
pub const API_REQUESTS_MAX: usize = 64;
/// Streams at once: each reads the feed for itself.
pub const STREAMS_MAX: usize = 100;
/// Events that a stream reads at once; what a slow client holds in memory.
pub const STREAM_PAGE: usize = 100;
/// A stream gathers changes for so long: bounds its reading to twenty pages a second.
pub const STREAM_GATHER: DurationMs = DurationMs(50);
/// A stream looks by itself this often (I11).
pub const STREAM_POLL: DurationMs = DurationMs::from_secs(5);
/// Comments that keep a quiet stream alive through proxies, which cut after a minute or half of it.
pub const STREAM_KEEP_ALIVE: DurationMs = DurationMs::from_secs(15);
/// Rows of a page when the client names no limit.
pub const PAGE_DEFAULT: usize = 100;
/// A name in `by` or `to`, in characters: an e-mail address has at most 254.
pub const NAME_CHARS_MAX: usize = 256;
/// A text that is looked for, in characters.
pub const SEARCH_CHARS_MAX: usize = 256;
/// The longest `for` of an acknowledgement or a shelving: a year; longer is a slip.
pub const LASTING_MAX: DurationMs = DurationMs::from_hours(24 * 366);
/// How long `/readyz` waits for the store.
pub const READY_WITHIN: DurationMs = DurationMs::from_secs(2);
