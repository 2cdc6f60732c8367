/** Every name that docs/from-miniai.md gives for one of miniai's is there, and used in the examples it links to. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'tap';
import * as gradring from '../../src/index.js';
import * as layers from '../../src/models/layers.js';
import { packageRoot } from '../../src/package-root.js';
import { FakeRunner, fakeLoaders } from '../learner/fake-runner.js';

const docs = join(packageRoot(), 'docs');

interface Name {
  /** Such as `learn.fit()`. */
  readonly text: string;
  readonly parts: readonly string[];
  readonly isLayer: boolean;
}

/** Rows of all tables: the names in their second cell, the examples linked from their last one. */
const rows = readFileSync(join(docs, 'from-miniai.md'), 'utf8')
  .split('\n')
  .filter(line => line.startsWith('| '))
  .map(line => line.slice(1, -1).split('|'))
  .map(cells => ({
    label: cells[0].trim(),
    names: [...cells[1].matchAll(/`([^`]+)`(°?)/g)].map(([, text, mark]): Name => {
      return { text, parts: text.replace('()', '').split('.'), isLayer: mark === '°' };
    }),
    examples: [...(cells.at(-1) ?? '').matchAll(/\]\((\.\.\/examples\/[^)]+\.mjs)\)/g)].map(
      ([, path]) => path,
    ),
  }));

/** By their names, whatever they are. */
const exported = new Map<string, unknown>(Object.entries(gradring));
const learn = new gradring.Learner(new FakeRunner(), fakeLoaders());

const has = (owner: unknown, name: string): boolean => Reflect.has(Object(owner), name);

function exists({ parts: [root, member], isLayer }: Name): boolean {
  if (isLayer) return has(layers, root);
  const owner = root === 'learn' ? learn : exported.get(root);
  if (!owner || member === undefined) return Boolean(owner);
  if (typeof owner !== 'function' || has(owner, member)) return has(owner, member);
  // Accessors and methods are on the prototype; fields only in the text of the class.
  return has(owner.prototype, member) || new RegExp(`^ +${member}\\b`, 'm').test(String(owner));
}

test('every name is exported, or a member of what is', t => {
  const names = rows.flatMap(row => row.names);
  t.ok(names.length > 100, `${names.length} names were found`);
  for (const name of names) if (!exists(name)) t.fail(`there is no ${name.text}`);
  t.end();
});

test('an example that is linked uses one of the names of its row', t => {
  const linked = rows.filter(({ names, examples }) => names.length > 0 && examples.length > 0);
  t.ok(linked.length > 40, `${linked.length} rows link to an example`);
  for (const { label, names, examples } of linked)
    for (const path of examples) {
      const program = readFileSync(resolve(docs, path), 'utf8');
      const used = names.some(({ parts }) => new RegExp(`\\b${parts.at(-1)}\\b`).test(program));
      if (!used) t.fail(`${label}: ${path} uses none of ${names.map(({ text }) => text).join(', ')}`);
    }
  t.end();
});
