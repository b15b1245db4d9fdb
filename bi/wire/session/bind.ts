import { type StatementText, tokensOf } from '../../../lake/engine/lexer.ts';
import type { FrontendMessage } from '../protocol/frontend.ts';
import { WireError } from '../protocol/sqlstate.ts';
import { isNode, type Node, nodesOf } from '../sql/tree.ts';
import { parameterNode } from '../types/parameters.ts';
import type { ParameterNodes, Planner } from './planner.ts';
import type { Prepared } from './statements.ts';

type BindMessage = Extract<FrontendMessage, { kind: 'bind' }>;

/** Checks that a Bind message has as many parameters and formats as its statement. @throws WireError */
export function ensureFits(message: BindMessage, { parameterOids, fields }: Prepared): void {
  const { parameters, parameterFormats, resultFormats } = message;
  const expected = parameterOids.length;
  if (parameters.length !== expected) {
    throw new WireError(
      'protocolViolation',
      `bind message supplies ${parameters.length} parameters, but prepared statement "${message.statement}" requires ${expected}`,
    );
  }
  if (parameterFormats.length > 1 && parameterFormats.length !== expected) {
    throw new WireError(
      'protocolViolation',
      `bind message has ${parameterFormats.length} parameter formats but ${expected} parameters`,
    );
  }
  const columns = fields?.length ?? 0;
  if (resultFormats.length > 1 && resultFormats.length !== columns) {
    throw new WireError(
      'protocolViolation',
      `bind message has ${resultFormats.length} result formats but query has ${columns} columns`,
    );
  }
}

/** The values of a Bind message that fits, by the numbers of their parameters. @throws WireError */
export function boundValues(
  { parameters, parameterFormats }: BindMessage,
  { parameterOids }: Prepared,
): ParameterNodes {
  return new Map(
    parameters.map((bytes, i) => {
      const format = (parameterFormats.length === 1 ? parameterFormats[0] : parameterFormats[i]) ?? 0;
      return [i + 1, parameterNode(bytes, format, parameterOids[i] ?? 0)] as const;
    }),
  );
}

/** The arguments of EXECUTE, a list of expressions, as nodes of the syntax tree. */
export async function expressionsOf(planner: Planner, { text }: StatementText): Promise<Node[]> {
  const sql = `SELECT ${text}`;
  const { tree } = await planner.parse(sql, tokensOf(sql));
  const [statement] = nodesOf(tree['statements']);
  return isNode(statement?.['node']) ? nodesOf(statement['node']['select_list']) : [];
}
