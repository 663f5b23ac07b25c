"""`make demo`: the main job from end to end on real images, with the commands that a person would type."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

KCLASSIFY = Path(sys.executable).with_name("kclassify")
GOAL = 0.95


def main(out: Path) -> int:
    """Predict, train, judge, use and ship; 0 if the model is good and the export agrees."""
    began = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    photos = out / "photos"
    photos.mkdir(exist_ok=True)
    for name, pixels in zip(("temple", "flower"), load_sample_images().images, strict=True):
        Image.fromarray(pixels).save(photos / f"{name}.jpg", quality=95)
    step("1. What is on two photographs? The built-in ImageNet model says:")
    kclassify("predict", photos, "--topk", 3, "-q")
    step("2. Train: the built-in model learns handwritten digits from 1,442 images")
    trained = json.loads(kclassify("train", "--preset", "efficientnet_lite0", "--data", "digits", "--epochs", 4, "--out", out, "--json"))
    run = Path(trained["run"])
    step("3. Judge it on 355 digits that it has never seen")
    judged = json.loads(kclassify("eval", run, "--json", "-q"))
    print(f"top1 {judged['top1']:.4f}  top5 {judged['top5']:.4f}  loss {judged['loss']:.4f}")
    step("4. Export it to ONNX, compared with Keras before the file gets its name")
    onnx_file = run / "digits.onnx"
    report = json.loads(kclassify("export", run, "--format", "onnx", "-o", onnx_file, "--json"))
    print(f"{report['path']}: {report['megabytes']:.1f} MB, largest difference to Keras {report['max_difference']:.1e} on photographs")
    step("5. Use it: all 355 held-out digits with Keras and with the ONNX file")
    agreed = compare(run, onnx_file, held_out(run))
    step(f"Done in {time.monotonic() - began:.0f} s. Everything is here:")
    places = {"run": run, "model": run / "best.keras", "ONNX": onnx_file, "curves": run / "tensorboard", "numbers": run / "metrics.csv"}
    for name, path in places.items():
        print(f"  {name:8} {path}")
    print(f"\ntop1 on held-out digits: {judged['top1']:.4f} (goal {GOAL})\nONNX and Keras name the same digit on every image: {agreed}")
    return 0 if judged["top1"] >= GOAL and agreed else 6


def held_out(run: Path) -> list[Path]:
    """The validation images of the run."""
    root = Path(json.loads((run / "run.json").read_text())["data"]["root"]).parent / "val"
    return sorted(root.rglob("*.png"))


def compare(run: Path, onnx_file: Path, images: list[Path]) -> bool:
    """Whether both models rank the same class first on every image; prints a few answers and the largest difference."""
    answers = [
        json.loads(kclassify("predict", *images, "--model", model, "--topk", 10, "--json", "-q"))["results"] for model in (run, onnx_file)
    ]
    scores = [np.array([sorted((p["class_id"], p["score"]) for p in row["predictions"]) for row in rows])[:, :, 1] for rows in answers]
    for row in answers[1][::71]:
        best = row["predictions"][0]
        print(f"  {Path(row['file']).relative_to(images[0].parents[1])} -> {best['label']} ({best['score']:.3f})")
    print(f"largest difference of a probability: {np.abs(scores[0] - scores[1]).max():.1e}")
    return bool((scores[0].argmax(1) == scores[1].argmax(1)).all())


def step(text: str) -> None:
    """A heading."""
    print(f"\n{text}", flush=True)


def kclassify(*arguments: object) -> str:
    """Run a command as typed; its stdout is shown unless it is JSON, and returned."""
    words = [str(argument) for argument in arguments]
    files = sum(word.endswith(".png") for word in words)
    shown = [words[0], f"<{files} files>", *(word for word in words[1:] if not word.endswith(".png"))] if files > 3 else words
    print(f"$ kclassify {' '.join(shown)}", flush=True)
    done = subprocess.run([KCLASSIFY, *words], check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(done.returncode)
    if "--json" not in words:
        print(done.stdout, end="", flush=True)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo-output")))
