import type { DecoderSpec } from '../architectures/decoder.ts';
import type { GraphBuilder, Value } from '../graph/builder.ts';
import { inputNames, rowsAt } from './interface.ts';

/** The graph's inputs as values. */
export interface GraphInputs {
  readonly tokens: Value;
  readonly rowCounts: Value;
  readonly rowSources: Value;
  readonly rowOrigins: Value;
  prefixKeys(layer: number): Value;
  prefixValues(layer: number): Value;
  readonly prefixLengths: Value;
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
  const perLayer = (name: (layer: number) => string, shape: (layer: number) => (number | string)[]) => {
    const values = decoder.blocks.map((_, layer) => b.input(name(layer), 'float32', shape(layer)));
    return (layer: number): Value => {
      const value = values[layer];
      if (value === undefined) throw new RangeError(`no layer ${layer}`);
      return value;
    };
  };
  return {
    tokens: b.input(inputNames.tokens, 'int64', [rowsAt(0), 'S']),
    rowCounts: b.input(inputNames.rowCounts, 'int64', [L + 1]),
    rowSources: b.input(inputNames.rowSources, 'int64', ['ΣB']),
    rowOrigins: b.input(inputNames.rowOrigins, 'int64', ['ΣB']),
    prefixKeys: perLayer(inputNames.prefixKeys, () => [K, 'N', 'P', d]),
    prefixValues: perLayer(inputNames.prefixValues, () => [K, 'N', 'P', d]),
    prefixLengths: b.input(inputNames.prefixLengths, 'int64', [rowsAt(0)]),
    pastKeys: perLayer(inputNames.pastKeys, (layer) => [K, rowsAt(layer), 'O', d]),
    pastValues: perLayer(inputNames.pastValues, (layer) => [K, rowsAt(layer), 'O', d]),
    pastLengths: b.input(inputNames.pastLengths, 'int64', [rowsAt(0)]),
    editPositions: b.input(inputNames.editPositions, 'bool', ['ΣB', 'S']),
    headTables: b.input(inputNames.headTables, 'float32', ['M', L, H, d]),
    headTable: b.input(inputNames.headTable, 'int64', ['ΣB']),
    headMask: b.input(inputNames.headMask, 'bool', ['ΣB', H]),
    residualTables: b.input(inputNames.residualTables, 'float32', ['A', L + 1, D]),
    residualTable: b.input(inputNames.residualTable, 'int64', ['ΣB']),
    residualScale: b.input(inputNames.residualScale, 'float32', ['ΣB']),
    readPositions: b.input(inputNames.readPositions, 'int64', [rowsAt(L), 'Q']),
    targets: b.input(inputNames.targets, 'int64', ['R', 'T']),
  };
}
