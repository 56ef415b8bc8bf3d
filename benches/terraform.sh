#!/usr/bin/env bash
# Compares `pgvigil plan` with `terraform plan` of the same resources, in turn, on one moto server: time, processor
# time and API calls of a plan that finds nothing to do. Then `plan --all` of more and more environments.
#
#   benches/terraform.sh [RUNS [MOST]]     needs terraform with the AWS provider below PGVIGIL_TF_PLUGINS
#                                          (/opt/tf-plugins), GNU time, and what tests/moto/install needs.
#                                          PROFILE=dev measures the development build, PROFILE=test the one that tests run;
#                                          PGVIGIL=FILE one that was built before
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
runs=${1:-5} most=${2:-50} plugins=${PGVIGIL_TF_PLUGINS:-/opt/tf-plugins} profile=${PROFILE:-release}
for tool in terraform /usr/bin/time; do
    command -v "$tool" >/dev/null || { echo "benches/terraform.sh: missing: $tool" >&2; exit 1; }
done
[[ -d $plugins ]] || { echo "benches/terraform.sh: missing: the AWS provider of Terraform in $plugins" >&2; exit 1; }
tests/moto/install
target=$PWD/${CARGO_TARGET_DIR:-target}
binary=${PGVIGIL:-}
if [[ -z $binary ]]; then
    cargo build --locked --profile "$profile" --quiet --bin pgvigil
    case $profile in
        dev | test) binary=$target/debug/pgvigil ;;
        *) binary=$target/$profile/pgvigil ;;
    esac
fi
python=$target/venv/bin/python

folder=$(mktemp -d)
coproc moto { exec "$python" tests/moto/server.py 2>"$folder/moto.log"; }
trap 'kill $moto_PID 2>/dev/null; rm -rf "$folder"' EXIT
read -r port <&"${moto[0]}"
export AWS_ENDPOINT_URL=http://127.0.0.1:$port AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
export AWS_REGION=eu-central-1 AWS_DEFAULT_REGION=eu-central-1 AWS_EC2_METADATA_DISABLED=true INCIDENT_URL=https://incident.example.com/hook
export TF_CLI_CONFIG_FILE=$folder/terraformrc TF_IN_AUTOMATION=1 CHECKPOINT_DISABLE=1
export TF_VAR_package=$folder/pgvigil-monitor-arm64.zip TF_VAR_from_env_INCIDENT_URL=$INCIDENT_URL

# One environment: a cluster, an e-mail and an https subscription.
environment() {
    printf 'version: 1\nprovider: aws\naccount: "123456789012"\nregion: eu-central-1\nclusters: [%s]\n' "$1"
    printf 'notifications:\n  email: [dba@example.com]\n  https: [{from_env: INCIDENT_URL}]\n'
}
mkdir -p "$folder/environments" "$folder/all/environments"
cp -r rules "$folder"
# The repository's people belong to its environments.
printf 'version: 1\nusers:\n  - {role: alice, owner: data-platform, team: analytics, environments: all}\n' >"$folder/rules/users.yaml"
cp -r "$folder/rules" "$folder/all"
environment orders >"$folder/environments/tool.yaml"
environment billing >"$folder/environments/engine.yaml"
"$python" - "$folder" "$most" <<'PYTHON'
import struct, sys, zipfile, boto3, pathlib
folder, most = pathlib.Path(sys.argv[1]), int(sys.argv[2])
# The head of a program for arm64.
head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, 183, 1, 0, 64, 0, 0, 64, 56, 1, 64, 0, 0)
segment = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, 120, 120, 4096)
entry = zipfile.ZipInfo("bootstrap")
entry.external_attr = 0o755 << 16
with zipfile.ZipFile(folder / "pgvigil-monitor-arm64.zip", "w") as package:
    package.writestr(entry, head + segment)
for cluster in ["orders", "billing"] + [f"c{number}" for number in range(most)]:
    boto3.client("logs").create_log_group(logGroupName=f"/aws/rds/cluster/{cluster}/postgresql")
PYTHON
printf 'provider_installation {\n  filesystem_mirror {\n    path = "%s"\n  }\n}\n' "$plugins" >"$TF_CLI_CONFIG_FILE"

calls() { "$python" -c 'import sys,json,urllib.request as u; print(len(json.load(u.urlopen(sys.argv[1]+"/test/calls"))))' "$AWS_ENDPOINT_URL"; }
pgvigil() { "$binary" --quiet -C "$folder" "$@"; }

pgvigil apply --env tool --auto-approve --package "$folder" >"$folder/apply.log" || { cat "$folder/apply.log" >&2; exit 1; }
pgvigil compile --env engine --target terraform --out "$folder/out" >/dev/null
module=$folder/out/engine/terraform
"$python" - "$module" <<'PYTHON'
import json, os, pathlib, sys
services = ["cloudwatch", "events", "iam", "kms", "lambda", "logs", "sns", "sts"]
provider = {
    "endpoints": [{service: os.environ["AWS_ENDPOINT_URL"] for service in services}],
    "skip_credentials_validation": True,
    "skip_metadata_api_check": "true",
    "skip_region_validation": True,
}
override = {"provider": {"aws": provider}}
pathlib.Path(sys.argv[1], "endpoint_override.tf.json").write_text(json.dumps(override))
PYTHON
(cd "$module" && terraform init -input=false && terraform apply -input=false -auto-approve) >"$folder/terraform.log" 2>&1 ||
    { tail -20 "$folder/terraform.log" >&2; exit 1; }

ours() { pgvigil plan --env tool --detailed-exitcode; }
# 2: moto does not return all that it was given, so that Terraform finds something to change.
theirs() { (cd "$module" && terraform plan -input=false -lock=false -detailed-exitcode) || [[ $? == 2 ]]; }

# Seconds, seconds of processor time and calls of one run, as a line.
measure() {
    local before after
    before=$(calls)
    # Both in one shell, so that GNU time sees the children.
    /usr/bin/time -f '%e %U %S' -o "$folder/time" bash -c "$(declare -f ours theirs pgvigil); $1" >"$folder/plan.log" 2>&1 ||
        { cat "$folder/plan.log" >&2; exit 1; }
    after=$(calls)
    awk -v calls=$((after - before)) '{ printf "%.3f %.3f %d\n", $1, $2 + $3, calls }' "$folder/time"
}
export binary folder module
median() { sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }

for ((run = 1; run <= runs; run++)); do
    measure ours >>"$folder/ours"
    measure theirs >>"$folder/theirs"
    paste -d' ' <(tail -1 "$folder/ours") <(tail -1 "$folder/theirs") |
        awk -v run=$run '{ printf "run %d: pgvigil %.2f s (%.2f s of processor, %d calls), terraform %.2f s (%.2f s, %d calls): %.0f times\n", run, $1, $2, $3, $4, $5, $6, $4 / ($1 > 0 ? $1 : 0.01) }'
done
printf 'median: pgvigil %s s, terraform %s s\n' "$(cut -d' ' -f1 "$folder/ours" | median)" "$(cut -d' ' -f1 "$folder/theirs" | median)"
paste -d' ' "$folder/ours" "$folder/theirs" | awk '{ print $4 / ($1 > 0 ? $1 : 0.01) }' | median |
    awk '{ printf "median of the pairs: %.0f times\n", $1 }'

# Environments of one account and region share the rates at which its services are asked.
folder=$folder/all
cp "$folder/../pgvigil-monitor-arm64.zip" "$folder"
for ((number = 0; number < most; number++)); do
    environment "c$number" >"$folder/environments/e$number.yaml"
    pgvigil apply --env "e$number" --auto-approve --package "$folder" >"$folder/apply.log" 2>&1 || { cat "$folder/apply.log" >&2; exit 1; }
    case $((number + 1)) in
        1 | 10 | "$most")
            before=$(calls)
            /usr/bin/time -f '%e %U %S %M' -o "$folder/time" "$binary" --quiet -C "$folder" plan --all --detailed-exitcode >/dev/null
            after=$(calls)
            awk -v count=$((number + 1)) -v calls=$((after - before)) \
                '{ printf "plan --all of %d environments: %.1f s, %.1f s of processor, %d calls, %d MB\n", count, $1, $2 + $3, calls, $4 / 1024 }' "$folder/time"
            ;;
    esac
done
