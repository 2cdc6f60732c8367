/** Who is let in: with a token nobody without it, on loopback nobody from another site. */
import t from 'tap';
import { type Answer, ask, listen } from './service.js';

const token = 'correct horse battery'.replaceAll(' ', '-');
const secret = 'nobody-may-read-this';
const run = { 'config.json': `{"model":"${secret}"}`, 'metrics.jsonl': `{"epoch":1,"note":"${secret}"}\n` };

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const paths = [
  ...['/', '/choices', '/runs', '/runs/1', '/runs/1/', '/runs/1/events', '/runs/1/stop', '/runs/1/resume'],
  ...[
    '/runs/1/files',
    '/runs/1/files/config.json',
    '/runs/1/archive',
    '/logout',
    '/nothing',
    '//runs',
    '/%72uns',
  ],
];

t.test('without the token nothing is readable, and nothing happens', async t => {
  const root = t.testdir({ 1: run });
  const { port } = await listen(t, { root, token });
  for (const method of methods)
    for (const path of paths) {
      const { status, text } = await ask({ port, method, path, ...(method === 'POST' ? { body: {} } : {}) });
      if (status !== 401 || text.includes(secret))
        t.fail(`${method} ${path}: ${status} ${text.slice(0, 80)}`);
    }
  const given: Record<string, string>[] = [
    { authorization: 'Bearer ' },
    { authorization: `Bearer ${token}x` },
    { authorization: `Bearer ${token.slice(0, -1)}` },
    { authorization: `Basic ${token}` },
    { authorization: token },
    { cookie: `gradring=${token}` },
    { cookie: 'gradring=' },
    { cookie: `token=${token}` },
  ];
  for (const headers of given) t.equal((await ask({ port, path: '/runs', headers })).status, 401);
  t.equal((await ask({ port, path: `/runs?token=${token}` })).status, 401);

  t.same(JSON.parse((await ask({ port, path: '/healthz' })).text), { ok: true });
  const admitted = await ask({ port, path: '/runs/1', headers: { authorization: `Bearer ${token}` } });
  t.equal(admitted.status, 200);
  t.match(admitted.text, secret, 'the run is there for who may see it');
});

t.test('a page logs in and out with a cookie that no script and no other site can use', async t => {
  const { port } = await listen(t, { root: t.testdir(), token });
  const login = (sent: string): Promise<Answer> =>
    ask({ port, method: 'POST', path: '/login', body: { token: sent } });
  t.equal((await login(`${token}.`)).status, 401);
  const { status, headers } = await login(token);
  t.equal(status, 204);
  const [set] = headers['set-cookie'] ?? [];
  t.match(set, /; HttpOnly; SameSite=Strict; Path=\//);
  t.notMatch(set, token, 'the token itself is not in it');
  const cookie = set.split(';')[0];
  t.equal((await ask({ port, path: '/runs', headers: { cookie: `other=1; ${cookie}` } })).status, 200);
  const out = await ask({ port, method: 'POST', path: '/logout', headers: { cookie }, body: {} });
  t.match(out.headers['set-cookie'], [/^gradring=; .*Max-Age=0/]);

  const other = await listen(t, { root: t.testdir(), token });
  const there = await ask({ port: other.port, path: '/runs', headers: { cookie } });
  t.equal(there.status, 401, 'a session is of one service');
});

t.test('on loopback it answers to names of loopback only', async t => {
  const { port } = await listen(t, { root: t.testdir() });
  const own = [
    'localhost',
    `localhost:${port}`,
    'LocalHost',
    '127.0.0.1',
    '127.3.2.1:80',
    '[::1]',
    '[::1]:9',
  ];
  for (const host of own) t.equal((await ask({ port, path: '/runs', headers: { host } })).status, 200, host);
  const foreign = [
    'evil.example',
    `evil.example:${port}`,
    'localhost.evil.example',
    '127.0.0.1.evil.example',
  ];
  for (const host of [...foreign, '10.0.0.1', '[::2]', 'localhost:evil'])
    t.equal((await ask({ port, path: '/runs', headers: { host } })).status, 403, host);
});

t.test('what changes something comes as JSON, and from no page of another site', async t => {
  const { port } = await listen(t, { root: t.testdir({ 1: run }) });
  const host = `127.0.0.1:${port}`;
  const remove = (origin: string): Promise<Answer> =>
    ask({ port, method: 'DELETE', path: '/runs/1', headers: { host, origin } });
  const foreign = [
    'http://evil.example',
    'null',
    '',
    `http://127.0.0.1:${port + 1}`,
    `http://${host}.evil.example`,
  ];
  for (const origin of foreign) t.equal((await remove(origin)).status, 403, origin);

  const stop = (type: string): Promise<Answer> =>
    ask({ port, method: 'POST', path: '/runs/1/stop', headers: { 'content-type': type }, body: '{}' });
  // What a form, or a script without asking first, can send anywhere.
  const simple = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'];
  for (const type of [...simple, 'text/plain; application/json', 'application/jsonp'])
    t.equal((await stop(type)).status, 415, type);
  t.equal((await stop('application/json; charset=utf-8')).status, 202);

  const asked = await ask({ port, path: '/runs', headers: { origin: 'http://evil.example' } });
  t.equal(asked.headers['access-control-allow-origin'], undefined);
  t.equal((await remove(`http://${host}`)).status, 204, 'its own page may');
});

t.test('a token that can be guessed is refused', async t => {
  await t.rejects(listen(t, { root: t.testdir(), token: 'fifteen letters' }), RangeError);
});
