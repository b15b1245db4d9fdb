import { openSession, type Session } from '../../model/engine/session.ts';
import type { GraphBuilder } from '../../model/graph/builder.ts';
import { compileGraph } from '../../model/graph/compile.ts';

/** A graph of our own on the processor, in this process: such graphs are small, and each call of them short. */
export function graphSession(graph: GraphBuilder, threads?: number): Promise<Session> {
  return openSession(() => compileGraph(graph.build()), {
    provider: 'cpu',
    folder: '.',
    ...(threads !== undefined && { threads }),
  });
}
