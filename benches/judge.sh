#!/usr/bin/env bash
# What a record costs with many exclusions and accounts: the same log, judged by policies of 12 to 10,000 exclusions.
#
#   benches/judge.sh [MEGABYTES]     default 200
#
# 70 % of the exclusions name a relation, 20 % a role, 10 % a whole text; all are of one class. 50,000 accounts stand
# beside the largest. Prints user and system time of `rules eval --summary`, and of reading the policy alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
megabytes=${1:-200}
cargo build --release --locked --quiet --no-default-features --bin pgvigil
program=${CARGO_TARGET_DIR:-target}/release/pgvigil
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 - "$work" "$megabytes" <<'PYTHON'
import os, random, sys

work, megabytes = sys.argv[1], int(sys.argv[2])
random.seed(1)
sample = "{class: READ, command: SELECT, object_type: none, statement: select 1}"
for count in (12, 100, 1000, 10000):
    root = f"{work}/{count}"
    os.makedirs(f"{root}/rules"), os.makedirs(f"{root}/environments")
    with open(f"{root}/environments/local.yaml", "w") as out:
        out.write("version: 1\nprovider: local\nfolder: live\nclusters: [shop]\n")
    with open(f"{root}/rules/people.yaml", "w") as out:
        out.write("version: 1\nusers:\n  - {role: alice, owner: team, environments: all}\n")
        if count == 10000:
            out.write("service_accounts:\n")
            for number in range(50000):
                out.write(f"  - {{role: account_{number}, reason: a program of the shop, owner: team, environments: all}}\n")
    # A file of the policy has at most a megabyte.
    for part in range(0, count, 1000):
        with open(f"{root}/rules/part{part}.yaml", "w") as out:
            out.write("version: 1\nexclusions:\n")
            for number in range(part, min(part + 1000, count)):
                if number % 10 < 7:
                    match = f"object_type: TABLE, schema: app, relation: noise_{number}"
                elif number % 10 < 9:
                    match = f"user: robot_{number}, object_type: none"
                else:
                    match = f"object_type: none, statement: {{equals: 'select {number} from dual'}}"
                out.write(
                    f"  - id: rule-{number}\n    title: t\n    reason: made for a measurement of time\n    owner: o\n"
                    f"    created: 2026-11-01\n    expires: 2027-10-01\n    environments: all\n"
                    f"    match: {{class: READ, command: SELECT, {match}}}\n"
                    f"    samples: {{silences: [{sample}], stays_loud: [{sample}]}}\n"
                )
with open(f"{work}/log", "w") as out:
    number = written = 0
    while written < megabytes << 20:
        number += 1
        rule = random.randrange(12)
        kind = number % 4
        user, what = "alice", "READ,SELECT,,,select %d from dual" % rule
        if kind == 0:
            what = f"READ,SELECT,TABLE,app.noise_{rule},select a from app.noise_{rule} where id = {number}"
        elif kind == 1:
            user = f"robot_{rule}"
            what = f"READ,SELECT,,,select {number}"
        elif kind == 2:
            what = f"READ,SELECT,TABLE,public.orders,select * from orders where id = {number}"
        line = (
            f"2026-11-22 09:00:00 UTC:10.0.3.17(51234):{user}@shop:[4711]:LOG:  AUDIT: SESSION,{number},1,{what},<not logged>\n"
        )
        out.write(line)
        written += len(line)
PYTHON
printf '%-10s %12s %12s\n' exclusions policy,s log,s
for count in 12 100 1000 10000; do
    seconds() { ( TIMEFORMAT='%U %S'; { time "$program" -C "$work/$count" rules eval --env local --summary "$1" >/dev/null 2>&1; } 2>&1 ) | awk '{ printf "%.2f", $1 + $2 }'; }
    : >"$work/empty"
    printf '%-10s %12s %12s\n' "$count" "$(seconds "$work/empty")" "$(seconds "$work/log")"
done
