//! What PagerDuty is and needs, as data.

use model::{Capabilities, Manner};

use super::change::ChangeSettings;
use super::kind::PagerDutySettings;
use crate::kit::{Edition, ErrorSentence, SinkManifest};

/// The Events API alone: what needs more is added by settings, and acks may be left to PagerDuty (M6).
const CAN: Capabilities = Capabilities {
    update: true,
    ack: true,
    unack: false,
    note: false,
    assign: false,
    snooze: false,
    // "Correlation": an event for a key without an open alert is dropped.
    ignores_unknown_close: true,
    // The dedup key is ours.
    idempotent: true,
    late_request_changes_state: true,
    pages: true,
};

pub static MANIFEST: SinkManifest = SinkManifest {
    name: "pagerduty",
    vendor: "pagerduty",
    title: "PagerDuty",
    about: "An incident in a PagerDuty service for each alert: triggered when it opens, resolved when it closes. PagerDuty pages people, so it takes no notifications (`pagerduty_change` shows those beside the incidents), and with `acknowledge_from: pagerduty` acknowledging is left to PagerDuty alone. Its Events API knows no notes, snoozes or withdrawn acknowledgements: with `api_token` they go through its REST API. An assignment stands in the alert's details.",
    docs: "PagerDuty's developer documentation, Events API v2 and REST API v2, https://developer.pagerduty.com (read 2026-11)",
    manner: Manner::Lifecycle,
    can: CAN,
    setup: &[
        "In PagerDuty open the service that shall be alerted (or make one), its Integrations tab, and choose Add an integration.",
        "Choose Events API V2 and Add.",
        "Open the new integration and copy its Integration Key (other documents call it Routing Key). Enter it here; whoever has it can page: it is kept like a password.",
        "Choose the region of your account: `eu` if its address is under eu.pagerduty.com.",
        "If notes, snoozes and withdrawn acknowledgements shall reach PagerDuty too, make a REST API key (Integrations, API Access Keys) and enter it as `api_token`, with the e-mail address of a PagerDuty user as `from`.",
        "Test the integration: an incident is triggered and resolved again. PagerDuty takes events with a wrong key too and drops them: if nothing appears, check the key.",
    ],
    errors: &ERRORS,
    schema: || schemars::schema_for!(PagerDutySettings),
    deadline_ms: 10_000,
    // In doubt about an open incident: trigger it, look for it twice, withdraw the acknowledgement.
    requests_max: 4,
    takes_issues: true,
    takes_notifications: false,
    edition: Edition::Current,
};

pub static CHANGE_MANIFEST: SinkManifest = SinkManifest {
    name: "pagerduty_change",
    vendor: "pagerduty",
    title: "PagerDuty change events",
    about: "A change event in a PagerDuty service for each notification: shown beside the service's incidents for 90 days, and nobody is paged. For alerts choose `pagerduty`.",
    docs: "PagerDuty's developer documentation, \"Send a change event\", https://developer.pagerduty.com (read 2026-11)",
    manner: Manner::Log,
    can: Capabilities {
        update: false,
        ack: false,
        unack: false,
        note: false,
        assign: false,
        snooze: false,
        ignores_unknown_close: false,
        // A change event has no key of ours.
        idempotent: false,
        late_request_changes_state: false,
        pages: false,
    },
    setup: &[
        "In PagerDuty open the service, its Integrations tab, and choose Add an integration, Events API V2.",
        "Open the new integration and copy its Integration Key. Enter it here. Keys of rulesets, which begin with R, take no change events.",
        "Choose the region of your account: `eu` if its address is under eu.pagerduty.com.",
        "Test the integration: a change appears under the service's recent changes.",
    ],
    errors: &ERRORS,
    schema: || schemars::schema_for!(ChangeSettings),
    deadline_ms: 10_000,
    requests_max: 1,
    takes_issues: false,
    takes_notifications: true,
    edition: Edition::Current,
};

const fn error(code: &'static str, sentence: &'static str) -> ErrorSentence {
    ErrorSentence { code, sentence }
}

/// What `errors` of a refused event speak of, statuses, and the REST API's codes ("Errors", read 2026-11).
static ERRORS: [ErrorSentence; 16] = [
    error(
        "routing_key",
        "PagerDuty refuses the integration key: copy the Integration Key of the service's Events API V2 integration again.",
    ),
    error(
        "400",
        "PagerDuty refuses the event as this hub wrote it (400); it is sent once more in a shorter form.",
    ),
    error(
        "404",
        "There is no Events API at this address (404): check `region` and `base_url`.",
    ),
    error(
        "413",
        "The event is larger than PagerDuty takes (413); it is sent once more in a shorter form.",
    ),
    error(
        "429",
        "PagerDuty takes about 120 events a minute for one key and drops what is above (429); it will be tried again.",
    ),
    error(
        "402",
        "The PagerDuty account's plan lacks an ability that this needs (402): ask the account's owner.",
    ),
    error(
        "1013",
        "PagerDuty does not take this length of a snooze (code 1013): it is from one second to seven days.",
    ),
    error(
        "1019",
        "The incident was merged into another one in PagerDuty, so it cannot be changed (code 1019).",
    ),
    error(
        "2001",
        "PagerDuty's REST API refuses the request (code 2001): check that `from` is the e-mail address of a user of the account.",
    ),
    error(
        "2006",
        "PagerDuty does not know the REST API key (code 2006): replace `api_token`.",
    ),
    error(
        "2010",
        "The REST API key may not do this (code 2010): replace `api_token` by one that may write incidents.",
    ),
    error(
        "2012",
        "The PagerDuty account has expired (code 2012): ask the account's owner.",
    ),
    error(
        "2016",
        "PagerDuty's REST API took too long (code 2016); it may have done it or not.",
    ),
    error(
        "2020",
        "PagerDuty's REST API takes 960 requests a minute for one key (code 2020); it will be tried again.",
    ),
    error(
        "2100",
        "PagerDuty does not know the incident (code 2100): it may have been deleted.",
    ),
    error(
        "5001",
        "PagerDuty does not know the incident (code 5001): it may have been deleted.",
    ),
];

/// Said where the REST API lists no open incident with the alert's key.
pub const NO_INCIDENT: &str = "PagerDuty has no open incident with this alert's key that `api_token` can see, so this was left out: it may be resolved there, or the integration key is not known.";
