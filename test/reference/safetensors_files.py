"""Files for test/stages/models/safetensors.test.ts.

python safetensors_files.py          writes safetensors.safetensors and safetensors.json (the values that must be read)
python safetensors_files.py FILE     reads a file that alignflow wrote and prints its tensors as JSON

safetensors-ours.safetensors is what the test writes; this script reads it as it should be.

Made with safetensors 0.8.0, torch 2.11.0, numpy 2.4.6.
"""
import json, os, sys
import torch
from safetensors import safe_open
from safetensors.torch import save_file

here = os.path.dirname(os.path.abspath(__file__))


def plain(tensor):
    values = tensor.double() if tensor.is_floating_point() else tensor.to(torch.int64)
    return [str(v) if v != v or v in (float("inf"), float("-inf")) else v for v in values.flatten().tolist()]


if len(sys.argv) == 2:
    with safe_open(sys.argv[1], "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
        found = {name: dict(dtype=str(t.dtype), shape=list(t.shape), values=plain(t)) for name, t in sorted(tensors.items())}
        print(json.dumps(dict(metadata=file.metadata(), tensors=found)))
    sys.exit()

torch.manual_seed(3)
floats = [0.0, -0.0, 1.0, -2.5, 65504.0, 6e-8, 6.1e-5, 1 / 3, float("inf"), float("-inf"), float("nan"), 3e38]
tensors = {
    "model.f32": torch.randn(2, 3),
    "model.f64": torch.randn(4, dtype=torch.float64),
    "model.f16": torch.tensor(floats).half().reshape(3, 4),
    "model.bf16": torch.tensor(floats).bfloat16().reshape(2, 2, 3),
    "model.i64": torch.tensor([[-(2**31), 2**31 - 1], [0, -7]]),
    "model.i32": torch.tensor([5, -6], dtype=torch.int32),
    "model.i16": torch.tensor([-32768, 32767], dtype=torch.int16),
    "model.i8": torch.tensor([-128, 127, 3], dtype=torch.int8),
    "model.u8": torch.tensor([0, 255, 9], dtype=torch.uint8),
    "model.bool": torch.tensor([True, False, True]),
    "model.scalar": torch.tensor(2.659),
    "model.empty": torch.zeros(0, 5),
    "model.too_long": torch.tensor([1, 2**40]),
}
save_file(tensors, os.path.join(here, "safetensors.safetensors"), metadata={"format": "pt"})
expected = {name: dict(shape=list(t.shape), values=plain(t)) for name, t in tensors.items()}
json.dump(expected, open(os.path.join(here, "safetensors.json"), "w"), indent=1)
