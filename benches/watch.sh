#!/usr/bin/env bash
# How fast `watch` catches up on a log, beside pipelines that only look for words, in turn, in one run; then
# what it costs while nothing happens.
#
#   benches/watch.sh [RUNS [MEGABYTES [SECONDS]]]      needs ripgrep, perl, GNU time; builds the release binary
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
runs=${1:-5}
megabytes=${2:-1000}
seconds=${3:-30}
for tool in rg perl /usr/bin/time; do
    command -v "$tool" >/dev/null || { echo "benches/watch.sh: missing: $tool" >&2; exit 1; }
done
cargo build --locked --release --quiet --bin pgvigil
binary=${CARGO_TARGET_DIR:-target}/release/pgvigil

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
benches/big-log.sh "$folder" "$megabytes"
bytes=$(stat -c %s "$folder/big.log")
# Its last entry has ended: nobody waits for more.
touch -d '1 minute ago' "$folder/big.log"

watch() {
    rm -f "$folder/out.jsonl" "$folder/cursor"
    "$binary" --quiet watch --env local --once --from start --cursor "$folder/cursor" --out "$folder/out.jsonl" "$folder/big.log"
}
evaluated() { "$binary" --quiet rules eval --env local --format jsonl "$folder/big.log" >/dev/null; }
# tail ends with the file here; with -F it would read the same.
grepped() { tail -c +1 "$folder/big.log" | grep -F 'AUDIT:' | grep -c -E 'SELECT|INSERT|UPDATE|DELETE' >/dev/null; }
ripgrepped() { tail -c +1 "$folder/big.log" | rg -F 'AUDIT:' | rg -c 'SELECT|INSERT|UPDATE|DELETE' >/dev/null; }

sides=(watch evaluated grepped ripgrepped)
for side in "${sides[@]}"; do "$side"; done
for ((run = 1; run <= runs; run++)); do
    for side in "${sides[@]}"; do
        start=$(date +%s%N)
        "$side"
        echo "$side $((($(date +%s%N) - start) / 1000000))"
    done
done | sort -k1,1 -k2,2n | awk -v bytes="$bytes" '
    { time[$1, ++count[$1]] = $2 }
    END {
        split("watch evaluated grepped ripgrepped", sides, " ")
        name["watch"] = "watch --once, to a file"
        name["evaluated"] = "rules eval --format jsonl"
        name["grepped"] = "tail | grep | grep"
        name["ripgrepped"] = "tail | rg | rg"
        for (i = 1; i <= 4; i++) {
            side = sides[i]
            median = time[side, int((count[side] + 1) / 2)]
            printf "%-28s median %6d ms  (%.2f GB/s)\n", name[side], median, bytes / median / 1e6
        }
    }'
/usr/bin/time -f "memory: %M kB" "$binary" --quiet watch --env local --once --from start "$folder/big.log" >/dev/null

# A folder with a hundred logs, of which one grows by an entry a second.
mkdir "$folder/logs"
for ((number = 100; number < 200; number++)); do
    head -c 100000 "$folder/big.log" | sed "1s/^/2026-11-22 06:00:00 UTC:[local]:a@b:[$number]:LOG:  log $number\n/" >"$folder/logs/postgresql-$number.log"
done
"$binary" --quiet watch --env local --metrics 127.0.0.1:0 "$folder/logs" >/dev/null 2>&1 &
watcher=$!
sleep 3
ticks() { awk '{ print $14 + $15 }' "/proc/$watcher/stat"; }
measure() {
    local before
    before=$(ticks)
    for ((second = 0; second < seconds; second++)); do
        sleep 1
        [[ $1 == idle ]] || head -n 1 "$folder/big.log" >>"$folder/logs/postgresql-199.log"
    done
    awk -v ticks=$(($(ticks) - before)) -v seconds="$seconds" -v name="$1" -v hertz="$(getconf CLK_TCK)" \
        'BEGIN { printf "CPU, %s: %.2f %% of a core\n", name, 100 * ticks / hertz / seconds }'
}
measure idle
measure 'an entry a second'
kill "$watcher"
wait "$watcher"
