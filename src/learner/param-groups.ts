/** Which parameters go into which group. */
import { ConfigError } from '../errors.js';
import type { ParameterInfo } from '../protocol/optimizer.js';

/** Parameters that differ from the rest in some settings. First match wins. */
export type GroupOption<Settings> = Partial<Settings> & {
  /** Tested against the parameter's name, such as `conv2d_1/kernel`; or a predicate. */
  readonly match: RegExp | ((parameter: ParameterInfo) => boolean);
  readonly lr?: number;
  /** Not updated until `learn.unfreeze()` or `learn.freezeTo(n)`. */
  readonly frozen?: boolean;
};

/** Divides all parameters into groups: indices of the parameters of each. */
export type Splitter = (parameters: readonly ParameterInfo[]) => number[][];

/** Groups of the option, of which settings may differ; parameters that none of them took come last, as one group. */
export function splitByMatch(groups: readonly Pick<GroupOption<object>, 'match'>[]): Splitter {
  return parameters => {
    const members: number[][] = groups.map(() => []);
    const rest: number[] = [];
    parameters.forEach((parameter, index) => {
      const home = groups.findIndex(({ match }) =>
        // search, unlike test, has no memory of where a global pattern matched last.
        typeof match === 'function' ? match(parameter) : parameter.name.search(match) >= 0,
      );
      (members[home] ?? rest).push(index);
    });
    const empty = members.findIndex(params => params.length === 0);
    if (empty >= 0)
      throw new ConfigError(`groups[${empty}] matches no parameter that an earlier group has not taken.`, {
        where: `match: ${groups[empty].match}`,
        hint: `the parameters are ${parameters.map(({ name }) => name).join(', ')}`,
      });
    return rest.length > 0 ? [...members, rest] : members;
  };
}

/**
 * Groups of layers in the order of the model, for `freezeTo` and for rates that rise from input to output.
 *
 * @param parts how many groups, of about as many layers each; or where each group after the first begins: at the
 *   first layer from there on that has this name, or whose name matches
 * @throws ConfigError, when the optimizer is made, if a group would be empty
 */
export function splitLayers(parts: number | readonly (string | RegExp)[]): Splitter {
  return parameters => {
    const layers = layersOf(parameters);
    const starts = typeof parts === 'number' ? evenStarts(layers, parts) : namedStarts(layers, parts);
    return [0, ...starts].map((start, part) =>
      layers.slice(start, starts[part]).flatMap(({ members }) => members),
    );
  };
}

interface LayerMembers {
  readonly name: string;
  readonly members: number[];
}

/** The layers that have parameters. */
function layersOf(parameters: readonly ParameterInfo[]): LayerMembers[] {
  const layers = new Map<string, number[]>();
  parameters.forEach(({ name }, index) => {
    const layer = name.slice(0, Math.max(0, name.lastIndexOf('/')));
    layers.set(layer, [...(layers.get(layer) ?? []), index]);
  });
  return [...layers].map(([name, members]) => ({ name, members }));
}

function evenStarts(layers: readonly LayerMembers[], parts: number): number[] {
  if (!Number.isInteger(parts) || parts < 1 || parts > layers.length)
    throw new ConfigError(`${layers.length} layers cannot be split into ${parts} groups.`, {
      where: 'splitLayers',
    });
  return Array.from({ length: parts - 1 }, (_, part) => Math.round(((part + 1) * layers.length) / parts));
}

function namedStarts(layers: readonly LayerMembers[], marks: readonly (string | RegExp)[]): number[] {
  let earliest = 1;
  return marks.map(mark => {
    const found = layers.findIndex(
      ({ name }, index) =>
        index >= earliest && (typeof mark === 'string' ? name === mark : name.search(mark) >= 0),
    );
    if (found < 0)
      throw new ConfigError(`No layer for a group to begin with: ${mark}.`, {
        where: 'splitLayers',
        hint: `the layers with parameters are ${layers.map(({ name }) => name).join(', ')}; none begins two groups`,
      });
    earliest = found + 1;
    return found;
  });
}
