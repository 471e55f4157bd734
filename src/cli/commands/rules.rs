//! `keysieve rules list|show|check`

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use keysieve::{policy, proof};
use keysieve_rules::{Rule, RuleSet};

use crate::cli::args::RulesCommand;
use crate::cli::config;
use crate::cli::exit_code::ExitStatus;
use crate::cli::output::print;

pub(crate) fn run(command: RulesCommand) -> anyhow::Result<ExitStatus> {
    match command {
        RulesCommand::List { rules } => {
            let rules = config::rules(&rules)?;
            print(|out| list(out, &rules))
        }
        RulesCommand::Show { id, rules } => {
            let rules = config::rules(&rules)?;
            let rule = rules
                .rules()
                .iter()
                .find(|rule| rule.id == id)
                .with_context(|| format!("there is no rule `{id}`; `keysieve rules list` shows all"))?;
            print(|out| show(out, rule))
        }
        RulesCommand::Check { files } => check(&files),
    }
}

fn list(out: &mut dyn Write, rules: &RuleSet) -> io::Result<()> {
    for rule in rules.rules() {
        let severity = format!("{:?}", rule.severity).to_lowercase();
        writeln!(out, "{:<34} {:<9} {}", rule.id, severity, rule.name)?;
    }
    writeln!(out, "{} rules", rules.rules().len())
}

pub(super) fn show(out: &mut dyn Write, rule: &Rule) -> io::Result<()> {
    writeln!(out, "{}: {}", rule.id, rule.name)?;
    writeln!(out, "provider    {}", rule.provider)?;
    writeln!(
        out,
        "kind        {:?}, severity {:?}, confidence {:?}",
        rule.kind, rule.severity, rule.confidence
    )?;
    writeln!(out, "keywords    {}", rule.keywords.join(", "))?;
    writeln!(out, "pattern     {}", rule.pattern)?;
    writeln!(
        out,
        "window      {} bytes before the keyword, {} after it",
        rule.window.before, rule.window.after
    )?;
    for check in rule.checks.iter() {
        writeln!(out, "check       {check:?}")?;
    }
    writeln!(out, "fix         {}", rule.fix)?;
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
