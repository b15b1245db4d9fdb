"""Makes small random checkpoints of every architecture and records what transformers computes with them.

    python model_parity.py OUT

OUT/<case>/            the checkpoint
OUT/<case>.json        prompts, interventions, greedy continuations
OUT/<case>.safetensors tensors (float32), by name:
    residual.<prompt>  [L + 1, S, D]  input of block 0, then the output of every block
    heads.<prompt>     [L, S, H, d]   input of every attention output projection
    final.<prompt>     [S, D]         after the final norm
    prompt_states.<prompt>    [L + 1, S, D]      hidden_states that generate() gives of the prompt
    response_states.<prompt>  [L + 1, n - 1, D]  and of every generated token but the last, which is not read
    logits.<prompt>    [S, V]
    edited.<i>         [V]            last logits under intervention i
    head_table, residual_table        values the interventions take, [L, H, d] and [L + 1, D]

Arithmetic is float32 throughout, the weights are those of the checkpoint, rounded as it stores them.
"""

import json
import pathlib
import sys

import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

VOCABULARY = 97
SIZES = dict(
    vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, num_hidden_layers=4, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=128, initializer_range=0.15, bos_token_id=0, eos_token_id=None,
    pad_token_id=None,
)
GPT2 = dict(
    vocab_size=VOCABULARY, n_embd=32, n_layer=4, n_head=4, n_positions=64, initializer_range=0.15, bos_token_id=0,
    eos_token_id=None,
)
LLAMA3 = dict(
    rope_theta=500000.0, rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
    original_max_position_embeddings=16,
)

# name: config class, fields, dtype of the files, shard size
CASES = {
    "llama": ("Llama", dict(SIZES, rope_parameters=LLAMA3, head_dim=12), torch.float32, None),
    "llama-tied-bf16-sharded": ("Llama", dict(SIZES, tie_word_embeddings=True), torch.bfloat16, "12KB"),
    "llama-biased-linear-rope": (
        "Llama",
        dict(SIZES, attention_bias=True, mlp_bias=True, num_key_value_heads=4, hidden_act="gelu",
             rope_parameters=dict(rope_theta=10000.0, rope_type="linear", factor=2.0)),
        torch.float32, None,
    ),
    "mistral": ("Mistral", dict(SIZES, sliding_window=5), torch.float16, None),
    "qwen2": (
        "Qwen2",
        dict(SIZES, use_sliding_window=True, sliding_window=6, max_window_layers=2, tie_word_embeddings=True),
        torch.float32, None,
    ),
    "qwen3": ("Qwen3", dict(SIZES, head_dim=16, num_key_value_heads=1), torch.bfloat16, None),
    "smollm3": ("SmolLM3", dict(SIZES), torch.float32, None),
    "gpt2": ("GPT2", GPT2, torch.float32, None),
    "gpt2-scaled": (
        "GPT2",
        dict(GPT2, scale_attn_by_inverse_layer_idx=True, n_inner=40, tie_word_embeddings=False),
        torch.bfloat16, None,
    ),
}

PROMPT_LENGTHS = [17, 1, 9]
NEW_TOKENS = 8


def randomise(model):
    """Biases and norms begin as zeros and ones: make them tell."""
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1:
            parameter.data += 0.2 * torch.randn_like(parameter)


def interventions(layers):
    """Heads replaced and vectors added at the last position, alone and together, of prompt 0 and 2."""
    return [
        dict(prompt=0, heads=[[1, 2]], add=[]),
        dict(prompt=2, heads=[[0, 0], [1, 1], [1, 3], [layers - 1, 0]], add=[]),
        dict(prompt=0, heads=[], add=[[0, 1.0]]),
        dict(prompt=0, heads=[], add=[[2, -1.5]]),
        dict(prompt=2, heads=[], add=[[1, 0.5], [layers, 2.0]]),
        dict(prompt=0, heads=[[2, 3], [3, 1]], add=[[1, 1.0], [3, -0.5]]),
    ]


class Probe:
    """Hooks that record and edit one forward pass at a time."""

    def __init__(self, model):
        base = model.get_decoder() if not hasattr(model, "transformer") else model.transformer
        blocks = getattr(base, "layers", None) or base.h
        self.heads, self.residual, self.edit = {}, {}, None
        for i, block in enumerate(blocks):
            attention = block.attn.c_proj if hasattr(block, "attn") else block.self_attn.o_proj
            attention.register_forward_pre_hook(self.on_heads(i))
            if i == 0:
                block.register_forward_pre_hook(self.on_embedding, with_kwargs=True)
            block.register_forward_hook(self.on_block(i))
        self.layers = len(blocks)
        self.count = model.config.num_attention_heads

    def add(self, point, hidden):
        for at, scale in (self.edit or {}).get("add", []):
            if at == point:
                hidden = hidden.clone()
                hidden[:, -1] += scale * self.residual_table[point]
        self.residual[point] = hidden[0]
        return hidden

    def on_embedding(self, _, args, kwargs):
        if args:
            return (self.add(0, args[0]), *args[1:]), kwargs
        return args, dict(kwargs, hidden_states=self.add(0, kwargs["hidden_states"]))

    def on_block(self, i):
        def hook(_, args, out):
            hidden = self.add(i + 1, out[0] if isinstance(out, tuple) else out)
            return (hidden, *out[1:]) if isinstance(out, tuple) else hidden
        return hook

    def on_heads(self, i):
        def hook(_, args):
            flat = args[0]
            z = flat.clone().view(1, flat.shape[1], self.count, -1)
            for layer, head in (self.edit or {}).get("heads", []):
                if layer == i:
                    z[0, -1, head] = self.head_table[layer, head]
            self.heads[i] = z[0].clone()
            return (z.view_as(flat),)
        return hook


@torch.no_grad()
def record(name, kind, fields, dtype, shard, out):
    config = getattr(transformers, f"{kind}Config")(**fields)
    torch.manual_seed(len(name))
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    randomise(model)
    model.to(dtype).save_pretrained(out / name, **({"max_shard_size": shard} if shard else {}))
    # eager: sdpa on the CPU orders its sums otherwise, and masks of windows are plain there
    model = AutoModelForCausalLM.from_pretrained(out / name, dtype=torch.float32, attn_implementation="eager").eval()

    probe = Probe(model)
    prompts = [torch.randint(1, VOCABULARY, (n,)).tolist() for n in PROMPT_LENGTHS]
    tensors, facts = {}, dict(prompts=prompts, interventions=interventions(probe.layers), greedy=[], log_probabilities=[])
    dimension = config.hidden_size
    for i, prompt in enumerate(prompts):
        result = model(torch.tensor([prompt]), output_hidden_states=True)
        tensors[f"residual.{i}"] = torch.stack([probe.residual[p] for p in range(probe.layers + 1)])
        tensors[f"heads.{i}"] = torch.stack([probe.heads[l] for l in range(probe.layers)])
        tensors[f"final.{i}"] = result.hidden_states[-1][0]
        tensors[f"logits.{i}"] = result.logits[0]
        greedy = model.generate(
            torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long), do_sample=False,
            max_new_tokens=NEW_TOKENS, pad_token_id=0, return_dict_in_generate=True, output_hidden_states=True,
            output_logits=True,
        )
        tokens = greedy.sequences[0, len(prompt):].tolist()
        facts["greedy"].append(tokens)
        scores = [step[0].log_softmax(-1) for step in greedy.logits]
        facts["log_probabilities"].append([one[token].item() for one, token in zip(scores, tokens)])
        states = [torch.stack([layer[0] for layer in step]) for step in greedy.hidden_states]
        tensors[f"prompt_states.{i}"] = states[0]
        tensors[f"response_states.{i}"] = torch.cat(states[1:], 1)
    shape = probe.heads[0].shape
    probe.head_table = tensors["head_table"] = torch.randn(probe.layers, shape[1], shape[2])
    probe.residual_table = tensors["residual_table"] = torch.randn(probe.layers + 1, dimension)
    for i, edit in enumerate(facts["interventions"]):
        probe.edit = edit
        tensors[f"edited.{i}"] = model(torch.tensor([prompts[edit["prompt"]]])).logits[0, -1]
    save_file({key: value.float().contiguous() for key, value in tensors.items()}, out / f"{name}.safetensors")
    (out / f"{name}.json").write_text(json.dumps(facts))


def in_old_dialect(path):
    """Rewrites config.json as transformers 4 wrote it."""
    config = json.loads(path.read_text())
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    config["rope_scaling"] = rope
    config["torch_dtype"] = config.pop("dtype")
    path.write_text(json.dumps(config))


def main():
    out = pathlib.Path(sys.argv[1])
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    for name, (kind, fields, dtype, shard) in CASES.items():
        record(name, kind, fields, dtype, shard, out)
    in_old_dialect(out / "llama" / "config.json")
    print(json.dumps(list(CASES)))


if __name__ == "__main__":
    main()
