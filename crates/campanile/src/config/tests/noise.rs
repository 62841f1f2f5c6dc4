//! What keeps noise away: exceptions, groups, times, flapping, inhibition.

use engine::desired::{Flapping, GroupBy, Grouping};
use model::{DurationMs, Severity};

use super::{good, problems, with_integration};

const HEAD: &str = "name: i\nsink: chat\nsettings: { channel: '#a', token: abcdef }\n";

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(problems(text), expected, "\n{text}");
}

/// The problems of an integration's `policy`, without their places.
fn of_policy(policy: &str) -> Vec<String> {
    let text = with_integration(&format!("{HEAD}policy: {policy}"));
    let cut = |text: String| {
        text.split_once("policy")
            .map(|(_, rest)| rest.to_owned())
            .unwrap_or(text)
    };
    problems(&text).into_iter().map(cut).collect()
}

#[test]
fn everything_means_what_it_says() {
    let text = "
projects:
- name: p
  time_intervals:
    nights: [{ times: [{ start_time: '22:00', end_time: '24:00' }, { start_time: 00:00, end_time: 06:00 }], location: Europe/Berlin }]
    holidays: [{ months: [12], days_of_month: ['24:26', -1] }, { years: [2026, '2027:2028'] }]
  inhibit:
  - { name: first, source: ['severity=critical'], target: ['severity!=critical'], equal: [cluster, namespace] }
  - { source: ['a=b'], target: ['c=~\"d.*\"'] }
  integrations:
  - name: i
    receiver: somebody
    sink: chat
    settings: { channel: '#a', token: abcdef }
    match: ['a=b']
    except: [['c=d', 'e=f'], ['g=h']]
    policy:
      group_by: [alertname, cluster]
      group_wait: 10s
      mute: [nights, holidays, { weekdays: ['monday:friday'] }]
      active: [{ months: ['january:june'] }]
      flapping: { changes: 5, window: 10m }
      severity: { warning: critical, info: minor }
  - { name: all, sink: chat, settings: { channel: '#a', token: abcdef }, policy: { group_by: [...], group_interval: 1m } }
  - { name: one, sink: chat, settings: { channel: '#a', token: abcdef }, policy: { group_by: [] } }
";
    let config = good(text);
    let project = &config.desired.projects[0];
    let rule = &project.inhibitions[0];
    assert_eq!((rule.name.as_str(), rule.equal.len()), ("first", 2));
    assert_eq!(project.inhibitions[1].name, "inhibit 2");
    assert_eq!(project.inhibitions[1].target[0].to_string(), "c=~\"d.*\"");
    let integration = &project.integrations[0];
    assert_eq!(integration.receiver.as_deref(), Some("somebody"));
    let except: Vec<usize> = integration.except.iter().map(Vec::len).collect();
    assert_eq!(except, [2, 1]);
    let policy = &integration.policy;
    let labels = vec!["alertname".to_owned(), "cluster".to_owned()];
    assert_eq!(
        policy.group,
        Some(Grouping {
            by: GroupBy::Labels(labels),
            wait: DurationMs::from_secs(10),
            interval: DurationMs::from_mins(5),
        })
    );
    assert_eq!(policy.severity[&Severity::Warning], Severity::Critical);
    assert_eq!(policy.severity.len(), 2);
    assert_eq!((policy.mute.len(), policy.active.len()), (4, 1));
    assert_eq!(policy.mute[0].times[1].end_time, "06:00");
    assert_eq!(policy.mute[1].days_of_month, ["24:26", "-1"]);
    assert_eq!(policy.mute[2].years, ["2026", "2027:2028"]);
    let flapping = Flapping {
        changes: 5,
        window: DurationMs::from_mins(10),
    };
    assert_eq!(policy.flapping, Some(flapping));
    let group = |at: usize| project.integrations[at].policy.group.clone().unwrap();
    assert_eq!(
        (group(1).by, group(1).interval),
        (GroupBy::All, DurationMs::from_mins(1))
    );
    assert_eq!(group(2).by, GroupBy::Labels(Vec::new()));
    assert_eq!(project.integrations[2].receiver, None);
}

#[test]
fn a_policys_problems_are_said_each() {
    for (policy, expected) in [
        (
            "{ group_wait: 5s }",
            ".group_wait: this needs `group_by`, the labels that alerts of a group have in common; `[]` puts all into one group",
        ),
        (
            "{ group_by: alertname }",
            ".group_by: expected a list, found a text",
        ),
        (
            "{ group_by: [a, a] }",
            ".group_by[1]: this label is named twice",
        ),
        (
            "{ group_by: [a, ''] }",
            ".group_by[1]: a label's name has 1 to 256 bytes",
        ),
        (
            "{ group_by: [..., a] }",
            ".group_by: `...` means all labels, so that others beside it say nothing; keep one of both",
        ),
        (
            "{ grup_by: [a] }",
            ".grup_by: there is no such key (did you mean `group_by`?)",
        ),
        (
            "{ flapping: { changes: 1, window: 1m } }",
            ".flapping.changes: a number of openings is from 2 to 1000",
        ),
        (
            "{ flapping: { changes: many, window: 1m } }",
            ".flapping.changes: expected a number of openings, found a text",
        ),
        (
            "{ flapping: { changes: 3, window: 0 } }",
            ".flapping.window: within no time nothing can open; give a time such as `10m`",
        ),
        (
            "{ flapping: { changes: 3 } }",
            ".flapping.window: this is missing; give the time in which openings are counted, such as `10m`",
        ),
        (
            "{ mute: [nights] }",
            ".mute[0]: the project's `time_intervals` have no such name",
        ),
        (
            "{ mute: [{ weekday: [monday] }] }",
            ".mute[0].weekday: there is no such key (did you mean `weekdays`?)",
        ),
        (
            "{ mute: [{}, { weekdays: [monday, mon] }] }",
            ".mute[1].weekdays[1]: `mon` is not a day of the week; right is, for example, `monday` or `monday:friday`",
        ),
        (
            "{ active: [{ times: [{ start_time: '10:00' }] }] }",
            ".active[0].times[0].end_time: this is missing; give a time such as `\"17:00\"`",
        ),
        (
            "{ active: [{ location: Berlin }] }",
            ".active[0].location: there is no time zone `Berlin`; right is, for example, `Europe/Berlin` or `UTC`",
        ),
    ] {
        assert_eq!(of_policy(policy), [expected], "{policy}");
    }
    let times = "{ active: [{ times: [{ start_time: '10:00', end_time: '9:00' }] }] }";
    let found = of_policy(times);
    assert!(
        found[0].starts_with(".active[0].times[0]: `end_time` is `9:00`, which is no time"),
        "{found:?}"
    );
}

#[test]
fn a_name_that_is_not_there_has_a_nearest() {
    let project = "projects:\n- name: p\n  time_intervals: { nights: [{ weekdays: [someday] }], days: 5 }\n  integrations:\n  - { name: i, sink: chat, settings: { channel: '#a', token: abcdef }, policy: { mute: [nigths, days] } }\n";
    check(
        project,
        &[
            "3:43: projects[0].time_intervals.nights[0].weekdays[0]: `someday` is not a day of the week; right is, for example, `monday` or `monday:friday`",
            "3:62: projects[0].time_intervals.days: expected a list, found a number",
            "5:89: projects[0].integrations[0].policy.mute[0]: the project's `time_intervals` have no such name (did you mean `nights`?)",
        ],
    );
}

#[test]
fn only_issues_are_grouped() {
    check(
        &with_integration(&format!(
            "{HEAD}of: notifications\npolicy: {{ group_by: [a] }}"
        )),
        &[
            "8:25: projects[0].integrations[0].policy.group_by: only issues are grouped: notifications and metrics are told one by one; leave it out, or use `of: issues`",
        ],
    );
}

#[test]
fn exceptions_are_lists_of_matchers() {
    check(
        &with_integration(&format!(
            "{HEAD}receiver: ' '\nexcept: ['a=b', [], ['a=b', 'x']]"
        )),
        &[
            "7:15: projects[0].integrations[0].receiver: a receiver's name has 1 to 100 characters and no control characters",
            "8:14: projects[0].integrations[0].except[0]: expected a list, found a text",
            "8:21: projects[0].integrations[0].except[1]: an empty list matches every alert, so that nobody would be told; give a matcher, or leave it out",
            "8:33: projects[0].integrations[0].except[2][1]: at character 2: expected `=`, `!=`, `=~` or `!~`, found the end",
        ],
    );
    let lists = vec!["[a=b]"; 501].join(", ");
    let found = problems(&with_integration(&format!("{HEAD}except: [{lists}]")));
    assert!(
        found[0].ends_with("501 lists of matchers; at most 500 are allowed"),
        "{found:?}"
    );
}

#[test]
fn inhibitions_have_two_sides() {
    check(
        "projects:\n- name: p\n  inhibit:\n  - { source: ['a=b'], target: [], equal: x }\n  - { name: n, source: ['a'], target: ['a=b'], equl: [x] }\n  - { name: n, source: ['a=b'], target: ['a=b'] }\n",
        &[
            "4:5: projects[0].inhibit[0].target: this is missing; give the matchers of those that are held back, such as `['severity=\"warning\"']`",
            "4:43: projects[0].inhibit[0].equal: expected a list, found a text",
            "5:25: projects[0].inhibit[1].source[0]: at character 2: expected `=`, `!=`, `=~` or `!~`, found the end",
            "5:48: projects[0].inhibit[1].equl: there is no such key (did you mean `equal`?)",
            "6:13: projects[0].inhibit[2].name: another inhibition has this name already (line 5); names are unique",
        ],
    );
    let rules = vec!["{ source: [a=b], target: [c=d] }"; 201].join(", ");
    let found = problems(&format!("projects:\n- name: p\n  inhibit: [{rules}]\n"));
    assert!(
        found[0].contains("201 rules; at most 200 are allowed"),
        "{found:?}"
    );
}

#[test]
fn i9_times_from_variables_are_not_repeated() {
    for policy in [
        "{ mute: [\"${SECRET}\"] }",
        "{ mute: [{ weekdays: [\"${SECRET}\"] }] }",
    ] {
        let found = of_policy(policy);
        assert!(
            found.len() == 1 && !found[0].contains("hunter2"),
            "{found:?}"
        );
    }
}
