//! GitHub Actions: the event's name, and the event: <https://docs.github.com/webhooks/webhook-events-and-payloads>.

use serde::Deserialize;

use super::{Environment, Error, Plan, Revision, System, Target, is_zeros};

const SYSTEM: System = System::GitHub;

/// The parts of an event that tell what to scan.
#[derive(Debug, Default, Deserialize)]
struct Event {
    pull_request: Option<PullRequest>,
    merge_group: Option<MergeGroup>,
    repository: Option<Repository>,
    r#ref: Option<String>,
    before: Option<String>,
    after: Option<String>,
    #[serde(default)]
    created: bool,
    #[serde(default)]
    deleted: bool,
    #[serde(default)]
    forced: bool,
}

#[derive(Debug, Deserialize)]
struct PullRequest {
    number: u64,
    base: End,
    head: End,
}

#[derive(Debug, Deserialize)]
struct End {
    sha: String,
    r#ref: String,
}

#[derive(Debug, Deserialize)]
struct MergeGroup {
    base_sha: String,
    head_sha: String,
}

#[derive(Debug, Deserialize)]
struct Repository {
    default_branch: Option<String>,
}

pub(super) fn plan(environment: &Environment) -> Result<Plan, Error> {
    let name = environment
        .get("GITHUB_EVENT_NAME")
        .ok_or(Error::NotSet { system: SYSTEM, what: "GITHUB_EVENT_NAME" })?;
    let text =
        environment.event.as_deref().ok_or(Error::NotSet { system: SYSTEM, what: "GITHUB_EVENT_PATH" })?;
    let mut event: Event =
        serde_json::from_str(text).map_err(|error| Error::Event { why: error.to_string() })?;
    let default_branch = event.repository.take().and_then(|repository| repository.default_branch);
    let plan = match name {
        "push" => push(&event)?,
        "merge_group" => merge_group(&event)?,
        // `pull_request`, `pull_request_target`, `pull_request_review` and others that are about one.
        _ if name.starts_with("pull_request") => pull_request(name, &event)?,
        _ => Plan::new(SYSTEM, Target::Everything, format!("the event {name} is about no range of commits")),
    };
    Ok(Plan { default_branch, ..plan })
}

fn needed(what: &'static str, id: &str) -> Result<Revision, Error> {
    Revision::commit(SYSTEM, what, id)?.ok_or(Error::NotSet { system: SYSTEM, what })
}

fn pull_request(name: &str, event: &Event) -> Result<Plan, Error> {
    let asked = event.pull_request.as_ref();
    let asked = asked.ok_or(Error::NotSet { system: SYSTEM, what: "pull_request in the event" })?;
    let target = Target::Request {
        base: needed("pull_request.base.sha in the event", &asked.base.sha)?,
        head: needed("pull_request.head.sha in the event", &asked.head.sha)?,
    };
    let (number, head, base) = (asked.number, &asked.head.r#ref, &asked.base.r#ref);
    Plan::new(SYSTEM, target, format!("{name} {number}, {head} into {base}"))
        .into_branch("pull_request.base.ref in the event", Some(base))
}

fn merge_group(event: &Event) -> Result<Plan, Error> {
    let group = event.merge_group.as_ref();
    let group = group.ok_or(Error::NotSet { system: SYSTEM, what: "merge_group in the event" })?;
    let target = Target::Request {
        base: needed("merge_group.base_sha in the event", &group.base_sha)?,
        head: needed("merge_group.head_sha in the event", &group.head_sha)?,
    };
    Ok(Plan::new(SYSTEM, target, "a group of the merge queue"))
}

fn push(event: &Event) -> Result<Plan, Error> {
    let missing = |what| Error::NotSet { system: SYSTEM, what };
    let reference = event.r#ref.as_deref().ok_or(missing("ref in the event"))?;
    let after = event.after.as_deref().ok_or(missing("after in the event"))?;
    let name = reference.strip_prefix("refs/heads/").or_else(|| reference.strip_prefix("refs/tags/"));
    let name = name.unwrap_or(reference);
    if event.deleted || is_zeros(after) {
        return Ok(Plan::new(SYSTEM, Target::Nothing, format!("a push that deletes {name}")));
    }
    let after = needed("after in the event", after)?;
    let branch = reference.strip_prefix("refs/heads/").map(str::to_owned);
    // A tag's own text is new, whatever the tag named before.
    let before = match &event.before {
        Some(before) if !event.created && branch.is_some() => {
            Revision::commit(SYSTEM, "before in the event", before)?
        }
        _ => None,
    };
    Ok(match before {
        Some(before) => {
            let how = if event.forced { "forced push" } else { "push" };
            Plan::new(SYSTEM, Target::Push { before, after }, format!("a {how} to {name}"))
        }
        None => {
            let kind = if branch.is_some() { "new branch" } else { "tag" };
            let why = format!("a push of the {kind} {name}");
            Plan::new(SYSTEM, Target::Reference { branch, head: after }, why)
        }
    })
}
