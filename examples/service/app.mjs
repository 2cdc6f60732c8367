/** The service as a fastify instance, to listen or to be injected requests into. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import fastify from 'fastify';
import { startRun as gradringStartRun } from 'gradring';
import { guard } from './auth.mjs';
import { answerProblems } from './problems.mjs';
import { addRunRoutes } from './run-routes.mjs';
import { RunRegistry } from './runs.mjs';
import { defaultLimits, Settings } from './settings.mjs';

/**
 * @typedef {object} ServiceOptions
 * @property {string} root folder of the run folders; one service at a time
 * @property {string} [token] what clients must send; without it only loopback names are answered to
 * @property {string} [data] folder whose entries are datasets
 * @property {string} [recipes] folder whose modules are recipes
 * @property {Partial<typeof defaultLimits>} [limits]
 * @property {boolean} [isolate] each run in a process of its own: a crash in native code does not reach the service
 * @property {number} [graceMs] how long runs have to end and be saved when the service closes [20 000]
 * @property {typeof gradringStartRun} [startRun] what starts a run
 * @property {import('fastify').FastifyServerOptions['logger']} [logger]
 */

/** @param {ServiceOptions} options */
export async function buildService({
  root,
  token,
  data,
  recipes,
  limits: given = {},
  isolate = true,
  graceMs = 20_000,
  startRun = gradringStartRun,
  logger = false,
}) {
  const limits = { ...defaultLimits, ...given };
  const app = fastify({
    logger,
    bodyLimit: 64 * 1024,
    requestTimeout: 30_000,
    exposeHeadRoutes: false,
    // What is wrong is refused: nothing is dropped in silence, and no text is taken for a number.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false } },
  });
  app.server.maxConnections = limits.connections;
  const settings = new Settings({ data, recipes, limits });
  const registry = new RunRegistry({ root, settings, limits, startRun, isolate, graceMs, log: app.log });
  // A folder that is not there is found now, and not by the first client.
  await settings.choices();
  await registry.open();
  // By the time it closes, all that is left open are connections at rest.
  app.addHook('preClose', () => registry.close());
  guard(app, token);
  answerProblems(app);
  acceptEmptyJson(app);
  addHeaders(app);
  app.get('/healthz', { config: { open: true } }, async () => ({ ok: true }));
  await addPage(app);
  addRunRoutes(app, registry, settings);
  return app;
}

/** A stop has nothing to say beyond its address. */
function acceptEmptyJson(app) {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) =>
    body === '' ? done(null, {}) : parse(request, body, done),
  );
}

function addHeaders(app) {
  app.addHook('onRequest', async (_, reply) => {
    reply.headers({
      'cache-control': 'no-store',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
  });
}

/** Without the token the page is all there is to see, and asks for it. */
async function addPage(app) {
  const html = await readFile(new URL('page.html', import.meta.url), 'utf8');
  // The page may run and look like what is written in it, and nothing that came into it from elsewhere.
  const inline = tag =>
    [...html.matchAll(new RegExp(`<${tag}>(.*?)</${tag}>`, 'gs'))]
      .map(([, text]) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`)
      .join(' ');
  const policy = [
    "default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    `script-src ${inline('script')}; style-src ${inline('style')}`,
  ].join('; ');
  app.get('/', { config: { open: true } }, async (request, reply) =>
    reply
      .code(request.admitted ? 200 : 401)
      .headers({ 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy })
      .send(html),
  );
}
