import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { algorithms } from "../core/balancing/registry.ts";
import { parseConfigText, type ParseOptions } from "./parse.ts";
import { formatProblem, sortProblems } from "./problem.ts";

const base: ParseOptions = { fileName: "evenkeel.yaml", env: {}, extensions: { algorithms, filters: [] } };
const parse = (text: string, options: Partial<ParseOptions> = {}) => parseConfigText(text, { ...base, ...options });
const linesOf = (text: string, options: Partial<ParseOptions> = {}) => parse(text, options).problems.map(formatProblem);

const SMALL =
  "listeners: { web: { listen: 127.0.0.1:8080, pool: web } }\npools: { web: { servers: [127.0.0.1:9001] } }\n";

describe("a small configuration", () => {
  it("gets all defaults, in milliseconds and bytes", () => {
    const { config, problems } = parse(SMALL);
    expect(problems).toEqual([]);
    expect(config).toMatchObject({
      workers: 0,
      admin: { listen: "127.0.0.1:9900" },
      drainTimeout: 30_000,
      maxServers: 16_384,
    });
    expect(config?.listeners.web).toMatchObject({ listen: ["127.0.0.1:8080"], routes: [{ filters: [], pool: "web" }] });
    expect(config?.listeners.web).not.toHaveProperty("pool");
    expect(config?.listeners.web.limits).toMatchObject({
      maxHeadSize: 32_768,
      tunnelIdleTimeout: 3_600_000,
      minBodyRate: 240,
    });
    expect(config?.pools.web.algorithm).toEqual({ name: "weighted_round_robin", key: "client", settings: {} });
    expect(config?.pools.web.servers).toEqual([
      { address: "127.0.0.1:9001", weight: 1, priority: 0, maxConnections: 0, backup: false },
    ]);
    expect(config?.pools.web.upstream.connectTimeout).toBe(5000);
  });

  it("is the same in JSON", () => {
    const json =
      '{"listeners":{"web":{"listen":"127.0.0.1:8080","pool":"web"}},"pools":{"web":{"servers":["127.0.0.1:9001"]}}}';
    expect(parse(json, { fileName: "evenkeel.json" })).toEqual(parse(SMALL));
  });

  it("takes keys with nothing behind them as absent", () => {
    expect(parse(`${SMALL}admin:\nmodules:\n`)).toEqual(parse(SMALL));
  });

  it("turns the admin listener off", () => {
    expect(parse(`${SMALL}admin: off\n`).config?.admin).toBe(false);
    expect(parse(`${SMALL}admin: false\n`).config?.admin).toBe(false);
  });

  it("understands anchors, aliases and merge keys", () => {
    const { config, problems } = parse(`
listeners: { web: { listen: 127.0.0.1:8080, routes: [ { pool: b, match: { path: /b/* } }, { pool: a } ] } }
pools:
  a: &a { servers: &servers [127.0.0.1:9001], drainTimeout: 7s }
  b: { <<: *a, servers: *servers, drainTimeout: 1s }
`);
    expect(problems).toEqual([]);
    expect(config?.pools.b.drainTimeout).toBe(1000);
    expect(config?.pools.b.servers).toEqual(config?.pools.a.servers);
    expect(config?.listeners.web.routes[0].match?.path).toEqual(["/b/*"]);
  });
});

describe("problems", () => {
  const cases: readonly [string, string, string][] = [
    ["unknown key with a near one", "worker: 2", 'evenkeel.yaml:1:1: worker: unknown key; did you mean "workers"?'],
    [
      "unknown key without",
      "pools: { a: { zzz: 1 } }",
      "1:15: pools.a.zzz: unknown key; allowed are algorithm, servers, upstream, healthCheck, outlierDetection,",
    ],
    [
      "off for what cannot be left out",
      "pools: { a: { retries: off } }",
      'pools.a.retries: must be an object, not "off"; attempts: 0 turns it off',
    ],
    ["planned key", "cluster: x", "1:1: cluster: not available in this version yet"],
    [
      "planned key within",
      "pools: { a: { affinity: {} } }",
      "1:15: pools.a.affinity: not available in this version yet",
    ],
    [
      "share",
      "pools: { a: { retries: { budget: 20 } } }",
      '1:34: pools.a.retries.budget: must be a share such as "20%", or a number from 0 to 1, not 20',
    ],
    ["store", "store: x", '1:8: store: "x": a store is memory: or sqlite:FILE'],
    ["planned store", "store: postgres://db/x", "not available in this version yet; use sqlite:FILE"],
    [
      "planned value",
      "listeners: { a: { listen: a:1, protocol: udp } }",
      '1:42: listeners.a.protocol: "udp" is not available in this version yet; it must be http',
    ],
    ["wrong type", "workers: many", '1:10: workers: must be auto or an integer from 1 to 256, not "many"'],
    ["out of range", "maxServers: 0", "1:13: maxServers: must be an integer from 1 to 1000000, not 0"],
    ["duration", "drainTimeout: 5 sec", '1:15: drainTimeout: must be a duration such as "250ms"'],
    ["too long a duration", "drainTimeout: 25d", "1:15: drainTimeout: longer than the longest possible duration, 24d"],
    ["missing", "pools: { a: { servers: [ { weight: 1 } ] } }", '1:26: pools.a.servers[0]: "address" is missing'],
    [
      "server address",
      "pools: { a: { servers: [ a:0 ] } }",
      '1:26: pools.a.servers[0].address: "a:0": port 0 is not in 1..65535',
    ],
    ["listener address", "listeners: { a: { listen: 'x' } }", 'listeners.a.listen[0]: "x": the port is missing: x:80'],
    [
      "same listener address twice",
      "listeners: { a: { listen: '127.0.0.1:80' }, b: { listen: 'localhost:80' } }",
      "listeners.b.listen[0]: the address is taken by listeners.a.listen[0]",
    ],
    [
      "listener at the admin address",
      "listeners: { a: { listen: '127.0.0.1:9900' } }",
      "the address is taken by admin.listen",
    ],
    [
      "[::] and an empty host",
      "listeners: { a: { listen: [ ':80', '[::]:80' ] } }",
      "listeners.a.listen[1]: the address is taken by listeners.a.listen[0]",
    ],
    [
      "same server twice",
      "pools: { a: { servers: [ a:1, A:1 ] } }",
      "1:31: pools.a.servers[1].address: the same address as pools.a.servers[0]",
    ],
    [
      "same id twice",
      "pools: { a: { servers: [ {address: a:1, id: x}, {address: a:2, id: x} ] } }",
      "pools.a.servers[1].id: the same id as pools.a.servers[0]",
    ],
    [
      "unknown pool",
      "listeners: { a: { listen: a:1, pool: wbe } }\npools: { web: {} }",
      '1:38: listeners.a.pool: there is no pool "wbe"; did you mean "web"? (defined: web)',
    ],
    [
      "unknown pool in a split",
      "listeners: { a: { listen: a:1, routes: [ { split: [ { pool: x, weight: 1 } ] } ] } }",
      'routes[0].split[0].pool: there is no pool "x"; no pools are defined',
    ],
    [
      "a pool called like a method of objects",
      "listeners: { a: { listen: a:1, pool: constructor } }",
      'there is no pool "constructor"',
    ],
    [
      "route that goes nowhere",
      "listeners: { a: { listen: a:1, routes: [ { name: x } ] } }",
      "1:42: listeners.a.routes[0]: a route needs one of pool, split, redirect, respond",
    ],
    [
      "route that goes to two places",
      "listeners: { a: { listen: a:1, routes: [ { respond: {}, redirect: {} } ] } }",
      "a route has only one of pool, split, redirect, respond, not redirect and respond",
    ],
    [
      "split without weight",
      "listeners: { a: { listen: a:1, routes: [ { split: [ { pool: x, weight: 0 } ] } ] } }",
      "routes[0].split: at least one weight must be above 0",
    ],
    [
      "unreachable route",
      "listeners: { a: { listen: a:1, routes: [ { respond: {} }, { match: { path: /x }, respond: {} } ] } }",
      "warning: listeners.a.routes[1]: never reached: routes[0] takes everything before it",
    ],
    [
      "regular expression",
      "listeners: { a: { listen: a:1, routes: [ { match: { path: '~(' }, respond: {} } ] } }",
      'routes[0].match.path[0]: "~(": not a regular expression: Unterminated group',
    ],
    [
      "slow regular expression",
      "listeners: { a: { listen: a:1, routes: [ { match: { headers: { x: '~(a+)+$' } }, respond: {} } ] } }",
      "warning: listeners.a.routes[0].match.headers.x: a repetition within a repetition",
    ],
    [
      "CIDR",
      "listeners: { a: { listen: a:1, trustedProxies: 10.0.0.0/33 } }",
      'listeners.a.trustedProxies[0]: "10.0.0.0/33": the prefix length must be 0 to 32',
    ],
    [
      "header name",
      "listeners: { a: { listen: a:1, routes: [ { match: { headers: { 'a b': x } }, respond: {} } ] } }",
      'match.headers["a b"]: not a field name',
    ],
    [
      "framing header in an answer",
      "listeners: { a: { listen: a:1, routes: [ { respond: { headers: { Content-Length: '1' } } } ] } }",
      "Evenkeel sets this field itself",
    ],
    [
      "line break in a header value",
      'listeners: { a: { listen: a:1, routes: [ { respond: { headers: { x: "a\\r\\nb: c" } } } ] } }',
      "a field value has no control characters",
    ],
    [
      "header value that is no text",
      "listeners: { a: { listen: a:1, routes: [ { match: { headers: { x: true } }, respond: {} } ] } }",
      "must be a text, not true (put it in quotes)",
    ],
    [
      "algorithm",
      "pools: { a: { algorithm: least_conections } }",
      '1:26: pools.a.algorithm: "least_conections" is not an algorithm; did you mean "least_connections"?',
    ],
    [
      "algorithm setting",
      "pools: { a: { algorithm: { name: round_robin, x: 1 } } }",
      "1:47: pools.a.algorithm.x: unknown key; there are no settings here",
    ],
    ["hash key", "pools: { a: { algorithm: { name: round_robin, key: hedar:x } } }", "1:52: pools.a.algorithm.key: "],
    [
      "key without use",
      "pools: { a: { algorithm: { name: round_robin, key: path } } }",
      "warning: pools.a.algorithm.key: round_robin takes no key",
    ],
    [
      "filter",
      "listeners: { a: { listen: a:1, routes: [ { filters: [ x ], respond: {} } ] } }",
      'routes[0].filters[0]: "x" is not a filter (known: none)',
    ],
    ["admin without token", "admin: { listen: 0.0.0.0:9900 }", "1:18: admin.listen: a token is required"],
    ["short token", "admin: { token: abc }", "1:17: admin.token: must have at least 16 characters"],
    [
      "more servers than room",
      "maxServers: 1\npools: { a: { servers: [ a:1, a:2 ] } }",
      "1:13: maxServers: there are 2 servers, but room for 1 only",
    ],
    ["pool name", "pools: { 'a b': {} }", 'pools["a b"]: a name has 1 to 100 letters'],
    [
      "rewrite in two ways",
      "listeners: { a: { listen: a:1, routes: [ { pool: p, rewrite: { path: /x, addPrefix: /y } } ] } }\npools: { p: {} }",
      "the path is rewritten in one way only, not by path and stripPrefix or addPrefix",
    ],
    ["unset variable", "drainTimeout: ${NOPE}", "1:15: drainTimeout: the environment variable NOPE is not set"],
    [
      "file that is not there",
      "drainTimeout: '${file:/nope/nope}'",
      "1:15: drainTimeout: cannot read the file /nope/nope: there is no such file or directory",
    ],
    [
      "timeout of 0",
      "pools: { a: { upstream: { connectTimeout: 0s } } }",
      '1:43: pools.a.upstream.connectTimeout: must be above 0, for 0 would mean "at once"',
    ],
    ["unfinished substitution", "drainTimeout: '${A'", "1:15: drainTimeout: ${ without its }"],
  ];

  it.each(cases)("%s", (_name, text, expected) => {
    expect(linesOf(text).filter((line) => line.includes(expected))).toHaveLength(1);
  });

  it("come all at once, in the order of the file", () => {
    const { problems, config } = parse(
      "pools: { a: { servers: [ a ] } }\nworker: 1\nlisteners: { a: { listen: b, pool: c } }\n",
    );
    expect(config).toBeUndefined();
    expect(problems.filter(({ severity }) => severity === "error").map(({ line, column }) => [line, column])).toEqual([
      [1, 26],
      [2, 1],
      [3, 27],
      [3, 36],
    ]);
    expect(problems).toEqual(sortProblems(problems));
  });

  it("of one mistake are one", () => {
    const errors = parse('pools: { a: { servers: [ "${NOPE}", { address: "${NOPE:-}" } ] } }').problems.filter(
      ({ severity }) => severity === "error",
    );
    expect(errors.map(({ path }) => path)).toEqual(["pools.a.servers[0]", "pools.a.servers[1].address"]);
  });

  it("do not show what came from the environment or a file", () => {
    const env = { TOKEN: "hunter2\u0001", SECRET: "hunter2:bad", NUMBER: "hunter2" };
    const text =
      'admin: { token: "${TOKEN}" }\nworkers: ${NUMBER}\npools: { a: { servers: [ "${SECRET}" ], algorithm: "${NUMBER}" } }';
    const lines = linesOf(text, { env });
    expect(lines.length).toBeGreaterThanOrEqual(4);
    expect(lines.join("\n")).not.toContain("hunter2");
  });
});

const withServer = (server: string) => `${SMALL.split("\n")[0]}\npools: { web: { servers: [ "${server}" ] } }`;

describe("substitution", () => {
  const files: Record<string, string> = { "/etc/address": "127.0.0.1:9005\n" };
  const readFile = (path: string) => {
    if (!(path in files)) throw new Error("nope");
    return files[path];
  };

  it.each([
    ["${A}", "127.0.0.1:9001"],
    ["127.0.0.1:${PORT}", "127.0.0.1:9002"],
    ["127.0.0.1:${NOPE:-9003}", "127.0.0.1:9003"],
    ["127.0.0.1:${EMPTY:-9003}", "127.0.0.1:9003"],
    ["${file:/etc/address}", "127.0.0.1:9005"],
    ["${file:address}", "127.0.0.1:9005"],
    ["${file:/nope:-127.0.0.1:9006}", "127.0.0.1:9006"],
  ])("%s is %s", (text, expected) => {
    const env = { A: "127.0.0.1:9001", PORT: "9002", EMPTY: "" };
    const { config, problems } = parse(withServer(text), { env, readFile, fileName: "/etc/evenkeel.yaml" });
    expect(problems).toEqual([]);
    expect(config?.pools.web.servers[0].address).toBe(expected);
  });

  it("gives numbers, booleans and choices to fields that want them", () => {
    const text = `${SMALL}workers: \${W}\nmaxServers: \${M}\n`.replace(
      "pool: web",
      'pool: web, forwarded: "${F}", limits: { maxBodySize: "${S}" }',
    );
    const { config, problems } = parse(text, { env: { W: "4", M: "20", F: "true", S: "1MiB" } });
    expect(problems).toEqual([]);
    expect(config).toMatchObject({ workers: 4, maxServers: 20 });
    expect(config?.listeners.web).toMatchObject({ forwarded: true, limits: { maxBodySize: 1_048_576 } });
    expect(linesOf(`${SMALL}maxServers: "20"`)).toHaveLength(1);
  });

  it("leaves $${ as a literal ${", () => {
    const text = "listeners: { a: { listen: 'a:1', routes: [ { respond: { body: 'x $${A} $A' } } ] } }";
    expect(parse(text).config?.listeners.a.routes[0].respond?.body).toBe("x ${A} $A");
  });

  it("does not substitute again in what it put in", () => {
    const text = "listeners: { a: { listen: 'a:1', routes: [ { respond: { body: '${A}' } } ] } }";
    expect(parse(text, { env: { A: "${B}", B: "b" } }).config?.listeners.a.routes[0].respond?.body).toBe("${B}");
  });
});

describe("any text", () => {
  const words = fc.constantFrom(
    ..."listeners|pools|web|listen|:|: |\n|\n  |\n    |- |{|}|[|]|,|\"|'|&a|*a|<<: *a|!!x|---|...|#|127.0.0.1:80|[::]:1|${A}|${|null|~|1e999|.inf|0x1|%|?|> |\\|\u0000|\ufeff|__proto__|algorithm|servers|routes|match|path|workers|auto|\t".split(
      "|",
    ),
  );

  it("never throws, as YAML and as JSON", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(words).map((parts) => parts.join("")),
      fc.json(),
    );
    fc.assert(
      fc.property(text, fc.constantFrom<"yaml" | "json">("yaml", "json"), (source, format) => {
        const { config, problems } = parse(source, { format });
        expect(config === undefined).toBe(problems.some(({ severity }) => severity === "error"));
        for (const problem of problems) {
          expect(problem.message).not.toBe("");
          expect(problem.line).toBeGreaterThanOrEqual(1);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("that would grow without bound is refused", () => {
    const bomb = [
      "a0: &a0 [x, x]",
      ...Array.from({ length: 40 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`),
    ].join("\n");
    expect(linesOf(bomb).join()).toMatch(/more than 300000 values/);
    expect(linesOf(`a: ${"[".repeat(20_000)}`).join()).toMatch(/nested too deeply/);
    expect(linesOf(`a: ${"[".repeat(100)}${"]".repeat(100)}`).join()).toMatch(/nested more than 64 levels deep/);
    expect(linesOf("[".repeat(100_000), { format: "json" }).join()).toMatch(/nested more than 64 levels deep/);
    expect(linesOf("a: &a { b: *a }").join()).toMatch(/anchor|nested|values/);
  });
});
