//! Reading by position gives what reading in turn gives.

use super::blocks::{Blocks, Work};
use super::ranges::{Ranges, ReadAt, Room};
use super::*;
use proptest::prelude::*;
use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

/// File, line, offset and text of an entry.
type Seen = (usize, u64, u64, Vec<u8>);

fn read_all(inputs: &Inputs, options: &ReadOptions) -> (Vec<Seen>, ReadReport) {
    let mut seen = Vec::new();
    let report = for_each_entry(inputs, options, |entry| {
        seen.push((entry.file, entry.line, entry.offset, entry.text.to_vec()));
    });
    (seen, report)
}

fn in_memory(text: &[u8]) -> Inputs {
    Inputs::from_bytes("t", text)
}

/// Files, which are read by position, if they are longer than a block.
struct Files {
    _folder: tempfile::TempDir,
    paths: Vec<PathBuf>,
}

impl Files {
    fn of(texts: &[&[u8]]) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let paths = texts.iter().enumerate().map(|(number, text)| {
            let path = folder.path().join(number.to_string());
            std::fs::write(&path, text).expect("file");
            path
        });
        Self {
            paths: paths.collect(),
            _folder: folder,
        }
    }

    fn inputs(&self) -> Inputs {
        Inputs::from_paths(&self.paths)
    }
}

#[test]
fn only_long_plain_logs_of_postgresql_are_read_by_position() {
    let log = "2026-11-22 06:54:38 UTC:a\n\tb\n".repeat(100);
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    gz.write_all(log.as_bytes()).expect("write");
    let export = "2026-11-22T06:55:28.000Z a\n".repeat(100);
    for (text, is_range) in [
        (log.clone().into_bytes(), true),
        (format!("\u{feff}{log}").into_bytes(), true),
        (log.as_bytes()[..500].to_vec(), false),
        (gz.finish().expect("gz"), false),
        (zstd::encode_all(log.as_bytes(), -7).expect("zst"), false),
        (export.into_bytes(), false),
        ("{\"message\":\"a\"}\n".repeat(100).into_bytes(), false),
        (
            format!("@message,@ptr\n{}", "a,b\n".repeat(300)).into_bytes(),
            false,
        ),
        ([b"\xff\xfe".to_vec(), log.into_bytes()].concat(), false),
    ] {
        let text = [text, b"\n".repeat(600)].concat();
        let text = if is_range || text.len() > 1200 {
            &text[..]
        } else {
            &text[..500]
        };
        let files = Files::of(&[text]);
        let inputs = files.inputs();
        let options = ReadOptions {
            block_bytes: 500,
            ..ReadOptions::default()
        };
        let (buffers, free) = mpsc::channel();
        for _ in 0..3 {
            buffers.send(Vec::new()).expect("send");
        }
        let mut blocks = Blocks::new(&inputs, &options, Arc::default(), free);
        let head = String::from_utf8_lossy(&text[..30]);
        match blocks.next_task() {
            Some(task) => {
                assert_eq!(matches!(task.work, Work::Range(..)), is_range, "{head}");
            }
            // UTF-16.
            None => assert!(!is_range, "{head}"),
        }
    }
}

struct Lengths;

impl Visitor for Lengths {
    type Worker = ();
    type Output = usize;
    fn worker(&self) {}
    fn output(&self) -> usize {
        0
    }
    fn visit(&self, (): &mut (), output: &mut usize, entry: &Entry<'_>) {
        assert!(entry.text != b"panic", "asked to");
        *output += entry.text.len();
    }
}

#[test]
fn reports_progress_and_stops_when_asked() {
    let files = Files::of(&["abcdefg\n".repeat(100_000).as_bytes()]);
    let options = ReadOptions {
        block_bytes: 1000,
        ..ReadOptions::default()
    };
    let (mut last, mut sum) = (None, 0);
    let inputs = files.inputs();
    read(
        &inputs,
        &options,
        &Lengths,
        |progress| last = Some(progress),
        |length| {
            sum += length;
            ControlFlow::Continue(())
        },
    );
    let all = Progress {
        done: 800_000,
        total: Some(800_000),
    };
    assert_eq!((last, sum), (Some(all), 700_000));
    let mut blocks = 0;
    read(
        &inputs,
        &options,
        &Lengths,
        |_| {},
        |_| {
            blocks += 1;
            match blocks {
                3 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        },
    );
    assert_eq!(blocks, 3);
}

#[test]
#[should_panic(expected = "asked to")]
fn a_panic_of_the_visitor_reaches_the_caller() {
    let text = format!("{}panic\n{}", "a\n".repeat(1000), "b\n".repeat(100_000));
    let options = ReadOptions {
        block_bytes: 64,
        ..ReadOptions::default()
    };
    let files = Files::of(&[text.as_bytes()]);
    read(
        &files.inputs(),
        &options,
        &Lengths,
        |_| {},
        |_| ControlFlow::Continue(()),
    );
}

/// A file that does what files may do.
struct Unruly {
    text: Vec<u8>,
    /// What stands there at every second read.
    other: Vec<u8>,
    /// What can be seen at each read in turn, again and again: the length of the file.
    lengths: Vec<usize>,
    /// At most so many bytes come at once, in turn; at 0 the read is interrupted.
    pieces: Vec<usize>,
    /// From here on nothing can be read.
    fault_at: usize,
    /// Every so many reads one fails.
    fault_every: usize,
    reads: AtomicUsize,
}

impl Unruly {
    fn new(text: &[u8]) -> Self {
        Self {
            text: text.to_vec(),
            other: text.to_vec(),
            lengths: vec![text.len()],
            pieces: vec![usize::MAX],
            fault_at: usize::MAX,
            fault_every: usize::MAX,
            reads: AtomicUsize::new(0),
        }
    }
}

impl ReadAt for Unruly {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let read = self.reads.fetch_add(1, Ordering::Relaxed);
        let piece = self.pieces[read % self.pieces.len()];
        if piece == 0 && self.pieces.len() > 1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let from = usize::try_from(offset).expect("offset");
        if from >= self.fault_at || (read + 1).is_multiple_of(self.fault_every) {
            return Err(io::Error::other("the disk is gone"));
        }
        let length = self.lengths[read % self.lengths.len()];
        let text = if read.is_multiple_of(2) {
            &self.text
        } else {
            &self.other
        };
        let seen = &text[..length.min(self.fault_at).min(text.len())];
        let rest = seen.get(from..).unwrap_or_default();
        let count = rest.len().min(buffer.len()).min(piece);
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

/// Reads by position with several threads.
fn by_position(
    text: impl ReadAt + 'static,
    block_bytes: usize,
    entry_bytes: usize,
    threads: usize,
) -> (Vec<Seen>, ReadReport) {
    let sizes = (block_bytes, entry_bytes);
    let ranges = Mutex::new((0, Ranges::new(Box::new(text), 0, 0, sizes, Arc::default())));
    let parts = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut room = Room::default();
                loop {
                    let (number, range) = {
                        let mut ranges = ranges.lock().expect("lock");
                        ranges.0 += 1;
                        let Some(range) = ranges.1.next() else { return };
                        (ranges.0, range)
                    };
                    let mut report = ReadReport::default();
                    let Some(found) = range.read(&mut room, &mut report) else {
                        return;
                    };
                    let mut seen = Vec::new();
                    let mut piece = None;
                    if let Some(found) = found {
                        let from = usize::try_from(found.lines.offset).expect("offset");
                        piece = Some(from..from + found.lines.text.len());
                        found
                            .lines
                            .visit_known(found.starts, &mut report, &mut |entry| {
                                seen.push((
                                    entry.file,
                                    entry.line,
                                    entry.offset,
                                    entry.text.to_vec(),
                                ));
                            });
                    }
                    parts
                        .lock()
                        .expect("lock")
                        .push((number, seen, report, piece));
                }
            });
        }
    });
    let mut parts = parts.into_inner().expect("lock");
    parts.sort_by_key(|(number, ..)| *number);
    let (mut all, mut report) = (Vec::new(), ReadReport::default());
    let mut end = 0;
    for (_, seen, part, piece) in parts {
        if let Some(piece) = piece {
            assert!(piece.start == end || report.broken_count > 0, "a gap");
            assert!(piece.start >= end, "read twice");
            end = piece.end;
        }
        all.extend(seen);
        report.merge(part);
    }
    (all, report.finish())
}

#[test]
fn a_file_that_cannot_be_read_further_ends_there_and_is_told() {
    let text = "2026-11-22 06:54:38 UTC:a\n\tb\nc\n".repeat(50);
    let mut file = Unruly::new(text.as_bytes());
    file.fault_at = 1000;
    let (seen, report) = by_position(file, 64, 256, 3);
    let (expected, whole) = read_all(
        &in_memory(&text.as_bytes()[..1000]),
        &ReadOptions::default(),
    );
    assert_eq!(seen, expected);
    assert_eq!((report.bytes, report.lines), (1000, whole.lines));
    assert_eq!(
        report.broken,
        [Broken {
            file: 0,
            line: whole.lines,
            what: "cannot read further: the disk is gone".to_owned(),
        }]
    );
}

/// Panics at one read.
struct Panics(Unruly);

impl ReadAt for Panics {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        assert!(offset < 1000, "asked to");
        self.0.read_at(buffer, offset)
    }
}

#[test]
#[should_panic(expected = "a scoped thread panicked")]
fn a_thread_that_dies_keeps_nobody_waiting() {
    by_position(Panics(Unruly::new(&b"a\n".repeat(5000))), 64, 256, 3);
}

/// Logs with all kinds of line ends and lengths.
fn messy() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => Just(b"\n".to_vec()),
        5 => Just(b"\n\t".to_vec()),
        2 => Just(b"\r\n".to_vec()),
        1 => Just(b"\r\n\t".to_vec()),
        1 => Just(b"\n\n\n".to_vec()),
        1 => Just(b"\t".to_vec()),
        1 => Just(b"\0".to_vec()),
        6 => "[a-z,]{0,60}".prop_map(String::into_bytes),
        1 => (60_usize..600).prop_map(|length| vec![b'x'; length]),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ];
    (any::<bool>(), prop::collection::vec(piece, 0..120)).prop_map(|(has_bom, pieces)| {
        let bom: &[u8] = if has_bom { b"\xef\xbb\xbf" } else { b"" };
        [bom, &pieces.concat()].concat()
    })
}

/// From one entry in several blocks to several blocks in one entry.
fn sizes() -> impl Strategy<Value = (usize, usize)> {
    let block = prop_oneof![64_usize..200, 200_usize..3000];
    let entry = prop_oneof![1_usize..300, 300_usize..2000, Just(16 << 20)];
    (block, entry)
}

proptest! {
    #[test]
    fn by_position_everything_is_as_in_turn(
        texts in prop::collection::vec(messy(), 1..4),
        (block_bytes, entry_bytes) in sizes(),
        threads in 1_usize..6,
        is_told in any::<bool>(),
    ) {
        // JSON is always read in turn, and quoted as far as it was seen.
        let is_log = |text: &Vec<u8>| Format::detect(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)) == Format::Postgres;
        let format = (is_told || !texts.iter().all(is_log)).then_some(Format::Postgres);
        let options = ReadOptions { format, prefix: None, block_bytes, entry_bytes, threads: Some(threads) };
        let texts: Vec<&[u8]> = texts.iter().map(|text| &text[..]).collect();
        let files = Files::of(&texts);
        let sources = texts.iter().map(|text| Source::Bytes { name: "t".to_owned(), bytes: Arc::from(*text) });
        let (expected, expected_report) = read_all(&Inputs::new(sources.collect()), &options);
        let (seen, report) = read_all(&files.inputs(), &options);
        prop_assert_eq!(seen, expected);
        prop_assert_eq!(report, expected_report);
    }

    /// An entry is too long by its length alone, wherever it stands in a block.
    #[test]
    fn what_is_too_long_does_not_depend_on_blocks(
        lengths in prop::collection::vec(1_usize..700, 1..30),
        block_bytes in 64_usize..300,
        threads in 1_usize..4,
    ) {
        let text: Vec<u8> = lengths.iter().flat_map(|length| [vec![b'x'; *length], b"\n".to_vec()].concat()).collect();
        let options = ReadOptions { block_bytes, entry_bytes: 400, threads: Some(threads), ..ReadOptions::default() };
        let expected: Vec<usize> = lengths
            .iter()
            .map(|length| if length + 1 >= 400 { 400 - 40 } else { *length })
            .collect();
        let files = Files::of(&[&text]);
        for inputs in [in_memory(&text), files.inputs()] {
            let (seen, report) = read_all(&inputs, &options);
            prop_assert_eq!(report.broken_count, lengths.iter().filter(|length| **length + 1 >= 400).count() as u64);
            let seen: Vec<usize> = seen.iter().map(|(.., text)| text.len()).collect();
            prop_assert_eq!(&seen, &expected);
        }
    }

    /// A file that grows and shrinks while it is read is read up to some place, exactly.
    #[test]
    fn a_file_of_changing_length_is_read_without_gaps(
        text in messy(),
        (block_bytes, entry_bytes) in sizes(),
        threads in 1_usize..5,
        lengths in prop::collection::vec(any::<prop::sample::Index>(), 1..8),
        pieces in prop::collection::vec(0_usize..200, 1..6),
    ) {
        let mut file = Unruly::new(&text);
        file.lengths = lengths.iter().map(|length| length.index(text.len() + 1)).collect();
        file.pieces = [pieces, vec![usize::MAX]].concat();
        let shortest = file.lengths.iter().min().copied().unwrap_or_default();
        let (seen, report) = by_position(file, block_bytes, entry_bytes, threads);
        let end = usize::try_from(report.bytes).expect("bytes");
        prop_assert!((shortest..=text.len()).contains(&end), "{} of {}", end, shortest);
        // The byte order mark is not theirs to pass over.
        let options = ReadOptions { format: Some(Format::Postgres), prefix: None, block_bytes, entry_bytes, threads: Some(1) };
        let marked = [b"\xef\xbb\xbf", &text[..end]].concat();
        let (expected, expected_report) = read_all(&in_memory(&marked), &options);
        let expected: Vec<Seen> = expected
            .into_iter()
            .map(|(file, line, offset, text)| (file, line, offset - 3, text))
            .collect();
        prop_assert_eq!(seen, expected);
        let mut report = report;
        report.bytes += 3;
        prop_assert_eq!(report, expected_report);
    }

    /// A read that fails is told, or was of no consequence.
    #[test]
    fn a_fault_is_never_the_silent_end_of_a_file(
        text in messy(),
        (block_bytes, entry_bytes) in sizes(),
        threads in 1_usize..5,
        fault_every in 1_usize..40,
    ) {
        let mut file = Unruly::new(&text);
        file.fault_every = fault_every;
        let (_, report) = by_position(file, block_bytes, entry_bytes, threads);
        let whole = u64::try_from(text.len()).expect("length");
        let faults = report.broken.iter().filter(|broken| broken.what.starts_with("cannot read further")).count();
        prop_assert!(report.bytes == whole || faults == 1, "{} of {}: {:?}", report.bytes, whole, report.broken);
    }

    /// Whatever is written into a file while it is read, each place of it is read once.
    #[test]
    fn a_file_that_is_overwritten_is_read_without_gaps(
        text in messy(),
        shift in 1_usize..300,
        block_bytes in 64_usize..300,
        threads in 1_usize..5,
    ) {
        let mut file = Unruly::new(&text);
        let shift = shift.min(text.len());
        file.other.rotate_left(shift);
        let (_, report) = by_position(file, block_bytes, 16 << 20, threads);
        prop_assert_eq!((report.bytes, report.broken_count), (text.len() as u64, 0));
    }
}
