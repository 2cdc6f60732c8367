/** The routes under /runs. */
import { listFiles, sendArchive, sendFile } from './downloads.mjs';
import { positionOf, sendEvents } from './events.mjs';
import { conflict } from './problems.mjs';

/**
 * @param {import('fastify').FastifyInstance} app
 * @param {import('./runs.mjs').RunRegistry} registry
 * @param {import('./settings.mjs').Settings} settings
 */
export function addRunRoutes(app, registry, settings) {
  const find = request => registry.get(request.params.id);

  app.get('/choices', () => settings.choices());
  app.get('/runs', async () => ({ runs: registry.list().map(({ brief }) => brief) }));
  app.get('/runs/:id', async request => find(request).status);

  app.post('/runs', { schema: { body: settings.schema } }, async (request, reply) => {
    const run = await registry.start(request.body);
    request.log.info({ run: run.id, settings: request.body }, 'run started');
    return reply.code(201).header('location', `/runs/${run.id}`).send(run.status);
  });

  app.post('/runs/:id/stop', async (request, reply) => {
    find(request).stop('a client asked for it');
    return reply.code(202).send(find(request).status);
  });

  app.post('/runs/:id/resume', { schema: { body: settings.resumeSchema } }, async (request, reply) => {
    const run = await registry.resume(find(request).id, request.body);
    return reply.code(202).send(run.status);
  });

  app.delete('/runs/:id', async (request, reply) => {
    await registry.remove(find(request).id);
    return reply.code(204).send();
  });

  app.get('/runs/:id/files', async request => ({ files: await listFiles(find(request).folder) }));
  app.get('/runs/:id/files/*', (request, reply) =>
    sendFile(request, reply, { folder: find(request).folder, path: request.params['*'] }),
  );

  app.get('/runs/:id/archive', (request, reply) => {
    const run = find(request);
    if (run.active) throw conflict(`run ${run.id} is still going on`, 'stop it first, or take single files');
    return sendArchive(reply, run);
  });

  app.get('/runs/:id/events', (request, reply) => watch(request, reply, find(request)));
}

/** Ends with the run. Whoever comes again after that, as browsers do, is told that there is no more. */
async function watch(request, reply, run) {
  const { life, events, settled } = await run.events();
  const after = positionOf(request.headers['last-event-id'], life);
  if (!run.active && Array.isArray(events) && after >= events.length) return reply.code(204).send();
  reply.hijack();
  reply.raw.writeHead(200, {
    ...reply.getHeaders(),
    'content-type': 'text/event-stream',
    'x-accel-buffering': 'no',
  });
  await sendEvents(reply.raw, events, { life, after, settled });
}
