/** The trainings behind `docs/results.md`, each with its published counterpart (course22p2, notebooks 12 to 14). */
import { horizontalFlip, randCopy, randErase, randomCrop } from '../../src/nn/transform-specs.js';
import type { TransformSpec } from '../../src/protocol/batch.js';

/** One training, run once per seed. */
export interface Plan {
  /** Name in `models`. */
  readonly model: string;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly epochs: number;
  readonly batchSize: number;
  /** Peak of the one-cycle. */
  readonly lr: number;
  /** Of the training images, before they are normalised. */
  readonly transforms?: readonly TransformSpec[];
  readonly labelSmoothing?: number;
  readonly seeds: readonly number[];
  /** Also predict the mirrored images. */
  readonly mirrored?: boolean;
}

/** One line of the table. */
export interface Row {
  readonly title: string;
  /** Published, per cent. */
  readonly published: number;
  /** What is to be reached, per cent. */
  readonly target: number;
  readonly plan: PlanName;
  /**
   * `mirrored`: mean of the logits of the images and of their mirror images. `ensemble`: mean of the logits of the
   * models of all seeds. Default `plain`, the median over the seeds.
   */
  readonly predictions?: 'plain' | 'mirrored' | 'ensemble';
}

const perItem = { perItem: true } as const;
const cropAndFlip = [randomCrop({ padding: 1, ...perItem }), horizontalFlip(perItem)];

export const plans = {
  cnn: { model: 'conv64', epochs: 5, batchSize: 128, lr: 0.02, seeds: [1, 2, 3] },
  model3: { model: 'get_model3', epochs: 5, batchSize: 512, lr: 0.01, seeds: [1, 2, 3] },
  wide20: {
    model: 'get_model',
    epochs: 20,
    batchSize: 512,
    lr: 0.01,
    transforms: cropAndFlip,
    seeds: [1],
    mirrored: true,
  },
  wide50: {
    model: 'get_model',
    epochs: 50,
    batchSize: 512,
    lr: 0.01,
    transforms: [...cropAndFlip, randErase(perItem)],
    seeds: [1],
  },
  wide25: {
    model: 'get_model',
    epochs: 25,
    batchSize: 512,
    lr: 0.01,
    transforms: [...cropAndFlip, randCopy(perItem)],
    seeds: [1, 2],
  },
  // Full resolution for longer: the stem has twice the filters, and there is a last block at 4×4 positions.
  own5: {
    model: 'resnet',
    options: { filters: [32, 64, 128, 256], lastFilters: 256, activation: 'generalRelu' },
    epochs: 5,
    batchSize: 128,
    lr: 0.007,
    seeds: [1, 2, 3],
  },
  own20: {
    model: 'resnet',
    options: { filters: [32, 64, 128, 256], lastFilters: 256, activation: 'generalRelu' },
    epochs: 20,
    batchSize: 256,
    lr: 0.01,
    transforms: cropAndFlip,
    seeds: [1],
    mirrored: true,
  },
} as const satisfies Record<string, Plan>;
export type PlanName = keyof typeof plans;

export const rows: readonly Row[] = [
  { title: 'CNN 8…64, one-cycle', published: 90.6, target: 90.6, plan: 'cnn' },
  { title: 'ResNet get_model3', published: 93.0, target: 93.0, plan: 'model3' },
  { title: 'Wide ResNet, crop + flip', published: 94.3, target: 94.3, plan: 'wide20' },
  {
    title: 'the same, test-time augmentation',
    published: 94.5,
    target: 94.5,
    plan: 'wide20',
    predictions: 'mirrored',
  },
  { title: 'Wide ResNet, crop + flip + erase', published: 94.9, target: 94.9, plan: 'wide50' },
  { title: 'Wide ResNet, crop + flip + copy, each', published: 94.4, target: 94.4, plan: 'wide25' },
  { title: 'the same two, ensemble', published: 94.7, target: 94.7, plan: 'wide25', predictions: 'ensemble' },
  { title: 'Our own, no augmentation', published: 93.4, target: 93.8, plan: 'own5' },
  { title: 'Our own, crop + flip', published: 94.3, target: 94.8, plan: 'own20' },
];
