//! `keysieve rules list|show|check`

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use keysieve::rules::{Rule, RuleSet};
use keysieve::suppress;

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

fn show(out: &mut dyn Write, rule: &Rule) -> io::Result<()> {
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

fn check(files: &[PathBuf]) -> anyhow::Result<ExitStatus> {
    for file in files {
        if file.file_name().is_some_and(|name| name == suppress::config::FILE) {
            config::check(file)?;
            let written = print(|out| writeln!(out, "{}: valid", file.display()))?;
            if written != ExitStatus::Clean {
                return Ok(written);
            }
            continue;
        }
        let rules = RuleSet::new(Vec::new())?.with_file(file)?;
        let shown = file.display();
        let written = print(|out| writeln!(out, "{shown}: {} rules, all valid", rules.rules().len()))?;
        if written != ExitStatus::Clean {
            return Ok(written);
        }
    }
    Ok(ExitStatus::Clean)
}
