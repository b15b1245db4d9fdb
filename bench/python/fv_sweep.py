"""The reference for head sweeps: hooks on a transformers model, one forward pass a head and trial, as it is commonly written.

    python fv_sweep.py MODEL THREADS

First prints {"seconds"} of loading, then answers JSON lines:
{"clean", "corrupted", "targets", "heads"}: token ids of clean and corrupted prompts, the answers' tokens, [layer, head] pairs. Answered with
{"seconds", "cpuSeconds", "base", "patched"}: probabilities of the answers of the corrupted prompts as they are and with each head
replaced by its mean over the clean prompts.
{"gemm": n}: {"gflops"} of float32 products of n x n matrices.

It is spared what such scripts commonly pay for without need: no cache of keys and values, logits of the last token only.
"""

import json
import sys
import time

import torch
from transformers import AutoModelForCausalLM


@torch.no_grad()
def probability(model, tokens, target):
    logits = model(torch.tensor([tokens]), use_cache=False, logits_to_keep=1).logits[0, -1]
    return torch.softmax(logits, -1)[target].item()


@torch.no_grad()
def clean_means(model, prompts):
    """Of what each layer's output projection gets at the last token, [L, H, d]."""
    seen = []
    hooks = [
        layer.self_attn.o_proj.register_forward_pre_hook(lambda _, args: seen.append(args[0][0, -1].clone()))
        for layer in model.model.layers
    ]
    mean = None
    for count, tokens in enumerate(prompts):
        seen.clear()
        model(torch.tensor([tokens]), use_cache=False, logits_to_keep=1)
        heads = torch.stack(seen).view(len(hooks), model.config.num_attention_heads, -1)
        mean = heads if mean is None else mean + (heads - mean) / (count + 1)
    for hook in hooks:
        hook.remove()
    return mean


def patched_probability(model, tokens, target, layer, head, value):
    size = value.shape[-1]

    def replace(_, args):
        changed = args[0].clone()
        changed[0, -1, head * size : (head + 1) * size] = value
        return (changed,)

    hook = model.model.layers[layer].self_attn.o_proj.register_forward_pre_hook(replace)
    try:
        return probability(model, tokens, target)
    finally:
        hook.remove()


def sweep(model, clean, corrupted, targets, heads):
    means = clean_means(model, clean)
    base, patched = [], []
    for tokens, target in zip(corrupted, targets):
        base.append(probability(model, tokens, target))
        patched.append([patched_probability(model, tokens, target, l, h, means[l, h]) for l, h in heads])
    return base, patched


def gemm(size):
    a, b = torch.randn(size, size), torch.randn(size, size)
    best = 0.0
    for _ in range(20):
        started = time.perf_counter()
        a @ b
        best = max(best, 2 * size**3 / (time.perf_counter() - started) / 1e9)
    return best


def main():
    path, threads = sys.argv[1], int(sys.argv[2])
    torch.set_num_threads(threads)
    started = time.perf_counter()
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
    print(json.dumps(dict(seconds=time.perf_counter() - started)), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "gemm" in request:
            print(json.dumps(dict(gflops=gemm(request["gemm"]))), flush=True)
            continue
        started, cpu = time.perf_counter(), time.process_time()
        base, patched = sweep(model, **request)
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        print(json.dumps(dict(seconds=seconds, cpuSeconds=cpu, base=base, patched=patched)), flush=True)


main()
