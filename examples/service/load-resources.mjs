/** What a process holds, as Linux tells it; nulls elsewhere. */
import { readdir, readFile } from 'node:fs/promises';

/**
 * @param {number} pid
 * @returns {Promise<{ megabytes: number | null, threads: number | null, files: number | null,
 *   children: number | null }>} resident memory; open files, sockets among them; processes it started
 */
export async function resourcesOf(pid) {
  try {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    const tasks = await readdir(`/proc/${pid}/task`);
    const children = await Promise.all(
      tasks.map(task => readFile(`/proc/${pid}/task/${task}/children`, 'utf8').catch(() => '')),
    );
    return {
      megabytes: Math.round(Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024),
      threads: tasks.length,
      files: (await readdir(`/proc/${pid}/fd`)).length,
      children: children.flatMap(text => text.split(' ').filter(Boolean)).length,
    };
  } catch {
    return { megabytes: null, threads: null, files: null, children: null };
  }
}
