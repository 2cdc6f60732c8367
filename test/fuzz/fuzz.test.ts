/** A short run of every target; and the fuzzer finds what it is there to find. */
import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { type FuzzOptions, runTarget } from './run-target.js';
import { targets } from './targets.js';

t.jobs = 2;

const run = (t: { testdir(): string }, options: Partial<FuzzOptions> & Pick<FuzzOptions, 'target'>) =>
  runTarget({
    module: new URL('./targets.js', import.meta.url).href,
    seed: 20,
    count: 500,
    failures: options.failures ?? t.testdir(),
    // A machine that is busy with other tests is no fault of the reader's.
    slowMs: 10_000,
    hangMs: 60_000,
    ...options,
  });

for (const { name, count } of targets) {
  t.test(`${name}: read or refused`, { buffered: true }, async t => {
    const { inputs, read, refused, faults } = await run(t, {
      target: name,
      count: Math.min(1000, count / 20),
    });
    t.same(faults, []);
    t.equal(inputs, read + refused);
    t.ok(read > 0 && refused > 0, `${read} read, ${refused} refused`);
  });
}

const faulty = new URL('./faulty-targets.js', import.meta.url).href;

t.test('a reader that throws something else is found, and its input can be read again', async t => {
  const failures = t.testdir();
  const options = { module: faulty, target: 'throws', failures };
  const { faults } = await run(t, options);
  t.match(faults[0].reason, /threw TypeError/);
  const { file = '' } = faults[0];
  t.ok(existsSync(file), 'the input was written');
  t.match((await run(t, { ...options, input: file, count: 1 })).faults, [{ reason: /threw TypeError/ }]);
  const again = await run(t, { ...options, from: faults[0].n, count: 1 });
  t.match(again.faults, [{ n: faults[0].n }], 'the number alone makes it again');
  t.same(readFileSync(again.faults[0].file ?? ''), readFileSync(file));
});

const found: Readonly<Record<string, { reason: RegExp; options?: Partial<FuzzOptions> }>> = {
  'refuses without a place': { reason: /without 'where'/ },
  'breaks its promise': { reason: /AssertionError/ },
  hangs: { reason: /hung/, options: { hangMs: 1500 } },
  'never settles': { reason: /ended by exit code \d+|hung/, options: { hangMs: 1500 } },
  crashes: { reason: /ended by SIGKILL/ },
  dawdles: { reason: /took \d+ ms/, options: { slowMs: 50 } },
  'lets a promise go': { reason: /ended by exit code 1: [\s\S]*nobody awaits/ },
  grows: { reason: /grew by \d+ MiB, over 64/ },
};

for (const [target, { reason, options }] of Object.entries(found)) {
  t.test(`a reader that ${target} is found`, { buffered: true }, async t => {
    const { faults } = await run(t, { module: faulty, target, ...options });
    t.match(faults[0], { reason });
    if (target !== 'grows') t.ok(faults[0].n >= 0, 'with the number of its input');
  });
}
