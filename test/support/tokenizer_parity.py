"""Trains tokenizers of the usual kinds and records what Python's tokenizers makes of texts: of all 10,000 with
tokenizers given, of the first 2,500 with those trained here.

    python tokenizer_parity.py OUT [CHECKPOINT...]

OUT/texts.json          the texts
OUT/<name>/             tokenizer.json and tokenizer_config.json, for each tokenizer trained here
OUT/<name>.json         {"ids": [[...]], "offsets": [[[start, end]]], "decoded": [...]} of trained and given tokenizers,
                        offsets in characters (code points); null where the tokenizer trims them or makes characters

Prints the tokenizers as JSON: [{"name", "path"}].
"""

import json
import pathlib
import random
import sys

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

COUNT = 10_000
SPECIALS = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>"]
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
WORDS = (
    "the of and a to in is you that it he was for on are as with his they I at be this have from or one had by word "
    "Paris Lima capital answer question What's don't I'll we've Größe naïve façade señor Ωmega Привет мир שלום "
    "مرحبا नमस्ते こんにちは 世界 안녕하세요 สวัสดี 3.14159 1,000,000 2026-11-21 http://a.b/c?d=e&f#g foo_bar camelCase"
).split()
PIECES = [
    "\r\n", "\n", "\n\n", "\t", " ", "  ", "     ", "\u00a0", "\u2003", "\u200b", "\u200d", "\ufeff", "\u0000", "\u007f", "\u0085", "\u2028",
    "e\u0301", "\u00e9", "n\u0303", "a\u0308\u0323", "\u0958", "\u1e9b\u0323", "\ufb01", "\u2126", "\uac00", "\u1100\u1161",
    "😀", "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇵🇪", "❤️", "\U0001d54f", "\U0010ffff", "\ue000", "\ufffd",
    "ſ", "K", "İ", "ß", "ﬀ", "'S", "'LL", "’s", "½", "²", "Ⅷ", "٣", "一二三", "...", "!?", "—", "«»", "()[]{}", "\\n", "<0x0A>", "▁", "Ġ", "Ċ",
    *SPECIALS, "<|begin_of_text", "|>",
]


def texts(seed):
    """Mixtures of words, awkward pieces, random code points and long runs."""
    rng = random.Random(seed)

    def code_point():
        top = rng.choice([0x7F, 0xFF, 0x7FF, 0xFFFF, 0x10FFFF])
        point = rng.randint(0, top)
        return "" if 0xD800 <= point <= 0xDFFF else chr(point)

    def part():
        kind = rng.random()
        if kind < 0.45:
            return rng.choice(["", " ", " "]) + rng.choice(WORDS)
        if kind < 0.75:
            return rng.choice(PIECES)
        if kind < 0.97:
            return "".join(code_point() for _ in range(rng.randint(1, 4)))
        return rng.choice(["a", "0", " ", "\n", "é", "😀", "-", "ab"]) * rng.randint(1, 40)

    fixed = ["", " ", "\n", *PIECES, *WORDS, " ".join(WORDS)]
    return fixed + ["".join(part() for _ in range(rng.randint(1, 8))) for _ in range(COUNT - len(fixed))]


def byte_level(pattern):
    if pattern is None:
        return pre_tokenizers.ByteLevel(add_prefix_space=False)
    split = pre_tokenizers.Split(Regex(pattern), behavior="isolated")
    return pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def framed(tokenizer, bos):
    index = tokenizer.token_to_id(bos)
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{bos} $A", special_tokens=[(bos, index)])


def byte_level_bpe(corpus, pattern, normalizer=None, ignore_merges=False):
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    tokenizer.pre_tokenizer = byte_level(pattern)
    tokenizer.normalizer = normalizer
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=1200, special_tokens=SPECIALS, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(corpus, trainer)
    framed(tokenizer, SPECIALS[0])
    return tokenizer


def plain(corpus):
    """Texts of few characters, for models that put every character into their vocabulary."""
    return [text for text in corpus if text.isascii() and text.isprintable() and "<0x" not in text]


def sentencepiece_bpe(corpus):
    """As Llama 2 and the first Mistral: marks for spaces, bytes for what the vocabulary does not have."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    specials = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=900, special_tokens=specials, show_progress=False)
    # It learns over whole texts: short ones, or it learns texts.
    tokenizer.train_from_iterator([word for text in plain(corpus) for word in text.split(" ")], trainer)
    value = json.loads(tokenizer.to_str())
    value["added_tokens"] = [one for one in value["added_tokens"] if one["content"] in specials[:3]]
    tokenizer = Tokenizer.from_str(json.dumps(value))
    framed(tokenizer, "<s>")
    return tokenizer


def unigram(corpus):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=600, special_tokens=["<unk>", "<s>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(plain(corpus), trainer)
    framed(tokenizer, "<s>")
    return tokenizer


def has_own_offsets(tokenizer):
    value = json.loads(tokenizer.to_str())
    return value["decoder"]["type"] != "ByteLevel" or '"trim_offsets": true' in json.dumps(value["post_processor"])


def record(tokenizer, name, inputs, out):
    encodings = tokenizer.encode_batch(inputs)
    ids = [one.ids for one in encodings]
    offsets = None if has_own_offsets(tokenizer) else [one.offsets for one in encodings]
    decoded = [tokenizer.decode(one) for one in ids]
    (out / f"{name}.json").write_text(json.dumps(dict(ids=ids, offsets=offsets, decoded=decoded)))


def main():
    out = pathlib.Path(sys.argv[1])
    inputs = texts(1)
    (out / "texts.json").write_text(json.dumps(inputs))
    corpus = texts(2)[:1000]
    trained = {
        "llama3": byte_level_bpe(corpus, LLAMA3, ignore_merges=True),
        "qwen2": byte_level_bpe(corpus, QWEN2, normalizer=normalizers.NFC()),
        "gpt2": byte_level_bpe(corpus, None),
        "llama2": sentencepiece_bpe(corpus),
        "unigram": unigram(corpus),
    }
    listed = []
    for name, tokenizer in trained.items():
        (out / name).mkdir()
        tokenizer.save(str(out / name / "tokenizer.json"))
        (out / name / "tokenizer_config.json").write_text("{}")
        listed.append(dict(name=name, path=str(out / name)))
    for i, path in enumerate(sys.argv[2:]):
        listed.append(dict(name=f"given-{i}", path=path))
        trained[f"given-{i}"] = Tokenizer.from_file(str(pathlib.Path(path) / "tokenizer.json"))
    for name, tokenizer in trained.items():
        record(tokenizer, name, inputs if name.startswith("given") else inputs[:2500], out)
    print(json.dumps(listed))


if __name__ == "__main__":
    main()
