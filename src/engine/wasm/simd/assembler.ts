/**
 * A small WebAssembly assembler, for the few inner loops that tfjs's wasm backend lacks. Code is an array of
 * bytes; expressions nest as function calls. Numbers of instructions: WebAssembly core specification 2.0,
 * chapters 5.4 (binary format) and 5.5 (modules), with its SIMD part.
 */
export type Code = readonly number[];

/** Index of a parameter or local of the function being built. */
export type Local = number;

export const ValueType = { i32: 0x7f, f32: 0x7d, v128: 0x7b } as const;
export type ValueType = (typeof ValueType)[keyof typeof ValueType];

const unsigned = (value: number): number[] =>
  value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];

const signed = (value: number): number[] =>
  value >= -0x40 && value < 0x40 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];

const vector = (items: readonly Code[]): number[] => [...unsigned(items.length), ...items.flat()];
const text = (value: string): number[] => vector([...Buffer.from(value)].map(byte => [byte]));
const simd = (opcode: number): number[] => [0xfd, ...unsigned(opcode)];
/** Alignment hint (log2 of bytes) and constant byte offset. */
const at = (align: number, offset: number): number[] => [align, ...unsigned(offset)];

export const get = (local: Local): Code => [0x20, ...unsigned(local)];
export const set = (local: Local, value: Code): Code => [...value, 0x21, ...unsigned(local)];
export const i32 = (value: number): Code => [0x41, ...signed(value)];
export const add = (a: Code, b: Code): Code => [...a, ...b, 0x6a];
export const subtract = (a: Code, b: Code): Code => [...a, ...b, 0x6b];
export const advance = (local: Local, bytes: Code): Code => set(local, add(get(local), bytes));

/** Runs `body` `count` times; `count` is at least 1 and is 0 afterwards. */
export const repeat = (count: Local, body: readonly Code[]): Code => [
  0x03, // loop
  0x40, // without a result
  ...body.flat(),
  ...set(count, subtract(get(count), i32(1))),
  ...get(count),
  0x0d, // branch if not 0
  0x00, // to the loop's start
  0x0b, // end
];

/** Four float32 lanes. */
export const v128 = {
  load: (address: Code, offset = 0): Code => [...address, ...simd(0), ...at(2, offset)],
  /** One float32 in all four lanes. */
  loadSplat: (address: Code, offset = 0): Code => [...address, ...simd(9), ...at(2, offset)],
  store: (address: Code, value: Code, offset = 0): Code => [
    ...address,
    ...value,
    ...simd(11),
    ...at(2, offset),
  ],
  /** Stores lane 0 only. */
  storeFirst: (address: Code, value: Code, offset = 0): Code => [
    ...address,
    ...value,
    ...simd(90),
    ...at(2, offset),
    0,
  ],
  splat: (value: Code): Code => [...value, ...simd(19)],
  zero: [...simd(12), ...new Array<number>(16).fill(0)] as Code,
  add: (a: Code, b: Code): Code => [...a, ...b, ...simd(228)],
  subtract: (a: Code, b: Code): Code => [...a, ...b, ...simd(229)],
  multiply: (a: Code, b: Code): Code => [...a, ...b, ...simd(230)],
  /** All bits of a lane set where a > b. */
  greater: (a: Code, b: Code): Code => [...a, ...b, ...simd(68)],
  /** a where `mask` is set, b elsewhere. */
  select: (mask: Code, a: Code, b: Code): Code => [...a, ...b, ...mask, ...simd(82)],
};

export interface WasmFunction {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  /** Locals after the parameters. */
  readonly locals: readonly ValueType[];
  readonly body: readonly Code[];
}

const section = (id: number, content: number[]): number[] => [id, ...unsigned(content.length), ...content];

/** A module of exported functions without results, over the memory it imports as `env.memory`. */
export function assemble(functions: readonly WasmFunction[]): Uint8Array {
  const types = functions.map(f => [0x60, ...vector(f.parameters.map(type => [type])), 0]);
  const memoryImport = [...text('env'), ...text('memory'), 0x02, 0x00, ...unsigned(1)];
  const exported = functions.map((f, i) => [...text(f.name), 0x00, ...unsigned(i)]);
  const bodies = functions.map(f => {
    const locals = vector(f.locals.map(type => [1, type]));
    const code = [...locals, ...f.body.flat(), 0x0b];
    return [...unsigned(code.length), ...code];
  });
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(types)),
    ...section(2, vector([memoryImport])),
    ...section(3, vector(functions.map((_, i) => unsigned(i)))),
    ...section(7, vector(exported)),
    ...section(10, vector(bodies)),
  ]);
}
