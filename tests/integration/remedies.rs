//! What a finding says to do: the line to write instead, in the file's own language, and those for `.env` and `.gitignore`.

use serde_json::Value;

use crate::fixture::{Report, Scratch};
use crate::secrets::{Random, github_pat};

/// A password that is nobody's.
fn password(seed: u64) -> String {
    let mut random = Random::new(seed);
    random.text(b"abcdefghijkmnpqrstuvwxyz", 6) + &random.text(b"23456789", 3) + &random.text(b"QRSTVWXZ", 2)
}

fn fix<'a>(report: &'a Report, secret: &str) -> &'a str {
    report.find(secret)["fix"].as_str().unwrap()
}

#[test]
fn each_language_has_its_own_line() {
    let scratch = Scratch::new();
    let cases = [
        (
            "app/settings.py",
            "SMTP_PASSWORD = \"@\"\n",
            "\ninstead: SMTP_PASSWORD = os.environ[\"SMTP_PASSWORD\"]\n.env: SMTP_PASSWORD=<the new value>\n.gitignore: .env",
        ),
        (
            "app/client.py",
            "connect(user='me', smtp_password='@')\n",
            "\ninstead: smtp_password=os.environ[\"SMTP_PASSWORD\"]\n",
        ),
        ("web/config.ts", "  smtpPassword: '@',\n", "\ninstead: smtpPassword: process.env.SMTP_PASSWORD\n"),
        ("deploy/values.yaml", "smtp_password: @\n", "\ninstead: smtp_password: ${SMTP_PASSWORD}\n"),
        (
            "compose.yaml",
            "    environment:\n      - SMTP_PASSWORD=@\n",
            "\ninstead: SMTP_PASSWORD=${SMTP_PASSWORD:?set it in .env}\n",
        ),
        (
            ".github/workflows/ci.yml",
            "env:\n  SMTP_PASSWORD: @\n",
            "\ninstead: SMTP_PASSWORD: ${{ secrets.SMTP_PASSWORD }}\nshell: gh secret set SMTP_PASSWORD",
        ),
        (
            "Dockerfile",
            "ENV SMTP_PASSWORD=@\n",
            "\nto build: RUN --mount=type=secret,id=SMTP_PASSWORD,env=SMTP_PASSWORD COMMAND\n",
        ),
    ];
    for (number, (path, text, _)) in cases.iter().enumerate() {
        scratch.write(&format!("files/{path}"), text.replace('@', &password(number as u64)));
    }
    let report = scratch.scan(&["files"]);
    for (number, (path, _, expected)) in cases.iter().enumerate() {
        let secret = password(number as u64);
        let fix = fix(&report, &secret);
        assert!(fix.contains(expected), "{path}: {fix}");
        assert!(!fix.contains(&secret), "{path}: {fix}");
    }
}

#[test]
fn fallbacks_and_defaults_are_found_by_rules_of_their_own_and_give_way_to_the_variable() {
    let scratch = Scratch::new();
    let cases = [
        ("env-fallback", "key = os.environ.get(\"SMTP_PASSWORD\", \"@\")"),
        ("env-fallback", "key = os.getenv('SMTP_PASSWORD', '@')"),
        ("env-fallback", "os.environ.setdefault(\"SMTP_PASSWORD\", \"@\")"),
        ("env-fallback", "key = config(\"SMTP_PASSWORD\", default=\"@\")"),
        ("env-fallback", "key = config(\"SMTP_PASSWORD\", cast=str, default=\"@\")"),
        ("env-fallback", "key = env.str(\"SMTP_PASSWORD\", \"@\")"),
        ("env-fallback", "key = env(\"SMTP_PASSWORD\", default=\"@\")"),
        ("setting-default", "    smtp_password: str = Field(default=\"@\", description=\"how to log in\")"),
        ("setting-default", "    smtp_password: str = Field(\"@\")"),
        ("setting-default", "    smtp_password: SecretStr = SecretStr(\"@\")"),
        ("setting-default", "    smtp_password: Annotated[str, Field(default=\"@\")]"),
        ("option-default", "parser.add_argument(\"--smtp-password\", default=\"@\")"),
        ("option-default", "@click.option('--smtp-password', help='how to log in', default='@')"),
    ];
    for (number, (_, text)) in cases.iter().enumerate() {
        scratch.write(&format!("files/{number}.py"), text.replace('@', &password(number as u64)));
    }
    let report = scratch.scan(&["files"]);
    for (number, (rule, text)) in cases.iter().enumerate() {
        let secret = password(number as u64);
        assert_eq!(report.find(&secret)["rule"], Value::from(*rule), "{text}");
        let fix = fix(&report, &secret);
        assert!(fix.contains("stop where the variable is missing: os.environ[\"SMTP_PASSWORD\"]"), "{fix}");
        assert!(fix.contains("\ninstead: os.environ[\"SMTP_PASSWORD\"]\n"), "{text}: {fix}");
    }
}

#[test]
fn a_url_that_is_a_fallback_gives_way_to_the_variable_that_is_looked_up() {
    let scratch = Scratch::new();
    let secret = password(90);
    scratch
        .write("files/a.py", format!("X = os.environ.get('REDIS_URL', 'redis://:{secret}@cache:6379/0')\n"));
    let report = scratch.scan(&["files"]);
    assert!(fix(&report, &secret).contains("\ninstead: os.environ[\"REDIS_URL\"]\n.env: REDIS_URL="));
}

#[test]
fn a_variable_without_a_telling_name_gets_that_of_the_rule() {
    let scratch = Scratch::new();
    let (token, other) = (github_pat(70), github_pat(71));
    scratch.write("files/a.py", format!("Client(token=\"{token}\")\n"));
    scratch.write("files/b.py", format!("x = {{'{other}': '{}'}}\n", github_pat(72)));
    let report = scratch.scan(&["files"]);
    assert!(fix(&report, &token).contains("\ninstead: token=os.environ[\"GITHUB_TOKEN\"]\n"));
    // The name in front of the third token is a token itself.
    let fix = fix(&report, &github_pat(72));
    assert!(fix.contains("\ninstead: os.environ[\"GITHUB_TOKEN\"]\n") && !fix.contains(&other), "{fix}");
}

#[test]
fn a_text_without_a_language_gets_the_rules_advice_alone() {
    let scratch = Scratch::new();
    let token = github_pat(73);
    scratch.write("files/notes", format!("token: {token}\n"));
    let report = scratch.scan(&["files"]);
    assert!(!fix(&report, &token).contains('\n'));
}

#[test]
fn files_of_settings_keep_the_names_that_are_written_there() {
    let scratch = Scratch::new();
    let cases = [
        (".env", "SECRET_KEY=@\n", "SECRET_KEY"),
        ("app.cfg", "[app]\napi_key = \"@\"\n", "API_KEY"),
        ("mail.ini", "[mail]\nsmtp_password = @\n", "SMTP_PASSWORD"),
        ("db.conf", "password = \"@\"\n", "PASSWORD"),
    ];
    for (number, (path, text, _)) in cases.iter().enumerate() {
        scratch.write(&format!("files/{path}"), text.replace('@', &password(50 + number as u64)));
    }
    let token = github_pat(905);
    scratch.write("files/deploy.ini", format!("deploy_token = {token}\n"));
    scratch.write("files/notes.txt", format!("{}\n", github_pat(906)));
    let report = scratch.scan(&["files"]);
    for (number, (path, _, name)) in cases.iter().enumerate() {
        let fix = fix(&report, &password(50 + number as u64));
        assert!(fix.contains(&format!("os.environ[\"{name}\"]")), "{path}: {fix}");
    }
    assert!(fix(&report, &token).contains("DEPLOY_TOKEN"), "{}", fix(&report, &token));
    let unnamed = fix(&report, &github_pat(906));
    assert!(unnamed.contains("GITHUB_TOKEN"), "{unnamed}");
}
