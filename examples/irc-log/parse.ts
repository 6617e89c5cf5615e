// Reads lines of an IRC log as they were written: `[HH:MM] <nick> text`, `[HH:MM]  * nick acts`, and `===` lines for
// joins, parts, renames and topics. Every line means something; what fits no form is kept as a notice.

/** One line of a log. `time` is HH:MM, absent where the log has none. */
export type LogLine =
  | { readonly kind: "say" | "act"; readonly time: string; readonly nick: string; readonly text: string }
  | { readonly kind: "join" | "part"; readonly nick: string; readonly text: string }
  | { readonly kind: "rename"; readonly nick: string; readonly to: string; readonly text: string }
  | { readonly kind: "notice"; readonly text: string };

const SAID = /^\[(\d\d:\d\d)\] <([^>]+)> ?(.*)$/s;
const ACTED = /^\[(\d\d:\d\d)\] {1,2}\* (\S+) ?(.*)$/s;
const JOINED = /^=== (\S+) \[.*\] {1,2}has joined /;
const LEFT = /^=== (\S+) \[.*\] {1,2}has left /;
const RENAMED = /^=== (\S+) is now known as (\S+)/;

/** Parses one line without its line feed. */
export function parseLine(text: string): LogLine {
  const said = SAID.exec(text);
  if (said !== null) return { kind: "say", time: said[1] ?? "", nick: said[2] ?? "", text: said[3] ?? "" };
  const acted = ACTED.exec(text);
  if (acted !== null) return { kind: "act", time: acted[1] ?? "", nick: acted[2] ?? "", text: acted[3] ?? "" };
  const joined = JOINED.exec(text);
  if (joined !== null) return { kind: "join", nick: joined[1] ?? "", text };
  const left = LEFT.exec(text);
  if (left !== null) return { kind: "part", nick: left[1] ?? "", text };
  const renamed = RENAMED.exec(text);
  if (renamed !== null) return { kind: "rename", nick: renamed[1] ?? "", to: renamed[2] ?? "", text };
  return { kind: "notice", text };
}

/** The lines of a log file. */
export const parseLog = (text: string): LogLine[] =>
  text.split("\n").flatMap((line) => (line.trim() === "" ? [] : [parseLine(line)]));
