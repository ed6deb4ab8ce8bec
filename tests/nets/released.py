"""Files in the exact format of the reference implementation, written from the recorded cases."""

from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tests.reference import recorded

CASES = recorded.load("numerics")


def state(name: str, classes: int | None = None, auxiliary: bool = True) -> "OrderedDict[str, Tensor]":
    """A case's state dict as `Module.state_dict` gives it; float32 holds every drawn value exactly.

    Args:
        name: the case.
        classes: how many classes it tells apart; the case's own if None.
        auxiliary: with an auxiliary head.
    """
    case, shapes = CASES[name], {}
    for key, shape in CASES[name]["state_dict_shapes"].items():
        classifies = classes is not None and key.split(".")[-2] == "classifier"
        if auxiliary or not key.startswith("auxiliary_head."):
            shapes[key] = [classes, *shape[1:]] if classifies else shape
    drawn = recorded.state(case, shapes)
    found = OrderedDict((key, value.float() if value.is_floating_point() else value) for key, value in drawn.items())
    found._metadata = OrderedDict({"": {"version": 1}})  # type: ignore[attr-defined]
    return found


def write_cifar(path: Path, content: Any, zipped: bool = False) -> Path:
    """A bare state dict; `zipped` is how PyTorch saves since 1.6, younger than the authors' files."""
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return path


def write_imagenet(path: Path, content: "OrderedDict[str, Tensor]", zipped: bool = False) -> Path:
    """What the reference's training on several GPUs saves: the state dict is one entry of a dict."""
    parameter = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD([parameter], lr=0.5, momentum=0.9, weight_decay=0.00003)
    parameter.sum().backward()
    optimizer.step()
    parallel = OrderedDict((f"module.{name}", tensor) for name, tensor in content.items())
    whole = {"epoch": 250, "state_dict": parallel, "best_acc_top1": 75.6, "optimizer": optimizer.state_dict()}
    torch.save(whole, path, _use_new_zipfile_serialization=zipped)
    return path
