"""100 steps of PyTorch's optimisers and moving averages on a small problem: optimisers.json.

The parameters, the fixed targets and the loss are simple enough to be written down again in TypeScript:
loss = sum over all parameters of log(cosh(p - target x (1 + sin(step)))).
Made with torch 2.11.0 (AdamW, Muon, SGD, clip_grad_norm_, get_ema_multi_avg_fn) and lion-pytorch 0.2.5. Muon's iterations run in
float32, for which Tensor.bfloat16 is replaced.
"""
import importlib.metadata, json, math, os
import torch
from lion_pytorch import Lion
from torch.optim import SGD, AdamW, Muon
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import get_ema_multi_avg_fn

here = os.path.dirname(os.path.abspath(__file__))
shapes = {"tower.weight": [6, 4], "tower.bias": [4], "head.weight": [3, 5], "logit_scale": []}
layers = {"tower.layers.0.weight": [6, 4], "tower.layers.1.weight": [3, 5], "tower.layers.1.bias": [4], "head.weight": [3, 4]}
steps, warmup = 100, 10


def noise(shape, seed):
    size = math.prod(shape)
    return torch.tensor([math.sin((i + 1) * 12.9898 + seed * 78.233) * 0.5 for i in range(size)], dtype=torch.float32).reshape(shape)


def cosine(floor):
    return lambda s: floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * (s - warmup) / (steps - warmup)))


def polynomial(power):  # the closed form of torch.optim.lr_scheduler.PolynomialLR
    return lambda s: (1 - (s - warmup) / (steps - warmup)) ** power


def warm(then):
    return lambda s: (s + 1) / warmup if s < warmup else then(s)


def run(make, tower, head, ema=None):
    """`tower` and `head`: settings of both groups, with their `schedule`; vectors have no weight decay."""
    parameters = {name: noise(shape, i).requires_grad_() for i, (name, shape) in enumerate(shapes.items())}
    targets = {name: noise(shape, i + 10) * 4 for i, (name, shape) in enumerate(shapes.items())}
    settings = {"tower": dict(tower), "head": dict(head)}
    schedules = {name: s.pop("schedule") for name, s in settings.items()}
    groups = [
        dict(params=[parameters["tower.weight"]], **settings["tower"]),
        dict(params=[parameters["tower.bias"], parameters["logit_scale"]], **{**settings["tower"], "weight_decay": 0.0}),
        dict(params=[parameters["head.weight"]], **settings["head"]),
    ]
    optimizer = make(groups)
    scheduler = LambdaLR(optimizer, [warm(schedules["tower"]), warm(schedules["tower"]), warm(schedules["head"])])
    averages = [p.detach().clone() for p in parameters.values()]
    curve = []
    for step in range(steps):
        swing = torch.tensor(1 + math.sin(step), dtype=torch.float32)
        loss = sum(torch.log(torch.cosh(p - targets[name] * swing)).sum() for name, p in parameters.items())
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(list(parameters.values()), 1.5)
        curve.append([loss.item(), norm.item(), optimizer.param_groups[0]["lr"], optimizer.param_groups[2]["lr"]])
        optimizer.step()
        scheduler.step()
        if ema is not None:
            get_ema_multi_avg_fn(ema)(averages, [p.detach() for p in parameters.values()], None)
    state = {f"{slot}.{name}": value.flatten().tolist()
             for name, p in parameters.items() for slot, value in optimizer.state[p].items()
             if slot != "step" and torch.is_tensor(value)}
    average = {f"ema.{name}": value.flatten().tolist() for name, value in zip(parameters, averages)} if ema is not None else {}
    return dict(curve=curve, variables={name: p.flatten().tolist() for name, p in parameters.items()} | state | average)


def run_muon(rate, decay, momentum):
    """Muon for the matrices of layers, AdamW for all else, at one learning rate."""
    torch.Tensor.bfloat16 = torch.Tensor.float
    parameters = {name: noise(shape, i).requires_grad_() for i, (name, shape) in enumerate(layers.items())}
    targets = {name: noise(shape, i + 10) * 4 for i, (name, shape) in enumerate(layers.items())}
    matrices = [p for name, p in parameters.items() if ".layers." in name and p.ndim == 2]
    others = [
        dict(params=[parameters["tower.layers.1.bias"]], weight_decay=0.0),
        dict(params=[parameters["head.weight"]], weight_decay=decay),
    ]
    muon = Muon(matrices, lr=rate, weight_decay=decay, momentum=momentum, adjust_lr_fn="match_rms_adamw")
    adamw = AdamW(others, lr=rate, betas=(0.9, 0.95))
    schedulers = [LambdaLR(one, warm(cosine(0.1))) for one in (muon, adamw)]
    curve = []
    for step in range(steps):
        swing = torch.tensor(1 + math.sin(step), dtype=torch.float32)
        loss = sum(torch.log(torch.cosh(p - targets[name] * swing)).sum() for name, p in parameters.items())
        for p in parameters.values():
            p.grad = None
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(list(parameters.values()), 1.5)
        curve.append([loss.item(), norm.item(), muon.param_groups[0]["lr"], adamw.param_groups[1]["lr"]])
        for one in (muon, adamw, *schedulers):
            one.step()
    state = {f"{slot}.{name}": value.flatten().tolist()
             for one in (muon, adamw) for name, p in parameters.items() for slot, value in one.state.get(p, {}).items()
             if slot != "step" and torch.is_tensor(value)}
    return dict(curve=curve, variables={name: p.flatten().tolist() for name, p in parameters.items()} | state)


cases = {
    "adamw": run(
        lambda groups: AdamW(groups, betas=(0.9, 0.98), eps=1e-6),
        dict(lr=0.03, weight_decay=0.2, schedule=cosine(0.1)),
        dict(lr=0.01, weight_decay=0.1, schedule=cosine(0.1)),
        ema=0.9,
    ),
    "adamw, other betas and epsilon for the head": run(
        AdamW,
        dict(lr=0.03, weight_decay=0.2, betas=(0.9, 0.95), eps=1e-8, schedule=cosine(0)),
        dict(lr=0.01, weight_decay=0.0, betas=(0.8, 0.999), eps=1e-3, schedule=lambda s: 1.0),
    ),
    "sgd": run(
        lambda groups: SGD(groups, momentum=0.9),
        dict(lr=0.02, weight_decay=0.05, schedule=polynomial(1)),
        dict(lr=0.01, weight_decay=0.1, schedule=polynomial(2)),
        ema=0.99,
    ),
    "sgd, nesterov": run(
        lambda groups: SGD(groups, momentum=0.8, nesterov=True),
        dict(lr=0.02, weight_decay=0.05, schedule=cosine(0)),
        dict(lr=0.01, weight_decay=0.1, schedule=cosine(0)),
    ),
    "sgd, no momentum": run(
        SGD,
        dict(lr=0.05, weight_decay=0.05, schedule=lambda s: 1.0),
        dict(lr=0.02, weight_decay=0.0, schedule=lambda s: 1.0),
    ),
    "lion": run(
        lambda groups: Lion(groups, betas=(0.9, 0.99)),
        dict(lr=0.004, weight_decay=0.2, schedule=cosine(0.1)),
        dict(lr=0.002, weight_decay=0.1, schedule=cosine(0.1)),
    ),
    "muon": run_muon(rate=0.02, decay=0.2, momentum=0.9),
}
versions = {name: importlib.metadata.version(name) for name in ["torch", "lion-pytorch"]}
json.dump(dict(versions=versions, cases=cases), open(os.path.join(here, "optimisers.json"), "w"))
