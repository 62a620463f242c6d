"""Reference values for stages/models/ops: outputs and gradients computed by PyTorch in float64 for a random output gradient.

    python ops.py     # writes ops.json
"""
import json, math, os, platform
import torch, torch.nn.functional as F, transformers
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

torch.manual_seed(7)
torch.set_default_dtype(torch.float64)
cases = {}
def r(*shape, scale=1.0): return (scale * torch.randn(*shape)).float().double()
def case(name, op, inputs, **given):                       # inputs: differentiated, in order; given: what else the op takes
    inputs = [t.clone().requires_grad_() for t in inputs]
    y = op(*inputs); dy = r(*y.shape) if y.ndim else torch.tensor(1.0)
    grads = torch.autograd.grad(y, inputs, dy)
    tensor = lambda t: dict(shape=list(t.shape), values=t.detach().flatten().tolist())
    cases[name] = dict(inputs=[tensor(t) for t in inputs], given={k: tensor(v) for k, v in given.items()}, output=tensor(y), dy=tensor(dy), gradients=[tensor(g) for g in grads])

rms = lambda x: F.rms_norm(x, x.shape[-1:], eps=1e-6)
case("linear", F.linear, [r(6, 4), r(3, 4), r(3)])
case("linear, wide, no bias, rank 3", F.linear, [r(2, 3, 4), r(5, 4)])
case("unitRms", rms, [r(5, 6)])
case("rmsNorm", lambda x, w: rms(x) * w, [r(5, 6), r(6)])
case("unitLayerNorm", lambda x: F.layer_norm(x, (6,), eps=1e-5), [r(5, 6)])
case("layerNorm", lambda x, w, b: F.layer_norm(x, (6,), w, b, 1e-5), [r(5, 6), r(6), r(6)])
case("normLinear, more rows than outputs", lambda x, n, w, b: F.linear(rms(x) * n, w, b), [r(7, 4), r(4), r(3, 4), r(3)])
case("normLinear, fewer rows than outputs", lambda x, n, w, b: F.linear(rms(x) * n, w, b), [r(2, 4), r(4), r(3, 4), r(3)])
case("linearScale, more rows than outputs", lambda x, w, b, s: F.linear(x, w, b) * s, [r(7, 4), r(3, 4), r(3), r(3)])
case("linearScale, fewer rows than outputs", lambda x, w, b, s: F.linear(x, w, b) * s, [r(2, 4), r(3, 4), r(3), r(3)])
case("gelu", F.gelu, [torch.linspace(-6, 6, 25).reshape(5, 5).float().double()])
case("swiglu", lambda g, u: F.silu(g) * u, [r(4, 5, scale=3), r(4, 5)])
case("l2Normalise", lambda x: F.normalize(x, dim=-1), [r(4, 4)])
factors = torch.tensor([0.0, 1.25, 1.25])
case("residual", lambda x, y: x + y, [r(6, 4), r(6, 4)])
case("residual, dropped", lambda x, y: x + (y.reshape(3, 2, 4) * factors[:, None, None]).reshape(6, 4), [r(6, 4), r(6, 4)], factors=factors)
rows = torch.tensor([2, 0, 2, 1, 2])
case("takeRows", lambda t: t[rows], [r(4, 3)], indices=rows)

B, H, TQ, TK, d = 2, 2, 3, 4, 3
def attention(q, k, v, mask=None, scale=None):
    split = lambda x, t: x.reshape(B, t, H, d).transpose(1, 2)
    y = F.scaled_dot_product_attention(split(q, TQ), split(k, TK), split(v, TK), attn_mask=mask, scale=scale)
    return y.transpose(1, 2).reshape(B * TQ, H * d)
qkv = lambda: [r(B * TQ, H * d), r(B * TK, H * d), r(B * TK, H * d)]
mask = torch.where(torch.rand(B, 1, TQ, TK) < 0.3, -1e9, 0.0); mask[..., 0] = 0
case("attention", attention, qkv())
case("attention, masked", lambda *x: attention(*x, mask=mask), qkv(), mask=mask)
case("attention, unscaled", lambda *x: attention(*x, scale=1.0), qkv())

def rope(x, first, heads=2, base=100.0):                   # x [B * T, D], B = 2
    T, D = x.shape[0] // 2, x.shape[1]; w = D // heads
    angle = torch.outer(first + torch.arange(T).double(), base ** (-torch.arange(0, w, 2).double() / w)); angle = torch.cat([angle, angle], -1)[None]
    h = x.reshape(2, T, heads, w).transpose(1, 2)
    return apply_rotary_pos_emb(h, h, angle.cos(), angle.sin())[0].transpose(1, 2).reshape(2 * T, D)
case("rope", lambda x: rope(x, 0), [r(6, 8)])
case("rope, from position 5", lambda x: rope(x, 5), [r(6, 8)])

labels, weights = torch.tensor([1, 4, 0, 2]), torch.tensor([1.0, 0.0, 0.5, 1.0])
case("softmaxCrossEntropy", lambda x: F.cross_entropy(x, labels), [r(4, 5, scale=3)], labels=labels)
case("softmaxCrossEntropy, weighted", lambda x: (F.cross_entropy(x, labels, reduction="none") * weights).sum() / weights.sum(), [r(4, 5, scale=30)], labels=labels, weights=weights)
case("softmaxCrossEntropy, smoothed", lambda x: F.cross_entropy(x, labels, label_smoothing=0.1), [r(4, 5, scale=3)], labels=labels)

versions = dict(python=platform.python_version(), torch=torch.__version__, transformers=transformers.__version__)
rounded = lambda x: {k: rounded(v) for k, v in x.items()} if isinstance(x, dict) else [rounded(v) for v in x] if isinstance(x, list) else float(f"{x:.9g}") if isinstance(x, float) else x
json.dump(dict(versions=versions, cases=rounded(cases)), open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "ops.json"), "w"))
print(versions, len(cases), "cases")
