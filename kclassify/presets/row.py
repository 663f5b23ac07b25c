"""What a row of the zoo says: the builder and its settings, how pictures are prepared, and where weights come from."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kclassify.presets.card import Preprocessing


@dataclass(frozen=True, kw_only=True)
class ModelRow:
    """One preset: `family` names the module of kclassify/models/families whose `build(x, **config)` makes its features.

    `heads` are the torch paths of the classifiers: one, or two whose logits are averaged (distilled models). `timm` is the equal
    architecture of timm, whose files load as they are, or "". `weights` says where pretrained weights come from
    ("package:PACKAGE/PATH/IN/IT", or "" when none are at hand), `sources` where else they are published (a package again, a hub id such as
    "timm/resnet18.a1_in1k", or an address) and `licence` under which terms ("" with none); `headless` weights have no classifier,
    others one for `classes`.

    What was counted or published comes from the file of facts beside the rows: `params` counts the trained numbers at 1,000 classes, `macs`
    the multiplications of one picture. `top1` and `top5` are accuracies on ImageNet-1k in percent (0 if none is known) that `top1_source`
    publishes for the architecture; they are not measurements of this package.
    """

    name: str
    series: str
    family: str
    config: Mapping[str, Any]
    heads: tuple[str, ...]
    paper: str
    preprocessing: Preprocessing = dataclasses.field(default_factory=Preprocessing)
    dropout: float = 0.0
    timm: str = ""
    aliases: tuple[str, ...] = ()
    weights: str = ""
    sources: tuple[str, ...] = ()
    licence: str = ""
    headless: bool = False
    classes: int = 1000
    params: int = 0
    macs: int = 0
    top1: float = 0.0
    top5: float = 0.0
    top1_source: str = ""


@dataclass(frozen=True)
class Series:
    """What the rows of one series have in common: the family that builds them, the classifier's torch path, the paper's arXiv id."""

    name: str
    family: str
    head: str
    paper: str
    dropout: float = 0.0

    def row(self, name: str, config: Mapping[str, Any], *, paddle: str = "", timm: str = "", size: int = 224, **more: Any) -> ModelRow:
        """One model of the series.

        `paddle` is PaddleClas' name, `timm` timm's with the tag of its weights ("resnet18.a1_in1k"); both are aliases. Without a tag it
        says that the architecture is timm's but the weights are others. `more` sets fields of ModelRow: `preprocessing` and `licence` win
        over timm's, which the file of facts holds; `heads` over the series'. `size` is the side of the input where nothing else
        says it.
        """
        architecture, _, tag = timm.partition(".")
        aliases = tuple(alias for alias in (paddle, architecture if tag else "", *more.pop("aliases", ())) if alias and alias != name)
        sources = more.pop("sources", ()) or ((f"timm/{timm}",) if tag else ())
        more.setdefault("preprocessing", Preprocessing(size=size))
        common: dict[str, Any] = {"heads": (self.head,), "dropout": self.dropout, **more}
        return ModelRow(
            name=name,
            series=self.name,
            family=self.family,
            config=config,
            paper=self.paper,
            timm=architecture,
            aliases=tuple(dict.fromkeys(aliases)),
            sources=sources,
            **common,
        )
