//! Files with something wrong, and exactly what is said.

use super::{problems, with_integration, with_source};

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(problems(text), expected, "\n{text}");
}

#[test]
fn every_problem_is_reported_at_once_and_by_line() {
    check(
        "sever: {}\nserver:\n  lisen: x\n  listen: 8080\n  mail: {smtp: 'http://x'}\negress: {allow: [everything]}\nprojects:\n- owner_email: nobody\n  sources: {}\n",
        &[
            "1:1: sever: there is no such key (did you mean `server`?)",
            "3:3: server.lisen: there is no such key (did you mean `listen`?)",
            "4:11: server.listen: expected a text (put it in quotes), found a number",
            "5:9: server.mail.from: this is missing; give the sender's address, such as `campanile@example.org`",
            "5:16: server.mail.smtp: expected a mail server such as `smtp://localhost:25` or `smtps://user:password@mail.example.org`",
            "6:18: egress.allow[0]: expected a range of addresses such as `10.0.0.0/8` or `fd00::/8`",
            "8:3: projects[0].name: this is missing; give the project a name",
            "8:16: projects[0].owner_email: expected a mail address such as `sre@example.org`",
            "9:12: projects[0].sources: expected a list, found a map",
        ],
    );
}

#[test]
fn the_top_must_be_a_map() {
    check("- a\n", &["1:1: expected a map, found a list"]);
    check("hello", &["1:1: expected a map, found a text"]);
    check(
        "projects: many",
        &["1:11: projects: expected a list, found a text"],
    );
    check(
        "projects: [shop]",
        &["1:12: projects[0]: expected a map, found a text"],
    );
}

#[test]
fn addresses_of_the_server_are_checked() {
    check(
        "server: {listen: 'localhost', external_url: 'hub.example', hosts: {generic: x}}",
        &[
            "1:18: server.listen: expected an address and a port such as `127.0.0.1:8080`, or `0.0.0.0:8080` for all interfaces",
            "1:45: server.external_url: expected the hub's own address such as `https://hub.example.org`, without user, query and fragment",
            "1:77: server.hosts.generic: expected a list, found a text",
        ],
    );
}

#[test]
fn retention_is_a_time_of_an_hour_to_a_year() {
    check(
        "server:\n  retention: {closed_alerts: 30, attempts: 59m}\n",
        &[
            "2:30: server.retention.closed_alerts: expected a duration such as `30s`, `5m` or `1h30m`, found a number without a unit",
            "2:44: server.retention.attempts: expected at least `1h`: people look for what has just gone",
        ],
    );
    check(
        "server:\n  retention: {closed_alerts: 367d, alerts: 1d}\n",
        &[
            "2:30: server.retention.closed_alerts: this is longer than 366 days",
            "2:36: server.retention.alerts: there is no such key; there are `closed_alerts`, `attempts`, `silences`",
        ],
    );
    check(
        "server: {retention: 30d}",
        &["1:21: server.retention: expected a map, found a text"],
    );
}

#[test]
fn keys_that_stand_twice_are_reported_with_the_first_ones_line() {
    check(
        "organization: a\nserver:\n  data_dir: a\n  data_dir: b\norganization: b\n",
        &[
            "4:3: server.data_dir: this key is given twice; the first one is on line 3",
            "5:1: organization: this key is given twice; the first one is on line 1",
        ],
    );
}

#[test]
fn names_are_unique_and_readable() {
    check(
        "projects:\n- name: a\n- name: a\n- name: ' b'\n- name: c/d\n- name: ''\n- name: 5\n",
        &[
            "3:9: projects[1].name: another project has this name already (line 2); names are unique",
            "4:9: projects[2].name: a name has 1 to 100 characters, no `/`, no control characters and no blanks at its ends",
            "5:9: projects[3].name: a name has 1 to 100 characters, no `/`, no control characters and no blanks at its ends",
            "6:9: projects[4].name: a name has 1 to 100 characters, no `/`, no control characters and no blanks at its ends",
            "7:9: projects[5].name: expected a text (put it in quotes), found a number",
        ],
    );
    check(
        "projects:\n- name: a\n  sources:\n  - {name: s, monitor: host}\n  - {name: s, monitor: host}\n- name: b\n  sources: [{name: s, monitor: host}]\n",
        &[
            "5:12: projects[0].sources[1].name: another source has this name already (line 4); names are unique",
        ],
    );
}

#[test]
fn a_source_is_one_of_dialect_and_monitor() {
    check(
        &with_source("name: s"),
        &[
            "4:5: projects[0].sources[0]: a source has a `dialect` (others send to it) or a `monitor` (the hub watches); give one",
        ],
    );
    check(
        &with_source("name: s\ndialect: generic\nmonitor: host\nkey: 0123456789abcdef0"),
        &[
            "6:14: projects[0].sources[0].monitor: `dialect` and `monitor` are both given; a source is one of them",
        ],
    );
    check(
        &with_source("name: s\nmonitor: host\nkey: 0123456789abcdef0"),
        &["4:5: projects[0].sources[0]: a monitor takes no key: nobody sends to it"],
    );
    check(
        &with_source("name: s\ndialect: genric\nkey: 0123456789abcdef0"),
        &[
            "5:14: projects[0].sources[0].dialect: there is no such dialect (did you mean `generic`?)",
        ],
    );
    check(
        &with_source("name: s\nmonitor: hots"),
        &["5:14: projects[0].sources[0].monitor: there is no such monitor (did you mean `host`?)"],
    );
}

#[test]
fn a_source_has_a_key_that_nobody_guesses_and_nobody_shares() {
    let head = "name: s\ndialect: generic\n";
    let short = "a key has at least 16 characters, so that it cannot be guessed; `openssl rand -hex 16` makes one";
    check(
        &with_source(head.trim_end()),
        &[
            "4:5: projects[0].sources[0].key: this is missing; give what its senders prove themselves with, at least 16 characters, such as the output of `openssl rand -hex 16`",
        ],
    );
    check(
        &with_source(&format!("{head}key: short")),
        &[&format!("6:10: projects[0].sources[0].key: {short}")],
    );
    check(
        &with_source(&format!("{head}keys: [short, 'with a blank in it!']")),
        &[
            &format!("6:12: projects[0].sources[0].keys[0]: {short}"),
            "6:19: projects[0].sources[0].keys[1]: a key stands in URLs: no blanks, no `/`, `?`, `#`, `%`, only ASCII; `openssl rand -hex 16` makes one",
        ],
    );
    check(
        &with_source(&format!("{head}keys: []")),
        &["6:11: projects[0].sources[0].keys: this list is empty; a source has at least one key"],
    );
    check(
        &with_source(&format!(
            "{head}key: 0123456789abcdefg\nkeys: [0123456789abcdefg]"
        )),
        &[
            "7:11: projects[0].sources[0].keys: `key` and `keys` are both given; put all keys into `keys`",
        ],
    );
    check(
        "projects:\n- name: a\n  sources: [{name: s, dialect: generic, key: '${KEY}'}]\n- name: b\n  sources: [{name: s, dialect: generic, key: env-key-0123456789}]\n",
        &[
            "5:46: projects[1].sources[0].key: this key is used already (line 3); a key belongs to one source, so that we know who sends",
        ],
    );
}

#[test]
fn a_secrets_file_is_named_and_its_content_is_not() {
    let head = "name: s\ndialect: generic\n";
    for (line, expected) in [
        (
            "key_file: nowhere",
            "the file `nowhere` cannot be read (entity not found)",
        ),
        (
            "key_file: empty",
            "the file `empty` is empty; it should hold the secret",
        ),
        ("key_file: binary", "the file `binary` is not text in UTF-8"),
        (
            "key_file: large",
            "the file `large` has more than 65536 bytes; is it the right one?",
        ),
        (
            "key_file: 5",
            "expected a text (put it in quotes), found a number",
        ),
    ] {
        check(
            &with_source(&format!("{head}{line}")),
            &[&format!(
                "6:15: projects[0].sources[0].key_file: {expected}"
            )],
        );
    }
    check(
        &with_source(&format!("{head}key: 0123456789abcdefg\nkey_file: token")),
        &["7:15: projects[0].sources[0].key_file: `key` and `key_file` are both given; keep one"],
    );
    check(
        "server: {admin_token: a-token-of-ours-0, admin_token_file: token}",
        &[
            "1:60: server.admin_token_file: `admin_token` and `admin_token_file` are both given; keep one",
        ],
    );
}

#[test]
fn variables_that_are_not_set_are_problems() {
    check(
        "organization: ${ORG}\nserver:\n  data_dir: x${\n  listen: '${PORT}'\n",
        &[
            "1:15: organization: the environment variable `ORG` is not set; set it, or write `$${ORG}` if the text itself is meant",
            "3:13: server.data_dir: `${` begins a variable such as `${TOKEN}` (letters, digits and `_`); for a literal `${` write `$${`",
            "4:11: server.listen: expected an address and a port such as `127.0.0.1:8080`, or `0.0.0.0:8080` for all interfaces",
        ],
    );
    check(
        &with_source("name: s\ndialect: generic\nkey: '${EMPTY}'"),
        &["6:10: projects[0].sources[0].key: this secret is empty"],
    );
    check(
        "server: {admin_token: ${KEY}}",
        &[
            "1:24: server: this is not YAML: while parsing a flow mapping, did not find expected ',' or '}'; between brackets a `${VARIABLE}` needs quotes",
        ],
    );
}

#[test]
fn an_integration_says_what_it_is_of_and_whom_it_tells() {
    check(
        &with_integration(
            "of: isues\nsink: chatt\nmatch: ['severity', 5]\nexisting: no\nenabled: 'true'\ncolour: red",
        ),
        &[
            "4:5: projects[0].integrations[0].name: this is missing; give the integration a name",
            "4:9: projects[0].integrations[0].of: there is no such kind (did you mean `issues`?)",
            "5:11: projects[0].integrations[0].sink: there is no such sink (did you mean `chat`?)",
            "6:13: projects[0].integrations[0].match[0]: at character 9: expected `=`, `!=`, `=~` or `!~`, found the end",
            "6:25: projects[0].integrations[0].match[1]: expected a text (put it in quotes), found a number",
            "7:15: projects[0].integrations[0].existing: there is no such way to treat open alerts; there are `tell`, `from_next_event`",
            "8:14: projects[0].integrations[0].enabled: expected `true` or `false`, found a text",
            "9:5: projects[0].integrations[0].colour: there is no such key; there are `name`, `of`, `match`, `except`, `receiver`, `settings`, `sink`, `policy`, `enabled`, `existing`",
        ],
    );
    check(
        &with_integration("name: i"),
        &[
            "4:5: projects[0].integrations[0].sink: this is missing; give the service that is told, such as `slack`",
        ],
    );
}

#[test]
fn a_sink_is_given_only_what_it_takes() {
    let settings = "settings: {channel: '#a', token: abcdef}";
    check(
        &with_integration(&format!(
            "name: i\nof: notifications\nsink: pager\n{settings}"
        )),
        &[
            "5:9: projects[0].integrations[0].of: Pager does not take notifications, because they would page people about what is no problem; use `of: issues`, or another sink",
        ],
    );
    check(
        &with_integration(&format!("name: i\nof: metrics\nsink: chat\n{settings}")),
        &[
            "5:9: projects[0].integrations[0].of: Chat does not take metrics, and no sink of this version does; use `of: issues`",
        ],
    );
}

#[test]
fn settings_are_checked_by_their_schema_and_then_by_their_vendor() {
    let path = "projects[0].integrations[0].settings";
    let head = "name: i\nsink: chat\n";
    check(
        &with_integration(head.trim_end()),
        &[
            &format!("4:5: {path}.channel: this setting is required"),
            &format!("4:5: {path}.token: this setting is required"),
        ],
    );
    check(
        &with_integration(&format!("{head}settings: []")),
        &[&format!("6:15: {path}: expected a map, found a list")],
    );
    check(
        &with_integration(&format!(
            "{head}settings:\n  chanel: '#a'\n  channel: '#a'\n  tokn_file: token\n  token_file: token\n  retries: many\n  fields: [1]\n  colours: 5"
        )),
        &[
            &format!("7:7: {path}.chanel: there is no such key (did you mean `channel`?)"),
            &format!("9:7: {path}.tokn_file: there is no such key (did you mean `token_file`?)"),
            &format!("11:16: {path}.retries: expected a whole number, found a text"),
            &format!("12:15: {path}.fields: invalid type: integer `1`, expected a string"),
            &format!("13:16: {path}.colours: expected a map, found a number"),
        ],
    );
    check(
        &with_integration(&format!("{head}settings:\n  channel: a\n  token: abcdef")),
        &[&format!("7:16: {path}.channel: a channel begins with `#`")],
    );
    check(
        &with_integration(&format!(
            "{head}settings:\n  channel: '#a'\n  token_file: nowhere"
        )),
        &[&format!(
            "8:19: {path}.token_file: the file `nowhere` cannot be read (entity not found)"
        )],
    );
    check(
        &with_integration(&format!(
            "{head}settings:\n  channel: '#a'\n  token: abc\n  token_file: token"
        )),
        &[&format!(
            "9:19: {path}.token_file: `token` and `token_file` are both given; keep one"
        )],
    );
    check(
        &with_integration(&format!(
            "{head}settings:\n  channel: '#a'\n  token: abcdef\n  colours:\n    blue: x\n    red: y"
        )),
        &[&format!("11:14: {path}.colours.red: red is taken")],
    );
    check(
        &with_source("name: s\ndialect: generic\nkey: 0123456789abcdefg\nsettings: {strict: true}"),
        &["7:24: projects[0].sources[0].settings.strict: nobody can be that strict"],
    );
}

#[test]
fn policies_are_durations_words_and_booleans() {
    let path = "projects[0].integrations[0].policy";
    check(
        &with_integration(
            "name: i\nsink: chat\nsettings: {channel: '#a', token: abcdef}\npolicy:\n  delay: 5\n  interval: soon\n  edit_interval: 400d\n  notify_on: [opened, closd]\n  close_notifications: 1\n  dely: 1m",
        ),
        &[
            &format!(
                "8:14: {path}.delay: expected a duration such as `30s`, `5m` or `1h30m`, found a number without a unit"
            ),
            &format!("9:17: {path}.interval: expected a duration such as `30s`, `5m` or `1h30m`"),
            &format!("10:22: {path}.edit_interval: this is longer than 366 days"),
            &format!("11:27: {path}.notify_on[1]: there is no such event (did you mean `closed`?)"),
            &format!(
                "12:28: {path}.close_notifications: expected `true` or `false`, found a number"
            ),
            &format!("13:7: {path}.dely: there is no such key (did you mean `delay`?)"),
        ],
    );
}

#[test]
fn i9_no_problem_shows_a_secret() {
    for lines in [
        // Of the wrong type, in the wrong place, refused by a vendor that repeats it, in a broken list.
        "name: i\nsink: chat\nsettings: {channel: '#a', token: [[hunter2-hunter2-hunter2]]}",
        "name: i\nsink: chat\nsettings: {channel: '#a', token: {hunter2-hunter2-hunter2: 1}}",
        "name: i\nsink: chat\nsettings: {channel: '#a', token: hunter2-hunter2-hunter2}",
        "name: i\nsink: chat\nsettings: {channel: '#a', token: '${SECRET}', extra_tokens: hunter2-hunter2-hunter2}",
        "name: i\nsink: chat\nsettings: {channel: '#a', token: '${SECRET}', extra_tokens: [hunter2-hunter2-hunter2, 5]}",
        "name: i\nsink: '${SECRET}'",
        "name: i\nsink: chat\nof: '${SECRET}'\npolicy: {delay: '${SECRET}', notify_on: ['${SECRET}']}",
    ] {
        let found = problems(&with_integration(lines));
        assert!(!found.is_empty(), "{lines} is fine");
        assert!(!found.concat().contains("hunter"), "{lines}: {found:?}");
    }
    let numeric = problems(&with_integration(
        "name: i\nsink: chat\nsettings: {channel: '#a', token: 12345678}",
    ));
    assert_eq!(
        numeric,
        [
            "6:38: projects[0].integrations[0].settings.token: expected a text (in quotes), found a number"
        ]
    );
    for text in [
        "server: {admin_token: [hunter2-hunter2-hunter2]}",
        "server: {admin_token: 'hunter2 with a blank'}",
        "server: {mail: {smtp: 'hunter2', from: a@b}}",
        "server: {listen: '${SECRET}', external_url: '${SECRET}'}",
        "egress: {allow: ['${SECRET}']}",
    ] {
        let found = problems(text);
        assert!(!found.is_empty(), "{text} is fine");
        assert!(!found.concat().contains("hunter"), "{text}: {found:?}");
    }
}

#[test]
fn regular_expressions_of_matchers_are_compiled() {
    let settings = "settings: {channel: '#a', token: abcdef}";
    check(
        &with_integration(&format!(
            "name: i\nsink: chat\nmatch: ['env=~\"(\"', '${{SECRET}}']\n{settings}"
        )),
        &[
            "6:13: projects[0].integrations[0].match[0]: the regular expression of `env=~\"(\"` is not valid, or too large",
            "6:25: projects[0].integrations[0].match[1]: with its variables put in, this is no matcher",
        ],
    );
}

#[test]
fn a_monitors_settings_are_checked_by_the_monitor() {
    check(
        &with_source(
            "name: h\nmonitor: host\nsettings:\n  evry: 5s\n  every: 5m\n  disk:\n    above: 170",
        ),
        &[
            "7:7: projects[0].sources[0].settings.evry: there is no such key (did you mean `every`?)",
            "8:14: projects[0].sources[0].settings.every: is 5m; give 1s to 1m",
            "10:16: projects[0].sources[0].settings.disk.above: is 170; give a percentage between 0 and 100, both exclusive",
        ],
    );
}
