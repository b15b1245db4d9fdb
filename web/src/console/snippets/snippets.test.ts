import fc from 'fast-check';
import { expect, it } from 'vitest';
import { curlOf } from './curl.ts';
import { graphqlPython } from './python.ts';
import { pythonOfJson, pythonString } from './python-text.ts';

it('writes texts in several lines where Python keeps them as they are', () => {
  expect(pythonString('SELECT 1\nFROM "t"\n')).toBe('"""SELECT 1\nFROM "t"\n"""');
  for (const text of ['one line', 'a\n"""', 'a\nb\\n', 'a\nb"', 'a\r\nb']) {
    expect(pythonString(text)).toBe(JSON.stringify(text));
  }
});

it('turns JSON into Python and leaves its texts and the digits of its numbers alone', () => {
  expect(
    pythonOfJson('{"a": true, "b": [null, "null \\"true\\"", 12345678901234567890, 1E5], "c": false}'),
  ).toBe('{"a": True, "b": [None, "null \\"true\\"", 12345678901234567890, 1E5], "c": False}');
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const back = pythonOfJson(JSON.stringify(value)).replace(
        /"(?:[^"\\]|\\.)*"|True|False|None/g,
        (token) =>
          token.startsWith('"') ? token : ({ True: 'true', False: 'false', None: 'null' }[token] ?? token),
      );
      expect(JSON.parse(back)).toEqual(JSON.parse(JSON.stringify(value).toWellFormed()));
    }),
  );
});

it('reaches the rows of each root field', () => {
  const python = (query: string) => graphqlPython('http://x', query, '').split('\n\n\n').at(-1);
  expect(python('{ runs { nodes { id } } }')).toContain('pandas.json_normalize(data["runs"]["nodes"])');
  expect(python('{ all: runs { edges { node { id } } } }')).toContain(
    'pandas.json_normalize([edge["node"] for edge in data["all"]["edges"]])',
  );
  expect(python('{ __typename run(id: "r") { id } }')).toContain('pandas.json_normalize(data["run"] or [])');
  expect(python('{ models { name } lake { bytes } }')).toContain(
    '"lake": pandas.json_normalize(data["lake"] or [])',
  );
  for (const query of ['{ __typename }', '{ runs {'])
    expect(python(query)).toBe('print(ask(QUERY, VARIABLES))\n');
});

it('asks for all pages where the cursor is a variable, and for the operation that is meant', () => {
  const paged =
    'query A($after: String) { runs(after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }';
  expect(graphqlPython('http://x', paged, '')).toContain(
    'page = ask(QUERY, {**VARIABLES, "after": after})["runs"]',
  );
  const two = `${paged} query B { models { name } }`;
  expect(graphqlPython('http://x', two, '', 'B')).toContain('"operationName": "B"');
  expect(graphqlPython('http://x', two, '', 'B')).toContain('data["models"]');
});

it('puts no token into a command, and nothing that a shell would expand', () => {
  const request = { url: 'http://x/graphql', body: '{"query":"$(rm) `x` \'"\n}' };
  expect(
    curlOf({ ...request, withToken: true }),
  ).toBe(`curl -sS 'http://x/graphql' -H 'content-type: application/json' \\
  -H "authorization: Bearer $RUNLAKE_TOKEN" \\
  --data-binary @- <<'JSON'
{"query":"$(rm) \`x\` '" }
JSON
`);
  expect(curlOf({ ...request, withToken: false })).not.toContain('TOKEN');
});
