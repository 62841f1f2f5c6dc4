//! Every number of this crate, each with its reason (I10).

/// Longest time for resolving, connecting and the TLS handshake together. Shorter than any deadline in use, so that a
/// dead host is reported as "never sent" instead of eating the whole deadline.
pub const CONNECT_MS: u64 = 10_000;
/// Longest time for one address when more are left to try: a host with a broken IPv6 route still answers over IPv4.
pub const CONNECT_ADDRESS_MS: u64 = 3_000;
/// Addresses tried for one name. Large services answer with up to eight; more would only prolong a failure.
pub const ADDRESSES_TRIED_MAX: usize = 8;
/// Name look-ups at a time. Each holds a thread of the runtime's blocking pool until the resolver gives up.
pub const LOOKUPS_AT_ONCE_MAX: usize = 64;
/// Longest time a request may take, whatever the caller asks: claims have leases, and nothing may outlive them.
pub const DEADLINE_MS_MAX: u64 = 300_000;
/// Idle connections kept for one host: as many as its deliveries in flight, or each wave would connect anew.
pub const IDLE_PER_HOST_MAX: usize = 256;
/// Idle connections kept in all: well under the usual limit of 1,024 open files.
pub const IDLE_TOTAL_MAX: usize = 512;
/// Seconds that an idle connection is kept. Balancers commonly close theirs after 60 s or more; closing first avoids
/// the race in which a request meets a connection that is being closed, which would leave its delivery in doubt.
pub const IDLE_SECONDS_MAX: u16 = 20;
/// Pooled connections that one request may try before it opens its own.
pub const POOLED_TRIES_MAX: u32 = 3;
/// Longest wait for a pooled connection to become ready. It is ready in microseconds unless the vendor answered
/// before it had read the request before.
pub const POOLED_READY_MS: u64 = 100;
/// Longest head of a reply, and the size of a connection's read buffer. Vendors' heads are below 8 kB.
pub const REPLY_HEAD_BYTES_MAX: usize = 64 * 1024;
/// Longest URL that is sent. Signed links of Power Automate are below 1 kB; servers refuse more than 8 kB.
pub const URL_BYTES_MAX: usize = 8 * 1024;

/// How far a signed timestamp may be from our clock: Standard Webhooks and Slack both say five minutes.
pub const SIGNATURE_TOLERANCE_MS: i64 = 300_000;
/// Signatures looked at in one header: a sender in rotation has two or three.
pub const SIGNATURES_MAX: usize = 16;

/// Longest secret that is sealed: a PEM chain with its key fits.
pub const SECRET_BYTES_MAX: usize = 64 * 1024;
/// Keys in one key ring: a monthly rotation kept for more than two years.
pub const KEYS_MAX: usize = 32;

/// Longest template. Particle's are below 1 kB; MongoDB's body templates may have 16 kB.
pub const TEMPLATE_BYTES_MAX: usize = 16 * 1024;
/// Tags in one template: bounds the parser's work.
pub const TEMPLATE_TAGS_MAX: usize = 1_000;
/// Blocks inside blocks: bounds the parser's and the renderer's recursion.
pub const TEMPLATE_DEPTH_MAX: usize = 12;
/// Brackets inside brackets within one tag, for the same reason.
pub const TEMPLATE_TAG_DEPTH_MAX: usize = 6;
/// Rounds of all loops in one rendering: nested loops multiply.
pub const TEMPLATE_ROUNDS_MAX: usize = 10_000;
/// Longest rendered text: PagerDuty takes 512,000 bytes, no vendor of ours more.
pub const RENDERED_BYTES_MAX: usize = 512 * 1024;

/// Secrets shorter than this are not looked for in excerpts: they would blot out ordinary words.
pub const REDACTED_CHARS_MIN: usize = 4;
/// Parts of a secret URL that are at least this long are secrets themselves: tokens are longer than words.
pub const REDACTED_URL_PART_MIN: usize = 12;
