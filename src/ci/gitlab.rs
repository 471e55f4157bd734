//! GitLab CI: <https://docs.gitlab.com/ci/variables/predefined_variables/>.

use super::{Environment, Error, Plan, System, Target};

const SYSTEM: System = System::GitLab;

pub(super) fn plan(environment: &Environment) -> Result<Plan, Error> {
    let default_branch = environment.get("CI_DEFAULT_BRANCH").map(str::to_owned);
    Ok(Plan { default_branch, ..range(environment)? })
}

fn range(environment: &Environment) -> Result<Plan, Error> {
    let head = environment.needed_commit(SYSTEM, "CI_COMMIT_SHA")?;
    let source = environment.get("CI_PIPELINE_SOURCE").unwrap_or("an unnamed source");
    // In a pipeline of merged results the commit is the result; the branch's own end has a variable then.
    if let Some(base) = environment.commit(SYSTEM, "CI_MERGE_REQUEST_DIFF_BASE_SHA")? {
        let head = environment.commit(SYSTEM, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA")?.unwrap_or(head);
        let number = environment.get("CI_MERGE_REQUEST_IID").unwrap_or("?");
        const BRANCH: &str = "CI_MERGE_REQUEST_TARGET_BRANCH_NAME";
        return Plan::new(SYSTEM, Target::Request { base, head }, format!("merge request {number}"))
            .into_branch(BRANCH, environment.get(BRANCH));
    }
    if let Some(base) = environment.commit(SYSTEM, "CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_SHA")? {
        let head = environment.commit(SYSTEM, "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_SHA")?.unwrap_or(head);
        const BRANCH: &str = "CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME";
        return Plan::new(SYSTEM, Target::Request { base, head }, "an external pull request")
            .into_branch(BRANCH, environment.get(BRANCH));
    }
    if source != "push" {
        return Ok(Plan::new(
            SYSTEM,
            Target::Everything,
            format!("a pipeline of {source} is about no range of commits"),
        ));
    }
    let branch = environment.get("CI_COMMIT_BRANCH").map(str::to_owned);
    let name = branch.as_deref().or(environment.get("CI_COMMIT_TAG")).unwrap_or("?").to_owned();
    Ok(match environment.commit(SYSTEM, "CI_COMMIT_BEFORE_SHA")? {
        Some(before) if branch.is_some() => {
            Plan::new(SYSTEM, Target::Push { before, after: head }, format!("a push to {name}"))
        }
        _ => {
            let why = format!("a push of {name}, and CI_COMMIT_BEFORE_SHA names no commit");
            Plan::new(SYSTEM, Target::Reference { branch, head }, why)
        }
    })
}
