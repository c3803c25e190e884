import { describe, expect, it } from "vitest";
import { planOf, webConfig } from "./plan.fixture.ts";
import { testWorker } from "./worker.fixture.ts";

const servers = ["127.0.0.1:1", "127.0.0.1:2"];
const none = { algorithms: [], filters: [] };

describe("compilePlan", () => {
  it("names routes by their place unless they have a name", () => {
    const routes = [{ match: { path: "/a" }, pool: "web", name: "first" }, { pool: "web" }];
    const { listeners } = planOf(webConfig(servers, {}, { routes }), testWorker());
    expect(listeners.get("web")!.routes.map(({ name }) => name)).toEqual(["first", "web/1"]);
  });

  it("has nothing to do for what a route does not ask for", () => {
    const plan = planOf(webConfig(servers), testWorker()).listeners.get("web")!;
    expect(plan.routes[0]).toMatchObject({ chain: null, rewrite: null, redirect: null, respond: null });
    expect(plan.isTrusted).toBeNull();
  });

  it("draws a split's pool by weight", () => {
    const split = [
      { pool: "web", weight: 3 },
      { pool: "new", weight: 1 },
    ];
    const config = webConfig(servers, {}, { routes: [{ split }] });
    (config["pools"] as Record<string, unknown>)["new"] = { servers };
    const context = testWorker();
    const [route] = planOf(config, context).listeners.get("web")!.routes;
    let drawn = 0;
    for (let i = 0; i < 4000; i++) if (route.choosePool(context.random).name === "new") drawn++;
    expect(drawn).toBeGreaterThan(850);
    expect(drawn).toBeLessThan(1150);
  });

  it("takes over pools that did not change, and the connections of servers that stayed", () => {
    const context = testWorker();
    const before = planOf(webConfig(servers), context);
    const same = planOf(webConfig(servers, {}, { forwarded: true }), context, none, before);
    expect(same.pools.get("web")).toBe(before.pools.get("web"));
    const config = webConfig([...servers, "127.0.0.1:3"], { algorithm: "random" });
    const changed = planOf(config, context, none, same).pools.get("web")!;
    expect(changed).not.toBe(before.pools.get("web"));
    const old = before.pools.get("web")!.servers.map(({ connections }) => connections);
    expect(changed.servers.map(({ connections }) => old.indexOf(connections))).toEqual([0, 1, -1]);
  });

  it("uses algorithms and filters of the user's own", () => {
    const created: string[] = [];
    const own = {
      algorithms: [
        {
          name: "mine",
          summary: "",
          schema: {},
          usesHashKey: false,
          create: () => {
            created.push("algorithm");
            return { choose: () => undefined, update: () => {} };
          },
        },
      ],
      filters: [
        {
          kind: "filter" as const,
          name: "mine",
          summary: "",
          schema: {},
          create: () => {
            created.push("filter");
            return {};
          },
        },
      ],
    };
    const routes = [{ pool: "web", filters: ["mine"] }];
    const plan = planOf(webConfig(servers, { algorithm: "mine" }, { routes }), testWorker(), own);
    expect(created.toSorted()).toEqual(["algorithm", "filter"]);
    expect(plan.listeners.get("web")!.routes[0].chain).not.toBeNull();
  });
});
