//! The sandbox over its real listener, spoken to by a client that knows nothing of it.

/// `cfg(test)` so that clippy takes helpers for test code too, which may unwrap.
#[cfg(test)]
mod cases {
    mod datadog;
    mod faults;
    mod flowdock;
    mod hipchat;
    mod host;
    mod newrelic;
    mod opsgenie;
    mod opsgenie_rules;
    mod pagerduty;
    mod pages;
    mod record;
    mod sendgrid;
    mod slack_hooks;
    mod slack_limits;
    mod slack_methods;
    mod slack_updates;
    mod victorops;
    mod webhook;
}
