"""record: runs the clients that are named (or all), each in its variants."""

from __future__ import annotations

import argparse
import importlib
import shutil
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from recorder import HERE, INSTALLED, RECORDINGS, Recording

ALL = ((True, "short"), (True, "long"), (False, "short"), (False, "long"))
THREE = ALL[:3]
OTHERS = (13, 17, 18)


def clients() -> list[str]:
    return sorted(p.stem for p in (HERE / "clients").glob("[a-z]*.py"))


def record(client: str, relation: bool, prefix: str, version: int) -> str:
    module = importlib.import_module(f"clients.{client}")
    started = time.monotonic()
    run = None
    try:
        run = Recording(client, relation, prefix, getattr(module, "SETTINGS", None), getattr(module, "ENROL", None), version)
        module.record(run)
        run.finish()
        report = [f"{run.name}: {len(run.steps)} steps, {time.monotonic() - started:.1f} s"]
        report += [f"    {problem[:200]!r}" for problem in run.problems]
        return "\n".join(report)
    except BaseException:
        if run and Path(run.log).exists():
            shutil.copy(run.log, f"/tmp/pgvigil-failed-{run.name}.log")
        return f"FAILED {client} {relation} {prefix} {version}\n{traceback.format_exc()}"
    finally:
        if run:
            run.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/record/run", description=__doc__)
    parser.add_argument("--only", action="append", choices=clients(), help="only this client (repeatable)")
    parser.add_argument("--variant", help="only this variant, such as on-short")
    parser.add_argument("--server", type=int, action="append", help="only servers of this version, such as 17 (repeatable)")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    jobs = []
    for client in options.only or clients():
        module = importlib.import_module(f"clients.{client}")
        variants = [(INSTALLED, *variant) for variant in getattr(module, "VARIANTS", ALL)]
        # The other versions are recorded in fewer variants, to stay small.
        variants += [(version, *variant) for version in getattr(module, "SERVERS", OTHERS) for variant in getattr(module, "ELSEWHERE", ())]
        for version, relation, prefix in variants:
            if options.variant in (None, f"{'on' if relation else 'off'}-{prefix}") and version in (options.server or (INSTALLED, *OTHERS)):
                jobs.append((client, relation, prefix, version))
    failed = 0
    with ProcessPoolExecutor(options.jobs) as pool:
        for report in pool.map(record, *zip(*jobs)):
            print(report, flush=True)
            failed += report.startswith("FAILED")
    total = sum(p.stat().st_size for p in RECORDINGS.iterdir() if p.is_file())
    print(f"{len(jobs) - failed} recorded, {failed} failed, {total / 1e6:.2f} MB in all")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
