//! What the grammar joins, and what it leaves.

use super::*;

/// The values that are joined to the name that stands in `text` between `^`.
fn values(marked: &str) -> Vec<String> {
    let marks: Vec<usize> = marked.match_indices('^').map(|(at, _)| at).take(2).collect();
    let text = marked.replacen('^', "", 2);
    let mut found = Vec::new();
    visit(text.as_bytes(), ByteSpan::new(marks[0], marks[1] - 1), text.len(), &|| true, &mut |joined| {
        found.push(String::from_utf8_lossy(joined.value.of(text.as_bytes())).into_owned());
    });
    found.dedup();
    found
}

/// Checks that of each text the value `k9Xw2pLq7Zt4` and nothing else is joined to the name.
fn assert_joined(texts: &[&str]) {
    for text in texts {
        assert_eq!(values(&text.replace('@', VALUE)), [VALUE], "{text}");
    }
}

fn assert_apart(texts: &[&str]) {
    for text in texts {
        assert_eq!(values(&text.replace('@', VALUE)), [""; 0], "{text}");
    }
}

const VALUE: &str = "k9Xw2pLq7Zt4";

#[test]
fn literals_of_many_lines_hold_one() {
    assert_joined(&[
        "^password^ = \"\"\"@\"\"\"\n",
        "^secret^ = '''@'''\n",
        "^password^ = \"\"\"\n@\"\"\"",
        "^password^ = \"\"\"\\\n  @\\\n\"\"\"".replace("@\\", "@").as_str(),
        "^password^ = <<EOF\n@\nEOF\n",
        "^password^ = <<-'EOF'\n    @\n  EOF\n",
        "^password^ = <<~EOS.strip\n  @\nEOS\n",
        "$^password^ = <<<EOT\n@\nEOT;\n",
        "^DB_PASSWORD^=$(cat <<'EOF'\n@\nEOF\n)\n",
        "^password^: >-\n    @\nnext: 1\n",
        "  ^password^: |2\n    @\n",
        "^password^: !!str |\n  @\n",
        "let ^password^ = r#\"@\"#;",
        "auto ^password^ = R\"x(@)x\";",
        "^password^ = %q(@)",
        "^password^ = ''\n  @\n'';",
        "local ^password^ = [[@]]",
        "^password^ = $$@$$",
        "^password^ = $pw$@$pw$;",
    ]);
    assert_eq!(values(&format!("$^Password^ = @'\n{VALUE}\n'@\n")), [VALUE]);
    assert_apart(&[
        "^password^ = \"\"\"\nfirst @\nsecond\n\"\"\"",
        "^password^ = <<EOF\n@\nmore\nEOF\n",
        "^password^ = <<EOF\n@\n",
        "^password^: |\n  @\n  and more\n",
        "^password^ << '@'",
        "^password^ == \"\"\"@\"\"\"",
    ]);
}

#[test]
fn blocks_have_the_name_at_their_head() {
    assert_joined(&[
        "variable \"^sys_password^\" {\n  description = \"Password of {it}\"\n  type = string\n  default     = \"@\"\n}\n",
        "\"^adminPassword^\": {\n  \"value\": \"@\"\n }",
        "Parameters:\n  ^DBPassword^:\n    Type: String\n    Default: @\n    NoEcho: true\n  DBName:\n    Default: orders\n",
        "inputs:\n  ^api-token^:\n    description: token of the API\n    default: @\n",
        "  ^tokens^:\n    - @\n",
        "  ^tokens^:\n  - \"@\"\n  other: x1\n",
        "cookies[:^token^] = {value: '@'}",
    ]);
    assert_apart(&[
        "variable \"^db_password^\" {\n  description = \"Password\"\n  sensitive   = true\n}\nvariable \"x\" {\n default = \"@\"\n}",
        "  ^password^:\n    type: string\n  name:\n    default: @\n",
        "class ^Password^ {\n  default = \"@\"\n}",
        "\"^password^\": {\"rule\": {\"value\": \"@\"}}",
    ]);
}

#[test]
fn pairs_have_name_and_value_beside_each_other() {
    assert_joined(&[
        "password(name: '^DB_PASSWORD^', description: 'it', defaultValue: '@')",
        "{\n \"ParameterKey\": \"^DBPassword^\",\n \"ParameterValue\": \"@\",\n \"UsePreviousValue\": false\n}",
        "- value: @\n  name: ^DB_PASSWORD^\n",
        "{\"value\": \"@\", \"name\": \"^DB_PASSWORD^\"}",
        "<add value=\"@\" key=\"^DbPassword^\"/>",
        "<property><name>^db.password^</name><description>it</description><value>@</value></property>",
        "- name: ^DB_PASSWORD^\n  description: it\n  value: @\n- name: OTHER\n  value: x1\n",
    ]);
    assert_apart(&[
        "- name: ^DB_PASSWORD^\n  valueFrom: x\n- name: OTHER\n  value: @\n",
        "{\"name\": \"OTHER\", \"value\": \"@\"}, {\"name\": \"^DB_PASSWORD^\"}",
        "{\"name\": \"OTHER\", \"value\": \"@\", \"key\": \"^DB_PASSWORD^\"}",
    ]);
}

#[test]
fn columns_have_the_name_in_their_head() {
    assert_joined(&[
        "INSERT INTO users (id, `^password^`, at) VALUES (1, '@', NOW());",
        "insert into t (at, name, ^token^)\nvalues\n (now(), 'it''s', '@');",
        "COPY users (id, ^password^, at) FROM stdin;\n1\t@\t2\n\\.\n",
        "name,^password^,role\nbob,@,admin\n",
        "user;^password^\nbob;@\n",
        "id\t^token^\n1\t@\n",
        "\"name\",\"^password^\"\n\"a, b\",\"@\"\n",
        "| user | ^password^ |\n|------|----------|\n| bob | `@` |\n",
        "| `^DB_PASSWORD^` | `@` |\n",
    ]);
    assert_eq!(values("a,^password^\nx,k9Xw2\ny,m3Zt8\n"), ["k9Xw2", "m3Zt8"]);
    assert_apart(&[
        "f(a, ^password^, c) VALUES (1, '@', 2)",
        "one, the ^password^, and more\nx,@,z,w\n",
        "call(user, ^password^)\nother(@, x)\n",
        "// No ^password^, just a user\nf(@), None\n",
        "from x import User, ^password^\nfrom y import Simple, Path\n",
        "syn keyword\tservice\tk^passwd^\nsyn keyword\tservice\tk524\n",
        "SELECT ^password^, name FROM t WHERE x = '@'",
        "def load(self) -> A1Key | ^B2Key^ | @ | None: ...\n\n",
    ]);
}

#[test]
fn operators_have_types_and_wrappers_beside_them() {
    assert_joined(&[
        "const ^TOKEN^: &'static str = \"@\";",
        "\"^token^\" to \"@\",",
        "x ^token^ - '@'",
        "^key^      := \"@\"",
        "^TOKEN^ ?= \"@\"",
        "^TOKEN^ ::= \"@\"",
        "^password^\t=\t' @ '",
        "^token^ = new Token(\"@\");",
        "^token^: Some(\"@\".into()),".replace(".into()", "").as_str(),
        "^token^ = Value::String(Secret::new(\"@\"))",
        "^token^ = Token::new(\"@\").into();",
        "'^password^': (None, '@')",
        "set :^secret^, '@'",
    ]);
    assert_eq!(values("^tokens^ = [\"k9Xw2\", \"m3Zt8\",\n \"q1\"]"), ["k9Xw2", "m3Zt8", "q1"]);
    assert_eq!(values("^tokens^ := []string{\"k9Xw2\", \"m3Zt8\"}"), ["k9Xw2", "m3Zt8"]);
    assert_eq!(values("^userpass^ = [('alice', 'k9Xw2pLq7Zt4')]"), [VALUE]);
    assert_apart(&[
        "^password^ = getpass(\"@\")",
        "^password^ = ValueError(\"@\")",
        "the ^password^ - '@' - and more".replace('@', "words").as_str(),
        "assert ^token^ == \"@\"",
        "^tokens^ = [\"k9Xw2\", \" \", \"@\"]",
        "^salt^ = Hash('@').clean('1')",
        "let ^secret^ = [\"acme\", \"@\"].concat();",
        "std::^password^::new(\"@\")",
        "<field name=\"^password^\" type=\"@\"/>",
        "<input ^password^ placeholder=\"@\"/>",
    ]);
}

#[test]
fn long_values_are_whole_or_not_read() {
    let long = VALUE.repeat(200);
    assert_eq!(values(&format!("^token^ = \"{long}\"")), [long.as_str()]);
    assert_eq!(values(&format!("^token^={long}==\n")), [format!("{long}==")]);
    let text = format!("token={long}");
    let mut found = Vec::new();
    visit(text.as_bytes(), ByteSpan::new(0, 5), text.len() - 1, &|| true, &mut |joined| found.push(joined));
    assert!(found.is_empty());
}

#[test]
fn objects_in_strings_have_values_of_their_own() {
    let text =
        format!("\"^Apitoken^\": \"{{\\\"name\\\": \\\"app\\\", \\\"sig\\\": \\\"{VALUE}{VALUE}\\\"}}\"");
    assert_eq!(values(&text), [format!("{VALUE}{VALUE}")]);
}
