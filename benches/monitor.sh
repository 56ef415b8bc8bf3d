#!/usr/bin/env bash
# What a cold run of the shipped monitor costs, beside a plain handler in Python on the same servers, and how large the
# binary is. Needs what tests/run installs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tests/moto/install
cargo build --locked --profile monitor --no-default-features --features monitor --bin pgvigil-monitor
binary=${CARGO_TARGET_DIR:-target}/monitor/pgvigil-monitor
echo "size of the binary, bytes: $(stat -c %s "$binary")"
PGVIGIL_MONITOR=$(realpath "$binary") cargo test --quiet --locked --test integration a_run_costs_less -- --nocapture
