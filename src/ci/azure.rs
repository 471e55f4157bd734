//! Azure Pipelines: <https://learn.microsoft.com/azure/devops/pipelines/build/variables>.

use super::{Environment, Error, Plan, Revision, System, Target};

const SYSTEM: System = System::Azure;

pub(super) fn plan(environment: &Environment) -> Result<Plan, Error> {
    let version = environment.needed_commit(SYSTEM, "BUILD_SOURCEVERSION")?;
    let reason = environment.get("BUILD_REASON").unwrap_or("no reason");
    if let Some(target) = environment.get("SYSTEM_PULLREQUEST_TARGETBRANCH") {
        // The version is the result of the merge; the branch's own end has a variable.
        let head = environment.commit(SYSTEM, "SYSTEM_PULLREQUEST_SOURCECOMMITID")?.unwrap_or(version);
        let base = Revision::remote_branch(SYSTEM, "SYSTEM_PULLREQUEST_TARGETBRANCH", target)?;
        let number = environment
            .get("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER")
            .or(environment.get("SYSTEM_PULLREQUEST_PULLREQUESTID"));
        let why = format!("pull request {}", number.unwrap_or("?"));
        return Ok(Plan::new(SYSTEM, Target::Request { base, head }, why));
    }
    let source = environment.get("BUILD_SOURCEBRANCH").unwrap_or_default();
    if !matches!(reason, "IndividualCI" | "BatchedCI") || source.is_empty() {
        let why = format!("a build for {reason} is about no range of commits");
        return Ok(Plan::new(SYSTEM, Target::Everything, why));
    }
    let branch = source.strip_prefix("refs/heads/").map(str::to_owned);
    let why = format!("a build of {source}; it is not told what was pushed");
    Ok(Plan::new(SYSTEM, Target::Reference { branch, head: version }, why))
}
