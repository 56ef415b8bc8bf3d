//! However a log is cut into writes, rotated, renamed or truncated, and whenever the watcher is stopped or killed: the
//! output file holds what `rules eval` says of the whole log, each record once and in order.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

use pgvigil::audit_log::follow::{self, Follower, Options, Start};
use pgvigil::audit_log::reader::Inputs;
use pgvigil::judge::{Judge, Rules};
use pgvigil::rules::eval;
use pgvigil::watch::cursor::Cursor;
use pgvigil::watch::outbox::{Answer, Limits, Outbox};
use pgvigil::watch::output::{Output, OutputFile};
use pgvigil::watch::{Pumped, Watch, What};
use proptest::prelude::*;
use serde_json::Value;
use tempfile::TempDir;

use crate::recorded;

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let policy = &recorded::shipped().policy;
    Rules::of(policy, policy.environment("local").unwrap())
});

static JUDGE: LazyLock<Judge> = LazyLock::new(|| Judge::new(&RULES));

/// How the server, or who administers it, begins a new log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rotation {
    /// `log` becomes `log.N`.
    Rename,
    /// `log` is copied to `log.N` and truncated.
    CopyTruncate,
    /// The next file has a name of its own.
    NewName,
}

#[derive(Clone, Debug)]
enum Op {
    /// The server writes so many bytes, in the middle of a line or not.
    Write(usize),
    /// It writes so many entries, and a few bytes less or more.
    Entries { count: usize, more: i64 },
    /// Time passes, and the watcher comes round; it looks for files or not.
    Turn { milliseconds: u64, looks: bool },
    /// The cursor is written.
    Settle,
    /// The watcher is killed and started again after the server has written and rotated so often.
    Kill { rotations: usize },
    /// The server, or who administers it, begins a new log; a copied one is truncated before it is written again.
    Rotate { is_half_done: bool },
    /// The receiver of the webhook answers, or fails.
    Deliver(bool),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (1..900_usize).prop_map(Op::Write),
        3 => (0..3_usize, -2..3_i64).prop_map(|(count, more)| Op::Entries { count, more }),
        4 => (1..1500_u64, any::<bool>()).prop_map(|(milliseconds, looks)| Op::Turn { milliseconds, looks }),
        2 => Just(Op::Settle),
        1 => (0..3_usize).prop_map(|rotations| Op::Kill { rotations }),
        1 => any::<bool>().prop_map(|is_half_done| Op::Rotate { is_half_done }),
        2 => any::<bool>().prop_map(Op::Deliver),
    ]
}

/// Entries of every kind that matters, each with a time of its own.
fn entry(number: usize, kind: usize) -> String {
    let time =
        jiff::Timestamp::from_second(1_795_330_000 + i64::try_from(number).unwrap()).unwrap();
    let time = time.strftime("%Y-%m-%d %H:%M:%S UTC");
    let who = format!("{time}:10.0.0.1(5000):alice@shop:[77]:LOG:  ");
    match kind % 6 {
        0 => format!(
            "{who}AUDIT: SESSION,{number},1,READ,SELECT,TABLE,public.orders,select {number} from orders,<none>\n"
        ),
        1 => format!(
            "{who}AUDIT: SESSION,{number},1,WRITE,INSERT,TABLE,public.orders,\"insert into orders\n\tvalues ({number},\n\t\"\"x\"\")\",<none>\n"
        ),
        2 => format!("{who}AUDIT: SESSION,{number},1,MISC,BEGIN,,,begin,<none>\n"),
        3 => format!("{who}duration: {number} ms\n"),
        4 => format!(
            "{time}:10.0.0.1(5000):alice@shop:[77]:ERROR:  x{number}\n\tAUDIT: SESSION,1,1,\n"
        ),
        _ => format!("{who}AUDIT: SESSION,{number},1,MISC,???,,,merge {number},<none>\n"),
    }
}

struct World {
    folder: TempDir,
    rotation: Rotation,
    target: PathBuf,
    /// What the server will write, and how much of it is written.
    whole: Vec<u8>,
    borders: Vec<usize>,
    written: usize,
    file: PathBuf,
    rotations: usize,
    /// Whether the log was copied and is not yet truncated.
    is_copied: bool,
    now: Instant,
    /// When the server wrote last.
    wrote: Instant,
    watch: Option<(Watch, Cursor)>,
    posted: Vec<String>,
}

impl World {
    fn new(rotation: Rotation, is_folder: bool, entries: &[usize]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let logs = folder.path().join("logs");
        fs::create_dir(&logs).unwrap();
        let file = logs.join("log");
        fs::write(&file, "").unwrap();
        let (mut whole, mut borders) = (Vec::new(), vec![0]);
        for (number, kind) in entries.iter().enumerate() {
            whole.extend_from_slice(entry(number, *kind).as_bytes());
            borders.push(whole.len());
        }
        let mut world = Self {
            target: if is_folder || rotation == Rotation::NewName {
                logs
            } else {
                file.clone()
            },
            folder,
            rotation,
            whole,
            borders,
            written: 0,
            file,
            rotations: 0,
            is_copied: false,
            now: Instant::now(),
            wrote: Instant::now(),
            watch: None,
            posted: Vec::new(),
        };
        world.start();
        world
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out.jsonl")
    }

    fn start(&mut self) {
        self.watch = None;
        let (cursor, earlier) = Cursor::open(&self.folder.path().join("cursor")).unwrap();
        let before = earlier.as_ref().and_then(|earlier| earlier.output.clone());
        let (output, _) = OutputFile::open(&self.out(), before.as_ref()).unwrap();
        let earlier = earlier.map(|earlier| follow::Earlier {
            at: earlier.unseen_since(),
            places: earlier.files,
        });
        let follower = Follower::new(
            std::slice::from_ref(&self.target),
            // Time is let pass faster than the file system's.
            Options {
                idle: Duration::from_secs(1_000_000),
                ..Options::default()
            },
            Start::Beginning,
            earlier,
        )
        .unwrap();
        let limits = Limits {
            records: 8,
            batch_records: 3,
            ..Limits::default()
        };
        let outbox = Outbox::new(
            limits,
            Value::Null,
            pgvigil::watch::format::Writer::default(),
        );
        let watch = Watch::new(
            follower,
            Judge::new(&RULES),
            What::default(),
            Output::File(output),
            Some(outbox),
        );
        self.watch = Some((watch, cursor));
    }

    fn write(&mut self, bytes: usize) {
        let end = (self.written + bytes).min(self.whole.len());
        if std::mem::take(&mut self.is_copied) {
            fs::write(&self.file, "").unwrap();
        }
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&self.file)
            .unwrap();
        file.write_all(&self.whole[self.written..end]).unwrap();
        self.written = end;
        self.wrote = self.now;
    }

    fn end_entry(&mut self) {
        let border = self.borders.iter().find(|border| **border >= self.written);
        self.write(border.unwrap() - self.written);
    }

    /// The server goes on in another file only between two entries.
    fn rotate(&mut self, is_half_done: bool) {
        self.end_entry();
        self.rotations += 1;
        let folder = self.file.parent().unwrap().to_owned();
        let old = folder.join(format!("log.{:03}", 999 - self.rotations));
        match self.rotation {
            Rotation::Rename => {
                fs::rename(&self.file, old).unwrap();
                fs::write(&self.file, "").unwrap();
            }
            Rotation::CopyTruncate => {
                fs::copy(&self.file, old).unwrap();
                if is_half_done {
                    self.is_copied = true;
                } else {
                    fs::write(&self.file, "").unwrap();
                }
            }
            Rotation::NewName => {
                self.file = folder.join(format!("log-{:03}.log", self.rotations));
            }
        }
    }

    /// Lets time pass. A server does not stop between two lines of an entry for as long as one is waited for.
    fn pass(&mut self, time: Duration) {
        self.now += time;
        let is_inside = self.borders.binary_search(&self.written).is_err();
        if is_inside && self.now.duration_since(self.wrote) >= Options::default().open_quotes / 2 {
            self.end_entry();
        }
    }

    fn turn(&mut self, milliseconds: u64, looks: bool) {
        self.pass(Duration::from_millis(milliseconds));
        let now = self.now;
        let (watch, _) = self.watch.as_mut().unwrap();
        if looks {
            watch.look(now, SystemTime::now());
        }
        while watch.pump(now, SystemTime::now()).unwrap() == Pumped::More {}
    }

    fn settle(&mut self) {
        let (watch, cursor) = self.watch.as_mut().unwrap();
        let document = watch.document("local", "").unwrap();
        cursor.save(document).unwrap();
    }

    fn deliver(&mut self, works: bool) {
        self.pass(Duration::from_secs(100));
        let now = self.now;
        let (watch, _) = self.watch.as_mut().unwrap();
        let outbox = watch.outbox().unwrap();
        if let Some(batch) = outbox.due(now) {
            let body: Value = serde_json::from_str(&batch.body).unwrap();
            if works {
                for record in body["records"].as_array().unwrap() {
                    assert_eq!(record["statement"], Value::Null);
                    self.posted.push(record["id"].as_str().unwrap().to_owned());
                }
            }
            let failed = Answer::Failed {
                what: "x".to_owned(),
                retry_after: None,
            };
            outbox.answered(now, if works { Answer::Taken } else { failed }, 0);
        }
    }

    fn go(&mut self, op: &Op) {
        match op {
            Op::Write(bytes) => self.write(*bytes),
            Op::Entries { count, more } => {
                let begun = self
                    .borders
                    .partition_point(|border| *border < self.written);
                let border = self.borders.get(begun + count).unwrap_or(&self.written);
                let bytes = i64::try_from(border - self.written).unwrap() + more;
                self.write(usize::try_from(bytes).unwrap_or_default());
            }
            Op::Turn {
                milliseconds,
                looks,
            } => self.turn(*milliseconds, *looks),
            Op::Settle => self.settle(),
            Op::Kill { rotations } => {
                self.watch = None;
                for _ in 0..*rotations {
                    self.write(300);
                    self.rotate(false);
                }
                self.start();
                self.turn(1, true);
            }
            Op::Rotate { is_half_done } => self.rotate(*is_half_done),
            Op::Deliver(works) => self.deliver(*works),
        }
    }

    /// Lets the server end, and the watcher come round until nothing is left.
    fn finish(&mut self) {
        self.write(usize::MAX / 2);
        for _ in 0..200 {
            self.turn(500, true);
            self.deliver(true);
            self.turn(0, false);
            if self.watch.as_ref().unwrap().0.is_done() {
                break;
            }
        }
        self.settle();
    }
}

/// Lines without what tells where they were found.
fn lines(text: &[u8], only_counted: bool) -> Vec<Value> {
    let lines = text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_slice::<Value>(line).unwrap())
        .filter(|line| !only_counted || line["verdict"] == "counted")
        .map(|mut line| {
            let object = line.as_object_mut().unwrap();
            for key in ["file", "line", "time", "id"] {
                object.remove(key);
            }
            line
        })
        .collect()
}

/// What tells the lines apart, for a short message.
fn statements(lines: &[Value]) -> Vec<&str> {
    lines
        .iter()
        .map(|line| line["statement"].as_str().unwrap_or_default())
        .collect()
}

fn expected(log: &[u8]) -> Vec<Value> {
    let mut text = Vec::new();
    eval::lines(
        &JUDGE,
        &Inputs::from_bytes("log", log),
        |_| {},
        |part| {
            text.extend_from_slice(part);
            ControlFlow::Continue(())
        },
    );
    lines(&text, true)
}

fn ids(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let ids = text.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["id"].as_str().unwrap().to_owned()
    });
    ids.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn every_record_is_delivered_once(
        rotation in prop_oneof![Just(Rotation::Rename), Just(Rotation::CopyTruncate), Just(Rotation::NewName)],
        is_folder in any::<bool>(),
        entries in prop::collection::vec(0..6_usize, 1..60),
        ops in prop::collection::vec(op(), 0..60),
    ) {
        delivers_once(rotation, is_folder, &entries, &ops)?;
    }
}

fn delivers_once(
    rotation: Rotation,
    is_folder: bool,
    entries: &[usize],
    ops: &[Op],
) -> Result<(), TestCaseError> {
    let mut world = World::new(rotation, is_folder, entries);
    world.turn(1, true);
    world.settle();
    for op in ops {
        world.go(op);
    }
    world.finish();
    let found = lines(&fs::read(world.out()).unwrap(), false);
    let whole = expected(&world.whole);
    prop_assert_eq!(statements(&found), statements(&whole));
    prop_assert_eq!(&found, &whole);
    // The receiver has every record at least once, under the same id.
    let written: BTreeSet<String> = ids(&world.out()).into_iter().collect();
    prop_assert_eq!(written.len(), ids(&world.out()).len(), "ids are unique");
    let posted: BTreeSet<String> = world.posted.iter().cloned().collect();
    // What is sent again from a copy has the id of its place there.
    prop_assert!(posted.len() >= written.len());
    if rotation != Rotation::CopyTruncate {
        prop_assert_eq!(posted, written);
    }
    // And nothing comes again.
    world.start();
    world.turn(5000, true);
    world.turn(5000, true);
    let again = lines(&fs::read(world.out()).unwrap(), false);
    prop_assert_eq!(again.len(), whole.len());
    Ok(())
}

/// What went wrong once.
#[test]
fn rare_orders_of_writing_rotating_and_looking() {
    let turn = |milliseconds, looks| Op::Turn {
        milliseconds,
        looks,
    };
    let rotate = Op::Rotate {
        is_half_done: false,
    };
    let kill = |rotations| Op::Kill { rotations };
    // Of a log that was truncated while its first lines were held back, the copy was found first, and read.
    let held = [
        Op::Write(1),
        rotate.clone(),
        Op::Write(140),
        turn(1, false),
        rotate.clone(),
    ];
    // A log was copied and truncated between its first byte and its first entry.
    let begun = [
        Op::Write(1),
        turn(1, false),
        rotate.clone(),
        Op::Write(141),
        turn(1, false),
        Op::Write(1),
    ];
    let killed = [
        kill(1),
        Op::Write(141),
        turn(1000, false),
        Op::Settle,
        kill(1),
        Op::Settle,
        kill(0),
    ];
    let thrice = [
        Op::Write(1),
        kill(1),
        Op::Write(141),
        turn(1, true),
        rotate.clone(),
        rotate.clone(),
        rotate.clone(),
        turn(999, true),
        Op::Settle,
        kill(0),
    ];
    // The same after a kill, and with the same beginning.
    let again = [
        Op::Write(1),
        kill(1),
        Op::Write(141),
        turn(1000, false),
        Op::Settle,
        kill(0),
        rotate.clone(),
        Op::Write(1),
    ];
    // Empty logs stood before one that was followed, when the next one began.
    let empty = [
        rotate.clone(),
        rotate.clone(),
        turn(1, true),
        Op::Entries { count: 1, more: 0 },
        rotate.clone(),
        turn(1, true),
        Op::Write(5),
    ];
    // What was truncated began again with the byte that it had begun with.
    let alike = [
        Op::Write(1),
        kill(0),
        rotate.clone(),
        Op::Write(141),
        turn(1, false),
        Op::Write(1),
    ];
    // The same, of one that had been truncated before.
    let twice = [
        Op::Write(1),
        kill(1),
        Op::Write(1),
        Op::Rotate { is_half_done: true },
        kill(0),
        Op::Entries { count: 0, more: 1 },
        turn(1000, false),
        rotate.clone(),
        Op::Write(141),
        turn(1, false),
        Op::Write(1),
    ];
    for ops in [
        &held[..],
        &alike,
        &twice,
        &empty,
        &begun,
        &killed,
        &thrice,
        &again,
    ] {
        for rotation in [Rotation::CopyTruncate, Rotation::Rename, Rotation::NewName] {
            for is_folder in [false, true] {
                let entries = [0, 5, 1, 0, 0, 1, 5, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
                for entries in [&entries[..], &[0; 20], &[0; 8]] {
                    if let Err(error) = delivers_once(rotation, is_folder, entries, ops) {
                        panic!("{rotation:?}, folder {is_folder}, {entries:?}, {ops:?}: {error}");
                    }
                }
            }
        }
    }
}

/// `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(300)
}
