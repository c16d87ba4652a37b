"""Draws a picture anew, in a process of its own with limits: bytes from a stranger on stdin, a small JPEG on stdout.

What comes out was written by us, so that nothing that a publisher hides in a file (places, names, code) reaches a
reader. `python -m notifier.web.recode`; it leaves with 1 where there is no picture to be drawn.
"""

from __future__ import annotations

import resource
import sys
from io import BytesIO

from PIL import Image, ImageOps

WIDTH, HEIGHT = 720, 720
"""Notifications draw a picture some 360 points wide, on screens of two pixels a point."""
MOST_PIXELS = 40_000_000
MEMORY_BYTES = 768 * 2**20
CPU_S = 8
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
QUALITY = 80


def redraw(picture: bytes) -> bytes:
    """A JPEG of at most WIDTH by HEIGHT, without what came beside the pixels. Raises ValueError or OSError."""
    with Image.open(BytesIO(picture), formats=FORMATS) as found:
        if found.width * found.height > MOST_PIXELS:
            raise ValueError("more pixels than any page needs")
        found.draft("RGB", (WIDTH, HEIGHT))  # a large JPEG is read at a fraction of its size
        upright = ImageOps.exif_transpose(found)
        upright.thumbnail((WIDTH, HEIGHT))
        drawn = Image.new("RGB", upright.size, "white")
        opaque = upright.convert("RGBA")
        drawn.paste(opaque, mask=opaque.getchannel("A"))
    out = BytesIO()
    drawn.save(out, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return out.getvalue()


def main() -> int:
    """Read, draw, write, within limits."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    try:
        drawn = redraw(sys.stdin.buffer.read())
    except Exception as problem:  # noqa: BLE001 - whatever a stranger's bytes do, there is no picture
        sys.stderr.write(f"{type(problem).__name__}\n")
        return 1
    sys.stdout.buffer.write(drawn)
    return 0


if __name__ == "__main__":
    sys.exit(main())
