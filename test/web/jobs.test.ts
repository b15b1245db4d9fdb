import { fileURLToPath } from 'node:url';
import type { Locator } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { temporaryTree } from '../../ingest/testing.ts';
import { smallRuns } from '../support/small-runs.ts';
import { browserMissing } from './chromium.ts';
import { stage } from './stage.ts';

const dataset = fileURLToPath(new URL('../../examples/chaosbench', import.meta.url));

/** 56 questions to nobody. */
const questions = (delaySeconds: number) => ({ dataset, model: { backend: 'mock', mock: { delaySeconds } } });

/** The page moves the focus after it has drawn what it is moved to. */
const hasFocus = (field: Locator): Promise<void> => field.and(field.page().locator(':focus')).waitFor();

describe.skipIf(browserMissing)('jobs and forms', () => {
  const tree = temporaryTree(smallRuns(1));
  afterAll(() => tree.remove());
  const the = stage();

  it('launches a job by a form that says what is wrong at its field, and follows it to the run it made', async () => {
    const { page, origin } = the;
    await page.goto(`${origin}/launch`);
    await page.getByRole('link', { name: 'Inference' }).waitFor();
    expect(await the.barriers()).toEqual([]);
    await page.getByRole('link', { name: 'ChaosBench evaluation' }).click();

    // What the page sees by itself.
    await page.getByRole('button', { name: 'Launch' }).click();
    await page.getByRole('alert').getByText('One thing is to be put right').waitFor();
    const source = page.getByLabel('Dataset required');
    await hasFocus(source);
    await source.fill(dataset);
    await expect.poll(() => page.getByRole('alert').count()).toBe(0);

    // What only the server knows.
    await page.getByLabel('Backend').selectOption('OPENAI');
    await page.getByRole('button', { name: 'Launch' }).click();
    const address = page.getByRole('textbox', { name: 'Base URL' });
    await page.getByText('the backend openai needs it').first().waitFor();
    await expect.poll(() => address.getAttribute('aria-invalid')).toBe('true');
    await hasFocus(address);
    await page.getByRole('alert').getByRole('link', { name: 'Model, name' }).click();
    const named = page.getByRole('textbox', { name: 'Name', exact: true });
    await hasFocus(named);
    expect(await the.barriers()).toEqual([]);

    // A reload loses nothing.
    await page.getByLabel('Backend').selectOption('MOCK');
    await page.reload();
    await expect.poll(() => page.getByLabel('Dataset required').inputValue()).toBe(dataset);
    await page
      .getByRole('group', { name: 'Model required' })
      .getByText(/more settings/)
      .first()
      .click();
    await page.getByRole('button', { name: 'Set mock' }).click();
    await page.getByRole('group', { name: 'Texts' }).getByRole('button', { name: 'Add' }).click();
    await page.getByLabel('Texts, item 1').fill('TRUE');
    await page.getByRole('button', { name: 'Launch' }).click();

    await page.getByRole('heading', { name: /^ChaosBench evaluation job-/ }).waitFor();
    await page.getByText('pending', { exact: true }).waitFor();
    await the.home.drain();
    await page.getByText('completed', { exact: true }).first().waitFor();
    await page.getByText('ask: mock (mode constant)').waitFor();
    await page.getByText('28', { exact: true }).waitFor();
    expect(await the.barriers()).toEqual([]);
    await page.getByRole('heading', { name: 'Runs it made' }).waitFor();
    await page.getByRole('link', { name: /^main\/chaosbench\// }).click();
    await page.getByRole('heading', { level: 1, name: /chaosbench/ }).waitFor();
    await page.getByRole('link', { name: /^job-/ }).waitFor();

    // The next form begins with it.
    await page.goto(`${origin}/launch/chaosEval`);
    await page.getByText('the last of these jobs that was completed').waitFor();
    await expect.poll(() => page.getByLabel('Texts, item 1').inputValue()).toBe('TRUE');
    await page.getByRole('button', { name: 'Empty it' }).click();
    await expect.poll(() => page.getByLabel('Dataset required').inputValue()).toBe('');
  });

  it('cancels a job that runs after asking, retries it, and launches it again with changes', async () => {
    const { page, origin } = the;
    const { id } = await the.home.jobs.submit('chaos_eval', questions(30));
    const stop = new AbortController();
    const working = the.home.drain(stop.signal);
    await page.goto(`${origin}/jobs?state=running`);
    await page.getByRole('row', { name: new RegExp(`${id} running ChaosBench evaluation`) }).waitFor();
    await page.getByRole('link', { name: id }).click();
    await page.getByRole('progressbar', { name: 'ask' }).waitFor();
    await page.getByRole('button', { name: 'Cancel…' }).click();
    await page.getByRole('dialog', { name: 'Cancel this job?' }).waitFor();
    expect(await the.barriers()).toEqual([]);
    await page.getByRole('button', { name: 'Let it run' }).click();
    await page.getByText('running', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Cancel…' }).click();
    await page.getByRole('button', { name: 'Cancel the job' }).click();
    await page.getByText('cancelled', { exact: true }).first().waitFor();
    stop.abort();
    await working;
    await page.getByRole('button', { name: 'Retry' }).click();
    await page.getByText('pending', { exact: true }).waitFor();
    // One that waits is cancelled without a question.
    await page.getByRole('button', { name: 'Cancel', exact: true }).click();
    await page.getByText('cancelled', { exact: true }).first().waitFor();
    await page.getByRole('link', { name: 'Launch again with changes' }).click();
    await expect
      .poll(() => page.getByRole('spinbutton', { name: 'Delay seconds', exact: true }).inputValue())
      .toBe('30');
  });

  it('lists new jobs by itself, also without a WebSocket, and filters them by the address', async () => {
    const { page, origin } = the;
    await page.goto(`${origin}/jobs?kind=inference`);
    await page.getByText('No job is like this.').waitFor();
    const { id } = await the.home.jobs.submit('inference', {
      model: { path: '/nowhere', id: 'org/none' },
      rows: [{ question: 'Who?', answer: 'I' }],
      benchmark: 'none',
    });
    await page.getByRole('row', { name: new RegExp(`${id} pending Inference`) }).waitFor();
    await page.getByRole('heading', { name: 'Jobs 1' }).waitFor();
    await the.home.drain();
    await page.getByRole('row', { name: new RegExp(`${id} failed Inference`) }).waitFor();
    await page.getByLabel('State').selectOption('failed');
    await page.waitForURL(/state=failed/);
    await page.getByRole('row', { name: new RegExp(id) }).waitFor();
    expect(await the.barriers()).toEqual([]);

    await page.routeWebSocket('**/graphql', (socket) => socket.close());
    await page.goto(`${origin}/jobs/${id}`);
    await page.getByRole('alert').getByText('NO_CHECKPOINT').waitFor();
    await page.getByRole('button', { name: 'Retry' }).click();
    await page.getByText('pending', { exact: true }).waitFor();
    await page
      .getByRole('status')
      .getByText(/asks every 2 seconds instead/)
      .waitFor();
    await the.home.drain();
    await page.getByText('failed', { exact: true }).first().waitFor();
  });

  it('brings in runs, and says before what would happen', async () => {
    const { page, origin } = the;
    await page.goto(`${origin}/launch/ingest`);
    await page.getByLabel('URI required').fill(tree.path);
    await page.getByRole('button', { name: 'Check only' }).click();
    await page.getByRole('heading', { name: 'What would happen' }).waitFor();
    await page.getByText('accepted').waitFor();
    expect(await the.barriers()).toEqual([]);
    await page.getByRole('button', { name: 'Ingest' }).click();
    await page.getByRole('heading', { name: 'What happened' }).waitFor();
    await page.getByRole('link', { name: /probe_v1/ }).waitFor();
  });
});
