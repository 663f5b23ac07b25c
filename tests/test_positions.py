"""Weights of another input size: tables of positions are resized as timm resizes them, tokens keep their numbers, all else must fit."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import reference_weights as reference

from kclassify.errors import ModelError
from kclassify.models import load_state, positions, state_dict, weights
from kclassify.models.blocks import convolution, global_pool
from kclassify.models.tokens import parameter, sequence

CASES = json.loads((Path(__file__).parent / "data" / "positions.json").read_text())  # by tools/position_references.py
TABLE = "attn.relative_position_bias_table"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['name'].rpartition('.')[2]}-{case['old']}-{np.shape(case['values'])[-2]}")
def test_tables_become_what_timm_makes_of_them(case):
    expected = np.array(case["values"], "float32")
    table = reference.position_table(case["old"]).reshape(*expected.shape[:-2], case["old"], 2)
    fitted = positions.fit(case["name"], table, expected.shape, case["grid"] and tuple(case["grid"]))
    assert fitted.dtype == np.float32
    np.testing.assert_allclose(fitted, expected, rtol=0, atol=3e-5)


@pytest.mark.parametrize("way", [positions.bicubic, positions.geometric])
@pytest.mark.parametrize(("old", "new"), [(13, 15), (13, 7), (3, 5)])
def test_a_constant_table_stays_constant(way, old, new):
    assert way(old, new).shape == (new, old)
    np.testing.assert_allclose(way(old, new).sum(axis=1), 1)


def test_the_middle_of_a_window_keeps_its_numbers():
    """The offsets 0 and 1 mean the same in a larger window."""
    assert positions.geometric(13, 23)[11:13].argmax(axis=1).tolist() == [6, 7]
    assert positions.geometric(13, 23)[11:13].max(axis=1) == pytest.approx(1)


def test_numbers_for_distances_are_those_of_the_half_of_a_window():
    """A table of offsets that is the same on both sides, and its half."""
    half = np.random.default_rng(0).normal(size=(3, 7, 7)).astype("float32")
    whole = half[:, abs(np.arange(-6, 7))][:, :, abs(np.arange(-6, 7))]
    expected = positions.fit(TABLE, whole.reshape(3, -1).T, (15**2, 3)).T.reshape(3, 15, 15)[:, 7:, 7:]
    fitted = positions.fit("blocks.0.attn.attention_biases", half.reshape(3, -1), (3, 64))
    np.testing.assert_allclose(fitted.reshape(3, 8, 8), expected, atol=1e-6)
    np.testing.assert_allclose(positions.fit(TABLE, whole, (3, 15, 15))[:, 7:, 7:], expected, atol=1e-6)
    same = half.reshape(3, -1)
    np.testing.assert_array_equal(positions.fit("attention_biases", same, same.shape), same)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("blocks.0.attn.attention_biases", (4, 49), (4, 50)),
        ("blocks.0.attn.attention_biases", (4, 49), (5, 64)),
        ("blocks.0.attn.qkv.weight", (16, 4), (25, 4)),
        ("pos_embed", (1, 17, 4), (1, 26, 6)),  # another width
        ("pos_embed", (1, 19, 4), (1, 26, 4)),  # no square and one token
        ("pos_embed", (1, 17, 4), (1, 33, 4)),  # eight tokens: no such model
        (TABLE, (24, 4), (49, 4)),
        (TABLE, (4, 13, 13), (4, 14, 14)),
        (TABLE, (4, 13, 13), (4, 13, 15)),
        (TABLE, (4, 13, 13), (5, 15, 15)),
    ],
)
def test_what_cannot_be_resized_stays_as_it_is(name, old, new):
    table = np.ones(old, "float32")
    assert positions.fit(name, table, new) is table


def small_model(height, width):
    image = keras.Input((height, width, 3), name="image")
    x = convolution(image, 8, 16, 16, name="patch_embed.proj", padding="valid", bias=True)  # [N, H/16, W/16, 8]
    tokens = keras.ops.concatenate([parameter(image, (1, 1, 8), name="cls_token"), sequence(x)], axis=1)
    y = tokens + parameter(image, (1, tokens.shape[1], 8), name="pos_embed")
    return keras.Model(image, [y, global_pool(x)], name="small")


def test_a_model_of_another_size_takes_the_weights():
    square, wide = small_model(64, 64), small_model(48, 80)
    state = reference.draw_state({name: tensor.shape for name, tensor in state_dict(square).items()})
    assert load_state(wide, state, source="drawn").tensors == 4
    loaded = state_dict(wide)
    assert loaded["pos_embed"].shape == (1, 1 + 3 * 5, 8)
    assert np.array_equal(loaded["pos_embed"][:, 0], state["pos_embed"][:, 0])
    np.testing.assert_allclose(loaded["pos_embed"].mean(), state["pos_embed"].mean(), atol=0.05)
    assert np.array_equal(loaded["patch_embed.proj.weight"], state["patch_embed.proj.weight"])
    load_state(square, state, source="drawn")
    assert all(np.array_equal(tensor, state[name]) for name, tensor in state_dict(square).items())


def test_a_table_of_no_square_is_refused():
    model = small_model(64, 64)
    state = reference.draw_state({name: tensor.shape for name, tensor in state_dict(model).items()})
    with pytest.raises(ModelError, match=r"'pos_embed' is float32 \[1, 13, 8\], expected float \[1, 17, 8\]"):
        load_state(model, {**state, "pos_embed": state["pos_embed"][:, :13]}, source="cut")


def test_names_of_the_first_swin_become_todays():
    old = {
        "layers.0.downsample.reduction.weight": 1,
        "layers.1.downsample.norm.bias": 2,
        "layers.1.blocks.0.norm1.bias": 3,
        "head.weight": 4,
    }
    assert weights.rename_merges(old) == {
        "layers.1.downsample.reduction.weight": 1,
        "layers.2.downsample.norm.bias": 2,
        "layers.1.blocks.0.norm1.bias": 3,
        "head.fc.weight": 4,
    }
    new = {"layers.1.downsample.reduction.weight": 1, "head.fc.weight": 4}
    assert weights.rename_merges(new) is new
