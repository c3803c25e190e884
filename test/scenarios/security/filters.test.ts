import { describe, expect, it } from "vitest";
import { startProxy } from "../../support/proxy.ts";
import { exchange, RawClient } from "../../support/raw-client.ts";
import { startRawOrigin } from "../../support/raw-origin.ts";

const schema = '{ type: "object", properties: {}, additionalProperties: false }';

function startWithFilter(filter: string, servers: readonly string[]) {
  return startProxy(servers, {
    listener: { routes: [{ match: { path: "/*" }, filters: [{ own: {} }], pool: "web" }] },
    top: { modules: ["./own.mjs"] },
    files: {
      "own.mjs": `export default { kind: "filter", name: "own", summary: "", schema: ${schema}, create: (_config, deps) => (${filter}) };`,
    },
  });
}

const get = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;

/** /wait and /victim are held until /open/wait and /open/victim come. */
const GATES = `{
  gates: {},
  async onRequestHead(exchange) {
    const { request } = exchange;
    const { path } = request;
    if (path.startsWith("/open/")) return this.gates[path.slice(5)](), { status: 200 };
    deps.log("warn", "holds " + path);
    await new Promise((resolve) => (this.gates[path] = resolve));
    if (path !== "/wait") return;
    deps.log("warn", "late: " + request.header("authorization") + " " + request.path + " " + exchange.client);
    request.path = "/stolen";
    request.setHeader("x-user", "attacker");
  },
}`;

describe("a filter that is still at work when its client has gone", () => {
  it("neither sees nor changes the next client's request", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startWithFilter(GATES, [origin.address]);
    const gone = await RawClient.connect(evenkeel.port());
    await gone.send(get("/wait"));
    await evenkeel.waitForLog(/holds \/wait/);
    gone.reset();
    const victims = await Promise.all([1, 2, 3].map(() => RawClient.connect(evenkeel.port())));
    await victims[0].send(get("/victim", "Authorization: secret\r\n"));
    await evenkeel.waitForLog(/holds \/victim/);
    expect((await exchange(evenkeel.port(), get("/open/wait"))).status).toBe(200);
    await evenkeel.waitForLog(/late: undefined  $/);
    expect((await exchange(evenkeel.port(), get("/open/victim"))).status).toBe(200);
    expect((await victims[0].response()).status).toBe(200);
    expect(origin.requests.map(({ target, headers }) => [target, headers["x-user"]])).toEqual([["/victim", undefined]]);
    expect(evenkeel.log.join("\n")).not.toContain("secret");
  });
});

const STATUSES = `{
  async onRequestHead({ request }) {
    const answer = /^\\/answer\\/(.*)/.exec(request.path);
    if (answer !== null) return { status: Number(answer[1]), body: "own" };
    if (request.path === "/nothing") return null;
    if (request.path === "/body") return { status: 200, body: { not: "text" } };
  },
  onResponseHead(exchange) {
    const status = /^\\/change\\/(.*)/.exec(exchange.request.path);
    if (status !== null) exchange.response.status = Number(status[1]);
  },
}`;

describe("a filter that gives a status which does not fit", () => {
  it.each([
    "/change/204",
    "/change/304",
    "/change/101",
    "/change/NaN",
    "/answer/42",
    "/answer/101",
    "/nothing",
    "/body",
  ])("fails the request, and the connection stays in step: %s", async (path) => {
    const origin = await startRawOrigin();
    const evenkeel = await startWithFilter(STATUSES, [origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    await client.send(get(path) + get("/next"));
    const answer = await client.response();
    expect([answer.status, answer.body.toString()]).toEqual([500, expect.stringContaining("filter_failed")]);
    const next = await client.response();
    expect([next.status, next.body.toString()]).toEqual([200, "ok"]);
    expect(await evenkeel.admin("/api/v2/status")).toMatchObject({ workers: [{ restarts: 0 }] });
  });

  it("may give any other", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startWithFilter(STATUSES, [origin.address]);
    expect((await exchange(evenkeel.port(), get("/change/404"))).status).toBe(404);
    expect((await exchange(evenkeel.port(), get("/answer/204"))).status).toBe(204);
  });
});
