/** What a training step costs beside its kernels: bookkeeping of TensorFlow.js, of our tape, and the calls. */
import { count } from './flags.js';
import { type Bench, summarise } from './harness.js';
import { engineFlags } from './resnet-training.js';
import { profileSteps } from './step-kernels.js';

const flags = {
  ...engineFlags,
  batch: count(8, 'samples; few, so that kernels do not hide the rest'),
  runs: count(50, 'steps after three to warm up'),
};

export const bench: Bench<typeof flags> = {
  description: "milliseconds of the ResNet's training step outside its kernels, one replica",
  flags,
  async run({ values, signal, say }) {
    say(`${values.runs} steps of ${values.batch} images`);
    const profiles = await profileSteps(values, values.batch, values.runs, signal);
    const steps = profiles.map(({ stepMs }) => stepMs);
    const kernels = profiles.map(profile => profile.kernels.reduce((sum, { ms }) => sum + ms, 0));
    const calls = profiles.map(profile => profile.kernels.reduce((sum, time) => sum + time.calls, 0));
    return {
      settings: { model: 'resnet' },
      rows: [
        summarise('a step', 'ms', steps),
        summarise('  in kernels', 'ms', kernels),
        summarise(
          '  beside them',
          'ms',
          steps.map((ms, i) => ms - kernels[i]),
        ),
        summarise('calls of kernels', 'a step', calls),
      ],
      notes: [
        'kernels: operations of the addon for torch, kernels of the TensorFlow.js backend otherwise',
        'a run is a step; the timers themselves count as time beside the kernels',
      ],
    };
  },
};
