"""The command line as a module: `python -m kclassify`."""

from kclassify.cli import run

run()
