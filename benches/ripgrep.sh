#!/usr/bin/env bash
# Compares `pgvigil rules eval --summary` with a ripgrep pipeline that only looks for words, on the same
# log, in turn, in one run. The log is the recordings (short prefix) repeated to 300 MB.
#
#   benches/ripgrep.sh [RUNS]      needs ripgrep; builds the release binary
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
runs=${1:-5}
command -v rg >/dev/null || { echo "benches/ripgrep.sh: missing: ripgrep (rg)" >&2; exit 1; }
cargo build --locked --release --quiet --bin pgvigil
binary=${CARGO_TARGET_DIR:-target}/release/pgvigil

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for log in tests/recordings/*.on-short.log*; do
    case $log in
        # Half of all bytes are pgAdmin's; the people's logs are not what a day looks like.
        */pgadmin.* | */people_*) ;;
        *.gz) gzip -dc "$log" ;;
        *) cat "$log" ;;
    esac
done >"$folder/once.log"
while [[ $(stat -c %s "$folder/big.log" 2>/dev/null || echo 0) -lt 300000000 ]]; do
    cat "$folder/once.log" >>"$folder/big.log"
done
printf '%s\n' 'SELECT version()' pg_shdescription pg_database pg_catalog information_schema 'SET application_name' \
    'SHOW search_path' 'SELECT current_schema' DBeaver 'PostgreSQL JDBC Driver' 'datname = $1' >"$folder/patterns"
bytes=$(stat -c %s "$folder/big.log")

ours() { "$binary" --quiet rules eval --env local --summary "$folder/big.log" >/dev/null; }
theirs() {
    rg 'AUDIT:' "$folder/big.log" | rg 'SELECT|INSERT|UPDATE|DELETE' | rg -c -v -F -f "$folder/patterns" >/dev/null
}
ours && theirs
for ((run = 1; run <= runs; run++)); do
    for side in ours theirs; do
        start=$(date +%s%N)
        "$side"
        echo "$side $((($(date +%s%N) - start) / 1000000))"
    done
done | awk -v bytes="$bytes" '
    { time[$1] = time[$1] " " $2; if ($1 == "ours") last = $2; else ratios = ratios " " last / $2 }
    function median(list,   parts, n, i, j, t) {
        n = split(list, parts, " ")
        for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (parts[j] + 0 < parts[i] + 0) { t = parts[i]; parts[i] = parts[j]; parts[j] = t }
        return parts[int((n + 1) / 2)]
    }
    END {
        printf "rules eval --summary   median %d ms  (%.2f GB/s)\n", median(time["ours"]), bytes / median(time["ours"]) / 1e6
        printf "ripgrep pipeline       median %d ms  (%.2f GB/s)\n", median(time["theirs"]), bytes / median(time["theirs"]) / 1e6
        printf "ratio, pair by pair    median %.2f\n", median(ratios)
    }'
