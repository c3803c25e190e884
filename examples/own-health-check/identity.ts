import { Type } from "typebox";
import { defineProbe } from "evenkeel";

/** Longest answer that is looked at, in characters. */
const MAX_ANSWER = 10_000;

interface IdentitySettings {
  readonly path: string;
  readonly field: string;
}

/**
 * Asks a server who it is and compares that with its id. In places where addresses are given to another program within
 * seconds, an answer alone does not show that the right one gave it.
 */
export default defineProbe<IdentitySettings>({
  name: "identity",
  summary: "Asks for JSON and compares a field with the server's id.",
  schema: Type.Object(
    {
      path: Type.String({ default: "/", pattern: "^/", description: "path that is asked for" }),
      field: Type.String({ default: "id", minLength: 1, description: "field that holds the server's name" }),
    },
    { additionalProperties: false },
  ),
  async run(target, settings, context) {
    if (target.address.kind === "unix") throw new Error("identity cannot ask a unix socket");
    const { host, port } = target.address;
    const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    let text: string;
    try {
      // The signal ends the request when the time is over.
      const response = await fetch(`http://${authority}${settings.path}`, {
        signal: context.signal,
        headers: { connection: "close" },
      });
      text = await response.text();
    } catch (error) {
      const { code } = ((error as Error).cause ?? {}) as { code?: string };
      // What the server does wrong is a result; only what is not its fault is thrown.
      return { outcome: "unhealthy", reason: code ?? "no answer", unreachable: code === "ECONNREFUSED" };
    }
    const name = nameIn(text.slice(0, MAX_ANSWER), settings.field);
    if (name === target.server) return { outcome: "healthy" };
    return { outcome: "unhealthy", reason: name === undefined ? "does not say who it is" : `says that it is ${name}` };
  },
});

function nameIn(text: string, field: string): string | undefined {
  try {
    const name = (JSON.parse(text) as Record<string, unknown> | null)?.[field];
    return typeof name === "string" ? name : undefined;
  } catch {
    return undefined;
  }
}
