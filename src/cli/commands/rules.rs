//! `keysieve rules list|show|check`

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use keysieve::{policy, proof};
use keysieve_rules::{Kind, Rule, RuleSet, Text};
use serde::Serialize;

use crate::cli::args::{KindArg, ListFormatArg, RulesCommand};
use crate::cli::config;
use crate::cli::exit_code::ExitStatus;
use crate::cli::output::print;

pub(crate) fn run(command: RulesCommand) -> anyhow::Result<ExitStatus> {
    match command {
        RulesCommand::List { provider, kind, format, rules } => {
            let rules = config::rules(&rules)?;
            let kind = kind.map(|kind| match kind {
                KindArg::Provider => Kind::Provider,
                KindArg::Generic => Kind::Generic,
            });
            let mut listed = of_provider(rules.rules(), provider.as_deref())?;
            listed.retain(|rule| kind.is_none_or(|kind| rule.kind == kind));
            match format {
                ListFormatArg::Text => print(|out| list(out, &listed)),
                ListFormatArg::Json => print(|out| list_as_json(out, &listed)),
            }
        }
        RulesCommand::Show { id, rules } => {
            let rules = config::rules(&rules)?;
            let rule = rules.rules().iter().find(|rule| rule.id == id).with_context(|| {
                let known: Vec<&str> = rules.rules().iter().map(|rule| rule.id.as_ref()).collect();
                let unknown = policy::config::no_rule(&id, &known);
                format!("{unknown}; `keysieve rules list` shows all")
            })?;
            print(|out| show(out, rule))
        }
        RulesCommand::Check { files } => check(&files),
    }
}

/// The rules of the provider with this name, of all where none is asked for.
fn of_provider<'a>(rules: &'a [Rule], asked: Option<&str>) -> anyhow::Result<Vec<&'a Rule>> {
    let Some(asked) = asked else { return Ok(rules.iter().collect()) };
    let name = asked.to_lowercase();
    let with = |is_meant: &dyn Fn(&str) -> bool| -> Vec<&'a Rule> {
        rules.iter().filter(|rule| is_meant(&rule.provider.to_lowercase())).collect()
    };
    let same = with(&|provider| provider == name);
    let found = if same.is_empty() { with(&|provider| provider.contains(&name)) } else { same };
    if found.is_empty() {
        bail!("no rule has a provider named like `{asked}`; `keysieve rules list --format json` names them");
    }
    Ok(found)
}

fn list(out: &mut dyn Write, rules: &[&Rule]) -> io::Result<()> {
    for rule in rules {
        writeln!(out, "{:<34} {:<9} {}", rule.id, rule.severity, rule.name)?;
    }
    writeln!(out, "{} rules", rules.len())
}

/// The list as JSON. Names and words are those of rule files.
#[derive(Serialize)]
struct ListJson<'a> {
    schema: u32,
    rules: Vec<RuleJson<'a>>,
}

#[derive(Serialize)]
struct RuleJson<'a> {
    id: &'a str,
    name: &'a str,
    provider: &'a str,
    kind: String,
    severity: String,
    confidence: String,
    keywords: &'a [Text],
    pattern: &'a str,
    window: WindowJson,
    checks: Vec<String>,
    references: &'a [Text],
    fix: String,
    env: Option<&'a str>,
}

#[derive(Serialize)]
struct WindowJson {
    before: u32,
    after: u32,
}

fn list_as_json(out: &mut dyn Write, rules: &[&Rule]) -> io::Result<()> {
    let rules = rules.iter().map(|rule| RuleJson {
        id: &rule.id,
        name: &rule.name,
        provider: &rule.provider,
        kind: rule.kind.to_string(),
        severity: rule.severity.to_string(),
        confidence: rule.confidence.to_string(),
        keywords: &rule.keywords,
        pattern: &rule.pattern,
        window: WindowJson { before: rule.window.before, after: rule.window.after },
        checks: rule.checks.iter().map(ToString::to_string).collect(),
        references: &rule.references,
        fix: rule.fix.text(),
        env: rule.fix.variable(),
    });
    serde_json::to_writer_pretty(&mut *out, &ListJson { schema: 1, rules: rules.collect() })?;
    writeln!(out)
}

pub(super) fn show(out: &mut dyn Write, rule: &Rule) -> io::Result<()> {
    writeln!(out, "{}: {}", rule.id, rule.name)?;
    writeln!(out, "provider    {}", rule.provider)?;
    writeln!(out, "kind        {}, severity {}, confidence {}", rule.kind, rule.severity, rule.confidence)?;
    writeln!(out, "keywords    {}", rule.keywords.join(", "))?;
    writeln!(out, "pattern     {}", rule.pattern)?;
    writeln!(
        out,
        "window      {} bytes before the keyword, {} after it",
        rule.window.before, rule.window.after
    )?;
    for check in rule.checks.iter() {
        writeln!(out, "check       {check}")?;
    }
    writeln!(out, "fix         {}", rule.fix.text())?;
    rule.references.iter().try_for_each(|reference| writeln!(out, "reference   {reference}"))
}

/// Reads each file, and tries the examples of the rules in it beside all others.
fn check(files: &[PathBuf]) -> anyhow::Result<ExitStatus> {
    for file in files {
        let shown = file.display();
        let (told, rules, files) = if file.file_name().is_some_and(|name| name == policy::config::FILE) {
            let rule_files = config::check(file)?;
            (format!("{shown}: valid"), config::rules(&rule_files)?, rule_files)
        } else {
            let own = RuleSet::new(Vec::new())?.with_file(file)?;
            let told = format!("{shown}: {} rules, all valid", own.rules().len());
            (told, config::rules(std::slice::from_ref(file))?, vec![file.clone()])
        };
        let rules = Arc::new(rules);
        prove(&rules, &files)?;
        let written = print(|out| {
            rules.notices().iter().try_for_each(|notice| writeln!(out, "{notice}"))?;
            writeln!(out, "{told}")
        })?;
        if written != ExitStatus::Clean {
            return Ok(written);
        }
    }
    Ok(ExitStatus::Clean)
}

fn is_toml(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"))
}

/// Tries the examples of the rules in these files.
fn prove(rules: &Arc<RuleSet>, files: &[PathBuf]) -> anyhow::Result<()> {
    // Those in TOML have none, and their authors never asked for samples of their patterns to be found.
    for file in files.iter().filter(|file| !is_toml(file)) {
        let own = RuleSet::new(Vec::new())?.with_file(file)?;
        let ids: Vec<String> = own.rules().iter().map(|rule| rule.id.to_string()).collect();
        let unproven: Vec<String> = proof::prove(rules, &ids)
            .iter()
            .map(|unproven| format!("{}: {unproven}", file.display()))
            .collect();
        if !unproven.is_empty() {
            bail!("{}", unproven.join("\n"));
        }
    }
    Ok(())
}
