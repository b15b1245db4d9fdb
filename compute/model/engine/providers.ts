import type { InferenceSession } from 'onnxruntime-node';
import type { ComputeType } from '../components/weights.ts';

export type ProviderName = 'cpu' | 'cuda' | 'webgpu';

/** Everything the engine knows of one execution provider of ONNX Runtime. No other file names one. */
export interface Provider {
  readonly name: ProviderName;
  /** Passed to ONNX Runtime. */
  readonly execution: InferenceSession.ExecutionProviderConfig;
  /** Types it computes in, the default first. */
  readonly computeTypes: readonly [ComputeType, ...ComputeType[]];
  /** Order in which `auto` tries it; undefined: only when asked for by name. */
  readonly auto?: number;
  /** Environment of the model's process. */
  readonly environment: Readonly<Record<string, string>>;
  /** What the machine needs so that it loads. */
  readonly needs: string;
}

export const providers: readonly Provider[] = [
  {
    name: 'cuda',
    execution: { name: 'cuda', deviceId: 0 },
    // float32 first: results are to equal transformers'. The half types take half the memory and are verified apart.
    computeTypes: ['float32', 'bfloat16', 'float16'],
    auto: 1,
    // The Node binding has no option for TF32, which would cost the parity of float32: three digits are left.
    environment: { NVIDIA_TF32_OVERRIDE: '0' },
    needs:
      "an NVIDIA driver and ONNX Runtime's CUDA provider library, which npm does not install (docs/gpu.md)",
  },
  {
    name: 'cpu',
    execution: 'cpu',
    // The CPU provider has no kernels for bfloat16 and widens float16 around every one: float32 is as fast and exact.
    computeTypes: ['float32'],
    auto: 2,
    environment: {},
    needs: 'nothing',
  },
  {
    name: 'webgpu',
    execution: 'webgpu',
    // No bfloat16 in WebGPU; what it has no kernel for (64-bit integers) runs on the CPU.
    computeTypes: ['float32'],
    // No `auto`: it calls itself experimental, and with a software Vulkan driver it would be slower than the CPU.
    environment: {},
    needs: 'a Vulkan driver and its loader, libvulkan.so.1 (docs/gpu.md)',
  },
];

/** The row of a provider. */
export function providerNamed(name: ProviderName): Provider {
  const found = providers.find((one) => one.name === name);
  if (found === undefined) throw new RangeError(`no provider ${name}`);
  return found;
}

/** Those to try for a wish, in order. */
export function candidates(wish: ProviderName | 'auto'): readonly Provider[] {
  if (wish !== 'auto') return [providerNamed(wish)];
  return providers.filter((one) => one.auto !== undefined).sort((a, b) => (a.auto ?? 0) - (b.auto ?? 0));
}
