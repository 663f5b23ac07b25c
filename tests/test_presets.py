"""Rows are found by name, and the package of rows needs nothing heavy."""

import subprocess
import sys

import pytest

from kclassify import presets
from kclassify.errors import UsageError

CLASSES = {0: "tench", 243: "bull mastiff", 282: "tiger cat", 285: "Egyptian cat", 657: "missile", 967: "espresso", 999: "toilet tissue"}


@pytest.mark.parametrize("row", presets.MODELS.values(), ids=lambda row: row.name)
def test_a_row_is_found_by_its_names_in_any_case(row):
    for name in (row.name, row.name.upper(), *row.aliases):
        assert presets.get(name) is row


def test_names_and_aliases_belong_to_one_row_each():
    owners = {}
    for row in presets.MODELS.values():
        for name in {row.name, *row.aliases}:
            assert owners.setdefault(name, row.name) == row.name
    folded = {}
    for name, owner in owners.items():
        folded.setdefault(name.lower(), set()).add(owner)
    # PaddleClas and timm each have a model of these names; it is found as it is written.
    twice = {name for name, rows in folded.items() if len(rows) > 1}
    xceptions = {"xception41", "xception65", "xception71"}
    assert twice == {"res2net50_26w_4s", "res2net50_14w_8s", "vit_small_patch16_224"} | xceptions
    assert presets.get("ViT_small_patch16_224") is not presets.get("vit_small_patch16_224")
    assert presets.names() == list(presets.MODELS)


def test_an_unknown_name_gets_a_hint():
    with pytest.raises(UsageError) as error:
        presets.get("mobilenet_v3_large")
    expected = "No preset is named 'mobilenet_v3_large'. Did you mean 'mobilenetv3_large'? See: kclassify presets list"
    assert str(error.value) == expected
    with pytest.raises(UsageError, match=r"^No preset is named 'xyz'\. See: kclassify presets list$"):
        presets.get("xyz")


def test_the_classes_of_imagenet_are_distinct_and_in_order():
    names = presets.imagenet_class_names()
    assert len(names) == len({name.lower() for name in names}) == 1000
    assert all(name == name.strip() and name for name in names)
    assert {index: names[index] for index in CLASSES} == CLASSES


def test_rows_are_chosen_by_series_and_size_and_sorted():
    small = presets.select(series="MOBILE", max_params=6, sort="top1")
    assert small and all("mobile" in f"{row.series} {row.name}".lower() and row.params <= 6e6 for row in small)
    assert [row.top1 for row in small] == sorted((row.top1 for row in small), reverse=True)
    names = [row.name for row in presets.select()]
    assert sorted(names) == sorted(presets.names()) and names.index("resnet18") < names.index("resnet50")
    for order in ("params", "macs"):
        values = [getattr(row, order) for row in presets.select(sort=order)]
        assert values == sorted(values) and values[0] > 0
    assert presets.select(max_params=0) == []
    with pytest.raises(UsageError, match="No series has 'nothing' in its name"):
        presets.select(series="nothing")
    with pytest.raises(UsageError, match=r"Unknown order 'size'.*name, params, macs, top1"):
        presets.select(sort="size")


def test_presets_import_neither_numpy_nor_keras():
    code = "import sys, kclassify.presets; sys.exit(any(name in sys.modules for name in ('numpy', 'keras', 'tensorflow')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
