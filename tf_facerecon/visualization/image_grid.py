"""Rows of captioned image tiles on white, as figures for people."""

from collections.abc import Sequence

import numpy as np

from tf_facerecon.io import image_files

MARGIN = 28
CAPTION_HEIGHT = 44
_CAPTION_FONT_SIZE = 22
_CAPTION_COLOUR = (70, 72, 78)


def captioned_row(tiles: Sequence[np.ndarray], captions: Sequence[str]) -> np.ndarray:
    """Draws square tiles side by side on white, each above its caption.

    Args:
        tiles: N images `[S, S, 3]`, RGB in [0, 1], all of the same size.
        captions: N short texts.

    Returns:
        `[S + 2 * MARGIN + CAPTION_HEIGHT, N * (S + MARGIN) + MARGIN, 3]` uint8 RGB.
    """
    import PIL.Image
    import PIL.ImageDraw
    import PIL.ImageFont

    size = tiles[0].shape[0]
    width = len(tiles) * (size + MARGIN) + MARGIN
    row = PIL.Image.new("RGB", (width, size + 2 * MARGIN + CAPTION_HEIGHT), "white")
    draw = PIL.ImageDraw.Draw(row)
    font = PIL.ImageFont.load_default(_CAPTION_FONT_SIZE)
    for index, (tile, caption) in enumerate(zip(tiles, captions, strict=True)):
        left = MARGIN + index * (size + MARGIN)
        row.paste(PIL.Image.fromarray(image_files.to_uint8(tile)), (left, MARGIN))
        centre = (left + size / 2, MARGIN + size + CAPTION_HEIGHT / 2 + 6)
        draw.text(centre, caption, fill=_CAPTION_COLOUR, font=font, anchor="mm")
    return np.asarray(row)


def stack_rows(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Stacks images `[H_i, W_i, 3]` uint8 vertically, padded on the right with white."""
    width = max(row.shape[1] for row in rows)
    padded = [
        np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=255)
        for row in rows
    ]
    return np.concatenate(padded, axis=0)
