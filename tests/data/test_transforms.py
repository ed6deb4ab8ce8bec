"""Augmentation of batches: the right distribution, and bit for bit what a loop over single images gives."""

from collections import Counter

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from pdarts.data.transforms import augment, crop_and_flip, cut_out, normalize
from pdarts.settings.augmentation import Augmentation

MEAN = torch.tensor([0.49, 0.48, 0.45])[:, None, None]
STD = torch.tensor([0.25, 0.24, 0.26])[:, None, None]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_images(number: int, height: int, width: int) -> Tensor:
    return torch.randint(256, (number, 3, height, width), dtype=torch.uint8, generator=seeded(99))


def coordinates(number: int, size: int) -> Tensor:
    """Images whose three channels hold each pixel's row + 1, its column + 1 and 1; black means padding."""
    row = torch.arange(1, size + 1, dtype=torch.uint8)[:, None].expand(size, size)
    return torch.stack((row, row.T, torch.ones_like(row))).repeat(number, 1, 1, 1)


def one_by_one(images: Tensor, augmentation: Augmentation, generator: torch.Generator) -> Tensor:
    """The literature's transforms, one image after the other, with the numbers that `augment` draws."""
    number, _, height, width = images.shape
    padding, side = augmentation.crop_padding, augmentation.cutout
    tops = lefts = coins = torch.zeros(number, dtype=torch.int64)
    if padding:
        tops = torch.randint(2 * padding + 1, (number,), generator=generator)
        lefts = torch.randint(2 * padding + 1, (number,), generator=generator)
    if augmentation.flip:
        coins = torch.randint(2, (number,), generator=generator)
    if side:
        rows = torch.randint(height, (number,), generator=generator)
        columns = torch.randint(width, (number,), generator=generator)
    results = []
    for index, image in enumerate(images):
        top, left = int(tops[index]), int(lefts[index])
        large = functional.pad(image, (padding, padding, padding, padding))
        crop = large[:, top : top + height, left : left + width]
        if coins[index] == 1:
            crop = crop.flip(2)
        result = (crop.float() / 255 - MEAN) / STD
        if side:
            upper, leftmost = int(rows[index]) - side // 2, int(columns[index]) - side // 2
            result[:, max(0, upper) : max(0, upper + side), max(0, leftmost) : max(0, leftmost + side)] = 0
        results.append(result)
    return torch.stack(results)


@pytest.mark.parametrize("size", [(32, 32), (16, 16), (9, 14)], ids=str)
@pytest.mark.parametrize(
    "augmentation",
    [
        Augmentation(crop_padding=4, flip=True, cutout=16),
        Augmentation(crop_padding=4, flip=True, cutout=0),
        Augmentation(crop_padding=2, flip=False, cutout=0),
        Augmentation(crop_padding=0, flip=True, cutout=5),
        Augmentation(crop_padding=0, flip=False, cutout=1),
        Augmentation(crop_padding=0, flip=False, cutout=0),
    ],
    ids=lambda augmentation: "{crop_padding}-{flip}-{cutout}".format(**augmentation.model_dump()),
)
def test_a_batch_equals_the_same_changes_made_one_by_one(augmentation: Augmentation, size: tuple[int, int]) -> None:
    images = random_images(200, *size)
    before = images.clone()
    batch = augment(images, augmentation, MEAN, STD, seeded(3))
    assert batch.dtype == torch.float32
    assert torch.equal(batch, one_by_one(images, augmentation, seeded(3)))
    assert torch.equal(images, before)


def test_all_81_shifts_come_equally_often_with_and_without_a_mirror() -> None:
    number, size = 162 * 200, 10
    batch = crop_and_flip(coordinates(number, size), 4, True, seeded())
    middle = batch[:, :2, 4:6, 4:6].int()  # inside the image whatever the shift
    down = middle[:, 0, 0, 0] - 5
    mirrored = middle[:, 1, 0, 0] > middle[:, 1, 0, 1]
    right = torch.where(mirrored, middle[:, 1, 0, 1], middle[:, 1, 0, 0]) - 5
    counts = Counter(zip(down.tolist(), right.tolist(), mirrored.tolist(), strict=True))
    assert set(counts) == {(row, column, flip) for row in range(-4, 5) for column in range(-4, 5) for flip in (0, 1)}
    chi_square = sum((count - 200) ** 2 / 200 for count in counts.values())
    assert 100 < chi_square < 240  # 161 degrees of freedom: 99.99 % of uniform draws lie between


def test_a_crop_fills_with_black_what_lies_outside() -> None:
    batch = crop_and_flip(coordinates(500, 8), 4, False, seeded())
    rows, columns, inside = batch.unbind(1)
    assert torch.equal(inside == 0, rows == 0)
    assert torch.equal(inside == 0, columns == 0)
    assert inside.flatten(1).sum(1).min() == 16
    assert inside.flatten(1).sum(1).max() == 64


def test_half_of_the_images_are_mirrored_and_nothing_else_happens_to_them() -> None:
    images = random_images(4000, 6, 6)
    batch = crop_and_flip(images, 0, True, seeded())
    kept, mirrored = ((batch == expected).flatten(1).all(1) for expected in (images, images.flip(3)))
    assert (kept ^ mirrored).all()
    assert 1850 < mirrored.sum() < 2150


@pytest.mark.parametrize("side", [4, 3])
def test_the_centre_of_a_cutout_is_uniform_and_its_square_is_clipped_at_the_border(side: int) -> None:
    number, size = 64 * 200, 8
    blank = (cut_out(torch.ones(number, 3, size, size), side, seeded()) == 0).all(1)
    spans = [(max(0, centre - side // 2), min(size, centre - side // 2 + side)) for centre in range(size)]
    assert len(set(spans)) == size
    squares = {
        (upper, lower, left, right): torch.zeros(size, size, dtype=torch.bool)
        for upper, lower in spans
        for left, right in spans
    }
    for (upper, lower, left, right), square in squares.items():
        square[upper:lower, left:right] = True
    counts = [int((blank == square).flatten(1).all(1).sum()) for square in squares.values()]
    assert sum(counts) == number
    chi_square = sum((count - 200) ** 2 / 200 for count in counts)
    assert 25 < chi_square < 120  # 63 degrees of freedom: 99.99 % of uniform draws lie between


def test_a_cutout_blanks_all_channels_with_the_normalized_zero() -> None:
    batch = cut_out(normalize(random_images(50, 32, 32), MEAN, STD), 16, seeded())
    blank = batch == 0
    assert torch.equal(blank[:, 0], blank.all(1))
    area = blank[:, 0].flatten(1).sum(1)
    assert area.min() >= 64
    assert area.max() == 256


def test_what_is_switched_off_returns_the_same_tensor_and_draws_nothing() -> None:
    generator = seeded()
    state = generator.get_state()
    images = random_images(5, 8, 8)
    assert crop_and_flip(images, 0, False, generator) is images
    normalized = normalize(images, MEAN, STD)
    assert cut_out(normalized, 0, generator) is normalized
    assert torch.equal(generator.get_state(), state)


def test_normalized_training_images_have_mean_0_and_deviation_1() -> None:
    images = random_images(100, 16, 16)
    scaled = images.double() / 255
    mean, std = (values[:, None, None].float() for values in (scaled.mean((0, 2, 3)), scaled.std((0, 2, 3))))
    result = normalize(images, mean, std)
    assert result.mean((0, 2, 3)).abs().max() < 1e-5
    assert (result.std((0, 2, 3)) - 1).abs().max() < 1e-5
