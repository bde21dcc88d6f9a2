"""Small files for large pictures: a PNG of at most 256 colours; a page has few more, at the edges of its letters."""

import asyncio
import struct
import zlib
from base64 import b64decode, b64encode
from typing import Any

from playwright.async_api import Page

COLOURS = """async (png) => {
  const image = new Image();
  await new Promise((done) => { image.onload = done; image.src = `data:image/png;base64,${png}`; });
  const { width, height } = image;
  const canvas = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d");
  canvas.drawImage(image, 0, 0);
  const pixels = new Uint32Array(canvas.getImageData(0, 0, width, height).data.buffer);
  // Most pixels are as the one before: a look-up for each run, not for each pixel.
  const runs = (see) => {
    for (let from = 0, to = 0; from < pixels.length; from = to) {
      while (to < pixels.length && pixels[to] === pixels[from]) to += 1;
      see(pixels[from], from, to);
    }
  };
  const counts = new Map();
  runs((pixel, from, to) => counts.set(pixel, (counts.get(pixel) ?? 0) + to - from));
  const parts = (pixel) => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];
  const byCount = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([pixel]) => [pixel, parts(pixel)]);
  const far = (a, b) => 2 * (a[0] - b[0]) ** 2 + 4 * (a[1] - b[1]) ** 2 + 3 * (a[2] - b[2]) ** 2;
  const kept = [];
  // Each of the commonest as it is; of the others only what is not near one that there is already.
  for (const apart of [0, 600, 150, 0]) {
    const most = apart || kept.length ? 256 : 64;
    for (const [, colour] of byCount) {
      if (kept.length >= most) break;
      if (kept.every((other) => far(colour, other) > apart)) kept.push(colour);
    }
  }
  const index = new Map(byCount.map(([pixel, colour]) => {
    let best = 0;
    for (let i = 1; i < kept.length; i += 1) if (far(colour, kept[i]) < far(colour, kept[best])) best = i;
    return [pixel, best];
  }));
  const indexed = new Uint8Array(pixels.length);
  runs((pixel, from, to) => indexed.fill(index.get(pixel), from, to));
  let text = "";
  for (let i = 0; i < indexed.length; i += 32768) text += String.fromCharCode(...indexed.subarray(i, i + 32768));
  return { width, height, palette: kept.flat(), indexed: btoa(text) };
}"""


async def packed(page: Page, png: bytes) -> bytes:
    """The picture in 256 colours or fewer. `page` is any page that scripts may run in."""
    found: dict[str, Any] = await page.evaluate(COLOURS, b64encode(png).decode())
    width, height, indexed = found["width"], found["height"], b64decode(found["indexed"])
    # Each row is led by its filter: 0, none, which suits flat colours best.
    rows = b"".join(b"\0" + indexed[at : at + width] for at in range(0, width * height, width))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", bytes(found["palette"])),
            _chunk(b"IDAT", await asyncio.to_thread(zlib.compress, rows, 9)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
