//! The impact of a change as a comment of a pull request.

use super::{
    GRAVE, HEARING, approvals, attack, command, command_of, count, digest, effect, grave_first,
    headline, hearing, is_changed, length, life, moment, number, one_line, others, reading, record,
    revision, signals_off, tests, unread, verdict,
};
use crate::report::escape::{self, cell, code, fence, lines, prose, shorten, without_commands};
use crate::report::page::{Page, beginning};
use crate::rules::impact::report::{
    AccountImpact, Change, Direction, ExclusionImpact, Fault, Group, ImpactReport,
};

/// GitHub's limit of a comment, in characters.
pub const COMMENT_LIMIT: usize = 65_536;

/// Faults that are written out, and rows of a table.
const MOST: usize = 25;

/// Characters of a name, of a sentence and of a statement that are shown.
const NAME: usize = 100;
const SENTENCE: usize = 500;
const STATEMENT: usize = 1_200;

/// The first line of the comment. It is not shown; a runner finds by it the comment that it wrote before.
pub fn marker(env: &str) -> String {
    let safe = |character: char| {
        if character.is_ascii_alphanumeric() || "._-".contains(character) {
            character
        } else {
            '_'
        }
    };
    // Two hyphens could end the HTML comment.
    let name: String = env.chars().map(safe).take(NAME).collect();
    format!("<!-- pgvigil impact {} -->", name.replace("--", "-_"))
}

/// The comment: the verdict, faults, what changed, what falls silent. At most `limit` bytes; says what it leaves out.
pub fn render(report: &ImpactReport, limit: usize) -> String {
    let head = heading(report);
    let foot = footer(report);
    let rest = "\n*Shortened to fit a comment: the page and `--format json` contain everything.*\n";
    let room = limit.saturating_sub(head.len() + foot.len() + rest.len());
    let mut tail = Page::new(room / 4);
    let others = others(report);
    if !others.is_empty() {
        tail.push(&format!("\nAlso: {}.\n", prose(&others.join(" · "))));
    }
    tail.push(&approvals_text(report));

    let mut comment = Page::new(room - tail.body.len());
    faults(&report.faults, &mut comment);
    if let Some(unread) = unread(&report.logs) {
        comment.push(&format!("\n> **Caution:** {}\n", escape::sentence(&unread)));
    }
    heard(report, &mut comment);
    exclusions(report, &mut comment);
    comment.push(&accounts(&report.accounts));
    if let Some(what) = signals_off(report) {
        comment.push(&format!(
            "\n### Switched off\n\n{}\n",
            escape::sentence(&what)
        ));
    }
    silent(report, &mut comment);
    loud(report, &mut comment);
    let rest = if comment.is_cut || tail.is_cut {
        rest
    } else {
        ""
    };
    let text = format!("{head}{}{}{rest}{foot}", comment.body, tail.body);
    if text.len() <= limit {
        return text;
    }
    // Hardly anything fits: the verdict, which has no hostile text but the name of the environment.
    beginning(&head, limit)
}

fn heading(report: &ImpactReport) -> String {
    without_commands(&format!(
        "{}\n**Exclusion review · {}** — **{}** — {}\n",
        marker(&report.env),
        code(&shorten(&report.env, NAME)),
        verdict(report.direction),
        headline(report).join(" · ")
    ))
}

fn faults(faults: &[Fault], comment: &mut Page) {
    if faults.is_empty() {
        return;
    }
    comment.push(&format!(
        "\n> [!CAUTION]\n> **This change must not be merged: {}.**\n",
        count(length(faults), "fault")
    ));
    let mut shown = 0;
    for fault in faults.iter().take(MOST) {
        let mut line = format!("> - {}", code(&fault.code));
        if let Some(exclusion) = &fault.exclusion {
            line.push_str(&format!(" · {}", name(exclusion)));
        }
        line.push_str(&format!(": {}", sentence(&fault.message)));
        if !fault.help.is_empty() {
            line.push_str(&format!(" — *{}*", sentence(&fault.help)));
        }
        line.push('\n');
        // A few long ones leave room for the rest of the story.
        if comment.body.len() + line.len() > comment.room / 3 {
            break;
        }
        comment.push(&line);
        shown += 1;
    }
    if faults.len() > shown {
        comment.push(&format!("> - and {} more\n", faults.len() - shown));
        comment.is_cut = true;
    }
}

fn heard(report: &ImpactReport, comment: &mut Page) {
    let changes = hearing(report);
    if changes.is_empty() {
        return;
    }
    comment.push(&format!("\n### {HEARING}\n\n"));
    let mut shown = 0;
    for (direction, text) in changes.iter().take(MOST) {
        let line = without_commands(&format!("- **{}:** {}\n", direction.name(), sentence(text)));
        if comment.body.len() + line.len() > comment.room / 3 {
            break;
        }
        comment.push(&line);
        shown += 1;
    }
    if changes.len() > shown {
        comment.push(&format!("- and {} more\n", changes.len() - shown));
        comment.is_cut = true;
    }
}

fn name(text: &str) -> String {
    code(&shorten(text, NAME))
}

fn sentence(text: &str) -> String {
    escape::sentence(&shorten(text, SENTENCE))
}

/// The changed exclusions: whole, then as lines once they take half of the comment, so that what falls silent has room.
fn exclusions(report: &ImpactReport, comment: &mut Page) {
    let mut left_out = 0_u64;
    for exclusion in report.exclusions.iter().filter(|one| is_changed(one)) {
        let block = without_commands(&block(exclusion));
        let line = without_commands(&format!("\n{}", title(exclusion)));
        if comment.body.len() + block.len() <= comment.room / 2 {
            comment.body.push_str(&block);
        } else if comment.body.len() + line.len() <= comment.room / 5 * 3 {
            comment.body.push_str(&line);
            comment.is_cut = true;
        } else {
            left_out += 1;
        }
    }
    if left_out > 0 {
        comment.is_cut = true;
        comment.push(&format!(
            "\n…and {}.\n",
            count(left_out, "more changed exclusion")
        ));
    }
}

fn title(exclusion: &ExclusionImpact) -> String {
    format!(
        "### {} · {} · {}\n",
        name(&exclusion.id),
        exclusion.change.name(),
        direction(exclusion.direction)
    )
}

fn direction(direction: Direction) -> String {
    if direction.may_silence_more() {
        format!("**{}**", verdict(direction))
    } else {
        direction.name().to_owned()
    }
}

fn block(exclusion: &ExclusionImpact) -> String {
    let mut text = format!("\n{}{}\n\n", title(exclusion), sentence(&exclusion.title));
    let mut facts = vec![format!("owner {}", name(&exclusion.owner))];
    if let Some(ticket) = &exclusion.ticket {
        facts.push(format!("ticket {}", name(ticket)));
    }
    facts.push(sentence(&life(exclusion)));
    facts.push(name(&format!("{}:{}", exclusion.file, exclusion.line)));
    text.push_str(&format!("{}\n\n", facts.join(" · ")));
    text.push_str(&format!("- **Reason:** {}\n", sentence(&exclusion.reason)));
    if let Some(person) = &exclusion.accepted_by {
        text.push_str(&format!("- **Risk accepted** by {}\n", name(person)));
    }
    if !exclusion.why.is_empty() {
        text.push_str(&format!(
            "- **Why {}:** {}\n",
            exclusion.direction.name(),
            sentence(&exclusion.why)
        ));
    }
    if let Some(example) = &exclusion.counterexample {
        text.push_str(&format!(
            "- **A record that would be silent (made up):** {}\n",
            name(&record(example))
        ));
        if let Some(statement) = &example.statement {
            text.push_str(&statement_block(statement));
        }
    }
    // A removed exclusion cannot be used to evade.
    if exclusion.change != Change::Removed {
        let (is_good, found) = attack(exclusion);
        let mark = if is_good { "" } else { "⚠ " };
        text.push_str(&format!("- **Evasion:** {mark}{}\n", sentence(&found)));
        if let Some(evasion) = exclusion
            .attack
            .as_ref()
            .and_then(|attack| attack.evasions.first())
        {
            text.push_str(&format!("  {}\n", sentence(&evasion.does)));
            text.push_str(&statement_block(&evasion.statement));
        }
        let (is_good, found) = tests(exclusion.tests.as_ref());
        let mark = if is_good { "" } else { "⚠ " };
        text.push_str(&format!("- **Tests:** {mark}{}\n", sentence(&found)));
        for survivor in exclusion
            .tests
            .iter()
            .flat_map(|tests| &tests.survivors)
            .take(3)
        {
            text.push_str(&format!("  - not caught: {}\n", sentence(survivor)));
        }
    }
    text.push_str(&format!("- **Effect:** {}\n", sentence(&effect(exclusion))));
    text
}

/// A statement as a block inside a list.
fn statement_block(statement: &str) -> String {
    let shown: Vec<String> = lines(&shorten(statement, STATEMENT)).collect();
    let fence = fence(&shown.join("\n"));
    let mut text = format!("  {fence}sql\n");
    for line in shown {
        text.push_str(&format!("  {line}\n"));
    }
    text.push_str(&format!("  {fence}\n"));
    text
}

fn accounts(accounts: &[AccountImpact]) -> String {
    let changed: Vec<&AccountImpact> = accounts
        .iter()
        .filter(|one| one.change != Change::Unchanged)
        .collect();
    if changed.is_empty() {
        return String::new();
    }
    let mut text = "\n### Service accounts, which are not audited\n\n".to_owned();
    for account in changed.iter().take(MOST) {
        text.push_str(&format!(
            "- {} {}{} · owner {} · {}\n",
            account.change.name(),
            name(&account.role),
            if account.is_pattern { " (pattern)" } else { "" },
            name(&account.owner),
            sentence(&account.reason)
        ));
    }
    if changed.len() > MOST {
        text.push_str(&format!("- and {} more\n", changed.len() - MOST));
    }
    text
}

fn silent(report: &ImpactReport, comment: &mut Page) {
    if report.newly_silent.is_empty() {
        return;
    }
    let head = format!(
        "\n### Newly silent: {}\n\n| user | command | object | records | last seen | silenced by | example |\n\
         | --- | --- | --- | ---: | --- | --- | --- |\n",
        count(report.totals.newly_silent, "record")
    );
    if !comment.fits(head.len() + 400) {
        comment.is_cut = true;
        return;
    }
    comment.body.push_str(&head);
    let foot = 200;
    // What becomes loud may have the last tenth.
    let room = comment.room / 10 * 9;
    rows(
        &report.newly_silent,
        room.saturating_sub(foot),
        report,
        comment,
    );
}

fn loud(report: &ImpactReport, comment: &mut Page) {
    if report.newly_loud.is_empty() {
        return;
    }
    let head = format!(
        "\n<details><summary>Newly loud: {}</summary>\n\n\
         | user | command | object | records | last seen | silenced before by | example |\n\
         | --- | --- | --- | ---: | --- | --- | --- |\n",
        count(report.totals.newly_loud, "record")
    );
    let foot = "\n</details>\n";
    if !comment.fits(head.len() + foot.len() + 600) {
        comment.is_cut = true;
        return;
    }
    comment.body.push_str(&head);
    let room = comment.room.saturating_sub(foot.len() + 400);
    rows(&report.newly_loud, room, report, comment);
    comment.body.push_str(foot);
}

/// Rows as long as the body stays below `room`, and a line about the others.
fn rows(groups: &[Group], room: usize, report: &ImpactReport, comment: &mut Page) {
    let mut shown = 0;
    for group in grave_first(groups).into_iter().take(MOST) {
        let row = without_commands(&row(group));
        if comment.body.len() + row.len() > room {
            break;
        }
        comment.body.push_str(&row);
        shown += 1;
    }
    let mut notes = Vec::new();
    if groups.iter().any(|group| group.is_grave) {
        notes.push(GRAVE.to_owned());
    }
    if shown < groups.len() {
        comment.is_cut = true;
        notes.push(format!(
            "{} of {} shown",
            number(shown as u64),
            count(length(groups), "group")
        ));
    }
    if report.groups_left_out > 0 {
        notes.push(format!(
            "{} not listed anywhere",
            count(report.groups_left_out, "more group")
        ));
    }
    if !notes.is_empty() {
        comment
            .body
            .push_str(&format!("\n{}.\n", prose(&notes.join(" · "))));
    }
}

fn row(group: &Group) -> String {
    let part = |text: &str, most| {
        if text.is_empty() {
            "–".to_owned()
        } else {
            cell(&shorten(text, most))
        }
    };
    let by: Vec<String> = group.by.iter().take(3).map(|name| part(name, 60)).collect();
    let by = if group.by.len() > 3 {
        format!("{} …", by.join(" "))
    } else {
        by.join(" ")
    };
    let example = group
        .examples
        .first()
        .map_or(String::new(), |example| one_line(&example.statement));
    let grave = if group.is_grave { "**(!)** " } else { "" };
    format!(
        "| {} | {} | {} | {grave}{} | {} | {by} | {} |\n",
        part(&group.user, 60),
        part(&command_of(group), 60),
        part(&group.object, NAME),
        number(group.records),
        if group.last.is_empty() {
            "–".to_owned()
        } else {
            prose(&shorten(&moment(&group.last), 40))
        },
        part(&example, 120)
    )
}

fn approvals_text(report: &ImpactReport) -> String {
    let mut text = format!("\n**Approvals needed: {}**\n", report.approvals.required);
    let lines = approvals(report);
    if !lines.is_empty() {
        text.push('\n');
    }
    for (what, list) in lines {
        // Addresses are formatted as code, so that no one is notified by a mention.
        let is_prose = what == "because";
        let mut shown: Vec<String> = list
            .iter()
            .take(10)
            .map(|one| if is_prose { sentence(one) } else { name(one) })
            .collect();
        if list.len() > shown.len() {
            shown.push(format!("and {} more", list.len() - shown.len()));
        }
        text.push_str(&format!(
            "- {what}: {}\n",
            shown.join(if is_prose { "; " } else { ", " })
        ));
    }
    text
}

fn footer(report: &ImpactReport) -> String {
    let run = shorten(&command(report), 300);
    let side = |revision_: &crate::rules::impact::report::Revision| {
        format!(
            "{} rules {}",
            name(&revision(&revision_.name, revision_.commit.as_ref())),
            code(&digest(&revision_.rules_digest))
        )
    };
    without_commands(&format!(
        "\n---\n<sub>{} · {} · {} → {} · judged for {} · pgvigil {}<br>Run it yourself: {}</sub>\n",
        prose(&shorten(&reading(&report.logs), 200)),
        count(report.totals.records, "audit record"),
        side(&report.base),
        side(&report.head),
        prose(&shorten(&report.today, 20)),
        prose(&shorten(&report.pgvigil, 40)),
        code(&run)
    ))
}
