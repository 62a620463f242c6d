"""100 steps of torch.optim.AdamW with clip_grad_norm_, warm-up and cosine, on a small quadratic-like problem: adamw.json.

The parameters, the fixed targets and the loss are simple enough to be written down again in TypeScript:
loss = mean over all parameters of log(cosh(p - target x (1 + sin(step)))) summed per tensor.
Made with torch 2.11.0.
"""
import json, math, os
import torch

here = os.path.dirname(os.path.abspath(__file__))


def noise(shape, seed):
    size = math.prod(shape)
    return torch.tensor([math.sin((i + 1) * 12.9898 + seed * 78.233) * 0.5 for i in range(size)], dtype=torch.float32).reshape(shape)


shapes = {"tower.weight": [6, 4], "tower.bias": [4], "head.weight": [3, 5], "logit_scale": []}
parameters = {name: noise(shape, i).requires_grad_() for i, (name, shape) in enumerate(shapes.items())}
targets = {name: noise(shape, i + 10) * 4 for i, (name, shape) in enumerate(shapes.items())}
steps, warmup, floor = 100, 10, 0.1
groups = [
    dict(params=[parameters["tower.weight"]], lr=0.03, weight_decay=0.2),
    dict(params=[parameters["tower.bias"], parameters["logit_scale"]], lr=0.03, weight_decay=0.0),
    dict(params=[parameters["head.weight"]], lr=0.01, weight_decay=0.1),
]
optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), eps=1e-6)
warm = torch.optim.lr_scheduler.LambdaLR(
    optimizer,
    lambda s: (s + 1) / warmup if s < warmup else floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * (s - warmup) / (steps - warmup))),
)
curve = []
for step in range(steps):
    swing = torch.tensor(1 + math.sin(step), dtype=torch.float32)
    loss = sum(torch.log(torch.cosh(p - targets[name] * swing)).sum() for name, p in parameters.items())
    optimizer.zero_grad()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(list(parameters.values()), 1.5)
    curve.append(dict(loss=loss.item(), norm=norm.item(), lr=optimizer.param_groups[0]["lr"]))
    optimizer.step()
    warm.step()

state = {name: optimizer.state[p] for name, p in parameters.items()}
json.dump(
    dict(
        versions=dict(torch=torch.__version__),
        curve=curve,
        parameters={name: p.flatten().tolist() for name, p in parameters.items()},
        first={name: s["exp_avg"].flatten().tolist() for name, s in state.items()},
        second={name: s["exp_avg_sq"].flatten().tolist() for name, s in state.items()},
    ),
    open(os.path.join(here, "adamw.json"), "w"),
)
