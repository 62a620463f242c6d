"""Byte-level BPE as the Python tokenizers library trains it, for test/operators/tokenizers.

Run in this folder: python tokenizer.py
Made with: Python 3.11.7, tokenizers 0.23.3
"""
import json
import platform
import random

import tokenizers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

print(f"Python {platform.python_version()}, tokenizers {tokenizers.__version__}")
random.seed(7)
nouns = "face rocket cat dog heart star hand moon fish house tree Straße été 犬 猫 سيارة हाथी собака".split()
marks = ["grinning", "red", "smiling", "with", "and", "don't", "it's", "12", "2024", ":", "!!", "🚀", "👩‍🚀", "<s>"]
texts = [" ".join(random.choice(nouns + marks) for _ in range(random.randint(1, 9))) for _ in range(400)]
texts += ["", " leading", "trailing  ", "two  spaces", "a line\nbreak", "tab\there", "aaaa aaaaaa aaa", "\u3000full width"]
samples = texts[:40] + texts[400:] + ["an unseen word: zebra 🦓", "日本語", "x" * 50]


def train(vocabulary, frequency):
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = decoders.ByteLevel()
    tok.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=vocabulary,
            min_frequency=frequency,
            special_tokens=["<pad>", "<s>", "</s>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return tok


trainings = []
for vocabulary, frequency in [(259, 1), (300, 1), (400, 1), (2000, 1), (2000, 2), (2000, 20)]:
    model = json.loads(train(vocabulary, frequency).to_str())["model"]
    merges = [m if isinstance(m, list) else m.split(" ") for m in model["merges"]]
    trainings.append({"vocabulary": vocabulary, "minFrequency": frequency, "merges": merges, "tokens": len(model["vocab"])})

tok = train(400, 2)
json.dump(
    {
        "texts": texts,
        "trainings": trainings,
        "vocab": tok.get_vocab(),
        "samples": [{"text": t, "ids": tok.encode(t, add_special_tokens=False).ids} for t in samples],
        "prefix": tok.encode("summarize:", add_special_tokens=False).ids,
    },
    open("tokenizer.json", "w"),
    ensure_ascii=False,
)
