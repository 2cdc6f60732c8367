/** A host that does nothing but run what it was told, isolated, until it is killed. */
import { startRun } from '../../src/run/run-handle.js';

await startRun(JSON.parse(process.argv[2]), { isolate: true, closeGraceMs: 5000 }).result;
