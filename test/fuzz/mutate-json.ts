/** Changes of JSON values: keys, numbers, strings and structure, so that what comes out is JSON still. */
import type { Random } from '../../src/random.js';

/** Texts that stand for a value which `JSON.stringify` would not write, by their place in the list. */
const raw = [
  '1e999',
  '-0',
  '1e-320',
  '12345678901234567890',
  '"\\ud800"',
  '"\\u0000"',
  `${'['.repeat(3000)}${']'.repeat(3000)}`,
  `${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`,
  '{"__proto__":{"length":3},"constructor":null,"toString":7,"hasOwnProperty":1}',
];
const placeholder = (place: number): string => `@raw ${place}@`;

const values: readonly unknown[] = [
  null,
  true,
  false,
  0,
  1,
  -1,
  0.5,
  255,
  256,
  65_536,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  2 ** 53 + 2,
  1e308,
  '',
  '0',
  'a',
  '../../x',
  'x'.repeat(5000),
  [],
  {},
  [[]],
  [null],
  ...raw.map((_, place) => placeholder(place)),
];

const keys = ['', '0', '__proto__', 'constructor', 'toString', 'length', 'hasOwnProperty', '__metadata__'];

type Container = Record<string, unknown> | unknown[];

/** JSON text of `text`'s value with a few changes; undefined where it is no JSON. */
export function mutateJson(text: string, random: Random): string | undefined {
  let root: { value: unknown };
  try {
    root = { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
  do edit(root, random);
  while (random.below(2) === 0);
  // Objects may hold themselves by now.
  const changed = stringify(root.value) ?? 'null';
  return changed.replace(/"@raw (\d+)@"(?!:)/g, (_, place) => raw[Number(place)]);
}

function stringify(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null;

/** An object of the tree and one of its keys, all levels alike likely. */
function choose(root: Container, random: Random): [holder: Record<string, unknown>, key: string] {
  let holder = root as Record<string, unknown>;
  let key = 'value';
  for (;;) {
    const next = holder[key];
    if (!isContainer(next)) return [holder, key];
    const names = Object.keys(next);
    if (names.length === 0 || (holder !== root && random.below(4) === 0)) return [holder, key];
    holder = next as Record<string, unknown>;
    key = names[random.below(names.length)];
  }
}

function edit(root: { value: unknown }, random: Random): void {
  const [holder, key] = choose(root as unknown as Container, random);
  const value = holder[key];
  switch (random.below(6)) {
    case 0:
      set(holder, key, values[random.below(values.length)]);
      break;
    case 1:
      if (holder !== (root as unknown)) remove(holder, key);
      break;
    case 2:
      set(holder, keys[random.below(keys.length)], value);
      if (!Array.isArray(holder) && random.below(2) === 0) delete holder[key];
      break;
    case 3: {
      const [otherHolder, other] = choose(root as unknown as Container, random);
      set(holder, key, structuredClone(otherHolder[other]));
      break;
    }
    default:
      set(holder, key, varied(value, random));
  }
}

/** Own, even where it is `__proto__`. */
function set(holder: Record<string, unknown>, key: string, value: unknown): void {
  // Of an array only elements: its length cannot be any value, and a constructor of its own breaks its methods.
  if (Array.isArray(holder) && !/^\d+$/.test(key)) return;
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}

function remove(holder: Record<string, unknown>, key: string): void {
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[key];
}

/** A value of the same type, or nearly. */
function varied(value: unknown, random: Random): unknown {
  if (typeof value === 'number')
    return [value + 1, value - 1, value * 2, -value, value + 0.5, value * 2 ** 32, String(value)][
      random.below(7)
    ];
  if (typeof value === 'string') {
    const at = random.below(value.length + 1);
    return [
      value.slice(0, at),
      `${value}${value}`,
      `${value.slice(0, at)}${String.fromCharCode(random.below(0x3000))}${value.slice(at)}`,
      value.toUpperCase(),
      [value],
      { [value]: value },
    ][random.below(6)];
  }
  if (Array.isArray(value))
    return [[...value, ...value], value.slice(1), [...value, null], [value], { ...value }][random.below(5)];
  if (isContainer(value)) return [Object.values(value), { ...value, added: 1 }, [value]][random.below(3)];
  return [!value, 'true', 0, []][random.below(4)];
}
