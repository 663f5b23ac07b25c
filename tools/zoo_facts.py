"""Writes the facts beside the zoo's rows: what is counted from the graph, what timm knows of its weights, what PaddleClas published.

Needs timm (see --help). The facts of PaddleClas are those of tests/data/paddleclas_models.tsv, copied from its model list.
"""

import argparse
import csv
import json
import math
import sys
from pathlib import Path
from typing import Any

import keras

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tools")]

import reference_weights as reference  # noqa: E402
from timm_on_cpu import INSTALL, import_timm  # noqa: E402

from kclassify.models import create_model  # noqa: E402
from kclassify.presets import ModelRow  # noqa: E402
from kclassify.presets.models import modules, rows_of  # noqa: E402

PUBLISHED = ROOT / "tests" / "data" / "paddleclas_models.tsv"


def macs(model: keras.Model) -> int:
    """Multiplications of one picture in convolutions, dense layers and products of attention, from the graph."""
    return sum(_macs(operation) for operation in model.operations)


def _macs(operation: Any) -> int:
    if not operation._inbound_nodes:
        return 0
    node = operation._inbound_nodes[0]
    out = math.prod(node.outputs[0].shape[1:])
    if isinstance(operation, keras.layers.DepthwiseConv2D):
        return out * math.prod(operation.kernel_size)
    if isinstance(operation, (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Dense)):
        return out * math.prod(operation.kernel.shape[:-1])
    kind = type(operation).__name__
    if kind == "Matmul":
        return out * node.input_tensors[0].shape[-1]
    if kind == "DotProductAttention":  # [N, L, heads, d]
        query, key = node.input_tensors[:2]
        return 2 * math.prod(query.shape[1:]) * key.shape[1]
    return 0


def timm_facts(timm: Any, row: ModelRow) -> dict[str, Any]:
    """How timm prepares pictures for the row's weights, under which terms they are, and the digest of its state dict's names and shapes."""
    import torch

    with torch.device("meta"):
        shapes = {name: tuple(tensor.shape) for name, tensor in timm.create_model(row.timm, num_classes=1000).state_dict().items()}
    facts: dict[str, Any] = {"timm_layout": reference.layout_digest(shapes)}
    hub = next((source.removeprefix("timm/") for source in row.sources if source.startswith("timm/")), None)
    if hub:
        known = timm.get_pretrained_cfg(hub)
        facts["licence"] = known.license or ""
        facts.update({} if known.num_classes else {"headless": True})
        facts["preprocessing"] = {
            "size": known.input_size[-1],
            "crop_pct": known.crop_pct,
            "interpolation": known.interpolation,
            "mean": list(known.mean),
            "std": list(known.std),
        }
    return facts


def published(row: ModelRow) -> dict[str, Any]:
    """PaddleClas' accuracies in percent, if it has the model."""
    with PUBLISHED.open(newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file, delimiter="\t"):
            if line["model"] in row.aliases:
                top5 = round(100 * float(line["top5"]), 2) if line["top5"] else 0.0
                return {"top1": round(100 * float(line["top1"]), 2), "top5": top5, "top1_source": "PaddleClas"}
    return {}


def facts(timm: Any, row: ModelRow) -> dict[str, Any]:
    """All facts of one row. The size at which it is counted is its weights'."""
    found = {**(timm_facts(timm, row) if row.timm else {}), **(published(row) if not row.top1 or row.top1_source == "PaddleClas" else {})}
    size = row.preprocessing.size if row.preprocessing != type(row.preprocessing)() else found.get("preprocessing", {}).get("size", 224)
    model = create_model(row.name, input_shape=(size, size, 3))
    found["params"] = sum(math.prod(variable.shape) for variable in model.trainable_variables)
    found["macs"] = macs(model)
    return dict(sorted(found.items()))


def main() -> None:
    """Write the file of facts of each module that is named."""
    parser = argparse.ArgumentParser(description=__doc__, epilog=f"Install: {INSTALL}")
    parser.add_argument("modules", nargs="*", help="modules of kclassify/presets/zoo; all of them by default")
    timm = import_timm()
    for module in parser.parse_args().modules or modules():
        rows = {}
        for row in rows_of(module):
            rows[row.name] = facts(timm, row)
            print(f"{row.name:<36}{rows[row.name]['params']:>12,} parameters {rows[row.name]['macs'] / 1e9:8.3f} G", flush=True)
            keras.backend.clear_session()
        text = ",\n".join(f" {json.dumps(name)}: {json.dumps(values)}" for name, values in rows.items())
        (ROOT / "kclassify" / "presets" / "zoo" / f"{module}.json").write_text(f"{{\n{text}\n}}\n")


if __name__ == "__main__":
    main()
