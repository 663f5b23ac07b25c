"""`kclassify` whose resnet18 and resnet50 are the net of tiny.py."""

from kclassify import devices

devices.start()

import tiny  # noqa: E402 - TensorFlow starts quietly first

from kclassify.cli import run  # noqa: E402

tiny.install()
run()
