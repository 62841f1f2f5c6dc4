//! The questions: what stands in the query of a GET, checked.

use url::form_urlencoded;

use super::filter::Filter;
use super::goregex;
use crate::kit::{AlertmanagerFilter, AlertmanagerRead};

/// Matchers in one query.
const FILTERS_MAX: usize = 50;

/// Words for true, in any case; everything else is false.
const TRUE: [&str; 10] = [
    "true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled",
];

/// Reads the query of `GET /alerts` and `GET /alerts/groups`. Of a parameter that comes twice the last counts.
fn filter(query: &str) -> Result<AlertmanagerFilter, String> {
    let mut filter = AlertmanagerFilter {
        filters: Vec::new(),
        receiver: None,
        active: true,
        silenced: true,
        inhibited: true,
        unprocessed: true,
        muted: true,
    };
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let flag = || value.is_empty() || TRUE.iter().any(|word| value.eq_ignore_ascii_case(word));
        match &*name {
            "filter" => filter.filters.push(value.into_owned()),
            "receiver" => filter.receiver = Some(value.into_owned()).filter(|r| !r.is_empty()),
            "active" => filter.active = flag(),
            "silenced" => filter.silenced = flag(),
            "inhibited" => filter.inhibited = flag(),
            "unprocessed" => filter.unprocessed = flag(),
            "muted" => filter.muted = flag(),
            _ => {}
        }
    }
    check(&filter.filters)?;
    if let Some(receiver) = &filter.receiver {
        goregex::anchored(receiver)
            .map_err(|error| format!("failed to parse receiver param: {error}"))?;
    }
    Ok(filter)
}

fn check(filters: &[String]) -> Result<(), String> {
    if filters.len() > FILTERS_MAX {
        return Err(format!("more than {FILTERS_MAX} filters"));
    }
    filters
        .iter()
        .try_for_each(|text| Filter::parse(text).map(drop))
}

pub fn alerts(query: &str) -> Result<AlertmanagerRead, String> {
    filter(query).map(AlertmanagerRead::Alerts)
}

pub fn groups(query: &str) -> Result<AlertmanagerRead, String> {
    filter(query).map(AlertmanagerRead::Groups)
}

pub fn silences(query: &str) -> Result<AlertmanagerRead, String> {
    let filters: Vec<String> = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name == "filter")
        .map(|(_, value)| value.into_owned())
        .collect();
    check(&filters)?;
    Ok(AlertmanagerRead::Silences { filters })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_as_alertmanager_reads_them() {
        for (query, expected) in [
            ("", true),
            ("active=", true),
            ("active=TRUE", true),
            ("active=Selected", true),
            ("active=no", false),
            ("active=maybe", false),
            ("active=t&active=false", false),
            ("active=false&active=1", true),
        ] {
            assert_eq!(filter(query).map(|f| f.active), Ok(expected), "{query}");
        }
    }

    /// As Alertmanager 0.25.0 answers them (2026-11).
    #[test]
    fn the_receivers_filter_is_checked() {
        let receiver = |query: &str| filter(query).map(|f| f.receiver);
        assert_eq!(receiver("receiver="), Ok(None));
        assert_eq!(
            receiver("receiver=root&receiver=crit"),
            Ok(Some("crit".to_owned()))
        );
        for (query, problem) in [
            ("receiver=(", "missing closing ): `^(?:()$`"),
            ("receiver=[", "missing closing ]: `[)$`"),
            ("receiver=a{1001}", "invalid repeat count: `{1001}`"),
            (r"receiver=\", r"missing closing ): `^(?:\)$`"),
        ] {
            let problem =
                format!("failed to parse receiver param: error parsing regexp: {problem}");
            assert_eq!(receiver(query), Err(problem), "{query}");
        }
    }
}
