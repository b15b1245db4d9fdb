import type { JsonValue } from '../../contracts/json-value.ts';
import type { TaskConfig } from '../../contracts/lm-eval/results.ts';
import { asNumber } from '../../metric-values.ts';
import { mean, summarise } from '../../stats/index.ts';

/** How the harness makes one number of the values of a metric, one a document. */
export type Aggregation =
  | 'mean'
  | 'nanmean'
  | 'median'
  | 'perplexity'
  | 'weighted_perplexity'
  | 'bits_per_byte';

const KNOWN: ReadonlySet<string> = new Set<Aggregation>([
  'mean',
  'nanmean',
  'median',
  'perplexity',
  'weighted_perplexity',
  'bits_per_byte',
]);

/** What it takes when the task does not say. */
const DEFAULTS: Readonly<Record<string, Aggregation>> = {
  acc: 'mean',
  acc_norm: 'mean',
  acc_bytes: 'mean',
  acc_mutual_info: 'mean',
  exact_match: 'mean',
  perplexity: 'perplexity',
  word_perplexity: 'weighted_perplexity',
  byte_perplexity: 'weighted_perplexity',
  bits_per_byte: 'bits_per_byte',
};

/**
 * The aggregation of a metric; undefined for one that Runlake does not repeat (corpus scores such as BLEU, F1, a
 * function of the task's own).
 */
export function aggregationOf(task: TaskConfig | undefined, metric: string): Aggregation | undefined {
  const configured = task?.metric_list?.find((entry) => entry.metric === metric)?.aggregation;
  const name = configured ?? DEFAULTS[metric];
  return typeof name === 'string' && KNOWN.has(name) ? (name as Aggregation) : undefined;
}

/** Values of one metric under one filter. */
export class MetricColumn {
  readonly #values: number[] = [];
  /** Weights (words, bytes) of values that have one. */
  readonly #weights: number[] = [];
  /** A value was no number. */
  #odd = false;

  get length(): number {
    return this.#values.length;
  }

  /** Numbers, truth values, and pairs of a number and its weight. */
  push(value: JsonValue): void {
    const [first, second] = Array.isArray(value) && value.length === 2 ? value : [value];
    const number = typeof first === 'boolean' ? Number(first) : asNumber(first);
    const weight = asNumber(second);
    if (number === undefined || (second !== undefined && weight === undefined)) this.#odd = true;
    else {
      this.#values.push(number);
      if (weight !== undefined) this.#weights.push(weight);
    }
  }

  /** The aggregate, and for means its standard error (n - 1 in the deviation); undefined where values do not fit. */
  aggregate(aggregation: Aggregation): { readonly value: number; readonly stderr?: number } | undefined {
    const values = this.#values;
    const weighted = aggregation === 'weighted_perplexity' || aggregation === 'bits_per_byte';
    if (this.#odd || values.length === 0 || this.#weights.length !== (weighted ? values.length : 0))
      return undefined;
    switch (aggregation) {
      case 'mean': {
        const { mean: value, sem } = summarise(values);
        return values.length > 1 ? { value, stderr: sem } : { value };
      }
      case 'nanmean': {
        const present = values.filter((value) => !Number.isNaN(value));
        return { value: mean(present) };
      }
      case 'median':
        // As the harness has it: of an even number the upper one.
        return { value: values.toSorted((a, b) => a - b)[values.length >> 1]! };
      case 'perplexity':
        return { value: Math.exp(-mean(values)) };
      case 'weighted_perplexity':
        return { value: Math.exp(-this.#weightedMean()) };
      case 'bits_per_byte':
        return { value: -this.#weightedMean() / Math.LN2 };
    }
  }

  #weightedMean(): number {
    return mean(this.#values) / mean(this.#weights);
  }
}
