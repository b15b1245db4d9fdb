import { Template } from '@huggingface/jinja';
import { messageOf } from '../../../lake/errors.ts';
import { ChatTemplateError } from '../errors.ts';

/** One message of a conversation, as chat templates know it. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

export interface ChatOptions {
  /** Name of the template; default `default`. */
  readonly template?: string;
  /** Ends with what begins an answer of the assistant; default true. */
  readonly addGenerationPrompt?: boolean;
  /** What else the template asks for, such as `enable_thinking` or `date_string`. */
  readonly variables?: Readonly<Record<string, string | number | boolean>>;
}

/**
 * Renders a checkpoint's chat template as transformers does (`raise_exception` and `strftime_now` come with the library).
 * @param templates by name
 * @param specialTokens `bos_token` and the like
 * @throws ChatTemplateError there is no such template, it is broken, or it refuses the messages
 */
export function renderChat(
  templates: ReadonlyMap<string, string>,
  specialTokens: Readonly<Record<string, string>>,
  messages: readonly ChatMessage[],
  options: ChatOptions = {},
): string {
  const { template: name = 'default', addGenerationPrompt = true, variables = {} } = options;
  const source = templates.get(name);
  if (source === undefined) {
    const names = [...templates.keys()];
    throw new ChatTemplateError(
      names.length === 0 ? 'the model has no chat template' : `there is no chat template ${name}`,
      {
        expected:
          names.length === 0
            ? 'chat_template.jinja or chat_template in tokenizer_config.json'
            : names.join(', '),
        remedy: 'give the prompt as text',
      },
    );
  }
  try {
    return new Template(source).render({
      ...specialTokens,
      ...variables,
      messages,
      add_generation_prompt: addGenerationPrompt,
    });
  } catch (error) {
    throw new ChatTemplateError(`the chat template ${name} failed: ${messageOf(error)}`, { cause: error });
  }
}
