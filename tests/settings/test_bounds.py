"""Every number of the config has bounds, and one that lies outside is told what it probably was."""

from collections.abc import Iterator
from typing import Any

import pytest

from pdarts.checking import parse
from pdarts.errors import InputError
from pdarts.settings.config import parse_config
from pdarts.settings.machine import Machine
from pdarts.settings.schema import schema
from tests.settings.test_config import changed


def numbers(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """All numbers that a schema describes, with their paths."""
    if isinstance(node, dict):
        if node.get("type") in ("integer", "number"):
            yield path, node
        node = {key: part for key, part in node.items() if key != "examples"}
    for key, part in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from numbers(part, f"{path}/{key}")


def test_every_number_has_bounds() -> None:
    found = list(numbers(schema()))
    assert len(found) > 50
    below, above = ("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")
    listed = [path for path, node in found if not ({*below} & node.keys() and {*above} & node.keys())]
    assert [path for path in listed if "seeds" not in path] == []  # a list of seeds is described by hand


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("datasets/digits/mean", [78, 0.3, 0.3], "mean[0] is 78; allowed: less than or equal to 1; the scale is"),
        ("datasets/digits/mean", [78, 0.3, 0.3], "from 0 to 1, and 78 of 255 is 0.3059"),
        ("datasets/digits/std", [0.3, 96, 0.3], "std[1] is 96; allowed: less than or equal to 1; the scale is from 0"),
        ("datasets/digits/std", [0.3, 0, 0.3], "std[1] is 0; allowed: greater than or equal to 0.001"),
        ("datasets/digits/mean", [-0.1, 0.3, 0.3], "mean[0] is -0.1; allowed: greater than or equal to 0"),
        ("recipes/digits/drop_path", 30, "drop_path is 30; allowed: less than 1; did you mean 0.3?"),
        ("recipes/digits/optimizer/momentum", 9, "momentum is 9; allowed: less than 1; did you mean 0.9?"),
        ("recipes/digits/optimizer/momentum", 1.0, "momentum is 1.0; allowed: less than 1, such as 0.9"),
        ("recipes/digits/optimizer/learning_rate", 25, "is 25; allowed: less than or equal to 10; did you mean 0.025?"),
        ("recipes/digits/optimizer/weight_decay", 3, "did you mean 0.0003?"),
        ("recipes/digits/optimizer/clip", 0, "clip is 0; allowed: greater than 0"),
        ("recipes/digits/label_smoothing", 10, "did you mean 0.1?"),
        ("recipes/digits/label_smoothing", -0.1, "label_smoothing is -0.1; allowed: greater than or equal to 0"),
        ("recipes/digits/auxiliary_weight", 40, "did you mean 0.4?"),
        ("searches/digits/alphas/betas", [5, 0.999], "betas[0] is 5; allowed: less than 1; did you mean 0.5?"),
        ("searches/digits/alphas/betas", [0.5, 999], "betas[1] is 999; allowed: less than 1; did you mean 0.999?"),
        ("searches/digits/train_portion", 50, "train_portion is 50; allowed: less than 1; did you mean 0.5?"),
        ("searches/digits/stages/1/skip_dropout", 40, "did you mean 0.4?"),
        ("searches/sdarts-rs-cifar10/radius", [3, 30], "radius[1] is 30; allowed: less than or equal to 1; did you"),
        ("recipes/imagenet/augmentation/color_jitter", [0.4, 0.4, 40, 0.2], "color_jitter[2] is 40"),
        ("requests/train/memory", 16, "memory is 16; allowed: greater than or equal to 100; did you mean 16000?"),
        ("trainings/digits/changes", {"drop_path": 30}, "changes: drop_path is 30; allowed: less than 1; did you"),
        ("repeats/retrainings", 10**9, "repeats.retrainings is 1000000000; allowed: less than or equal to 10000"),
        ("recipes/digits/optimizer/final_learning_rate", 0.1, "is 0.1; allowed with schedule cosine: up to"),
        ("recipes/cifar/augmentation/cutout", 33, "augmentation.cutout is 33; allowed: 0 to 32, the size of"),
        ("searches/digits/augmentation/crop_padding", 17, "augmentation.crop_padding is 17; allowed: 0 to 16"),
    ],
)  # fmt: skip
def test_a_number_out_of_bounds_is_told_what_it_probably_was(path: str, value: object, said: str) -> None:
    with pytest.raises(InputError) as raised:
        parse_config(changed(path, value))
    assert said in str(raised.value)


def test_images_may_stay_as_they_are() -> None:
    config = parse_config(changed("datasets/digits/mean", [0.0, 0.0, 0.0]))
    assert config.datasets["digits"].mean == (0, 0, 0)
    config = parse_config(changed("datasets/digits/std", [1.0, 1.0, 1.0]))
    assert config.datasets["digits"].std == (1, 1, 1)


def test_false_is_named_as_yaml_writes_it() -> None:
    with pytest.raises(InputError, match=r"^machine: graphs is 'maybe'; allowed: 'auto' or false$"):
        parse(Machine, {"graphs": "maybe"}, "machine")
