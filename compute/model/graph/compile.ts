import {
  type Attribute,
  elementTypes,
  type Graph,
  type GraphNode,
  type Initializer,
  type ValueInfo,
} from './graph.ts';
import { ProtobufWriter } from './protobuf.ts';

/** ONNX's operators as of this version, and the file format that goes with it; ONNX Runtime 1.30 reads up to 26 and 13. */
const OPSET = 20;
const IR_VERSION = 10;

/** Prints a graph as the bytes of an ONNX ModelProto (field numbers: onnx/onnx.proto3). */
export function compileGraph(graph: Graph): Uint8Array {
  return new ProtobufWriter()
    .integer(1, IR_VERSION)
    .text(2, 'runlake')
    .message(8, (set) => set.text(1, '').integer(2, OPSET))
    .message(8, (set) => set.text(1, 'com.microsoft').integer(2, 1))
    .message(7, (model) => {
      for (const [i, node] of graph.nodes.entries()) model.message(1, (to) => writeNode(to, node, i));
      model.text(2, 'model');
      for (const one of graph.initializers) model.message(5, (to) => writeInitializer(to, one));
      for (const info of graph.inputs) model.message(11, (to) => writeValueInfo(to, info));
      for (const info of graph.outputs) model.message(12, (to) => writeValueInfo(to, info));
    })
    .finish();
}

function writeNode(to: ProtobufWriter, node: GraphNode, index: number): void {
  for (const name of node.inputs) to.text(1, name);
  for (const name of node.outputs) to.text(2, name);
  to.text(3, `${index}:${node.operator}`).text(4, node.operator);
  for (const [name, value] of Object.entries(node.attributes)) {
    to.message(5, (inner) => writeAttribute(inner.text(1, name), value));
  }
  if (node.domain !== '') to.text(7, node.domain);
}

/** Value, then AttributeProto.AttributeType. */
function writeAttribute(to: ProtobufWriter, attribute: Attribute): void {
  switch (attribute.kind) {
    case 'float':
      to.float(2, attribute.value).integer(20, 1);
      break;
    case 'int':
      to.integer(3, attribute.value).integer(20, 2);
      break;
    case 'text':
      to.text(4, attribute.value).integer(20, 3);
      break;
    case 'ints':
      to.integers(8, attribute.value).integer(20, 7);
      break;
  }
}

function writeInitializer(to: ProtobufWriter, { name, type, shape, data }: Initializer): void {
  to.integers(1, shape).integer(2, elementTypes[type]).text(8, name);
  if (data.kind === 'inline') {
    to.bytes(9, data.bytes);
    return;
  }
  const external = { location: data.location, offset: String(data.offset), length: String(data.length) };
  for (const [key, value] of Object.entries(external))
    to.message(13, (pair) => pair.text(1, key).text(2, value));
  to.integer(14, 1);
}

function writeValueInfo(to: ProtobufWriter, { name, type, shape }: ValueInfo): void {
  to.text(1, name).message(2, (valueType) =>
    valueType.message(1, (tensor) =>
      tensor.integer(1, elementTypes[type]).message(2, (dimensions) => {
        for (const dimension of shape) {
          dimensions.message(1, (to) =>
            typeof dimension === 'number' ? to.integer(1, dimension) : to.text(2, dimension),
          );
        }
      }),
    ),
  );
}
