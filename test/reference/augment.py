"""Random crops as torchvision draws them, and geometry and colour as PyTorch computes them, for
test/operators/images/augment.test.ts.

Run in this folder, after resize.py: python augment.py
Made with: Python 3.11.7, torch 2.11.0, torchvision 0.26.0, numpy 2.4.6
"""
import json
import math
import platform

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torchvision.transforms import RandomResizedCrop
import torchvision

print(f"Python {platform.python_version()}, torch {torch.__version__}, torchvision {torchvision.__version__}, numpy {np.__version__}")


# ---- crops: torchvision's own code, with the random numbers put in
class Drawn(float):
    def item(self):
        return float(self)


class Uniform:
    def __init__(self, numbers):
        self.numbers = numbers

    def uniform_(self, low, high):
        return torch.tensor([float(low) + (float(high) - float(low)) * self.numbers.pop(0)], dtype=torch.float64)


def crop(width, height, scale, ratio, numbers):
    left = list(numbers)
    empty, randint = torch.empty, torch.randint
    torch.empty = lambda *_: Uniform(left)
    torch.randint = lambda low, high, size: Drawn(math.floor(left.pop(0) * (high - low)))
    try:
        i, j, h, w = RandomResizedCrop.get_params(torch.zeros(3, height, width), scale, ratio)
    finally:
        torch.empty, torch.randint = empty, randint
    return {"left": int(j), "top": int(i), "width": int(w), "height": int(h)}


rng = np.random.default_rng(11)
crops = []
for width, height, scale, ratio in [
    (64, 64, [0.08, 1], [0.75, 1.25]),
    (90, 64, [0.5, 1], [0.5, 2]),
    (90, 64, [0.9, 0.9], [0.25, 0.5]),  # never fits: too high, the middle
    (20, 90, [0.9, 1], [0.5, 0.75]),  # never fits: too wide, the middle
    (31, 17, [1, 1], [1, 1]),
]:
    for _ in range(4):
        numbers = rng.random(24).tolist()
        made = crop(width, height, scale, ratio, numbers)
        crops.append({"width": width, "height": height, "scale": scale, "ratio": ratio, "numbers": numbers, "crop": made})

# ---- geometry, as the emoji recipe does it: 1 - grid_sample(1 - x), so that white lies beyond the edges
photo = torch.from_numpy(np.array(Image.open("images/photo.png"))).permute(2, 0, 1)[None].double() / 255
views = []
for rotation, zoom, aspect, x, y, size in [
    (0, 1, 0, 0, 0, [36, 26]),
    (15, 0.7, 0.15, 0.05, -0.03, [36, 26]),
    (-40, 1.2, -0.15, -0.1, 0.2, [36, 26]),
    (180, 1, 0, 0, 0, [36, 26]),
    (10, 0.3, 0, 0.2, 0.1, [24, 24]),
]:
    c, s = math.cos(math.radians(rotation)) * zoom, math.sin(math.radians(rotation)) * zoom
    r = math.exp(aspect)
    theta = torch.tensor([[[c * r, -s * r, 2 * x], [s / r, c / r, 2 * y]]]).double()
    grid = F.affine_grid(theta, [1, 3, size[1], size[0]], align_corners=False)
    out = 1 - F.grid_sample(1 - photo, grid, padding_mode="zeros", align_corners=False)
    views.append(
        {"rotation": rotation, "zoom": zoom, "aspect": aspect, "shiftX": x, "shiftY": y, "width": size[0], "height": size[1],
         "values": [round(v, 2) for v in (out[0] * 255).permute(1, 2, 0).flatten().tolist()]}
    )

# ---- lines and colours, as the recipe does them
patch = photo[:, :, 18:26, 28:38]
flat = lambda x: [round(v, 3) for v in (x[0] * 255).permute(1, 2, 0).flatten().tolist()]


def colour(x, b, c, s, hue):
    m = x.mean((1, 2, 3), keepdim=True)
    x = (x - m) * c + m * b
    g = x.mean(1, keepdim=True)
    x = (x - g) * s + g
    h = torch.tensor([math.radians(hue)]).double()
    co, si = h.cos(), h.sin() / math.sqrt(3)
    o = (1 - co) / 3
    R = torch.stack([co + o, o - si, o + si, o + si, co + o, o - si, o - si, o + si, co + o], 1).view(1, 3, 3)
    return torch.einsum("nij,njhw->nihw", R, x)


colours = [
    {"brightness": b, "contrast": c, "saturation": s, "hue": h, "values": flat(colour(patch, b, c, s, h))}
    for b, c, s, h in [(1.4, 1, 1, 0), (1, 0.6, 1, 0), (1, 1, 0, 0), (1, 1, 1.3, 90), (0.7, 1.2, 0.8, -17)]
]
json.dump(
    {
        "crops": crops,
        "views": views,
        "patch": flat(patch),
        "dilated": flat(F.max_pool2d(patch, 3, 1, 1)),
        "eroded": flat(-F.max_pool2d(-patch, 3, 1, 1)),
        "colours": colours,
    },
    open("images/augmented.json", "w"),
)
