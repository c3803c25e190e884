import fastify, { type FastifyInstance } from "fastify";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  certificateFiles,
  DAY,
  TestAuthority,
  temporaryFolder,
  type Issued,
} from "../../../test/support/certificates.ts";
import { normaliseConfig } from "../../config/normalise.ts";
import { createSnapshot } from "../../config/snapshot.ts";
import { Scoreboard } from "../../shared-memory/scoreboard.ts";
import { ManagerFixture } from "../certificates/certificates.fixture.ts";
import { certificateRoutes } from "./certificates.ts";
import { metricsRoutes } from "./metrics.ts";
import type { NodeState } from "./node-state.ts";
import { answerWithProblems } from "./problem-details.ts";

let root: TestAuthority;
let one: Issued;
let two: Issued;
let folder: string;
let fixture: ManagerFixture;
let scoreboard: Scoreboard;
let api: FastifyInstance;
const errors: string[] = [];
beforeAll(async () => {
  root = await TestAuthority.create();
  one = await root.issue({ names: ["a.test", "*.a.test"] });
  two = await root.issue({ names: ["b.test"], keyType: "rsa" });
});
beforeEach(async () => {
  folder = temporaryFolder();
  fixture = new ManagerFixture();
  certificateFiles(one, folder, "one");
  const listen = "127.0.0.1:0";
  const input = {
    admin: "off",
    listeners: {
      web: { listen, tls: { certificates: [{ cert: "one.crt", key: "one.key" }] } },
      plain: { listen },
    },
  };
  const { config } = normaliseConfig(input, { extensions: { algorithms: [], filters: [] } });
  await fixture.manager.prepare(config!, folder);
  await fixture.manager.settle();
  scoreboard = Scoreboard.create({ servers: 1, workers: 1 });
  const state = {
    version: "1.2.3",
    certificates: fixture.manager,
    scoreboard,
    snapshot: () => createSnapshot(1, config!, {}, []),
    clock: { now: () => 0, wall: () => Date.now() },
  } as Partial<NodeState> as NodeState;
  api = fastify();
  answerWithProblems(api, (error) => errors.push(`${error.message} ${error.stack}`));
  await api.register(certificateRoutes(state));
  await api.register(metricsRoutes(state));
});
afterEach(async () => {
  fixture.manager.close();
  await api.close();
});

type Method = "GET" | "PUT" | "DELETE";
async function call(method: Method, path: string, payload?: unknown) {
  const body = payload === undefined ? {} : { payload: payload as object };
  const response = await api.inject({ method, url: `/certificates${path}`, ...body });
  return { status: response.statusCode, body: response.json<Record<string, unknown>>(), text: response.body };
}

const pem = ({ chain, key }: Issued) => ({ cert: chain, key });

describe("certificates over REST", () => {
  it("are listed with what people ask about them", async () => {
    const { body } = await call("GET", "");
    const id = `file:${folder}/one.crt`;
    const entry = {
      id,
      source: "file",
      names: ["a.test", "*.a.test"],
      subject: "CN=a.test",
      issuer: "CN=Test Root, O=Evenkeel Tests",
      serial: expect.stringMatching(/^[0-9a-f]+$/),
      notBefore: expect.stringMatching(/^20.*Z$/),
      notAfter: one.x509.notAfter.toISOString().replace(/\.\d+Z$/, ".000Z"),
      keyType: "ECDSA P-256",
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
      listeners: ["web"],
      status: "ok",
      reason: null,
      warnings: [],
      ocsp: null,
    };
    expect(body).toEqual({ certificates: [entry], problems: [] });
    expect((await call("GET", `/${encodeURIComponent(id)}`)).body).toEqual(entry);
    expect(await call("GET", "/rest:nothing")).toMatchObject({ status: 404, body: { code: "unknown_certificate" } });
  });

  it("are added, replaced and removed, each answered when the workers have it", async () => {
    const added = await call("PUT", "/rest:shop", pem(two));
    expect(added).toMatchObject({ status: 201, body: { id: "rest:shop", keyType: "RSA 2048", listeners: ["web"] } });
    expect(fixture.material.certificates.map(({ id }) => id)).toContain("rest:shop");
    expect(fixture.storage.pairs.get("rest:shop")?.key).toBe(two.key);
    const replaced = await call("PUT", "/shop", pem(one));
    expect(replaced).toMatchObject({ status: 200, body: { id: "rest:shop", names: ["a.test", "*.a.test"] } });
    expect(await call("DELETE", "/rest%3Ashop")).toMatchObject({ status: 200, body: { removed: "rest:shop" } });
    expect(fixture.material.certificates.length).toBe(1);
    expect((await call("DELETE", "/shop")).status).toBe(404);
    expect(fixture.events.map(({ certificate, what }) => `${certificate} ${what}`)).toEqual([
      "rest:shop certificate_added",
      "rest:shop certificate_replaced",
      "rest:shop certificate_removed",
    ]);
  });

  it("are refused with the reason, and nothing changes", async () => {
    const wrong: [path: string, body: unknown, status: number, code: string, field?: string | null][] = [
      ["/shop", { cert: one.chain, key: two.key }, 422, "bad_certificate", "key"],
      ["/shop", { cert: "nonsense", key: two.key }, 422, "bad_certificate", "cert"],
      ["/shop", { cert: one.chain }, 400, "bad_request", "key"],
      ["/shop", { key: one.key }, 400, "bad_request", "cert"],
      ["/shop", { ...pem(one), keys: 1 }, 400, "bad_request", null],
      ["/shop", [], 400, "bad_request", null],
      ["/rest:..%2Fetc", pem(one), 400, "bad_name"],
      ["/.hidden", pem(one), 400, "bad_name"],
      ["/acme:a.test", pem(one), 409, "read_only"],
      [`/${encodeURIComponent(`file:${folder}/one.crt`)}`, pem(one), 409, "read_only"],
    ];
    for (const [path, body, status, code, field] of wrong) {
      const answer = await call("PUT", path, body);
      expect([path, answer.status, answer.body["code"]]).toEqual([path, status, code]);
      if (field !== undefined) expect(answer.body["field"]).toBe(field);
    }
    expect((await call("DELETE", `/${encodeURIComponent(`file:${folder}/one.crt`)}`)).status).toBe(409);
    fixture.storage.failure = Object.assign(new Error("no"), { code: "EACCES" });
    expect(await call("PUT", "/shop", pem(one))).toMatchObject({
      status: 500,
      body: { code: "store_failed", title: "The certificate store cannot be written: permission denied." },
    });
    expect([fixture.given.length, fixture.storage.pairs.size, fixture.events.length]).toEqual([1, 0, 0]);
  });

  it("say nothing of a private key, whatever happens", async () => {
    const said: string[] = [];
    const keep = async (answer: Promise<{ text: string }>) => said.push((await answer).text);
    await keep(call("PUT", "/a", pem(one)));
    await keep(call("PUT", "/a", pem(two)));
    await keep(call("PUT", "/b", { cert: one.chain, key: two.key }));
    await keep(call("PUT", "/b", { cert: one.chain, key: two.key.slice(0, 400) }));
    await keep(call("PUT", "/b", { cert: two.key, key: two.key }));
    await keep(call("PUT", "/b", { cert: one.chain, [two.key]: 1 }));
    await keep(call("PUT", "/b", `${JSON.stringify(pem(two)).slice(0, 900)}`));
    const cut = await api.inject({
      method: "PUT",
      url: "/certificates/b",
      headers: { "content-type": "application/json" },
      payload: JSON.stringify(pem(two)).slice(0, -2),
    });
    expect(cut.statusCode).toBe(400);
    said.push(cut.body);
    await keep(call("GET", ""));
    await keep(call("GET", "/a"));
    said.push((await api.inject("/metrics")).body);
    await keep(call("DELETE", "/a"));
    said.push(...fixture.log, JSON.stringify(fixture.events), ...errors);
    const everything = said.join("\n");
    expect(everything).toContain("certificate_replaced");
    for (const key of [one.key, two.key]) {
      for (const line of key.split("\n").filter((text) => text !== "" && !text.startsWith("-----"))) {
        expect(everything.includes(line.slice(0, 12))).toBe(false);
      }
    }
  });

  it("show which of them expire", async () => {
    const from = new Date(Date.now() - 90 * DAY);
    const issue = (days: number) =>
      root.issue({ names: ["old.test"], notBefore: from, notAfter: new Date(Date.now() + days * DAY) });
    expect((await call("PUT", "/soon", pem(await issue(5)))).body).toMatchObject({
      status: "expiring",
      reason: expect.stringMatching(/^it expires at/),
    });
    expect((await call("PUT", "/over", pem(await issue(-1)))).body).toMatchObject({
      status: "expired",
      warnings: [expect.stringMatching(/^it expired at/)],
    });
  });
});

describe("metrics", () => {
  it("tell of certificates, handshakes and the program", async () => {
    const { clients } = Scoreboard.attach(scoreboard.handle, 0);
    const place = clients.listenerSlot("web");
    clients.handshakeDone(place, 2, false);
    clients.handshakeDone(place, 1, true);
    clients.handshakeFailed(place);
    const response = await api.inject("/metrics");
    expect(response.headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    const id = `file:${folder}/one.crt`;
    const end = Math.floor(one.x509.notAfter.getTime() / 1000);
    for (const line of [
      `evenkeel_build_info{version="1.2.3",node="${process.version}"} 1`,
      "# TYPE evenkeel_certificate_expiry_timestamp_seconds gauge",
      `evenkeel_certificate_expiry_timestamp_seconds{id="${id}",name="*.a.test"} ${end}`,
      'evenkeel_tls_handshakes_total{listener="web",result="full"} 1',
      'evenkeel_tls_handshakes_total{listener="web",result="resumed"} 1',
      'evenkeel_tls_handshakes_total{listener="web",result="failed"} 1',
      'evenkeel_tls_handshake_seconds_sum{listener="web"} 0.003',
      'evenkeel_tls_handshake_seconds_count{listener="web"} 2',
    ]) {
      expect(response.body.split("\n")).toContain(line);
    }
    expect(response.body).toMatch(/^evenkeel_certificate_info\{id="file:.*",source="file",status="ok",.*\} 1$/m);
  });
});
