//! CircleCI: <https://circleci.com/docs/variables/>. What was there before is a value of the pipeline, not a variable: who wants
//! it passes `--base << pipeline.git.base_revision >>`.

use super::{Environment, Error, Plan, System, Target};

const SYSTEM: System = System::CircleCi;

pub(super) fn plan(environment: &Environment) -> Result<Plan, Error> {
    let head = environment.needed_commit(SYSTEM, "CIRCLE_SHA1")?;
    let branch = environment.get("CIRCLE_BRANCH").map(str::to_owned);
    let Some(name) = branch.as_deref().or(environment.get("CIRCLE_TAG")) else {
        return Ok(Plan::new(SYSTEM, Target::Everything, "neither branch nor tag is named"));
    };
    let why = format!("a build of {name}; for less pass --base << pipeline.git.base_revision >>");
    Ok(Plan::new(SYSTEM, Target::Reference { branch, head }, why))
}
