/**
 * Who is let in. With a token: who sends it, or has the cookie that the page got for it. Without one, which is for
 * loopback only: programs of this machine, but no page of another site in a browser of this machine.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { Refusal } from './problems.mjs';

export const minTokenLength = 16;
const cookie = 'gradring';
const sessionSeconds = 12 * 60 * 60;

/** @param {string} host an address to listen on */
export const isLoopback = host => /^(localhost|127(\.\d{1,3}){3}|::1)$/i.test(host);

/**
 * Guards every route of `app`; those with `config: { open: true }` are let through, with `request.admitted` to tell
 * whether the others would have been.
 *
 * @param {import('fastify').FastifyInstance} app
 * @param {string} [token]
 * @throws RangeError when the token is too short
 */
export function guard(app, token) {
  if (token !== undefined && token.length < minTokenLength)
    throw new RangeError(`a token needs at least ${minTokenLength} characters`);
  // Of this process: what one service handed out opens no other, and nothing after a restart.
  const session = randomBytes(32).toString('base64url');
  const admits = token === undefined ? () => true : admitter(token, session);
  app.decorateRequest('admitted', false);
  app.addHook('onRequest', async request => {
    if (token === undefined) requireLoopbackName(request);
    request.admitted = admits(request);
    if (!request.admitted && !request.routeOptions.config?.open) throw unauthorized();
    requireOwnPage(request);
  });
  if (token !== undefined) addLogin(app, token, session);
}

/** @param {string} token @param {string} session */
function admitter(token, session) {
  /** @param {import('fastify').FastifyRequest} request */
  return ({ headers }) => {
    const [, bearer] = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? [];
    if (bearer !== undefined) return same(bearer, token);
    const [, value] = new RegExp(`(?:^|; *)${cookie}=([\\w-]+)`).exec(headers.cookie ?? '') ?? [];
    return value !== undefined && same(value, session);
  };
}

/** In a time that tells nothing of where they differ. @param {string} a @param {string} b */
const same = (a, b) => timingSafeEqual(digest(a), digest(b));

/** @param {string} text */
const digest = text => createHash('sha256').update(text).digest();

const unauthorized = () =>
  new Refusal(401, 'UNAUTHORIZED', 'this service needs its token', {
    hint: 'send it as Authorization: Bearer TOKEN',
    headers: { 'www-authenticate': 'Bearer' },
  });

/** A browser cannot send the header with an EventSource or a download; it does send a cookie. */
function addLogin(app, token, session) {
  const attributes = 'HttpOnly; SameSite=Strict; Path=/';
  const body = {
    type: 'object',
    required: ['token'],
    additionalProperties: false,
    properties: { token: { type: 'string', maxLength: 4096 } },
  };
  app.post('/login', { schema: { body }, config: { open: true } }, async (request, reply) => {
    if (!same(request.body.token, token)) throw unauthorized();
    reply.header('set-cookie', `${cookie}=${session}; ${attributes}; Max-Age=${sessionSeconds}`);
    return reply.code(204).send();
  });
  app.post('/logout', async (_, reply) =>
    reply.header('set-cookie', `${cookie}=; ${attributes}; Max-Age=0`).code(204).send(),
  );
}

/**
 * A site may let its own name point to 127.0.0.1 and have a browser here ask for it (DNS rebinding): the name is then
 * still that site's.
 */
function requireLoopbackName({ headers: { host = '' } }) {
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  if (isLoopback(name)) return;
  throw new Refusal(403, 'FORBIDDEN', `this service answers to localhost, not to '${name}'`, {
    hint: 'start it with a token to use it under another name',
  });
}

/**
 * A browser tells which page a request that changes something comes from, and asks before it sends JSON elsewhere
 * (which is never allowed here); other programs tell no origin.
 */
function requireOwnPage({ method, headers }) {
  if (method === 'GET' || method === 'HEAD') return;
  const { origin, host, 'content-type': type = '' } = headers;
  if (origin !== undefined && hostOf(origin) !== host)
    throw new Refusal(403, 'FORBIDDEN', 'requests from pages of other sites are refused', {
      where: 'Origin',
    });
  if (method !== 'DELETE' && !/^application\/json *(;|$)/i.test(type))
    throw new Refusal(415, 'NOT_JSON', 'a request that changes something is sent as JSON', {
      where: 'Content-Type',
      hint: 'send content-type: application/json',
    });
}

/** @param {string} origin @returns {string | undefined} as the Host header has it; undefined for 'null' */
const hostOf = origin => (URL.canParse(origin) ? new URL(origin).host : undefined);
