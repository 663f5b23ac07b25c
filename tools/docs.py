"""Writes the generated parts of the documents: the command reference, the model tables and the file tree; `--check` only compares."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import typer
import typer.main

from kclassify import presets
from kclassify.cli import app

ROOT = Path(__file__).resolve().parents[1]
PARITY = ROOT / "docs" / "parity.json"  # written by tools/parity.py --save


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


def series_table() -> str:
    """One row a series."""
    head = "| series | models | parameters | best published top-1 |\n|---|---:|---:|---:|"
    return "\n".join([head, *(_series_line(name, rows) for name, rows in _by_series())])


def _series_line(name: str, rows: list[presets.ModelRow]) -> str:
    sizes = sorted({f"{row.params / 1e6:.1f} M": row.params for row in rows}.items(), key=lambda item: item[1])
    best = max(rows, key=lambda row: row.top1)
    top1 = f"{best.top1:.1f} % (`{best.name}`)" if best.top1 else "-"
    anchor = re.sub(r"[^a-z0-9_-]", "", name.lower().replace(" ", "-"))
    return f"| [{name}](docs/models.md#{anchor}) | {len(rows)} | {' to '.join(dict.fromkeys((sizes[0][0], sizes[-1][0])))} | {top1} |"


def model_tables() -> str:
    """A table for each series, one row a preset."""
    parity = json.loads(PARITY.read_text(encoding="utf-8")) if PARITY.is_file() else {}
    columns = "| preset | other names | parameters | GMACs | input | top-1 | top-5 | parity | weights |"
    head = f"{columns}\n|---|---|---:|---:|---:|---:|---:|---|---|"
    parts = []
    for name, rows in _by_series():
        paper = next((row.paper for row in rows if row.paper), "")
        parts += ["", f"## {name}", *(["", f"[arXiv {paper}](https://arxiv.org/abs/{paper})"] if paper else []), "", head]
        parts += [_model_line(row, parity.get(row.name)) for row in rows]
    return "\n".join(parts).strip()


def _model_line(row: presets.ModelRow, parity: dict[str, Any] | None) -> str:
    accuracies = [f"{value:.2f}" if value else "" for value in (row.top1, row.top5)]
    seen = f"{parity['rel']:.1e} to {parity['reference'].partition(':')[0]}" if parity else ""
    source = "installed" if row.weights else ""
    if row.sources and not row.weights:
        source = f"`{row.sources[0]}`" if not row.sources[0].startswith("http") else f"[file]({row.sources[0]})"
    source += ", no classifier" if row.headless else ""
    cells = [f"`{row.name}`", ", ".join(f"`{alias}`" for alias in row.aliases), f"{row.params:,}", f"{row.macs / 1e9:.3f}"]
    return "| " + " | ".join([*cells, str(row.preprocessing.size), *accuracies, seen, source]) + " |"


def _by_series() -> list[tuple[str, list[presets.ModelRow]]]:
    """The series in the order of their names, each with its rows in theirs."""
    found: dict[str, list[presets.ModelRow]] = {}
    for row in presets.select():
        found.setdefault(row.series, []).append(row)
    return sorted(found.items(), key=lambda item: item[0].lower())


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


PARTS = {
    "README.md": {"tree": file_tree, "series": series_table},
    "docs/cli.md": {"commands": command_reference},
    "docs/models.md": {"models": model_tables},
}


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
