"""Reference values for stages/evaluators/retrieval.ts and zero-shot.ts: CLIP_benchmark's own functions on small random embeddings.
Writes retrieval.json and zero-shot.json beside this file. Needs torch, numpy, tqdm, scikit-learn, clip_benchmark (--no-deps)."""
import importlib.metadata as meta, json, pathlib, platform
import sklearn.metrics, torch, torch.nn.functional as F
from clip_benchmark.metrics.zeroshot_retrieval import batchify, recall_at_k

HERE = pathlib.Path(__file__).parent
VERSIONS = {"python": platform.python_version(), **{n: meta.version(n) for n in ("torch", "scikit-learn", "clip_benchmark")}}
print(VERSIONS)
rounded = lambda t: [round(x, 6) for x in t.flatten().tolist()]
unit = lambda t: F.normalize(torch.tensor(rounded(t)).view(t.shape), dim=-1)


def retrieval(images, texts, dim, noise, pairs, seed):
    torch.manual_seed(seed)
    image = torch.tensor(rounded(torch.randn(images, dim))).view(images, dim)
    owner = {t: i for t, i in reversed(pairs)}
    text = torch.stack([image[owner[t]] + noise * torch.randn(dim) for t in range(texts)])
    text = torch.tensor(rounded(text)).view(texts, dim)
    scores = F.normalize(text, dim=1) @ F.normalize(image, dim=1).t()
    positive = torch.zeros_like(scores, dtype=torch.bool)
    for t, i in pairs: positive[t, i] = True
    hit = lambda s, y, k: 100 * (batchify(recall_at_k, s, y, 7, "cpu", k=k) > 0).float().mean().item()
    ks = (1, 3, 5, 10)
    return dict(dim=dim, images=rounded(image), texts=rounded(text), pairs=dict(texts=[t for t, _ in pairs], images=[i for _, i in pairs]),
                imageToText={k: hit(scores.T, positive.T, k) for k in ks}, textToImage={k: hit(scores, positive, k) for k in ks})


cases = dict(
    onePerImage=retrieval(30, 30, 8, 1.0, [(i, i) for i in range(30)], 0),
    severalCaptions=retrieval(20, 60, 8, 1.3, [(t, t // 3) for t in range(60)], 1),
    unevenCaptions=retrieval(12, 27, 6, 0.9, [(t, i) for t, i in enumerate([0] * 1 + [1] * 6 + [2] * 2 + [3] * 3 + [i for i in range(4, 12) for _ in range(2)][:15])] , 2),
    severalImages=retrieval(40, 20, 8, 1.0, [(t, i) for t in range(20) for i in (2 * t, 2 * t + 1)], 3),
    manyToMany=retrieval(24, 24, 8, 1.0, [(t, i) for t in range(24) for i in {t, (t * 5 + 1) % 24, (t + 7) % 24}], 4))
for name, c in cases.items(): print(name, c["imageToText"], c["textToImage"])
json.dump(dict(versions=VERSIONS, cases=cases), open(HERE / "retrieval.json", "w"))

torch.manual_seed(5)
C, T, N, D = 12, 5, 60, 8
centre = torch.randn(C, D)
label = torch.randint(0, C - 1, (N,))                      # the last class has no image
prompts = torch.tensor(rounded((centre[:, None] + 0.8 * torch.randn(C, T, D)) * torch.rand(C, T, 1).mul(4).add(0.1))).view(C, T, D)
images = torch.tensor(rounded(centre[label] + 1.2 * torch.randn(N, D))).view(N, D)
weights = []
for c in range(C):                                         # zero_shot_classifier of CLIP_benchmark, with the encoder's answers given
    e = F.normalize(prompts[c], dim=-1).mean(dim=0); weights.append(e / e.norm())
weights = torch.stack(weights, dim=1)
logits = 100.0 * F.normalize(images, dim=-1) @ weights
order = logits.topk(5, 1, True, True)[1]                   # `accuracy` of CLIP_benchmark (its last line fails on numpy 2.4)
top1, top5 = ((order[:, :k] == label[:, None]).any(1).float().mean().item() for k in (1, 5))
predicted = logits.argmax(1)
out = dict(versions=VERSIONS, dim=D, classes=C, templates=T, prompts=rounded(prompts), images=rounded(images), labels=label.tolist(),
           classEmbeddings=weights.t().flatten().tolist(), predicted=predicted.tolist(), confidence=logits.softmax(1).amax(1).tolist(),
           top1=100 * top1, top5=100 * top5, meanPerClassRecall=100 * float(sklearn.metrics.balanced_accuracy_score(label, predicted)))
print({k: out[k] for k in ("top1", "top5", "meanPerClassRecall")})
json.dump(out, open(HERE / "zero-shot.json", "w"))
