"""Passes over a split: every image once, all randomness from the seed."""

from collections.abc import Iterable

import pytest
import torch
from torch import Tensor

from pdarts.data.division import Division, divided
from pdarts.data.loaders import Loader
from pdarts.data.split import Split
from pdarts.errors import InputError
from pdarts.settings.augmentation import Augmentation

CPU = torch.device("cpu")
MEAN, STD = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
CHANGES = Augmentation(crop_padding=2, flip=True, cutout=3)


def numbered(count: int) -> Split:
    """Image n is filled with n and labelled n."""
    labels = torch.arange(count)
    return Split(labels.to(torch.uint8)[:, None, None, None].expand(-1, 3, 8, 8).contiguous(), labels)


def loader(count: int = 23, batch_size: int = 5, augmentation: Augmentation | None = None) -> Loader:
    return Loader(numbered(count), batch_size, MEAN, STD, augmentation, CPU)


def equal(left: Iterable[tuple[Tensor, Tensor]], right: Iterable[tuple[Tensor, Tensor]]) -> bool:
    pairs = list(zip(left, right, strict=True))
    assert pairs
    return all(torch.equal(a, c) and torch.equal(b, d) for (a, b), (c, d) in pairs)


@pytest.mark.parametrize(("count", "sizes"), [(23, [5, 5, 5, 5, 3]), (20, [5, 5, 5, 5]), (3, [3])])
def test_the_last_smaller_batch_is_kept(count: int, sizes: list[int]) -> None:
    for batches in (loader(count).shuffled(0), loader(count).in_order(), loader(count, 5, CHANGES).shuffled(0)):
        assert [len(labels) for _, labels in batches] == sizes
    assert len(loader(count)) == len(sizes)


@pytest.mark.parametrize("augmentation", [None, CHANGES], ids=["as they are", "augmented"])
def test_a_shuffled_pass_shows_every_image_once(augmentation: Augmentation | None) -> None:
    labels = torch.cat([labels for _, labels in loader(augmentation=augmentation).shuffled(7)])
    assert labels.tolist() != list(range(23))
    assert sorted(labels.tolist()) == list(range(23))


def test_images_stay_with_their_labels() -> None:
    for batches in (loader().shuffled(1), loader().in_order()):
        for images, labels in batches:
            expected = (labels[:, None] / 255 - torch.tensor(MEAN)) / torch.tensor(STD)
            assert images.dtype == torch.float32
            assert torch.allclose(images, expected[:, :, None, None].expand_as(images), atol=1e-6)


def test_a_pass_in_order_is_neither_shuffled_nor_augmented() -> None:
    assert equal(loader(augmentation=CHANGES).in_order(), loader().in_order())
    labels = torch.cat([labels for _, labels in loader(augmentation=CHANGES).in_order()])
    assert labels.tolist() == list(range(23))


def test_a_pass_is_a_function_of_its_seed_alone() -> None:
    one, other = loader(augmentation=CHANGES), loader(augmentation=CHANGES)
    torch.manual_seed(1)
    first = list(one.shuffled(11))
    next(other.shuffled(12))
    torch.manual_seed(2)
    torch.rand(3)
    assert equal(first, other.shuffled(11))
    interleaved = zip(one.shuffled(11), one.shuffled(12), strict=True)
    assert equal(first, (batch for batch, _ in interleaved))


def test_passes_leave_the_global_random_numbers_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(4)
    torch.manual_seed(5)
    list(loader(augmentation=CHANGES).shuffled(0))
    assert torch.equal(torch.rand(4), expected)


def test_each_seed_gives_another_order_and_other_changes() -> None:
    split = Split(torch.randint(256, (1, 3, 8, 8), dtype=torch.uint8).expand(23, -1, -1, -1), torch.arange(23))
    batches = Loader(split, 23, MEAN, STD, CHANGES, CPU)
    passes = [next(iter(batches.shuffled(seed))) for seed in range(20)]
    assert len({tuple(labels.tolist()) for _, labels in passes}) == 20
    assert len({images.numpy().tobytes() for images, _ in passes}) == 20


def test_passes_do_not_change_the_images() -> None:
    split = numbered(23)
    before = split.images.clone()
    batches = Loader(split, 5, MEAN, STD, CHANGES, CPU)
    for _ in (*batches.shuffled(0), *batches.in_order()):
        pass
    assert torch.equal(split.images, before)


@pytest.mark.parametrize(("count", "portion", "first"), [(10, 0.5, 5), (11, 0.5, 5), (10, 0.39, 3), (50, 0.98, 49)])
def test_the_first_part_of_the_images_trains_weights_and_the_rest_alphas(
    count: int, portion: float, first: int
) -> None:
    weights, alphas = divided(numbered(count), Division(portion))
    assert weights.labels.tolist() == list(range(first))
    assert alphas.labels.tolist() == list(range(first, count))
    assert weights.images[:, 0, 0, 0].tolist() == weights.labels.tolist()
    assert alphas.images[:, 0, 0, 0].tolist() == alphas.labels.tolist()


def test_a_portion_that_leaves_nothing_to_train_on_is_refused() -> None:
    with pytest.raises(InputError, match=r"train_portion is 0\.05, which leaves none of 10 training images"):
        divided(numbered(10), Division(0.05))
