/** The floors of the design: imports go downward, or sideways within a floor, and only native engines go native. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import t from 'tap';
import { packageRoot } from '../src/package-root.js';

const floors: Record<string, number> = {
  protocol: 0,
  engine: 1,
  nn: 1,
  allreduce: 1,
  plot: 1,
  worker: 2,
  data: 2,
  coordinator: 3,
  models: 3,
  learner: 4,
  checkpoint: 4.2,
  // Of the same floor by design, but one way too.
  callbacks: 4.5,
  inspect: 4.6,
  inference: 4.6,
  run: 5,
  profile: 5.5,
  cli: 6,
};

const source = join(packageRoot(), 'src');
const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'));

/** Files right under src/ are floor 0, but for the public face. */
function floorOf(file: string): number {
  if (file === 'index.ts') return 7;
  const [folder, rest] = file.split('/');
  return rest === undefined ? 0 : (floors[folder] ?? Number.NaN);
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(source, file), 'utf8');
  const specifiers = [...text.matchAll(/^(?:import|export)\b[^'"]*?from '([^']+)'|import\('([^']+)'\)/gm)];
  return specifiers.map(([, still, dynamic]) => still ?? dynamic);
}

t.test('every folder has its floor, and no import goes up', async t => {
  t.ok(files.length > 100);
  for (const file of files) {
    const floor = floorOf(file);
    t.ok(floor >= 0, `${file} lies on a floor`);
    for (const specifier of importsOf(file)) {
      if (!specifier.startsWith('.')) continue;
      const target = relative(source, normalize(join(source, dirname(file), specifier)));
      if (!(floorOf(target) <= floor)) t.fail(`${file} imports ${target}, which is above it`);
    }
  }
});

t.test('the coordinator thread never loads TensorFlow.js, nor do replicas load zod or piscina', async t => {
  const reach = (entry: string, seen = new Set<string>()): Set<string> => {
    const text = readFileSync(join(source, entry), 'utf8').replace(/^(import|export) type[^;]*;/gm, '');
    for (const [, specifier] of text.matchAll(/from '([^']+)'/g)) {
      const target = specifier.startsWith('.')
        ? relative(source, normalize(join(source, dirname(entry), specifier))).replace(/\.js$/, '.ts')
        : specifier;
      if (seen.has(target)) continue;
      seen.add(target);
      if (specifier.startsWith('.')) reach(target, seen);
    }
    return seen;
  };
  const main = [...reach('index.ts')];
  t.strictSame(
    main.filter(name => name.startsWith('@tensorflow/')),
    [],
  );
  const replica = [...reach('worker/replica-thread.ts')];
  t.strictSame(
    replica.filter(name => /^(zod|piscina|sharp|pino)$/.test(name)),
    [],
  );
  const recipe = [...reach('worker/recipe.ts')];
  t.strictSame(recipe, [], 'gradring/recipe loads nothing at all');
});
