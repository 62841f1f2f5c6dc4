use super::*;

/// As Alertmanager 0.25.0 (Debian's) answers to a silence with this pattern (2026-11); empty: taken.
#[test]
fn go_says_what_is_wrong_and_what_it_takes_is_taken_here() {
    let table = [
        ("(?i", "invalid or unsupported Perl syntax: `(?i`"),
        ("(?", "invalid or unsupported Perl syntax: `(?`"),
        ("(?P<n", "invalid named capture: `(?P<n`"),
        ("(?P", "invalid or unsupported Perl syntax: `(?P`"),
        ("(?P=n)", "invalid or unsupported Perl syntax: `(?P`"),
        ("(?:", "missing closing ): `(?:`"),
        ("(?i-", "invalid or unsupported Perl syntax: `(?i-`"),
        ("(?-)", "invalid or unsupported Perl syntax: `(?-)`"),
        ("(?i:a", "missing closing ): `(?i:a`"),
        ("\\", "trailing backslash at end of expression: ``"),
        ("a\\", "trailing backslash at end of expression: ``"),
        ("[", "missing closing ]: `[`"),
        ("[a-", "missing closing ]: `[a-`"),
        ("[a-z", "missing closing ]: `[a-z`"),
        ("\\x", "invalid escape sequence: `\\x`"),
        ("\\x{", "invalid escape sequence: `\\x{`"),
        ("\\x{}", "invalid escape sequence: `\\x{}`"),
        ("\\xg1", "invalid escape sequence: `\\xg1`"),
        ("\\p", "invalid character class range: `\\p`"),
        ("\\p{", "invalid character class range: `\\p{`"),
        ("\\pé", "invalid character class range: `\\pé`"),
        ("\\é", "invalid escape sequence: `\\é`"),
        ("(?é", "invalid or unsupported Perl syntax: `(?é`"),
        ("\\8", "invalid escape sequence: `\\8`"),
        ("\\18", "invalid escape sequence: `\\1`"),
        ("\\01", ""),
        ("\\07z", ""),
        ("a{2,1}?", "invalid repeat count: `{2,1}`"),
        ("*?", "missing argument to repetition operator: `*?`"),
        ("(*)", "missing argument to repetition operator: `*`"),
        ("(|*)", "missing argument to repetition operator: `*`"),
        ("(?i)*", "missing argument to repetition operator: `*`"),
        (
            "a{1000}{2}",
            "invalid nested repetition operator: `{1000}{2}`",
        ),
        ("(?P<n>)*", ""),
        ("\\Q*", ""),
        ("\\Q\\E*", "missing argument to repetition operator: `*`"),
        ("\\E", "invalid escape sequence: `\\E`"),
        ("[[:alpha:]", "missing closing ]: `[[:alpha:]`"),
        ("[[:^alpha:]]", ""),
        ("[[:alpha", "missing closing ]: `[[:alpha`"),
        ("[]a]", ""),
        ("[a\\]]", ""),
        ("x**?y", "invalid nested repetition operator: `**?`"),
        ("\\b*", ""),
        ("\\A*", ""),
        ("$*", ""),
        ("[a-\\pL]", "invalid escape sequence: `\\p`"),
        ("(?P<é>a)", "invalid named capture: `(?P<é>`"),
        ("(?P<>a)", "invalid named capture: `(?P<>`"),
        ("a**b", "invalid nested repetition operator: `**`"),
        ("a{2}??", "invalid nested repetition operator: `{2}??`"),
        ("\\_", ""),
        ("\\-", ""),
        ("[\\-a]", ""),
        ("[\\q]", "invalid escape sequence: `\\q`"),
        ("\\x{z}", "invalid escape sequence: `\\x{z`"),
        ("a)", "unexpected ): `a)`"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("a*?", ""),
        ("a+*", "invalid nested repetition operator: `+*`"),
        ("*", "missing argument to repetition operator: `*`"),
        ("+a", "missing argument to repetition operator: `+`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("a{,3}", ""),
        ("a{", ""),
        ("a{1", ""),
        ("\\q", "invalid escape sequence: `\\q`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("(?P<", "invalid or unsupported Perl syntax: `(?P`"),
        ("(?P<n>a", "missing closing ): `(?P<n>a`"),
        ("(?z)a", "invalid or unsupported Perl syntax: `(?z`"),
        ("[b-a]", "invalid character class range: `b-a`"),
        ("[]", "missing closing ]: `[]`"),
        ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
        ("\\pX", "invalid character class range: `\\pX`"),
        ("\\p{Foo}", "invalid character class range: `\\p{Foo}`"),
        ("(?P<a>x)(?P<a>y)", ""),
        ("\\1", "invalid escape sequence: `\\1`"),
        ("()", ""),
        ("x{0}", ""),
        ("(?P<1>a)", ""),
        ("(?<n>a)", "invalid or unsupported Perl syntax: `(?<`"),
        ("\\Qa.b\\E", ""),
        ("\\C", "invalid escape sequence: `\\C`"),
        ("\\z", ""),
        ("\\Z", "invalid escape sequence: `\\Z`"),
        ("\\x{110000}", "invalid escape sequence: `\\x{110000`"),
        ("\\x4", "invalid escape sequence: `\\x4`"),
        ("[a-\\d]", "invalid escape sequence: `\\d`"),
        ("(a|b", "missing closing ): `(a|b`"),
        ("a|*", "missing argument to repetition operator: `*`"),
        ("^*", ""),
        ("(?#c)", "invalid or unsupported Perl syntax: `(?#`"),
        ("((((", "missing closing ): `((((`"),
        ("a{2}{3}", "invalid nested repetition operator: `{2}{3}`"),
        ("a???", "invalid nested repetition operator: `???`"),
        ("[^]", "missing closing ]: `[^]`"),
        ("[a", "missing closing ]: `[a`"),
        ("[\\", "trailing backslash at end of expression: ``"),
        ("a{1,2,3}", ""),
        ("(?)", ""),
        ("a{02}", ""),
        ("a{2, 3}", ""),
        ("(?i)a", ""),
        ("(?-i:a)", ""),
        ("[[a]", ""),
        ("[a&&b]", ""),
        ("\\<", ""),
        ("|", ""),
        ("a||b", ""),
        ("a{99999999999}", "invalid repeat count: `{99999999999}`"),
        ("[--a]", ""),
        ("[a-]", ""),
        ("[-a]", ""),
        ("[^^]", ""),
        ("\\x{10FFFF}", ""),
        ("(?P<a", "invalid named capture: `(?P<a`"),
        ("\\d{2}", ""),
        ("[\\d-z]", ""),
        ("(?s-)", "invalid or unsupported Perl syntax: `(?s-)`"),
        ("(?ii)", ""),
        ("(?-s)", ""),
        ("{2}", "missing argument to repetition operator: `{2}`"),
        ("a|{2}", "missing argument to repetition operator: `{2}`"),
        ("^{2}", ""),
    ];
    for (pattern, problem) in table {
        match translated(pattern) {
            Ok(rust) => {
                assert_eq!(problem, "", "{pattern}");
                assert!(Regex::new(&rust).is_ok(), "{pattern} as {rust}");
            }
            Err(said) => assert_eq!(
                said,
                format!("error parsing regexp: {problem}"),
                "{pattern}"
            ),
        }
    }
}

#[test]
fn a_pattern_means_what_it_means_in_go() {
    for (pattern, text, hits) in [
        ("a{", "a{", true),
        ("a{,3}", "a{,3}", true),
        (r"\d+", "12", true),
        (r"\d+", "\u{0661}", false),
        (r"\Qa.b\E.", "a.bc", true),
        (r"\Qa.b\E.", "axbc", false),
        ("[[a]", "[", true),
        ("[a&&b]", "&", true),
        (r"\<a\>", "<a>", true),
        ("(?P<x>a)(?P<x>b)", "ab", true),
        ("(?i)WEB|db", "Web", true),
        ("web|db", "web-1", false),
        ("a.b", "a\nb", false),
        ("(?s)a.b", "a\nb", true),
        (r"\101\x42", "AB", true),
        ("[^a-c]+", "xyz", true),
        ("[]a]+", "]a", true),
        ("ü+", "üü", true),
        ("a#b c", "a#b c", true),
        ("a-b~c", "a-b~c", true),
    ] {
        let regex = anchored(pattern).unwrap();
        assert_eq!(regex.is_match(text), hits, "{pattern} {text}");
    }
}

#[test]
fn i10_hostile_patterns_are_refused_soon() {
    assert!(translated(&"(".repeat(10_000)).is_err());
    assert!(anchored(r"(\w{900}){900}").is_err());
    assert!(anchored(&format!("{}{}", "(".repeat(5000), ")".repeat(5000))).is_err());
}

proptest::proptest! {
    #[test]
    fn no_pattern_makes_the_reader_panic(pattern in r"[\\a()\[\]{}?*+|^$.:<>P0-9xpQE,é-]{0,20}") {
        if let Ok(rust) = translated(&pattern) {
            proptest::prop_assert!(RegexBuilder::new(&rust).size_limit(1 << 26).build().is_ok(), "{} as {}", pattern, rust);
        }
    }
}
