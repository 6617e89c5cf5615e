// Where a value stands that is being copied into the state. Its path is written out only for a refusal: a value that is
// taken costs one small object for each array or object in it, and nothing for what they hold.

/** A path in the state, or a key of a container that is being copied. */
export type Position = readonly string[] | Inside;

/** Inside a container; `key` is where the copying has got to. */
export class Inside {
  readonly container: object;
  readonly outside: Position;
  readonly depth: number;
  key: string | number = "";

  constructor(container: object, outside: Position) {
    this.container = container;
    this.outside = outside;
    this.depth = depthOf(outside) + 1;
  }
}

/** How many tokens the path has. */
export const depthOf = (position: Position): number => (position instanceof Inside ? position.depth : position.length);

export const pathOf = (position: Position): readonly string[] =>
  position instanceof Inside ? [...pathOf(position.outside), String(position.key)] : position;

/** Whether the position is somewhere in a container. */
export function isWithin(position: Position, container: object): boolean {
  let at = position;
  while (at instanceof Inside) {
    if (at.container === container) return true;
    at = at.outside;
  }
  return false;
}
