import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { measured } from '../../web/src/ui/format.ts';
import { sharedDir } from '../support/shared.ts';
import { browserMissing } from './chromium.ts';
import { stage } from './stage.ts';

const FIXTURES = `${sharedDir}fixtures`;
const HALLULENS = '2026-01-20/last_layer_baseline/hallulens-test__tiny-llama-4l/triviaqa/seed_0';
const CHAOSBENCH = 'full_messy/20261120T202734Z_ollama_synth-messy:13b';
const ENTROPY = 'diagnostics_run/full_data/E_256/run_01';
const FV = 'relationA_ex/Q3/tiny-llama-a/run_full_llama_a';

describe.skipIf(browserMissing || sharedDir === undefined)('the page of a run', () => {
  const the = stage({
    runs: () => [
      `${FIXTURES}/hallulens/good/runs/${HALLULENS}`,
      `${FIXTURES}/chaosbench/mini_project/runs/${CHAOSBENCH}`,
      `${FIXTURES}/entropy/repo/entropy_experiments/results/${ENTROPY}`,
      `${FIXTURES}/fv/run_full_llama_a`,
      `${FIXTURES}/fv/interrupted_llama_a`,
    ],
  });

  async function open(path: string): Promise<void> {
    await the.page.goto(`${the.origin}/runs/main/${path}`);
  }

  /** Looks at the description of a plot until it is as it should be. */
  function expectPlot(title: string) {
    const image = the.page.getByRole('img', { name: new RegExp(`^${title}: `) });
    return expect.poll(() => image.getAttribute('aria-label'));
  }

  /** What a plot gives to take away. */
  async function taken(title: string, format: 'CSV' | 'SVG'): Promise<string> {
    const download = the.page.waitForEvent('download');
    await the.page.getByRole('button', { name: `${format} of ${title}`, exact: true }).click();
    return readFile(await (await download).path(), 'utf8');
  }

  async function metric(id: string, name: string): Promise<number> {
    const query = `{ run(id: "main/${id}") { metrics(filter: { metric: { eq: "${name}" }, scope: { eq: "overall" }, source: { eq: "recomputed" } }) { value } } }`;
    const response = await the.page.request.post(`${the.origin}/graphql`, { data: { query } });
    const answer = z.object({
      data: z.object({ run: z.object({ metrics: z.array(z.object({ value: z.number() })) }) }),
    });
    return answer.parse(await response.json()).data.run.metrics[0]?.value ?? Number.NaN;
  }

  it('shows how well scores of a HalluLens run tell, how its probe was trained, and its activations', async () => {
    const id = `hallulens/${HALLULENS}`;
    await open(id);
    await the.page
      .getByRole('heading', {
        level: 1,
        name: 'last_layer_baseline · hallulens-test/tiny-llama-4l · triviaqa · seed 0',
      })
      .waitFor();
    await the.page.getByText(`main/${id}`, { exact: true }).waitFor();
    await the.page.getByText('Contract: 8 of 8 items hold').waitFor();
    await expectPlot('ROC').toContain(`Area ${measured(await metric(id, 'auroc'))} (DeLong 95 %`);
    await expectPlot('Precision and recall').toContain(
      `Average precision ${measured(await metric(id, 'auprc'))} (bootstrap 95 %`,
    );
    await expectPlot('Calibration').toContain(
      `Expected calibration error ${measured(await metric(id, 'ece'))} over 15 bins`,
    );
    await expectPlot('Scores by label').toContain('57 made up, 47 right.');
    await expectPlot('Loss').toContain('By epoch');
    await expectPlot('AUROC in training').toContain('val');
    expect((await taken('ROC', 'CSV')).split('\r\n').at(0)).toBe(
      'threshold,truePositiveRate,falsePositiveRate,precision',
    );
    const svg = await taken('ROC', 'SVG');
    expect(svg).toContain('xmlns="http://www.w3.org/2000/svg"');
    // What the marks stand for is part of the drawing.
    expect(svg).toContain('guessing');
    expect(svg).toContain('fill="rgb(255, 255, 255)"');
    await expectPlot('Principal components of the activations').toContain('Layer 2: 154 activations');
    await the.page.getByLabel('Layer (0: embedding)').selectOption('4');
    await the.page.getByRole('img', { name: /Layer 4: 154 activations/ }).waitFor();
    await the.page.reload();
    await the.page.getByRole('img', { name: /Layer 4: 154 activations/ }).waitFor();
    expect(await the.barriers()).toEqual([]);
  });

  it('shows the accuracy and bias of a ChaosBench run by family', async () => {
    await open(`chaosbench/${encodeURI(CHAOSBENCH)}`);
    await the.page
      .getByRole('heading', { level: 1, name: 'v1 · synth-messy:13b · chaosbench · seed 42' })
      .waitFor();
    await expectPlot('Accuracy by family').toMatch(/70\s% of all 1,165/);
    await expectPlot('Bias by family').toContain('Bias by family');
    const rows = (await taken('Accuracy by family', 'CSV')).split('\r\n');
    expect(rows.find((row) => row.startsWith('atomic,'))).toMatch(
      /^atomic,0\.695473\d+,0\.653\d+,0\.734\d+,338,486,535$/,
    );
    expect(await the.barriers()).toEqual([]);
    await the.page.getByRole('link', { name: 'Metrics' }).click();
    await the.page.getByText('By layer, family, learning rate or control').click();
    await the.page.getByRole('cell', { name: 'family:atomic' }).first().waitFor();
  });

  it('shows the true change of an entropy run beside what derivatives predict, on a narrow page too', async () => {
    await the.page.setViewportSize({ width: 375, height: 800 });
    await open(`entropy/${ENTROPY}#sequences`);
    await expectPlot('Change of entropy by learning rate').toContain('nats per token');
    await expectPlot('Contributions of the sequences').toContain(
      'in sum -4.93 e-4 true'.replace(' e', '\u2009e'),
    );
    await the.page.locator('#sequences').getByLabel('Learning rate η').selectOption({ index: 3 });
    await the.page.waitForURL(/eta=0\.0000064/);
    await the.page
      .getByRole('img', { name: /True against predicted, by sequence: 256 sequences at η = 6\.40/ })
      .waitFor();
    await the.page.getByText(/What must add up: \d+ of \d+ identities hold/).waitFor();
    expect(await the.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(375);
    expect(await the.barriers()).toEqual([]);
  });

  it('shows the heads of a function-vector run and what adding the vector does', async () => {
    await open(`fv/${FV}`);
    await expectPlot('Average indirect effect of the heads').toContain('boxes mark the top 20');
    expect((await taken('Average indirect effect of the heads', 'CSV')).trim().split('\r\n')).toHaveLength(
      33,
    );
    await expectPlot('Adding the vector').toContain('Zero-shot accuracy on the examples it was made of');
    await the.page.getByLabel('Measure').selectOption('probability');
    await the.page
      .getByRole('img', { name: /^Adding the vector: Zero-shot probability of the answer/ })
      .waitFor();
    await the.page.waitForURL(({ search }) => search === '?measure=probability');
    expect(await the.barriers()).toEqual([]);
  });

  it('says what is wrong with a run, where, and what to do', async () => {
    await open(`fv/${FV.replace('run_full', 'interrupted')}`);
    await the.page.getByRole('link', { name: 'Issues 4' }).click();
    const row = the.page.getByRole('row', { name: /TRUNCATED_LAST_LINE/ });
    await row.getByText('artifacts/_resume/trial_metrics.resume.jsonl:98').waitFor();
    await row.getByText(/^resume the run, whose writer was interrupted/).waitFor();
    await expectPlot('Average indirect effect of the heads').toContain('heads have no score');
    await the.page.getByText('No vector was added in this run.').waitFor();
    expect(await the.barriers()).toEqual([]);
  });
});
