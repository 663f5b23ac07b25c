"""The command line: which verbs there are, and how every error becomes one message and an exit code. Nothing heavy is imported here."""

import errno
import io
import os
import signal
import sys
import traceback
from typing import Annotated

import typer

from kclassify.errors import KClassifyError, SetupError, UsageError
from kclassify.verbs import data, showing, training, tuning, using

INTERRUPTED = 128 + signal.SIGINT

app = typer.Typer(
    name="kclassify",
    help="Train, judge, use and ship image classifiers.",
    epilog="Start with: kclassify predict PHOTO.jpg, then: kclassify train --data FOLDER. Docs: README.md.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("train")(training.train)
app.command("resume")(training.resume)
app.command("lr-find")(tuning.lr_find)
app.command("eval")(using.evaluate)
app.command("predict")(using.predict)
app.command("export")(using.export)

data_app = typer.Typer(help="Look at images before a model is trained on them.", no_args_is_help=True)
data_app.command("check")(data.data_check)
data_app.command("preview")(data.data_preview)
data_app.command("pack")(data.data_pack)
app.add_typer(data_app, name="data")

presets_app = typer.Typer(help="The models that can be named with --preset.", no_args_is_help=True)
presets_app.command("list")(showing.presets_list)
presets_app.command("show")(showing.presets_show)
app.add_typer(presets_app, name="presets")

config_app = typer.Typer(help="The settings of a run.", no_args_is_help=True)
config_app.command("show")(showing.config_show)
app.add_typer(config_app, name="config")


@app.callback(invoke_without_command=True)
def main(
    debug: Annotated[bool, typer.Option("--debug", help="Show the whole traceback of an error.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version and leave.")] = False,
) -> None:
    """Options that stand before the verb."""
    del debug  # `run` has looked for it already, for a wrong command never comes here
    if version:
        from kclassify import __version__

        typer.echo(__version__)
        raise typer.Exit


def run() -> None:
    """Entry point: every error becomes one message of at most three lines and its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a console that is not Unicode shows names by their numbers
    if "--debug" in sys.argv:
        os.environ["KCLASSIFY_DEBUG"] = "1"
    sys.exit(_exit_code())


def _exit_code() -> int:
    try:
        code = app(standalone_mode=False) or 0  # typer returns the code of an Exit, and 130 for Ctrl-C
        sys.stdout.flush()
    except KClassifyError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:
        return _fail(*_unexpected(error))
    return _fail("Interrupted.", code) if code == INTERRUPTED else code


def _unexpected(error: Exception) -> tuple[str, int]:
    if isinstance(error, typer.Exit):
        return "", error.exit_code
    if isinstance(error, typer.Abort):
        return "Interrupted.", INTERRUPTED
    if hasattr(error, "format_message"):  # a wrong option or argument; which class that is differs between versions of typer
        command = getattr(getattr(error, "ctx", None), "command_path", "kclassify")
        message = error.format_message().rstrip(".")
        return f"{message}{'' if message.endswith('?') else '.'} See: {command} --help" if message else "", UsageError.exit_code
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        return f"Cannot write: {error.strerror}.", SetupError.exit_code
    return f"{type(error).__name__}: {str(error)[:400]}\nThis is a fault of kclassify. See all of it with: kclassify --debug ...", 1


def _fail(message: str, code: int) -> int:
    if os.environ.get("KCLASSIFY_DEBUG") and sys.exc_info()[0]:
        traceback.print_exc()
    if message:
        sys.stderr.write("Error: " + "\n".join(message.splitlines()[:3]) + "\n")
    return code
