import { once } from "node:events";
import { createServer } from "node:net";
import { parseListenAddress } from "../config/address.ts";
import type { Config } from "../config/schema.ts";
import { listenError } from "../config/listen-error.ts";

/**
 * Makes sure that nobody else listens where the listeners are to listen. The workers share their ports by
 * SO_REUSEPORT, so a second Evenkeel of the same user would get half of the first one's connections instead of an
 * error. A socket without that option finds out. Rejects with an error of one line.
 */
export async function checkPortsFree(config: Config): Promise<void> {
  for (const [name, { listen }] of Object.entries(config.listeners)) {
    for (const text of listen) {
      const parsed = parseListenAddress(text);
      if ("reason" in parsed || parsed.address.kind === "unix" || parsed.address.port === 0) continue;
      const { host, port } = parsed.address;
      const probe = createServer();
      try {
        probe.listen({ port, ...(host === "" ? {} : { host }) });
        await once(probe, "listening");
      } catch (error) {
        throw listenError(name, text, error);
      } finally {
        probe.close();
      }
    }
  }
}
