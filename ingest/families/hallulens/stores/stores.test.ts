import { afterEach, describe, expect, test } from 'vitest';
import { pythonBytes, pythonHas } from '../../../../test/support/python.ts';
import type { CollectedRun } from '../../../testing.ts';
import { readRuns, temporaryTree } from '../../../testing.ts';
import { HALLULENS } from '../index.ts';

const trees: { remove(): void }[] = [];
afterEach(() => {
  for (const tree of trees.splice(0)) tree.remove();
});

/** Files that a Python script writes below its first argument. */
async function readPythonTree(script: string): Promise<Map<string, CollectedRun>> {
  const tree = temporaryTree({ 'placeholder.txt': '' });
  trees.push(tree);
  pythonBytes(['-c', script, tree.path]);
  return readRuns(HALLULENS, tree.path);
}

const issueCodes = (run: CollectedRun) => run.sink.issues.map(({ severity, code }) => `${severity} ${code}`);

const NUMPY = `
import json, os, pickle, sys
import numpy as np
root = sys.argv[1]
def make(path):
    os.makedirs(os.path.join(root, path), exist_ok=True)
    return os.path.join(root, path)
`;

describe.skipIf(!pythonHas('numpy', 'lmdb', 'zstandard'))('LMDB stores of every age', () => {
  const LMDB = `${NUMPY}
import lmdb, zstandard
def write(path, values):
    env = lmdb.open(make(path), map_size=1 << 24)
    with env.begin(write=True) as txn:
        for key, value in values.items():
            txn.put(key.encode(), value)
    env.close()
a = np.arange(2 * 3 * 4, dtype=np.float16).reshape(2, 1, 3, 4)
`;

  test('bare dicts, stacked numpy arrays, zstd of a pickled list, a damaged value', async () => {
    const runs = await readPythonTree(`${LMDB}
compressed = zstandard.ZstdCompressor(level=3).compress(pickle.dumps([x for x in a], protocol=4))
write("old/activations.lmdb", {
    "bare": pickle.dumps({"prompt": "p", "response": "r", "model": "m", "activations": a}, protocol=4),
    "damaged": pickle.dumps({"data": {"all_layers_activations": a}, "metadata": {}}, protocol=4)[:-40],
    "forbidden": b"cos\\nsystem\\n(S'true'\\ntR.",
    "half": pickle.dumps({"data": {"prompt": "p", "all_layers_activations": [None, a[0]], "input_length": 1},
                          "metadata": {"compression": "none"}}, protocol=4),
    "listed": pickle.dumps({"prompt": "p", "all_layers_activations": [x for x in a]}, protocol=4),
    "zstd": pickle.dumps({"data": {"prompt": "p", "all_layers_activations": compressed},
                          "metadata": {"compression": "zstd", "original_size": 100000}}, protocol=4),
})`);
    const run = runs.get('old/activations.lmdb')!;
    expect(run.summary.accepted).toBe(true);
    expect(run.sink.table('generations').map((row) => row['example_id'])).toEqual([
      'bare',
      'half',
      'listed',
      'zstd',
    ]);
    const [store] = run.sink.stores;
    expect(store!.keys).toEqual(['bare', 'half', 'listed', 'zstd']);
    expect(store!.damaged).toEqual(['damaged', 'forbidden']);
    // Two layers of three tokens, and one where the other was not recorded.
    expect(store!.nActivations).toBe(6 + 3 + 6 + 6);
    expect(new Set(issueCodes(run))).toEqual(new Set(['warning ACTIVATION_ENTRY_UNREADABLE']));
  });

  test('the second environment adds to the first, and a broken record of it is passed over', async () => {
    const runs = await readPythonTree(`${LMDB}
value = {"data": {"prompt": "p", "response": "r", "model": "m", "all_layers_activations": [x for x in a],
                  "input_length": 2}, "metadata": {"compression": "none"}}
write("s/x.lmdb", {k: pickle.dumps(value, protocol=4) for k in ("one", "three", "two")})
write("s/x.lmdb_metadata", {
    "one": pickle.dumps({"prompt": "p", "response": "r", "example_id": "e1", "model_id": "org/m",
                         "logging_config": {"sequence_mode": "all"}, "timestamp": 1.5}, protocol=4),
    "two": b"no pickle",
})`);
    const run = runs.get('s/x.lmdb')!;
    expect([...runs.keys()]).toEqual(['s/x.lmdb']);
    const rows = run.sink.table('generations');
    expect(rows.map((row) => [row['activation_key'], row['example_id'], row['model_id']])).toEqual([
      ['one', 'e1', 'org/m'],
      ['three', 'three', 'm'],
      ['two', 'two', 'm'],
    ]);
    expect(JSON.parse(String(rows[0]!['extra']))).toMatchObject({
      timestamp: 1.5,
      example_id_kind: 'recorded',
      logging_config: { sequence_mode: 'all' },
    });
    expect(issueCodes(run)).toContain('warning ACTIVATION_METADATA_UNREADABLE');
    expect(run.sink.stores[0]!.nActivations).toBe(3 * 6);
  });

  test('a file that is no LMDB rejects the run and nothing else', async () => {
    const runs = await readPythonTree(`${LMDB}
write("good/x.lmdb", {"one": pickle.dumps({"prompt": "p", "activations": a}, protocol=4)})
open(os.path.join(make("bad/x.lmdb"), "data.mdb"), "wb").write(b"nothing of the kind" * 1000)`);
    expect(runs.get('good/x.lmdb')!.summary.accepted).toBe(true);
    const bad = runs.get('bad/x.lmdb')!;
    expect(bad.summary.accepted).toBe(false);
    expect(issueCodes(bad)).toEqual(['error ACTIVATION_STORE_UNREADABLE']);
  });
});

describe.skipIf(!pythonHas('numpy'))('JSON+NPY stores of every age', () => {
  test('a monolithic index, nested lists, object arrays, keys that are no file names', async () => {
    const runs = await readPythonTree(`${NUMPY}
d = make("s/activations"); top = make("s")
a = np.arange(2 * 3 * 4, dtype=np.float16).reshape(2, 1, 3, 4)
entry = {"prompt": "p", "response": "r", "model": "m"}
json.dump({"logger_config": {}, "entries": {"legacy": entry, "../evil": entry}}, open(top + "/metadata.json", "w"))
np.save(d + "/legacy.npy", a)
nested = [{"_type": "torch.Tensor", "data": x.tolist(), "shape": list(x.shape), "dtype": "torch.float16"} for x in a]
json.dump({**entry, "all_layers_activations": nested}, open(d + "/nested.json", "w"))
half = np.empty(2, dtype=object); half[0] = None; half[1] = a[1]
np.save(d + "/half.npy", half, allow_pickle=True)
open(d + "/torn.npy", "wb").write(open(d + "/legacy.npy", "rb").read()[:-4])
with open(top + "/metadata.jsonl", "w") as f:
    for key in ("nested", "half", "torn", "gone", "nested"):
        f.write(json.dumps({"key": key, "prompt": "p", "has_activations": True}) + "\\n")
    f.write(json.dumps({"key": "text", "has_activations": False}) + "\\n")
    f.write('{"key": "cut')`);
    const run = runs.get('s')!;
    expect(run.summary.accepted).toBe(true);
    const [store] = run.sink.stores;
    expect(store!.keys).toEqual(['legacy', 'nested', 'half', 'text']);
    expect(store!.damaged).toEqual(['torn', 'gone']);
    expect(store!.nActivations).toBe(6 + 6 + 3);
    expect(run.sink.table('generations').find((row) => row['activation_key'] === 'nested')).toMatchObject({
      prompt: 'p',
      response: 'r',
      model_id: 'm',
    });
    const codes = new Set(issueCodes(run));
    expect(codes).toEqual(
      new Set([
        'warning ACTIVATION_KEY_INVALID',
        'warning TRUNCATED_LAST_LINE',
        'warning ACTIVATION_ENTRY_UNREADABLE',
      ]),
    );
  });
});

describe.skipIf(!pythonHas('numpy', 'zarr'))('Zarr stores', () => {
  const ZARR = `${NUMPY}
import zarr
def store(path, index, n=4, keys=None):
    g = zarr.open_group(make(path), mode="w", zarr_format=2)
    arrays = g.create_group("arrays")
    p = np.arange(n * 2 * 3 * 4, dtype=np.float16).reshape(n, 2, 3, 4)
    def put(name, data, chunks=None):
        array = arrays.create_array(name, shape=data.shape, dtype=data.dtype, chunks=chunks or data.shape, compressors=None)
        array[...] = data
    put("prompt_activations", p, (1, 1, 3, 4)); put("response_activations", p[:, :, :2] + 1, (1, 1, 2, 4))
    put("prompt_len", np.array([3, 2, 1, 0], dtype=np.int32)); put("response_len", np.array([2, 2, 9, 0], dtype=np.int32))
    make(path + "/meta")
    if index is not None:
        with open(os.path.join(root, path, "meta/index.jsonl"), "w") as f:
            f.write("".join(line + "\\n" for line in index))
`;

  test('bad lines and rows out of range are passed over, the rest of the index is read', async () => {
    const runs = await readPythonTree(`${ZARR}
line = lambda key, row, **more: json.dumps({"key": key, "sample_index": row, "prompt": "p", "model": "m", **more})
store("s/activations.zarr", [line("a", 0), "{broken", line("b", 1, logging_config={"sequence_mode": "response"}),
                             line("c", 2), line("far", 99), line("t", None, has_activations=False)])`);
    const run = runs.get('s/activations.zarr')!;
    expect(run.summary.accepted).toBe(true);
    const [store] = run.sink.stores;
    expect(store!.keys).toEqual(['a', 'b', 'c', 'far', 't']);
    // Two layers of: 3 + 2 tokens, 2 response tokens, 1 + 2 (clipped to the array).
    expect(store!.nActivations).toBe(2 * (5 + 2 + 3));
    expect(new Set(issueCodes(run))).toEqual(
      new Set(['warning INVALID_JSON', 'warning SAMPLE_OUT_OF_RANGE']),
    );
  });

  test('a chunk cut short damages its entry, not the store', async () => {
    const runs = await readPythonTree(`${ZARR}
store("s/activations.zarr", [json.dumps({"key": k, "sample_index": i}) for i, k in enumerate("abc")])
chunk = os.path.join(root, "s/activations.zarr/arrays/prompt_activations/1.0.0.0")
open(chunk, "r+b").truncate(5)`);
    const [store] = runs.get('s/activations.zarr')!.sink.stores;
    expect(store!.damaged).toEqual(['b']);
    expect(store!.keys).toEqual(['a', 'b', 'c']);
  });
});

describe.skipIf(!pythonHas('numpy'))('memmap captures', () => {
  const CAPTURE = `${NUMPY}
d = make("icr_capture/task_test_Model")
n, layers, p, r, h = 6, 2, 3, 2, 4
config = dict(model_name="org/Model", num_layers=layers - 1, hidden_dim=h, max_prompt_len=p, max_response_len=r, n_samples=n)
json.dump(config, open(d + "/config.json", "w"))
np.arange(n * layers * p * h, dtype=np.float16).tofile(d + "/prompt_activations.npy")
np.arange(n * layers * r * h, dtype=np.float16).tofile(d + "/response_activations.npy")
def meta(i, **more):
    return json.dumps({"sample_index": i, "key": "q%d" % i, "prompt_len": 3, "response_len": 1, "hallucinated": i % 2 == 0, **more})
def text(i, generation="g"):
    return json.dumps({"prompt": "p%d" % i, "generation": generation, "answer": "a", "sample_index": i})
def lines(name, items):
    open(d + "/" + name, "w").write("".join(x + "\\n" for x in items))
`;

  test('only committed samples count; a resumed one counts with its last text', async () => {
    const runs = await readPythonTree(`${CAPTURE}
lines("meta.jsonl", [meta(3), meta(0), meta(1), meta(1), meta(9), meta(2, key="q0")])
lines("generation.jsonl", [text(3), text(0), text(1, "first"), text(1, "second"), text(4), text(2)])
np.save(d + "/icr_scores.npy", np.zeros((2, 1), dtype=np.float32))`);
    const run = runs.get('icr_capture/task_test_Model')!;
    expect(run.summary.accepted).toBe(true);
    expect(run.summary.columns).toMatchObject({
      benchmark: 'task_test',
      model_id: 'org/Model',
      status: 'partial',
    });
    const rows = run.sink.table('generations');
    expect(rows.map((row) => [row['example_id'], row['response'], row['halu']])).toEqual([
      ['q3', 'g', false],
      ['q0', 'g', true],
      ['q1', 'second', false],
      ['q0#2', 'g', true],
    ]);
    const [store] = run.sink.stores;
    expect(store!.keys).toEqual(['q0', 'q1', 'q0#2', 'q3']);
    expect(store!.nActivations).toBe(4 * 2 * (3 + 1));
    expect(new Set(issueCodes(run))).toEqual(
      new Set([
        'warning SAMPLE_OUT_OF_RANGE',
        'warning ICR_SCORES_UNUSABLE',
        'warning UNCOMMITTED_SAMPLE',
        'info SUPERSEDED_SAMPLE',
      ]),
    );
  });

  test('an array that is too short damages the samples behind its end', async () => {
    const runs = await readPythonTree(`${CAPTURE}
lines("meta.jsonl", [meta(i) for i in range(3)])
lines("generation.jsonl", [text(i) for i in range(3)])
open(d + "/prompt_activations.npy", "r+b").truncate(2 * layers * p * h * 2)`);
    const [store] = runs.get('icr_capture/task_test_Model')!.sink.stores;
    expect(store!.keys).toEqual(['q0', 'q1']);
    expect(store!.damaged).toEqual(['q2']);
  });

  test('a configuration without shapes rejects the capture', async () => {
    const runs = await readPythonTree(`${CAPTURE}
lines("meta.jsonl", [meta(0)])
json.dump({"model_name": "x"}, open(d + "/config.json", "w"))`);
    const run = runs.get('icr_capture/task_test_Model')!;
    expect(issueCodes(run)).toEqual(['error ACTIVATION_STORE_UNREADABLE']);
  });
});

describe.skipIf(!pythonHas('numpy', 'zarr'))('absurd Zarr shapes', () => {
  test.each([
    ['[4, 1000000000, 3, 4]', 'error ACTIVATION_STORE_UNREADABLE'],
    ['[4, 2, 1000000000, 1000]', 'warning ACTIVATION_ENTRY_UNREADABLE'],
  ])('%s', async (shape, code) => {
    const runs = await readPythonTree(`${NUMPY}
import zarr
arrays = zarr.open_group(make("s/activations.zarr"), mode="w", zarr_format=2).create_group("arrays")
n = np.array([2000000000] * 4, dtype=np.int32)
for name in ("prompt_len", "response_len"):
    arrays.create_array(name, shape=n.shape, dtype=n.dtype, compressors=None)[...] = n
for name in ("prompt_activations", "response_activations"):
    arrays.create_array(name, shape=(4, 2, 3, 4), dtype="f2", compressors=None)
    file = os.path.join(root, "s/activations.zarr/arrays", name, ".zarray")
    meta = json.load(open(file)); meta["shape"] = ${shape}; json.dump(meta, open(file, "w"))
os.makedirs(os.path.join(root, "s/activations.zarr/meta"))
open(os.path.join(root, "s/activations.zarr/meta/index.jsonl"), "w").write('{"key": "k", "sample_index": 0}\\n')`);
    expect(issueCodes(runs.get('s/activations.zarr')!)).toContain(code);
  });
});
