// The two ways in which bytes and values can fail to be messages: a frame that came in, a value that was to go out.

/** A frame or message that breaks the protocol. `about` is the type of the message at fault, when there is one. */
export class FrameError extends Error {
  override readonly name = "FrameError";
  readonly code: "protocol_error" | "too_large";
  readonly about: string | undefined;

  constructor(code: FrameError["code"], message: string, about?: string) {
    super(message);
    this.code = code;
    this.about = about;
  }
}

/** FRAME-3. */
export function frameTooLarge(bytesMax: number): FrameError {
  return new FrameError("too_large", `The frame is larger than ${bytesMax} bytes.`);
}

/** FRAME-3. */
export function tooDeep(depthMax: number): FrameError {
  return new FrameError("too_large", `Arrays and objects nest deeper than ${depthMax}.`);
}

/** The one value that the parts of a state make (PART-1). */
export function theState<T>(values: readonly T[]): T {
  const [state] = values;
  if (state === undefined || values.length > 1) throw new FrameError("protocol_error", "Parts do not make one state.");
  return state;
}

/** FRAME-6. */
export function forbiddenKey(): FrameError {
  return new FrameError("protocol_error", "The key __proto__ is forbidden.");
}

/** A value that no frame can carry (`undefined`, a Date, NaN, a cycle, ...). `path` is a JSON Pointer into the message. */
export class EncodeError extends Error {
  override readonly name = "EncodeError";
  readonly path: string;

  constructor(path: string, message: string) {
    super(`${message} at "${path}"`);
    this.path = path;
  }
}
