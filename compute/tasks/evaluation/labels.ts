import type { JsonObject } from '../../../ingest/contracts/json-value.ts';
import type { ModelCheck } from '../../../ingest/contracts/model-check.ts';
import { PermanentTaskError, type TaskContext } from '../../jobs/worker.ts';
import { matchers } from '../scoring/match.ts';
import { hasPhrase, readAbstention, readVerdict, type VerdictWords } from '../scoring/verdict.ts';
import type { TaskServices } from '../task.ts';
import { type ModelSpec, modelIdOf } from '../text-model/model-spec.ts';
import type { EvaluationSpec } from './evaluation-spec.ts';
import { askJudge } from './judge.ts';
import type { SourceExample } from './source-run.ts';

/** The new label of a response. */
export interface Label {
  readonly halu: boolean;
  readonly source: string;
  /** Undefined when nobody asked. */
  readonly abstained: boolean | undefined;
  /** What the judge replied, for those who want to look. */
  readonly evidence: JsonObject;
}

export interface Labels {
  /** One a response; undefined for one whose judge failed for good. */
  readonly labels: readonly (Label | undefined)[];
  /** Of the judges that are models of ours. */
  readonly checks: readonly ModelCheck[];
}

/**
 * Labels responses.
 * @throws PermanentTaskError for a response that the evaluator has nothing to compare with
 */
export async function labelExamples(
  examples: readonly SourceExample[],
  spec: EvaluationSpec,
  context: TaskContext,
  services: TaskServices,
): Promise<Labels> {
  const verdicts = await verdictsOf(examples, spec, context, services);
  const abstentions = await abstentionsOf(examples, spec, context, services);
  const labels = examples.map((_, i) => {
    const verdict = verdicts.of(i);
    const abstention = abstentions.of(i);
    if (verdict === undefined || abstention === undefined) return undefined;
    return {
      halu: verdict.halu,
      source: verdict.source,
      abstained: abstention.abstained,
      evidence: { ...verdict.evidence, ...abstention.evidence },
    };
  });
  return { labels, checks: [...verdicts.checks, ...abstentions.checks] };
}

/** Part of the labels, by position. */
interface Judged<Part extends keyof Label> {
  readonly checks: readonly ModelCheck[];
  of(index: number): Pick<Label, Part> | undefined;
}

function unjudged<Part extends keyof Label>(of: Judged<Part>['of']): Judged<Part> {
  return { checks: [], of };
}

type Verdicts = Judged<'halu' | 'source' | 'evidence'>;
type Abstentions = Judged<'abstained' | 'evidence'>;

async function verdictsOf(
  examples: readonly SourceExample[],
  spec: EvaluationSpec,
  context: TaskContext,
  services: TaskServices,
): Promise<Verdicts> {
  const { evaluator, judgeTemplate, otherwise } = spec;
  if (evaluator === 'keep') {
    return unjudged((i) => {
      const { exampleId, halu, labelSource } = examples[i]!;
      if (halu === null)
        throw new PermanentTaskError(
          'NO_LABEL',
          `example ${exampleId} has no label; expected another evaluator`,
        );
      return { halu, source: labelSource ?? 'unknown', evidence: {} };
    });
  }
  if (evaluator !== 'judge' || judgeTemplate.includes('{answers}')) requireAnswers(examples, evaluator);
  if (evaluator !== 'judge') {
    const matches = matchers[evaluator];
    return unjudged((i) => {
      const { response, answers } = examples[i]!;
      return { halu: !matches(response, answers), source: evaluator, evidence: {} };
    });
  }
  const judge = judgeOf(spec);
  const words: VerdictWords = {
    reading: spec.verdict,
    correct: spec.correctWords,
    incorrect: spec.incorrectWords,
  };
  const check = (reply: string): string | undefined =>
    readVerdict(reply, words) === undefined
      ? `no verdict in ${JSON.stringify(reply.slice(0, 100))}`
      : undefined;
  const { replies, checks } = await askJudge(
    { name: 'judge', judge, template: judgeTemplate, check: otherwise === 'error' ? check : undefined },
    examples,
    spec,
    context,
    services,
  );
  const source = `llm_judge:${modelIdOf(judge)}`;
  const of = (i: number) => {
    const reply = replies.get(i);
    if (reply === undefined) return undefined;
    return { halu: readVerdict(reply, words) !== 'correct', source, evidence: { judge_reply: reply } };
  };
  return { checks, of };
}

function requireAnswers(examples: readonly SourceExample[], evaluator: string): void {
  const without = examples.find(({ answers }) => answers.length === 0);
  if (without === undefined) return;
  throw new PermanentTaskError(
    'NO_REFERENCE',
    `example ${without.exampleId} has no correct answer that ${evaluator} could compare with; expected one in its reference, or an answerColumn`,
  );
}

async function abstentionsOf(
  examples: readonly SourceExample[],
  spec: EvaluationSpec,
  context: TaskContext,
  services: TaskServices,
): Promise<Abstentions> {
  const { abstention, abstentionPhrases, abstentionTemplate, otherwise } = spec;
  if (abstention === 'none') return unjudged(() => ({ abstained: undefined, evidence: {} }));
  if (abstention === 'phrases') {
    return unjudged((i) => ({
      abstained: hasPhrase(examples[i]!.response, abstentionPhrases),
      evidence: {},
    }));
  }
  const check = (reply: string): string | undefined =>
    readAbstention(reply) === undefined
      ? `no is_abstaining in ${JSON.stringify(reply.slice(0, 100))}`
      : undefined;
  const { replies, checks } = await askJudge(
    {
      name: 'abstention',
      judge: judgeOf(spec),
      template: abstentionTemplate,
      check: otherwise === 'error' ? check : undefined,
    },
    examples,
    spec,
    context,
    services,
  );
  const of = (i: number) => {
    const reply = replies.get(i);
    if (reply === undefined) return undefined;
    return { abstained: readAbstention(reply) ?? false, evidence: { abstention_reply: reply } };
  };
  return { checks, of };
}

function judgeOf({ judge }: EvaluationSpec): ModelSpec {
  if (judge === undefined) throw new PermanentTaskError('INVALID_SPEC', 'no judge is named');
  return judge;
}
