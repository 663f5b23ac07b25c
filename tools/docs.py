"""Writes the generated parts of the documents: the command reference, the model table and the file tree; `--check` only compares."""

import re
import sys
from pathlib import Path
from typing import Any

import typer
import typer.main

from kclassify import presets
from kclassify.cli import app

ROOT = Path(__file__).resolve().parents[1]


def file_tree() -> str:
    """The package's files, each with the sentence at its top."""
    lines = ["kclassify/"]
    for path in sorted((ROOT / "kclassify").rglob("*.py"), key=lambda item: (len(item.relative_to(ROOT).parts) > 2, item.parts)):
        relative = path.relative_to(ROOT / "kclassify")
        if path.name == "__main__.py":
            continue
        sentence = path.read_text(encoding="utf-8").split('"""')[1].splitlines()[0].rstrip(".")
        lines.append(f"  {relative.as_posix():28} {sentence}")
    return "```text\n" + "\n".join(lines) + "\n```"


def model_table() -> str:
    """One row a preset."""
    head = "| preset | series | parameters | input | published top-1 | source | weights at hand |\n|---|---|---|---|---|---|---|"
    rows = [presets.get(name) for name in presets.names()]
    body = [
        f"| `{row.name}` | {row.series} | {row.params:,} | {row.preprocessing.size} | {row.top1:.2f} | {row.top1_source} "
        f"| {'installed with kclassify' if row.weights else 'a local file (`--weights PATH`)'} |"
        for row in rows
    ]
    return "\n".join([head, *body])


def command_reference() -> str:
    """Every command with its arguments and options."""
    return "\n\n".join(_commands(typer.main.get_command(app), "kclassify"))


def _commands(command: Any, name: str) -> list[str]:
    context = typer.Context(command)
    if hasattr(command, "commands"):
        return [text for child in command.list_commands(context) for text in _commands(command.commands[child], f"{name} {child}")]
    lines = [f"### `{name}`", "", " ".join((command.help or "").split()), "", "| | |", "|---|---|"]
    for parameter in command.params:
        if parameter.name == "help":
            continue
        flags = (
            ", ".join(f"`{flag}`" for flag in (*parameter.opts, *parameter.secondary_opts)) if parameter.param_type_name == "option" else ""
        )
        shown = flags or f"`{parameter.metavar or parameter.name.upper()}`"
        lines.append(f"| {shown.replace('|', chr(92) + '|')} | {(getattr(parameter, 'help', '') or '').replace('|', chr(92) + '|')} |")
    return ["\n".join(lines)]


PARTS = {"README.md": {"tree": file_tree, "models": model_table}, "docs/cli.md": {"commands": command_reference}}


def main(check: bool) -> int:
    """Rewrite what stands between the marks in each document; with `check` return 1 if anything would change."""
    stale = []
    for name, parts in PARTS.items():
        path = ROOT / name
        before = after = path.read_text(encoding="utf-8")
        for mark, make in parts.items():
            pattern = rf"(<!-- {mark} -->\n).*?(\n<!-- /{mark} -->)"
            after = re.sub(pattern, lambda match, make=make: match[1] + make() + match[2], after, flags=re.DOTALL)  # type: ignore[misc]
        if after != before:
            stale.append(name)
            if not check:
                path.write_text(after, encoding="utf-8")
    if stale:
        print(("stale: " if check else "written: ") + ", ".join(stale))
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
