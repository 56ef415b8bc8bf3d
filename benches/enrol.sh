#!/usr/bin/env bash
# Plans 10,000 roles on a real server, beside a psql script that reads the same catalogs and prints them, in turn.
#
#   benches/enrol.sh [RUNS [ROLES]]     needs GNU time, and what tests/postgres/cluster needs.
#                                       PROFILE=dev measures the development build
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
runs=${1:-5} roles=${2:-10000} profile=${PROFILE:-release}
command -v /usr/bin/time >/dev/null || { echo "benches/enrol.sh: missing: GNU time" >&2; exit 1; }
cargo build --locked --profile "$profile" --quiet --bin pgvigil
binary=$PWD/target
binary=${CARGO_TARGET_DIR:-$binary}/${profile/#dev/debug}/pgvigil
folder=$(mktemp -d)
trap 'tests/postgres/cluster stop "$folder/server"; rm -rf "$folder"' EXIT
tests/postgres/cluster start "$folder/server" >"$folder/facts"
port=$(sed -n 's/^port=//p' "$folder/facts")
export PGHOST=127.0.0.1 PGPORT=$port PGUSER=postgres PGDATABASE=postgres
# Each role takes locks until its transaction ends.
for ((first = 1; first <= roles; first += 1000)); do
    last=$((first + 999 < roles ? first + 999 : roles))
    psql -Xqc "do \$\$ begin for n in $first..$last loop execute format('create role person_%s login', n);
        execute format('alter role person_%s set pgaudit.log = %L', n, 'read'); end loop; end \$\$"
done
mkdir -p "$folder/repository/rules" "$folder/repository/environments"
{
    printf 'version: 1\nusers:\n'
    for ((n = 1; n <= roles; n++)); do printf '  - {role: person_%s, owner: bench, environments: all}\n' "$n"; done
} >"$folder/repository/rules/users.yaml"
printf 'version: 1\nprovider: local\nclusters: [bench]\n' >"$folder/repository/environments/local.yaml"
# psql ends a statement at a semicolon; the files have none.
for file in sql/snapshot/*.sql; do cat "$file"; echo ';'; done >"$folder/read.sql"

url=postgresql://postgres@127.0.0.1:$port/postgres
measure() { /usr/bin/time -a -o "$folder/$1" -f '%e %U %M' "${@:2}" >"$folder/$1.out"; }
for ((run = 0; run < runs; run++)); do
    measure psql psql -XqAt -v ON_ERROR_STOP=1 -f "$folder/read.sql"
    measure plan "$binary" --quiet -C "$folder/repository" enrol plan --env local --database "$url" --format json
    measure coverage sh -c '"$0" "$@" || [ $? = 16 ]' "$binary" --quiet -C "$folder/repository" enrol coverage --env local --database "$url" --format json
    measure check "$binary" --quiet -C "$folder/repository" check
done
median() { sort -n -k"$2" "$folder/$1" | awk -v column="$2" '{ value[NR] = $column } END { print value[int((NR + 1) / 2)] }'; }
grep -q "\"change\": $roles" "$folder/plan.out" || { echo "the plan does not hold $roles roles" >&2; exit 1; }
printf '%-46s %8s %8s %8s\n' "$roles roles, medians of $runs" "wall s" "user s" "kB"
for what in psql plan coverage check; do
    case $what in
    psql) name="psql, the same catalogs printed" ;;
    check) name="check of the same files, no database" ;;
    *) name="enrol $what, with check" ;;
    esac
    printf '%-46s %8s %8s %8s\n' "$name" "$(median $what 1)" "$(median $what 2)" "$(median $what 3)"
done
