"""PyTorch's way from drawings and English names of emoji to recall on a vendor that was never seen: a tiny InternVL-like pair of towers,
trained for so many seconds of steps (data, augmentation, passes and update; compilation and evaluation are outside of the clock).

    python emoji_recipe.py --data FOLDER --seconds 480 --threads 2

FOLDER holds what `names/drawings.yaml` writes: the stages google and openmoji, which are trained on, and twitter. Prints one line of JSON.
"""
import argparse, io, json, math, os, random, resource, sys, time
ap = argparse.ArgumentParser()
ap.add_argument("--seconds", type=float, default=480); ap.add_argument("--seed", type=int, default=0); ap.add_argument("--threads", type=int, default=2)
ap.add_argument("--data", required=True); ap.add_argument("--test", default="twitter")
ap.add_argument("--img", type=int, default=32); ap.add_argument("--patch", type=int, default=8); ap.add_argument("--batch", type=int, default=256)
ap.add_argument("--lr", type=float, default=2e-3); ap.add_argument("--wd", type=float, default=0.1); ap.add_argument("--layer-scale", type=float, default=0.1)
ap.add_argument("--depth", type=int, default=4); ap.add_argument("--no-compile", action="store_true")
a = ap.parse_args()
import numpy as np, pyarrow.parquet as pq, torch, torch.nn as nn, torch.nn.functional as F
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
torch.set_num_threads(a.threads); torch.manual_seed(a.seed); random.seed(a.seed)
W, HEAD, TEXT_DEPTH, CTX, VOCAB, EMB = 128, 32, 2, 14, 1024, 128            # both towers 128 wide, 4 heads of 32
SOS, EOS = VOCAB - 2, VOCAB - 1
MEAN, STD = torch.tensor([0.80, 0.76, 0.72]).view(1, 3, 1, 1), torch.tensor([0.30, 0.31, 0.34]).view(1, 3, 1, 1)
log = lambda **d: print(json.dumps(d), file=sys.stderr, flush=True)

# ---- data: one entry per base emoji, with up to two drawings of 64 x 64 on white
def vendor(stage):
    rs = pq.read_table(os.path.join(a.data, stage, "rows"), columns=["image", "emoji", "caption"]).to_pylist()
    px = np.empty((len(rs), 3, 64, 64), np.uint8)
    for i, r in enumerate(rs):
        im = Image.open(io.BytesIO(r["image"])).convert("RGBA").resize((64, 64), Image.LANCZOS)
        px[i] = np.asarray(Image.alpha_composite(Image.new("RGBA", im.size, "white"), im).convert("RGB")).transpose(2, 0, 1)
    return dict(px=torch.from_numpy(px), key=[r["emoji"] for r in rs], name=[r["caption"] for r in rs])

google, openmoji, unseen = vendor("google"), vendor("openmoji"), vendor(a.test)
names = {k: n for v in (google, openmoji) for k, n in zip(v["key"], v["name"])}
at = {k: i for i, k in enumerate(names)}
drawings, has = torch.zeros(len(at), 2, 3, 64, 64, dtype=torch.uint8), torch.zeros(len(at), 2, dtype=torch.bool)
for v, s in enumerate((google, openmoji)):
    for k, p in zip(s["key"], s["px"]): drawings[at[k], v] = p; has[at[k], v] = True

tok = Tokenizer(models.BPE()); tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True); tok.decoder = decoders.ByteLevel()
tok.train_from_iterator(list(names.values()), trainers.BpeTrainer(vocab_size=VOCAB - 2, special_tokens=["<pad>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
def encode(texts):                                        # SOS ids EOS pad...
    out = torch.zeros(len(texts), CTX, dtype=torch.long)
    for i, e in enumerate(tok.encode_batch(texts)):
        ids = [SOS] + e.ids[:CTX - 2] + [EOS]; out[i, :len(ids)] = torch.tensor(ids)
    return out
captions = encode(list(names.values()))

# ---- model
def attend(q, k, v, causal):                              # plain products: torch's CPU flash attention has a very slow backward at this length
    n = q.shape[-2]; z = ((q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)).float()
    if causal: z = z + torch.full((n, n), -1e9).triu(1)
    return z.softmax(-1).to(v.dtype) @ v

rms = lambda n: nn.RMSNorm(n, eps=1e-6)
class Block(nn.Module):                                   # vision: GELU, QK-norm over the full width, layer scale; text: causal, RoPE, SwiGLU
    def __init__(s, text):
        super().__init__(); s.text = text; m = W * 8 // 3 // 16 * 16 if text else 4 * W
        s.n1, s.n2, s.qn, s.kn = rms(W), rms(W), *((None, None) if text else (rms(W), rms(W)))
        s.qkv, s.o = nn.Linear(W, 3 * W, bias=False), nn.Linear(W, W, bias=not text)
        s.f1, s.f2 = nn.Linear(W, 2 * m if text else m, bias=not text), nn.Linear(m, W, bias=not text)
        s.g1, s.g2 = (None, None) if text else (nn.Parameter(torch.full((W,), a.layer_scale)), nn.Parameter(torch.full((W,), a.layer_scale)))
    def forward(s, x, cos=None, sin=None):
        B, N, _ = x.shape; q, k, v = s.qkv(s.n1(x)).chunk(3, -1)
        if not s.text: q, k = s.qn(q), s.kn(k)
        q, k, v = (t.view(B, N, -1, HEAD).transpose(1, 2) for t in (q, k, v))
        if s.text:
            rope = lambda t: t * cos + torch.cat([-t[..., HEAD // 2:], t[..., :HEAD // 2]], -1) * sin
            q, k = rope(q), rope(k)
        y = s.o(attend(q.to(v.dtype), k.to(v.dtype), v, s.text).transpose(1, 2).reshape(B, N, W))
        x = x + (y if s.text else y * s.g1); y = s.f1(s.n2(x))
        if s.text: g, u = y.chunk(2, -1); y = F.silu(g) * u
        else: y = F.gelu(y, approximate="tanh")
        y = s.f2(y); return x + (y if s.text else y * s.g2)

class Clip(nn.Module):
    def __init__(s):
        super().__init__(); n = (a.img // a.patch) ** 2
        s.patch, s.pos = nn.Linear(3 * a.patch ** 2, W), nn.Parameter(torch.randn(n, W) * 0.02)
        s.vision, s.vn = nn.ModuleList(Block(False) for _ in range(a.depth)), rms(W)
        s.q, s.pk, s.pv, s.pn = nn.Parameter(torch.randn(W) * 0.02), nn.Linear(W, W, bias=False), nn.Linear(W, W, bias=False), rms(W)
        s.vp, s.tp = nn.Linear(W, EMB, bias=False), nn.Linear(W, EMB, bias=False)
        s.te, s.text_, s.tn = nn.Embedding(VOCAB, W), nn.ModuleList(Block(True) for _ in range(TEXT_DEPTH)), rms(W)
        s.scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        ang = torch.outer(torch.arange(CTX).float(), 1e4 ** (-torch.arange(0, HEAD, 2) / HEAD)); ang = torch.cat([ang, ang], -1)
        s.register_buffer("cos", ang.cos()); s.register_buffer("sin", ang.sin())
        for m in s.modules():
            if isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, std=m.in_features ** -0.5)
                if m.bias is not None: nn.init.zeros_(m.bias)
        for b in s.text_:
            for l in (b.o, b.f2): l.weight.data /= math.sqrt(2 * TEXT_DEPTH)
        nn.init.normal_(s.te.weight, std=0.02)
    def image(s, x):
        B, P, n = len(x), a.patch, a.img // a.patch
        x = s.patch(x.reshape(B, 3, n, P, n, P).permute(0, 2, 4, 1, 3, 5).reshape(B, n * n, -1)) + s.pos
        for b in s.vision: x = b(x)
        x = s.vn(x); H = W // HEAD; k = s.pn(s.pk(x)).to(x.dtype).view(B, -1, H, HEAD)      # attention pooling: one learned query per head
        w = torch.softmax(((k * s.q.view(H, HEAD)).sum(-1) * HEAD ** -0.5 * 10).float(), 1)
        return F.normalize(s.vp((s.pv(x).view(B, -1, H, HEAD) * w[..., None]).sum(1).reshape(B, -1)).float(), dim=-1)
    def text(s, t):
        x = s.te(t)
        for b in s.text_: x = b(x, s.cos, s.sin)
        x = x[torch.arange(len(t)), (t == EOS).int().argmax(1)]
        return F.normalize(s.tp(s.tn(x)).float(), dim=-1)

model = Clip(); auto = lambda: torch.autocast("cpu", torch.bfloat16)
def loss_fn(x, t):
    with auto(): i, u = model.image(x), model.text(t)
    l, y = model.scale.exp() * i @ u.T, torch.arange(len(x))
    return (F.cross_entropy(l, y) + F.cross_entropy(l.T, y)) / 2

def augment(x):                                           # affine, 3 x 3 dilation/erosion, brightness/contrast/saturation/grey/hue; on white
    n, S = len(x), a.img; th = torch.zeros(n, 2, 3)
    ang, sc, ar = (torch.rand(n) * 2 - 1) * 15 * math.pi / 180, torch.empty(n).uniform_(0.7, 1.2), torch.empty(n).uniform_(-.15, .15).exp()
    c, s = ang.cos() * sc, ang.sin() * sc
    th[:, 0, 0], th[:, 0, 1], th[:, 1, 0], th[:, 1, 1] = c * ar, -s * ar, s / ar, c / ar; th[:, :, 2] = (torch.rand(n, 2) * 2 - 1) * 0.1
    x = 1 - F.grid_sample(1 - x, F.affine_grid(th, [n, 3, S, S], align_corners=False), padding_mode="zeros", align_corners=False)
    k = int(n * 0.15); x = torch.cat([F.max_pool2d(x[:k], 3, 1, 1), -F.max_pool2d(-x[k:2 * k], 3, 1, 1), x[2 * k:]])
    b, c, s = 1 + (torch.rand(3, n, 1, 1, 1) * 2 - 1) * 0.4
    s = torch.where(torch.rand(n, 1, 1, 1) < 0.2, torch.zeros(()), s)
    m = x.mean((1, 2, 3), keepdim=True); x = (x - m) * c + m * b; g = x.mean(1, keepdim=True); x = (x - g) * s + g
    h = (torch.rand(n) * 2 - 1) * 0.3; co, si = h.cos(), h.sin() / math.sqrt(3); o = (1 - co) / 3      # rotation about the grey axis
    R = torch.stack([co + o, o - si, o + si, o + si, co + o, o - si, o - si, o + si, co + o], 1).view(n, 3, 3)
    return (torch.einsum("nij,njhw->nihw", R, x).clamp(0, 1) - MEAN) / STD

if a.no_compile: fast_loss, fast_augment = loss_fn, augment
else: fast_loss, fast_augment = torch.compile(loss_fn, dynamic=False), torch.compile(augment, dynamic=False)

def batches():                                            # every emoji once per epoch: no emoji twice in a batch; the last batch is filled up
    while True:
        o = torch.randperm(len(at))
        for b in o.split(a.batch): yield b if len(b) == a.batch else torch.cat([b, o[:a.batch - len(b)]])

def sample(b):                                            # a random vendor's drawing; 60 %: a random blend of the two vendors' drawings
    n = len(b); v = (torch.rand(n) < 0.5).long(); v = torch.where(has[b, v], v, 1 - v)
    x, y = drawings[b, v].float() / 255, drawings[b, 1 - v].float() / 255
    lam = torch.where((torch.rand(n) < 0.6) & has[b].all(1), torch.rand(n), torch.ones(n)).view(n, 1, 1, 1)
    return x * lam + y * (1 - lam), captions[b]

decay = [p for n, p in model.named_parameters() if p.ndim >= 2 and n != "pos"]; ids = {id(p) for p in decay}
opt = torch.optim.AdamW([dict(params=decay, weight_decay=a.wd), dict(params=[p for p in model.parameters() if id(p) not in ids], weight_decay=0.0)], lr=a.lr, betas=(0.9, 0.95), eps=1e-8, fused=True)
def step(lr):
    x, t = sample(next(it)); x = fast_augment(x)
    for g in opt.param_groups: g["lr"] = lr
    l = fast_loss(x, t); l.backward(); torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0); opt.step(); opt.zero_grad(set_to_none=True)
    with torch.no_grad(): model.scale.clamp_(0, math.log(100))
    return l.item()

# ---- evaluation: base emoji of one vendor, its English names as the classes
def recall(s):
    d, n = s.diagonal()[:, None], len(s); r = (s > d).sum(1) + ((s == d) & (torch.arange(n)[None] < torch.arange(n)[:, None])).sum(1)
    return [round(100 * (r < k).float().mean().item(), 2) for k in (1, 5)]
@torch.no_grad()
def evaluate(v):
    if "x" not in v: v["x"] = (F.interpolate(v["px"].float() / 255, size=(a.img, a.img), mode="area" if 64 % a.img == 0 else "bilinear", **({} if 64 % a.img == 0 else dict(antialias=True))) - MEAN) / STD; v["t"] = encode(v["name"])
    with auto(): i, u = torch.cat([model.image(b) for b in v["x"].split(256)]), torch.cat([model.text(b) for b in v["t"].split(512)])
    return dict(i2t=recall(i @ u.T), t2i=recall(u @ i.T))

it = batches(); state = {k: v.clone() for k, v in model.state_dict().items()}; t = time.time(); step(0.0); step(0.0); model.load_state_dict(state); opt.state.clear()
count = lambda mods: sum(p.numel() for m in mods for p in (m.parameters() if isinstance(m, nn.Module) else [m]))
log(event="setup", args=vars(a), emoji=len(at), vocab=tok.get_vocab_size(), compile_s=round(time.time() - t, 1), params=sum(p.numel() for p in model.parameters()), params_text=count([model.te, model.text_, model.tn, model.tp]))
clock, n, losses, minute = 0.0, 0, [], 1
while clock < a.seconds:
    t, p = time.time(), clock / a.seconds
    lr = a.lr * max(1e-3, p / 0.05 if p < 0.05 else 0.5 * (1 + math.cos(math.pi * (p - 0.05) / 0.95)))      # 5 % warm-up, cosine over the clock
    losses.append(step(lr)); n += 1; clock += time.time() - t
    if clock >= 60 * minute:
        minute += 1
        log(event="eval", minute=round(clock / 60, 2), steps=n, loss=round(sum(losses[-50:]) / len(losses[-50:]), 3), **evaluate(unseen))
final = evaluate(unseen)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps(dict(steps=n, seconds=clock, imageToText=final["i2t"][0] / 100, textToImage=final["t2i"][0] / 100, peakBytes=peak, version="PyTorch " + torch.__version__)))
