"""Several machines, tried as processes on loopback: who takes which part of a batch, who writes, and what happens when one dies."""

import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tiny_run import (
    SETTINGS,
    facts,
    free_nodes,
    make_digits,
    metrics,
    start,
    start_workers,
    train_on_two,
)

from kclassify.devices.watch import Door, call, gather
from kclassify.errors import SetupError
from kclassify.training import checkpoint


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> Path:
    return make_digits(tmp_path_factory.mktemp("digits"))


def wait_for_an_epoch(run: Path, workers: list[subprocess.Popen[str]]) -> None:
    until = time.monotonic() + 240
    while not (run / "metrics.csv").exists():
        assert all(worker.poll() is None for worker in workers), [worker.communicate()[1][-2000:] for worker in workers]
        assert time.monotonic() < until, "no epoch in four minutes"
        time.sleep(0.2)


def check_death(out: Path, digits: Path, dead: int, backend: str) -> None:
    """Kill one of two workers in the middle of a run, and look at how the other one ends."""
    run = out / "killed"
    workers = start_workers(out, "killed", digits, ["--epochs", "2000"], backend=backend)
    try:
        wait_for_an_epoch(run, workers)
        workers[dead].kill()
        began = time.monotonic()
        _, errors = workers[1 - dead].communicate(timeout=60)
        print(f"{backend}, worker {dead} killed: the other one ended after {time.monotonic() - began:.1f} s")
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
            worker.stdout.close()
            worker.stderr.close()
    last = [line for line in errors.splitlines() if not line.startswith(("[epoch", "Go on"))]
    (message,) = re.findall(rf"^Error: Worker {dead} \(127\.0\.0\.1:\d+\) has died.*$", errors, re.MULTILINE)
    assert message in last[-2:], errors
    assert "Traceback" not in errors
    assert workers[1 - dead].returncode == 1
    found = checkpoint.latest(run / "checkpoints")
    assert found and found.step >= facts(run).get("last", {}).get("step", 3)


@pytest.mark.slow
@pytest.mark.parametrize("dead", [0, 1])
def test_a_dead_worker_ends_the_other_one(tmp_path, digits, dead):
    check_death(tmp_path, digits, dead, "tensorflow")


@pytest.mark.slow
def test_a_stop_signal_to_one_worker_stops_both(tmp_path, digits):
    """At the same step, with the state saved."""
    ends = []
    for name, stopped in (("whole", False), ("stopped", True)):
        workers = start_workers(tmp_path, name, digits, ["--epochs", "12"])
        if stopped:
            wait_for_an_epoch(tmp_path / name, workers)
            workers[1].send_signal(signal.SIGTERM)
        for worker in workers:
            _, errors = worker.communicate(timeout=300)
            assert worker.returncode == (143 if stopped else 0), errors[-2000:]
        ends.append(facts(tmp_path / name))
    assert [end["status"] for end in ends] == ["finished", "interrupted"]
    found = checkpoint.latest(tmp_path / "stopped" / "checkpoints")
    assert found and 3 <= found.step < ends[0]["last"]["step"]


@pytest.mark.slow
def test_only_the_first_worker_leaves_a_run_folder(tmp_path, digits):
    run = train_on_two(tmp_path, "both", digits)
    assert (run / "best.keras").is_file() and len(metrics(run)) == 3
    assert not list((tmp_path / "worker-1").rglob("*"))


def test_a_worker_that_never_comes_is_named():
    nodes = tuple(free_nodes(3).split(","))
    there, notes = Door(nodes[1]), []
    with pytest.raises(SetupError, match=re.escape(f"Worker {nodes[2]} did not come within 0.5 s")):
        gather(nodes, 0, 0.5, notes.append)
    assert call(nodes[0]) is None  # its own address is free again
    assert notes == [f"waiting for {nodes[1]}, {nodes[2]}, at most 0.5 s"]
    there.close()


def test_an_address_in_use_is_named():
    nodes = tuple(free_nodes(2).split(","))
    door = Door(nodes[0])
    with pytest.raises(SetupError, match=f"cannot listen at {nodes[0]}"):
        gather(nodes, 0, 0.5, lambda text: None)
    door.close()


@pytest.mark.slow
def test_the_command_line_says_who_did_not_come(digits, tmp_path):
    nodes = free_nodes()
    worker = start("train", "--data", digits, "--out", tmp_path, "--nodes", nodes, "--rank", "0", "--set", "join_seconds=2", *SETTINGS)
    _, errors = worker.communicate(timeout=120)
    assert worker.returncode == 7
    assert f"Error: Worker {nodes.split(',')[1]} did not come within 2 s." in errors
    assert not list(tmp_path.iterdir())
