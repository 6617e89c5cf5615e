// `tidemark publish`: one message on a channel.
import { CHANNEL_TYPE, isKey, LIMITS, PUBLISH, TidemarkError } from "@tidemark/protocol";
import { type Command, InvalidArgumentError } from "commander";
import { describeCommand } from "./command.js";
import { addClientFlags, type ClientFlags, milliseconds, setting, tokenOf } from "./flags.js";
import { parseJsonArgument } from "./json-argument.js";
import { Output } from "./output.js";
import { withTide } from "./tide.js";

interface PublishFlags extends ClientFlags {
  readonly deadlineMs: number;
}

/** Describes `publish`. */
export function publishCommand(): Command {
  const command = describeCommand(
    "publish",
    "Publish one message on a channel, to all who follow it and to its history",
    [
      {
        does: "as anybody, on a `tidemark dev` server",
        type: `tidemark publish chat-dogs say '{"text":"woof"}' --as ann`,
      },
      { does: "for a program", type: "tidemark publish chat-dogs bell --as ann --json" },
    ],
  )
    .argument("<channel>", "name of the channel", channelName)
    .argument("<event>", "what kind of message it is")
    .argument("[json]", "its data", (text: string) => parseJsonArgument("the data", text));
  return addClientFlags(command)
    .addOption(
      setting("--deadline-ms <ms>", "how long to wait for the answer", "TIDEMARK_DEADLINE_MS")
        .argParser(milliseconds)
        .default(LIMITS.deadlineMs),
    )
    .action(publish);
}

async function publish(
  channel: string,
  event: string,
  data: unknown,
  flags: PublishFlags,
  command: Command,
): Promise<void> {
  const { url, deadlineMs } = flags;
  const output = new Output({ json: flags.json === true });
  await withTide({ url, deadlineMs, token: tokenOf(flags, command) }, async (tide) => {
    const send = tide.call(CHANNEL_TYPE, channel)[PUBLISH];
    if (send === undefined) throw new TidemarkError("unknown_message");
    const { epoch, seq } = await send({ event, data: data ?? null }).receipt;
    output.result(`published on ${channel} as seq ${seq}`, { epoch, seq });
  });
}

function channelName(text: string): string {
  if (isKey(text)) return text;
  throw new InvalidArgumentError("It must be 1 to 128 of A-Z a-z 0-9 . _ ~ -, but not . or ..");
}
