//! From a request to its answer: key, path, body, rules.

use super::Surface;
use super::account::{Account, KeyKnob, Named, Throttle};
use super::actions::Action;
use super::query::Params;
use super::reply::{Refusal, found, taken};
use super::{reads, rules};
use crate::exchange::{Reply, Request};
use crate::vendor::Conditions;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

/// Actions that are a `POST /v2/alerts/{identifier}/{action}`.
const POSTS: [&str; 11] = [
    "acknowledge",
    "unacknowledge",
    "close",
    "snooze",
    "escalate",
    "assign",
    "notes",
    "tags",
    "details",
    "responders",
    "teams",
];
/// Of these, what integration events have.
const EVENTS: [&str; 3] = ["acknowledge", "close", "notes"];

/// What a request wants.
enum Wanted {
    Read(Read),
    Do(Action),
}

enum Read {
    List,
    Count,
    Fate(String),
    One(Named, String),
}

pub(super) fn answer(
    account: &mut Account,
    path: &str,
    request: &Request,
    conditions: Conditions,
    surface: Surface,
) -> Reply {
    account.settle(conditions.now);
    let id = account.request_id();
    let mut problems = Vec::new();
    let mut reply = match handle(
        account,
        path,
        request,
        conditions,
        surface,
        &id,
        &mut problems,
    ) {
        Ok(reply) => reply,
        Err(refusal) => refusal.into_reply(&id),
    };
    reply.problems.extend(problems);
    reply
}

fn handle(
    account: &mut Account,
    path: &str,
    request: &Request,
    conditions: Conditions,
    surface: Surface,
    id: &str,
    problems: &mut Vec<String>,
) -> Result<Reply, Refusal> {
    let rights = authenticate(account, request)?;
    if account.throttle == Throttle::Rejected {
        let message = "You are making too many requests! To avoid request failures, please wait.";
        return Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, message));
    }
    let params = Params::of(&request.query);
    let wanted = wanted(path, request, &params, surface)?;
    let right = match &wanted {
        Wanted::Read(_) => "read",
        Wanted::Do(action) if action.name == "delete" => "delete",
        Wanted::Do(_) => "create_update",
    };
    if !rights.iter().any(|has| has == right) {
        let message = "You are not authorized to perform this operation";
        return Err(Refusal::new(StatusCode::FORBIDDEN, message).code(40301));
    }
    let throttle = account.throttle;
    let action = match wanted {
        Wanted::Do(action) => action,
        Wanted::Read(read) => {
            let members = match read {
                Read::List => reads::list(account, &params)?,
                Read::Count => reads::count(account, &params)?,
                Read::One(named, part) => reads::one(account, &named, &part, &params)?,
                // What is not processed and what never was look the same.
                Read::Fate(asked) => match account.fate(&asked) {
                    Some(fate) => json!({ "data": fate }),
                    None => {
                        let message = "Request not processed yet or does not exist";
                        let refusal = Refusal::new(StatusCode::NOT_FOUND, message);
                        return Err(refusal.kind("RequestNotProcessed"));
                    }
                },
            };
            return Ok(found(id, members, throttle));
        }
    };
    if request.method != Method::DELETE {
        if !request.body.is_empty() && request.content_type() != "application/json" {
            problems.push(format!(
                "Content-Type is {:?}, not application/json",
                request.content_type()
            ));
        }
        problems.extend(rules::unknown(&action.name, &action.body));
        let wrong = rules::wrong(&action.name, &action.body, conditions.now);
        if !wrong.is_empty() {
            return Err(Refusal::fields(&wrong));
        }
    }
    account.take(id, action, conditions.now);
    Ok(taken(id, throttle))
}

/// The rights of the request's key.
fn authenticate(account: &Account, request: &Request) -> Result<Vec<String>, Refusal> {
    let refuse = |message: &str| Refusal::new(StatusCode::UNAUTHORIZED, message);
    let header = request.header("authorization");
    let key = header
        .and_then(|value| value.strip_prefix("GenieKey "))
        .map(str::trim);
    let Some(key) = key.filter(|key| !key.is_empty()) else {
        return Err(refuse("Key format is not valid!").broken("no Authorization: GenieKey …"));
    };
    let all = ["read", "create_update", "delete"]
        .map(str::to_owned)
        .to_vec();
    match account.keys.get(key) {
        None => Ok(all),
        Some(KeyKnob { unknown: true, .. }) => Err(refuse("Could not authenticate")),
        Some(KeyKnob { disabled: true, .. }) => Err(refuse(
            "Your integration is disabled. Please enable it and try again.",
        )),
        Some(knob) => Ok(knob.rights.clone()),
    }
}

fn wanted(
    path: &str,
    request: &Request,
    params: &Params,
    surface: Surface,
) -> Result<Wanted, Refusal> {
    let nothing = || {
        let refusal = Refusal::new(StatusCode::NOT_FOUND, "No such resource");
        Err(refusal.broken(format!(
            "{} {path} is not part of the API here",
            request.method
        )))
    };
    let Some(rest) = path.strip_prefix("/v2/alerts") else {
        return nothing();
    };
    let parts: Vec<String> = rest.split('/').skip(1).map(decode).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let is_whole = surface == Surface::Whole;
    let method = request.method.as_str();
    let act = |name: &str, named, custom: &str, body| {
        let (name, custom) = (name.to_owned(), custom.to_owned());
        Ok(Wanted::Do(Action {
            name,
            custom,
            named,
            body,
        }))
    };
    match (method, parts.as_slice()) {
        ("GET", ["requests", asked]) => Ok(Wanted::Read(Read::Fate((*asked).to_owned()))),
        ("POST", [] | [""]) => act("create", None, "", body(request)?),
        ("POST", [alert, action]) if EVENTS.contains(action) => {
            act(action, Some(named(alert, params)?), "", body(request)?)
        }
        _ if !is_whole => nothing(),
        ("GET", [] | [""]) => Ok(Wanted::Read(Read::List)),
        ("GET", ["count"]) => Ok(Wanted::Read(Read::Count)),
        ("GET", ["saved-searches", ..]) => nothing(),
        ("GET", [alert]) => Ok(Wanted::Read(Read::One(
            named(alert, params)?,
            String::new(),
        ))),
        ("GET", [alert, part @ ("notes" | "logs" | "recipients")]) => Ok(Wanted::Read(Read::One(
            named(alert, params)?,
            (*part).to_owned(),
        ))),
        ("POST", [alert, action]) if POSTS.contains(action) => {
            act(action, Some(named(alert, params)?), "", body(request)?)
        }
        ("POST", [alert, "actions", custom]) => act(
            "action",
            Some(named(alert, params)?),
            custom,
            body(request)?,
        ),
        ("PUT", [alert, field @ ("message" | "description" | "priority")]) => {
            act(field, Some(named(alert, params)?), "", body(request)?)
        }
        ("DELETE", [alert]) => act("delete", Some(named(alert, params)?), "", in_query(params)),
        ("DELETE", [alert, "tags"]) => act(
            "remove-tags",
            Some(named(alert, params)?),
            "",
            in_query(params),
        ),
        ("DELETE", [alert, "details"]) => act(
            "remove-details",
            Some(named(alert, params)?),
            "",
            in_query(params),
        ),
        _ => nothing(),
    }
}

/// How the path names an alert.
fn named(identifier: &str, params: &Params) -> Result<Named, Refusal> {
    let name = identifier.to_owned();
    Ok(
        match params.word("identifierType", &["id", "alias", "tiny"])? {
            "alias" => Named::Alias(name),
            "tiny" => Named::Tiny(name),
            _ => Named::Id(name),
        },
    )
}

/// 400 is for what is not JSON; an empty body is an empty object.
fn body(request: &Request) -> Result<Map<String, Value>, Refusal> {
    if request.body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    serde_json::from_slice(&request.body).map_err(|error| {
        let refusal = Refusal::new(StatusCode::BAD_REQUEST, "Could not parse request body");
        refusal.broken(format!("the body is no JSON object: {error}"))
    })
}

/// Deletes have their arguments in the query.
fn in_query(params: &Params) -> Map<String, Value> {
    let names = ["user", "source", "note", "tags", "keys"];
    let given = names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), json!(params.get(name)?))));
    given.collect()
}

/// A path's part without its percent signs.
fn decode(part: &str) -> String {
    let form = format!("p={}", part.replace('+', "%2B").replace('&', "%26"));
    let mut parsed = url::form_urlencoded::parse(form.as_bytes());
    parsed
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}
