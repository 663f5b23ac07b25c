"""The benchmark of the input pipeline: it runs on a few images, and the table in its README is that of the numbers kept."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from kclassify import presets

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def report(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import report

    return report


@pytest.mark.slow
def test_a_run_on_a_few_images_tells_rates_and_ratios():
    command = [sys.executable, str(FOLDER / "input_pipeline.py"), "--images", "128", "--rounds", "1", "--seconds", "0"]
    done = subprocess.run(
        [*command, "--only", "kclassify, 2 threads", "tf.data as documented"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines() if line.startswith("| ")]
    rates = {row[0]: row[1:] for row in rows if len(row) == 3}
    assert set(rates) == {"", "kclassify, 2 threads", "tf.data as documented"}
    for told in (cell for name, row in rates.items() if name for cell in row):
        assert int(told.split()[0].replace(",", "")) > 0
    documented, recorded = (row for row in rows if len(row) == 5 and row[0])
    assert documented[:2] == ["kclassify, 2 threads", "tf.data as documented"] and recorded[1] == "PaddleClas' loader, recorded"
    assert float(documented[2].split()[0]) >= 0 and documented[3] == "at least 1.8"  # so few images may take no time that can be measured


def test_the_tables_in_the_readme_are_those_of_the_numbers_kept(report):
    import finetune

    subjects = (report.PIPELINE, report.ZOO, *map(report.train_step, ("mobilenetv3_large", "resnet50")))
    tables = {subject.name: partial(report.table, subject) for subject in subjects} | {"finetune": finetune.table}
    assert {file.stem for file in (FOLDER / "results").iterdir()} == set(tables)
    for name, table in tables.items():
        numbers = json.loads(report.kept(name).read_text(encoding="utf-8"))
        assert f"{report.begin(name)}\n{table(numbers)}" in report.README.read_text(encoding="utf-8")


def test_the_models_of_the_zoos_benchmark_are_rows_that_timm_has(report):
    assert len(report.ZOO_ROWS) == 10 and all(presets.get(name).timm for name in report.ZOO_ROWS)


def test_ratios_are_of_measurements_of_the_same_round(report):
    """A machine that is twice as slow in the second round changes no ratio."""
    rates = {
        "kclassify": [1000.0, 500.0],
        "kclassify, 2 threads": [1000.0, 500.0],
        "kclassify, mixup": [800.0, 400.0],
        "C limit": [1600.0, 800.0],
    }
    results = report.collect(report.PIPELINE, {name: report.Measured(found, found) for name, found in rates.items()}, {})
    rows = {(row["case"], row["other"]): row for row in results["comparisons"]}
    limit, mixup = rows["kclassify, 2 threads", "C limit"], rows["kclassify, mixup", "kclassify"]
    assert limit["ratio"] == {"median": 0.625, "lowest": 0.625, "highest": 0.625} and not limit["met"]
    assert mixup["extra"] == {"median": 0.25, "lowest": 0.25, "highest": 0.25} and not mixup["met"]


def test_a_worker_is_asked_for_steps_and_says_when_it_has_ended(report):
    from train_step import Worker, alternated

    answer = "print(json.dumps({'cpu': 5.0, 'wall': 10.0, 'versions': {'kept': '1.0'}}), flush=True)"
    command = [sys.executable, "-c", f"import json, sys\nfor line in sys.stdin: {answer}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        worker = Worker(process, batch=32)
        assert worker.step() == (32, 5.0, 10.0)
        assert alternated([worker], 3) == [(96, 15.0, 30.0)]
        assert alternated([worker], 40) == [(160, 25.0, 50.0)], "steps of 5 CPU-seconds, until they are more than 20"
        assert alternated([worker, worker], 6) == [(192, 30.0, 60.0)] * 2, "as many of each, whatever they take"
        assert worker.versions == {"kept": "1.0"}
        process.kill()
        process.wait()
        with pytest.raises(RuntimeError, match="ended with status -9"):
            worker.step()


@pytest.mark.slow
def test_the_steps_of_a_whole_training_are_measured():
    command = [sys.executable, str(FOLDER / "train_step.py"), "mobilenetv3_large", "--batch", "2", "--rounds", "2"]
    done = subprocess.run([*command, "--only", "kclassify train", "kclassify"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines() if line.startswith("| kclassify")]
    assert [row[0] for row in rows] == ["kclassify train", "kclassify", "kclassify train"]
    assert all(float(row[1].split()[0]) > 0 for row in rows[:2])
    assert rows[2][1] == "kclassify" and rows[2][3] == "at most +5%"
