"""Reference values for stages/evaluators/caption-tokens.ts, cider.ts and bleu.ts: coco-caption's own tokenizer (needs Java) and scorers.
Reads captions.txt (one caption a line) and writes caption-tokens.json; writes captions.json, a small captioning task with
its CIDEr-D and BLEU. Needs pycocoevalcap, numpy."""
import importlib.metadata as meta, json, pathlib, platform, random, subprocess, unicodedata
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

HERE = pathlib.Path(__file__).parent
java = subprocess.run(["java", "-version"], capture_output=True, text=True).stderr.splitlines()[0]
VERSIONS = {"python": platform.python_version(), "java": java, **{n: meta.version(n) for n in ("pycocoevalcap", "numpy")}}
print(VERSIONS)
tokenize = lambda lines: [t[0] for t in PTBTokenizer().tokenize({i: [{"caption": c}] for i, c in enumerate(lines)}).values()]

lines = (HERE / "captions.txt").read_text().splitlines()
json.dump(dict(versions=VERSIONS, captions=[[c, t] for c, t in zip(lines, tokenize(lines))]), open(HERE / "caption-tokens.json", "w"), ensure_ascii=False, indent=0)

random.seed(0)
SUBJECTS = "a man;two women;the brown dog;a small child's toy;an old red truck;three people;a cat;a white horse".split(";")
VERBS = "is riding;stands next to;are looking at;sits on top of;jumps over;doesn't see;holds".split(";")
OBJECTS = "a surfboard;the kitchen table;a large pizza, sliced;a train (at the station);an umbrella in the rain;a bench".split(";")
ENDS = ["", ".", " in the park", " on a sunny day.", " near the water", " while others watch"]
def near(s, v, o, e):
    pick = lambda known, pool, p: random.choice(pool) if random.random() < p else known
    return f"{pick(s, SUBJECTS, .3)} {pick(v, VERBS, .5)} {pick(o, OBJECTS, .3)}{pick(e, ENDS, .6)}"
captions = []
for _ in range(48):
    scene = [random.choice(x) for x in (SUBJECTS, VERBS, OBJECTS, ENDS)]
    captions.append((near(*scene), [near(*scene) for _ in range(random.randint(1, 5))]))
captions += [("", ["a bench in the park", "a bench"]), ("dog", ["dog", "the dog"]), ("dog dog dog dog dog", ["a dog", "dog dog"]), ("a cat a cat a cat", ["a cat sits on a cat"])]
flat = tokenize([c for cand, refs in captions for c in (cand, *refs)])
res, gts, at = {}, {}, 0
for i, (cand, refs) in enumerate(captions):
    res[i], gts[i] = [flat[at]], flat[at + 1:at + 1 + len(refs)]; at += 1 + len(refs)
cider, ciders = Cider().compute_score(gts, res)
bleu, _ = Bleu(4).compute_score(gts, res, verbose=0)
one = Cider().compute_score({0: gts[0]}, {0: res[0]})[0]
print("CIDEr", cider, "BLEU", bleu, "single image", one)
json.dump(dict(versions=VERSIONS, captions=[dict(candidate=res[i][0].split(), references=[r.split() for r in gts[i]]) for i in res],
               cider=float(cider), ciders=[float(x) for x in ciders], bleu=[float(x) for x in bleu]), open(HERE / "captions.json", "w"))
