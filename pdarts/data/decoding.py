"""From the bytes of an image file to its pixels."""

import io

from PIL import Image

DEEP_MODES = ("I", "F")
"""How Pillow calls grey pixels of more than 8 bits: it would cut them off at white instead of scaling them."""


def decode(content: bytes) -> Image.Image:
    """The image in red, green and blue, 8 bits each: grey is repeated, CMYK converted, transparency left out.

    Turned photographs stay as they are stored: the orientation that a camera notes (EXIF) is not followed.

    Raises:
        ValueError: if the pixels have more than 8 bits a channel.
        Exception: whatever Pillow raises where `content` is no whole image.
    """
    with Image.open(io.BytesIO(content)) as image:
        if image.mode.startswith(DEEP_MODES):
            raise ValueError(f"pixels of mode {image.mode} have more than 8 bits; save it with 8 bits a channel")
        return image.convert("RGB")
