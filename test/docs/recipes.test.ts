/** The recipe that docs/recipes.md prints is the one that test/examples.test.ts runs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { packageRoot } from '../../src/package-root.js';

const read = (...path: string[]): string => readFileSync(join(packageRoot(), ...path), 'utf8');

test('the complete example is the example', t => {
  const [, printed] = /```js\n([\s\S]*?)```/.exec(read('docs', 'recipes.md')) ?? [];
  const program = read('examples', '03-own-recipe', 'recipe.mjs');
  t.equal(printed, program.slice(program.indexOf('import ')));
  t.end();
});
