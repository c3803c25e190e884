import { setTimeout as after } from "node:timers/promises";
import { Type } from "typebox";
import { defineFilter } from "evenkeel";

/** Stands for a call to a service that knows the users: it takes a while. */
async function findUser(token: string): Promise<string | undefined> {
  await after(5);
  return new Map([
    ["alpha-token", "alice"],
    ["beta-token", "bob"],
  ]).get(token);
}

/** Lets in who has a known bearer token, and tells the server who it is. */
export default defineFilter<{ realm: string }>({
  name: "tokenAuth",
  summary: "Asks for a bearer token and tells the server the user's name in x-user.",
  schema: Type.Object(
    {
      realm: Type.String({
        default: "example",
        pattern: '^[^"\\\\]*$',
        description: "named in the answer to who has no token",
      }),
    },
    { additionalProperties: false },
  ),
  create(config) {
    const unauthorised = {
      status: 401,
      headers: { "www-authenticate": `Bearer realm="${config.realm}"`, "content-type": "text/plain" },
      body: "a known token, please\n",
    };
    return {
      // Only this exchange waits; others on the same worker go on.
      async onRequestHead(exchange) {
        const [, token] = /^Bearer +(\S+)$/i.exec(exchange.request.header("authorization") ?? "") ?? [];
        const user = token === undefined ? undefined : await findUser(token);
        if (user === undefined) return unauthorised;
        // Replaces what the client may have sent under this name; the token stays here.
        exchange.request.setHeader("x-user", user);
        exchange.request.removeHeader("authorization");
        exchange.notes.set("user", user);
        return undefined;
      },
      onResponseHead(exchange) {
        const user = exchange.notes.get("user");
        if (typeof user === "string") exchange.response.setHeader("x-authenticated-as", user);
      },
    };
  },
});
