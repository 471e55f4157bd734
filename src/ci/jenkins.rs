//! Jenkins: the variables of the git plugin, <https://plugins.jenkins.io/git/>, and of multibranch projects.

use super::{Environment, Error, Plan, Revision, System, Target};

const SYSTEM: System = System::Jenkins;

pub(super) fn plan(environment: &Environment) -> Result<Plan, Error> {
    let head = environment.commit(SYSTEM, "GIT_COMMIT")?.unwrap_or_else(Revision::head);
    if let Some(target) = environment.get("CHANGE_TARGET") {
        let base = Revision::remote_branch(SYSTEM, "CHANGE_TARGET", target)?;
        let number = environment.get("CHANGE_ID").unwrap_or("?");
        return Ok(Plan::new(
            SYSTEM,
            Target::Request { base, head },
            format!("change {number}, into {target}"),
        ));
    }
    let branch = environment.get("BRANCH_NAME").or(environment.get("GIT_BRANCH"));
    let branch = branch.map(|name| name.strip_prefix("origin/").unwrap_or(name).to_owned());
    // The last that was built may have failed, for a secret; the last that succeeded had none.
    if let Some(before) = environment.commit(SYSTEM, "GIT_PREVIOUS_SUCCESSFUL_COMMIT")? {
        let name = branch.as_deref().unwrap_or("what is checked out");
        let why = format!("a build of {name}, since the last that succeeded");
        return Ok(Plan::new(SYSTEM, Target::Push { before, after: head }, why));
    }
    let Some(branch) = branch.filter(|_| environment.get("TAG_NAME").is_none()) else {
        return Ok(match environment.get("TAG_NAME") {
            Some(tag) => Plan::new(
                SYSTEM,
                Target::Reference { branch: None, head },
                format!("a build of the tag {tag}"),
            ),
            None => Plan::new(SYSTEM, Target::Everything, "neither change, branch nor tag is named"),
        });
    };
    let why = format!("a build of {branch}, and none that succeeded is known before");
    Ok(Plan::new(SYSTEM, Target::Reference { branch: Some(branch), head }, why))
}
