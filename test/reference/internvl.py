"""Reference values for stages/models: a tiny InternVL in plain PyTorch, written from the published tensor names and the
description of the model (arXiv 2312.14238), in float64. Where transformers has the same tower, its output is compared here
first: LlamaModel for the text tower, InternVLVisionModel for the vision tower.

    python internvl.py     # writes internvl.json (config, index) and internvl.bin (little-endian float32 and int32)
"""
import json, math, os, platform
import numpy as np, torch, torch.nn.functional as F, transformers
from transformers import LlamaConfig, LlamaModel
from transformers.models.internvl.configuration_internvl import InternVLVisionConfig
from transformers.models.internvl.modeling_internvl import InternVLVisionModel

torch.manual_seed(20240115)
torch.set_default_dtype(torch.float64)
C = dict(
    vision=dict(width=16, depth=2, heads=2, mlp=24, patch=4, image=8, eps=1e-6),
    text=dict(width=12, depth=3, heads=2, mlp=20, vocabulary=20, ropeBase=10000, eps=1e-6),
    queries=dict(count=3, crossEvery=2),
    embed=dict(dim=10, poolHeads=2),
    init=dict(range=0.02, layerScale=0.1, queries=0.02, temperature=0.07),
    maxTokens=16,
)
V, T, Q = C["vision"], C["text"], C["queries"]["count"]
tokens = (V["image"] // V["patch"]) ** 2 + 1

# ---- weights under the published names, all random, none at a value that hides its use
W = {}
def put(name, *shape, mean=0.0, std=None):
    std = std if std is not None else (0.3 if len(shape) < 2 else 1 / math.sqrt(math.prod(shape[1:])))
    W[name] = (mean + std * torch.randn(shape)).float().double().requires_grad_()
def norm(name, width, bias=False):
    put(f"{name}.weight", width, mean=1.0)
    if bias: put(f"{name}.bias", width)
e = "vision_model.embeddings"
put(f"{e}.class_embedding", 1, 1, V["width"]); put(f"{e}.position_embedding", 1, tokens, V["width"])
put(f"{e}.patch_embedding.weight", V["width"], 3, V["patch"], V["patch"]); put(f"{e}.patch_embedding.bias", V["width"])
for l in range(V["depth"]):
    p = f"vision_model.encoder.layers.{l}"; D, M = V["width"], V["mlp"]
    put(f"{p}.ls1", D, mean=0.5); put(f"{p}.ls2", D, mean=0.5)
    for n in ("norm1", "norm2", "attn.q_norm", "attn.k_norm"): norm(f"{p}.{n}", D)
    put(f"{p}.attn.qkv.weight", 3 * D, D); put(f"{p}.attn.proj.weight", D, D); put(f"{p}.attn.proj.bias", D)
    put(f"{p}.mlp.fc1.weight", M, D); put(f"{p}.mlp.fc1.bias", M); put(f"{p}.mlp.fc2.weight", D, M); put(f"{p}.mlp.fc2.bias", D)
D, M = T["width"], T["mlp"]
put("qllama.model.embed_tokens.weight", T["vocabulary"], D, std=1.0)
for l in range(T["depth"]):
    p = f"qllama.model.layers.{l}"
    norm(f"{p}.input_layernorm", D); norm(f"{p}.post_attention_layernorm", D)
    for n in "qkvo": put(f"{p}.self_attn.{n}_proj.weight", D, D)
    if l % C["queries"]["crossEvery"] == 0:
        norm(f"{p}.cross_attn.norm1", D); norm(f"{p}.cross_attn.norm2", V["width"])
        for n, i in zip("qkvo", (D, V["width"], V["width"], D)): put(f"{p}.cross_attn.{n}_proj.weight", D, i)
    put(f"{p}.mlp.gate_proj.weight", M, D); put(f"{p}.mlp.up_proj.weight", M, D); put(f"{p}.mlp.down_proj.weight", D, M)
norm("qllama.model.norm", D); put("qllama.lm_head.weight", T["vocabulary"], D, std=1.0)
put("query_tokens", 1, Q, D, std=1.0); put("text_projection", D, C["embed"]["dim"]); put("logit_scale", mean=math.log(1 / 0.2), std=0.0)
for p, width in (("clip_projector", V["width"]), ("clip_projector2", D)):
    for n in "qkv":
        norm(f"{p}.norm1_{n}", width, bias=True)
        put(f"{p}.cross_attn.{n}.weight", width, width); put(f"{p}.cross_attn.{n}_bias", width)
    put(f"{p}.cross_attn.proj.weight", C["embed"]["dim"], width); put(f"{p}.cross_attn.proj.bias", C["embed"]["dim"])
put("itm_head.weight", 2, D); put("itm_head.bias", 2)

# ---- the model
def rms(x, w, eps): return x / (x.pow(2).mean(-1, keepdim=True) + eps).sqrt() * w
def heads(x, n): return x.unflatten(-1, (n, -1)).transpose(1, 2)
def attend(q, k, v, n, mask=0.0):
    q, k, v = heads(q, n), heads(k, n), heads(v, n)
    return (torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + mask, -1) @ v).transpose(1, 2).flatten(2)

def vision(images, keep=None, drop=None):                  # images [B, 3, H, W]
    g = lambda n: W[f"vision_model.embeddings.{n}"]
    x = F.conv2d(images, g("patch_embedding.weight"), g("patch_embedding.bias"), stride=V["patch"]).flatten(2).transpose(1, 2)
    x = torch.cat([g("class_embedding").expand(len(x), -1, -1), x], 1) + g("position_embedding")
    if keep is not None:
        rows = torch.cat([torch.zeros(len(x), 1, dtype=torch.long), keep + 1], 1)
        x = x.gather(1, rows[..., None].expand(-1, -1, x.shape[-1]))
    for l in range(V["depth"]):
        g = lambda n: W[f"vision_model.encoder.layers.{l}.{n}"]
        f = [1.0, 1.0] if drop is None else [drop[l, i][:, None, None] for i in (0, 1)]
        q, k, v = F.linear(rms(x, g("norm1.weight"), V["eps"]), g("attn.qkv.weight")).chunk(3, -1)
        q, k = rms(q, g("attn.q_norm.weight"), V["eps"]), rms(k, g("attn.k_norm.weight"), V["eps"])
        x = x + f[0] * g("ls1") * F.linear(attend(q, k, v, V["heads"]), g("attn.proj.weight"), g("attn.proj.bias"))
        h = F.gelu(F.linear(rms(x, g("norm2.weight"), V["eps"]), g("mlp.fc1.weight"), g("mlp.fc1.bias")))
        x = x + f[1] * g("ls2") * F.linear(h, g("mlp.fc2.weight"), g("mlp.fc2.bias"))
    return x

def pool(p, x):
    g = lambda n: W[f"{p}.{n}"]
    ln = lambda x, n: F.layer_norm(x, x.shape[-1:], g(f"norm1_{n}.weight"), g(f"norm1_{n}.bias"), 1e-5)
    q, k, v = (F.linear(ln(x.mean(1, keepdim=True) if n == "q" else x, n), g(f"cross_attn.{n}.weight"), g(f"cross_attn.{n}_bias")) for n in "qkv")
    return F.linear(attend(q, k, v, C["embed"]["poolHeads"])[:, 0], g("cross_attn.proj.weight"), g("cross_attn.proj.bias"))

def rotate(x, positions):                                  # x [B, T, D]
    d = T["width"] // T["heads"]
    angle = positions[:, None].double() * T["ropeBase"] ** (-torch.arange(0, d, 2).double() / d)
    cos, sin = (torch.cat([t, t], -1) for t in (angle.cos(), angle.sin()))
    h = heads(x, T["heads"])
    return (h * cos + torch.cat([-h[..., d // 2:], h[..., : d // 2]], -1) * sin).transpose(1, 2).flatten(2)

def decoder(x, mask, image=None, positions=None):          # x [B, T, D]; mask [B or 1, 1, T, T]; image [B, N, Dv]
    positions = torch.arange(x.shape[1]) if positions is None else positions
    for l in range(T["depth"]):
        g = lambda n: W[f"qllama.model.layers.{l}.{n}.weight"]
        h = rms(x, g("input_layernorm"), T["eps"])
        q, k, v = (F.linear(h, g(f"self_attn.{n}_proj")) for n in "qkv")
        x = x + F.linear(attend(rotate(q, positions), rotate(k, positions), v, T["heads"], mask), g("self_attn.o_proj"))
        if image is not None and l % C["queries"]["crossEvery"] == 0:
            i = rms(image, g("cross_attn.norm2"), T["eps"]); head, rest = x[:, :Q], x[:, Q:]
            q = F.linear(rms(head, g("cross_attn.norm1"), T["eps"]), g("cross_attn.q_proj"))
            k, v = (F.linear(i, g(f"cross_attn.{n}_proj")) for n in "kv")
            x = torch.cat([head + F.linear(attend(q, k, v, T["heads"]), g("cross_attn.o_proj")), rest], 1)
        h = rms(x, g("post_attention_layernorm"), T["eps"])
        x = x + F.linear(F.silu(F.linear(h, g("mlp.gate_proj"))) * F.linear(h, g("mlp.up_proj")), g("mlp.down_proj"))
    return rms(x, W["qllama.model.norm.weight"], T["eps"])

NO = -1e9
def causal(n): return torch.full((n, n), NO).triu(1)[None, None]
def text(ids, ends):
    x = decoder(W["qllama.model.embed_tokens.weight"][ids], causal(ids.shape[1]))
    return x[torch.arange(len(ids)), ends]
unit = lambda x: x / x.norm(dim=-1, keepdim=True)
def encode_image(*a, **k): return unit(pool("clip_projector", vision(*a, **k)))
def encode_text(ids, ends): return unit(text(ids, ends) @ W["text_projection"])
def clip_loss(i, t, ignore=None):
    s, y = W["logit_scale"].exp() * i @ t.T, torch.arange(len(i))
    if ignore is not None: y = y.masked_fill(ignore, -100)
    return (F.cross_entropy(s, y) + F.cross_entropy(s.T, y)) / 2
def query_pass(image):
    B = len(image)
    return decoder(W["query_tokens"].expand(B, -1, -1), torch.zeros(1, 1, Q, Q), image)
def encode_g(images):
    image = vision(images)
    return unit(unit(pool("clip_projector", image)) + unit(pool("clip_projector2", query_pass(image))))

def view_masks(present):                                   # present: {view: [B, L] bool}
    out = {}
    for view, on in present.items():
        B, L = on.shape; n = Q + L
        m = torch.where(torch.cat([torch.ones(B, Q, dtype=torch.bool), on], 1), 0.0, NO)[:, None, None, :].expand(B, 1, n, n).clone()
        if view == "itc": m[:, :, :Q, Q:] = NO; m[:, :, Q:, :Q] = NO; m[:, :, Q:, Q:] += causal(L)
        if view == "itg": m = m + causal(n); m[:, :, :Q, :Q] = 0
        out[view] = m
    return out

# ---- inputs
B, L = 5, 7
images = torch.randn(B, 3, V["image"], V["image"]).float().double()
keep = torch.stack([torch.randperm(tokens - 1)[:2] for _ in range(B)])
drop = (torch.rand(V["depth"], 2, B) < 0.7).double() / 0.7
drop = drop.float().double()
def texts(lengths):                                        # begin 1, words, end 2, padding 0
    ids = torch.zeros(len(lengths), L, dtype=torch.long)
    for r, n in enumerate(lengths):
        ids[r, :n] = torch.randint(3, T["vocabulary"], (n,)); ids[r, 0] = 1; ids[r, n - 1] = 2
    return ids, torch.tensor(lengths) - 1
contrastive_ids, contrastive_ends = texts([7, 4, 5, 3, 6])
itm_ids, itm_ends = texts([4, 2, 7, 5, 6]); itc_ids, itc_ends = texts([6, 5, 2, 7, 3]); itg_ids, itg_ends = texts([7, 6, 4, 5, 7])
itm_labels = torch.tensor([0] * math.ceil(B / 2) + [1] * (B // 2))
itm_weights = (itm_ends > 1).double()                       # row 1 is an empty text
itc_weights = (itc_ends > 1).double()                       # row 2 is an empty text
itg_labels = torch.zeros_like(itg_ids); itg_labels[:, :-1] = itg_ids[:, 1:]
itg_weights = (itg_labels > 0).double(); itg_weights[:, :1] = 0   # the first prediction is a prompt's

# ---- transformers agrees
with torch.no_grad():
    llama = LlamaModel(LlamaConfig(hidden_size=T["width"], num_hidden_layers=T["depth"], num_attention_heads=T["heads"], intermediate_size=T["mlp"],
        vocab_size=T["vocabulary"], rms_norm_eps=T["eps"], rope_theta=T["ropeBase"], attn_implementation="eager", pad_token_id=0)).double().eval()
    state = {n[len("qllama.model."):]: w for n, w in W.items() if n.startswith("qllama.model.") and ".cross_attn." not in n}
    print("LlamaModel", llama.load_state_dict(state, strict=True))
    theirs = llama(input_ids=contrastive_ids, attention_mask=(contrastive_ids > 0).long()).last_hidden_state[torch.arange(B), contrastive_ends]
    print("text tower, largest difference", (theirs - text(contrastive_ids, contrastive_ends)).abs().max().item())
    assert torch.allclose(theirs, text(contrastive_ids, contrastive_ends), atol=1e-6)
    vit = InternVLVisionModel(InternVLVisionConfig(hidden_size=V["width"], num_hidden_layers=V["depth"], num_attention_heads=V["heads"], intermediate_size=V["mlp"],
        attention_bias=False, use_qk_norm=True, norm_type="rms_norm", layer_norm_eps=V["eps"], image_size=[V["image"]] * 2, patch_size=[V["patch"]] * 2,
        hidden_act="gelu", use_absolute_position_embeddings=True, use_mean_pooling=True, attn_implementation="eager")).double().eval()
    theirs = {"embeddings.cls_token": W[f"{e}.class_embedding"], "embeddings.position_embeddings": W[f"{e}.position_embedding"],
        "embeddings.patch_embeddings.projection.weight": W[f"{e}.patch_embedding.weight"], "embeddings.patch_embeddings.projection.bias": W[f"{e}.patch_embedding.bias"]}
    for l in range(V["depth"]):
        g = lambda n: W[f"vision_model.encoder.layers.{l}.{n}"]; p = f"encoder.layer.{l}"
        for n, w in zip("qkv", g("attn.qkv.weight").chunk(3)): theirs[f"{p}.attention.{n}_proj.weight"] = w
        for a, b in {"attention.projection_layer.weight": "attn.proj.weight", "attention.projection_layer.bias": "attn.proj.bias", "attention.q_norm.weight": "attn.q_norm.weight",
            "attention.k_norm.weight": "attn.k_norm.weight", "layernorm_before.weight": "norm1.weight", "layernorm_after.weight": "norm2.weight", "lambda_1": "ls1", "lambda_2": "ls2",
            "mlp.fc1.weight": "mlp.fc1.weight", "mlp.fc1.bias": "mlp.fc1.bias", "mlp.fc2.weight": "mlp.fc2.weight", "mlp.fc2.bias": "mlp.fc2.bias"}.items(): theirs[f"{p}.{a}"] = g(b)
    print("InternVLVisionModel", vit.load_state_dict(theirs, strict=False))
    theirs = vit(images).last_hidden_state
    print("vision tower, largest difference", (theirs - vision(images)).abs().max().item())
    assert torch.allclose(theirs, vision(images), atol=1e-6)

# ---- values
out = {f"weights/{n}": w for n, w in W.items()}
def gradients(loss, group, some=lambda n: True):
    for w in W.values(): w.grad = None
    loss.backward()
    out.update({f"gradients/{group}/{n}": w.grad if w.grad is not None else torch.zeros_like(w) for n, w in W.items() if some(n)})
out |= {"inputs/images": images.permute(0, 2, 3, 1), "inputs/keep": keep, "inputs/dropPath": drop}
for name, (ids, ends) in dict(contrastive=(contrastive_ids, contrastive_ends), itm=(itm_ids, itm_ends), itc=(itc_ids, itc_ends), itg=(itg_ids, itg_ends)).items():
    out |= {f"inputs/{name}/tokens": ids, f"inputs/{name}/ends": ends}
out |= {"inputs/itm/labels": itm_labels, "inputs/itm/weights": itm_weights, "inputs/itc/weights": itc_weights, "inputs/itg/labels": itg_labels, "inputs/itg/weights": itg_weights}
out |= {"outputs/vision": vision(images), "outputs/vision/random": vision(images, keep, drop), "outputs/text": text(contrastive_ids, contrastive_ends),
    "outputs/image/C": encode_image(images), "outputs/image/G": encode_g(images), "outputs/embed/text": encode_text(contrastive_ids, contrastive_ends),
    "outputs/queries": query_pass(vision(images))}
loss = clip_loss(encode_image(images, keep=keep, drop=drop), encode_text(contrastive_ids, contrastive_ends)); out["outputs/contrastive"] = loss
gradients(loss, "contrastive", lambda n: n.startswith(("vision_model", "clip_projector.", "text_projection", "logit_scale")) or (n.startswith("qllama.model") and ".cross_attn." not in n))

image = vision(images).detach()
present = dict(itm=itm_ids > 0, itc=itc_ids > 0, itg=itg_ids > 0); masks = view_masks(present); out |= {f"masks/{v}": m for v, m in masks.items()}
h = {v: decoder(torch.cat([W["query_tokens"].expand(B, -1, -1), W["qllama.model.embed_tokens.weight"][ids]], 1), masks[v], image) for v, ids in dict(itm=itm_ids, itc=itc_ids, itg=itg_ids).items()}
itm_logits = F.linear(h["itm"][:, :Q], W["itm_head.weight"], W["itm_head.bias"]).mean(1)
losses = dict(
    itm=F.cross_entropy(itm_logits, itm_labels.masked_fill(itm_weights == 0, -100)),
    itc=clip_loss(unit(pool("clip_projector2", h["itc"][:, :Q])), unit(h["itc"][torch.arange(B), Q + itc_ends] @ W["text_projection"]), itc_weights == 0),
    itg=F.cross_entropy(F.linear(h["itg"][:, Q:], W["qllama.lm_head.weight"]).flatten(0, 1), itg_labels.masked_fill(itg_weights == 0, -100).flatten()))
out |= {f"outputs/{n}": l for n, l in losses.items()}; out["outputs/itm/logits"] = itm_logits
gradients(sum(losses.values()), "generative", lambda n: n.startswith(("query_tokens", "clip_projector2", "itm_head", "logit_scale", "text_projection")) or ".layers." in n and ".cross_attn." in n or n.startswith("qllama.model.layers.0."))

# ---- captions: the search keeps scores by hand, the whole sequence is computed at each step
PROMPT, END, NEW = [1, 9, 4], 3, 6
def next_logprobs(image, ids):                             # ids [N, L]
    n, l = ids.shape; m = causal(Q + l); m[..., :Q, :Q] = 0
    x = decoder(torch.cat([W["query_tokens"].expand(n, -1, -1), W["qllama.model.embed_tokens.weight"][ids]], 1), m, image)
    return F.log_softmax(F.linear(x[:, -1], W["qllama.lm_head.weight"]), -1)
def beam(image, width, least):                             # image [1, N, D]; score of a finished text: sum of logprobs / number of new tokens
    live, done = [([], 0.0)], []
    for step in range(NEW):
        lp = next_logprobs(image.expand(len(live), -1, -1), torch.tensor([PROMPT + ids for ids, _ in live]))
        if step < least: lp[:, END] = -math.inf
        all_ = sorted(((s + lp[i, t].item(), ids + [t]) for i, (ids, s) in enumerate(live) for t in range(T["vocabulary"])), key=lambda c: -c[0])
        done += [(s / len(ids), ids) for s, ids in all_[: 2 * width] if ids[-1] == END and math.isfinite(s) and (s, ids) in all_[:width]]
        live = [(ids, s) for s, ids in all_ if ids[-1] != END][:width]
        if len(done) >= width: break
    done = sorted(done, key=lambda c: -c[0])[:width]
    if len(done) < width: done = sorted(done + [(s / len(ids), ids) for ids, s in live], key=lambda c: -c[0])
    return done[0][1]
captions = {}
with torch.no_grad():
    for name, width, least in (("greedy", 1, 0), ("greedy, at least 4", 1, 4), ("beam 3", 3, 0), ("beam 3, at least 3", 3, 3)):
        captions[name] = [beam(image[i : i + 1], width, least) for i in range(B)]
print(json.dumps(captions))

folder = os.path.dirname(os.path.abspath(__file__)); blob, index = b"", {}
for name, value in out.items():
    a = value.detach().numpy(); a = np.ascontiguousarray(a.astype("<i4" if a.dtype == np.int64 else "<f4"))
    index[name] = dict(shape=list(value.shape), dtype="int32" if a.dtype == np.dtype("<i4") else "float32", offset=len(blob)); blob += a.tobytes()
versions = dict(python=platform.python_version(), torch=torch.__version__, transformers=transformers.__version__, numpy=np.__version__)
open(os.path.join(folder, "internvl.bin"), "wb").write(blob)
json.dump(dict(versions=versions, config=C, captions=dict(prompt=PROMPT, end=END, new=NEW, **captions), tensors=index), open(os.path.join(folder, "internvl.json"), "w"))
print(versions, len(blob), "bytes;", {k: round(v.item(), 6) for k, v in losses.items()}, "contrastive", round(loss.item(), 6))
