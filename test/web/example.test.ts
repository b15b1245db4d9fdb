import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { sharedDir } from '../support/shared.ts';
import { browserMissing } from './chromium.ts';
import { stage } from './stage.ts';

const fixture = (path: string) => join(sharedDir ?? '', 'fixtures', path);
const SEED = 'hallulens-test__tiny-llama-4l/triviaqa/seed_0';
const HALLULENS = `main/hallulens/2026-01-20/last_layer_baseline/${SEED}`;
const CHAOSBENCH = 'main/chaosbench/flaky/20261120T202747Z_ollama_synth-flaky:72b';
const FV = 'main/fv/relationA_ex/Q3/tiny-llama-a/run_small_llama_a';
const ENTROPY = 'main/entropy/synthetic_valid/mini_base';

const answer = z.object({
  data: z.object({
    generations: z.object({ nodes: z.array(z.object({ activations: z.array(z.unknown()) })) }),
  }),
  errors: z.undefined().optional(),
});

describe.skipIf(browserMissing || sharedDir === undefined)('the page of an example', () => {
  const set = stage({
    runs: () => [
      fixture(`hallulens/good/runs/2026-01-20/last_layer_baseline/${SEED}`),
      fixture(`hallulens/good/runs/2026-01-20/contrastive_v1/${SEED}`),
      fixture('chaosbench/mini_project/runs/flaky'),
      fixture('fv/run_small_llama_a'),
      fixture('entropy/synthetic_valid/mini_base'),
    ],
  });

  const runAddress = (run: string, choice = '') => `${set.origin}/runs/${encodeURI(run)}${choice}`;
  const examples = () => set.page.getByRole('region', { name: 'Table of examples' });
  const heading = (name: string | RegExp) => set.page.getByRole('heading', { level: 1, name });

  it('shows what was asked, answered and judged, by every method, with the activations', async () => {
    const { page } = set;
    await page.goto(runAddress(HALLULENS));
    await page.getByRole('combobox', { name: 'Show' }).selectOption('right, but scored high');
    await page.waitForURL(/list=alarms/);
    await page.getByText(/^25 of \d+ examples$/).waitFor();
    // The list before stays in sight until this one is there.
    await expect
      .poll(async () => {
        const scores = (await examples().locator('tbody td:nth-child(2)').allTextContents()).map(Number);
        return scores.every((score, i) => score <= (scores[i - 1] ?? 1));
      })
      .toBe(true);

    await examples().getByRole('link').first().click();
    await heading(/^Example /).waitFor();
    const methods = page.getByRole('region', { name: 'Table of predictions' });
    await methods.getByText('contrastive_v1').first().waitFor();
    await expect.poll(() => methods.locator('tbody tr').count()).toBe(2);
    await expect.poll(() => methods.getByRole('link').count()).toBe(1);
    await page.getByText(/^1 of \d+, right, but scored high/).waitFor();
    await page.getByRole('img', { name: /^Norm by layer, resid_post/ }).waitFor();
    await page.getByRole('img', { name: /^Norm by token, resid_post/ }).waitFor();
    await page.getByText('by exact_match').waitFor();
    await page.getByRole('combobox', { name: 'Compared at' }).selectOption('layer 2');
    const nearest = page.getByRole('region', { name: 'Table of nearest answers' });
    await nearest.waitFor();
    await expect.poll(() => nearest.locator('tbody tr').count()).toBe(8);
    await expect
      .poll(async () => {
        const cosines = (await nearest.locator('tbody td:nth-child(2)').allTextContents()).map(Number);
        return cosines.every((cosine, i) => cosine <= (cosines[i - 1] ?? 1));
      })
      .toBe(true);
    await page.getByRole('button', { name: 'Look in all runs' }).click();
    await page.getByText('in all runs of the family').waitFor();
    await page.getByText('Manifest and configuration of the run').click();
    await page.getByText('"python_version"').waitFor();
    expect(await set.barriers()).toEqual([]);
  });

  it('gives the query behind it, and a link to the state that it shows', async () => {
    const { page, origin } = set;
    await set.context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.goto(runAddress(HALLULENS, '?list=missed'));
    await examples().getByRole('link').first().click();
    await page.getByRole('button', { name: 'Copy as GraphQL' }).click();
    await page.getByText('(copied)').waitFor();
    const copied = () =>
      page.evaluate('navigator.clipboard.readText()').then((text) => z.string().parse(text));
    const response = await fetch(`${origin}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: await copied() }),
    });
    const [generation] = answer.parse(await response.json()).data.generations.nodes;
    expect(generation?.activations.length).toBeGreaterThan(4);

    await page.getByRole('button', { name: 'Copy permanent link' }).click();
    await page.waitForFunction("navigator.clipboard.readText().then((text) => text.startsWith('http'))");
    await page.goto(await copied());
    await page.getByText('This is the lake as it was when the link was made.').waitFor();
    await page.getByText(/^1 of \d+, made up, but scored low/).waitFor();
    await page.getByRole('link', { name: 'The newest state' }).click();
    await page.waitForURL(
      (url) => !url.searchParams.has('snapshot') && url.searchParams.get('list') === 'missed',
    );
  });

  it('walks a list by keys in the order of the list, there and back', async () => {
    const { page } = set;
    await page.goto(runAddress(CHAOSBENCH));
    await page.getByText('25 of 120 examples').waitFor();
    await expect
      .poll(() => examples().locator('tbody td:nth-child(2)').first().textContent())
      .toBe('unreadable');
    await page.getByRole('combobox', { name: 'Show' }).selectOption('asked again only');
    await page.getByText('7 of 7 examples').waitFor();
    await expect.poll(() => examples().getByRole('link').count()).toBe(7);
    const links = await examples().getByRole('link').allTextContents();
    await examples().getByRole('link').first().click();
    for (const [i, name] of links.entries()) {
      await page.getByText(new RegExp(`^${i + 1} of 7, asked again only`)).waitFor();
      await expect.poll(() => heading(/^Example/).textContent()).toBe(`Example ${name}`);
      if (i < links.length - 1) await page.keyboard.press('j');
    }
    await expect.poll(() => page.getByRole('link', { name: 'Next' }).count()).toBe(0);
    await page.keyboard.press('ArrowLeft');
    await heading(`Example ${links.at(-2)}`).waitFor();
    await page.getByRole('heading', { name: 'Responses: asked 2 times' }).waitFor();
    await page.getByText('empty response, confidence 0').waitFor();
    expect(await set.barriers()).toEqual([]);
    await page.getByRole('link', { name: CHAOSBENCH }).click();
    await page.getByText('7 of 7 examples').waitFor();
  });

  it('shows trials of function vectors and sequences of entropy runs', async () => {
    const { page } = set;
    await page.goto(runAddress(FV, '?list=trials'));
    await examples().getByRole('link').first().click();
    await page.getByRole('heading', { name: 'Corrupted prompt' }).waitFor();
    await page.getByRole('img', { name: /^Indirect effect of the heads on this trial/ }).waitFor();
    await page.getByText(/^1 of 5, trials that head/).waitFor();
    expect(await set.barriers()).toEqual([]);
    await page.goto(runAddress(FV));
    await page.getByRole('combobox', { name: 'Vector added behind' }).waitFor();
    await examples().getByRole('link').first().click();
    await page.getByRole('img', { name: /^Log-probability of the answer/ }).waitFor();
    await page.getByText(/^1 of 5, helped least first/).waitFor();

    await page.goto(runAddress(ENTROPY));
    await page.getByText('24 of 24 examples').waitFor();
    await examples().getByRole('link').first().click();
    await page.getByRole('img', { name: /^Contribution by learning rate/ }).waitFor();
    await page.getByText(/^1 of 24, worst predicted first/).waitFor();
    await page.keyboard.press('ArrowRight');
    await page.getByText(/^2 of 24, worst predicted first/).waitFor();
  });

  it('has room on a narrow page, and says what is not there', async () => {
    const { page, origin } = set;
    await page.setViewportSize({ width: 375, height: 800 });
    await page.goto(runAddress(HALLULENS, '?list=missed'));
    await examples().getByRole('link').first().click();
    await page.getByRole('img', { name: /^Norm by layer/ }).waitFor();
    await expect
      .poll(() => page.evaluate("document.querySelector('main').scrollWidth"))
      .toBeLessThanOrEqual(375);
    const at = (run: string, example: string) =>
      `${origin}/examples?${new URLSearchParams({ run, example }).toString()}`;
    await page.goto(at(HALLULENS, 'none'));
    await page.getByText(`Run ${HALLULENS} has no example none.`).waitFor();
    await page.goto(at('main/none', 'none'));
    await page.getByText('There is no run main/none.').waitFor();
    await page.goto(at(ENTROPY, '99'));
    await page.getByText('The run has no such sequence.').waitFor();
    await page.goto(`${origin}/examples`);
    await page.getByText('The address names no example').waitFor();
  });
});
