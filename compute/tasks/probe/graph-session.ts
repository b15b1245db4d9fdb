import { openSession, type Session } from '../../model/engine/session.ts';
import type { GraphBuilder } from '../../model/graph/builder.ts';
import { compileGraph } from '../../model/graph/compile.ts';

/** A graph of our own on the processor, in this process: such graphs are small, and each call of them short. */
export function graphSession(graph: GraphBuilder, threads?: number): Promise<Session> {
  return fileSession(compileGraph(graph.build()), threads);
}

/** The same of a graph that is there as an ONNX file. */
export function fileSession(onnx: Uint8Array, threads?: number): Promise<Session> {
  return openSession(() => onnx, {
    provider: 'cpu',
    folder: '.',
    ...(threads !== undefined && { threads }),
  });
}
