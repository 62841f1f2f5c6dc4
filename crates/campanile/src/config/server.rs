//! `server` and `egress`.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use engine::Retention;
use ipnet::IpNet;
use model::{DurationMs, Secret};

use crate::config::limits::RETENTION_HOURS_MIN;
use crate::config::reader::{Field, Given, Section};

/// How the hub itself runs. Flags and their environment twins win over it.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerConfig {
    /// `None`: `127.0.0.1:8080`.
    pub listen: Option<SocketAddr>,
    /// `None`: `./data`. Relative to the configuration file's folder.
    pub data_dir: Option<PathBuf>,
    /// How people and vendors reach the hub; without a slash at its end. `None`: `http://` and where it listens.
    pub external_url: Option<String>,
    /// `None`: made at the first start, in `data_dir/admin-token`.
    pub admin_token: Option<Secret>,
    /// The hub's own mail to owners; `None`: it sends none.
    pub mail: Option<MailConfig>,
    /// Host names that serve a dialect at `/`, by dialect.
    pub hosts: BTreeMap<String, Vec<String>>,
    /// How long closed alerts, attempts and ended silences are kept; what is left out has its default.
    pub retention: Retention,
}

/// Where the hub's own mail goes out.
#[derive(Clone, Debug, PartialEq)]
pub struct MailConfig {
    /// `smtp://user:password@host:port` or `smtps://…`: a secret because of the password.
    pub smtp: Secret,
    pub from: String,
}

/// What outbound requests may reach besides public addresses.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EgressConfig {
    pub allow: Vec<IpNet>,
}

pub fn read_server(mut section: Section<'_>) -> ServerConfig {
    let config = ServerConfig {
        listen: section.take("listen").and_then(|field| address(&field)),
        data_dir: section.text("data_dir").here().map(PathBuf::from),
        external_url: section
            .take("external_url")
            .and_then(|field| external_url(&field)),
        admin_token: admin_token(&mut section),
        mail: section
            .take("mail")
            .and_then(|field| field.section().here())
            .and_then(mail),
        hosts: section
            .take("hosts")
            .and_then(|field| field.section().here())
            .map(|section| hosts(&section))
            .unwrap_or_default(),
        retention: section
            .take("retention")
            .and_then(|field| field.section().here())
            .map(retention)
            .unwrap_or_default(),
    };
    section.finish();
    config
}

pub fn read_egress(mut section: Section<'_>) -> EgressConfig {
    let allow = section.list("allow").iter().filter_map(network).collect();
    section.finish();
    EgressConfig { allow }
}

fn address(field: &Field<'_>) -> Option<SocketAddr> {
    let text = field.text().here()?;
    let address = text.parse().ok();
    if address.is_none() {
        field.report("expected an address and a port such as `127.0.0.1:8080`, or `0.0.0.0:8080` for all interfaces");
    }
    address
}

fn external_url(field: &Field<'_>) -> Option<String> {
    let text = field.text().here()?;
    let fits = |url: &url::Url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    };
    if !url::Url::parse(&text).is_ok_and(|url| fits(&url)) {
        field.report("expected the hub's own address such as `https://hub.example.org`, without user, query and fragment");
        return None;
    }
    Some(text.trim_end_matches('/').to_owned())
}

fn admin_token(section: &mut Section<'_>) -> Option<Secret> {
    let (token, field) = section.secret("admin_token", "admin_token_file").here()?;
    if token
        .expose()
        .chars()
        .any(|c| c.is_whitespace() || c.is_control())
        || !token.expose().is_ascii()
    {
        field.report("a token travels in a header: use ASCII without blanks, such as the output of `openssl rand -hex 32`");
        return None;
    }
    if token.expose().len() < 16 {
        field.warn(
            "this token is short enough to be guessed; `openssl rand -hex 32` makes a better one",
        );
    }
    Some(token)
}

fn mail(mut section: Section<'_>) -> Option<MailConfig> {
    let smtp = match section.secret("smtp", "smtp_file") {
        Given::Here((smtp, field)) => {
            let fits = |url: &url::Url| matches!(url.scheme(), "smtp" | "smtps") && url.has_host();
            let fine = url::Url::parse(smtp.expose()).is_ok_and(|url| fits(&url));
            if !fine {
                field.report("expected a mail server such as `smtp://localhost:25` or `smtps://user:password@mail.example.org`");
            }
            fine.then_some(smtp)
        }
        Given::Broken => None,
        Given::Absent => {
            section.report_missing("smtp", "the mail server, such as `smtp://localhost:25`");
            None
        }
    };
    let from = match section.take("from") {
        Some(field) => field
            .text()
            .here()
            .filter(|text| mail_address(&field, text)),
        None => {
            section.report_missing(
                "from",
                "the sender's address, such as `campanile@example.org`",
            );
            None
        }
    };
    section.finish();
    Some(MailConfig {
        smtp: smtp?,
        from: from?,
    })
}

/// Whether this can be a mail address; reported if not. Only what would break a mail's head is refused.
pub fn mail_address(field: &Field<'_>, text: &str) -> bool {
    let fine = matches!(text.split_once('@'), Some((user, host)) if !user.is_empty() && !host.is_empty())
        && text.len() <= 320
        && !text.chars().any(char::is_control);
    if !fine {
        field.report("expected a mail address such as `sre@example.org`");
    }
    fine
}

fn hosts(section: &Section<'_>) -> BTreeMap<String, Vec<String>> {
    let mut hosts = BTreeMap::new();
    for (dialect, field) in section.all() {
        let names = field.list().here().unwrap_or_default();
        let names = names.iter().filter_map(|name| name.text().here()).collect();
        hosts.insert(dialect.to_owned(), names);
    }
    hosts
}

fn retention(mut section: Section<'_>) -> Retention {
    let default = Retention::default();
    let retention = Retention {
        closed_alerts: kept(&mut section, "closed_alerts").unwrap_or(default.closed_alerts),
        attempts: kept(&mut section, "attempts").unwrap_or(default.attempts),
        silences: kept(&mut section, "silences").unwrap_or(default.silences),
    };
    section.finish();
    retention
}

fn kept(section: &mut Section<'_>, key: &'static str) -> Option<DurationMs> {
    let field = section.take(key)?;
    let length = field.duration().here()?;
    if length < DurationMs::from_hours(RETENTION_HOURS_MIN) {
        field.report(format!(
            "expected at least `{RETENTION_HOURS_MIN}h`: people look for what has just gone"
        ));
        return None;
    }
    Some(length)
}

fn network(field: &Field<'_>) -> Option<IpNet> {
    let text = field.text().here()?;
    let network = text
        .parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .ok();
    if network.is_none() {
        field.report("expected a range of addresses such as `10.0.0.0/8` or `fd00::/8`");
    }
    network
}
