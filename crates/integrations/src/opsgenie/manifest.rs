//! The errors that Opsgenie and Jira Service Management have in common.

use crate::kit::ErrorSentence;

/// One sentence an error: statuses, and codes within a 403 (Opsgenie's documentation, "API Overview", read 2026-11).
pub(crate) static SENTENCES: [ErrorSentence; 10] = [
    ErrorSentence {
        code: "400",
        sentence: "The request was not readable (400): a proxy or bridge in between may have changed it, otherwise it is a fault of this hub.",
    },
    ErrorSentence {
        code: "401",
        sentence: "The key was refused (401): it is wrong, belongs to another region, or its integration is switched off; check all three.",
    },
    ErrorSentence {
        code: "402",
        sentence: "The account's plan does not allow this (402): ask the account's owner.",
    },
    ErrorSentence {
        code: "403",
        sentence: "The key may not do this (403): in the API integration tick Create and Update Access, and Read Access as well.",
    },
    ErrorSentence {
        code: "40301",
        sentence: "The key lacks a right (40301): in the API integration tick Create and Update Access, and Read Access as well.",
    },
    ErrorSentence {
        code: "40302",
        sentence: "This kind of integration or plan does not support the request (40302): use the key of an integration of the type API.",
    },
    ErrorSentence {
        code: "404",
        sentence: "There is no alert API at this address (404): check the region and `base_url`.",
    },
    ErrorSentence {
        code: "422",
        sentence: "A field was not accepted (422): check the names of teams and people in the settings; the answer says which field.",
    },
    ErrorSentence {
        code: "429",
        sentence: "The account's limit of requests is reached (429): what is owed waits.",
    },
    ErrorSentence {
        code: "503",
        sentence: "The service is not available (503); it may have taken the request or not, so it will be repeated.",
    },
];
