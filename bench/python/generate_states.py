"""The reference for inference with capture: transformers' generate() with output_hidden_states.

    python generate_states.py MODEL make    writes a random Llama of bfloat16 weights, prints its number of parameters
    python generate_states.py MODEL serve THREADS

`serve` first prints {"seconds"} of loading, then answers a JSON line {"prompts", "newTokens", "eos"} with {"seconds", "tokens",
"residentBytes"}. Prompts are token ids; they run in batches of 8 in the order given, padded on the left. With `eos` tokens
are sampled at temperature 1 and end a response; without, the most probable are taken. Every response's states are
put together in one array, [L + 1, T, D], as one has to in order to store them.
"""

import json
import resource
import sys
import time

import torch
import transformers
from transformers import AutoModelForCausalLM, LlamaConfig

BATCH = 8
CONFIG = dict(
    vocab_size=32000, hidden_size=768, intermediate_size=2048, num_hidden_layers=12, num_attention_heads=12,
    num_key_value_heads=4, max_position_embeddings=1024, tie_word_embeddings=True, bos_token_id=0, eos_token_id=None,
    pad_token_id=None,
)


def make(path):
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(LlamaConfig(**CONFIG), dtype=torch.bfloat16)
    model.save_pretrained(path)
    print(json.dumps(dict(parameters=model.num_parameters())))


@torch.no_grad()
def generate(model, prompts, new_tokens, eos):
    longest = max(map(len, prompts))
    ids = torch.tensor([[0] * (longest - len(one)) + one for one in prompts])
    mask = torch.tensor([[0] * (longest - len(one)) + [1] * len(one) for one in prompts])
    choice = dict(do_sample=True, temperature=1.0, top_k=0, eos_token_id=eos) if eos else dict(do_sample=False)
    out = model.generate(
        ids, attention_mask=mask, max_new_tokens=new_tokens, pad_token_id=0, return_dict_in_generate=True,
        output_hidden_states=True, output_logits=True, **choice,
    )
    tokens = 0
    for row, prompt in enumerate(prompts):
        response = out.sequences[row, longest:].tolist()
        ends = [i for i, token in enumerate(response) if token in eos]
        count = ends[0] + 1 if ends else len(response)
        tokens += count
        prompt_states = torch.stack([layer[row, -len(prompt):] for layer in out.hidden_states[0]])
        steps = [torch.stack([layer[row] for layer in step]) for step in out.hidden_states[1:count]]
        prompt_states.numpy(), (torch.cat(steps, 1).numpy() if steps else None)
        scores = torch.stack([step[row] for step in out.logits[:count]]).log_softmax(-1)
        scores.gather(1, torch.tensor(response[:count])[:, None]).numpy()
    return tokens


def serve(path, threads):
    torch.set_num_threads(threads)
    started = time.perf_counter()
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
    print(json.dumps(dict(seconds=time.perf_counter() - started)), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        prompts, new_tokens, eos = request["prompts"], request["newTokens"], request["eos"]
        started = time.perf_counter()
        batches = [prompts[i : i + BATCH] for i in range(0, len(prompts), BATCH)]
        tokens = sum(generate(model, batch, new_tokens, eos) for batch in batches)
        took = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps(dict(seconds=took, tokens=tokens, residentBytes=peak)), flush=True)


transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()
if sys.argv[2] == "make":
    make(sys.argv[1])
else:
    serve(sys.argv[1], int(sys.argv[3]))
