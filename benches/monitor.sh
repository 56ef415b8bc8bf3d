#!/usr/bin/env bash
# What a cold run of the shipped monitor costs, beside a plain handler in Python on the same servers, how large the binary
# is, and what the largest result of a query costs: with a whole processor, and with a fourteenth of one, as Lambda gives it
# at 128 MB (Lambda developer guide, "Configure Lambda function memory": one vCPU at 1,769 MB). Needs what tests/run
# installs; the fourteenth needs root and cgroups.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tests/moto/install
cargo build --locked --profile monitor --no-default-features --features monitor --bin pgvigil-monitor
binary=${CARGO_TARGET_DIR:-target}/monitor/pgvigil-monitor
echo "size of the binary, bytes: $(stat -c %s "$binary")"
binary=$(realpath "$binary")
measure() { PGVIGIL_MONITOR=$1 cargo test --quiet --locked --test integration "$2" -- --nocapture --test-threads 1; }
measure "$binary" a_run_costs_less
measure "$binary" the_largest_result

period=100000
quota=$((period / 14))
folder=$(mktemp -d)
group=
trap 'rm -rf "$folder"; [[ -z $group ]] || rmdir "$group"' EXIT
if [[ -w /sys/fs/cgroup/cpu/cpu.cfs_quota_us || -w /sys/fs/cgroup/cpu/cgroup.procs ]]; then
    group=$(mktemp -d /sys/fs/cgroup/cpu/pgvigil.XXXXXX)
    echo "$period" >"$group/cpu.cfs_period_us"
    echo "$quota" >"$group/cpu.cfs_quota_us"
elif [[ -w /sys/fs/cgroup/cgroup.procs ]]; then
    group=$(mktemp -d /sys/fs/cgroup/pgvigil.XXXXXX)
    echo "$quota $period" >"$group/cpu.max"
else
    echo "benches/monitor.sh: no cgroup can be made here: nothing was measured with a fourteenth of a processor" >&2
    exit 1
fi
printf '#!/bin/sh\necho $$ >%q/cgroup.procs\nexec %q "$@"\n' "$group" "$binary" >"$folder/monitor"
chmod +x "$folder/monitor"
echo "with a fourteenth of a processor:"
measure "$folder/monitor" the_largest_result
