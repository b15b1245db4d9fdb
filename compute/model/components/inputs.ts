import type { DecoderSpec } from '../architectures/decoder.ts';
import type { GraphBuilder, Value } from '../graph/builder.ts';
import { inputNames } from './interface.ts';

/** The graph's inputs as values. */
export interface GraphInputs {
  readonly tokens: Value;
  prefixKeys(layer: number): Value;
  prefixValues(layer: number): Value;
  pastKeys(layer: number): Value;
  pastValues(layer: number): Value;
  readonly pastLengths: Value;
  readonly editPositions: Value;
  readonly headTables: Value;
  readonly headTable: Value;
  readonly headMask: Value;
  readonly residualTables: Value;
  readonly residualTable: Value;
  readonly residualScale: Value;
  readonly readPositions: Value;
  readonly targets: Value;
}

/** Declares every input of the unified graph, with the names and shapes of interface.ts. */
export function declareInputs(b: GraphBuilder, decoder: DecoderSpec): GraphInputs {
  const { keyValueHeads: K, headDim: d, heads: H, hidden: D } = decoder;
  const L = decoder.blocks.length;
  const perLayer = (name: (layer: number) => string, shape: readonly (number | string)[]) => {
    const values = decoder.blocks.map((_, layer) => b.input(name(layer), 'float32', shape));
    return (layer: number): Value => {
      const value = values[layer];
      if (value === undefined) throw new RangeError(`no layer ${layer}`);
      return value;
    };
  };
  return {
    tokens: b.input(inputNames.tokens, 'int64', ['B', 'S']),
    prefixKeys: perLayer(inputNames.prefixKeys, [K, 'P', d]),
    prefixValues: perLayer(inputNames.prefixValues, [K, 'P', d]),
    pastKeys: perLayer(inputNames.pastKeys, [K, 'B', 'O', d]),
    pastValues: perLayer(inputNames.pastValues, [K, 'B', 'O', d]),
    pastLengths: b.input(inputNames.pastLengths, 'int64', ['B']),
    editPositions: b.input(inputNames.editPositions, 'bool', ['B', 'S']),
    headTables: b.input(inputNames.headTables, 'float32', ['M', L, H, d]),
    headTable: b.input(inputNames.headTable, 'int64', ['B']),
    headMask: b.input(inputNames.headMask, 'bool', ['B', L, H]),
    residualTables: b.input(inputNames.residualTables, 'float32', ['N', L + 1, D]),
    residualTable: b.input(inputNames.residualTable, 'int64', ['B']),
    residualScale: b.input(inputNames.residualScale, 'float32', ['B', L + 1]),
    readPositions: b.input(inputNames.readPositions, 'int64', ['B', 'Q']),
    targets: b.input(inputNames.targets, 'int64', ['B', 'Q', 'T']),
  };
}
