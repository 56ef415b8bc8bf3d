#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may panic"
)]

use super::super::reader::ReadReport;
use super::*;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use tempfile::TempDir;

/// A folder, a follower, and a time that passes when it is told to.
struct World {
    folder: TempDir,
    follower: Follower,
    targets: Vec<PathBuf>,
    now: Instant,
    /// When it last looked.
    looked: SystemTime,
}

impl World {
    fn new(targets: &[&str], start: Start) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let targets: Vec<PathBuf> = targets.iter().map(|t| folder.path().join(t)).collect();
        Self {
            follower: Follower::new(&targets, Options::default(), start, None).unwrap(),
            folder,
            targets,
            now: Instant::now(),
            looked: SystemTime::now(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.path(name))
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn pass(&mut self, seconds: f64) {
        self.now += Duration::from_secs_f64(seconds);
    }

    /// Looks, and gives the entries that are handed on: file name, line and text.
    fn read(&mut self) -> Vec<(String, u64, String)> {
        self.looked = SystemTime::now();
        self.follower.look(self.now, self.looked);
        self.read_on()
    }

    fn read_on(&mut self) -> Vec<(String, u64, String)> {
        let mut found = Vec::new();
        while let Some(chunk) = self.follower.next(self.now) {
            let name = chunk
                .path
                .file_name()
                .unwrap()
                .to_string_lossy()
                .into_owned();
            let mut report = ReadReport::default();
            chunk.piece.visit(&mut report, |entry| {
                let text = String::from_utf8_lossy(entry.text).into_owned();
                found.push((name.clone(), entry.line, text));
            });
            self.follower.settle();
        }
        found
    }

    fn texts(&mut self) -> Vec<String> {
        self.read().into_iter().map(|(_, _, text)| text).collect()
    }

    /// As if the process had been killed.
    fn restart(&mut self) {
        let earlier = Earlier {
            places: self
                .follower
                .places()
                .map(|(_, place)| place.clone())
                .collect(),
            at: self.looked - Duration::from_secs(2),
        };
        self.follower =
            Follower::new(&self.targets, Options::default(), Start::End, Some(earlier)).unwrap();
    }

    fn told(&mut self) -> String {
        let notices = self.follower.notices();
        notices
            .iter()
            .map(|notice| notice.to_string() + "\n")
            .collect()
    }
}

/// An entry that is long enough to be told from others.
fn entry(number: u32) -> String {
    format!(
        "2026-11-22 06:{:02}:{:02} UTC:[local]:a@b:[1]:LOG:  entry {number}\n",
        number / 60,
        number % 60
    )
}

fn short(number: u32) -> String {
    entry(number).trim_end().to_owned()
}

#[test]
fn the_last_entry_waits_for_the_next_or_for_quiet() {
    let mut world = World::new(&["log"], Start::Beginning);
    world.append("log", &entry(1));
    world.append("log", "2026-11-22 06:00:02 UTC:[local]:a@b:[1]:LOG:  half");
    assert_eq!(world.texts(), [short(1)]);
    world.pass(100.0);
    assert!(
        world.texts().is_empty(),
        "a line without an end is never judged"
    );
    world.append("log", " and half\n\tand a line\n");
    assert!(world.texts().is_empty());
    world.pass(0.5);
    assert!(world.texts().is_empty());
    world.pass(0.6);
    assert_eq!(
        world.read(),
        [(
            "log".to_owned(),
            2,
            "2026-11-22 06:00:02 UTC:[local]:a@b:[1]:LOG:  half and half\n\tand a line".to_owned()
        )]
    );
}

#[test]
fn a_statement_with_open_quotes_is_waited_for_longer() {
    let mut world = World::new(&["log"], Start::Beginning);
    let head =
        "2026-11-22 06:00:02 UTC:[local]:a@b:[1]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,\"select\n";
    world.append("log", head);
    assert!(world.texts().is_empty());
    world.pass(5.0);
    assert!(world.texts().is_empty());
    world.append("log", "\t1\",<none>\n");
    assert!(world.texts().is_empty());
    world.pass(1.1);
    assert_eq!(world.texts().len(), 1);
}

#[test]
fn from_the_end_nothing_old_is_judged_and_nothing_new_is_lost() {
    let mut world = World::new(&["log"], Start::End);
    world.append("log", &(entry(1) + &entry(2)));
    assert!(world.texts().is_empty());
    // The rest of the last entry is old too.
    world.append("log", &("\tgoes on\n".to_owned() + &entry(3) + &entry(4)));
    assert_eq!(world.texts(), [short(3)]);
    let mut world = World::new(&["log"], Start::End);
    world.append(
        "log",
        &(entry(1) + "2026-11-22 06:00:02 UTC:[local]:a@b:[1]:LOG:  ha"),
    );
    assert!(world.texts().is_empty());
    world.append("log", &("lf\n".to_owned() + &entry(3)));
    let found = world.read();
    assert_eq!((found.len(), found[0].1), (1, 2));
    assert!(found[0].2.ends_with("half"));
}

#[test]
fn a_renamed_log_is_read_to_its_end_before_the_one_that_takes_its_name() {
    let mut world = World::new(&["log"], Start::Beginning);
    world.append("log", &(entry(1) + &entry(2)));
    assert_eq!(world.texts(), [short(1)]);
    fs::rename(world.path("log"), world.path("log.1")).unwrap();
    // The server writes to the old one until it is told.
    world.append("log.1", &entry(3));
    world.append("log", &(entry(4) + &entry(5)));
    assert_eq!(world.texts(), [short(2)]);
    world.pass(1.1);
    assert_eq!(world.texts(), [short(3), short(4), short(5)]);
}

/// Of the first line only a part was there when the log was found: the log has an age all the same once it is renamed.
#[test]
fn a_log_that_was_found_with_half_a_line_is_older_than_what_takes_its_name() {
    let mut world = World::new(&["log"], Start::Beginning);
    world.append("log", "");
    assert_eq!(world.texts(), Vec::<String>::new());
    let first = entry(1);
    world.append("log", &first[..1]);
    assert!(world.read_on().is_empty());
    world.append("log", &first[1..]);
    fs::rename(world.path("log"), world.path("log.1")).unwrap();
    world.append("log", &(entry(2) + &entry(3)));
    let mut found = world.texts();
    world.pass(5.0);
    found.extend(world.texts());
    assert_eq!(found, [short(1), short(2), short(3)]);
}

#[test]
fn two_rotations_between_two_looks_lose_nothing() {
    for is_down in [false, true] {
        let mut world = World::new(&["log"], Start::Beginning);
        world.append("log", &entry(1));
        assert!(world.texts().is_empty());
        for (number, name) in [(2, "log.2"), (3, "log.1")] {
            fs::rename(world.path("log"), world.path(name)).unwrap();
            world.append("log", &entry(number));
        }
        if is_down {
            world.restart();
        }
        let mut found = Vec::new();
        for _ in 0..12 {
            world.pass(1.0);
            found.extend(world.texts());
        }
        assert_eq!(found, [short(1), short(2), short(3)], "{}", world.told());
    }
}

#[test]
fn a_copied_and_truncated_log_goes_on_in_its_copy() {
    for (targets, is_down) in [
        (["log"], false),
        (["log"], true),
        (["."], false),
        (["."], true),
    ] {
        let mut world = World::new(&targets, Start::Beginning);
        world.append("log", &(entry(1) + &entry(2)));
        assert_eq!(world.texts(), [short(1)]);
        // Nobody has read this when it is truncated.
        world.append("log", &(entry(3) + &entry(4)));
        if is_down {
            world.restart();
        }
        fs::copy(world.path("log"), world.path("log.1")).unwrap();
        OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(world.path("log"))
            .unwrap();
        world.append("log", &(entry(5) + &entry(6)));
        let mut found = Vec::new();
        for _ in 0..12 {
            world.pass(1.0);
            found.extend(world.texts());
        }
        let all: Vec<String> = (2..=6).map(short).collect();
        assert_eq!(found, all, "{targets:?} {is_down}: {}", world.told());
        world.restart();
        assert!(world.texts().is_empty());
    }
}

#[test]
fn a_truncation_without_a_copy_is_told() {
    let mut world = World::new(&["log"], Start::Beginning);
    world.append("log", &(entry(1) + &entry(2)));
    assert_eq!(world.texts(), [short(1)]);
    fs::write(world.path("log"), entry(3) + &entry(4)).unwrap();
    assert_eq!(
        world.texts(),
        [short(2), short(3)],
        "what was held back is handed on"
    );
    assert!(world.told().contains("there is no copy next to it"));
}

#[test]
fn a_copy_of_a_log_is_no_second_log() {
    let mut world = World::new(&["."], Start::Beginning);
    world.append("a.log", &(entry(1) + &entry(2)));
    assert_eq!(world.texts(), [short(1)]);
    fs::copy(world.path("a.log"), world.path("b.log")).unwrap();
    world.append("a.log", &entry(3));
    let mut found = Vec::new();
    for _ in 0..5 {
        world.pass(1.0);
        found.extend(world.texts());
    }
    assert_eq!(found, [short(2), short(3)]);
    assert_eq!(world.follower.bytes_behind(), 0);
    // Two servers that begin alike are two logs.
    world.append("c.log", &(entry(1) + &entry(7) + &entry(8)));
    for _ in 0..5 {
        world.pass(1.0);
        found.extend(world.texts());
    }
    assert_eq!(found.len(), 5, "{found:?}");
}

#[test]
fn files_with_new_names_are_read_in_their_order_and_csvlog_is_told() {
    let mut world = World::new(&["."], Start::Beginning);
    world.append("postgresql-2.log", &entry(2));
    world.append("postgresql-1.log", &entry(1));
    world.append("postgresql-1.log.gz", "\u{1f}\u{8b}");
    fs::write(world.path("packed.gz"), b"\x1f\x8b\x08").unwrap();
    let mut found = world.texts();
    world.pass(1.5);
    found.extend(world.texts());
    world.pass(1.5);
    found.extend(world.texts());
    assert_eq!(&found[..2], [short(1), short(2)]);
    world.append(
        "x.csv",
        "2026-11-22 06:55:28.123 UTC,\"alice\",\"shop\",1,,\n",
    );
    assert!(world.texts().is_empty());
    let told = world.told();
    assert!(
        told.contains("is a csvlog, which is not supported"),
        "{told}"
    );
    assert!(told.contains("is compressed"), "{told}");
    // The text log is as young: the server writes both.
    assert_eq!(world.follower.troubles(), []);
    let old = SystemTime::now() - Duration::from_secs(3600);
    for name in [
        "postgresql-1.log",
        "postgresql-2.log",
        "postgresql-1.log.gz",
    ] {
        let file = OpenOptions::new()
            .append(true)
            .open(world.path(name))
            .unwrap();
        file.set_modified(old).unwrap();
    }
    world.texts();
    world.texts();
    assert!(
        world.follower.troubles()[0].what.contains("csvlog"),
        "{:?}",
        world.follower.troubles()
    );
}

#[test]
fn a_named_file_with_a_later_one_beside_it_is_told() {
    let mut world = World::new(&["postgresql-2026-11-22_000000.log"], Start::Beginning);
    world.append("postgresql-2026-11-22_000000.log", &entry(1));
    world.texts();
    assert_eq!(world.follower.troubles(), []);
    let file = OpenOptions::new()
        .append(true)
        .open(world.path("postgresql-2026-11-22_000000.log"))
        .unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(3600))
        .unwrap();
    world.append("postgresql-2026-11-22_010000.log", &entry(2));
    world.texts();
    world.texts();
    assert!(
        world.follower.troubles()[0]
            .what
            .contains("follow the folder")
    );
}

#[test]
fn what_is_missing_is_told_once_and_waited_for() {
    let mut world = World::new(&["log", "none-*.log"], Start::End);
    assert!(world.texts().is_empty());
    let told = world.told();
    assert!(
        told.contains("log: does not exist; pgvigil keeps retrying"),
        "{told}"
    );
    assert!(told.contains("no file matches"), "{told}");
    world.texts();
    assert_eq!(world.told(), "");
    assert_eq!(world.follower.troubles().len(), 2);
    // What appears later is read from its beginning, whatever the start.
    world.append("log", &(entry(1) + &entry(2)));
    world.append("none-1.log", &(entry(3) + &entry(4)));
    assert_eq!(world.texts(), [short(1)]);
    assert!(world.told().contains("works again"));
    world.pass(1.1);
    // The second file was found later than the first, and waited for its end.
    assert_eq!(world.texts(), [short(2), short(3), short(4)]);
    assert_eq!(world.follower.troubles(), []);
}

#[test]
fn a_place_whose_file_has_gone_is_told_and_what_is_there_is_read_from_its_beginning() {
    let mut world = World::new(&["log"], Start::End);
    world.append("log", &(entry(1) + &entry(2)));
    world.texts();
    world.restart();
    fs::remove_file(world.path("log")).unwrap();
    world.append("log", &(entry(3) + &entry(4)));
    assert_eq!(world.texts(), [short(3)]);
    assert!(
        world
            .told()
            .contains("missing, and no file next to it has the same content")
    );
}

#[test]
fn an_entry_that_is_too_long_is_cut_as_when_a_file_is_read() {
    let options = Options {
        entry_bytes: 200,
        chunk_bytes: 64,
        ..Options::default()
    };
    let mut world = World::new(&["log"], Start::Beginning);
    world.follower = Follower::new(&world.targets, options, Start::Beginning, None).unwrap();
    let long = short(1) + &"x".repeat(1000);
    world.append("log", &format!("{long}\n\tmore\n{}{}", entry(2), entry(3)));
    assert_eq!(world.texts(), [long[..160].to_owned(), short(2)]);
}

/// More logs than can be open at once: each is read once and whole, and what comes later too.
#[test]
fn more_logs_than_descriptors_are_read_one_after_the_other() {
    let mut world = World::new(&["."], Start::Beginning);
    world.follower.options.open_files = 8;
    let name = |at: usize| format!("postgresql-{at:03}.log");
    let entry = |at: usize, what: &str| {
        format!(
            "2026-11-22 09:{:02}:{:02} UTC::@:[1]:LOG:  {what} {at}\n",
            at / 60,
            at % 60
        )
    };
    for at in 0..50 {
        world.append(&name(at), &entry(at, "first"));
        world.append(&name(at), &entry(at, "second"));
    }
    let mut found = Vec::new();
    for _ in 0..30 {
        found.extend(world.read());
        assert!(
            world
                .follower
                .files
                .iter()
                .filter(|file| file.is_open())
                .count()
                <= 8
        );
        world.pass(1.5);
    }
    assert_eq!(found.len(), 100, "{found:?}");
    let told: BTreeSet<_> = found.iter().collect();
    assert_eq!(told.len(), 100);
    assert!(world.follower.is_at_end());
    // Closed files that grow are opened again.
    for at in (0..50).rev() {
        world.append(&name(at), &entry(at, "third"));
    }
    let mut found = Vec::new();
    for _ in 0..30 {
        found.extend(world.read());
        world.pass(1.5);
    }
    assert_eq!(found.len(), 50, "{found:?}");
}

/// What was there at the start and had to wait for its turn is not taken for new.
#[test]
fn logs_that_wait_begin_where_the_others_do() {
    let mut world = World::new(&["."], Start::End);
    world.follower.options.open_files = 4;
    for at in 0..20 {
        world.append(
            &format!("a{at}.log"),
            &format!("2026-11-22 09:00:00 UTC::@:[1]:LOG:  old {at}\n"),
        );
    }
    for _ in 0..20 {
        assert!(world.read().is_empty());
        world.pass(1.5);
    }
    for at in 0..20 {
        world.append(
            &format!("a{at}.log"),
            &format!("2026-11-22 09:00:01 UTC::@:[1]:LOG:  new {at}\n"),
        );
    }
    let mut found = Vec::new();
    for _ in 0..30 {
        found.extend(world.read());
        world.pass(1.5);
    }
    assert_eq!(found.len(), 20, "{found:?}");
}
