import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { renderChat } from '../../compute/model/tokenizer/chat-template.ts';
import { pythonHas, pythonJson } from '../support/python.ts';

/** What chat templates are made of: loops with their state, namespaces, macros, filters, tests, white-space control. */
const templates: Readonly<Record<string, string>> = {
  marks: `{% for message in messages %}
{{ '<|' + message['role'] + '|>\\n' + message['content'] + eos_token + '\\n' }}
{% endfor %}
{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}`,
  state: `{{- bos_token }}{%- set ns = namespace(system='', count=0) -%}
{%- for m in messages -%}
  {%- if m.role == 'system' -%}{%- set ns.system = m.content | trim -%}
  {%- else -%}{%- set ns.count = ns.count + 1 -%}
    {{- '[' ~ ns.count ~ '/' ~ loop.length ~ (' last' if loop.last else '') ~ '] ' }}
    {{- m.role | upper }}: {{ m.content | trim | replace('\\n', ' ') }};
  {%- endif -%}
{%- endfor -%}
{{- 'system=' ~ ns.system if ns.system else 'no system' -}}`,
  macros: `{%- macro turn(role, text, end='</turn>') -%}<turn {{ role }}>{{ text }}{{ end }}{%- endmacro -%}
{%- for m in messages[:-1] %}{{ turn(m['role'], m['content']) }}{% endfor -%}
{{ turn(messages[-1]['role'], messages[-1]['content'], end='') }}{{ messages | length }}`,
  json: `{%- for m in messages %}{{ m | tojson }}{% if not loop.last %}, {% endif %}{% endfor %}
{{ {'b': [1, 2.5, none, true], 'ä': "x'y"} | tojson }}`,
  checks: `{%- if messages[0]['role'] == 'system' %}{%- set loop_messages = messages[1:] %}{%- else %}{%- set loop_messages = messages %}{%- endif %}
{%- for message in loop_messages %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('roles must alternate') }}
    {%- endif %}
    {%- if tools is defined and tools %}tools{% endif %}
    {{- message.content.split('\\n')[0] if message.content is string else 'parts' }}|
{%- endfor %}
{%- if enable_thinking is defined and enable_thinking is false %}{{ '<think></think>' }}{% endif %}`,
};

const conversations = [
  [{ role: 'user', content: 'What is "1 < 2" & why?' }],
  [
    { role: 'system', content: ' Be brief.\n' },
    { role: 'user', content: ' Größe?\nzweite Zeile 😀 ' },
    { role: 'assistant', content: '' },
    { role: 'user', content: "it's {{ not }} a {% template %}" },
  ],
  [
    { role: 'user', content: 'a' },
    { role: 'user', content: 'b' },
  ],
];

const special = { bos_token: '<s>', eos_token: '</s>' };
const python = `
import json, sys
from transformers.utils.chat_template_utils import render_jinja_template
out = []
for case in json.loads(sys.argv[1]):
    try:
        rendered, _ = render_jinja_template(
            conversations=[case["messages"]], chat_template=case["template"],
            add_generation_prompt=case["prompt"], **case["variables"])
        out.append(rendered[0])
    except Exception as error:
        out.append(None)
print(json.dumps(out))
`;

describe.skipIf(!pythonHas('transformers', 'jinja2'))('chat templates', () => {
  it('render as transformers renders them, and fail where they fail there', () => {
    const cases = Object.entries(templates).flatMap(([name, template]) =>
      conversations.flatMap((messages) =>
        [true, false].map((prompt) => ({ name, template, messages, prompt })),
      ),
    );
    const variables = { ...special, enable_thinking: false };
    const expected = z
      .array(z.string().nullable())
      .parse(pythonJson(python, [JSON.stringify(cases.map((one) => ({ ...one, variables })))]));
    const actual = cases.map(({ name, template, messages, prompt }) => {
      try {
        const options = {
          template: name,
          addGenerationPrompt: prompt,
          variables: { enable_thinking: false },
        };
        return renderChat(new Map([[name, template]]), special, messages, options);
      } catch {
        return null;
      }
    });
    expect(actual).toEqual(expected);
    expect(expected.filter((one) => one === null).length).toBe(2);
  });
});
