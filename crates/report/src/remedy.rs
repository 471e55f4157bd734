//! The fix as it is told: what the rule advises, and for languages that are known the line that takes the secret's place, with
//! the lines that go into `.env` and `.gitignore`.

use keysieve_model::finding::Finding;
use keysieve_model::replacement::{Assignee, Syntax};
use keysieve_rules::{Kind, Rule};

/// Words that say what kind of thing a value is, and not whose: a name of these alone tells less than the rule's own.
const PLAIN_WORDS: &[&str] = &[
    "ACCESS",
    "API",
    "APP",
    "AUTH",
    "AUTHORIZATION",
    "BEARER",
    "CLIENT",
    "CREDENTIAL",
    "CREDENTIALS",
    "DATA",
    "DEFAULT",
    "HEADER",
    "HEADERS",
    "HTTP",
    "ID",
    "KEY",
    "MY",
    "PASS",
    "PASSWORD",
    "PRIVATE",
    "PWD",
    "SECRET",
    "SELF",
    "TEST",
    "TOKEN",
    "URL",
    "USER",
    "VALUE",
    "WEBHOOK",
    "X",
];

/// What to do about a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remedy {
    /// What to revoke and where, and where the value belongs: the rule's advice, with the variable's name in it.
    pub(super) advice: String,
    /// What the advice comes to where the secret stands; empty where the language is not known.
    pub(super) lines: Vec<Line>,
}

/// A line to write, and what it is written to: `instead`, `.env`, `.gitignore`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) to: &'static str,
    pub(super) text: String,
}

impl Remedy {
    /// What to do about `finding`, which `rule` found. Nothing of any secret is in it.
    pub(super) fn of(rule: &Rule, finding: &Finding) -> Self {
        let plain = || Self { advice: rule.fix.text(), lines: Vec::new() };
        let Some(own) = rule.fix.variable() else { return plain() };
        let secret = finding.secret.expose().to_ascii_lowercase();
        let is_safe = |text: &str| memchr::memmem::find(text.to_lowercase().as_bytes(), &secret).is_none();
        let Some(replacement) = &finding.replacement else {
            // Whatever reads `.env`, `.ini` and the like asks for the name that is written there.
            let name = finding.variable.as_deref().filter(|name| is_safe(name));
            let variable =
                name.map(variable_of).filter(|variable| is_safe(variable) && is_variable(variable));
            return variable.map_or_else(plain, |variable| {
                let look_up = look_up(Syntax::Python, &variable);
                Self { advice: rule.fix.text_with(&look_up), lines: Vec::new() }
            });
        };
        let assignee = replacement.assignee.as_ref().filter(|assignee| {
            is_safe(&assignee.name) && is_safe(&assignee.lead) && is_safe(&variable_of(&assignee.name))
        });
        let variable = assignee
            .map(|assignee| variable_of(&assignee.name))
            .filter(|variable| tells_more(variable, rule.kind))
            .unwrap_or_else(|| own.to_owned());
        let lead = assignee.map_or("", |Assignee { lead, .. }| lead.as_str());
        Self {
            advice: advice(rule, replacement.syntax, &variable),
            lines: lines(replacement.syntax, lead, &variable),
        }
    }

    /// All of it as one text, a line each.
    pub(super) fn text(&self) -> String {
        let lines = self.lines.iter().map(|line| format!("\n{}: {}", line.to, line.text));
        self.advice.clone() + &lines.collect::<String>()
    }
}

/// The rule's advice with the look-up as it is written there.
fn advice(rule: &Rule, syntax: Syntax, variable: &str) -> String {
    rule.fix.text_with(&match syntax {
        Syntax::JavaScript => look_up(syntax, variable),
        _ => look_up(Syntax::Python, variable),
    })
}

/// `dbPassword`, `x-api-key`, `spring.datasource.password` as variables of the environment are written: `DB_PASSWORD`.
fn variable_of(name: &str) -> String {
    let mut variable = String::with_capacity(name.len() + 4);
    let mut before = '_';
    for letter in name.chars() {
        let is_hump = letter.is_ascii_uppercase() && before.is_ascii_lowercase();
        if (is_hump || !letter.is_ascii_alphanumeric()) && !variable.ends_with('_') {
            variable.push('_');
        }
        if letter.is_ascii_alphanumeric() {
            variable.push(letter.to_ascii_uppercase());
        }
        before = letter;
    }
    variable.trim_matches('_').to_owned()
}

/// Whether a variable of the environment may have this name.
fn is_variable(variable: &str) -> bool {
    variable.starts_with(|first: char| first.is_ascii_alphabetic())
}

/// Whether the name that the code has tells more than that of the rule.
fn tells_more(variable: &str, kind: Kind) -> bool {
    let is_plain = |word: &str| PLAIN_WORDS.contains(&word);
    let words = variable.split('_');
    is_variable(variable)
        && match kind {
            Kind::Generic => words.filter(|word| *word != "SELF").nth(1).is_some(),
            Kind::Provider | Kind::Value => variable.contains('_') && !words.into_iter().all(is_plain),
        }
}

/// How the language looks up a variable.
fn look_up(syntax: Syntax, variable: &str) -> String {
    match syntax {
        Syntax::Python => format!("os.environ[\"{variable}\"]"),
        Syntax::JavaScript => format!("process.env.{variable}"),
        Syntax::Yaml => format!("${{{variable}}}"),
        Syntax::Compose => format!("${{{variable}:?set it in .env}}"),
        Syntax::Workflow => format!("${{{{ secrets.{variable} }}}}"),
        Syntax::Dockerfile => format!("RUN --mount=type=secret,id={variable},env={variable} COMMAND"),
    }
}

/// The lines to write, the one that takes the secret's place first.
fn lines(syntax: Syntax, lead: &str, variable: &str) -> Vec<Line> {
    let line = |to, text: &str| Line { to, text: text.to_owned() };
    let look_up = look_up(syntax, variable);
    let value = line(".env", &format!("{variable}=<the new value>"));
    let ignored = |to| line(to, ".env");
    match syntax {
        Syntax::Workflow => {
            vec![
                line("instead", &format!("{lead}{look_up}")),
                line("shell", &format!("gh secret set {variable}")),
            ]
        }
        // Whatever an instruction sets stays in the image.
        Syntax::Dockerfile => vec![
            line("to build", &look_up),
            line("to build", &format!("docker build --secret id={variable} .")),
            line("to run", "docker run --env-file .env IMAGE"),
            value,
            ignored(".gitignore"),
            ignored(".dockerignore"),
        ],
        Syntax::Python | Syntax::JavaScript | Syntax::Yaml | Syntax::Compose => {
            vec![line("instead", &format!("{lead}{look_up}")), value, ignored(".gitignore")]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keysieve_model::finding::{Exposure, Fingerprint, Salt, Secret};
    use keysieve_model::replacement::Replacement;
    use keysieve_rules::{Confidence, Severity};

    const VALUE: &str = "tR7hvd9QmmX2";

    /// What to do about a finding of `rule_id` whose value is given to `name`, behind `lead`.
    fn remedy(rule_id: &str, syntax: Syntax, name: &str, lead: &str) -> Remedy {
        let rules = keysieve_builtin::rules();
        let (id, rule) = rules.iter().find(|(_, rule)| rule.id == rule_id).expect("a built-in rule");
        let secret = Secret::new(VALUE.as_bytes());
        let fingerprint = Fingerprint::new(&Salt::default(), rule_id, &secret);
        let assignee = Assignee { name: name.to_owned(), lead: lead.to_owned() };
        let finding = Finding {
            variable: None,
            rule: id,
            severity: Severity::High,
            confidence: Confidence::High,
            unsalted: fingerprint.clone(),
            fingerprint,
            secret,
            public_prefix: 0,
            exposure: Exposure::Worktree,
            note: None,
            replacement: Some(Replacement { syntax, assignee: Some(assignee) }),
            places: Vec::new(),
            values: Vec::new(),
            also: Vec::new(),
        };
        Remedy::of(rule, &finding)
    }

    fn instead(remedy: &Remedy) -> &str {
        &remedy.lines[0].text
    }

    #[test]
    fn each_language_looks_variables_up_in_its_own_way() {
        for (syntax, lead, line) in [
            (Syntax::Python, "smtp_password = ", "smtp_password = os.environ[\"SMTP_PASSWORD\"]"),
            (Syntax::JavaScript, "smtpPassword: ", "smtpPassword: process.env.SMTP_PASSWORD"),
            (Syntax::Yaml, "smtp_password: ", "smtp_password: ${SMTP_PASSWORD}"),
            (Syntax::Compose, "SMTP_PASSWORD=", "SMTP_PASSWORD=${SMTP_PASSWORD:?set it in .env}"),
            (Syntax::Workflow, "SMTP_PASSWORD: ", "SMTP_PASSWORD: ${{ secrets.SMTP_PASSWORD }}"),
        ] {
            let name = lead.trim_end_matches([' ', '=', ':']);
            assert_eq!(instead(&remedy("generic-password", syntax, name, lead)), line);
        }
        let image = remedy("generic-password-bare", Syntax::Dockerfile, "SMTP_PASSWORD", "SMTP_PASSWORD=");
        assert_eq!(instead(&image), "RUN --mount=type=secret,id=SMTP_PASSWORD,env=SMTP_PASSWORD COMMAND");
        assert!(image.lines.contains(&Line { to: ".dockerignore", text: ".env".to_owned() }));
    }

    #[test]
    fn the_lines_for_the_environment_file_are_there_too() {
        let remedy = remedy("generic-password", Syntax::Python, "smtp_password", "smtp_password = ");
        let told = remedy.text();
        assert!(told.ends_with("\n.env: SMTP_PASSWORD=<the new value>\n.gitignore: .env"), "{told}");
        assert!(remedy.advice.contains("os.environ[\"SMTP_PASSWORD\"]"), "{}", remedy.advice);
    }

    #[test]
    fn variables_are_named_as_in_the_code_unless_the_rule_knows_better() {
        let variable = |rule: &str, name: &str| {
            instead(&remedy(rule, Syntax::JavaScript, name, "")).replace("process.env.", "")
        };
        assert_eq!(variable("generic-password", "smtpPassword"), "SMTP_PASSWORD");
        assert_eq!(variable("generic-password", "spring.mail.password"), "SPRING_MAIL_PASSWORD");
        assert_eq!(variable("generic-password", "self.password"), "DB_PASSWORD");
        assert_eq!(variable("generic-secret", "x-api-key"), "X_API_KEY");
        assert_eq!(variable("env-fallback", "JWT_SECRET"), "JWT_SECRET");
        assert_eq!(variable("github-pat", "GH_DEPLOY_TOKEN"), "GH_DEPLOY_TOKEN");
        assert_eq!(variable("github-pat", "api_token"), "GITHUB_TOKEN");
    }

    #[test]
    fn a_name_that_holds_the_secret_is_not_shown() {
        let name = format!("key_{}", VALUE.to_lowercase());
        let told = remedy("generic-password", Syntax::Python, &name, &format!("{name} = ")).text();
        assert!(!told.to_lowercase().contains(&VALUE.to_lowercase()), "{told}");
        assert!(told.contains("instead: os.environ[\"DB_PASSWORD\"]"), "{told}");
    }

    #[test]
    fn advice_without_a_variable_stays_as_it_is() {
        let remedy = remedy("private-key", Syntax::Python, "KEY", "KEY = ");
        assert!(remedy.lines.is_empty());
        assert!(keysieve_builtin::rules().rules().iter().any(|rule| rule.fix.text() == remedy.advice));
    }
}
