/** docs/errors.md says what the code does: one heading for each code, and the exit codes as they are. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { exitCodeMeanings, exitCodeOf, exitCodes } from '../../src/cli/exit-codes.js';
import * as errors from '../../src/errors.js';
import { packageRoot } from '../../src/package-root.js';

const page = readFileSync(join(packageRoot(), 'docs', 'errors.md'), 'utf8');

type ErrorClass = new (message: string) => errors.GradringError;

/** Every class of src/errors.ts but the base: each has a code of its own. */
const all = Object.values<unknown>(errors)
  .filter((value): value is ErrorClass => {
    return typeof value === 'function' && value.prototype instanceof errors.GradringError;
  })
  .map(Class => new Class('as thrown'));

test('each code has its heading, and each heading a code', t => {
  const headings = [...page.matchAll(/^## (E_\w+)$/gm)].map(([, code]) => code);
  t.ok(all.length > 10, 'the classes were found');
  t.same(headings.sort(), all.map(({ code }) => code).sort());
  t.end();
});

test('the table of warnings has each code that the program gives, and no other', t => {
  const source = join(packageRoot(), 'src');
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(name =>
    name.endsWith('.ts'),
  );
  const given = files.flatMap(name => {
    const text = readFileSync(join(source, name), 'utf8').replace(/^ *(\/\/|\/?\*).*$/gm, '');
    return [...text.matchAll(/'(W_[A-Z_]+)'/g)].map(([, code]) => code);
  });
  const documented = [...page.matchAll(/^\| `(W_[A-Z_]+)` \|/gm)].map(([, code]) => code);
  t.ok(given.length > 5, 'warnings were found');
  t.same(documented.sort(), [...new Set(given)].sort());
  t.end();
});

test('the table of exit codes is the one of the program', t => {
  const rows = [...page.matchAll(/^\| (\d+) \| (.*?) \| (.*?) ?\|$/gm)];
  const documented = rows.map(([, code, meaning]) => [Number(code), meaning]);
  const names = Object.keys(exitCodes) as (keyof typeof exitCodes)[];
  t.same(
    documented,
    names.map(name => [exitCodes[name], exitCodeMeanings[name]]),
  );
  for (const [, code, , named] of rows) {
    const expected = all.filter(error => exitCodeOf(error) === Number(code)).map(error => error.code);
    const listed = [...named.matchAll(/`(E_\w+)`/g)].map(([, name]) => name);
    // Exit code 1 is that of all the others.
    if (Number(code) !== exitCodes.failed) t.same(listed.sort(), expected.sort(), `exit code ${code}`);
  }
  t.end();
});
