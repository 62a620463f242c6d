"""Sharpness of images, by OpenCV: the variance of the Laplacian of the grey values.

    pip install opencv-python-headless && python test/reference/sharpness.py
"""

import json
import pathlib

import cv2
import numpy

here = pathlib.Path(__file__).parent
random = numpy.random.default_rng(7)


def sharpness(rgb):
    return float(cv2.Laplacian(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())


def case(name, rgb):
    return {"name": name, "width": rgb.shape[1], "height": rgb.shape[0], "pixels": rgb.flatten().tolist(), "sharpness": sharpness(rgb)}


noise = random.integers(0, 256, (7, 5, 3), dtype=numpy.uint8)
ramp = numpy.repeat(numpy.arange(0, 250, 25, dtype=numpy.uint8)[None, :, None], 6, 0).repeat(3, 2)
checks = (255 * (numpy.indices((6, 6)).sum(0) % 2)).astype(numpy.uint8)[..., None].repeat(3, 2)
photo = cv2.cvtColor(cv2.imread(str(here / "images" / "photo.png")), cv2.COLOR_BGR2RGB)
values = {
    "made with": {"opencv-python-headless": cv2.__version__, "numpy": numpy.__version__},
    "photo": sharpness(photo),
    "cases": [
        case("noise", noise),
        case("ramp", ramp),
        case("checks", checks),
        case("one pixel", noise[:1, :1]),
        case("one row", noise[:1]),
        case("one column", noise[:, :1]),
    ],
}
(here / "sharpness.json").write_text(json.dumps(values, indent=1) + "\n")
print(values["made with"], values["photo"], [(one["name"], one["sharpness"]) for one in values["cases"]])
