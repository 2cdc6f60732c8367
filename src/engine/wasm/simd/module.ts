/** Our compiled loops, working on the heap of tfjs's wasm backend. */
import type { WasmBackend } from '../backend.js';
import { assemble } from './assembler.js';
import { columnFunctions } from './columns.js';
import { reluGradFunction } from './elementwise.js';
import { outerProductFunctions } from './outer-products.js';

/** Node's global; its types come with the DOM's, which we do without. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
};

export type SimdLoops = Readonly<Record<string, (...args: number[]) => void>>;

let compiled: object | undefined;
const instances = new WeakMap<WasmBackend, SimdLoops>();

/** The loops bound to this backend's memory; compiled at the first call of the thread. */
export function simdLoops(backend: WasmBackend): SimdLoops {
  let loops = instances.get(backend);
  if (!loops) {
    compiled ??= new WebAssembly.Module(
      assemble([...outerProductFunctions, ...columnFunctions, reluGradFunction]),
    );
    const { memory } = backend.wasm.asm;
    loops = new WebAssembly.Instance(compiled, { env: { memory } }).exports as SimdLoops;
    instances.set(backend, loops);
  }
  return loops;
}
