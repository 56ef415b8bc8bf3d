//! What a run of the monitor costs, beside a plain handler in Python on the same servers: cold start to the first call,
//! processor and memory; and what the largest result costs. `benches/monitor.sh` measures the binary as it is shipped.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "tests may panic, and print what they measure"
)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::lambda::Emulator;
use crate::monitor::Stand;
use crate::moto::target;

/// Rounds; the median counts.
const ROUNDS: usize = 5;

#[derive(Debug, Clone, Copy)]
struct Cost {
    /// From the start of the process to its first call.
    first_call: Duration,
    /// From the start of the process to the end of the run.
    run: Duration,
    /// Time on the processor.
    cpu: Duration,
    /// Memory at most, in kB.
    memory: u64,
}

/// What Linux knows of a process that still lives.
fn cost(pid: u32, began: Instant, first_call: Instant) -> Cost {
    // Nanoseconds on a processor, thread by thread: the ticks of `stat` are too coarse.
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let nanoseconds: u64 = threads
        .map(|thread| std::fs::read_to_string(thread.unwrap().path().join("schedstat")).unwrap())
        .map(|stat| {
            stat.split_whitespace()
                .next()
                .unwrap()
                .parse::<u64>()
                .unwrap()
        })
        .sum();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    Cost {
        first_call: first_call.duration_since(began),
        run: began.elapsed(),
        cpu: Duration::from_nanos(nanoseconds),
        memory: peak.split_whitespace().next().unwrap().parse().unwrap(),
    }
}

fn median<T: Copy + Ord>(costs: &[Cost], of: impl Fn(&Cost) -> T) -> T {
    let mut values: Vec<T> = costs.iter().map(of).collect();
    values.sort_unstable();
    values[values.len() / 2]
}

#[test]
fn a_run_costs_less_than_a_plain_handler() {
    let stand = Stand::new();
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let emulator = Emulator::start();
        let event = stand.event(0);
        let waiting = crate::lambda::send(emulator.address(), &event);
        stand.insights.state().calls.clear();
        let moto_before = stand.moto.calls().len();
        let began = Instant::now();
        let function = emulator.function(&stand.variables());
        crate::lambda::answer(waiting);
        // The first call asks for receipts.
        let calls = stand.moto.calls();
        let first = calls[moto_before].time;
        let now = jiff::Timestamp::now().as_millisecond() as f64 / 1000.0;
        let first = Instant::now() - Duration::from_secs_f64(now - first);
        ours.push(cost(function.id(), began, first));

        stand.insights.state().calls.clear();
        let began = Instant::now();
        let mut python = Command::new(target().join("venv/bin/python"))
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lambda/handler.py"))
            .env_clear()
            .envs(stand.variables())
            .env("AWS_DEFAULT_REGION", "eu-central-1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(python.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(line.contains("operationCount"), "{line}");
        let first = stand.insights.state().calls[0].at;
        plain.push(cost(python.id(), began, first));
        drop(python.stdin.take());
        python.wait().unwrap();
    }
    println!(
        "{:<28}{:>12}{:>12}",
        "median of a cold run", "pgvigil", "Python"
    );
    for (name, of) in [
        (
            "to the first call, ms",
            (|cost| cost.first_call.as_millis() as u64) as fn(&Cost) -> u64,
        ),
        ("whole run, ms", |cost| cost.run.as_millis() as u64),
        ("processor, ms", |cost| cost.cpu.as_millis() as u64),
        ("memory at most, kB", |cost| cost.memory),
    ] {
        println!(
            "{name:<28}{:>12}{:>12}",
            median(&ours, of),
            median(&plain, of)
        );
    }
    assert!(median(&ours, |cost| cost.memory) * 3 <= median(&plain, |cost| cost.memory) * 2);
    assert!(median(&ours, |cost| cost.cpu) * 2 <= median(&plain, |cost| cost.cpu));
}

/// Rows that a query can return and that are not cut.
const ROWS: usize = 99_990;

/// Rows of one answer.
const PAGE: usize = 10_000;

/// The largest result of a query, with rows as long as pgAdmin's statements in the recordings are on average (3,900 bytes): what
/// Lambda's smallest function has room for. The benchmark, which names a binary, also measures rows as long as people's
/// statements are (830).
#[test]
fn the_largest_result_fits_into_the_smallest_function() {
    let lengths: &[usize] = match std::env::var_os("PGVIGIL_MONITOR") {
        Some(_) => &[830, 3_900],
        None => &[3_900],
    };
    for &length in lengths {
        let stand = Stand::new();
        let entries: Vec<Vec<u8>> = (0..ROWS)
            .map(|number| {
                let text = format!(
                    "2026-11-22 09:00:00 UTC:10.0.3.17(50322):person{}@shop:[{}]:LOG:  AUDIT: SESSION,{},1,READ,SELECT,TABLE,\
                     public.orders,\"select * from orders where id = {number} /* {} */\",<none>",
                    number % 7,
                    number % 100,
                    number % 1000,
                    "x".repeat(length - 170),
                );
                text.into_bytes()
            })
            .collect();
        stand.log(&entries, 0, 3000, 1000);
        drop(entries);
        let emulator = Emulator::start();
        let began = Instant::now();
        let function = emulator.function(&stand.variables());
        let (well, answer) = emulator.invoke(&stand.event(0));
        assert!(well, "{answer} {:?}", function.log());
        assert_eq!(answer["operationCount"], ROWS, "{answer}");
        // Before the result is there the server runs the query; what comes after is the function's time, and the server's to
        // write the pages.
        let state = stand.insights.state();
        let looks = state.called("GetQueryResults");
        let reading = looks[looks.len() - ROWS.div_ceil(PAGE)].at.elapsed();
        let cost = cost(function.id(), began, began);
        println!(
            "{ROWS} rows of {length} bytes: processor {} ms, {} ms from the first page of the result to the end, memory at \
             most {} kB",
            cost.cpu.as_millis(),
            reading.as_millis(),
            cost.memory
        );
        assert!(cost.memory < 96 << 10, "{} kB", cost.memory);
    }
}
