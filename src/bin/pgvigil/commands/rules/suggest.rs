//! `rules suggest`: an exclusion for a record that counts, or why there is none.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use pgvigil::audit_log::prefix::LogLinePrefix;
use pgvigil::audit_log::reader::Inputs;
use pgvigil::begin::place::{self, State};
use pgvigil::begin::tree::File;
use pgvigil::judge::{Judge, Rules, Scratch};
use pgvigil::policy::is_kebab;
use pgvigil::report::{rules_human, suggest as render, visible};
use pgvigil::rules::suggest::{Answer, Context, Suggestion, Wish, suggest, trail};
use pgvigil::rules::{explain, fixture};

use super::logs::{Written, ended, missing_log, tell};
use crate::args::{SuggestArgs, SuggestFormat};
use crate::exit::{Exit, Ran};
use crate::progress::Activity;
use crate::session::Session;
use crate::signals;

pub(crate) fn run(session: &Session, args: &SuggestArgs) -> Ran {
    let usage = |why: &str| {
        session.say(&format!("error: {why}"));
        Ok(Exit::Usage)
    };
    if let Some(id) = &args.id
        && !(is_kebab(id, 63) && id.starts_with(|first: char| first.is_ascii_lowercase()))
    {
        return usage(&format!(
            "`{}` cannot be the id of an exclusion: write lower case letters, digits and `-`, at most 63",
            visible(id)
        ));
    }
    let loaded = session.usable(&args.env)?;
    let environment = session.environment(&loaded, &args.env)?;
    if let Some(id) = &args.id
        && loaded.policy.exclusions.iter().any(|known| known.id == *id)
    {
        return usage(&format!(
            "the exclusion `{}` exists: set another --id",
            visible(id)
        ));
    }
    let mut rules = Rules::of(&loaded.policy, environment);
    let written = Written::parse(session, args.log_line_prefix.as_deref())?;
    rules.prefix = written.prefix.unwrap_or(rules.prefix);

    let mut logs = args.logs.clone();
    let mut line = None;
    if args.line.is_none() {
        let first = logs.first().map(PathBuf::as_path).unwrap_or(Path::new(""));
        let Some((log, number)) = place_of(first) else {
            return usage(
                "name the entry as LOG:LINE, where LINE counts from 1, or give it with --line",
            );
        };
        line = Some(number);
        if let Some(first) = logs.first_mut() {
            *first = log;
        }
    }
    if logs.iter().any(|log| log.as_os_str() == "-") {
        return usage("the logs are read more than once, so they cannot come from stdin");
    }
    missing_log(session, &logs)?;
    let inputs = Inputs::from_paths(&logs).written_with(written.template.clone());
    let mut exit = Exit::Clean;
    let entry = match (&args.line, line) {
        (Some(text), _) => {
            let text = text.strip_suffix('\n').unwrap_or(text).as_bytes();
            let detected = LogLinePrefix::detect(text);
            rules.prefix = written.prefix.or(detected).unwrap_or(rules.prefix);
            let dressed = written
                .template
                .as_ref()
                .and_then(|form| form.dress(text, rules.prefix));
            dressed.unwrap_or_else(|| text.to_vec())
        }
        (None, Some(number)) => {
            let first = Inputs::from_paths(logs.first()).written_with(written.template.clone());
            let (found, report) = trail::entry_at(&first, rules.prefix, number);
            tell(session, &first, &report);
            exit = ended(&report);
            let Some(found) = found else {
                let log = logs.first().map(|log| log.to_string_lossy().into_owned());
                return usage(&format!(
                    "{}:{number} is not in a log entry",
                    visible(&log.unwrap_or_default())
                ));
            };
            found
        }
        (None, None) => return Ok(Exit::Usage),
    };
    let siblings = trail::siblings(&inputs, &rules, &entry);
    let fixtures = fixture::find(session.root())
        .with_context(|| format!("cannot read {}", fixture::FOLDER))?;
    let context = Context {
        loaded: &loaded,
        environment,
        rules: &rules,
        fixtures: &fixtures,
    };
    let wish = Wish {
        id: args.id.clone(),
        owner: args.owner.clone(),
        reason: args.reason.clone(),
        expires: args.expires,
        by_client: args.by_client,
        keep_literals: args.keep_literals,
        today: session.today(),
    };
    let suggestion = {
        let _activity = Activity::of(session, "trying exclusions");
        suggest(context, &entry, &siblings, &wish, |rules, id| {
            trail::silenced(&inputs, rules, id)
        })
    };
    if args.write
        && let Some(refused) = write(session, &suggestion)?
    {
        return usage(&refused);
    }
    match args.format {
        SuggestFormat::Human if suggestion.answer == Answer::NotCounted => {
            let judge = Judge::new(&rules);
            let explanation = explain::explain(&judge, &mut Scratch::default(), &entry);
            session.show(&rules_human::explanation(
                &explanation,
                None,
                session.colour_out(),
            ))?;
        }
        SuggestFormat::Human => session.show(&render::human(&suggestion, args.write))?,
        SuggestFormat::Json => session.show(&render::json(&suggestion))?,
        SuggestFormat::Yaml => match &suggestion.proposal {
            Some(proposal) => session.show_exactly(&proposal.yaml)?,
            None => session.say(render::human(&suggestion, false).trim_end()),
        },
    }
    Ok(match suggestion.answer {
        Answer::Proposed | Answer::NotCounted => exit,
        Answer::Grant | Answer::Refused => Exit::Diagnostics,
    })
}

/// Writes the proposed file; returns why it was not written.
fn write(session: &Session, suggestion: &Suggestion) -> Ran<Option<String>> {
    let Some(proposal) = &suggestion.proposal else {
        return Ok(None);
    };
    let file = File {
        path: proposal.path.clone(),
        text: proposal.yaml.clone(),
        is_program: false,
    };
    signals::listen()?;
    let placed = place::place(session.root(), &[file], &signals::is_asked)?;
    Ok(placed
        .iter()
        .any(|one| one.state != State::Written)
        .then(|| format!("{} exists: nothing was written", proposal.path)))
}

/// `LOG:LINE`.
fn place_of(argument: &Path) -> Option<(PathBuf, u64)> {
    let (log, line) = argument.to_str()?.rsplit_once(':')?;
    let is_number = !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit());
    let line: u64 = line.parse().ok().filter(|line| is_number && *line > 0)?;
    (!log.is_empty()).then(|| (PathBuf::from(log), line))
}
