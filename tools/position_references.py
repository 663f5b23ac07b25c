"""Writes tests/data/positions.json: tables of positions as timm resizes them, so that the tests need no torch. Needs timm (see --help)."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tools")]

from reference_weights import position_table  # noqa: E402
from timm_on_cpu import INSTALL, import_timm  # noqa: E402

# (side of the old square, rows and columns of the new one, tokens before them)
PICTURES = ((4, (6, 6), 1), (6, (3, 3), 2), (4, (3, 5), 1), (5, (8, 2), 0), (14, (12, 12), 1))
WINDOWS = ((2, 3), (3, 4), (4, 2), (7, 6), (7, 8))


def main() -> None:
    """Write the file."""
    argparse.ArgumentParser(description=__doc__, epilog=f"Install: {INSTALL}").parse_args()
    import_timm()
    import torch
    from timm.layers import resample_abs_pos_embed, resize_rel_pos_bias_table

    cases: list[dict[str, Any]] = []
    for side, grid, tokens in PICTURES:
        table = torch.from_numpy(position_table(side**2 + tokens)[None])
        values = resample_abs_pos_embed(table, list(grid), num_prefix_tokens=tokens).numpy()
        cases.append({"name": "pos_embed", "old": side**2 + tokens, "grid": grid, "values": values})
    for old, new in WINDOWS:
        table, shape = torch.from_numpy(position_table((2 * old - 1) ** 2)), ((2 * new - 1) ** 2, 2)
        values = resize_rel_pos_bias_table(table, (new, new), shape).numpy()
        cases.append({"name": "attn.relative_position_bias_table", "old": (2 * old - 1) ** 2, "grid": None, "values": values})
    lines = [json.dumps({**case, "values": np.round(case["values"].astype(float), 5).tolist()}) for case in cases]
    (ROOT / "tests" / "data" / "positions.json").write_text("[\n " + ",\n ".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
