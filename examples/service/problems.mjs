/** What a client did wrong, as an error and as an answer: `{ error: { code, message, where?, hint? } }`. */
import { GradringError } from 'gradring';

/** A refusal. Its text is meant for the client. */
export class Refusal extends Error {
  /**
   * @param {number} statusCode HTTP status, 400 … 599
   * @param {string} code stable
   * @param {string} message
   * @param {{ where?: string, hint?: string, headers?: Record<string, string> }} [details]
   */
  constructor(statusCode, code, message, { where, hint, headers = {} } = {}) {
    super(message);
    this.statusCode = statusCode;
    this.code = code;
    this.where = where;
    this.hint = hint;
    this.headers = headers;
  }
}

/** @param {string} what */
export const notFound = what => new Refusal(404, 'NOT_FOUND', `there is no ${what}`);

/** @param {string} message @param {string} [hint] */
export const conflict = (message, hint) => new Refusal(409, 'CONFLICT', message, { hint });

/**
 * Answers every error of the service. Of what is nobody's fault but the service's own a client is told nothing.
 *
 * @param {import('fastify').FastifyInstance} app
 */
export function answerProblems(app) {
  app.setNotFoundHandler(request => {
    throw notFound(`route ${request.method} ${request.url.split('?')[0]}`);
  });
  app.setErrorHandler((error, request, reply) => {
    const { status, headers, ...body } = describe(error);
    if (status >= 500) request.log.error({ err: error }, 'request failed');
    return reply.code(status).headers(headers).send({ error: body });
  });
}

/** @param {Error & { statusCode?: number, code?: string, validation?: object[] }} error */
function describe(error) {
  const { message, code = 'E_INTERNAL', statusCode = 500 } = error;
  if (error instanceof Refusal) {
    const { where, hint, headers } = error;
    return { status: statusCode, headers, code, message, where, hint };
  }
  if (error instanceof GradringError)
    return { status: 400, headers: {}, code, message, where: error.where, hint: error.hint };
  if (error.validation)
    return { status: 400, headers: {}, code: 'E_CONFIG', ...ofSchema(error.validation[0]) };
  if (statusCode < 500) return { status: statusCode, headers: {}, code, message };
  return { status: 500, headers: {}, code: 'E_INTERNAL', message: 'the service failed; its log says why' };
}

/** @param {{ instancePath: string, keyword: string, params: Record<string, unknown>, message?: string }} issue */
function ofSchema({ instancePath, keyword, params, message = 'is wrong' }) {
  const path = instancePath.slice(1).replaceAll('/', '.');
  if (keyword === 'additionalProperties') {
    const where = String(params.additionalProperty);
    return { message: `${where} is no setting of this service`, where, hint: 'GET /choices lists them' };
  }
  const where = path === '' ? 'body' : path;
  const allowed = keyword === 'enum' ? `: ${/** @type {string[]} */ (params.allowedValues).join(', ')}` : '';
  return { message: `${where} ${message}${allowed}`, where };
}
