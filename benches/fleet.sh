#!/usr/bin/env bash
# Checks and reviews a fleet: `check`, `ci pr` of a change of one environment's file, and of one of the rules.
#
#   benches/fleet.sh [ENVIRONMENTS [EXCLUSIONS [ACCOUNTS]]]     500 environments with 2 exclusions of their own each beside
#                                       the shipped ones and no further service account, or as many as are given. For one
#                                       environment also every other command that judges. Needs GNU time and Git
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
environments=${1:-500} own=${2:-2} accounts=${3:-0}
command -v /usr/bin/time >/dev/null || { echo "benches/fleet.sh: missing: GNU time" >&2; exit 1; }
cargo build --locked --release --quiet --no-default-features --bin pgvigil
binary=${CARGO_TARGET_DIR:-$PWD/target}/release/pgvigil
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp -R rules "$folder"
mkdir "$folder/environments"
cp environments/base.yaml "$folder/environments"
sed -i 's/environments: \[production\]/environments: all/' "$folder"/rules/*.yaml
python3 - "$folder" "$environments" "$own" "$accounts" <<'PYTHON'
import sys
folder, environments, own, accounts = sys.argv[1], *map(int, sys.argv[2:])
if accounts:
    with open(f"{folder}/rules/accounts.yaml", "w") as file:
        file.write("version: 1\nservice_accounts:\n")
        for one in range(accounts):
            file.write(f"  - {{role: svc_{one:05}, owner: data-platform, reason: The service number {one} logs in with it and nobody else does, environments: all}}\n")
for number in range(environments):
    name = f"e{number:03}"
    with open(f"{folder}/environments/{name}.yaml", "w") as file:
        file.write(f"version: 1\nextends: base\ntitle: Number {number}\nprovider: local\nfolder: live\nclusters: [{name}-orders]\n")
    if own:
        with open(f"{folder}/rules/{name}.yaml", "w") as file:
            file.write("version: 1\nexclusions:\n")
            for one in range(own):
                fields = "class: READ, command: SELECT, object_type: TABLE"
                file.write(f"""  - id: {name}-{one}
    title: The pool asks table {one}
    reason: The whole text of the statement is fixed and reads one row that holds no data of people.
    owner: data-platform
    created: 2026-11-22
    expires: 2027-11-01
    environments: [{name}]
    match: {{class: READ, command: SELECT, object_type: TABLE, schema: pool, relation: t{one}, statement: {{equals: select {number}}}}}
    samples:
      silences:
        - {{{fields}, object: pool.t{one}, statement: select {number}}}
      stays_loud:
        - {{{fields}, object: pool.t{one}, statement: select {number} + 1}}
        - {{{fields}, object: pool.t{one}a, statement: select {number}}}
        - {{{fields}, object: public.t{one}, statement: select {number}}}
""")
PYTHON
git() { command git -C "$folder" -c user.name=bench -c user.email=bench@example.com "$@"; }
git init --quiet
git add -A
git commit --quiet -m base
measure() {
    /usr/bin/time -o "$folder/time" -f '%e s, %U s of processor time, %M KB' "${@:2}" >"$folder/out" 2>&1 ||
        { tail -20 "$folder/out" >&2; exit 1; }
    printf '%-40s %s\n' "$1" "$(cat "$folder/time")"
}
run=("$binary" --quiet -C "$folder" --today 2026-11-27)
printf '%s environments, %s exclusions\n' "$environments" "$(cat "$folder"/rules/*.yaml | grep -c '^  - id:')"
measure 'check' "${run[@]}" check
printf 'retention_days: 400\n' >>"$folder/environments/e000.yaml"
measure 'ci pr, one environment changed' "${run[@]}" ci pr --base HEAD --out "$folder/ci"
git checkout --quiet environments
printf '\n# A comment.\n' >>"$folder/rules/users.yaml"
measure 'ci pr, the rules changed' "${run[@]}" ci pr --base HEAD --out "$folder/ci"
if ((environments == 1)); then
    git checkout --quiet rules
    log=tests/recordings/pgadmin.on-short.log.gz
    measure 'compile' "${run[@]}" compile --env e000 --out "$folder/build"
    measure 'plan' "${run[@]}" plan --env e000
    measure 'rules test' "${run[@]}" rules test
    measure 'rules attack' "${run[@]}" rules attack --env e000
    measure "rules eval, $log" "${run[@]}" rules eval --env e000 --summary "$log"
fi
