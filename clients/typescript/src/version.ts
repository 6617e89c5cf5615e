// Which client this is, as servers' logs and figures show it. A test compares it with the package.

/** The version of the package. */
export const VERSION = "0.1.0";

/** Sent as `sdk` in `hello`. */
export const SDK = `typescript/${VERSION}`;
