"""Runs the command line with a tiny net, notes every finished step in STEPS_LOG, and on request ends itself in a chosen moment.

DIE_IN_SAVE=N is a kill -9 of itself at the Nth file that is opened, made, moved or removed inside saves; how many there were is noted in
SAVE_LOG. TERM_AT=PHASE is a SIGTERM to itself when the phase begins.
"""

import os
import signal
import sys
from pathlib import Path

from kclassify import devices

devices.start()

import tiny  # noqa: E402 - TensorFlow starts quietly first

from kclassify import bundle  # noqa: E402
from kclassify.cli import run  # noqa: E402
from kclassify.data import dataset  # noqa: E402
from kclassify.training import checkpoint, loop, run_folder, setup, state  # noqa: E402

EVENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree")
saving, events = 0, 0


def terminate_here():
    if not Path(f"{os.environ['STEPS_LOG']}.terminated").exists():  # only once, not after the resume
        Path(f"{os.environ['STEPS_LOG']}.terminated").touch()
        os.kill(os.getpid(), signal.SIGTERM)


def before(owner, name, action, *, when=lambda *arguments: True):
    """Have `action` come before the function `name` of a module or class."""
    original = getattr(owner, name)

    def replaced(*arguments, **named):
        if when(*arguments):
            action()
        return original(*arguments, **named)

    setattr(owner, name, replaced)


def counted(owner, name):
    """Count the file events inside a function as those of a save."""
    original = getattr(owner, name)

    def replaced(*arguments, **named):
        global saving  # noqa: PLW0603 - one process, one counter
        saving += 1
        try:
            return original(*arguments, **named)
        finally:
            saving -= 1

    setattr(owner, name, replaced)


def count(event, _arguments):
    global events  # noqa: PLW0603
    if saving and event in EVENTS:
        events += 1
        if events == int(os.environ.get("DIE_IN_SAVE", "0")):
            os.kill(os.getpid(), signal.SIGKILL)


PHASES = {
    "indexing": (dataset, "load"),
    "building": (setup, "_build"),
    "restoring": (state.State, "restore"),
    "first step": (loop.Loop, "_train_batches"),
    "middle of an epoch": (loop.Loop, "after_step", lambda loop, _logs: loop.state.progress.step == 4),
    "checkpoint": (checkpoint, "save", lambda _folder, step, *_: step == 6),
    "validation": (loop.Loop, "_validate"),
    "best.keras": (bundle, "save"),
    "last row": (run_folder.RunFolder, "write_metrics", lambda run, history: len(history) == 4),
}

tiny.install()
after_step = loop.Loop.after_step


def noted(self, logs):
    # Beforehand: in what follows the step may be saved, and the process ended.
    with Path(os.environ["STEPS_LOG"]).open("a") as file:
        file.write(f"{self.state.progress.step + 1}\n")
    return after_step(self, logs)


loop.Loop.after_step = noted
for module, function in ((checkpoint, "save"), (bundle, "save"), (run_folder, "write_text")):
    counted(module, function)
if phase := os.environ.get("TERM_AT"):
    owner, name, *condition = PHASES[phase]
    before(owner, name, terminate_here, **dict(zip(["when"], condition, strict=False)))
sys.addaudithook(count)
try:
    run()
finally:
    if log := os.environ.get("SAVE_LOG"):
        Path(log).write_text(str(events))
