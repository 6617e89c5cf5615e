// What both sides must call the same about channels: the names of their document type, its one message and its one
// query. Names only; what they do is the server's.

/** The built-in document type: `channel/<name>`. */
export const CHANNEL_TYPE = "channel";

/** The message that publishes; its input is `{event, data}`. */
export const PUBLISH = "publish";

/** The query for messages that were published, newest first (CHANNEL-4). */
export const CHANNEL_HISTORY = "history";
