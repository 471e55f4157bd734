//! Names and values that do not stand side by side on a line, in the files in which people have them.

use crate::fixture::Scratch;
use crate::secrets::Random;

/// Scans a file for each case, `@` in its text being a password.
fn assert_found(cases: &[(&str, &str, bool)]) {
    let scratch = Scratch::new();
    let mut random = Random::new(16);
    for (number, (path, text, is_found)) in cases.iter().enumerate() {
        let secret = format!("q{}8K", random.text(b"bcdfghjkmnpqrstvwxzBCDFGH23456789", 14));
        let path = format!("{number}/{path}");
        scratch.write(&path, text.replace('@', &secret));
        let report = scratch.scan(&[&path]);
        assert_eq!(report.secrets().contains(&secret.as_str()), *is_found, "{path}: {text}");
    }
}

#[test]
fn literals_may_have_lines_of_their_own() {
    assert_found(&[
        ("app.toml", "password = \"\"\"@\"\"\"\n", true),
        ("app.toml", "password = '''\n@'''\n", true),
        ("prod.tfvars", "db_password = <<EOF\n@\nEOF\n", true),
        ("main.tf", "locals {\n  api_token = <<-EOT\n    @\n  EOT\n}\n", true),
        ("settings.py", "DB_PASSWORD = \"\"\"@\"\"\"\n", true),
        ("deploy.sh", "DB_PASSWORD=$(cat <<'EOF'\n@\nEOF\n)\n", true),
        ("values.yaml", "db:\n  password: |\n    @\n", true),
        ("main.rs", "let password = r#\"@\"#;\n", true),
        ("app.py", "password = \"\"\"\nThe @ of a user,\nwhich is asked for.\n\"\"\"\n", false),
    ]);
}

#[test]
fn a_block_may_have_the_name_at_its_head() {
    assert_found(&[
        (
            "variables.tf",
            "variable \"db_password\" {\n  description = \"Of the database\"\n  default     = \"@\"\n}\n",
            true,
        ),
        ("stack.yaml", "Parameters:\n  DBPassword:\n    Type: String\n    Default: @\n", true),
        ("params.json", "[{\"ParameterKey\": \"DBPassword\",\n \"ParameterValue\": \"@\"}]\n", true),
        ("arm.json", "{\"adminPassword\": {\n \"value\": \"@\"}}\n", true),
        ("Jenkinsfile", "string(name: 'API_TOKEN', description: '', defaultValue: '@')\n", true),
        ("pod.yaml", "env:\n- value: @\n  name: DB_PASSWORD\n", true),
        ("stack.yaml", "Parameters:\n  DBName:\n    Type: String\n    Default: @\n", false),
        ("pod.yaml", "env:\n- name: DB_PASSWORD\n  valueFrom: x\n- name: DB_NAME\n  value: @\n", false),
    ]);
}

#[test]
fn columns_have_names_in_their_heads() {
    assert_found(&[
        ("seed.sql", "INSERT INTO users (id, password) VALUES (1, '@');\n", true),
        ("users.csv", "name,password,role\nbob,@,admin\n", true),
        ("notes.md", "| user | password |\n|------|----------|\n| bob | `@` |\n", true),
        ("seed.sql", "INSERT INTO users (password, id) VALUES (NULL, '@');\n", false),
        ("users.csv", "name,role,password\nbob,@,\n", false),
    ]);
}

#[test]
fn comments_have_old_values() {
    assert_found(&[
        ("app.js", "// TODO remove: apiKey=@\n", true),
        ("app.js", "/* pw=@ */\n", true),
        ("app.py", "# db password: @\n", true),
        ("index.html", "<!-- admin password: @ -->\n", true),
        ("run.bat", "REM set DB_PASSWORD=@\n", true),
        ("app.py", "x.password = @\n", false),
    ]);
}

#[test]
fn connectors_have_types_wrappers_and_words_beside_them() {
    assert_found(&[
        ("main.rs", "const TOKEN: &'static str = \"@\";\n", true),
        ("app.kt", "mapOf(\"token\" to \"@\")\n", true),
        ("app.go", "tokens := []string{\"x\", \"@\"}\n", true),
        ("app.java", "token = new Token(\"@\");\n", true),
        ("app.rb", "set :secret, '@'\n", true),
        ("app.py", "userpass = [('alice', '@')]\n", true),
        ("setup.sh", "aws configure set aws_secret_access_key @\n", true),
        ("login.txt", "oauth_token=@&oauth_token_secret=x&user_id=1\n", true),
        ("app.py", "token = translate(\"@\")\n", false),
    ]);
}

#[test]
fn tokens_may_be_long() {
    let scratch = Scratch::new();
    let secret = format!("q8{}", Random::new(7).text(b"bcdfghjkmnpqrstvwxzBCDFGH23456789", 1400));
    scratch.write("app.py", format!("refresh_token = \"{secret}\"\n"));
    scratch.write("app.env", format!("REFRESH_TOKEN={secret}\n"));
    for path in ["app.py", "app.env"] {
        assert!(scratch.scan(&[path]).secrets().contains(&secret.as_str()), "{path}");
    }
}
