//! What goes wrong between us and a hub, said with what to do about it.

/// Why a hub did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// Operator: the address cannot be used.
    #[error(
        "`{hub}` is not a hub's address: {why}.\nGive --hub (or CAMPANILE_HUB) such as http://127.0.0.1:8080."
    )]
    BadAddress { hub: String, why: &'static str },
    /// Nobody listens there.
    #[error(
        "no hub answers at {hub} ({why}).\nStart one with `campanile serve --config FILE` or `campanile demo`, or give its address: --hub URL (or CAMPANILE_HUB)."
    )]
    NoHub { hub: String, why: String },
    /// The hub or the network is slow.
    #[error(
        "the hub at {hub} did not answer within {seconds} s.\nIt may be busy: look at {hub}/readyz, and try again."
    )]
    Timeout { hub: String, seconds: u64 },
    /// The connection ended in the middle of an answer.
    #[error(
        "the connection to {hub} broke before its answer was complete ({why}).\nWhat was asked may have been done: look before you repeat it."
    )]
    Broken { hub: String, why: String },
    /// What answered is not a hub's API.
    #[error(
        "what answers at {hub} is not a hub's API ({why}).\nIs --hub right, and is it this version?"
    )]
    NotAHub { hub: String, why: String },
    /// The hub said no.
    #[error("{}", refusal(*status, title, detail, advice))]
    Refused {
        status: u16,
        title: String,
        detail: String,
        advice: &'static str,
    },
    /// Operator: the token cannot be read or sent.
    #[error("{0}")]
    Token(String),
}

fn refusal(status: u16, title: &str, detail: &str, advice: &str) -> String {
    let mut text = match title {
        "" => format!("the hub refused it (status {status})"),
        title => format!("{title} (status {status})"),
    };
    for line in [detail, advice].into_iter().filter(|line| !line.is_empty()) {
        text.push('\n');
        text.push_str(line);
    }
    text
}

/// What to do about a refusal with this status.
pub fn advice(status: u16) -> &'static str {
    match status {
        401 => {
            "Give the hub's token: --token-file FILE, --token, or --data-dir with the hub's data folder (it is in `admin-token` there)."
        }
        403 => "This token may not do that; use one with a role that may.",
        404 => {
            "`campanile alerts list --all` and `campanile silences list --all` show what there is."
        }
        409 | 412 => {
            "Somebody else may have been faster: `campanile alerts show` says how it is now."
        }
        429 | 503 => "The hub is busy; try again in a moment.",
        500..=599 => "This is the hub's fault: its log says more.",
        _ => "",
    }
}
