"""The documents say what the code says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_generated_parts_are_up_to_date():
    done = subprocess.run([sys.executable, ROOT / "tools" / "docs.py", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\nType: make docs"


@pytest.mark.parametrize("name", ["README.md", "docs/cli.md", "docs/models.md"])
def test_the_generated_parts_are_there(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    for mark, content in re.findall(r"<!-- (\w+) -->\n(.*?)\n<!-- /\1 -->", text, re.DOTALL):
        assert len(content.splitlines()) >= 5, mark


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "docs/design.md", "docs/cli.md", "docs/models.md"])
def test_links_and_named_files_exist(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!http|#)([^)#]+)", text):
        assert ((ROOT / name).parent / target).exists(), target


def test_commands_in_the_readme_are_known():
    import typer.main

    from kclassify.cli import app

    known = set(typer.main.get_command(app).commands)
    typed = set(re.findall(r"^\$ kclassify ([\w-]+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert typed and typed <= known
