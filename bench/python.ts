/** Which Python of this machine has a package. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** As named by the user, as found on the path, and the distribution's own, where a path has another one first. */
const candidates = [process.env.GRADRING_PYTHON, 'python3', '/usr/bin/python3'];

/** The first Python that can find `name`, without importing it; undefined where there is none. */
export async function pythonWith(name: string): Promise<string | undefined> {
  const program = `import importlib.util, sys; sys.exit(importlib.util.find_spec('${name}') is None)`;
  for (const python of candidates) {
    if (!python) continue;
    const found = await promisify(execFile)(python, ['-c', program]).then(
      () => true,
      () => false,
    );
    if (found) return python;
  }
  return undefined;
}
