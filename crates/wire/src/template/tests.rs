use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn text(template: &str, context: Value) -> String {
    Template::compile(template, TemplateKind::Text)
        .unwrap()
        .render(&context)
        .unwrap()
}

fn json_text(template: &str, context: Value) -> Result<String, RenderError> {
    Template::compile(template, TemplateKind::Json)
        .unwrap()
        .render(&context)
}

fn refused(template: &str, kind: TemplateKind) -> (usize, usize, String) {
    match Template::compile(template, kind).unwrap_err() {
        TemplateError::Syntax { line, column, what } => (line, column, what),
        TemplateError::TooLong => panic!("too long"),
    }
}

#[test]
fn values_render_with_two_and_with_three_braces() {
    let context = json!({"a": "<b> & \"c\"", "n": 1.5, "t": true, "none": null, "list": [1, "x"], "o": {"k": "v"}});
    for (template, expected) in [
        (
            "{{a}}|{{{a}}}|{{&a}}|{{ a }}",
            "<b> & \"c\"|<b> & \"c\"|<b> & \"c\"|<b> & \"c\"",
        ),
        (
            "{{n}} {{t}} [{{none}}] [{{missing}}] [{{missing.deeper}}]",
            "1.5 true [] [] []",
        ),
        (
            "{{list}} {{o}} {{o.k}} {{list.[1]}}",
            r#"[1,"x"] {"k":"v"} v x"#,
        ),
        ("a {{~ n ~}} b", "a1.5b"),
        ("{{! a note }}x{{!-- }} --}}y", "xy"),
        (r"\{{a}} stays", "{{a}} stays"),
    ] {
        assert_eq!(text(template, context.clone()), expected, "{template}");
    }
    let html = Template::compile("{{a}} {{{a}}}", TemplateKind::Html).unwrap();
    assert_eq!(
        html.render(&context).unwrap(),
        "&lt;b&gt; &amp; &quot;c&quot; <b> & \"c\""
    );
}

#[test]
fn mustache_sections_go_through_lists_enter_objects_and_test_truth() {
    let context = json!({"names": ["a", "b"], "hosts": [{"h": "x", "tags": [1, 2]}, {"h": "y", "tags": []}], "empty": [],
        "yes": true, "no": false, "o": {"in": "side", "deep": {"er": 1}}, "outer": "O", "s": "text"});
    for (template, expected) in [
        ("{{#names}}<{{.}}>{{/names}}", "<a><b>"),
        (
            "{{#hosts}}{{h}}{{outer}}:{{#tags}}{{.}},{{/tags}} {{/hosts}}",
            "xO:1,2, yO: ",
        ),
        (
            "{{#yes}}Y{{/yes}}{{#no}}N{{/no}}{{^no}}not{{/no}}{{^yes}}?{{/yes}}",
            "Ynot",
        ),
        (
            "{{#empty}}E{{/empty}}{{^empty}}none{{/empty}}{{^missing}}gone{{/missing}}",
            "nonegone",
        ),
        (
            "{{#o}}{{in}}{{/o}} {{#o.deep}}{{er}}{{outer}}{{/o.deep}}",
            "side 1O",
        ),
        ("{{#s}}[{{.}}]{{/s}}", "[text]"),
        (
            "{{#no}}N{{else}}else{{/no}} {{#yes}}Y{{^}}no{{/yes}}",
            "else Y",
        ),
    ] {
        assert_eq!(text(template, context.clone()), expected, "{template}");
    }
}

#[test]
fn handlebars_blocks_and_helpers_work() {
    let context = json!({"list": ["a", "b"], "o": {"k": 1, "l": 2}, "n": 5, "s": "Straße", "labels": {"my label": "x"}, "e": ""});
    for (template, expected) in [
        (
            "{{#each list}}{{@index}}{{this}}{{#unless @last}},{{/unless}}{{/each}}",
            "0a,1b",
        ),
        ("{{#each o}}{{@key}}={{this}} {{/each}}", "k=1 l=2 "),
        ("{{#each o as |v k|}}{{k}}:{{v}} {{/each}}", "k:1 l:2 "),
        ("{{#each list}}{{../n}}{{/each}}", "55"),
        ("{{#each missing}}x{{else}}none{{/each}}", "none"),
        (
            "{{#if (gt n 4)}}big{{else if n}}small{{else}}zero{{/if}}",
            "big",
        ),
        ("{{#with o}}{{k}}{{/with}}", "1"),
        ("{{json o}} {{json s}}", r#"{"k":1,"l":2} "Straße""#),
        (
            "{{default e \"nobody\"}} {{default missing n}} {{default s \"x\"}}",
            "nobody 5 Straße",
        ),
        (
            "{{truncate s 4}} {{upper s}} {{lower s}} {{join list \"+\"}} {{join list}}",
            "Str… STRASSE straße a+b a, b",
        ),
        (
            "{{labels.[my label]}} {{lookup labels \"my label\"}} {{upper (lookup list 1)}}",
            "x x B",
        ),
    ] {
        assert_eq!(text(template, context.clone()), expected, "{template}");
    }
}

/// The template that Particle's document gives for PagerDuty, as it prints it.
const PAGERDUTY: &str = r#"{
    "routing_key": "\{{{PAGERDUTY_ROUTING_KEY}}}",
    "event_action": "\{{{event_action}}}",
    "payload": {
    "summary": "\{{{payload.summary}}}",
    "severity": "\{{{payload.severity}}}",
    "custom_details": {
        "error_rate": "\{{{payload.custom_details.error_rate}}}",
        "impacted_integrations": "\{{{payload.custom_details.impacted_integrations}}}"
    }
    }
}"#;

#[test]
fn p15_particles_pagerduty_template_is_json_whatever_the_values() {
    let hostile = "say \"hi\"\n\\ } , \u{1}\u{2}\u{3}\u{7} ü {{x}}";
    let context = json!({"PAGERDUTY_ROUTING_KEY": "R0", "event_action": "trigger", "payload": {"summary": hostile,
        "severity": "critical", "custom_details": {"error_rate": 12.5, "impacted_integrations": ["a", "b"]}}});
    for template in [
        PAGERDUTY.to_owned(),
        PAGERDUTY.replace('\\', ""),
        PAGERDUTY.replace("\\{{{", "{{").replace("}}}", "}}"),
    ] {
        let rendered = json_text(&template, context.clone()).unwrap();
        let value: Value = serde_json::from_str(&rendered).unwrap();
        assert_eq!(value["routing_key"], "R0");
        assert_eq!(
            value["payload"]["summary"],
            hostile.replace(['\u{1}', '\u{2}', '\u{3}'], "\u{fffd}")
        );
        assert_eq!(value["payload"]["custom_details"]["error_rate"], "12.5");
        assert_eq!(
            value["payload"]["custom_details"]["impacted_integrations"],
            r#"["a","b"]"#
        );
    }
}

#[test]
fn p10_a_whole_document_in_one_variable_passes_as_it_is() {
    let event = r#"{"text":"a \"b\"","blocks":[]}"#;
    for template in [
        r"\{{{PARTICLE_EVENT_VALUE}}}",
        "{{{PARTICLE_EVENT_VALUE}}}",
        " {{PARTICLE_EVENT_VALUE}} ",
    ] {
        for value in [json!(event), serde_json::from_str(event).unwrap()] {
            let rendered = json_text(template, json!({"PARTICLE_EVENT_VALUE": value})).unwrap();
            let parsed: Value = serde_json::from_str(&rendered).unwrap();
            assert_eq!(parsed["text"], "a \"b\"");
        }
    }
}

#[test]
fn values_outside_strings_are_whole_json_values_or_null() {
    let context =
        json!({"n": 5, "s": "text", "o": {"k": [1]}, "evil": "1,\"admin\":true", "open": "{"});
    let rendered = json_text(
        r#"{"n":{{n}},"o":{{o}},"j":{{json s}},"m":{{missing}},"in":"{{json o}}"}"#,
        context.clone(),
    )
    .unwrap();
    assert_eq!(
        rendered,
        r#"{"n":5,"o":{"k":[1]},"j":"text","m":null,"in":"{\"k\":[1]}"}"#
    );
    for name in ["s", "evil", "open"] {
        let error = json_text(
            &format!("{{\n  \"a\": 1, \"x\": {{{{{name}}}}}}}"),
            context.clone(),
        )
        .unwrap_err();
        assert!(
            matches!(
                error,
                RenderError::Tag {
                    line: 2,
                    column: 16,
                    ..
                }
            ),
            "{error:?}"
        );
        assert!(!error.to_string().contains("admin"));
    }
}

#[test]
fn sections_work_inside_json_and_a_broken_document_says_where() {
    let context = json!({"list": ["a\"", "b"], "on": true});
    let template = r#"{"l":[{{#each list}}"{{this}}"{{#unless @last}},{{/unless}}{{/each}}],"s":"{{#on}}is {{list.[1]}}{{/on}}"}"#;
    assert_eq!(
        json_text(template, context.clone()).unwrap(),
        r#"{"l":["a\"","b"],"s":"is b"}"#
    );
    assert_eq!(
        json_text(r#"{"w":"C:\\{{list.[1]}}"}"#, context.clone()).unwrap(),
        r#"{"w":"C:\\b"}"#
    );
    assert_eq!(
        json_text(r#"{"w":"C:\\\{{list.[1]}}"}"#, context.clone()).unwrap(),
        r#"{"w":"C:\\b"}"#
    );

    let error = json_text("{\"a\":\n  \"{{on}}\"\n  \"b\": 1}", context.clone()).unwrap_err();
    assert_eq!(
        error,
        RenderError::NotJson {
            line: 2,
            column: 4,
            what: "expected `,` or `}`".to_owned()
        }
    );
    assert!(matches!(
        json_text("{\"a\": 1", context),
        Err(RenderError::NotJson {
            line: 1,
            column: 1,
            ..
        })
    ));
}

#[test]
fn errors_of_a_template_have_line_and_column() {
    for (template, line, column, part) in [
        ("a\n  {{b", 2, 3, "does not end"),
        ("{{#a}}\nx", 1, 1, "{{/a}}"),
        ("x{{/a}}", 1, 2, "no block is open"),
        ("{{#a}}{{#b}}{{/a}}{{/b}}", 1, 13, "`b` is open"),
        ("äö {{}}", 1, 4, "empty"),
        ("{{> other}}", 1, 1, "partials"),
        ("{{#> other}}{{/other}}", 1, 1, "block"),
        ("{{=<% %>=}}", 1, 1, "delimiters"),
        ("{{{{raw}}}}{{{{/raw}}}}", 1, 1, "raw blocks"),
        ("ok {{nohelper x}}", 1, 4, "no helper `nohelper`"),
        ("{{#noblock x}}{{/noblock}}", 1, 1, "no block `noblock`"),
        ("{{#if}}{{/if}}", 1, 1, "condition"),
        ("{{else}}", 1, 1, "outside"),
        ("line\n{{a}} and {{a b.c..}}", 2, 11, "no helper"),
        ("x\n{{n}} {{a..b}}", 2, 7, "not a tag"),
        ("{{!-- never", 1, 1, "comment"),
        ("a\u{1}b", 1, 2, "control"),
    ] {
        let (l, c, what) = refused(template, TemplateKind::Text);
        assert_eq!((l, c), (line, column), "{template}: {what}");
        assert!(what.contains(part), "{template}: {what}");
    }
}

#[test]
fn i10_templates_outputs_loops_and_nesting_have_limits() {
    let long = "x".repeat(limits::TEMPLATE_BYTES_MAX + 1);
    assert_eq!(
        Template::compile(&long, TemplateKind::Text).unwrap_err(),
        TemplateError::TooLong
    );
    assert!(
        refused(
            &"{{a}}".repeat(limits::TEMPLATE_TAGS_MAX + 1),
            TemplateKind::Text
        )
        .2
        .contains("tags")
    );
    let deep = format!("{}{}", "{{#a}}".repeat(13), "{{/a}}".repeat(13));
    assert!(
        refused(&deep, TemplateKind::Text)
            .2
            .contains("inside each other")
    );
    let brackets = format!(
        "{{{{len {}a{}}}}}",
        "(not ".repeat(5000 / 5),
        ")".repeat(1000)
    );
    assert!(
        refused(&brackets, TemplateKind::Text)
            .2
            .contains("brackets")
    );

    let list: Vec<u32> = (0..200).collect();
    let nested = Template::compile(
        "{{#each l}}{{#each ../l}}{{#l}}{{/l}}{{/each}}{{/each}}",
        TemplateKind::Text,
    )
    .unwrap();
    assert_eq!(
        nested.render(&json!({"l": list})).unwrap_err(),
        RenderError::TooManyRounds
    );
    let fat = Template::compile("{{#each l}}{{../s}}{{/each}}", TemplateKind::Text).unwrap();
    assert_eq!(
        fat.render(&json!({"l": list, "s": "x".repeat(10_000)}))
            .unwrap_err(),
        RenderError::TooLong
    );
}

#[test]
fn i9_errors_name_the_tag_and_not_the_values() {
    let template = Template::compile(
        "a\n {{truncate secret \"s3cr3t-value\"}}",
        TemplateKind::Text,
    )
    .unwrap();
    let error = template
        .render(&json!({"secret": "s3cr3t-value"}))
        .unwrap_err();
    assert!(
        matches!(
            error,
            RenderError::Tag {
                line: 2,
                column: 2,
                ..
            } | RenderError::Other { .. }
        ),
        "{error:?}"
    );
    assert!(!format!("{error} {error:?} {template:?}").contains("s3cr3t"));
}

proptest! {
    #[test]
    fn no_template_panics(template in r#"(\{\{|\}\}|\{|\}|#|/|\^|~|&|a|b\.c| |\\|"|'|\(|\)|\[|\]|if|each|json|else|this|\n|é|!|--|\|as \|x\|){0,24}"#) {
        for kind in [TemplateKind::Text, TemplateKind::Html, TemplateKind::Json] {
            if let Ok(template) = Template::compile(&template, kind) {
                let _rendered = template.render(&json!({"a": [1, {"b": "x"}], "b": {"c": "\"y"}}));
            }
        }
    }

    #[test]
    fn a_string_value_survives_a_json_template(value: String) {
        let expected = value.replace(['\u{1}', '\u{2}', '\u{3}'], "\u{fffd}");
        let rendered = json_text(r#"{"v": "<{{v}}>", "w": "{{{v}}}"}"#, json!({"v": value})).unwrap();
        let parsed: Value = serde_json::from_str(&rendered).unwrap();
        prop_assert_eq!(&parsed["v"], &json!(format!("<{expected}>")));
        prop_assert_eq!(&parsed["w"], &json!(expected));
    }

    #[test]
    fn a_plain_text_renders_as_itself(text in "[^{\\\\\u{1}-\u{3}]{0,60}") {
        let template = Template::compile(&text, TemplateKind::Text).unwrap();
        prop_assert_eq!(template.render(&Value::Null).unwrap(), text);
    }
}
