"""The command line as a program: `kclassify`, and `python -m kclassify`."""

import signal
import sys


def run() -> None:
    """Entry point; Ctrl-C while the command line's modules are still being read ends as it does later."""
    try:
        from kclassify.cli import run as run_command_line

        run_command_line()
    except KeyboardInterrupt:
        sys.stderr.write("Error: Interrupted.\n")
        sys.exit(128 + signal.SIGINT)


if __name__ == "__main__":
    run()
