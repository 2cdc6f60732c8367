/** docs/callbacks.md lists the callbacks there are: all that is exported, and nothing else. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import * as gradring from '../../src/index.js';
import { Callback } from '../../src/learner/callback.js';
import { packageRoot } from '../../src/package-root.js';

const page = readFileSync(join(packageRoot(), 'docs/callbacks.md'), 'utf8');

t.test('the page lists every exported callback once', async t => {
  const listed = [...page.split('## Order')[0].matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
  const exported = Object.entries(gradring)
    .filter(([, value]) => typeof value === 'function' && value.prototype instanceof Callback)
    .map(([name]) => name);
  t.ok(exported.length > 20);
  t.same(listed.toSorted(), exported.toSorted());
});

t.test('its table of orders is that of the source', async t => {
  const folder = join(packageRoot(), 'src/callbacks');
  const inSource = readdirSync(folder)
    .filter(name => name.endsWith('.ts'))
    .map(name => readFileSync(join(folder, name), 'utf8'))
    .flatMap(text => [...text.matchAll(/^export class (\w+)|override order = (-?\d+);/gm)])
    .flatMap(([, , order], i, all) => (order ? [`${order} ${all[i - 1][1]}`] : []));
  const rows = [...page.split('## Order')[1].matchAll(/^\| (−?\d+) \| (.+?) \|/gm)];
  const onPage = rows.flatMap(([, order, names]) =>
    [...names.matchAll(/`(\w+)`/g)].map(([, name]) => `${order.replace('−', '-')} ${name}`),
  );
  t.ok(inSource.length > 5);
  t.same(onPage.toSorted(), inSource.toSorted());
});
