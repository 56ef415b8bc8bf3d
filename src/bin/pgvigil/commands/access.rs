//! `access grant`: writes one access grant for a review. It takes effect when it is applied.

use jiff::{SignedDuration, Timestamp};
use pgvigil::begin::place::{self, State};
use pgvigil::begin::tree::File;
use pgvigil::policy::parse_moment;
use pgvigil::policy::scalar::scalar;
use pgvigil::report::visible;

use crate::args::{AccessCommand, GrantArgs};
use crate::exit::{Exit, Ran};
use crate::session::Session;
use crate::signals;

pub(crate) fn run(session: &Session, command: AccessCommand) -> Ran {
    match command {
        AccessCommand::Grant(args) => grant(session, &args),
    }
}

fn grant(session: &Session, args: &GrantArgs) -> Ran {
    let now = Timestamp::now();
    let usage = |why: &str| {
        session.say(&format!("error: {why}"));
        Ok(Exit::Usage)
    };
    let from = match args.begin.as_str() {
        "now" => whole(now),
        text => match parse_moment(text) {
            Some(time) => time,
            None => return usage("--begin must be `now` or a time such as 2026-12-02T14:00:00Z"),
        },
    };
    let until = match (&args.end, &args.length) {
        (Some(text), _) => match parse_moment(text) {
            Some(time) => time,
            None => return usage("--end must be a time such as 2026-12-02T16:00:00Z"),
        },
        (None, Some(text)) => match length(text).map(|length| from.checked_add(length)) {
            Some(Ok(time)) => time,
            _ => return usage("--length must be a length such as 30m, 2h or 1d"),
        },
        (None, None) => return usage("--length or --end is needed"),
    };
    let id = match (&args.id, &args.ticket) {
        (Some(id), _) => id.clone(),
        (None, Some(ticket)) => ticket.clone(),
        (None, None) => format!(
            "{}-{}",
            args.user.first().map_or("grant", String::as_str),
            from.strftime("%Y%m%d-%H%M")
        ),
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let begins_well = id
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric());
    if !begins_well || id.len() > 60 || !id.bytes().all(is_name) {
        return usage(&format!(
            "`{}` cannot be the id of a grant: set --id, of letters, digits, `.`, `_` and `-`",
            visible(&id)
        ));
    }
    let loaded = session.sound()?;
    let path = format!("access/{id}.yaml");
    if loaded
        .files
        .ids()
        .any(|file| loaded.files.path(file) == path)
    {
        return usage(&format!(
            "{path} exists: set another --id, or edit that file"
        ));
    }
    let owner = args.owner.clone().or_else(|| {
        let mut users = loaded.policy.users.iter();
        let found = users.find(|user| args.user.first() == Some(&user.role));
        found.map(|user| user.owner.clone())
    });
    let Some(owner) = owner else {
        return usage(
            "the policy has no such user, so --owner is needed: the team that answers for the grant",
        );
    };
    let text = text(args, &id, &owner, from, until);
    let checked = session.judged(loaded.with_file(&path, &text));
    if let Err(exit) = session.sound_of(checked) {
        session.say(&format!(
            "{path} was not written: with the new grant the policy would have these errors"
        ));
        return Ok(exit);
    }
    let file = File {
        path: path.clone(),
        text,
        is_program: false,
    };
    if args.dry_run {
        session.show(&file.text)?;
        return Ok(Exit::Clean);
    }
    signals::listen()?;
    let written = place::place(session.root(), &[file], &signals::is_asked)?;
    if written.iter().any(|placed| placed.state != State::Written) {
        return usage(&format!("{path} exists: nothing was written"));
    }
    session.show(&format!("{path}: written\n"))?;
    session.hint(&format!(
        "next: commit {path}, open a pull request, and have it approved by a person who is neither its author nor its user"
    ));
    session.hint(
        "the grant marks records once it is applied: `pgvigil apply`, and the next run of the monitor",
    );
    Ok(Exit::Clean)
}

/// A time without its fraction.
fn whole(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// `30m`, `2h` or `1d`.
fn length(text: &str) -> Option<SignedDuration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = number.parse().ok()?;
    let seconds = match unit {
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    number
        .checked_mul(seconds)
        .filter(|seconds| *seconds > 0)
        .map(SignedDuration::from_secs)
}

fn text(args: &GrantArgs, id: &str, owner: &str, from: Timestamp, until: Timestamp) -> String {
    let list = |values: &[String]| {
        let values: Vec<String> = values.iter().map(|value| scalar(value)).collect();
        format!("[{}]", values.join(", "))
    };
    let kinds: Vec<&str> = args.kinds.iter().map(|kind| kind.name()).collect();
    let mut text = format!(
        "# yaml-language-server: $schema=../schema/access.schema.json\nversion: 1\ngrants:\n  - id: {}\n    user: {}\n    environments: {}\n    \
         databases: {}\n    relations: {}\n    kinds: [{}]\n    from: {from}\n    until: {until}\n    reason: {}\n",
        scalar(id),
        list(&args.user),
        list(&args.env),
        list(&args.databases),
        list(&args.relations),
        kinds.join(", "),
        scalar(&args.reason),
    );
    if let Some(ticket) = &args.ticket {
        text.push_str(&format!("    ticket: {}\n", scalar(ticket)));
    }
    text.push_str(&format!("    owner: {}\n", scalar(owner)));
    text
}

#[cfg(test)]
mod tests {
    use super::length;

    #[test]
    fn lengths() {
        let seconds = |text| length(text).map(|length| length.as_secs());
        assert_eq!(seconds("30m"), Some(1_800));
        assert_eq!(seconds("2h"), Some(7_200));
        assert_eq!(seconds("1d"), Some(86_400));
        for wrong in [
            "",
            "h",
            "2",
            "2 h",
            "-2h",
            "0h",
            "2w",
            "1.5h",
            "9999999999999999999h",
            "2µ",
        ] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
