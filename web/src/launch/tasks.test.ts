import { buildSchema, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { ApiError } from '../api/client.ts';
import { addressOf, jobOf } from '../jobs/addresses.ts';
import { launchAddress } from '../jobs/kinds.ts';
import { documentOf } from './document.ts';
import { memberOf, pointerOf } from './pointer.ts';
import { problemsOf } from './problems.ts';
import { suggestionsOf } from './suggestions.ts';
import { taskGroups, taskNamed, words } from './tasks.ts';

const schema = buildSchema(`
  type Job { id: ID!  spec: String }
  type Report { accepted: Int!  runs: [Run!]!  page(first: Int): Int }
  type Run { runId: ID!  issues: [Issue!]! }
  type Issue { code: String!  deeper: Deeper }
  type Deeper { a: Int }
  input ChaosEvalInput { dataset: String! }
  type Mutation {
    launchChaosEval(input: ChaosEvalInput!, priority: Int! = 0): Job!
    ingest(uri: String!, dryRun: Boolean! = false): Report!
    cancelJob(id: ID!): Job!
  }
  type Query { a: Int }
`);

describe('the tasks of a schema', () => {
  it('are the mutations that launch jobs, and those that have forms of their own', () => {
    const names = taskGroups(schema).map(({ title, tasks }) => [title, tasks.map(({ name }) => name)]);
    expect(names).toEqual([
      ['Compute', ['chaosEval']],
      ['Bring in runs', ['ingest']],
    ]);
    expect(taskNamed(schema, 'chaosEval')).toMatchObject({
      kind: 'CHAOS_EVAL',
      isJob: true,
      hasDryRun: false,
    });
    expect(launchAddress('CHAOS_EVAL')).toBe('/launch/chaosEval');
    expect(taskNamed(schema, 'cancelJob')).toBeUndefined();
    expect([words('promptTemplate'), words('ids'), words('baseUrl')]).toEqual([
      'Prompt template',
      'IDs',
      'Base URL',
    ]);
  });

  it('are asked for with valid documents, of what is given alone', () => {
    for (const { tasks } of taskGroups(schema)) {
      for (const task of tasks) {
        const required = task.slots.filter(({ name }) => name !== 'priority').map(({ name }) => name);
        expect(validate(schema, parse(documentOf(task, required)))).toEqual([]);
      }
    }
    const ingest = taskNamed(schema, 'ingest');
    expect(ingest && documentOf(ingest, ['uri'])).toBe(
      'mutation ($uri: String!) { result: ingest(uri: $uri) { __typename accepted runs { __typename runId issues { __typename code } } } }',
    );
  });
});

describe('problems of the server', () => {
  it('are at the places that it names', () => {
    const problems = [{ pointer: '/model/path', message: 'missing' }];
    expect(problemsOf(new ApiError('wrong', 'INVALID_SPEC', undefined, { problems }))).toEqual([
      { pointer: '/input/model/path', message: 'missing' },
    ]);
    const argument = 'input.rows[0].file';
    expect(
      problemsOf(new ApiError(`${argument}: no`, 'X', 'ask', { argument, expected: 'an upload' })),
    ).toEqual([{ pointer: '/input/rows/0/file', message: 'no; expected an upload; ask' }]);
    expect(problemsOf(new ApiError('too much', 'LIMIT'))).toEqual([]);
    expect(problemsOf(new Error('no network'))).toEqual([]);
    expect([memberOf(pointerOf('input.ids[3]')), memberOf('')]).toEqual(['ids', '']);
  });
});

describe('suggestions', () => {
  it('are what earlier jobs had in members of the same name, and ids where ids are wanted', () => {
    const spec = { model: { path: '/m', batchSize: 8 }, stop: ['\n', '.'], long: 'x'.repeat(300) };
    const run = { id: 'main/a', modelId: 'org/m', benchmark: null, method: 'probe' };
    const found = suggestionsOf({ jobs: { nodes: [{ id: 'job-1', spec }] }, runs: { nodes: [run] } });
    expect(Object.fromEntries(found)).toMatchObject({
      path: ['/m'],
      stop: ['.'],
      runId: ['main/a'],
      dependsOn: ['job-1'],
      modelId: ['org/m'],
      method: ['probe'],
    });
    expect(found.has('long')).toBe(false);
  });
});

describe('links between jobs and runs', () => {
  it('lead from members of specifications, and from where a run was read', () => {
    expect(addressOf('runIds', 'main/fv/a b')).toBe('/runs/main/fv/a%20b');
    expect(addressOf('runId', 'demo_model')).toBeUndefined();
    expect(addressOf('dependsOn', 'job-1')).toBe('/jobs/job-1');
    expect(jobOf('s3://bucket/lake/jobs/job-0m-1b/runs/2026/x')).toBe('job-0m-1b');
    expect(jobOf('/data/runs/x')).toBeUndefined();
    expect(jobOf(null)).toBeUndefined();
  });
});
