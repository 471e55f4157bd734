//! A plan and a checkout -> the commits that are to be read.

use std::collections::BTreeSet;

use anyhow::bail;
use bstr::{BString, ByteSlice as _};
use keysieve::ci::{Plan, Revision, System, Target};
use keysieve_git::{RangeQuery, Repository};
use keysieve_model::provenance::ObjectId;
use keysieve_report::escaped;

use super::Gap;
use super::fetch::Fetches;

/// What is read, and how it is called.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) query: RangeQuery,
    /// The commit from which configuration and baseline are taken; absent where only what is checked out can have them.
    pub(super) policy: Option<ObjectId>,
    /// Whether to tell what it changes in them. Of all of the history that would be every change there ever was.
    pub(super) tells_changes: bool,
    /// Which range it is, and why.
    pub(super) line: String,
    /// The ends as ids; empty where there is none.
    pub(super) base_id: String,
    pub(super) head_id: String,
}

/// Finds the range that the plan asks for.
pub(super) fn resolve(
    repository: &Repository,
    plan: &Plan,
    fetches: &Fetches,
) -> anyhow::Result<Result<Resolved, Gap>> {
    let resolver = Resolver { repository, plan, is_fetched: fetches.is_allowed() };
    let find =
        |revision: &Revision| repository.resolve(&revision.spec).map_err(|_| Gap::Revision(revision.clone()));
    let resolved = match &plan.target {
        Target::Nothing => resolver.nothing(),
        Target::Everything => resolver.everything(&plan.why),
        Target::Request { base, head } => match (find(base), find(head)) {
            (Err(gap), _) | (_, Err(gap)) => return Ok(Err(gap)),
            (Ok(base), Ok(head)) => match resolver.request(base, head)? {
                Err(gap) => return Ok(Err(gap)),
                Ok(resolved) => resolved,
            },
        },
        Target::Push { before, after } => match (find(before), find(after)) {
            (_, Err(gap)) => return Ok(Err(gap)),
            (Ok(before), Ok(after)) => resolver.push(before, after),
            (Err(gap), Ok(_)) if fetches.may_get(before) => return Ok(Err(gap)),
            (Err(_), Ok(_)) => resolver.everything(&format!(
                "{}, and {before}, which was there before, is nowhere any more",
                plan.why
            )),
        },
        Target::Reference { branch, head } => match find(head) {
            Err(gap) => return Ok(Err(gap)),
            Ok(head) => resolver.reference(branch.as_deref(), head),
        },
    };
    Ok(Ok(resolved))
}

struct Resolver<'a> {
    repository: &'a Repository,
    plan: &'a Plan,
    /// Whether git may fetch what only the remote has.
    is_fetched: bool,
}

impl Resolver<'_> {
    /// A deletion brings nothing, and every report says so.
    fn nothing(&self) -> Resolved {
        let policy = self.default_branch().map(|(_, id)| id);
        self.resolved(Vec::new(), Vec::new(), policy, &self.plan.why, "there is nothing to read")
    }

    fn request(&self, base: ObjectId, head: ObjectId) -> anyhow::Result<Result<Resolved, Gap>> {
        let Some(fork) = self.repository.merge_base(&base, &head) else {
            if self.repository.is_shallow() {
                return Ok(Err(Gap::History));
            }
            bail!("{}, {}: {base} and {head} have no commit in common", self.plan.system, self.plan.why);
        };
        // Typed ends may be the same on purpose, as in `git diff`; a request without commits is a mistake.
        if fork == head && (base != head || self.plan.system != System::Typed) {
            bail!(
                "{}, {}: {base}..{head} holds no commit, and it should; {head} is part of the base's history",
                self.plan.system,
                self.plan.why
            );
        }
        let mut exclude = vec![base];
        let mut what = format!("{}..{}, which parted at {}", short(&base), short(&head), short(&fork));
        if let Some((branch, now)) = self.base_now(base, head) {
            exclude.push(now);
            what = format!("{what}, without what {branch} has by now, {}", short(&now));
        }
        Ok(Ok(self.resolved(self.tips(head), exclude, Some(base), &self.plan.why, &what)))
    }

    /// What the branch that a request is to be merged into has now, where it has gone on since `base`: what the request took over
    /// from it is not new. Once it has the request itself it explains nothing. Where the branch is not here, the system may have
    /// checked out the merge of both.
    fn base_now(&self, base: ObjectId, head: ObjectId) -> Option<(&Revision, ObjectId)> {
        let branch = self.plan.base_branch.as_ref()?;
        let find = |spec: &str| self.repository.resolve(spec).ok();
        let merged = || find("HEAD^1").filter(|_| find("HEAD^2") == Some(head));
        let now = find(&branch.spec).or_else(merged)?;
        let has = |tip: &ObjectId, commit| self.repository.merge_base(tip, &commit) == Some(commit);
        (now != base && has(&now, base) && !has(&now, head)).then_some((branch, now))
    }

    fn push(&self, before: ObjectId, after: ObjectId) -> Resolved {
        let what = format!("{}..{}", short(&before), short(&after));
        self.resolved(self.tips(after), vec![before], Some(before), &self.plan.why, &what)
    }

    /// What a branch or tag has that no other branch of the remote has. Branches that have its very tip may have been pushed with
    /// it: they explain nothing. The default branch always does, but for itself; without one all of the history is read.
    fn reference(&self, branch: Option<&str>, head: ObjectId) -> Resolved {
        let default = self.default_branch();
        let is_default = default.is_none() || default.as_ref().map(|(name, _)| name.as_str()) == branch;
        let mut exclude = BTreeSet::new();
        if !is_default {
            exclude.extend(default.iter().map(|(_, id)| *id));
            let own = branch.map(|branch| BString::from(format!("refs/remotes/origin/{branch}")));
            let others = self
                .repository
                .references()
                .into_iter()
                .filter(|(name, _)| name.starts_with(b"refs/remotes/") && Some(name) != own.as_ref());
            let others: BTreeSet<ObjectId> = others.map(|(_, id)| id).collect();
            let is_older = |other: &ObjectId| self.repository.merge_base(other, &head) != Some(head);
            exclude.extend(others.into_iter().filter(is_older));
        }
        let what = match (&default, is_default) {
            (None, _) => format!("all of the history of {}, since no default branch is known", short(&head)),
            (Some(_), true) => format!("all of the history of {}, which is the default branch", short(&head)),
            (Some((name, _)), false) => {
                format!("what {} has and {name} and the remote's other branches have not", short(&head))
            }
        };
        let policy = default.map(|(_, id)| id);
        self.resolved(self.tips(head), exclude.into_iter().collect(), policy, &self.plan.why, &what)
    }

    fn everything(&self, why: &str) -> Resolved {
        let references = self.repository.references();
        let count = references.len();
        let mut tips: Vec<(BString, ObjectId)> =
            references.into_iter().map(|(name, id)| (short_name(&name), id)).collect();
        tips.extend(self.repository.head().1.map(|head| ("HEAD".into(), head)));
        let policy = self.default_branch().map(|(_, id)| id);
        let more = match self.plan.target {
            Target::Everything if !self.is_fetched => "; those that only the remote has come with --fetch",
            _ => "",
        };
        let what = format!("the history of all {count} references that are here{more}");
        let resolved = self.resolved(tips, Vec::new(), policy, why, &what);
        Resolved { tells_changes: false, head_id: String::new(), ..resolved }
    }

    /// The tip under its name, and the annotated tags that name it.
    fn tips(&self, head: ObjectId) -> Vec<(BString, ObjectId)> {
        let references = self.repository.references();
        let is_tip = |name: &BString| {
            name.starts_with(b"refs/tags/")
                && name.to_str().is_ok_and(|name| self.repository.resolve(name).is_ok_and(|id| id == head))
        };
        let named = references.iter().find(|(name, id)| *id == head && !name.starts_with(b"refs/pull/"));
        let name = named.map_or_else(|| "HEAD".into(), |(name, _)| short_name(name));
        let mut tips = vec![(name.clone(), head)];
        // Only what is built for a tag is about the tag's own text.
        if let Target::Reference { branch: None, head: told } = &self.plan.target {
            let tags = references.iter().filter(|(name, id)| *id != head && is_tip(name));
            tips.extend(tags.map(|(name, id)| (short_name(name), *id)));
            // The system may name the tag where the checkout has it as a plain one.
            if let Some(told) = self.repository.named(&told.spec)
                && tips.iter().all(|(_, id)| *id != told)
            {
                tips.push((name, told));
            }
        }
        tips
    }

    /// The default branch as the remote has it, where it is known and here.
    fn default_branch(&self) -> Option<(String, ObjectId)> {
        let told = self.plan.default_branch.clone();
        let name = told.or_else(|| self.repository.default_branch("origin"))?;
        let id = self.repository.resolve(&format!("refs/remotes/origin/{name}")).ok()?;
        Some((name, id))
    }

    fn resolved(
        &self,
        include: Vec<(BString, ObjectId)>,
        exclude: Vec<ObjectId>,
        policy: Option<ObjectId>,
        why: &str,
        what: &str,
    ) -> Resolved {
        let is_range = matches!(self.plan.target, Target::Request { .. } | Target::Push { .. });
        let id = |id: Option<&ObjectId>| id.map(ToString::to_string).unwrap_or_default();
        Resolved {
            line: format!("{}: {}: {what}", self.plan.system, escaped(why.as_bytes())),
            policy,
            tells_changes: true,
            base_id: id(exclude.first().filter(|_| is_range)),
            head_id: id(include.first().map(|(_, id)| id)),
            query: RangeQuery::Commits {
                include,
                exclude,
                since: None,
                needs_parents: true,
                created: Vec::new(),
            },
        }
    }
}

fn short(id: &ObjectId) -> String {
    id.to_string().chars().take(10).collect()
}

fn short_name(name: &BString) -> BString {
    let prefixes: [&[u8]; 3] = [b"refs/heads/", b"refs/tags/", b"refs/remotes/"];
    let short = prefixes.iter().find_map(|prefix| name.strip_prefix(*prefix));
    short.unwrap_or(name).into()
}
