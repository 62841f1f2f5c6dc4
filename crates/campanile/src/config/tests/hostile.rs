//! Files that nobody means well with.

use super::{loaded, problems};
use crate::config::limits::{FILE_BYTES_MAX, PROBLEMS_MAX};

#[test]
fn i10_a_file_over_the_limit_is_refused_unread() {
    let found = problems(&"x".repeat(FILE_BYTES_MAX + 1));
    assert_eq!(
        found,
        [format!(
            "1:1: the file has more than {FILE_BYTES_MAX} bytes"
        )]
    );
}

#[test]
fn i10_nesting_has_a_limit() {
    for text in [
        "[".repeat(1_000_000),
        "{a: ".repeat(250_000),
        "- ".repeat(500_000),
        "? ".repeat(500_000),
    ] {
        let found = problems(&text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].contains("nested more than 32 deep") || found[0].contains("not YAML"),
            "{found:?}"
        );
    }
}

#[test]
fn i10_a_megabyte_of_nonsense_gives_a_readable_number_of_problems() {
    let many: String = (0..60_000).map(|n| format!("unknown{n}: {n}\n")).collect();
    let found = problems(&many);
    assert_eq!(found.len(), PROBLEMS_MAX + 1);
    assert!(
        found[PROBLEMS_MAX].contains("more problems"),
        "{}",
        found[PROBLEMS_MAX]
    );

    let same = "a: 1\n".repeat(200_000);
    assert!(problems(&same).len() <= PROBLEMS_MAX + 1);
    let sources = format!(
        "projects:\n- name: p\n  sources:\n{}",
        "  - {}\n".repeat(60_000)
    );
    assert_eq!(problems(&sources).len(), PROBLEMS_MAX + 1);
}

#[test]
fn i10_a_yaml_bomb_does_not_go_off() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let alias = format!("*a{}", level - 1);
        text.push_str(&format!(
            "a{level}: &a{level} [{}]\n",
            vec![alias; 10].join(", ")
        ));
    }
    let found = problems(&text);
    assert!(
        found
            .iter()
            .any(|problem| problem.contains("aliases (`*name`) are not supported")),
        "{found:?}"
    );
}

#[test]
fn broken_yaml_says_where() {
    for (text, expected) in [
        ("server:\n\tlisten: x\n", "2:"),
        ("server: {\n", "2:1: "),
        ("server: [1, 2\nx: 3", "2:"),
        ("a: 'unclosed\n\n", "1:"),
        ("a: b: c\n", "1:"),
        ("- 1\nb: 2\n", "2:"),
        ("@", "1:1: "),
        ("a: *nowhere", "1:"),
        ("a: 1\n---\nb: 2\n", "2:1: there is a second YAML document"),
    ] {
        let found = problems(text);
        let last = found.last().unwrap_or_else(|| panic!("{text:?} is fine"));
        assert!(
            found.iter().any(|problem| problem.starts_with(expected)),
            "{text:?}: {last}"
        );
    }
}

#[test]
fn keys_that_are_no_texts_and_tags_are_refused() {
    let found = problems("? [a, b]\n: 1\nserver: !include other.yaml\norganization: !!str 5\n");
    assert_eq!(
        found,
        [
            "1:3: a key must be a text",
            "3:9: server: YAML tags (`!name`) are not supported; leave it out",
            "4:15: organization: YAML tags (`!name`) are not supported; leave it out",
        ]
    );
}

#[test]
fn nothing_that_is_cut_or_flipped_panics() {
    let whole = "server: { listen: \"127.0.0.1:80\", mail: {smtp: 'smtp://x', from: a@b} }\nprojects:\n- name: p\n  sources:\n  - {name: s, dialect: generic, key: \"${KEY}\", settings: {strict: true}}\n  integrations:\n  - name: i\n    sink: chat\n    match: ['a=\"b\"']\n    settings: {channel: é, token: |\n      x\n      }\n";
    for cut in (0..whole.len()).filter(|cut| whole.is_char_boundary(*cut)) {
        let _either = loaded(&whole[..cut]);
        for put in [
            "\"", "[", "}", "*", "&a ", "\t", "\0", "${", "- ", ": ", "!", "\u{2028}",
        ] {
            let _either = loaded(&format!("{}{put}{}", &whole[..cut], &whole[cut..]));
        }
    }
}
