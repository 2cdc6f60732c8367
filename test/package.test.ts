/** What `npm pack` makes installs into an empty ESM TypeScript project, type-checks and trains there. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { packageRoot } from '../src/package-root.js';

const run = promisify(execFile);

const recipe = `
import { defineRecipe } from 'gradring/recipe';

export default defineRecipe<{ hidden: number }>({
  model(tf, { imageShape, classes, options }) {
    return tf.sequential({
      layers: [
        tf.layers.flatten({ inputShape: [...imageShape] }),
        tf.layers.dense({ units: options.hidden, activation: 'relu' }),
        tf.layers.dense({ units: classes.length }),
      ],
    });
  },
  metrics: {
    confident: (tf, logits) => tf.sum(tf.cast(tf.greater(tf.max(tf.softmax(logits), 1), 0.9), 'float32')),
  },
});
`;

const program = `
import { type EpochRecord, type TrainSummary, train } from 'gradring';

const records: EpochRecord[] = [];
const summary: TrainSummary = await train(
  { recipe: new URL('./recipe.js', import.meta.url).href, options: { hidden: 20 }, gpus: 2, epochs: 1, out: 'run' },
  { onEpoch: record => records.push(record) },
);
console.log(JSON.stringify({ accuracy: summary.accuracy, confident: typeof records[0].confident }));
`;

const tsconfig = {
  compilerOptions: {
    target: 'es2022',
    module: 'nodenext',
    strict: true,
    skipLibCheck: true,
    rootDir: '.',
    types: ['node'],
  },
};

// In the system's folder, not under this one: Node would find this project's node_modules there.
const project = mkdtempSync(join(tmpdir(), 'gradring-package-'));
t.teardown(() => rmSync(project, { recursive: true, force: true }));

t.test('pack, install, type-check, train', { timeout: 300_000 }, async t => {
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', project], {
    cwd: packageRoot(),
  });
  const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  const unwanted = files.filter(({ path }) => /^(src|test|bench|node_modules)\//.test(path));
  t.strictSame(unwanted, [], 'nothing but what is needed at run time');

  const { devDependencies } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'));
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', type: 'module' }));
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(tsconfig));
  writeFileSync(join(project, 'recipe.ts'), recipe);
  writeFileSync(join(project, 'main.ts'), program);
  const tools = ['typescript', '@types/node'].map(name => `${name}@${devDependencies[name]}`);
  const install = ['install', `./${filename}`, ...tools, '--prefer-offline', '--no-audit', '--no-fund'];
  // The addon itself is built by the checks; once more here would take minutes.
  await run('npm', install, { cwd: project, env: { ...process.env, GRADRING_LIBTORCH: 'off' } });
  await run(join(project, 'node_modules', '.bin', 'tsc'), [], { cwd: project }).catch(error =>
    t.fail(`tsc: ${error.stdout}`),
  );
  const trained = await run(process.execPath, ['main.js'], {
    cwd: project,
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const { accuracy, confident } = JSON.parse(trained.stdout);
  t.ok(accuracy > 0.7, `accuracy ${accuracy}`);
  t.equal(confident, 'number');
  t.equal(trained.stderr, '', 'the library prints nothing');
});
