/** A client of the service, for the load test. */
import { once } from 'node:events';
import { request } from 'node:http';
import { json } from 'node:stream/consumers';

/**
 * @typedef {{ port: number, path: string, method?: string, body?: object, agent?: import('node:http').Agent,
 *   signal?: AbortSignal }} Asked
 */

/** @param {Asked} asked @returns its JSON @throws Error of any status but 2xx */
export async function ask(asked) {
  const response = await open(asked);
  const answer = await json(response);
  if (response.statusCode >= 300)
    throw new Error(`${asked.path}: ${response.statusCode} ${answer.error.message}`);
  return answer;
}

/** The events that are sent until the service ends them. @param {Asked} asked @throws as `ask` */
export async function* eventsOf(asked) {
  const response = await open({ agent: false, ...asked });
  if (response.statusCode !== 200) throw new Error(`${asked.path}: ${response.statusCode}`);
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) {
    const blocks = (text + chunk).split('\n\n');
    text = blocks.pop();
    for (const block of blocks) {
      const [, data] = /^data: (.*)$/m.exec(block) ?? [];
      if (data !== undefined) yield JSON.parse(data);
    }
  }
  if (!response.complete) throw new Error(`${asked.path}: the connection was cut`);
}

async function open({ body, ...to }) {
  const headers = body ? { 'content-type': 'application/json' } : {};
  const sent = request({ host: '127.0.0.1', ...to, headers });
  sent.end(body && JSON.stringify(body));
  const [response] = await once(sent, 'response');
  return response;
}
