#!/usr/bin/env bash
# Compares pgvigil with a ripgrep pipeline that only looks for words, on the same log, in turn, in one
# run: `rules eval --summary`, the same from a .gz beside `gzip -dc`, and, where this version has it,
# `rules impact` of the policy against its last commit.
#
# The log is that of benches/big-log.sh.
#
#   benches/ripgrep.sh [RUNS [MEGABYTES]]      needs ripgrep, perl, GNU time; builds the release binary
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
runs=${1:-5}
megabytes=${2:-1000}
for tool in rg perl /usr/bin/time; do
    command -v "$tool" >/dev/null || { echo "benches/ripgrep.sh: missing: $tool" >&2; exit 1; }
done
cargo build --locked --release --quiet --bin pgvigil
binary=${CARGO_TARGET_DIR:-target}/release/pgvigil

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
benches/big-log.sh "$folder" "$megabytes"
gzip -1 -c "$folder/big.log" >"$folder/big.log.gz"
printf '%s\n' 'SELECT version()' pg_shdescription pg_database pg_catalog information_schema 'SET application_name' \
    'SHOW search_path' 'SELECT current_schema' DBeaver 'PostgreSQL JDBC Driver' 'datname = $1' >"$folder/patterns"
bytes=$(stat -c %s "$folder/big.log")

# The recordings hold names that break lines: 17 says that something was not read, and the rest is read all the same.
summary() { "$binary" --quiet rules eval --env local --summary "$1" >/dev/null 2>&1 || [[ $? == 17 ]]; }
ours() { summary "$folder/big.log"; }
theirs() {
    rg 'AUDIT:' "$folder/big.log" | rg 'SELECT|INSERT|UPDATE|DELETE' | rg -c -v -F -f "$folder/patterns" >/dev/null
}
packed() { summary "$folder/big.log.gz"; }
unpacked() { gzip -dc "$folder/big.log.gz" | wc -c >/dev/null; }
# A budget that is broken ends with a code of its own; the work is done all the same.
impact() { "$binary" --quiet rules impact --base HEAD --env local "$folder/big.log" >/dev/null 2>&1 || true; }

sides=(ours theirs packed unpacked)
if "$binary" rules impact --help >/dev/null 2>&1; then sides+=(impact); fi
for side in "${sides[@]}"; do "$side"; done
# Seconds of wall time, and of CPU time of all processes, in user and kernel mode.
TIMEFORMAT='%R %U %S'
for ((run = 1; run <= runs; run++)); do
    for side in "${sides[@]}"; do
        echo "$side $({ time "$side" 2>/dev/null; } 2>&1)"
    done
done | awk -v bytes="$bytes" '
    {
        wall = $2 * 1000; spent = ($3 + $4) * 1000
        time[$1] = time[$1] " " wall; last[$1] = wall
        cpu[$1] = cpu[$1] " " spent; last_cpu[$1] = spent
    }
    $1 == "theirs" {
        eval_ratios = eval_ratios " " last["ours"] / wall
        cpu_ratios = cpu_ratios " " last_cpu["ours"] / spent
    }
    $1 == "unpacked" { packed_ratios = packed_ratios " " last["packed"] / wall }
    $1 == "impact" { impact_ratios = impact_ratios " " wall / last["theirs"] }
    function median(list,   parts, n, i, j, t) {
        n = split(list, parts, " ")
        for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (parts[j] + 0 < parts[i] + 0) { t = parts[i]; parts[i] = parts[j]; parts[j] = t }
        return parts[int((n + 1) / 2)]
    }
    function row(name, key) { printf "%-30s median %6d ms  (%.2f GB/s), CPU %6d ms\n", name, median(time[key]), bytes / median(time[key]) / 1e6, median(cpu[key]) }
    END {
        row("rules eval --summary", "ours")
        row("ripgrep pipeline", "theirs")
        printf "ratio, pair by pair            median %.2f, CPU %.2f\n", median(eval_ratios), median(cpu_ratios)
        row("rules eval --summary, .gz", "packed")
        row("gzip -dc | wc -c", "unpacked")
        printf "ratio, pair by pair            median %.2f\n", median(packed_ratios)
        if ("impact" in time) {
            row("rules impact", "impact")
            printf "ratio to the ripgrep pipeline  median %.2f\n", median(impact_ratios)
        }
    }'
for log in big.log big.log.gz; do
    /usr/bin/time -f "memory, $log: %M kB" "$binary" --quiet rules eval --env local --summary "$folder/$log" >/dev/null
done
