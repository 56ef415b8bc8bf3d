//! What a record costs with many exclusions and accounts: the same records, judged by 12 to 10,000 exclusions.
//!
//! ```text
//! cargo bench --no-default-features --bench judge
//! ```
//!
//! 70 % of the exclusions name a relation, 20 % a role, 10 % a whole text. 50,000 accounts stand beside the largest.
//! Written in Rust, since no policy may have so many exclusions: its query for Logs Insights would be too long.

#![expect(clippy::print_stdout, reason = "a measurement is printed")]

use std::hint::black_box;
use std::time::Instant;

use pgvigil::judge::{Judge, RuleGrant, Rules, RulesError, Scratch};
use serde_json::{Value, json};

const RECORDS: u64 = 400_000;

fn main() -> Result<(), RulesError> {
    println!("{:<12} {:>12}", "exclusions", "ns a record");
    let records = records();
    for count in [12, 100, 1_000, 10_000] {
        let accounts = if count == 10_000 { 50_000 } else { 0 };
        let judge = Judge::new(&rules(count, accounts)?);
        // The quickest of a few runs: the machine does other things too.
        let quickest = (0..5).map(|_| nanoseconds(&judge, &records)).min();
        println!("{count:<12} {:>12}", quickest.unwrap_or_default());
    }
    println!("\n{:<12} {:>12}", "grants", "ns a record");
    for count in [0, 1, 100, 10_000] {
        let mut rules = rules(12, 0)?;
        rules.grants = grants(count)?;
        let judge = Judge::new(&rules);
        let quickest = (0..5).map(|_| nanoseconds_of_marks(&judge, &records)).min();
        println!("{count:<12} {:>12}", quickest.unwrap_or_default());
    }
    Ok(())
}

/// The same with the mark of each record, which nothing remembers.
fn nanoseconds_of_marks(judge: &Judge, records: &[Vec<u8>]) -> u128 {
    let mut scratch = Scratch::default();
    let start = Instant::now();
    for record in records {
        black_box(judge.judge(&mut scratch, record).expected);
    }
    start.elapsed().as_nanos() / u128::from(RECORDS)
}

/// One grant covers a quarter of the records; the others are of the same person and of other relations.
fn grants(count: usize) -> Result<Vec<RuleGrant>, RulesError> {
    let grants: Vec<Value> = (0..count)
        .map(|number| {
            let relation = match number {
                0 => "orders".to_owned(),
                _ => format!("orders_{number}"),
            };
            json!({"id": format!("CHG-{number}"), "users": ["alice"], "relations": [["public", relation]], "kinds": ["read"],
                   "from": "2026-11-22T08:00:00Z", "until": "2026-11-22T10:00:00Z"})
        })
        .collect();
    Ok(serde_json::from_value(Value::Array(grants))?)
}

/// Nanoseconds that one thread takes for a record.
fn nanoseconds(judge: &Judge, records: &[Vec<u8>]) -> u128 {
    let mut scratch = Scratch::default();
    let start = Instant::now();
    for record in records {
        black_box(judge.outcome(&mut scratch, record, || 0));
    }
    start.elapsed().as_nanos() / u128::from(RECORDS)
}

fn rules(count: usize, accounts: usize) -> Result<Rules, RulesError> {
    let exclusions: Vec<Value> = (0..count)
        .map(|number| {
            let matcher = match number % 10 {
                0..=6 => json!({"class": ["READ"], "schema": ["app"], "relation": [format!("noise_{number}")]}),
                7..=8 => json!({"class": ["READ"], "user": [format!("robot_{number}")]}),
                _ => json!({"class": ["READ"], "statement": {"equals": [format!("select {number} from dual")]}}),
            };
            json!({"id": format!("rule-{number}"), "match": matcher})
        })
        .collect();
    let accounts: Vec<Value> = (0..accounts)
        .map(|number| json!({"role": format!("account_{number}")}))
        .collect();
    let file = json!({
        "format": 1,
        "log_line_prefix": "%t:%r:%u@%d:[%p]:",
        "signals": ["dml"],
        "service_accounts": accounts,
        "protected_users": [],
        "exclusions": exclusions,
    });
    Rules::from_bytes(file.to_string().as_bytes())
}

/// No two records are alike in what the judge looks at, but for the whole texts.
fn records() -> Vec<Vec<u8>> {
    (0..RECORDS)
        .map(|number| {
            let rule = number / 4 % 12;
            let (user, what) = match number % 4 {
                0 => ("alice".to_owned(), format!("READ,SELECT,TABLE,app.noise_{rule},select a from app.noise_{rule} where id = {number}")),
                1 => (format!("robot_{rule}"), format!("READ,SELECT,,,select {number}")),
                2 => ("alice".to_owned(), format!("READ,SELECT,TABLE,public.orders,select * from orders where id = {number}")),
                _ => ("alice".to_owned(), format!("READ,SELECT,,,select {rule} from dual")),
            };
            format!("2026-11-22 09:00:00 UTC:10.0.3.17(51234):{user}@shop:[4711]:LOG:  AUDIT: SESSION,{number},1,{what},<not logged>")
                .into_bytes()
        })
        .collect()
}
