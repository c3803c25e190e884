import { Type, type Static } from "typebox";
import { ServerSchema } from "../../config/schema.ts";
import type { DiscoveryDefinition } from "../../core/discovery/discovery.ts";

const StaticSchema = Type.Object({
  servers: Type.Array(ServerSchema, { description: "addresses, or objects with an address and settings" }),
});

/** Servers that stand in the configuration itself. */
export const staticList: DiscoveryDefinition<Static<typeof StaticSchema>> = {
  kind: "discovery",
  name: "static",
  summary: "A list in the configuration itself; the same as `servers`, in the form of a source.",
  schema: StaticSchema,
  watch({ servers }, listener) {
    let isOpen = true;
    const tell = () => queueMicrotask(() => isOpen && listener.servers(servers));
    tell();
    return { close: () => void (isOpen = false), refresh: tell };
  },
};
