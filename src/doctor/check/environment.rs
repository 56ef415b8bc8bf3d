//! Clocks, and everything that a plan would tell.

use super::{Check, Context, EnvironmentContext, Findings, Run, duration};
use crate::compile::resources::EVERY_CLUSTER;
use crate::deploy::plan::Planned;
use crate::deploy::verdict::Verdict;
use crate::doctor::diagnosis::Finding;
use crate::doctor::remedy::Remedy;

/// Seconds that clocks may differ: less than one minute moves no window.
const SKEW_WARN: i64 = 60;

/// Seconds after which AWS refuses what was signed (Signature Version 4, "Elements of a request").
const SKEW_FAIL: i64 = 300;

pub(super) const CLOCK: Check = Check {
    id: "clock",
    group: "environment",
    title: "this machine's clock agrees with the provider's",
    why: "ages are calculated with this clock, and a wrong clock makes old data look new",
    needs: &[],
    run: Run::Environment(clock),
};

pub(super) const EXTRAS: Check = Check {
    id: "extras",
    group: "environment",
    title: "there are no resources beyond those the files declare",
    why: "an extra subscription sends audit data elsewhere, and an extra alarm sends false messages",
    needs: &[],
    run: Run::Environment(extras),
};

pub(super) const CONCURRENCY: Check = Check {
    id: "account-concurrency",
    group: "environment",
    title: "the account has room for the concurrency that the files reserve",
    why: "Lambda refuses a reservation that leaves too little for other functions, so an apply would fail",
    needs: &[],
    run: Run::Environment(concurrency),
};

pub(super) const AS_IN_THE_FILES: Check = Check {
    id: "as-in-the-files",
    group: "files",
    title: "every resource is as the files declare",
    why: "the files are what was reviewed, but the deployed resources do the watching",
    needs: &[],
    run: Run::Cluster(as_in_the_files),
};

fn clock(context: &EnvironmentContext<'_>) -> Findings {
    let Some(theirs) = context.theirs else {
        return Err(Finding::skip("a folder has no clock of its own"));
    };
    let theirs = theirs.as_ref().map_err(Finding::unknown)?;
    let skew = context.ours.duration_since(*theirs).abs();
    let sentence = format!(
        "the clocks differ by {}; ages are calculated with the provider's",
        duration(skew)
    );
    let remedy = Remedy::mend(&["timedatectl", "set-ntp", "true"]);
    Ok(vec![if skew.as_secs() > SKEW_FAIL {
        Finding::fail(sentence, remedy)
    } else if skew.as_secs() > SKEW_WARN {
        Finding::warn(sentence, remedy)
    } else {
        Finding::ok(sentence)
    }])
}

fn extras(context: &EnvironmentContext<'_>) -> Findings {
    let look = || Remedy::look(&["pgvigil", "drift", "--env", context.environment]);
    let asked: Vec<&str> = context
        .plan
        .resources
        .iter()
        .map(|resource| resource.address.as_str())
        .collect();
    let mut findings: Vec<Finding> = context
        .plan
        .resources
        .iter()
        .filter(|resource| resource.verdict == Verdict::Extra)
        // What changes a log is told of its cluster.
        .filter(|resource| {
            let mut alterations = context.plan.alterations.iter();
            alterations.all(|alteration| alteration.address != resource.address)
        })
        .map(|resource| {
            let note = resource.note.clone().unwrap_or_default();
            Finding::warn(format!("no file declares it; {note}"), look()).about(&resource.address)
        })
        .collect();
    // What belongs to no resource is the list itself.
    findings.extend(
        context
            .plan
            .unread
            .iter()
            .filter(|unread| !asked.contains(&unread.address.as_str()))
            .map(|unread| Finding::unclear(unread.error.clone()).about(&unread.address)),
    );
    if findings.is_empty() {
        findings.push(Finding::ok("there are no other resources"));
    }
    Ok(findings)
}

fn concurrency(context: &EnvironmentContext<'_>) -> Findings {
    let Some(answer) = context.concurrency else {
        return Err(Finding::skip("the files declare no function"));
    };
    let Some(account) = answer.as_ref().map_err(Finding::unknown)? else {
        return Err(Finding::skip("a folder has no limits"));
    };
    let look = || {
        Remedy::look(&[
            "aws",
            "lambda",
            "get-account-settings",
            "--region",
            &context.plan.identity.region,
        ])
    };
    let mut findings: Vec<Finding> = context
        .room
        .obstacles
        .iter()
        .map(|obstacle| {
            let sentence = format!("{}; {}", obstacle.why, obstacle.help);
            Finding::fail(sentence, look()).about(&obstacle.address)
        })
        .collect();
    let notes = context.room.notes.iter();
    findings
        .extend(notes.map(|(address, note)| Finding::warn(note.clone(), look()).about(address)));
    if findings.is_empty() {
        findings.push(Finding::ok(format!(
            "{} of {} concurrent runs are unreserved",
            account.unreserved, account.limit
        )));
    }
    Ok(findings)
}

fn as_in_the_files(context: &Context<'_>) -> Findings {
    // What all clusters share is each one's own.
    let own = [context.subject.cluster.name.as_str(), EVERY_CLUSTER].map(|of| format!("{of}/"));
    let is_own = |address: &str| own.iter().any(|own| address.starts_with(own));
    let resources = context
        .plan
        .resources
        .iter()
        .filter(|resource| is_own(&resource.address));
    let findings: Vec<Finding> = resources
        // Without a kind it is no resource of the files: a log that is changed has a check of its own.
        .filter(|resource| resource.verdict != Verdict::Extra && resource.kind.is_some())
        .map(|resource| judged(context, resource).about(&resource.address))
        .collect();
    if findings.is_empty() {
        return Ok(vec![Finding::unclear("it was not compared")]);
    }
    Ok(findings)
}

fn judged(context: &Context<'_>, resource: &Planned) -> Finding {
    let sentence = match resource.changes.as_slice() {
        [] => resource.verdict.meaning().to_owned(),
        changes => {
            let fields: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
            format!("{}: {}", resource.verdict.meaning(), fields.join(", "))
        }
    };
    match resource.verdict {
        Verdict::Clean | Verdict::Extra => Finding::ok("as the files declare"),
        Verdict::Pending if resource.live_digest.is_some() => {
            Finding::warn(sentence, context.subject.look("plan"))
        }
        Verdict::Pending => Finding::fail("it was never applied", context.subject.look("plan")),
        Verdict::Drifted | Verdict::Both | Verdict::Missing => {
            Finding::fail(sentence, context.subject.look("drift"))
        }
        Verdict::Unreadable => Finding::unclear(resource.note.clone().unwrap_or(sentence)),
    }
}
