//! What a route asks of its caller. Roles, when they come, are sets of these.

/// One thing that somebody may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Nothing is asked: the answer is the same for everybody and says nothing about this hub.
    Public,
    /// Look at alerts, their logs, lanes and attempts.
    ViewAlerts,
    /// Acknowledge, close, shelve, note, assign …
    ActOnAlerts,
    /// Make, change and end silences.
    SilenceAlerts,
    /// Look at sources and integrations, without their secrets.
    ViewConfiguration,
    /// Send test alerts to where integrations go.
    TestIntegrations,
    /// Make the hub read its configuration again.
    ChangeConfiguration,
}
