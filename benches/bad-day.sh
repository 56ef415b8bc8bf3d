#!/usr/bin/env bash
# A bad day: damaged logs, kills, floods, silent servers, hostile names. Prints what was tried and what was lost, as a table of
# Markdown. Exits with 1 where something was lost, doubled, run or left waiting.
#
#   benches/bad-day.sh [PROGRAM]        a pgvigil; without one the release build is made. Needs Git, Python 3 and Linux
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
program=${1:-}
if [[ -z $program ]]; then
    cargo build --locked --release --quiet --bin pgvigil
    program=${CARGO_TARGET_DIR:-$PWD/target}/release/pgvigil
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 - "$(realpath "$program")" "$folder" "$PWD" <<'PYTHON'
import gzip, json, os, pathlib, random, resource, signal, socket, subprocess, sys, threading, time

PROGRAM, FOLDER, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
rows, failed = [], False
random.seed(18)


def row(what, tried, lost, figures, good):
    global failed
    failed |= not good
    rows.append((what, tried, lost if good else f"**{lost}**", figures))
    print(f"{what}: {tried}; {lost}; {figures}", file=sys.stderr)


def run(root, *words, env=None, limit=600):
    """Runs the program; returns exit code, outputs, seconds and the most memory in MB."""
    start = time.monotonic()
    child = subprocess.Popen([PROGRAM, "-C", str(root), "--today", "2026-11-22", *words], stdin=subprocess.DEVNULL,
                             stdout=open(FOLDER / "out", "wb"), stderr=open(FOLDER / "err", "wb"), env={**os.environ, **(env or {})})
    timer = threading.Timer(limit, child.kill)
    timer.start()
    _, status, usage = os.wait4(child.pid, 0)
    timer.cancel()
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, (FOLDER / "out").read_bytes(), (FOLDER / "err").read_bytes(), time.monotonic() - start, usage.ru_maxrss / 1024


RULES = """version: 1
users:
  - {role: alice, owner: dba, environments: all}
"""
LOCAL = "version: 1\nprovider: local\nfolder: live\nclusters: [shop]\n"


def policy(name, rules=RULES, **environments):
    root = FOLDER / name
    (root / "rules").mkdir(parents=True)
    (root / "environments").mkdir()
    (root / "rules/rules.yaml").write_text(rules)
    for environment, text in ({"local": LOCAL} | environments).items():
        (root / f"environments/{environment}.yaml").write_text(text)
    return root


def record(number, user="alice", text="select 1"):
    return (f"2026-11-22 {9 + number // 3600 % 12:02}:{number // 60 % 60:02}:{number % 60:02} UTC:10.0.3.17(51234):{user}@shop:[4711]:LOG:  "
            f"AUDIT: SESSION,{number},1,READ,SELECT,TABLE,public.orders,{text},<none>\n")


plain = policy("plain")


def damaged_logs():
    recordings = [path for path in sorted((SOURCE / "tests/recordings").glob("**/*.log.gz")) if path.stat().st_size < 200_000][:12]
    texts = [gzip.decompress(path.read_bytes())[:40_000] for path in recordings]
    logs, crashed = 0, 0
    for batch in range(20):
        paths = []
        for _ in range(60):
            text = bytearray(random.choice(texts))
            for _ in range(random.randrange(1, 40)):
                at = random.randrange(len(text))
                kind = random.randrange(4)
                if kind == 0:
                    text[at] = random.randrange(256)
                elif kind == 1:
                    del text[at:at + random.randrange(1, 200)]
                elif kind == 2:
                    text[at:at] = bytes(random.choices(b'\n\r\t",\\\0\xff', k=random.randrange(1, 20)))
                else:
                    del text[max(at, 200):]
            path = FOLDER / f"damaged-{batch}-{len(paths)}.log"
            path.write_bytes(bytes(text))
            paths.append(str(path))
        code, _, err, _, _ = run(plain, "rules", "eval", "--env", "local", "--format", "jsonl", *paths)
        logs += len(paths)
        crashed += code not in (0, 1, 17) or b"panicked" in err
    row("damaged logs", f"{logs} of real clients", f"{crashed} runs crashed", "", crashed == 0)


def bomb():
    path = FOLDER / "bomb.log.gz"
    with gzip.open(path, "wb", 6) as out:
        for _ in range(1024):
            out.write(b"\n" * (1 << 20))
        out.write(record(1).encode())
    code, out, _, seconds, memory = run(plain, "rules", "eval", "--env", "local", "--format", "jsonl", str(path))
    good = out.count(b"\n") == 1
    row("1 GB of line ends in a .gz of 1 MB, then a record", "1", f"{0 if good else 1} lost", f"{seconds:.1f} s, {memory:.0f} MB", good and memory < 400)


def long_entries():
    path = FOLDER / "long.log"
    with open(path, "w") as out:
        for number in range(24):
            out.write(record(number, text='"select \'' + "x" * (15 << 20) + '\'"'))
    figures = {}
    for threads in (2, 64):
        code, out, _, seconds, memory = run(plain, "rules", "eval", "--env", "local", "--summary", str(path), env={"RAYON_NUM_THREADS": str(threads)})
        figures[threads] = memory
    row("entries of 15 MB", "24 with 2 and with 64 threads", "0 lost", " and ".join(f"{m:.0f} MB" for m in figures.values()), figures[64] < 1200)


def extends():
    chain = {f"e{i:04}": f"version: 1\nbase: true\nextends: e{i + 1:04}\n" for i in range(3000)}
    root = policy("chain", **chain, e3000="version: 1\nbase: true\n")
    code, out, _, seconds, memory = run(root, "check")
    row("chain of 3,000 `extends`", "1", "one fault" if b"extends-too-deep" in out else "no fault", f"{seconds:.1f} s", b"extends-too-deep" in out and seconds < 10)


def exclusions():
    text = RULES + "exclusions:\n" + "".join(f"""  - id: e{n:04}
    title: Number {n}
    reason: The whole text of the statement is fixed and reads one row that holds no data of people.
    owner: dba
    created: 2026-11-01
    expires: 2026-12-01
    environments: all
    match: {{class: READ, command: SELECT, statement: {{contains: "probe {n}"}}}}
    samples:
      silences: [{{class: READ, command: SELECT, statement: "select 1 /* probe {n} */"}}]
      stays_loud: [{{class: READ, command: SELECT, statement: "select 1"}}]
""" for n in range(2500))
    root = policy("many", rules=text)
    code, out, _, seconds, memory = run(root, "check")
    row("2,500 exclusions with findings", "1", "0 lost", f"{seconds:.1f} s, {memory:.0f} MB", code == 10)


def watch(root, *words):
    return subprocess.Popen([PROGRAM, "-C", str(root), "watch", "--env", "local", *words], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=open(FOLDER / "watch.err", "ab"), cwd=FOLDER,
                            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024)))


def times(path):
    """How often each statement was delivered."""
    found = {}
    if path.exists():
        for line in path.read_text().splitlines():
            statement = json.loads(line)["statement"]
            found[statement] = found.get(statement, 0) + 1
    return found


def until(done, limit=180):
    start = time.monotonic()
    while not done() and time.monotonic() - start < limit:
        time.sleep(0.05)
    return time.monotonic() - start


def fresh_logs(count):
    logs = FOLDER / f"logs-{count}"
    logs.mkdir()
    for number in range(count):
        (logs / f"postgresql-{number:05}.log").write_text(record(number, text=f"select {number}"))
    out = FOLDER / f"fresh-{count}.jsonl"
    child = watch(plain, "--from", "start", "--cursor", f"{out}.cursor", "--out", str(out), str(logs))
    begun = until(lambda: out.exists() and out.stat().st_size > 0)
    most = 0

    def whole():
        nonlocal most
        try:
            most = max(most, len(os.listdir(f"/proc/{child.pid}/fd")))
        except OSError:
            pass
        return out.read_bytes().count(b"\n") >= count

    ended = until(whole)
    # Killed and begun again: nothing comes twice.
    time.sleep(2)
    child.kill()
    child.wait()
    child = watch(plain, "--from", "start", "--cursor", f"{out}.cursor", "--out", str(out), str(logs))
    time.sleep(4)
    child.terminate()
    child.wait()
    found = times(out)
    lost, doubled = count - len(found), sum(found.values()) - len(found)
    row(f"{count:,} fresh logs, 1,024 descriptors, one kill", f"{count:,} records", f"{lost} lost, {doubled} doubled",
        f"begins after {begun:.1f} s, all after {begun + ended:.0f} s, {most} descriptors", lost == doubled == 0 and begun < 2 and most < 1024)


def kills():
    log, out = FOLDER / "killed.log", FOLDER / "killed.jsonl"
    log.write_text("")
    written, killed = 0, 0
    stop = threading.Event()

    def write():
        nonlocal written
        while not stop.is_set():
            with open(log, "a") as file:
                for _ in range(random.randrange(1, 60)):
                    file.write(record(written, text=f"select {written}"))
                    written += 1
            if random.random() < 0.05:
                log.rename(FOLDER / f"killed.log.{written}")
            time.sleep(random.random() / 20)

    words = ("--from", "start", "--cursor", f"{out}.cursor", "--out", str(out), str(log))
    # Before the first cursor nothing is promised.
    child = watch(plain, *words)
    until(lambda: pathlib.Path(f"{out}.cursor").exists())
    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(40):
        time.sleep(random.random() * 1.2)
        child.send_signal(random.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]))
        child.wait()
        killed += 1
        child = watch(plain, *words)
    stop.set()
    writer.join()
    until(lambda: len(times_or_none(out)) >= written, 60)
    time.sleep(3)
    child.terminate()
    child.wait()
    found = times(out)
    lost, doubled = written - len(found), sum(found.values()) - len(found)
    row("kills of `watch` while the log grows and rotates", f"{killed} kills, {written:,} records", f"{lost} lost, {doubled} doubled", "", lost == doubled == 0)


def times_or_none(path):
    try:
        return times(path)
    except (ValueError, OSError):
        return {}


def slow_clients():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = FOLDER / "slow.log"
    log.write_text("")
    child = watch(plain, "--metrics", f"127.0.0.1:{port}", str(log))

    def ask():
        try:
            with socket.create_connection(("127.0.0.1", port), 2) as client:
                client.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
                return b"HTTP/1.1" in client.recv(100)
        except OSError:
            return False

    until(ask, 20)
    slow = []
    for _ in range(200):
        client = socket.create_connection(("127.0.0.1", port), 2)
        client.sendall(b"GET /me")
        slow.append(client)
    start = time.monotonic()
    answered = sum(ask() for _ in range(50))
    seconds = (time.monotonic() - start) / 50
    child.terminate()
    child.wait()
    row("slow clients of `/healthz`", "200, then 50 that ask", f"{50 - answered} not answered", f"{seconds * 1000:.0f} ms each", answered == 50)


def silent_servers():
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"postgresql://alice@127.0.0.1:{listener.getsockname()[1]}/shop?sslmode=disable"
    worst, named = 0.0, 0
    commands = [("enrol", "plan"), ("enrol", "coverage"), ("enrol", "apply", "--auto-approve"),
                ("enrol", "import", "--owner", "dba", "--out", "rules/new.yaml"), ("rules", "attack")]
    for command in commands:
        code, _, err, seconds, _ = run(plain, "--call-timeout", "2", *command, "--env", "local", "--database", url, limit=60)
        worst, named = max(worst, seconds), named + (b"no answer within 2 seconds" in err)
    row("servers that accept and say nothing", f"{len(commands)} commands", f"{len(commands) - named} did not say so", f"{worst:.1f} s at most, with --call-timeout 2", named == len(commands))


def hostile_names():
    names = ["x\n::error::pwn\n", "##[error]pwn", "##vso[task.setvariable variable=a]b", "\x1b[2J\u202e", "a|b`c<img src=x>@team"]
    runs = commands = 0
    for number, name in enumerate(names):
        root = policy(f"hostile-{number}")
        (root / f"rules/{name.replace('/', '')}.yaml").write_text("version: 1\nfoo: 1\n")
        log = FOLDER / f"{name.replace('/', '')}.log"
        log.write_text(record(1) + record(2, user=name.replace("\n", "").replace("@", "")) + record(3, text=f'"select \n\t{name.strip()}"'))
        for words in (("check",), ("check", "--format", "json"), ("rules", "eval", "--env", "local", str(log)),
                      ("rules", "eval", "--env", "local", "--format", "jsonl", str(log)), ("rules", "explain", "--env", "local", str(log)),
                      ("rules", "eval", "--env", "local", "--summary", str(log)), ("plan", "--env", name)):
            _, out, err, _, _ = run(root, *words)
            runs += 1
            for line in (out + b"\n" + err).decode().splitlines():
                commands += line.lstrip().startswith("::") or any(mark in line for mark in ("##[", "##vso[", "\x1b", "\u202e"))
    row("hostile names of files, roles and environments, hostile statements", f"{runs} outputs", f"{commands} lines that a runner or terminal obeys", "", commands == 0)


def hostile_repository():
    root = policy("repository")
    trap, sprung = FOLDER / "trap", FOLDER / "sprung"
    trap.write_text(f"#!/bin/sh\necho \"$0 $*\" >>'{sprung}'\ncat\n")
    trap.chmod(0o755)

    def git(*words):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-C", str(root), *words], check=True,
                       env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"}, stdout=subprocess.DEVNULL)

    git("init", "-q", "-b", "main")
    (root / ".gitattributes").write_text("* filter=trap diff=trap\n")
    git("add", "-A")
    git("commit", "-q", "-m", "one")
    settings = ["core.fsmonitor", "core.pager", "gpg.program", "diff.external", "diff.trap.command", "diff.trap.textconv",
                "filter.trap.clean", "filter.trap.smudge", "filter.trap.process", "pager.log", "pager.diff", "pager.status"]
    for setting in settings:
        git("config", setting, str(trap))
    git("config", "log.showSignature", "true")
    (root / "rules/rules.yaml").write_text(RULES.replace("dba", "abd"))
    log = FOLDER / "none.log"
    log.write_text("")
    run(root, "rules", "impact", "--env", "local", "--base", "main", str(log))
    told = len(sprung.read_text().splitlines()) if sprung.exists() else 0
    row("settings of a repository that name a program", f"{len(settings)}", f"{told} programs run", "", told == 0)


damaged_logs()
bomb()
long_entries()
extends()
exclusions()
kills()
fresh_logs(1_500)
fresh_logs(10_000)
slow_clients()
silent_servers()
hostile_names()
hostile_repository()
print("| tried | how much | lost | figures |\n| --- | --- | --- | --- |")
for cells in rows:
    print("| " + " | ".join(cells) + " |")
sys.exit(failed)
PYTHON
