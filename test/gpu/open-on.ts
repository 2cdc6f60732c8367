import type { Engine } from '../../src/engine/engine.js';
import { openEngine } from '../../src/engine/registry.js';
import type { Settings } from './settings.js';

/** The torch engine on the device under check, in this thread. */
export const openOn = ({ device }: Settings): Promise<Engine> => openEngine('torch', device);
