"""Views of an image file: random ones in training, the centre in testing, always of the network's size."""

import math

import pytest
import torch
from PIL import Image

from pdarts.data.stream_transforms import centre_view, random_view
from pdarts.settings.augmentation import StreamedAugmentation
from tests.data.folders import CHANGES

STILL = StreamedAugmentation(resized_crop=(1.0, 1.0), flip=False, color_jitter=(0.0, 0.0, 0.0, 0.0))


def test_training_images_of_any_size_get_the_networks_size() -> None:
    for width, height in ((500, 375), (40, 300), (5, 7), (224, 224)):
        image = Image.new("RGB", (width, height))
        for transform in (random_view(224, CHANGES), centre_view(224)):
            changed = transform(image)
            assert changed.dtype == torch.uint8
            assert changed.shape == (3, 224, 224)


def ramp(width: int, height: int) -> Image.Image:
    """Red says the column, green the row, from 0 to 255 both."""
    columns = torch.linspace(0, 255, width).expand(height, -1)
    rows = torch.linspace(0, 255, height)[:, None].expand(-1, width)
    stacked = torch.stack([columns, rows, torch.zeros(height, width)], dim=2).round().to(torch.uint8)
    return Image.fromarray(stacked.numpy())


def test_in_testing_the_centre_of_the_image_scaled_to_256_is_seen() -> None:
    changed = centre_view(224)(ramp(768, 512)).float() / 255  # scaled to 384 x 256
    assert changed[1, 0, 0].item() == pytest.approx(16 / 256, abs=0.01)
    assert changed[1, -1, 0].item() == pytest.approx(240 / 256, abs=0.01)
    assert changed[0, 0, 0].item() == pytest.approx(80 / 384, abs=0.01)
    assert changed[0, 0, -1].item() == pytest.approx(304 / 384, abs=0.01)


def test_random_crops_are_distributed_as_in_the_literature() -> None:
    transform, image = (
        random_view(64, STILL.model_copy(update={"resized_crop": (0.08, 1.0), "flip": True})),
        ramp(400, 400),
    )
    torch.manual_seed(0)
    crops = torch.stack([transform(image) for _ in range(1000)]).float() / 255  # (1000, 3, 64, 64)
    red, green = crops[:, 0], crops[:, 1]
    flipped = red[:, 32, 0] > red[:, 32, -1]
    assert flipped.float().mean().item() == pytest.approx(0.5, abs=0.06)
    width = (red[:, 32, 0] - red[:, 32, -1]).abs() * 64 / 63
    height = (green[:, -1, 32] - green[:, 0, 32]) * 64 / 63
    area = width * height
    assert area.min() > 0.06
    assert area.max() < 1.03
    shares, ratios = torch.meshgrid(
        torch.linspace(0.08, 1, 500), torch.linspace(-1, 1, 501) * math.log(4 / 3), indexing="ij"
    )
    fits = (shares * ratios.exp() <= 1) & (shares / ratios.exp() <= 1)
    assert area.mean().item() == pytest.approx(shares[fits].mean().item(), abs=0.03)
    ratio = width / height
    assert ratio.min() > 0.72
    assert ratio.max() < 1.39
    assert ratio.log().mean().item() == pytest.approx(0, abs=0.03)


def test_without_flip_nothing_is_mirrored() -> None:
    transform, image = random_view(64, STILL.model_copy(update={"resized_crop": (0.08, 1.0)})), ramp(100, 100)
    torch.manual_seed(0)
    crops = torch.stack([transform(image) for _ in range(50)]).float()
    assert (crops[:, 0, 32, 0] < crops[:, 0, 32, -1]).all()


def test_colours_change_as_far_as_is_set() -> None:
    grey = Image.new("RGB", (16, 16), (100, 100, 100))
    brightness = random_view(16, STILL.model_copy(update={"color_jitter": (0.4, 0.0, 0.0, 0.0)}))
    torch.manual_seed(0)
    levels = torch.stack([brightness(grey)[0, 0, 0] for _ in range(300)])
    assert 59 <= levels.min() < 65
    assert 135 < levels.max() <= 140
    assert torch.equal(random_view(16, STILL)(grey), torch.full((3, 16, 16), 100, dtype=torch.uint8))
    hue = random_view(16, STILL.model_copy(update={"color_jitter": (0.0, 0.0, 0.0, 0.2)}))
    red = torch.stack([hue(Image.new("RGB", (16, 16), (200, 0, 0)))[:, 0, 0] for _ in range(100)])
    assert (red[:, 0] > 100).all()  # a fifth of a turn reaches beyond yellow and magenta, not to green or blue
    assert red[:, 1].max() > 150
    assert red[:, 2].max() > 150
