//! Rules for credentials without a form of their own. What tells them is the provider's name in front of them, as code has
//! it: `DATADOG_API_KEY=...`, `"datadogApiKey": "..."`. A rule file says the names and the value's form, and [`expand`] makes
//! keywords, pattern, examples and counter-examples of them, so that all such rules agree on what an assignment is.

use std::borrow::Cow;

use super::rule::Text;
use super::syntax::NamedSyntax;

/// What the name says that the value is, where a rule does not say it better.
const WORDS: &[&str] = &["key", "token", "secret", "password", "passwd", "pwd", "credential"];
/// The word that examples get where a rule says none.
const EXAMPLE_WORD: &str = "api_key";
/// What joins the parts of a name: nothing in camel case, `_` in code, `-` in headers and flags, `.` in properties, a space
/// in prose.
const JOINS: &[&str] = &["", "_", "-", ".", " "];

// The parts of the pattern, in the order in which they stand. None matches a line end: a name says nothing of the next line.

/// From the name to the word: `datadog`, `_prod_api_`, `key`; `datadog`, `.Client(api_`, `key`; `datadog`, `: {"`, `key`;
/// `datadog`, `hq.com/api/v1/validate?api_`, `key`.
const TO_WORD: &str = r#"[a-z0-9_.\-() {\["':/?&$]{0,40}"#;
/// How long that may be, in bytes.
const MAX_TO_WORD_BYTES: usize = 40;
/// The rest of the identifier, and what closes it: a quote, an index, the end of a look-up.
const CLOSE: &str = r#"[a-z0-9_\-]{0,16}(?:\\{0,2}["'`]|&quot;)?[\])]{0,2}"#;
/// What assigns: an operator, with a type in front or without; an argument; a default; a tag; an attribute or a field of its
/// own (`" value="`, `", "value": "`); white space in flags, Dockerfiles and definitions.
const ASSIGN: &str = concat!(
    r#"[ \t]{0,8}(?:"#,
    r#"(?:: ?[&'a-z][a-z_.'\[\]<>|& ]{0,24}|[a-z]{3,8} )=|"#,
    r#"=>|:=|\|\||\?\?|\?:|:-|<-|or |is |was |[=:,>({]|"#,
    r#"[,{]?[ \t]{0,4}[\\"']{0,3}(?:value|default|fallback)[\\"']{0,3}[ \t]{0,4}(?:=>|[=:>(])|"#,
    r#"[ \t])[ \t]{0,8}"#,
);
/// What a value may be wrapped in: a call, a look-up that has it for a fall-back, a keyword argument.
const WRAP: &str = concat!(
    r#"(?:(?:new )?[a-z_][a-z0-9_.:!]{0,31}\([ \t]{0,2}"#,
    r#"(?:["'][a-z0-9_.\-]{1,48}["'][ \t]{0,2},[ \t]{0,2})?|"#,
    r#"[a-z_][a-z0-9_.]{0,47}(?:\[["'][a-z0-9_.\-]{1,48}["']\])?[ \t]{0,2}(?:\|\||\?\?|\?:|or)[ \t]{0,2})?"#,
    r#"(?:default[ \t]{0,2}[=:][ \t]{0,2})?"#,
);
/// What opens the value: a quote with the prefixes that languages have, and the scheme of an `Authorization` header.
const OPEN: &str =
    r#"(?:(?:rb|br|[brufln@])?\\{0,2}["'`]|&quot;)?(?:(?:bearer|token|basic|apikey|key)[ \t=:]{1,2})?"#;
/// What follows the value: nothing that could be more of it, nor what makes it a call or an index. A full stop may end a
/// sentence.
const END: &str = r"(?:[^A-Za-z0-9_+/=.\-(\[]|\.(?:[^A-Za-z0-9]|\z)|\z)";

/// The fields of a rule that its names and its value's form stand for.
#[derive(Debug)]
pub(crate) struct Expanded {
    /// Every name in every spelling.
    pub keywords: Vec<String>,
    /// Name, assignment and value on one line.
    pub pattern: String,
    /// How the name goes on behind the keyword.
    pub head: Head,
    /// The whole value.
    pub value: String,
}

/// How the names of a rule by name go on behind their keywords: the beginning of its pattern, matched without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The keywords that need a word behind them to name a secret: `datadog`, and not `datadog_api_key`.
    pub begun: Cow<'static, [Text]>,
    /// The words, in snake case.
    pub words: Cow<'static, [Text]>,
    /// A whole name, in snake case, for examples.
    pub example: Text,
}

impl Head {
    /// Where the name ends that has `keyword`, which begins at `start` in `bytes`; `None` where no word follows that makes it the
    /// name of a secret.
    #[must_use]
    pub fn end(&self, bytes: &[u8], start: usize, keyword: &[u8]) -> Option<usize> {
        let begun = start + keyword.len();
        if !self.begun.iter().any(|text| text.as_bytes().eq_ignore_ascii_case(keyword)) {
            return Some(begun);
        }
        let rest = bytes.get(begun..)?;
        let length = rest.iter().take(MAX_TO_WORD_BYTES).take_while(|byte| may_join_word(**byte)).count();
        (0..=length).rev().find_map(|at| {
            let word = self.words.iter().find_map(|word| word_length(&rest[at..], word))?;
            Some(begun + at + word)
        })
    }
}

/// Examples of `value`, assigned in the ways that files and languages have.
pub(crate) fn examples<'a>(head: &'a Head, value: &'a str) -> impl Iterator<Item = Text> + 'a {
    EXAMPLES.iter().map(|form| Text::Owned(fill(form, &head.example, value)))
}

/// Counter-examples: `value` under another name, under a name for something else, and on the next line.
pub(crate) fn counter_examples<'a>(head: &'a Head, value: &'a str) -> impl Iterator<Item = Text> + 'a {
    COUNTER_EXAMPLES.iter().map(|form| Text::Owned(fill(form, &head.example, value)))
}

/// Whether the byte may stand between a name and its word: the class of [`TO_WORD`].
fn may_join_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_.-() {[\"':/?&$".contains(&byte)
}

/// The length of `word` at the start of `text`, in any case and with any joint, or none, in the place of `_`.
fn word_length(text: &[u8], word: &str) -> Option<usize> {
    let mut rest = text;
    for letter in word.bytes() {
        let next = rest.first().copied();
        if letter == b'_' {
            rest = if next.is_some_and(|byte| b"_.- ".contains(&byte)) { &rest[1..] } else { rest };
        } else if next.is_some_and(|byte| byte.to_ascii_lowercase() == letter) {
            rest = &rest[1..];
        } else {
            return None;
        }
    }
    Some(text.len() - rest.len())
}

/// Spells out a rule by name.
///
/// # Errors
///
/// Says what is wrong with the names or words.
pub(crate) fn expand(named: &NamedSyntax) -> Result<Expanded, String> {
    let Some(first) = named.names.first() else {
        return Err("names: give at least one name that code has in front of the value".to_owned());
    };
    for name in named.names.iter().chain(&named.words) {
        if !is_snake_case(name) {
            return Err(format!(
                "`{name}`: write it in snake case, such as `new_relic`; `_` stands for any joint"
            ));
        }
    }
    // A name that ends in a word needs no other one.
    let is_whole = |name: &&String| {
        words(named)
            .any(|word| name.strip_suffix(word).is_some_and(|rest| rest.is_empty() || rest.ends_with('_')))
    };
    let (whole, begun): (Vec<&String>, Vec<&String>) = named.names.iter().partition(is_whole);
    let mut heads = Vec::new();
    if !begun.is_empty() {
        let words: Vec<String> = words(named).map(|word| word.replace('_', r"[_.\- ]?")).collect();
        heads.push(format!("(?:{}){TO_WORD}(?:{})", alternatives(&begun), words.join("|")));
    }
    if !whole.is_empty() {
        heads.push(alternatives(&whole));
    }
    let name_pattern = heads.join("|");
    let head = Head {
        // `geniekey` is the whole of `genie_key` in one of its spellings.
        begun: begun
            .iter()
            .flat_map(|name| spellings(name))
            .filter(|text| !whole.iter().flat_map(|name| spellings(name)).any(|other| other == *text))
            .map(Text::Owned)
            .collect(),
        words: words(named).map(|word| Text::Owned(word.to_owned())).collect(),
        example: Text::Owned(match (is_whole(&first), named.words.first()) {
            (true, _) => first.clone(),
            (false, Some(word)) => format!("{first}_{word}"),
            (false, None) => format!("{first}_{EXAMPLE_WORD}"),
        }),
    };
    let value = &named.value;
    Ok(Expanded {
        keywords: named.names.iter().flat_map(|name| spellings(name)).collect(),
        pattern: format!("(?i)(?:{name_pattern}){CLOSE}{ASSIGN}{WRAP}{OPEN}(?P<secret>(?-i:{value})){END}"),
        head,
        value: value.clone(),
    })
}

fn words(named: &NamedSyntax) -> impl Iterator<Item = &str> {
    let own = named.words.iter().map(String::as_str);
    let usual = WORDS.iter().copied().filter(|_| named.words.is_empty());
    own.chain(usual)
}

fn alternatives(names: &[&String]) -> String {
    let spelled = names.iter().flat_map(|name| spellings(name));
    spelled.map(|name| regex_syntax::escape(&name)).collect::<Vec<_>>().join("|")
}

/// The spellings of a name; one where it is one word.
fn spellings(name: &str) -> impl Iterator<Item = String> {
    let joins = if name.contains('_') { JOINS } else { &JOINS[..1] };
    joins.iter().map(|join| name.replace('_', join))
}

/// How values are written behind their names; `{...}` stands for the name in a spelling, `@` for the value.
const EXAMPLES: &[&str] = &[
    "{UPPER_CASE}=@\n",
    "export {UPPER_CASE}=\"@\"",
    "{snake_case} = '@'",
    "\"{camelCase}\": \"@\",",
    "{\\\"{camelCase}\\\":\\\"@\\\"}",
    "  {dotted.case}: @\n",
    "{kebab-case}: \"@\"",
    "{UPPER_CASE} = os.environ.get(\"{UPPER_CASE}\", \"@\")",
    "key = os.getenv('{UPPER_CASE}', default='@')",
    "os.environ[\"{UPPER_CASE}\"] = \"@\"",
    "const {camelCase} = process.env.{UPPER_CASE} || '@';",
    "let {camelCase}: string = `@`;",
    "const {camelCase} string = \"@\"",
    "{camelCase} := \"@\"",
    "'{snake_case}' => '@',",
    "curl -H \"X-{Header-Case}: @\" https://api.example.org",
    "<add key=\"{camelCase}\" value=\"@\" />",
    "<property name=\"{dotted.case}\">@</property>",
    "<{camelCase}>@</{camelCase}>",
    "{\"name\": \"{UPPER_CASE}\", \"value\": \"@\"}",
    "ENV {UPPER_CASE} @\n",
    "deploy --{kebab-case} @ --verbose",
    "{snake_case} = SecretStr(b\"@\")",
    "echo ${{UPPER_CASE}:-@}",
    "define('{UPPER_CASE}', '@');",
    "client.set{PascalCase}(\"@\");",
    "https://api.example.org/v1?{snake_case}=@&page=2",
    "# {UPPER_CASE} was @.",
    "{snake_case}                 = \"@\"\n",
    "const {UPPER_CASE}: &'static str = \"@\";",
    "{UPPER_CASE} = \"\"\"\n@\n\"\"\"\n",
    // `<<` is written so because it begins a sampled part.
    "{snake_case} = <<\\x3c\\x3c>>-EOT\n    @\n  EOT\n",
    "{snake_case}: >-\n  @\n",
    "variable \"{snake_case}\" {\n  description = \"as issued\"\n  default     = \"@\"\n}\n",
    "{\"value\": \"@\", \"name\": \"{UPPER_CASE}\"}",
    "INSERT INTO settings (at, {snake_case}) VALUES (NOW(), '@');",
];
const COUNTER_EXAMPLES: &[&str] =
    &["other_api_key = \"@\"", "{snake_case}_id = \"@\"", "{UPPER_CASE}_HASH=@", "{snake_case}:\n  @"];

fn fill(form: &str, name: &str, value: &str) -> String {
    let parts: Vec<&str> = name.split('_').collect();
    let pascal: Vec<String> = parts.iter().map(|part| capitalised(part)).collect();
    let camel = [parts[0].to_owned(), pascal[1..].concat()].concat();
    form.replace("{UPPER_CASE}", &name.to_ascii_uppercase())
        .replace("{snake_case}", name)
        .replace("{kebab-case}", &parts.join("-"))
        .replace("{dotted.case}", &parts.join("."))
        .replace("{Header-Case}", &pascal.join("-"))
        .replace("{PascalCase}", &pascal.concat())
        .replace("{camelCase}", &camel)
        .replace('@', &format!("<<{value}>>"))
}

fn capitalised(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_ascii_uppercase() + rest
}

fn is_snake_case(name: &str) -> bool {
    name.split('_').all(|part| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}
