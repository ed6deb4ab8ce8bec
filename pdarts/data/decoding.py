"""Decodes image files."""

import io

from PIL import Image, UnidentifiedImageError

DEEP_MODES = ("I", "F")
"""Beginnings of Pillow's modes for grey pixels of more than 8 bits, which it would clip to white instead of scaling."""


def decode(content: bytes) -> Image.Image:
    """Decode an image to red, green and blue of 8 bits each: grey is repeated, CMYK converted, transparency dropped.

    Photographs are not rotated: the orientation that a camera records (EXIF) is ignored.

    Raises:
        ValueError: if the pixels have more than 8 bits a channel.
        Exception: whatever Pillow raises where `content` is not a whole image.
    """
    with Image.open(io.BytesIO(content)) as image:
        return in_colour(image)


def in_colour(image: Image.Image) -> Image.Image:
    """Convert an image as `decode` does.

    Raises:
        ValueError: if the pixels have more than 8 bits a channel.
    """
    if image.mode.startswith(DEEP_MODES):
        raise ValueError(f"pixels of mode {image.mode} have more than 8 bits; save it with 8 bits a channel")
    return image.convert("RGB")


def problem(error: Exception, content: bytes) -> str:
    """Say why `content` is not a whole image, from what `decode` raised."""
    if isinstance(error, UnidentifiedImageError):
        return "is not an image that Pillow knows" if content else "is empty"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
