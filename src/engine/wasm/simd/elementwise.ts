/** Loops over all elements of a tensor, four at a time. */
import {
  advance,
  get,
  i32,
  type Local,
  repeat,
  set,
  ValueType,
  v128,
  type WasmFunction,
} from './assembler.js';

/** dx = dy where y > 0, slope · dy elsewhere, for `quads` groups of four elements. */
export const reluGradFunction: WasmFunction = (() => {
  const [quads, dy, y, dx, slope, upstream]: Local[] = [0, 1, 2, 3, 4, 5];
  const i32x4 = new Array<ValueType>(4).fill(ValueType.i32);
  const scaled = v128.multiply(get(upstream), v128.splat(get(slope)));
  return {
    name: 'relu_grad',
    parameters: [...i32x4, ValueType.f32],
    locals: [ValueType.v128],
    body: [
      repeat(quads, [
        set(upstream, v128.load(get(dy))),
        v128.store(get(dx), v128.select(v128.greater(v128.load(get(y)), v128.zero), get(upstream), scaled)),
        ...[dy, y, dx].map(pointer => advance(pointer, i32(16))),
      ]),
    ],
  };
})();
