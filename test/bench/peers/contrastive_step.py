"""PyTorch's contrastive step on random data: the models `tiny` and `small` of alignflow, their batch, optimiser and loss.

Written as one would write it for speed on a processor: fused AdamW, one matrix for queries, keys and values, attention as
explicit products or by `scaled_dot_product_attention` (`--attention fused`), whose kernel is the faster one in some shapes.
Prints one line of JSON: samples/s (median over the steps), peak memory, versions.

    python contrastive_step.py --size tiny|small --precision fp32|bf16 [--compile] [--attention fused] --kept 12 --seconds 20 --threads 2
"""

import argparse
import json
import math
import resource
import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn

arguments = argparse.ArgumentParser()
arguments.add_argument("--precision", choices=["fp32", "bf16"], required=True)
arguments.add_argument("--compile", action="store_true")
arguments.add_argument("--attention", choices=["products", "fused"], default="products")
arguments.add_argument("--size", choices=["tiny", "small"], default="tiny")
arguments.add_argument("--kept", type=int, required=True, help="patches that are not masked, of 16 or 196")
arguments.add_argument("--seconds", type=float, default=20)
arguments.add_argument("--warmup", type=int, default=5, help="steps before the clock starts")
arguments.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
arguments.add_argument("--threads", type=int, required=True)
a = arguments.parse_args()
torch.set_num_threads(a.threads)
torch.manual_seed(7)
torch.set_default_device(a.device)

TINY, SMALL = (128, 4, 128, 8, 32, 4, 512, 2, 336), (384, 6, 384, 16, 224, 12, 1536, 6, 1024)
WIDTH, HEADS, EMBED, PATCH, SIDE, VISION_LAYERS, VISION_MLP, TEXT_LAYERS, TEXT_MLP = TINY if a.size == "tiny" else SMALL
BATCH, LENGTH, VOCABULARY = (256, 10, 16384) if a.size == "tiny" else (32, 80, 32000)
HEAD = WIDTH // HEADS
MEAN, DEVIATION = (torch.tensor(v).view(1, 1, 1, 3) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))


def heads(x):  # [B, T, D] to [B, H, T, d]
    return x.view(x.shape[0], x.shape[1], HEADS, HEAD).transpose(1, 2)


def attend(q, k, v, mask=None):
    if a.attention == "fused":
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=mask is not None)
        return mixed.transpose(1, 2).reshape(mixed.shape[0], -1, WIDTH)
    scores = (q * HEAD**-0.5) @ k.transpose(-1, -2)
    scores = scores.float() if mask is None else scores.float() + mask
    mixed = scores.softmax(-1).to(v.dtype) @ v
    return mixed.transpose(1, 2).reshape(mixed.shape[0], -1, WIDTH)


def rms(width):
    return nn.RMSNorm(width, eps=1e-6)


class VisionBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2, self.q_norm, self.k_norm = (rms(WIDTH) for _ in range(4))
        self.qkv, self.proj = nn.Linear(WIDTH, 3 * WIDTH, bias=False), nn.Linear(WIDTH, WIDTH)
        self.fc1, self.fc2 = nn.Linear(WIDTH, VISION_MLP), nn.Linear(VISION_MLP, WIDTH)
        self.ls1, self.ls2 = (nn.Parameter(torch.full((WIDTH,), 0.1)) for _ in range(2))

    def forward(self, x):
        q, k, v = self.qkv(self.norm1(x)).chunk(3, -1)
        q, k = self.q_norm(q).to(v.dtype), self.k_norm(k).to(v.dtype)
        x = x + self.proj(attend(heads(q), heads(k), heads(v))) * self.ls1
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x)))) * self.ls2


class TextBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = rms(WIDTH), rms(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH, bias=False), nn.Linear(WIDTH, WIDTH, bias=False)
        self.gate_up = nn.Linear(WIDTH, 2 * TEXT_MLP, bias=False)
        self.down = nn.Linear(TEXT_MLP, WIDTH, bias=False)

    def forward(self, x, cos, sin, mask):
        def rotate(t):
            return t * cos + torch.cat([-t[..., HEAD // 2 :], t[..., : HEAD // 2]], -1) * sin

        q, k, v = (heads(part) for part in self.qkv(self.norm1(x)).chunk(3, -1))
        x = x + self.out(attend(rotate(q).to(v.dtype), rotate(k).to(v.dtype), v, mask))
        gate, up = self.gate_up(self.norm2(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class AttentionPool(nn.Module):
    """The mean of all tokens asks, the tokens answer (`AttentionPoolingBlock` of the published model)."""

    def __init__(self):
        super().__init__()
        self.norm_q, self.norm_k, self.norm_v = (nn.LayerNorm(WIDTH) for _ in range(3))
        self.q, self.k, self.v = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.proj = nn.Linear(WIDTH, EMBED)

    def forward(self, x):
        q = self.q(self.norm_q(x.mean(1, keepdim=True)))
        k, v = self.k(self.norm_k(x)), self.v(self.norm_v(x))
        return self.proj(attend(heads(q), heads(k), heads(v))[:, 0])


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch = nn.Linear(3 * PATCH**2, WIDTH)
        self.cls = nn.Parameter(torch.randn(1, 1, WIDTH) * 0.02)
        self.positions = nn.Parameter(torch.randn(1, 1 + (SIDE // PATCH) ** 2, WIDTH) * 0.02)
        self.vision = nn.ModuleList(VisionBlock() for _ in range(VISION_LAYERS))
        self.pool = AttentionPool()
        self.embed = nn.Embedding(VOCABULARY, WIDTH)
        self.text = nn.ModuleList(TextBlock() for _ in range(TEXT_LAYERS))
        self.norm, self.projection = rms(WIDTH), nn.Linear(WIDTH, EMBED, bias=False)
        self.scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        angles = torch.outer(torch.arange(LENGTH).float(), 1e4 ** (-torch.arange(0, HEAD, 2) / HEAD)).repeat(1, 2)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())
        self.register_buffer("mask", torch.full((LENGTH, LENGTH), -1e9).triu(1))

    def image(self, pixels, kept):  # uint8 [B, S, S, 3], int64 [B, K]
        n = SIDE // PATCH
        x = (pixels.float() / 255 - MEAN) / DEVIATION
        x = x.view(-1, n, PATCH, n, PATCH, 3).transpose(2, 3).reshape(-1, n * n, 3 * PATCH**2)
        index = kept[..., None]
        x = torch.gather(x, 1, index.expand(-1, -1, x.shape[-1]))
        positions = torch.gather(self.positions[:, 1:].expand(len(x), -1, -1), 1, index.expand(-1, -1, WIDTH))
        first = (self.cls + self.positions[:, :1]).expand(len(x), -1, -1)
        x = torch.cat([first, self.patch(x) + positions], 1)
        for block in self.vision:
            x = block(x)
        return F.normalize(self.pool(x).float(), dim=-1)

    def caption(self, tokens, ends):
        x = self.embed(tokens)
        for block in self.text:
            x = block(x, self.cos, self.sin, self.mask)
        x = x[torch.arange(len(x), device=x.device), ends]
        return F.normalize(self.projection(self.norm(x)).float(), dim=-1)


model = Model()


def loss_of(pixels, kept, tokens, ends):
    with torch.autocast(a.device, torch.bfloat16, enabled=a.precision == "bf16"):
        image, text = model.image(pixels, kept), model.caption(tokens, ends)
    logits, target = model.scale.exp() * image @ text.T, torch.arange(len(image), device=image.device)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


loss = torch.compile(loss_of, dynamic=False) if a.compile else loss_of
matrices = [p for p in model.parameters() if p.ndim >= 2]
vectors = [p for p in model.parameters() if p.ndim < 2]
groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
optimiser = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95), fused=True)
pixels = torch.randint(0, 256, (BATCH, SIDE, SIDE, 3), dtype=torch.uint8)
tokens = torch.randint(0, VOCABULARY, (BATCH, LENGTH))
ends = torch.randint(3, LENGTH, (BATCH,))


def step():
    kept = torch.rand(BATCH, (SIDE // PATCH) ** 2).argsort(1)[:, : a.kept]
    value = loss(pixels, kept, tokens, ends)
    value.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    with torch.no_grad():
        model.scale.clamp_(0, math.log(100))
    return value.item()


for _ in range(a.warmup):
    step()
times = []
while sum(times) < a.seconds or len(times) < 3:
    began = time.perf_counter()
    step()
    times.append(time.perf_counter() - began)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
if a.device == "cuda":
    peak = torch.cuda.max_memory_reserved()
print(
    json.dumps(
        {
            "samplesPerSecond": BATCH / statistics.median(times),
            "peakBytes": peak,
            "version": f"PyTorch {torch.__version__}",
            "parameters": sum(p.numel() for p in model.parameters()),
        }
    )
)
