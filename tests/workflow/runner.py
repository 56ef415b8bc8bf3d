"""Runs a job of a workflow on this machine, without a container: its steps in order, with GitHub's files, contexts and rules
for what runs after a failure. It knows what this repository's workflows use, and refuses everything else.

    runner.py WORKFLOW JOB WORKSPACE EVENT.json

EVENT.json: {"github": {...}, "vars": {...}, "secrets": {...}, "needs": {...}, "env": {...}, "role": {...}, "artifacts": DIR}.
`env` is what the machine has; `role` is what a role to assume leaves in the environment. Prints what became of the job as JSON.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

TOKEN = re.compile(r"\s*(?:(&&|\|\||==|!=|!|\(|\))|'((?:[^']|'')*)'|([A-Za-z_][\w.-]*)|(\d+))")


class Refused(Exception):
    """Something that the workflow uses and this runner does not know."""


def tokens(text):
    found, at = [], 0
    while text[at:].strip():
        match = TOKEN.match(text, at)
        if not match:
            raise Refused(f"expression: {text}")
        operator, literal, name, number = match.groups()
        if operator:
            found.append(operator)
        elif name:
            found.append(("name", name))
        else:
            found.append(("text", literal.replace("''", "'") if number is None else number))
        at = match.end()
    return found


class Expression:
    """`a.b == 'c' && (always() || !d)`: a grammar of three levels."""

    def __init__(self, text, contexts, state):
        self.rest, self.contexts, self.state = tokens(text), contexts, state

    def value(self):
        value = self.either()
        if self.rest:
            raise Refused(f"expression: {self.rest}")
        return value

    def take(self, *wanted):
        if self.rest and self.rest[0] in wanted:
            return self.rest.pop(0)
        return None

    def either(self):
        value = self.both()
        while self.take("||"):
            other = self.both()
            value = value or other
        return value

    def both(self):
        value = self.compared()
        while self.take("&&"):
            other = self.compared()
            value = value and other
        return value

    def compared(self):
        value = self.single()
        sign = self.take("==", "!=")
        if sign:
            same = str(value or "").lower() == str(self.single() or "").lower()
            return same == (sign == "==")
        return value

    def single(self):
        if self.take("!"):
            return not self.single()
        if self.take("("):
            value = self.either()
            if not self.take(")"):
                raise Refused("expression: a parenthesis")
            return value
        kind, text = self.rest.pop(0)
        if kind == "text":
            return text
        if self.rest and self.rest[0] == "(":
            self.rest.pop(0)
            if not self.take(")"):
                raise Refused(f"function: {text}")
            return self.function(text)
        value = self.contexts
        for part in text.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if text.split(".")[0] not in self.contexts:
            raise Refused(f"context: {text}")
        return value

    def function(self, name):
        known = {"always": True, "success": self.state == "success", "failure": self.state == "failure", "cancelled": False}
        if name not in known:
            raise Refused(f"function: {name}")
        return known[name]


class Job:
    def __init__(self, workspace, event):
        self.workspace = Path(workspace)
        self.artifacts = Path(event["artifacts"])
        self.role = event.get("role", {})
        self.state = "success"
        self.log = []
        self.folder = Path(tempfile.mkdtemp())
        github = {"workspace": str(workspace), "action": "", **event["github"]}
        self.contexts = {
            "github": github,
            "vars": event.get("vars", {}),
            "secrets": event.get("secrets", {}),
            "needs": event.get("needs", {}),
            "runner": {"temp": str(self.folder)},
            "env": {},
        }
        # What every step has. A token is nowhere unless a step is given one.
        self.env = {
            **event.get("env", {}),
            "GITHUB_ACTIONS": "true",
            "CI": "true",
            "RUNNER_TEMP": str(self.folder),
            "GITHUB_WORKSPACE": str(workspace),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            **{f"GITHUB_{key.upper()}": value for key, value in github.items() if isinstance(value, str) and key != "token"},
        }
        Path(self.env["GITHUB_STEP_SUMMARY"]).touch()

    def text(self, value, contexts):
        if isinstance(value, bool):
            return str(value).lower()

        def one(match):
            found = Expression(match.group(1), contexts, self.state).value()
            return {None: "", True: "true", False: "false"}.get(found) if found is None or isinstance(found, bool) else str(found)

        return re.sub(r"\$\{\{(.*?)\}\}", one, str(value))

    def holds(self, condition, contexts):
        condition = str(condition).strip()
        if condition.startswith("${{"):
            condition = condition[3:-2]
        value = bool(Expression(condition, contexts, self.state).value())
        asks = re.search(r"\b(always|success|failure|cancelled)\(\)", condition)
        return value and (bool(asks) or self.state == "success")

    def steps(self, steps, contexts, env, action=None):
        contexts = {**contexts, "steps": {}}
        for step in steps:
            name = step.get("name") or step.get("uses") or step.get("run")
            if not self.holds(step.get("if", "success()"), contexts):
                self.log.append({"name": name, "conclusion": "skipped"})
                continue
            given = {key: self.text(value, contexts) for key, value in step.get("env", {}).items()}
            outputs, is_done, output = self.step(step, contexts, {**env, **given}, action)
            if step.get("id"):
                contexts["steps"][step["id"]] = {"outputs": outputs, "outcome": "success" if is_done else "failure"}
            self.log.append({"name": name, "conclusion": "success" if is_done else "failure", "output": output})
            if not is_done:
                self.state = "failure"
        return contexts

    def step(self, step, contexts, env, action):
        known = {"name", "id", "if", "env", "uses", "with", "run", "shell", "working-directory"}
        if set(step) - known:
            raise Refused(f"keys of a step: {set(step) - known}")
        if "run" in step:
            return self.script(step, contexts, env, action)
        inputs = {key: self.text(value, contexts) for key, value in step.get("with", {}).items()}
        uses = step["uses"].split("@")[0]
        if uses == "./":
            return self.action(self.workspace, inputs, contexts, env)
        if uses == "actions/checkout":
            # The workspace is one, and no credentials are kept in it.
            return {}, inputs.get("persist-credentials") == "false", ""
        if uses == "actions/upload-artifact":
            target = self.artifacts / inputs["name"]
            for path in filter(None, inputs["path"].split("\n")):
                source, copy = self.workspace / path, target / path
                copy.parent.mkdir(parents=True, exist_ok=True)
                if source.is_dir():
                    shutil.copytree(source, copy, dirs_exist_ok=True)
                elif source.exists():
                    # As the service keeps it: without the right to run.
                    shutil.copyfile(source, copy)
            return {}, target.exists(), ""
        if uses == "actions/download-artifact":
            source = self.artifacts / inputs["name"]
            if source.exists():
                shutil.copytree(source, self.workspace, dirs_exist_ok=True, copy_function=shutil.copyfile)
            return {}, source.exists(), ""
        if uses == "aws-actions/configure-aws-credentials":
            self.env |= self.role.get(inputs["role-to-assume"], {})
            return {}, inputs["role-to-assume"] in self.role, ""
        if uses == "github/codeql-action/upload-sarif":
            report = json.loads((self.workspace / inputs["sarif_file"]).read_text())
            return {}, report["version"] == "2.1.0", ""
        raise Refused(f"action: {uses}")

    def script(self, step, contexts, env, action):
        output = self.folder / f"output-{len(self.log)}-{len(os.listdir(self.folder))}"
        output.touch()
        environment = {**self.env, **env, "GITHUB_OUTPUT": str(output)}
        if action:
            environment["GITHUB_ACTION_PATH"] = str(action)
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", self.text(step["run"], contexts)],
            cwd=self.workspace / step.get("working-directory", "."),
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
        return outputs, done.returncode == 0, done.stdout + done.stderr

    def action(self, path, inputs, contexts, env):
        action = yaml.safe_load((path / "action.yml").read_text())
        unknown = set(inputs) - set(action["inputs"])
        if unknown or action["runs"]["using"] != "composite":
            raise Refused(f"inputs of the action: {unknown}")
        values = {}
        for name, about in action["inputs"].items():
            if about.get("required") and name not in inputs:
                raise Refused(f"input {name} is missing")
            values[name] = inputs.get(name, about.get("default", ""))
        before = self.state
        # The action sees its inputs, and nothing of the workflow's secrets.
        inner = {key: contexts[key] for key in ("github", "runner", "env")} | {"inputs": values}
        inner = self.steps(action["runs"]["steps"], inner, env, path)
        is_done = self.state == before
        outputs = {name: self.text(about["value"], inner) for name, about in action["outputs"].items()}
        return outputs, is_done, ""


def main():
    workflow, name, workspace, event = sys.argv[1:]
    workflow = yaml.safe_load(Path(workflow).read_text())
    event = json.loads(Path(event).read_text())
    job = Job(workspace, event)
    about = workflow["jobs"][name]
    # A job runs after those that it needs, unless its condition says otherwise.
    if any(needed.get("result") != "success" for needed in event.get("needs", {}).values()):
        job.state = "failure"
    if not job.holds(about.get("if", "success()"), job.contexts):
        print(json.dumps({"result": "skipped", "steps": []}))
        return
    job.state = "success"
    contexts = job.steps(about["steps"], job.contexts, {})
    outputs = {key: job.text(value, contexts) for key, value in about.get("outputs", {}).items()}
    summary = Path(job.env["GITHUB_STEP_SUMMARY"]).read_text()
    shutil.rmtree(job.folder)
    print(json.dumps({"result": job.state, "outputs": outputs, "steps": job.log, "summary": summary, "permissions": about.get("permissions")}))


main()
