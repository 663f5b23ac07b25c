"""The rules of the house that a linter does not know, read from the source: imports go one way, sizes, words that must not be there."""

import ast
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "kclassify"

# The one direction: a room may import only what stands above it; rooms of one row are siblings and never import each other.
CHAIN = (
    ("errors",),
    ("presets", "processors", "statefiles"),
    ("config",),
    ("bundle", "devices", "console", "remote"),
    ("data", "models", "metrics"),
    ("reference", "reparameterise"),
    ("training",),
    ("evaluation",),
    ("predictor",),
    ("formats",),
    ("screen",),
    ("verbs",),
    ("cli",),
    ("kclassify", "__main__"),  # the package's own face: kclassify/__init__.py
)
LEVEL = {room: number for number, row in enumerate(CHAIN) for room in row}
# `kclassify --version` reads the number where setup.cfg reads it.
FROM_THE_FACE = {("cli", "__version__")}

FRAMEWORKS = {"tensorflow", "keras", "torch", "jax", "onnx", "onnxruntime", "tf2onnx", "keras_cv", "keras_hub"}
HEAVY = FRAMEWORKS | {"numpy", "PIL", "sklearn", "scipy", "rich.table"}
# What --help, presets and config load: nothing heavy may stand at the top of these.
LIGHT = {"errors", "presets", "config", "devices", "console", "screen", "verbs", "cli", "reference", "evaluation", "kclassify", "__main__"}
# What `predict --model x.onnx` loads besides: no framework at the top of these.
NO_FRAMEWORK = LIGHT | {"predictor", "formats"}
MODELS_MAY = {"keras", "keras_hub", "numpy"}

FILES = sorted(ROOT.rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8"), str(path)) for path in FILES}
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())


def room(path):
    """The place of a file in the chain: its first folder, or its own name."""
    first = path.relative_to(ROOT).parts[0]
    return "kclassify" if first == "__init__.py" else first.removesuffix(".py")


def dotted(path):
    parts = ("kclassify", *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {dotted(path) for path in FILES}


def imports(nodes):
    """(module, name or None) for every import below the nodes; a relative one stands out by its dots."""
    for top in nodes:
        for node in ast.walk(top):
            if isinstance(node, ast.Import):
                yield from ((alias.name, None) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from (("." * node.level + (node.module or ""), alias.name) for alias in node.names)


def own_imports(tree):
    """Dotted names of the modules of this package that a file imports, wherever in it; the second is the name taken from the face."""
    for module, name in imports([tree]):
        if module.split(".")[0] == "kclassify":
            full = f"{module}.{name}"
            yield (full, None) if full in NAMES else (module, name if module == "kclassify" else None)


def foreign(nodes):
    return {module.split(".")[0] for module, _ in imports(nodes)} - {"kclassify"}


def at_the_top(tree):
    """What runs when a module is imported: no function bodies, no `if TYPE_CHECKING`."""
    for node in tree.body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node


def test_the_chain_names_every_room_once_and_no_other():
    assert sorted(LEVEL) == sorted({room(path) for path in FILES})
    assert len(LEVEL) == sum(len(row) for row in CHAIN)
    assert LEVEL["predictor"] < LEVEL["formats"]


@every_file
def test_imports_go_one_way(path):
    here = room(path)
    wrong = []
    for module, from_face in own_imports(TREES[path]):
        there = "kclassify" if module == "kclassify" else module.split(".")[1]
        if there == here or (here, from_face) in FROM_THE_FACE:
            continue
        if LEVEL[there] >= LEVEL[here]:
            wrong.append(f"{here} imports {module}")
    assert not wrong


@every_file
def test_imports_name_the_package_in_full(path):
    assert not [module for module, _ in imports([TREES[path]]) if module.startswith(".")]


def test_no_module_imports_itself_by_a_detour():
    graph = defaultdict(set)
    for path, tree in TREES.items():
        graph[dotted(path)] = {module for module, from_face in own_imports(tree) if from_face is None and module != dotted(path)}
    TopologicalSorter(graph).prepare()  # raises CycleError


@every_file
def test_what_must_start_fast_imports_nothing_heavy_at_its_top(path):
    loaded = foreign(at_the_top(TREES[path]))
    if room(path) in LIGHT:
        assert not loaded & HEAVY
    if room(path) in NO_FRAMEWORK:
        assert not loaded & FRAMEWORKS


@every_file
def test_presets_are_plain_python(path):
    if room(path) == "presets":
        import sys

        assert foreign([TREES[path]]) <= set(sys.stdlib_module_names)


@every_file
def test_models_know_keras_and_numpy_only(path):
    import sys

    if room(path) == "models":
        assert foreign([TREES[path]]) - set(sys.stdlib_module_names) <= MODELS_MAY
    if room(path) != "devices":
        assert not {"torch", "jax"} & foreign([TREES[path]])


@every_file
def test_sizes(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
    functions = [node for node in ast.walk(TREES[path]) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    assert not {f.name: f.end_lineno - f.lineno + 1 for f in functions if f.end_lineno - f.lineno + 1 > 50}


@every_file
def test_a_file_says_what_it_is_for(path):
    text = ast.get_docstring(TREES[path])
    assert text
    assert text.splitlines()[0].endswith((".", ":"))


@every_file
def test_a_file_is_named_after_what_it_holds(path):
    assert path.stem.strip("_") not in {"util", "utils", "common", "helper", "helpers", "misc"}
    assert not path.stem.endswith(("_v2", "V2"))


def forbidden(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            yield "assert", node.lineno
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("eval", "exec", "print", "input", "breakpoint")
        ):
            yield node.func.id, node.lineno
        elif isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            yield "import *", node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in ("pickle", "marshal", "shelve") and node.attr in ("load", "loads"):
                yield f"{node.value.id}.{node.attr}", node.lineno
        elif (
            isinstance(node, ast.keyword)
            and node.arg == "allow_pickle"
            and not (isinstance(node.value, ast.Constant) and not node.value.value)
        ):
            yield "allow_pickle", node.lineno


@every_file
def test_words_that_must_not_be_there(path):
    assert not list(forbidden(TREES[path]))
    if "pickle" in foreign([TREES[path]]):
        assert path.name == "torchfile.py"


@pytest.mark.parametrize(
    "text", ["assert 1", "x = eval('1')", "print(1)", "from os import *", "pickle.load(f)", "np.load(f, allow_pickle=True)"]
)
def test_the_forbidden_words_are_found(text):
    assert list(forbidden(ast.parse(text)))


def test_only_the_restricted_unpickler_subclasses_one():
    """Its `find_class` decides what a file may name; the classes that it allows are tested in test_torchfile.py."""
    found = [
        (path.name, {item.name for item in node.body if isinstance(item, ast.FunctionDef)})
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and any("Unpickler" in ast.unparse(base) for base in node.bases)
    ]
    assert [name for name, _ in found] == ["torchfile.py"]
    assert all("find_class" in methods for _, methods in found)
