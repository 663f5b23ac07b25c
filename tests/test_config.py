"""The config of a run: the order of its layers, every key through every layer, types, ranges, unknown keys and files that are no YAML."""

import dataclasses

import pytest
import yaml

from kclassify import config, presets
from kclassify.config import KEYS, RunConfig, resolve
from kclassify.config.limits import _CHOICES, _RANGES, _RISING
from kclassify.errors import UsageError
from kclassify.presets.recipes import RECIPES

NEUTRAL = {"data": "photos"}  # a data set without settings of its own
SAMPLES = {  # for every key a value that is not the default
    "preset": "resnet18", "recipe": "paddleclas_quick_start", "data": "my photos/ä: #1", "val": "held out", "val_fraction": 0.3,
    "multi_label": True,
    "max_bad": 0.5, "image_cache": "ram", "weights": "none", "image_size": 96, "in_channels": 1, "crop_pct": 0.9,
    "dropout": 0.25, "epochs": 7,
    "min_steps": 90, "batch_size": 5,
    "seed": 12, "accumulate": 2, "balance": True, "precision": "bfloat16", "backend": "jax", "deterministic":
    False, "gpus": "0,1", "nodes": "a:1,b:2", "rank": 1, "join_seconds": 30.0, "sync_bn": False,
    "on_nan": "rollback", "watch": ("tensorboard", "mlflow"), "out": "elsewhere", "name":
    "first", "optimizer.name": "rmsprop", "optimizer.lr": 1e-05, "optimizer.lr_scale": "sqrt", "optimizer.reference_batch": 256,
    "optimizer.momentum": 0.8, "optimizer.nesterov": False, "optimizer.beta1": 0.3, "optimizer.beta2": 0.3, "optimizer.epsilon":
    0.3, "optimizer.weight_decay": 0.002, "optimizer.decay_all": True, "optimizer.layer_decay": 0.3, "optimizer.clip_norm": 0.3,
    "optimizer.clip_agc": 0.3, "optimizer.ema": 0.5, "schedule.name": "linear", "schedule.warmup_epochs": 2.5,
    "schedule.warmup_lr": 0.3, "schedule.min_lr": 0.3, "schedule.power": 0.3, "schedule.cycles": 2, "schedule.step_epochs": 0.3,
    "schedule.gamma": 0.3, "schedule.milestones": (2.0, 4.0), "schedule.plateau_epochs": 3, "loss.name": "bce",
    "loss.label_smoothing": 0.2, "loss.target_threshold": 0.3, "loss.gamma": 0.3, "loss.class_weights": "balanced",
    "distill.teacher": "resnet50", "distill.weight": 0.3, "distill.temperature": 0.3, "distill.features": 0.3,
    "finetune.freeze_epochs": 2, "finetune.freeze_bn": True, "augment.crop_scale": (0.5, 0.75), "augment.crop_ratio": (0.8, 1.25),
    "augment.flip": 0.25, "augment.repeats": 2, "augment.ops": ("autoaugment", "mixup"), "augment.autoaugment.policy": "cifar10",
    "augment.autoaugment.interpolation": "bilinear", "augment.randaugment.layers": 3, "augment.randaugment.magnitude": 5.0,
    "augment.randaugment.noise": 0.3, "augment.randaugment.increasing": True, "augment.randaugment.probability": 0.3,
    "augment.randaugment.interpolation": "bilinear", "augment.trivialaugment.interpolation": "bilinear",
    "augment.augmix.severity": 1.5, "augment.augmix.width": 4, "augment.augmix.depth": 0, "augment.augmix.alpha": 0.3,
    "augment.color_jitter.brightness": 0.3, "augment.color_jitter.contrast": 0.3, "augment.color_jitter.saturation": 0.3,
    "augment.color_jitter.hue": 0.1, "augment.rotation.degrees": 30.0, "augment.rotation.interpolation": "bilinear",
    "augment.grey.probability": 0.3, "augment.blur.probability": 0.3, "augment.blur.sigma": (0.5, 1.5),
    "augment.solarize.probability": 0.3, "augment.solarize.threshold": 100.0, "augment.cutout.length": 0.25,
    "augment.cutout.holes": 2, "augment.random_erasing.probability": 0.3, "augment.random_erasing.area": (0.1, 0.2),
    "augment.random_erasing.aspect": (0.5, 2.0), "augment.random_erasing.log_aspect": True, "augment.random_erasing.mode":
    "const", "augment.hide_and_seek.probability": 0.3, "augment.hide_and_seek.hide": 0.3, "augment.hide_and_seek.grid": (2, 3),
    "augment.gridmask.probability": 0.3, "augment.gridmask.ramp_epochs": 10.0, "augment.gridmask.period": (0.25, 0.75),
    "augment.gridmask.ratio": 0.3, "augment.gridmask.rotate": 45.0, "augment.mixup.alpha": 0.3, "augment.mixup.probability": 0.3,
    "augment.cutmix.alpha": 0.3, "augment.cutmix.probability": 0.3, "augment.resizemix.scale": (0.2, 0.5),
    "augment.resizemix.probability": 0.3, "checkpoint.steps": 11, "checkpoint.minutes": 3.5, "checkpoint.keep": 4,
    "stop.patience": 4, "stop.time_limit": "2h",
}  # fmt: skip
EVERY_KEY = pytest.mark.parametrize("key", KEYS)
OPTIONAL = [key for key, value in config.flatten(RunConfig()).items() if value is None]


def value_of(resolved, key):
    return config.flatten(resolved.config)[key]


def error(**options) -> str:
    with pytest.raises(UsageError) as caught:
        resolve(**options)
    return str(caught.value)


def as_text(value) -> str:
    """The value as a person types it."""
    return str(list(value)) if isinstance(value, tuple) else str(value).lower() if isinstance(value, bool) else str(value)


@pytest.fixture
def written(tmp_path):
    """Write a config file and return its path."""

    def write(text: str | bytes):
        path = tmp_path / "run.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_the_table_of_this_test_has_every_key_and_no_default():
    assert list(SAMPLES) == list(KEYS)
    assert not [key for key, value in config.flatten(RunConfig()).items() if SAMPLES[key] == value]


def test_nothing_given_is_the_defaults_and_what_suits_the_digits():
    resolved = resolve()
    found = config.flatten(resolved.config)
    digits = {"image_size": 64, "crop_pct": 1.0, "augment.crop_scale": (0.7, 1.0), "augment.crop_ratio": (0.9, 1.1), "augment.flip": 0.0}
    assert found == {**config.flatten(RunConfig()), **RECIPES["scratch"], **digits}
    assert set(resolved.origins) == set(KEYS)
    assert {key for key, origin in resolved.origins.items() if origin == "data digits"} == set(digits)
    assert resolved.origins["epochs"] == "default" and resolved.origins["preset"] == "preset mobilenetv3_large"


def test_a_config_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        resolve().config.epochs = 3


def test_later_layers_win(written):
    """The layers are taken away one by one, from the strongest."""
    layers = {
        "settings": (["epochs=6"], 6, "--set"),
        "flags": ({**NEUTRAL, "epochs": 5}, 5, "flag"),
        "environment": ({"KCLASSIFY_EPOCHS": "4"}, 4, "environment"),
        "file": (written("epochs: 3\nrecipe: paddleclas_quick_start\n"), 3, "file"),
    }
    options = {name: value for name, (value, _, _) in layers.items()}
    for name, (_, epochs, origin) in layers.items():
        resolved = resolve(**options)
        assert resolved.config.epochs == epochs and resolved.origins["epochs"].startswith(origin)
        del options[name]
    resolved = resolve(file=written("recipe: paddleclas_quick_start\n"))
    assert (resolved.config.epochs, resolved.origins["epochs"]) == (20, "recipe paddleclas_quick_start")
    assert resolve().config.epochs == RunConfig.epochs


def test_the_data_set_s_row_is_above_the_recipe_and_below_the_file(written, monkeypatch):
    monkeypatch.setitem(RECIPES, "scratch", {"image_size": 32, "epochs": 2})
    resolved = resolve()
    assert (resolved.config.image_size, resolved.config.epochs) == (64, 2)
    assert resolve(NEUTRAL).config.image_size == 32
    assert resolve(file=written("image_size: 48\n")).config.image_size == 48
    assert resolve(settings=["image_size=null"]).config.image_size is None


@pytest.mark.parametrize("layer", ["file", "environment", "flags", "settings"])
def test_recipe_preset_and_data_may_be_chosen_in_any_layer(written, layer):
    options = {
        "file": written("recipe: paddleclas_imagenet\npreset: resnet50\ndata: photos\n"),
        "environment": {"KCLASSIFY_RECIPE": "paddleclas_imagenet", "KCLASSIFY_PRESET": "resnet50", "KCLASSIFY_DATA": "photos"},
        "flags": {"recipe": "paddleclas_imagenet", "preset": "resnet50", "data": "photos"},
        "settings": ["recipe=paddleclas_imagenet", "preset=resnet50", "data=photos"],
    }
    found = resolve(**{layer: options[layer]}).config
    assert (found.preset, found.data, found.image_size) == ("resnet50", "photos", None)
    assert (found.epochs, found.optimizer.lr, found.optimizer.nesterov) == (360, 0.65, False)


def test_only_the_winning_recipe_counts(written):
    file = written("recipe: paddleclas_imagenet\n")
    found = resolve({"recipe": "default"}, file=file).config
    assert (found.recipe, found.epochs, found.optimizer.lr) == ("default", RunConfig.epochs, 0.05)


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_resolves(recipe):
    resolved = resolve({"recipe": recipe, **NEUTRAL})
    for key, value in RECIPES[recipe].items():
        assert value_of(resolved, key) == value and resolved.origins[key] == f"recipe {recipe}"


@pytest.mark.parametrize(
    ("alias", "name"), [(alias, row.name) for row in presets.MODELS.values() for alias in (row.name.upper(), *row.aliases)]
)
def test_an_alias_of_a_preset_becomes_its_name(alias, name):
    assert resolve({"preset": alias}).config.preset == name


@EVERY_KEY
def test_every_key_as_a_flag(key):
    resolved = resolve({**NEUTRAL, key: SAMPLES[key]})
    assert value_of(resolved, key) == SAMPLES[key] and resolved.origins[key] == "flag"


@EVERY_KEY
def test_every_key_after_set(key):
    resolved = resolve(NEUTRAL, settings=[f" {key} = {as_text(SAMPLES[key])} "])
    assert value_of(resolved, key) == SAMPLES[key] and resolved.origins[key] == "--set"
    assert type(value_of(resolved, key)) is type(SAMPLES[key])


@EVERY_KEY
def test_every_key_from_the_environment(key):
    flags = {} if key == "data" else NEUTRAL
    resolved = resolve(flags, environment={f"KCLASSIFY_{key.upper().replace('.', '__')}": as_text(SAMPLES[key])})
    assert value_of(resolved, key) == SAMPLES[key] and resolved.origins[key] == "environment"


@EVERY_KEY
def test_every_key_as_a_line_of_a_file(key, written):
    text = yaml.safe_dump({key: list(SAMPLES[key]) if isinstance(SAMPLES[key], tuple) else SAMPLES[key]}, allow_unicode=True)
    file = written(text)
    resolved = resolve({} if key == "data" else NEUTRAL, file=file)
    assert value_of(resolved, key) == SAMPLES[key] and resolved.origins[key] == f"file {file}"


@EVERY_KEY
def test_no_key_disturbs_another(key):
    before = config.flatten(resolve({**NEUTRAL, "recipe": "default"}).config)
    after = config.flatten(resolve({**NEUTRAL, "recipe": "default", **({} if key == "recipe" else {key: SAMPLES[key]})}).config)
    # Who says how many epochs gets as many, and with several labels a picture there is one loss.
    expected = {key, *{"epochs": ["min_steps"], "multi_label": ["loss.name"]}.get(key, [])} - {"recipe"}
    assert {name for name in before if before[name] != after[name]} == expected


@pytest.mark.parametrize("key", OPTIONAL)
def test_a_flag_that_is_not_given_is_none_and_changes_nothing(key):
    assert resolve({**NEUTRAL, key: None}) == resolve(NEUTRAL)


@pytest.mark.parametrize("key", OPTIONAL)
def test_null_in_a_file_means_not_set(key, written):
    assert value_of(resolve(file=written(f"{key}: null\n")), key) is None


@pytest.mark.parametrize("key", [key for key in KEYS if key not in OPTIONAL and key not in ("preset", "recipe")])
def test_null_is_an_error_for_all_other_keys(key, written):
    assert key in error(file=written(f"{key}: null\n"))


def test_flatten_and_unflatten_are_inverse():
    flat = {**config.flatten(RunConfig()), **SAMPLES}
    assert config.flatten(config.unflatten(flat)) == flat
    assert config.unflatten({}) == RunConfig()
    assert list(config.flatten(RunConfig())) == list(KEYS)


@pytest.mark.parametrize(
    "name", ["on", "null", "~", "1e3", "007", "1.10", "2024-01-02", "a: b", "- x", "#", "'", '"', " x ", "ä\nö", "{}", "0,1", "12:30"]
)
def test_yaml_keeps_texts_that_look_like_something_else(name):
    text = config.to_yaml(dataclasses.replace(RunConfig(), name=name, out=name))
    assert yaml.safe_load(text)["name"] == yaml.safe_load(text)["out"] == name


def test_yaml_has_sections_in_the_order_of_the_config():
    text = config.to_yaml(config.unflatten(SAMPLES))
    content = yaml.safe_load(text)
    assert list(content) == list(dict.fromkeys(key.partition(".")[0] for key in KEYS))
    assert content["optimizer"]["lr"] == 1e-05 and content["augment"]["crop_scale"] == [0.5, 0.75] and "ä" in text
    assert content == yaml.safe_load(yaml.safe_dump(content))


WRONG = {
    int: ["1.5", "x", "true", "null", "[1]", "1e-3"],
    int | None: ["1.5", "x", "true", "[1]"],
    float: ["x", "true", "null", "[1]", "nan", "1,5"],
    float | None: ["x", "true", "[1]", "nan"],
    bool: ["1", "0", "x", "null", "[true]"],
    tuple[float, float]: ["1", "[1]", "[1, 2, 3]", "[a, b]", "x", "null", "[true, 1]", "{a: 1, b: 2}"],
}


@pytest.mark.parametrize(("key", "text"), [(key, text) for key, kind in KEYS.items() for text in WRONG.get(kind, ())])
def test_a_value_of_the_wrong_type_is_named_with_its_layer(key, text):
    for found, layer in ((error(settings=[f"{key}={text}"]), "--set"), (error(flags={key: text}), "flag")):
        assert found.startswith(f"{key}: expected ") and "got" in found and f"({layer})" in found


@pytest.mark.parametrize("key", [key for key, kind in KEYS.items() if kind in (str, str | None) and key not in ("preset", "recipe")])
def test_a_list_is_no_text(key):
    assert error(flags={key: ["a"]}).startswith(f"{key}: expected a text")


def test_whole_numbers_may_be_written_as_floats_and_the_other_way_round():
    found = resolve(settings=["epochs=3.0", "optimizer.lr=1", "optimizer.weight_decay=5e-4", "gpus=0"]).config
    assert (found.epochs, type(found.epochs), found.optimizer.lr, type(found.optimizer.lr)) == (3, int, 1.0, float)
    assert (found.optimizer.weight_decay, found.gpus) == (5e-4, "0")


RANGES = {  # key: (outside, ...), (inside, ...)
    "epochs": ((0, -1, 100_001), (1, 100_000)), "batch_size": ((-1, -8), (0, 1, 4096)), "seed": ((-1, 2**31), (0, 2**31 - 1)),
    "image_size": ((0, 7, 5000), (8, 4096)), "val_fraction": ((0, 1, -0.1), (0.001, 0.9)), "max_bad": ((-0.1, 1.1), (0, 1)),
    "crop_pct": ((0, 1.01), (0.1, 1)), "dropout": ((-0.1, 1), (0, 0.99)), "optimizer.lr": ((-1e-9, 1e9), (0, 0.5)),
    "optimizer.momentum": ((-0.1, 1), (0, 0.99)), "optimizer.weight_decay": ((-1,), (0,)), "optimizer.ema": ((-0.1, 1), (0, 0.9999)),
    "schedule.warmup_epochs": ((-1,), (0, 0.5)), "loss.label_smoothing": ((-0.1, 1), (0, 0.9)), "augment.flip": ((-0.1, 1.1), (0, 1)),
    "checkpoint.steps": ((-1,), (0, 1000)), "checkpoint.minutes": ((-1,), (0, 0.5)), "checkpoint.keep": ((0,), (1, 1000)),
    "augment.crop_scale": (((0, 1), (0.5, 0.4), (0.5, 1.1), (-1, 1)), ((0.001, 1), (1, 1))),
    "augment.crop_ratio": (((0, 1), (2, 1), (1, 1000)), ((0.01, 100), (1, 1))), "augment.repeats": ((0,), (1, 3)),
    "augment.hide_and_seek.grid": (((), (0,), (4, 32)), ((1, 31),)),
    "augment.cutout.length": ((-0.1, 1.1), (0, 1)), "augment.cutout.holes": ((0,), (1,)), "augment.augmix.depth": ((-2,), (-1, 3)),
    "augment.randaugment.layers": ((0, -1), (1, 3)), "augment.randaugment.magnitude": ((-1, 11), (0, 10)),
    "augment.mixup.alpha": ((0, -1), (0.2, 1)), "augment.cutmix.alpha": ((0, -1), (0.2, 1)), "augment.augmix.alpha": ((0,), (1,)),
    "augment.random_erasing.area": (((0, 0.4), (0.4, 0.3), (0.5, 1.1)), ((0.02, 0.4), (1, 1))),
    "augment.resizemix.scale": (((0, 0.4), (0.4, 0.3), (0.5, 1.1)), ((0.1, 0.8),)),
}  # fmt: skip
PROBABILITIES = [key for key in KEYS if key.startswith("augment.") and key.endswith("probability")]
RANGES |= {key: ((-0.1, 1.1), (0, 1)) for key in PROBABILITIES}
RANGES |= {"schedule.milestones": (((3, 2), (2, 2), (0, 1)), ((), (1, 2.5)))}
RANGES |= {key: ((low - 1, 2 * high + 1), (low, high)) for key, (low, high) in _RANGES.items() if key not in RANGES}


def test_every_number_has_a_range():
    numbers = {key for key, kind in KEYS.items() if kind not in (str, str | None, bool)} - {"augment.ops", "watch"}
    assert numbers == set(_RANGES) | set(_RISING) | {"augment.hide_and_seek.grid", "schedule.milestones"}
    assert set(RANGES) >= {key for key in numbers if key.count(".") < 2}


@pytest.mark.parametrize("key", _CHOICES)
def test_a_word_that_is_no_choice_is_an_error_that_lists_them(key):
    assert ", ".join(_CHOICES[key]) in error(flags={key: "elsewise"})


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, (outside, _) in RANGES.items() for value in outside])
def test_a_value_out_of_range_is_an_error_that_says_the_range(key, value):
    found = error(flags={key: value})
    assert found.startswith(f"{key}: expected") and "got" in found


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, (_, inside) in RANGES.items() for value in inside])
def test_the_ends_of_a_range_belong_to_it(key, value):
    assert value_of(resolve({key: value}), key) == value


@pytest.mark.parametrize("value", ["float64", "fp16", "", "Float32"])
def test_precision_is_one_of_three(value):
    assert "float32, bfloat16, float16" in error(flags={"precision": value})


@pytest.mark.parametrize(("key", "near"), [
    ("epoch", "epochs"), ("batchsize", "batch_size"), ("Epochs", "epochs"), ("optimiser.lr", "optimizer.lr"),
    ("optimizer.momentun", "optimizer.momentum"),
    ("label_smoothing", "loss.label_smoothing"), ("optimizer.weight-decay", "optimizer.weight_decay"), ("val_ratio", "val_fraction"),
])  # fmt: skip
def test_an_unknown_key_is_an_error_in_every_layer_with_a_near_name(key, near, written):
    file = written(f"{key}: 1\n")
    cases = {f"file {file}": {"file": file}, "flag": {"flags": {key: 1}}, "--set": {"settings": [f"{key}=1"]}}
    if key.isidentifier() and key.islower():
        cases["environment"] = {"environment": {f"KCLASSIFY_{key.upper()}": "1"}}
    for layer, options in cases.items():
        found = error(**options)
        assert (
            found.startswith(f"Unknown key '{key}' ({layer}).") and f"Did you mean '{near}'?" in found and "kclassify config show" in found
        )


def test_an_unknown_key_like_no_other_has_no_hint():
    assert "Did you mean" not in error(settings=["xyzzy=1"])


def test_a_section_is_no_key():
    assert error(settings=["optimizer=sgd"]).startswith("Unknown key 'optimizer'")


def test_variables_that_are_no_settings_are_left_alone():
    environment = {
        "KCLASSIFY_CACHE": "/x",
        "KCLASSIFY_LOGICAL_CPUS": "2",
        "KCLASSIFY_DEBUG": "1",
        "EPOCHS": "3",
        "PATH": "/bin",
        "XKCLASSIFY_EPOCHS": "4",
    }
    assert resolve(environment=environment) == resolve()


def test_a_section_of_the_environment_needs_two_underscores():
    assert "optimizer_lr" in error(environment={"KCLASSIFY_OPTIMIZER_LR": "0.1"})
    resolved = resolve(environment={"KCLASSIFY_OPTIMIZER__LR": "1e-3", "KCLASSIFY_CHECKPOINT__KEEP": "3"})
    assert (resolved.config.optimizer.lr, resolved.config.checkpoint.keep) == (1e-3, 3)


@pytest.mark.parametrize("text", ["epochs", "=3", "", "epochs:3", "--epochs"])
def test_a_setting_without_a_value_is_an_error_with_an_example(text):
    found = error(settings=[text])
    assert f"'{text}'" in found and "--set optimizer.lr=0.1" in found


def test_the_value_of_a_setting_may_hold_equals_signs():
    assert resolve(settings=["name=a=b=c"]).config.name == "a=b=c"


def test_of_two_settings_the_last_one_counts():
    assert resolve(settings=["epochs=3", "epochs=4"]).config.epochs == 4


@pytest.mark.parametrize(("choice", "near"), [("preset", "resnet18"), ("recipe", "paddleclas_imagenet")])
def test_an_unknown_preset_or_recipe_has_a_near_name(choice, near):
    found = error(flags={choice: near[:-1]})
    assert f"'{near[:-1]}'" in found and f"Did you mean '{near}'?" in found


@pytest.mark.parametrize(("text", "line"), [
    ("epochs: [\n", 2), ("epochs: 3\n\tseed: 1\n", 2), ("epochs: 3\nseed: 1\n  name: x\n", 3), ("a: b: c\n", 1),
    ("epochs: 1\n---\nepochs: 2\n", 2),
    ("epochs: 'x\n", 2), ("seed: 1\nepochs: !!python/object/apply:os.getcwd []\n", 2), ("? [1]\n: 2\n", 1), ("x: *y\n", 1),
])  # fmt: skip
def test_what_is_no_yaml_is_named_by_file_and_line(text, line, written):
    file = written(text)
    assert error(file=file).startswith(f"{file}:{line}: not valid YAML (")


@pytest.mark.parametrize(("text", "kind"), [("- epochs\n", "list"), ("3\n", "int"), ("epochs\n", "str"), ("epochs=3\n", "str")])
def test_yaml_that_is_no_mapping(text, kind, written):
    file = written(text)
    assert error(file=file) == f"{file}: expected lines of the form 'key: value', got {kind}."


@pytest.mark.parametrize("content", [b"\xff\xfee\x00", b"name: caf\xe9\n", b"epochs: \x00\n"], ids=["UTF-16", "Latin-1", "NUL"])
def test_a_file_that_is_no_text(content, written):
    file = written(content)
    assert str(file) in error(file=file)


def test_a_file_that_cannot_be_read(tmp_path):
    for path, reason in ((tmp_path / "gone.yaml", "No such file"), (tmp_path, "Is a directory")):
        found = error(file=path)
        assert f"'{path}'" in found and reason in found


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n", "{}\n", "null\n"])
def test_an_empty_file_is_no_setting(text, written):
    assert resolve(file=written(text)) == resolve()


@pytest.mark.parametrize(
    "text", ["\ufeffepochs: 3\n", "epochs: 3\r\nseed: 1\r\n", "epochs: 3", "{epochs: 3}", '"epochs": 3', "epochs: 3.0", "epochs: '3'"]
)
def test_ways_to_write_a_file(text, written):
    assert resolve(file=written(text)).config.epochs == 3


@pytest.mark.parametrize(
    ("text", "ops"),
    [
        ("mixup", ("mixup",)),
        ("autoaugment, random_erasing,mixup", ("autoaugment", "random_erasing", "mixup")),
        ("none", ()),
        ("", ()),
        (
            "keras:RandomContrast(factor=0.2, value_range=(0, 255)),cutout",
            ("keras:RandomContrast(factor=0.2, value_range=(0, 255))", "cutout"),
        ),
    ],
)
def test_augmentations_are_names_with_commas_between_them(text, ops):
    assert resolve({"augment.ops": text}).config.augment.ops == ops


def test_an_unknown_augmentation_is_named_with_the_nearest():
    found = error(flags={"augment.ops": "mixup,cutot"})
    assert "'cutot'" in found and "'cutout'" in found and len(found.splitlines()) <= 3


def test_an_augmentation_has_settings_of_its_own():
    found = resolve({"augment.ops": "mixup"}, settings=["augment.mixup.alpha=0.8"]).config
    assert dict(found.augment.chosen())["mixup"].alpha == 0.8 and found.augment.cutmix.alpha == 1.0
