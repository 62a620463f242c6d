"""An image like a photograph (1/f noise, edges) and what PIL makes of it, for test/operators/images/resize.test.ts.

Run in this folder: python resize.py
Made with: Python 3.11.7, Pillow 13.0.0, numpy 2.4.6
"""
import base64
import json
import platform

import numpy as np
import PIL
from PIL import Image, ImageOps

print(f"Python {platform.python_version()}, Pillow {PIL.__version__}, numpy {np.__version__}")
H, W = 64, 90
rng = np.random.default_rng(7)
fy, fx = np.meshgrid(np.fft.fftfreq(H) * H, np.fft.fftfreq(W) * W, indexing="ij")
amplitude = 1 / np.maximum(1, np.hypot(fy, fx)) ** 1.2
planes = [np.fft.ifft2(np.fft.fft2(rng.standard_normal((H, W))) * amplitude).real for _ in range(3)]
photo = np.stack([128 + 60 * p / p.std() for p in planes], -1)
photo[20:40, 30:50] = [250, 20, 20]
photo = Image.fromarray(photo.clip(0, 255).astype(np.uint8))
photo.save("images/photo.png", optimize=True)


def cover(image, size):
    """torchvision's Resize(size), CenterCrop(size)."""
    w, h = image.size
    w, h = (size, int(size * h / w)) if w < h else (int(size * w / h), size)
    left, top = round((w - size) / 2), round((h - size) / 2)
    return image.resize((w, h), Image.BICUBIC).crop((left, top, left + size, top + size))


text = lambda image: base64.b64encode(image.tobytes()).decode()
expected = {}
for size in [16, 24, 72]:
    expected[size] = {
        "stretch bicubic": text(photo.resize((size, size), Image.BICUBIC)),
        "stretch bilinear": text(photo.resize((size, size), Image.BILINEAR)),
        "stretch lanczos": text(photo.resize((size, size), Image.LANCZOS)),
        "cover bicubic": text(cover(photo, size)),
        "pad bicubic": text(ImageOps.pad(photo, (size, size), Image.BICUBIC, color="#ffffff")),
    }
expected[72] = {name: expected[72][name] for name in ["stretch bicubic", "cover bicubic"]}
json.dump(expected, open("images/resized.json", "w"))
