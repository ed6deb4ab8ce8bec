"""Which images train weights and which train alphas: of images in memory and of an index alike."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from pdarts.data.batches import batches_of_parts
from pdarts.data.batching import Batching
from pdarts.data.division import Division, divided
from pdarts.data.folder import describe
from pdarts.data.index import Index
from pdarts.data.manifest import describe as describe_digits
from pdarts.data.share import WHOLE, Share
from pdarts.data.split import Split
from pdarts.errors import InputError
from pdarts.settings.datasets import Dataset
from pdarts.settings.machine import Machine
from tests.data.folders import CHANGES, image_folder, write_folder

LABELS = torch.tensor([0, 1, 1, 2, 2, 2] * 10)
"""10, 20 and 30 images of three classes."""


def in_memory(labels: Tensor) -> Split:
    """Image n is filled with n."""
    return Split(torch.arange(len(labels), dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 2, 2), labels)


def in_folder(labels: Tensor) -> Index:
    """Image n is called n."""
    entries = [[f"{label}/{number}.jpg", label, 2, 2, 9, "00"] for number, label in enumerate(labels.tolist())]
    return Index.of("".join(json.dumps(entry) + "\n" for entry in entries).encode(), Path("photos"))


def numbers(images: Split | Index) -> list[int]:
    if isinstance(images, Split):
        return images.images[:, 0, 0, 0].tolist()
    return [int(Path(images[index].path).stem) for index in range(len(images))]


BOTH = pytest.mark.parametrize("make", [in_memory, in_folder])
Make = Callable[[Tensor], Any]


@BOTH
def test_by_class_takes_the_same_share_of_every_class(make: Make) -> None:
    first, second = divided(make(LABELS), Division(0.5, 0.2, "by_class", seed=3))
    assert first.labels.bincount().tolist() == [5, 10, 15]
    assert second.labels.bincount().tolist() == [2, 4, 6]


@BOTH
def test_parts_by_class_share_no_image_and_keep_their_labels_and_order(make: Make) -> None:
    first, second = divided(make(LABELS), Division(0.5, 0.5, "by_class"))
    assert sorted(numbers(first) + numbers(second)) == list(range(60))
    for part in (first, second):
        assert numbers(part) == sorted(numbers(part))
        assert part.labels.equal(LABELS[numbers(part)])


@BOTH
def test_without_a_second_share_all_others_are_the_second_part(make: Make) -> None:
    first, second = divided(make(LABELS), Division(0.3, None, "by_class"))
    assert (len(first), len(second)) == (18, 42)
    assert not set(numbers(first)) & set(numbers(second))


def test_the_seed_decides_which_images_are_drawn_and_where_they_lie_does_not() -> None:
    drawn = [
        [numbers(part) for part in divided(make(LABELS), Division(0.5, 0.25, "by_class", seed))]
        for seed, make in ((0, in_memory), (0, in_folder), (1, in_memory))
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    assert numbers(divided(in_memory(LABELS), Division(0.5))[0]) != drawn[0][0]


@BOTH
def test_in_order_the_first_images_come_first(make: Make) -> None:
    first, second = divided(make(LABELS[:59]), Division(0.5))
    assert (numbers(first), numbers(second)) == (list(range(29)), list(range(29, 59)))
    first, second = divided(make(LABELS), Division(0.5, 0.25))
    assert (numbers(first), numbers(second)) == (list(range(30)), list(range(30, 45)))


@BOTH
def test_a_first_part_of_all_images_leaves_none(make: Make) -> None:
    first, second = divided(make(LABELS), Division(1.0))
    assert (len(first), len(second)) == (60, 0)


@BOTH
@pytest.mark.parametrize("images", ["in_order", "by_class"])
def test_an_empty_part_is_refused(make: Make, images: Any) -> None:
    with pytest.raises(InputError, match=r"train_portion is 0\.01, which leaves none of 60 training images to"):
        divided(make(LABELS), Division(0.01, None, images))
    with pytest.raises(InputError, match=r"alphas_portion is 0\.01, which leaves none of 60 training images to"):
        divided(make(LABELS), Division(0.5, 0.01, images))


def test_a_local_copy_holds_the_images_of_the_parts_alone(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    write_folder(root, train=20, scale=0.25)
    manifest = describe(image_folder(32), root, 0)
    division = Division(0.4, 0.2, "by_class", 1)
    where = Machine(data_roots={"photos": str(root)}, workers=0)
    local = where.model_copy(update={"local_copy": str(tmp_path / "local")})
    batching = Batching(4, CHANGES, torch.device("cpu"))
    apart, copied = (batches_of_parts(manifest, division, machine, batching) for machine in (where, local))
    for here, there in zip(apart, copied, strict=True):
        for batch, other in zip(here.shuffled(0), there.shuffled(0), strict=True):
            assert all(torch.equal(one, another) for one, another in zip(batch, other, strict=True))
    assert len(list((tmp_path / "local").rglob("*.jpg"))) == 8 + 4
    assert len(list((root / "train").rglob("*.jpg"))) == 20


@pytest.mark.parametrize(("images", "lacking"), [("in_order", ["train"]), ("by_class", ["train", "do not train"])])
def test_classes_that_a_part_lacks_are_warned_of_with_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], images: Any, lacking: list[str]
) -> None:
    root = tmp_path / "photos"
    write_folder(root, train=20, scale=0.25)
    for path in sorted((root / "train" / "digit 3").iterdir())[1:]:
        path.unlink()
    manifest, machine = describe(image_folder(32), root, 0), Machine(data_roots={"photos": str(root)}, workers=0)
    capsys.readouterr()

    def said(division: Division, share: Share = WHOLE) -> list[str]:
        batches_of_parts(manifest, division, machine, Batching(2, None, torch.device("cpu"), share))
        return capsys.readouterr().err.splitlines()

    beginning = "warning: photos: classes without an image among the 6 that"
    assert said(Division(0.4, 0.4, images)) == [
        f"{beginning} {which} network weights: 1 of 4, digit 3 (1 in all)" for which in lacking
    ]
    assert said(Division(0.4, 0.4, images), Share(1, 2)) == []  # the first process has said it
    assert said(Division(1.0)) == []


def test_halves_with_every_class_are_not_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = Dataset(source="digits", train_images=None, mean=(0.3, 0.3, 0.3), std=(0.4, 0.4, 0.4))
    digits, batching = describe_digits(dataset, tmp_path, download=False), Batching(96, None, torch.device("cpu"))
    batches_of_parts(digits, Division(0.5), Machine(), batching)
    assert capsys.readouterr().err == ""
    batches_of_parts(digits, Division(0.001), Machine(), batching)
    (line,) = capsys.readouterr().err.splitlines()
    assert "digits: classes without an image among the 1 that train network weights: 9 of 10, 1 (" in line
