"""Which images train weights and which train alphas, of images in memory and of an index of files alike."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from pdarts.data.batches import batches_of_parts
from pdarts.data.catalog import Split
from pdarts.data.division import Division, divided
from pdarts.data.folder import describe
from pdarts.data.index import Index
from pdarts.errors import InputError
from pdarts.settings.machine import Machine
from tests.data.folders import CHANGES, image_folder, write_folder

LABELS = [2, 0, 1, 0, 0, 2, 1, 0, 2, 0, 0, 1, 2, 0, 1, 0, 2, 1, 0, 0]
"""10 images of class 0, 5 each of classes 1 and 2."""


def in_memory() -> Split:
    """Images whose first pixel is their number."""
    pixels = torch.arange(len(LABELS), dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 4, 4)
    return Split(pixels.contiguous(), torch.tensor(LABELS))


def in_files() -> Index:
    """Images whose size in bytes is their number."""
    lines = [json.dumps([f"{label}/{number}.jpg", label, 4, 4, number, "0"]) for number, label in enumerate(LABELS)]
    return Index.of("".join(f"{line}\n" for line in lines).encode(), Path("train"))


def numbers(part: Any) -> list[int]:
    """Of the images of a part, after a look at its labels."""
    found = part.images[:, 0, 0, 0].tolist() if isinstance(part, Split) else [entry.size for entry in part]
    assert part.labels.tolist() == [LABELS[number] for number in found]
    return found


BOTH = pytest.mark.parametrize("images", [in_memory(), in_files()], ids=["in memory", "in files"])


@BOTH
def test_parts_in_order_are_the_first_images_and_those_behind_them(images: Any) -> None:
    first, second = divided(images, Division(0.6))
    assert (numbers(first), numbers(second)) == ([*range(12)], [*range(12, 20)])
    first, second = divided(images, Division(0.59, 0.2))
    assert (numbers(first), numbers(second)) == ([*range(11)], [*range(11, 15)])


@BOTH
def test_a_first_part_of_all_leaves_none_to_the_second(images: Any) -> None:
    first, second = divided(images, Division(1.0))
    assert (numbers(first), numbers(second)) == ([*range(20)], [])


@BOTH
@pytest.mark.parametrize("seed", range(3))
def test_parts_by_class_have_the_same_share_of_every_class_and_no_image_in_common(images: Any, seed: int) -> None:
    parts = [numbers(part) for part in divided(images, Division(0.4, 0.2, "by_class", seed))]
    counts = [[sum(LABELS[number] == label for number in part) for label in range(3)] for part in parts]
    assert counts == [[4, 2, 2], [2, 1, 1]]
    assert not set(parts[0]) & set(parts[1])
    assert all(part == sorted(part) for part in parts)


@BOTH
def test_without_a_share_the_second_part_by_class_has_all_others(images: Any) -> None:
    first, second = (numbers(part) for part in divided(images, Division(0.5, None, "by_class")))
    assert sorted([*first, *second]) == [*range(20)]
    assert [LABELS[number] for number in first].count(0) == 5


@BOTH
def test_the_seed_alone_decides_on_the_draw(images: Any) -> None:
    found = []
    for seed in (0, 0, 1):
        torch.rand(3)
        found.append([numbers(part) for part in divided(images, Division(0.4, 0.4, "by_class", seed))])
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_images_in_memory_and_in_files_are_divided_alike() -> None:
    division = Division(0.4, 0.2, "by_class", 7)
    parts = zip(divided(in_memory(), division), divided(in_files(), division), strict=True)
    assert all(numbers(one) == numbers(other) for one, other in parts)


@BOTH
@pytest.mark.parametrize(
    ("division", "message"),
    [
        (Division(0.04), r"train_portion is 0.04, which leaves none of 20 training images to train weights"),
        (Division(0.5, 0.04), r"alphas_portion is 0.04, which leaves none of 20 training images to train alphas"),
        (Division(0.05, 0.5, "by_class"), r"train_portion is 0.05, which leaves none of 20 .* allowed: from 1/20"),
    ],
)
def test_a_part_that_would_be_empty_is_refused(images: Any, division: Division, message: str) -> None:
    with pytest.raises(InputError, match=message):
        divided(images, division)


def test_a_local_copy_holds_the_images_of_the_parts_alone(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    write_folder(root, train=20, scale=0.25)
    manifest = describe(image_folder(32), root, 0)
    division = Division(0.4, 0.2, "by_class", 1)
    where = Machine(data_roots={"photos": str(root)}, workers=0)
    local = where.model_copy(update={"local_copy": str(tmp_path / "local")})
    cpu = torch.device("cpu")
    apart, copied = (batches_of_parts(manifest, division, machine, 4, CHANGES, cpu) for machine in (where, local))
    for here, there in zip(apart, copied, strict=True):
        for batch, other in zip(here.shuffled(0), there.shuffled(0), strict=True):
            assert all(torch.equal(one, another) for one, another in zip(batch, other, strict=True))
    assert len(list((tmp_path / "local").rglob("*.jpg"))) == 8 + 4
    assert len(list((root / "train").rglob("*.jpg"))) == 20
