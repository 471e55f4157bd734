//! Bitbucket Pipelines: <https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/>.

use super::{Environment, Error, Plan, Revision, System, Target};

const SYSTEM: System = System::Bitbucket;

pub(super) fn plan(environment: &Environment) -> Result<Plan, Error> {
    let head = environment.needed_commit(SYSTEM, "BITBUCKET_COMMIT")?;
    if let Some(number) = environment.get("BITBUCKET_PR_ID") {
        const BRANCH: &str = "BITBUCKET_PR_DESTINATION_BRANCH";
        // The commit may be shortened; then the branch is as good.
        let base = match environment.commit(SYSTEM, "BITBUCKET_PR_DESTINATION_COMMIT") {
            Ok(Some(base)) => base,
            _ => {
                let branch = environment.get(BRANCH).ok_or(Error::NotSet { system: SYSTEM, what: BRANCH })?;
                Revision::remote_branch(SYSTEM, BRANCH, branch)?
            }
        };
        return Plan::new(SYSTEM, Target::Request { base, head }, format!("pull request {number}"))
            .into_branch(BRANCH, environment.get(BRANCH));
    }
    let branch = environment.get("BITBUCKET_BRANCH").map(str::to_owned);
    let Some(name) = branch.as_deref().or(environment.get("BITBUCKET_TAG")) else {
        return Ok(Plan::new(SYSTEM, Target::Everything, "neither pull request, branch nor tag is named"));
    };
    let why = format!("a build of {name}; it is not told what was pushed");
    Ok(Plan::new(SYSTEM, Target::Reference { branch, head }, why))
}
