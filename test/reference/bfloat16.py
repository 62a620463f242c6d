"""A linear layer under autocast to bfloat16, with its gradients, by PyTorch.

    pip install torch==2.11.0 && python test/reference/bfloat16.py
"""

import json
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(7)
x = torch.randn(6, 32, requires_grad=True)
weight = (torch.randn(24, 32) / 6).requires_grad_()
bias = torch.randn(24, requires_grad=True)
target = torch.randn(6, 24)
with torch.autocast("cpu", torch.bfloat16):
    y = F.linear(x, weight, bias)
(y.float() * target).sum().backward()

numbers = lambda tensor: [round(value, 9) for value in tensor.detach().float().flatten().tolist()]
values = {
    "made with": {"torch": torch.__version__},
    "x": numbers(x),
    "weight": numbers(weight),
    "bias": numbers(bias),
    "target": numbers(target),
    "y": numbers(y),
    "dx": numbers(x.grad),
    "dweight": numbers(weight.grad),
    "dbias": numbers(bias.grad),
}
(pathlib.Path(__file__).parent / "bfloat16.json").write_text(json.dumps(values, separators=(",", ":")) + "\n")
print(values["made with"], y.dtype)
