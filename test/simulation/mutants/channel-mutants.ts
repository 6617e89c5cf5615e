// Bugs of rights that tokens carry: one taken for another, or none asked for.
import { Access } from "../../../src/document/access.js";
import { type Mutant, replaced } from "./mutation.js";

/** What can go wrong with grants. */
export const CHANNEL_MUTANTS: readonly Mutant[] = [
  {
    name: "publish-with-the-right-to-open",
    about: "whoever may follow a channel may publish on it",
    mutation: () => ({
      patch: () =>
        replaced(Access.prototype, "mayCall", () => {
          return function (this: Access, document, caller) {
            return this.mayOpen(document, caller);
          };
        }),
    }),
  },
  {
    name: "past-messages-for-anybody",
    about: "what was published on a channel is told without a right",
    mutation: () => ({ patch: () => replaced(Access.prototype, "mayLookBack", () => () => true) }),
  },
];
