"""The relation q-wise function-vector pipeline, written plainly with hooks in PyTorch: one forward a head a trial.

    python fv_reference.py OUT RELATION SETTINGS

OUT/<architecture>/       a small random checkpoint with a tokenizer for the relation, for gpt2 and llama
OUT/<architecture>.json   what the pipeline gives with it

RELATION has the columns id, ex_A, ex_B. SETTINGS is JSON: q, other, trials, demos, topk, seed, alpha, n_eval, held_out, random_vectors, random_heads. Prompts have no
special tokens. What Runlake adds to the contract is here too, each part by another way than Runlake's: a distributed vector by
hooks in one forward, attributions by norms in double precision.
"""

import csv
import hashlib
import json
import math
import pathlib
import random
import sys

import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, PreTrainedTokenizerFast

torch.set_num_threads(1)


def rows_of(path):
    relation = {}
    for row in csv.DictReader(open(path, encoding="utf-8")):
        relation.setdefault(row["id"], []).append((row["ex_A"].strip(), row["ex_B"].strip()))
    return relation


def make(architecture, relation, out):
    out.mkdir()
    lines = ["Q: %s\nA: %s\n\n" % pair for rows in relation.values() for pair in rows]
    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(lines, vocab_size=500, min_frequency=1)
    bpe.save(str(out / "tokenizer.json"))
    PreTrainedTokenizerFast(tokenizer_file=str(out / "tokenizer.json")).save_pretrained(out)
    torch.manual_seed(1)
    if architecture == "gpt2":
        config = GPT2Config(vocab_size=500, n_embd=24, n_layer=3, n_head=3, n_positions=256, initializer_range=0.3,
            bos_token_id=None, eos_token_id=None)
    else:
        config = LlamaConfig(
            vocab_size=500, hidden_size=24, intermediate_size=40, num_hidden_layers=3, num_attention_heads=4,
            num_key_value_heads=2, head_dim=8, max_position_embeddings=256, initializer_range=0.3,
            bos_token_id=None, eos_token_id=None)
    model = AutoModelForCausalLM.from_config(config)
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1:  # biases and norms begin as zeros and ones: make them tell
            parameter.data += 0.3 * torch.randn_like(parameter)
    model.save_pretrained(out)


def zero_shot(x):
    return f"Q: {x}\nA:"


def prompt(demos, x):
    return "".join(zero_shot(a) + f" {b}\n\n" for a, b in demos) + zero_shot(x)


def derived(*parts):
    text = json.dumps(parts, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def sample(rows, q, s):
    held = set(random.Random(derived(str(s["seed"]), "held out", q)).sample(range(len(rows)), s["held_out"]))
    usable, rng, trials = [i for i in range(len(rows)) if i not in held], random.Random(s["seed"]), []
    for _ in range(s["trials"]):
        query = usable[rng.randrange(len(usable))]
        others = [i for i in usable if i != query]
        rng.shuffle(others)
        demos = [rows[i] for i in others[: s["demos"]]]
        labels = [y for _, y in demos]
        wrong = list(labels)
        rng.shuffle(wrong)
        if wrong == labels:
            rng.shuffle(wrong)
        trials.append((rows[query], demos, [(x, y) for (x, _), y in zip(demos, wrong)]))
    rng.shuffle(trials)
    return trials


class Runner:
    """A model whose attention outputs (before the projection) and blocks can be read and changed at the last token."""

    def __init__(self, path):
        self.tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(path / "tokenizer.json"))
        self.model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
        config = self.model.config
        self.gpt2 = config.model_type == "gpt2"
        body = self.model.transformer if self.gpt2 else self.model.model
        self.blocks = list(body.h if self.gpt2 else body.layers)
        self.norm = body.ln_f if self.gpt2 else body.norm
        self.heads = config.num_attention_heads
        self.projections = [b.attn.c_proj if self.gpt2 else b.self_attn.o_proj for b in self.blocks]
        self.width = self.weight(0).shape[1] // self.heads
        self.hidden = self.weight(0).shape[0]
        self.replace, self.plus, self.add = {}, {}, {}
        for layer, (projection, block) in enumerate(zip(self.projections, self.blocks)):
            projection.register_forward_pre_hook(self.before_projection(layer))
            block.register_forward_hook(self.after_block(layer))
        self.norm.register_forward_pre_hook(lambda _, args: setattr(self, "last", args[0][0, -1].clone()))

    def weight(self, layer):
        """[D, H d]: c_proj of GPT-2 lies the other way round."""
        weight = self.projections[layer].weight.detach()
        return weight.T if self.gpt2 else weight

    def columns(self, head):
        return slice(head * self.width, (head + 1) * self.width)

    def before_projection(self, layer):
        def hook(_, args):
            z = args[0].clone()
            for (l, head), value in self.replace.items():
                if l == layer:
                    z[0, -1, self.columns(head)] = value
            for (l, head), value in self.plus.items():
                if l == layer:
                    z[0, -1, self.columns(head)] += value
            self.z[layer] = z[0, -1].clone()
            return (z,)
        return hook

    def after_block(self, layer):
        def hook(_, args, out):
            if layer not in self.add:
                return out
            h = (out[0] if isinstance(out, tuple) else out).clone()
            h[0, -1] += self.add[layer]
            return (h,) + tuple(out[1:]) if isinstance(out, tuple) else h
        return hook

    @torch.no_grad()
    def read(self, tokens, target, replace=None, plus=None, add=None):
        """[p, logit, logprob, best] of the next token."""
        self.replace, self.plus, self.add = replace or {}, plus or {}, add or {}
        self.z = [None] * len(self.blocks)
        logits = self.model(torch.tensor([tokens])).logits[0, -1].float()
        logprob = (logits - logits.logsumexp(-1))[target].item()
        return [math.exp(logprob), logits[target].item(), logprob, int(logits.argmax())]

    def tokens(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False)

    def target(self, text, answer):
        return self.tokens(f"{text} {answer}")[len(self.tokens(text))]

    def means(self, trials):
        outputs = []
        for (x, y), demos, _ in trials:
            self.read(self.tokens(prompt(demos, x)), 0)
            outputs.append(torch.stack(self.z))
        return torch.stack(outputs).mean(0)

    def vector(self, means, heads):
        total = torch.zeros(self.hidden)
        for layer, head in heads:
            total += self.weight(layer)[:, self.columns(head)] @ means[layer, self.columns(head)]
            if self.projections[layer].bias is not None:
                total += self.projections[layer].bias.detach()
        return total

    def attribution(self, target):
        """By head, of the prompt that was read last: [H] a layer, in double precision."""
        x, gain = self.last.double(), self.norm.weight.detach().double()
        row = self.model.lm_head.weight.detach()[target].double()
        centred = lambda v: v - v.mean() if self.gpt2 else v
        epsilon = self.norm.eps if self.gpt2 else self.norm.variance_epsilon
        scale = (centred(x).pow(2).mean() + epsilon).sqrt()
        return [
            [
                (row @ (gain * centred(self.weight(layer)[:, self.columns(h)].double() @ z[self.columns(h)].double()) / scale)).item()
                for h in range(self.heads)
            ]
            for layer, z in enumerate(self.z)
        ]


def normal_vector(length, norm, rng):
    values = []
    for _ in range(length):
        radius = math.sqrt(-2 * math.log(1 - rng.random()))
        values.append(radius * math.cos(2 * math.pi * rng.random()))
    vector = torch.tensor(values, dtype=torch.float64)
    return (vector * (norm / vector.norm())).float()


def evaluation_order(queries, q, s):
    pool = list(dict.fromkeys(queries))
    shift = sum((i + 1) * ord(c) for i, c in enumerate(q)) % 2147483647
    random.Random(s["seed"] + shift).shuffle(pool)
    return pool[: s["n_eval"]]


def run(checkpoint, relation, s):
    model, q, rows = Runner(checkpoint), s["q"], relation[s["q"]]
    layers, heads = range(len(model.blocks)), range(model.heads)
    trials = sample(rows, q, s)
    means = model.means(trials)
    deltas, dla, dla_clean = {}, {}, {}
    for t, ((x, y), demos, wrong) in enumerate(trials):
        text = prompt(wrong, x)
        tokens, target = model.tokens(text), model.target(text, y)
        model.read(model.tokens(prompt(demos, x)), target)
        clean = model.attribution(target)
        base = model.read(tokens, target)
        corrupted = model.attribution(target)
        for layer in layers:
            for head in heads:
                value = means[layer, model.columns(head)]
                patched = model.read(tokens, target, replace={(layer, head): value})
                key = f"{layer}.{head}.{t}"
                deltas[key] = [a - b for a, b in zip(patched[:3], base[:3])]
                dla[key], dla_clean[key] = corrupted[layer][head], clean[layer][head]
    mean = lambda v: sum(v) / len(v)
    aie = {(l, h): mean([deltas[f"{l}.{h}.{t}"][0] for t in range(len(trials))]) for l in layers for h in heads}
    ranked = sorted(aie, key=lambda place: (-aie[place], *place))
    top = ranked[: s["topk"]]
    own = model.vector(means, top)
    norm = own.norm().item()

    vectors = {"function_vector": own}
    for draw in range(s["random_vectors"]):
        rng = random.Random(derived(s["seed"], q, "random_vector", draw))
        vectors[f"random_vector/{draw}"] = normal_vector(model.hidden, norm, rng)
    for draw in range(s["random_heads"]):
        rng = random.Random(derived(s["seed"], q, "random_heads", draw))
        others = [place for place in sorted(aie) if place not in top]
        vectors[f"random_heads/{draw}"] = model.vector(means, sorted(rng.sample(others, min(len(top), len(others)))))
    vectors["other_query"] = model.vector(model.means(sample(relation[s["other"]], s["other"], s)), top)

    used = {x for query, demos, _ in trials for x, _ in [query, *demos]}
    sets = {"extraction": [query for query, _, _ in trials], "held_out": [r for r in rows if r[0] not in used]}
    injections = {}
    for name, queries in sets.items():
        for i, (x, y) in enumerate(evaluation_order(queries, q, s)):
            tokens, target = model.tokens(zero_shot(x)), model.target(zero_shot(x), y)
            base = model.read(tokens, target)
            for kind, vector in vectors.items():
                for layer in layers:
                    changed = model.read(tokens, target, add={layer: s["alpha"] * vector})
                    injections[f"{name} {kind} {layer} {i}"] = [zero_shot(x), base, changed]
            plus = {(l, h): s["alpha"] * means[l, model.columns(h)] for l, h in top}
            last = max(l for l, _ in top)
            injections[f"{name} distributed {last} {i}"] = [zero_shot(x), base, model.read(tokens, target, plus=plus)]
    return dict(
        prompts=[prompt(wrong, x) for (x, _), _, wrong in trials],
        deltas=deltas, dla=dla, dla_clean=dla_clean,
        aie={f"{l}.{h}": value for (l, h), value in aie.items()},
        ranked=ranked, vector=own.tolist(), norm=norm, injections=injections,
    )


def main(out, relation, settings):
    out, relation, settings = pathlib.Path(out), rows_of(relation), json.loads(settings)
    for architecture in ("gpt2", "llama"):
        make(architecture, relation, out / architecture)
        found = run(out / architecture, relation, settings)
        (out / f"{architecture}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
