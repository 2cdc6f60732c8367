/** The page: what it may run is what is written in it, and what comes from runs is never markup. */
import { createHash } from 'node:crypto';
import t from 'tap';
import { ask, listen } from './service.js';

t.test('its policy names its own script and style, and nothing else', async t => {
  const { port } = await listen(t, { root: t.testdir() });
  const { headers, text } = await ask({ port, path: '/' });
  const policy = String(headers['content-security-policy']);
  for (const tag of ['script', 'style']) {
    const [, inline] = new RegExp(`<${tag}>(.*?)</${tag}>`, 's').exec(text) ?? [];
    const hash = createHash('sha256').update(inline).digest('base64');
    t.match(policy, `${tag}-src 'sha256-${hash}'`);
  }
  t.match(policy, /^default-src 'none'/);
  t.notMatch(policy, /unsafe|https?:|\*/);
  t.notMatch(text, /innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|https?:/);
  t.notMatch(text, /<[^>]+\s(on\w+|style)=/, 'no inline handlers, which the policy would refuse');
});
