//! Each system's variables -> what is scanned. The values are of the form that each system documents.

use super::*;

const BASE: &str = "1111111111111111111111111111111111111111";
const HEAD: &str = "2222222222222222222222222222222222222222";
const MERGE: &str = "3333333333333333333333333333333333333333";
const ZERO: &str = "0000000000000000000000000000000000000000";

fn environment(variables: &[(&str, &str)], event: Option<&str>) -> Environment {
    let variables = variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    Environment { variables, event: event.map(str::to_owned) }
}

fn github(name: &str, event: &str) -> Result<Plan, Error> {
    Plan::of(&environment(
        &[("CI", "true"), ("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", name), ("GITHUB_SHA", MERGE)],
        Some(event),
    ))
}

fn request(base: &str, head: &str) -> Target {
    Target::Request { base: Revision::typed(base), head: Revision::typed(head) }
}

fn push(before: &str, after: &str) -> Target {
    Target::Push { before: Revision::typed(before), after: Revision::typed(after) }
}

fn reference(branch: Option<&str>, head: &str) -> Target {
    Target::Reference { branch: branch.map(str::to_owned), head: Revision::typed(head) }
}

fn into_branch(name: &str, head: &str) -> Target {
    let base = Revision {
        spec: format!("refs/remotes/origin/{name}"),
        refspec: Some(format!("+refs/heads/{name}:refs/remotes/origin/{name}")),
    };
    Target::Request { base, head: Revision::typed(head) }
}

fn pushed(changes: &str) -> String {
    format!(
        r#"{{"ref":"refs/heads/topic","before":"{BASE}","after":"{HEAD}","created":false,"deleted":false,"forced":false,
            "repository":{{"default_branch":"main","name":"r"}},"commits":[]{changes}}}"#
    )
}

#[test]
fn each_event_of_github() {
    let pull_request = format!(
        r#"{{"action":"opened","number":12,"pull_request":{{"number":12,"base":{{"sha":"{BASE}","ref":"main"}},
            "head":{{"sha":"{HEAD}","ref":"topic"}}}},"repository":{{"default_branch":"main"}}}}"#
    );
    let merge_group = format!(
        r#"{{"action":"checks_requested","merge_group":{{"base_sha":"{BASE}","head_sha":"{HEAD}"}}}}"#
    );
    let replaced = |from: &str, to: &str| pushed("").replace(from, to);
    let new_branch = replaced(BASE, ZERO).replace("\"created\":false", "\"created\":true");
    let new_tag = new_branch.replace("refs/heads/topic", "refs/tags/v1");
    let table = [
        ("pull_request", pull_request.clone(), request(BASE, HEAD)),
        ("pull_request_target", pull_request.clone(), request(BASE, HEAD)),
        ("pull_request_review", pull_request.clone(), request(BASE, HEAD)),
        ("merge_group", merge_group, request(BASE, HEAD)),
        ("push", pushed(""), push(BASE, HEAD)),
        ("push", replaced("\"forced\":false", "\"forced\":true"), push(BASE, HEAD)),
        ("push", new_branch, reference(Some("topic"), HEAD)),
        ("push", replaced(BASE, ZERO), reference(Some("topic"), HEAD)),
        ("push", new_tag, reference(None, HEAD)),
        ("push", replaced("refs/heads/topic", "refs/tags/v1"), reference(None, HEAD)),
        ("push", replaced("\"deleted\":false", "\"deleted\":true").replace(HEAD, ZERO), Target::Nothing),
        ("schedule", r#"{"schedule":"0 3 * * *"}"#.to_owned(), Target::Everything),
        ("workflow_dispatch", r#"{"ref":"refs/heads/main","inputs":null}"#.to_owned(), Target::Everything),
        ("release", r#"{"action":"published","release":{"tag_name":"v1"}}"#.to_owned(), Target::Everything),
        ("issue_comment", "{}".to_owned(), Target::Everything),
    ];
    for (name, event, expected) in table {
        let plan = github(name, &event).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((plan.system, &plan.target), (System::GitHub, &expected), "{name} {event}");
        assert!(plan.why.contains(name) || matches!(name, "push" | "merge_group"), "{}", plan.why);
    }
    assert_eq!(github("push", &pushed("")).map(|plan| plan.default_branch), Ok(Some("main".to_owned())));
}

#[test]
fn events_that_are_not_as_documented_are_refused() {
    for (name, event, part) in [
        ("push", "{".to_owned(), "GITHUB_EVENT_PATH"),
        ("push", r#"{"ref":"refs/heads/main"}"#.to_owned(), "after in the event"),
        ("push", pushed("").replace(HEAD, "--upload-pack=x"), "--upload-pack=x"),
        ("pull_request", "{}".to_owned(), "pull_request in the event"),
        ("merge_group", "{}".to_owned(), "merge_group in the event"),
    ] {
        let error = github(name, &event).expect_err(name).to_string();
        assert!(error.contains(part) && error.contains("--base"), "{error}");
    }
    let unnamed = Plan::of(&environment(&[("GITHUB_ACTIONS", "true")], Some("{}")));
    assert!(unnamed.is_err_and(|error| error.to_string().contains("GITHUB_EVENT_NAME")));
}

#[test]
fn each_system_s_variables() {
    let gitlab = [("GITLAB_CI", "true"), ("CI_COMMIT_SHA", HEAD), ("CI_DEFAULT_BRANCH", "main")];
    let bitbucket = [("CI", "true"), ("BITBUCKET_COMMIT", HEAD), ("BITBUCKET_BRANCH", "topic")];
    let azure = [("TF_BUILD", "True"), ("BUILD_SOURCEVERSION", HEAD)];
    let circle = [("CIRCLECI", "true"), ("CIRCLE_SHA1", HEAD)];
    let jenkins = [("JENKINS_URL", "https://ci.example.com/"), ("GIT_COMMIT", HEAD)];
    type Pair<'a> = (&'a str, &'a str);
    type Row<'a> = (System, &'a [Pair<'a>], Vec<Pair<'a>>, Target);
    let table: Vec<Row<'_>> = vec![
        (
            System::GitLab,
            &gitlab,
            vec![
                ("CI_PIPELINE_SOURCE", "merge_request_event"),
                ("CI_MERGE_REQUEST_DIFF_BASE_SHA", BASE),
                ("CI_COMMIT_BEFORE_SHA", ZERO),
            ],
            request(BASE, HEAD),
        ),
        (
            System::GitLab,
            &gitlab,
            vec![
                ("CI_COMMIT_SHA", MERGE),
                ("CI_PIPELINE_SOURCE", "merge_request_event"),
                ("CI_MERGE_REQUEST_DIFF_BASE_SHA", BASE),
                ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", HEAD),
            ],
            request(BASE, HEAD),
        ),
        (
            System::GitLab,
            &gitlab,
            vec![
                ("CI_PIPELINE_SOURCE", "external_pull_request_event"),
                ("CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_SHA", BASE),
                ("CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_SHA", HEAD),
            ],
            request(BASE, HEAD),
        ),
        (
            System::GitLab,
            &gitlab,
            vec![
                ("CI_PIPELINE_SOURCE", "push"),
                ("CI_COMMIT_BRANCH", "topic"),
                ("CI_COMMIT_BEFORE_SHA", BASE),
            ],
            push(BASE, HEAD),
        ),
        (
            System::GitLab,
            &gitlab,
            vec![
                ("CI_PIPELINE_SOURCE", "push"),
                ("CI_COMMIT_BRANCH", "topic"),
                ("CI_COMMIT_BEFORE_SHA", ZERO),
            ],
            reference(Some("topic"), HEAD),
        ),
        (
            System::GitLab,
            &gitlab,
            vec![("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_TAG", "v1"), ("CI_COMMIT_BEFORE_SHA", ZERO)],
            reference(None, HEAD),
        ),
        (System::GitLab, &gitlab, vec![("CI_PIPELINE_SOURCE", "schedule")], Target::Everything),
        (System::GitLab, &gitlab, vec![("CI_PIPELINE_SOURCE", "web")], Target::Everything),
        (
            System::Bitbucket,
            &bitbucket,
            vec![
                ("BITBUCKET_PR_ID", "7"),
                ("BITBUCKET_PR_DESTINATION_BRANCH", "main"),
                ("BITBUCKET_PR_DESTINATION_COMMIT", BASE),
            ],
            request(BASE, HEAD),
        ),
        (
            System::Bitbucket,
            &bitbucket,
            vec![
                ("BITBUCKET_PR_ID", "7"),
                ("BITBUCKET_PR_DESTINATION_BRANCH", "main"),
                ("BITBUCKET_PR_DESTINATION_COMMIT", "111111111111"),
            ],
            into_branch("main", HEAD),
        ),
        (System::Bitbucket, &bitbucket, vec![], reference(Some("topic"), HEAD)),
        (
            System::Bitbucket,
            &bitbucket,
            vec![("BITBUCKET_BRANCH", ""), ("BITBUCKET_TAG", "v1")],
            reference(None, HEAD),
        ),
        (System::Bitbucket, &bitbucket, vec![("BITBUCKET_BRANCH", "")], Target::Everything),
        (
            System::Azure,
            &azure,
            vec![
                ("BUILD_REASON", "PullRequest"),
                ("BUILD_SOURCEVERSION", MERGE),
                ("BUILD_SOURCEBRANCH", "refs/pull/7/merge"),
                ("SYSTEM_PULLREQUEST_TARGETBRANCH", "refs/heads/main"),
                ("SYSTEM_PULLREQUEST_SOURCECOMMITID", HEAD),
                ("SYSTEM_PULLREQUEST_PULLREQUESTID", "7"),
            ],
            into_branch("main", HEAD),
        ),
        (
            System::Azure,
            &azure,
            vec![("BUILD_REASON", "IndividualCI"), ("BUILD_SOURCEBRANCH", "refs/heads/topic")],
            reference(Some("topic"), HEAD),
        ),
        (
            System::Azure,
            &azure,
            vec![("BUILD_REASON", "BatchedCI"), ("BUILD_SOURCEBRANCH", "refs/tags/v1")],
            reference(None, HEAD),
        ),
        (
            System::Azure,
            &azure,
            vec![("BUILD_REASON", "Schedule"), ("BUILD_SOURCEBRANCH", "refs/heads/main")],
            Target::Everything,
        ),
        (System::Azure, &azure, vec![("BUILD_REASON", "Manual")], Target::Everything),
        (System::CircleCi, &circle, vec![("CIRCLE_BRANCH", "topic")], reference(Some("topic"), HEAD)),
        (System::CircleCi, &circle, vec![("CIRCLE_TAG", "v1")], reference(None, HEAD)),
        (System::CircleCi, &circle, vec![], Target::Everything),
        (
            System::Jenkins,
            &jenkins,
            vec![("CHANGE_ID", "7"), ("CHANGE_TARGET", "main"), ("BRANCH_NAME", "PR-7")],
            into_branch("main", HEAD),
        ),
        (
            System::Jenkins,
            &jenkins,
            vec![
                ("BRANCH_NAME", "topic"),
                ("GIT_PREVIOUS_SUCCESSFUL_COMMIT", BASE),
                ("GIT_PREVIOUS_COMMIT", MERGE),
            ],
            push(BASE, HEAD),
        ),
        (
            System::Jenkins,
            &jenkins,
            vec![("GIT_BRANCH", "origin/topic"), ("GIT_PREVIOUS_COMMIT", MERGE)],
            reference(Some("topic"), HEAD),
        ),
        (System::Jenkins, &jenkins, vec![("BRANCH_NAME", "v1"), ("TAG_NAME", "v1")], reference(None, HEAD)),
        (System::Jenkins, &jenkins, vec![], Target::Everything),
    ];
    for (system, common, own, expected) in table {
        let plan = Plan::of(&environment(&[common, own.as_slice()].concat(), None));
        let plan = plan.unwrap_or_else(|error| panic!("{system} {own:?}: {error}"));
        assert_eq!((plan.system, &plan.target), (system, &expected), "{own:?}");
        assert_eq!(plan.default_branch.is_some(), system == System::GitLab);
    }
}

#[test]
fn without_a_system_it_says_what_to_pass() {
    for variables in [&[][..], &[("CI", "true"), ("TRAVIS", "true")], &[("GITHUB_ACTIONS", "")]] {
        let error = Plan::of(&environment(variables, None)).expect_err("no system").to_string();
        assert!(error.contains("--base REVISION") && error.contains("keysieve diff"), "{error}");
    }
    for system in ["GITLAB_CI", "TF_BUILD", "CIRCLECI"] {
        let error = Plan::of(&environment(&[(system, "true")], None)).expect_err(system).to_string();
        assert!(error.contains("is not set; pass `--base"), "{error}");
    }
}

#[test]
fn what_was_typed_goes_before_what_the_system_says() {
    let environment =
        environment(&[("CIRCLECI", "true"), ("CIRCLE_SHA1", HEAD), ("CIRCLE_BRANCH", "topic")], None);
    let plan = Plan::typed(&environment, BASE, None);
    let expected = Target::Request { base: Revision::typed(BASE), head: Revision::head() };
    assert_eq!((plan.system, plan.target), (System::CircleCi, expected));
    assert_eq!(Plan::typed(&Environment::default(), "v1", Some(HEAD)).target, request("v1", HEAD));
}

#[test]
fn names_never_reach_git_as_options_or_patterns() {
    for name in ["", "-x", "a b", "a..b", "*", "a:b", "refs/heads/", "a~1", "a@{1}", "a\nb"] {
        assert!(Revision::remote_branch(System::Jenkins, "CHANGE_TARGET", name).is_err(), "{name:?}");
    }
    assert!(Revision::remote_branch(System::Azure, "x", "refs/heads/release/1.x").is_ok());
    assert_eq!(Revision::typed("v1").refspec, None);
}
