/** Specs that are not run on any engine, each with its reason. Every one is left out by stock tfjs-node too. */
export interface Skip {
  /** The group and the name of the spec. */
  readonly spec: readonly [group: string, name: string];
  readonly reason: string;
}

export const skips: readonly Skip[] = [
  {
    spec: ['avgPool', 'gradient x=[3,3,1] f=[3,3] s=1 p=explicit'],
    reason:
      'expects a gradient that is not the one of the forward pass: that averages over the pixels inside the image, ' +
      'the expected gradient divides by the full window; ours is the true one',
  },
];
