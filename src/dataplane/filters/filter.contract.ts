import { describe, expect, it } from "vitest";
import { normaliseConfig } from "../../config/normalise.ts";
import { schemaNode, type SchemaNode } from "../../config/schema-node.ts";
import type { FilterDefinition, FilterDeps, FilterExchange } from "../../core/filtering/filter.ts";

/** What a test says about an exchange; the rest is a GET of http://example.com/ that is answered with 200. */
export interface ExchangeFields {
  readonly method?: string;
  readonly host?: string;
  readonly path?: string;
  readonly query?: string;
  readonly secure?: boolean;
  readonly server?: string;
  readonly status?: number;
  readonly request?: readonly (readonly [name: string, value: string])[];
  readonly response?: readonly (readonly [name: string, value: string])[];
}

/** Header fields as a list, with the checks that the proxy's own have. */
export class FakeHead {
  fields: (readonly [name: string, value: string])[];
  status: number;

  constructor(fields: readonly (readonly [name: string, value: string])[], status = 0) {
    this.fields = [...fields];
    this.status = status;
  }
  header(name: string): string | undefined {
    return this.fields.find(([other]) => other === name)?.[1];
  }
  all(name: string): string[] {
    return this.fields.filter(([other]) => other === name).map(([, value]) => value);
  }
  setHeader(name: string, value: string): void {
    this.removeHeader(name);
    this.addHeader(name, value);
  }
  addHeader(name: string, value: string): void {
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      throw new TypeError(`not a header field: ${JSON.stringify([name, value])}`);
    }
    this.fields.push([name, value]);
  }
  removeHeader(name: string): void {
    this.fields = this.fields.filter(([other]) => other !== name);
  }
}

class FakeRequest extends FakeHead {
  readonly method: string;
  readonly host: string;
  path: string;
  query: string;

  constructor(fields: ExchangeFields) {
    super(fields.request ?? []);
    this.method = fields.method ?? "GET";
    this.host = fields.host ?? "example.com";
    this.path = fields.path ?? "/";
    this.query = fields.query ?? "";
  }
  cookie(): string | undefined {
    return undefined;
  }
}

/** An exchange for tests of filters, without a connection. */
export interface FakeExchange extends FilterExchange {
  readonly request: FakeRequest;
  readonly response: FakeHead;
}

export function fakeExchange(fields: ExchangeFields = {}): FakeExchange {
  return {
    id: "id-1",
    client: "192.0.2.1",
    secure: fields.secure ?? false,
    listener: "web",
    route: "main",
    server: fields.server,
    notes: new Map(),
    request: new FakeRequest(fields),
    response: new FakeHead(fields.response ?? [], fields.status ?? 200),
  };
}

export const filterDeps: FilterDeps = { clock: { now: () => 0, wall: () => 0 }, random: () => 0.5, log: () => {} };

/** The settings as a configuration file with them gives them to the filter. Throws what `evenkeel check` would say. */
export function normaliseSettings(filter: FilterDefinition, settings: unknown): unknown {
  const result = normaliseConfig(
    {
      listeners: { web: { listen: "127.0.0.1:0", routes: [{ pool: "web", filters: [{ [filter.name]: settings }] }] } },
      pools: { web: { servers: ["127.0.0.1:1"] } },
    },
    {
      extensions: {
        algorithms: [{ name: "weighted_round_robin", summary: "", schema: {}, usesHashKey: false, create: unused }],
        filters: [filter],
      },
    },
  );
  if (result.config === undefined) throw new Error(result.problems.map((problem) => problem.message).join("; "));
  return result.config.listeners.web.routes[0].filters[0].settings;
}

function unused(): never {
  throw new Error("no balancer is made here");
}

/** What holds for every filter. */
export function describeFilterContract(filter: FilterDefinition): void {
  describe(`filter ${filter.name}`, () => {
    it("has a camel-case name and a summary of one sentence", () => {
      expect(filter.kind).toBe("filter");
      expect(filter.name).toMatch(/^[a-z][A-Za-z0-9]*$/);
      expect(filter.summary).toMatch(/^[A-Z].*\.$/);
    });

    it("describes each of its settings", () => {
      const visit = (schema: SchemaNode, path: string) => {
        for (const [name, property] of Object.entries(schema.properties ?? {})) {
          if (property.properties === undefined) expect(property.description, `${path}.${name}`).toMatch(/\w/);
          visit(property, `${path}.${name}`);
        }
      };
      visit(schemaNode(filter.schema), filter.name);
    });

    it("works with its defaults", () => {
      expect(filter.create(normaliseSettings(filter, {}), filterDeps)).toBeTypeOf("object");
    });

    it("refuses an unknown setting", () => {
      expect(() => normaliseSettings(filter, { noSuchSetting: 1 })).toThrow(/unknown key/);
    });

    const odd: ExchangeFields[] = [
      {},
      { method: "OPTIONS", path: "*", host: "" },
      { method: "!#$", query: "?", path: "/%2F" },
      {
        request: [
          ["origin", ""],
          ["origin", "null"],
          ["access-control-request-method", "\xff"],
        ],
        method: "OPTIONS",
      },
      {
        request: [["origin", "https://[::1]:0"]],
        response: [
          ["vary", "*"],
          ["vary", ""],
        ],
        status: 599,
        secure: true,
      },
      { response: Array.from({ length: 1000 }, (_, index) => [`x-${index}`, "\x80"] as const), server: "s1" },
    ];
    it.each(odd)("does not throw on an odd exchange %#", async (fields) => {
      const instance = filter.create(normaliseSettings(filter, {}), filterDeps);
      const exchange = fakeExchange(fields);
      const chunk = new Uint8Array(0);
      const answer = await instance.onRequestHead?.(exchange);
      if (answer !== undefined) expect(answer.status).toBeGreaterThanOrEqual(200);
      instance.onRequestBody?.(exchange, chunk);
      instance.onResponseHead?.(exchange);
      instance.onResponseBody?.(exchange, chunk);
      for (const trailers of ["", "grpc-status: 0\r\n", "x: \xff\r\ny:\r\n"]) {
        const bytes = instance.onResponseTrailers?.(exchange, trailers);
        if (bytes !== undefined) expect(bytes).toBeInstanceOf(Uint8Array);
      }
      instance.onComplete?.(exchange, { status: 0, error: "client_gone", duration: 1 });
    });
  });
}
