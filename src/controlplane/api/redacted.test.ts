import { expect, it } from "vitest";
import { redacted } from "./redacted.ts";

it("hides what is named like a secret, however deep, and leaves the rest", () => {
  const secret = "hunter2";
  const shown = redacted({
    admin: { listen: "127.0.0.1:9900", token: secret },
    pools: {
      web: {
        healthCheck: [
          { type: "redis", settings: { password: secret, database: 1 } },
          {
            type: "http",
            settings: { path: "/health", headers: { Authorization: secret, "X-Api-Key": secret, a: "b" } },
          },
          { type: "exec", settings: { env: { DB_PASSWORD: secret, TOKENS: [secret, secret] } } },
        ],
        discovery: { type: "own", settings: { private_key: secret, name: "web" } },
      },
    },
  });
  expect(JSON.stringify(shown)).not.toContain(secret);
  expect(shown).toMatchObject({
    admin: { listen: "127.0.0.1:9900", token: "[redacted]" },
    pools: {
      web: {
        healthCheck: [
          { settings: { database: 1 } },
          { settings: { path: "/health", headers: { a: "b" } } },
          { settings: { env: { TOKENS: ["[redacted]", "[redacted]"] } } },
        ],
        discovery: { settings: { name: "web" } },
      },
    },
  });
});
