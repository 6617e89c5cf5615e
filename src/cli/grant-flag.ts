// Grants as people type them, and flags that may be given several times.
import { InvalidArgumentError } from "commander";
import { checkedGrants, type Grant } from "../document/grants.js";

/** Reads `type/key=open,call`, where the key may end in `*`. */
export function grant(text: string): Grant {
  const end = text.lastIndexOf("=");
  const may = end === -1 ? [] : text.slice(end + 1).split(",");
  try {
    const [checked] = checkedGrants([{ doc: end === -1 ? text : text.slice(0, end), may }]);
    if (checked !== undefined && checked.may.length > 0) return checked;
  } catch (error) {
    throw new InvalidArgumentError(`${messageOf(error)}. ${FORM}`);
  }
  throw new InvalidArgumentError(FORM);
}

const FORM = "It must be type/key=rights, e.g. 'board/*=open,call'.";

/** Reads each of the values of a repeatable flag. */
export const collected =
  <Value>(read: (text: string) => Value) =>
  (text: string, before: readonly Value[]): readonly Value[] => [...before, read(text)];

const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/^grants\[0\]\.?/, "");
