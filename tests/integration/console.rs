//! Documents that show real runs.
//!
//! Between `<!-- output: COMMAND -->` and `<!-- end -->` stands a fenced block: the command after `$ `, then what it
//! prints. Between `<!-- file: PATH -->` and `<!-- end -->` stands a fenced block with the whole content of a file, which
//! the reader writes. Tests run and write these in the order of the document, and compare; `PGVIGIL_UPDATE=1 cargo test`
//! rewrites the outputs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests may panic"
)]

use std::path::Path;

const OUTPUT: &str = "<!-- output: ";
const FILE: &str = "<!-- file: ";
const END: &str = "<!-- end -->";

/// Where a document's commands run.
pub(crate) trait Place {
    /// What a command prints; an error is a fault of the document.
    fn run(&mut self, command: &str) -> Result<String, String>;

    /// Writes a file that the document shows.
    fn write(&mut self, path: &str, content: &str) -> Result<(), String>;
}

/// The text with the true output in every block.
pub(crate) fn refreshed(text: &str, place: &mut dyn Place) -> Result<String, String> {
    let mut fresh = String::new();
    let mut outputs = 0;
    let mut lines = text.split_inclusive('\n').enumerate();
    while let Some((number, line)) = lines.next() {
        let at = format!("line {}", number + 1);
        fresh.push_str(line);
        let marker = line.trim_end();
        let Some((is_file, what)) = marker
            .strip_prefix(OUTPUT)
            .map(|what| (false, what))
            .or_else(|| marker.strip_prefix(FILE).map(|what| (true, what)))
        else {
            if marker == END {
                return Err(format!("{at}: `{END}` without `{OUTPUT}COMMAND -->`"));
            }
            continue;
        };
        let what = what
            .strip_suffix(" -->")
            .ok_or_else(|| format!("{at}: the comment must end with ` -->`"))?;
        let mut block = String::new();
        let end = loop {
            match lines.next() {
                Some((_, line)) if line.trim_end() == END => break line,
                Some((_, line)) if !line.starts_with(OUTPUT) && !line.starts_with(FILE) => {
                    block.push_str(line);
                }
                _ => return Err(format!("{at}: no `{END}` follows")),
            }
        };
        if is_file {
            let content = block
                .strip_prefix("```")
                .and_then(|rest| rest.split_once('\n'))
                .and_then(|(_, rest)| rest.strip_suffix("```\n"))
                .filter(|content| !content.contains("```"))
                .ok_or_else(|| format!("{at}: a file is one fenced block"))?;
            place
                .write(what, content)
                .map_err(|fault| format!("{at}: {fault}"))?;
            fresh.push_str(&block);
        } else {
            let output = place.run(what).map_err(|fault| format!("{at}: {fault}"))?;
            let output = output.trim_end_matches('\n');
            if output.contains("```") {
                return Err(format!(
                    "{at}: the command prints what no fenced block can show"
                ));
            }
            let output = match output {
                "" => String::new(),
                output => format!("{output}\n"),
            };
            fresh.push_str(&format!("```console\n$ {what}\n{output}```\n"));
            outputs += 1;
        }
        fresh.push_str(end);
    }
    if outputs == 0 {
        return Err(format!(
            "no block `{OUTPUT}COMMAND -->` … `{END}`: no real run is shown"
        ));
    }
    Ok(fresh)
}

/// Runs a document in a place, and compares; with PGVIGIL_UPDATE, rewrites it.
pub(crate) fn holds(path: &Path, place: &mut dyn Place) {
    let name = path.file_name().unwrap().display().to_string();
    let text = std::fs::read_to_string(path).unwrap();
    let fresh = refreshed(&text, place).unwrap_or_else(|fault| panic!("{name}: {fault}"));
    if std::env::var_os("PGVIGIL_UPDATE").is_some() {
        std::fs::write(path, &fresh).unwrap();
        return;
    }
    for (number, (is, should)) in text.lines().zip(fresh.lines()).enumerate() {
        assert_eq!(
            is,
            should,
            "{name}, line {}; PGVIGIL_UPDATE=1 rewrites it",
            number + 1
        );
    }
    assert_eq!(text, fresh, "{name}; PGVIGIL_UPDATE=1 rewrites it");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says what it was asked for.
    #[derive(Default)]
    struct Echo(Vec<String>);

    impl Place for Echo {
        fn run(&mut self, command: &str) -> Result<String, String> {
            self.0.push(command.to_owned());
            match command {
                "silent" => Ok(String::new()),
                "fails" => Err("it fails".to_owned()),
                _ => Ok(format!("{command}\n\n")),
            }
        }

        fn write(&mut self, path: &str, content: &str) -> Result<(), String> {
            self.0.push(format!("{path}: {content}"));
            Ok(())
        }
    }

    #[test]
    fn blocks_are_found_run_and_rewritten() {
        let text = "# A\n<!-- file: a/b.yaml -->\n```yaml\nversion: 1\n```\n<!-- end -->\n\
                    <!-- output: pgvigil a 'b c' -->\nold\n<!-- end -->\n<!-- output: silent -->\n<!-- end -->\nmore\n";
        let mut echo = Echo::default();
        let fresh = refreshed(text, &mut echo).unwrap();
        assert_eq!(
            fresh,
            "# A\n<!-- file: a/b.yaml -->\n```yaml\nversion: 1\n```\n<!-- end -->\n\
             <!-- output: pgvigil a 'b c' -->\n```console\n$ pgvigil a 'b c'\npgvigil a 'b c'\n```\n<!-- end -->\n\
             <!-- output: silent -->\n```console\n$ silent\n```\n<!-- end -->\nmore\n"
        );
        assert_eq!(
            echo.0,
            ["a/b.yaml: version: 1\n", "pgvigil a 'b c'", "silent"]
        );
        assert_eq!(refreshed(&fresh, &mut Echo::default()).unwrap(), fresh);

        for (text, fault) in [
            ("# A\n", "no real run is shown"),
            ("<!-- output: a -->\n", "no `<!-- end -->` follows"),
            (
                "<!-- output: a -->\n<!-- output: b -->\n<!-- end -->\n",
                "line 1: no `<!-- end -->`",
            ),
            ("a\n<!-- end -->\n", "line 2: `<!-- end -->` without"),
            ("<!-- output: a\n<!-- end -->\n", "must end with"),
            ("<!-- file: a -->\nb\n<!-- end -->\n", "one fenced block"),
            ("<!-- output: fails -->\n<!-- end -->\n", "line 1: it fails"),
        ] {
            let found = refreshed(text, &mut Echo::default()).unwrap_err();
            assert!(found.contains(fault), "{text}: {found}");
        }
    }
}
