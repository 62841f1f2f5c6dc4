use model::{Content, Labels, MatchOp, Matcher, Severity, Status, limits};
use proptest::prelude::*;

use super::{CompiledMatchers, MatcherError, Subject, parse_matcher, parse_matchers};

fn matcher(name: &str, op: MatchOp, value: &str) -> Matcher {
    Matcher {
        name: name.into(),
        op,
        value: value.into(),
    }
}

fn content(labels: &[(&str, &str)]) -> Content {
    Content {
        severity: Severity::Critical,
        labels: labels.iter().copied().collect::<Labels>(),
        ..Content::default()
    }
}

fn matches(text: &str, content: &Content) -> bool {
    let subject = Subject {
        content,
        status: Status::Open,
        source: "prometheus",
        team: "platform",
    };
    CompiledMatchers::parse([text]).unwrap().matches(&subject)
}

#[test]
fn every_operator_is_read_with_and_without_quotes_and_spaces() {
    use MatchOp::{Equal, NotEqual, NotRegex, Regex};
    for (text, expected) in [
        ("env=prod", matcher("env", Equal, "prod")),
        (r#"env="prod""#, matcher("env", Equal, "prod")),
        (r#" env != "prod" "#, matcher("env", NotEqual, "prod")),
        (
            "severity=~critical|major",
            matcher("severity", Regex, "critical|major"),
        ),
        (r#"host!~"web-\d+""#, matcher("host", NotRegex, r"web-\d+")),
        (r#"path="a\"b\\c\nd""#, matcher("path", Equal, "a\"b\\c\nd")),
        (r#""k8s pod"="ä b""#, matcher("k8s pod", Equal, "ä b")),
        ("größe=1.5", matcher("größe", Equal, "1.5")),
        (r#"team="""#, matcher("team", Equal, "")),
        (r#""="="=""#, matcher("=", Equal, "=")),
    ] {
        assert_eq!(parse_matcher(text).as_ref(), Ok(&expected), "{text}");
    }
}

#[test]
fn a_list_may_have_braces_and_a_last_comma() {
    let both = vec![
        matcher("a", MatchOp::Equal, "b"),
        matcher("c", MatchOp::Regex, "d,e}"),
    ];
    for text in [
        r#"{a="b",c=~"d,e}"}"#,
        r#"{ a = b , c =~ "d,e}" , }"#,
        r#"a=b,c=~"d,e}""#,
        r#"a=b,c=~"d,e}","#,
    ] {
        assert_eq!(parse_matchers(text).as_ref(), Ok(&both), "{text}");
    }
    assert_eq!(parse_matchers("{}"), Ok(vec![]));
}

#[test]
fn a_mistake_is_told_with_its_place_and_what_should_stand_there() {
    for (text, place, expected) in [
        ("", 1, "a label's name"),
        ("env", 4, "`=`, `!=`, `=~` or `!~`"),
        ("env!prod", 5, "`=` or `~` after `!`"),
        ("env=", 5, "a value (in quotes if it has spaces or signs)"),
        ("env=a b", 7, "`,` or the end"),
        (
            "env==prod",
            5,
            "a value (in quotes if it has spaces or signs)",
        ),
        (
            "env='prod'",
            5,
            "a value (in quotes if it has spaces or signs)",
        ),
        (r#"ö="prod"#, 8, "`\"` at the end of the value"),
        (r#"env="prod\"#, 11, "`\"` at the end of the value"),
        ("{a=b", 5, "`,` or `}`"),
        ("{a=b} x", 7, "the end of the list"),
        ("{,}", 2, "a label's name"),
        ("a=b}", 4, "`,` or the end"),
    ] {
        match parse_matchers(text) {
            Err(MatcherError::Syntax {
                position,
                expected: said,
                ..
            }) => assert_eq!((position, said), (place, expected), "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    let error = parse_matcher("env=a, b=c").unwrap_err().to_string();
    assert_eq!(
        error,
        "at character 6: expected the end of the matcher, found `,`"
    );
}

#[test]
fn a_missing_label_is_the_empty_string() {
    let with = content(&[("env", "prod")]);
    let without = content(&[]);
    for (text, hits_with, hits_without) in [
        (r#"env="""#, false, true),
        (r#"env!="""#, true, false),
        ("env!=dev", true, true),
        (r#"env=~".*""#, true, true),
        (r#"env=~".+""#, true, false),
        (r#"env=~"prod|""#, true, true),
        ("env!~prod", false, true),
    ] {
        assert_eq!(matches(text, &with), hits_with, "{text} with");
        assert_eq!(matches(text, &without), hits_without, "{text} without");
    }
}

#[test]
fn a_regular_expression_matches_the_whole_value() {
    let alert = content(&[("host", "web-12"), ("note", "a\nb")]);
    for (text, hits) in [
        (r#"host=~"web""#, false),
        (r#"host=~"web|db""#, false),
        (r#"host=~"web|web-12""#, true),
        (r#"host=~"web-\d+""#, true),
        (r#"host=~"(?i)WEB-.*""#, true),
        (r#"host=~"eb-1.""#, false),
        (r#"note=~"a.b""#, false),
        (r#"note=~"a""#, false),
        (r#"host!~"web-.*""#, false),
    ] {
        assert_eq!(matches(text, &alert), hits, "{text}");
    }
}

#[test]
fn a_wrong_or_huge_regular_expression_is_refused_when_compiled() {
    for pattern in ["a)|(b", "[", "(?P<", r"(\w{1000}){1000}"] {
        let error = CompiledMatchers::compile([matcher("a", MatchOp::Regex, pattern)]);
        assert!(
            matches!(error, Err(MatcherError::Regex { .. })),
            "{pattern}"
        );
    }
}

#[test]
fn i10_lists_and_texts_have_limits() {
    let many = vec!["a=b"; limits::MATCHERS_MAX + 1].join(",");
    assert!(matches!(
        parse_matchers(&many),
        Err(MatcherError::TooMany { .. })
    ));
    let long = "a".repeat(limits::MATCHER_BYTES_MAX + 1);
    assert!(matches!(
        parse_matchers(&long),
        Err(MatcherError::TooLong { .. })
    ));
    let matchers = vec![matcher("a", MatchOp::Equal, "b"); limits::MATCHERS_MAX + 1];
    assert!(matches!(
        CompiledMatchers::compile(matchers),
        Err(MatcherError::TooMany { .. })
    ));
}

#[test]
fn a_field_wins_over_a_label_of_its_name_and_the_label_stays_reachable() {
    let mut alert = content(&[
        ("severity", "page"),
        ("status", "strange"),
        ("source", "elsewhere"),
        ("resource", "from the label"),
        ("event", "from the label"),
        ("labels.dotted", "yes"),
    ]);
    alert.event = "HighLoad".into();
    for text in [
        "severity=critical",
        "labels.severity=page",
        "status=open",
        "source=prometheus",
        "event=HighLoad",
        r#"resource="from the label""#,
        "labels.dotted=yes",
        "team=platform",
    ] {
        assert!(matches(text, &alert), "{text}");
    }
    alert.labels.set("team", "db");
    assert!(matches("team=db", &alert));
}

#[test]
fn all_matchers_must_match_and_the_first_miss_is_named() {
    let alert = content(&[("env", "prod")]);
    let subject = Subject {
        content: &alert,
        status: Status::Open,
        source: "",
        team: "",
    };
    let list = CompiledMatchers::parse([r#"severity=~"critical|major""#, "env=dev,x=y"]).unwrap();
    assert_eq!(list.matchers().count(), 3);
    let miss = list.first_miss(&subject).map(ToString::to_string);
    assert_eq!(miss.as_deref(), Some(r#"env="dev""#));
    assert!(CompiledMatchers::default().matches(&subject));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic_and_mistakes_lie_within_the_text(text in ".{0,60}") {
        if let Err(MatcherError::Syntax { position, .. }) = parse_matchers(&text) {
            prop_assert!((1..=text.chars().count() + 1).contains(&position));
        }
    }

    #[test]
    fn texts_of_signs_do_not_panic_either(text in r#"[a{}!=~,"'`\\ n]{0,20}"#) {
        drop(parse_matchers(&text));
        drop(CompiledMatchers::parse([&text]));
    }

    #[test]
    fn a_matcher_reads_back_what_it_shows(name in ".{1,12}", value in ".{0,12}", op in 0..4usize) {
        use MatchOp::{Equal, NotEqual, NotRegex, Regex};
        let matcher = matcher(&name, [Equal, NotEqual, Regex, NotRegex][op], &value);
        prop_assert_eq!(parse_matcher(&matcher.to_string()), Ok(matcher));
    }

    #[test]
    fn a_list_of_words_matches_as_the_regular_expression_would(
        words in prop::collection::vec("[a-c]{0,2}", 1..4), value in "[a-c]{0,2}",
    ) {
        let alert = content(&[("l", &value)]);
        let fast = matches(&format!("l=~\"{}\"", words.join("|")), &alert);
        let slow = matches(&format!("l=~\"(?:{})\"", words.join("|")), &alert);
        prop_assert_eq!(fast, slow);
    }
}
