#!/usr/bin/env bash
# Measures `pgvigil report` on many detections: time and the most memory, for each form, on lines as the monitor writes them.
#
#   benches/report.sh [DETECTIONS [GROUPS]]     1,000,000 lines of a quarter that belong to 50,000 groups; if GROUPS is as large
#                                       as DETECTIONS, no two lines belong together. Needs GNU time, Git and Python 3
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
detections=${1:-1000000} groups=${2:-50000}
command -v /usr/bin/time >/dev/null || { echo "benches/report.sh: missing: GNU time" >&2; exit 1; }
binary=${PGVIGIL:-}
if [[ -z $binary ]]; then
    cargo build --locked --release --quiet --no-default-features --bin pgvigil
    binary=${CARGO_TARGET_DIR:-$PWD/target}/release/pgvigil
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/rules" "$folder/environments"
cat >"$folder/environments/prod.yaml" <<'YAML'
version: 1
provider: local
folder: live
clusters: [shop]
YAML
python3 - "$folder" "$detections" "$groups" <<'PYTHON'
import datetime, json, sys

folder, detections, groups = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with open(f"{folder}/rules/users.yaml", "w") as file:
    file.write("version: 1\nusers:\n")
    for one in range(400):
        file.write(f"  - {{role: person_{one:03}, owner: data, team: team-{one % 20}, identity: person{one:03}@example.com, environments: all}}\n")
begin = datetime.datetime(2026, 7, 1)
minutes = 92 * 24 * 60
stamp = lambda moment: moment.isoformat() + "Z"
with open(f"{folder}/monitor.log", "w") as file:
    for number in range(detections):
        group = number % groups
        # A group is of one day: its lines are of the windows of that day.
        day, rest = group % 92, group // 92
        window = begin + datetime.timedelta(days=day, minutes=number // groups % 288 * 5)
        person = rest % 400
        json.dump({
            "record": "pgvigil.detection", "version": 2,
            "window": {"start": stamp(window), "end": stamp(window + datetime.timedelta(minutes=5))},
            "rules": "r" * 64, "policy": "p" * 64, "environment": "prod", "cluster": "shop",
            "log_group": "/aws/rds/cluster/shop/postgresql", "signals": ["dml"],
            "user": f"person_{person:03}", "database": "shop", "client": f"10.0.{person % 4}.{person % 250}", "class": "READ",
            "command": "SELECT", "object": f"public.table_{rest // 400:05}", "statements": 3, "records": 3, "not_judged": 0,
            "first_seen": stamp(window + datetime.timedelta(seconds=7)), "last_seen": stamp(window + datetime.timedelta(seconds=9)),
            "process": "4711", "new": True, "incomplete": False, "expected": None, "expected_until": None,
            "severity": "medium", "severity_reason": "no entry of `sensitivity` applies", "owner": "data",
            "team": f"team-{person % 20}", "identity": f"person{person:03}@example.com", "session_name": None,
        }, file, separators=(",", ":"))
        file.write("\n")
    for window in range(0, minutes, 5):
        start = begin + datetime.timedelta(minutes=window)
        span = {"start": stamp(start), "end": stamp(start + datetime.timedelta(minutes=5))}
        json.dump({
            "record": "pgvigil.run", "level": "INFO", "statusCode": 200, "operationCount": 0, "window": span, "counted": span,
            "logGroup": "/aws/rds/cluster/shop/postgresql", "windowsMadeUp": 0, "madeUp": [], "windowsLeft": 0, "newGroups": 0,
            "recordsNotJudged": 0, "incompleteWindows": 0,
        }, file, separators=(",", ":"))
        file.write("\n")
PYTHON
git -C "$folder" init -q
git -C "$folder" add rules environments
GIT_COMMITTER_DATE=2026-06-01T00:00:00Z git -C "$folder" -c user.name=a -c user.email=a@example.com commit -q -m policy
echo "$detections detections of $groups groups, $(du -m "$folder/monitor.log" | cut -f1) MB of lines"
for form in txt html md csv json; do
    /usr/bin/time -f "$form: %e s, %M KB" "$binary" -C "$folder" -q report --env prod --since 2026-07-01 --until 2026-09-30 \
        --records "$folder/monitor.log" --report "$folder/made.$form" >/dev/null
    du -k "$folder/made.$form" | cut -f1 | sed 's/$/ KB of output/'
done
