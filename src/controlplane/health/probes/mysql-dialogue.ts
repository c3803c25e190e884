import type { Socket } from "node:net";
import type { ProbeResult } from "../../../core/health/probe.ts";
import type { Dialogue } from "./connection.ts";
import {
  encryptedPassword,
  loginPayload,
  packet,
  parseError,
  parseGreeting,
  parsePacket,
  passwordAnswer,
} from "./mysql-packets.ts";
import { healthy, quoted, unhealthy, type ProbeDetails } from "./outcome.ts";
import { Received } from "./received.ts";

export interface MysqlSettings {
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly role: "any" | "primary" | "replica";
}

const MAX_RECEIVED = 64 * 1024;
/** User of a check without a login. */
const NOBODY = "evenkeel_health";
const COM_QUIT = Buffer.from([1]);
const ROLE_QUERY = "select @@global.read_only";
/** Access denied, host not allowed, unknown plugin: errors about who asks, not about the server. */
const ABOUT_US: ReadonlySet<number> = new Set([1044, 1045, 1130, 1251, 1524, 1698]);

type State = "greeting" | "login" | "key" | "count" | "column" | "columnEnd" | "row";

/**
 * Reads the greeting and logs in. Without a user it logs in as nobody and takes the refusal for a sign of life: a
 * connection that only reads the greeting counts as broken, and MySQL shuts a host out after many of those.
 */
export class MysqlDialogue implements Dialogue {
  readonly awaited = "answer";
  readonly #settings: MysqlSettings;
  readonly #received = new Received(MAX_RECEIVED);
  #state: State = "greeting";
  #nonce: Buffer = Buffer.alloc(20);
  #details: ProbeDetails = {};

  constructor(settings: MysqlSettings) {
    this.#settings = settings;
  }

  start(): undefined {
    // The server speaks first.
  }

  data(chunk: Buffer, socket: Socket): ProbeResult | undefined {
    if (!this.#received.push(chunk)) return unhealthy(`answered with more than ${MAX_RECEIVED} bytes`);
    for (;;) {
      const found = parsePacket(this.#received.bytes);
      if (found === undefined) return undefined;
      if ("wrong" in found) return unhealthy(`not an answer of MySQL: ${found.wrong}`);
      this.#received.drop(found.end);
      const result = this.#judge(found.payload, found.sequence + 1, socket);
      if (result !== undefined) {
        if (this.#state === "row" || result.outcome === "healthy") socket.write(packet(0, COM_QUIT));
        return result;
      }
    }
  }

  end(): ProbeResult {
    return unhealthy("the server closed the connection without an answer");
  }

  #judge(payload: Buffer, next: number, socket: Socket): ProbeResult | undefined {
    const error = parseError(payload);
    if (error !== undefined) return this.#judgeError(error.code, error.message);
    switch (this.#state) {
      case "greeting":
        return this.#login(payload, next, socket);
      case "login":
      case "key":
        return this.#authenticate(payload, next, socket);
      case "count":
        return this.#advance("column");
      case "column":
        return this.#advance("columnEnd");
      case "columnEnd":
        return this.#advance("row");
      case "row":
        return this.#judgeRole(payload);
    }
  }

  #advance(state: State): undefined {
    this.#state = state;
  }

  #judgeError(code: number, message: string): ProbeResult {
    if (this.#settings.user === undefined && ABOUT_US.has(code))
      return healthy({ ...this.#details, login: "required" });
    return unhealthy(`${ABOUT_US.has(code) ? "login refused: " : ""}${message} (${code})`, this.#details);
  }

  #login(payload: Buffer, next: number, socket: Socket): ProbeResult | undefined {
    const greeting = parseGreeting(payload);
    if (greeting === undefined)
      return unhealthy(`not a greeting of MySQL: ${quoted(payload.toString("latin1", 0, 40))}`);
    this.#details = { version: greeting.version.slice(0, 60) };
    this.#nonce = greeting.nonce;
    const { user = NOBODY } = this.#settings;
    const known = passwordAnswer(greeting.plugin, this.#password, greeting.nonce);
    // The server asks for another plugin if the account has one.
    const plugin = known === undefined ? "mysql_native_password" : greeting.plugin;
    const answer = known ?? passwordAnswer(plugin, this.#password, greeting.nonce)!;
    socket.write(packet(next, loginPayload(user, answer, plugin)));
    return this.#advance("login");
  }

  get #password(): string {
    return this.#settings.password ?? "";
  }

  #authenticate(payload: Buffer, next: number, socket: Socket): ProbeResult | undefined {
    if (payload[0] === 0) return this.#loggedIn(socket);
    if (payload[0] === 0xfe) return this.#switchPlugin(payload, next, socket);
    // More of caching_sha2_password: 3 is "known from before", 4 asks for the password itself.
    if (payload[0] !== 1) return unhealthy("not an answer of MySQL to a login", this.#details);
    if (this.#state === "key") return this.#sendEncrypted(payload.toString("latin1", 1), next, socket);
    if (payload[1] === 4) {
      socket.write(packet(next, Buffer.from([2])));
      return this.#advance("key");
    }
    return undefined;
  }

  #switchPlugin(payload: Buffer, next: number, socket: Socket): ProbeResult | undefined {
    const nameEnd = payload.indexOf(0, 1);
    const plugin = payload.toString("latin1", 1, nameEnd < 0 ? payload.length : nameEnd);
    if (nameEnd >= 0 && payload.length >= nameEnd + 21)
      this.#nonce = Buffer.from(payload.subarray(nameEnd + 1, nameEnd + 21));
    const answer = passwordAnswer(plugin, this.#password, this.#nonce);
    if (answer === undefined) return unhealthy(`login with an unknown method (${plugin.slice(0, 40)})`, this.#details);
    // An empty packet is what an empty password looks like.
    socket.write(packet(next, answer));
    return undefined;
  }

  #sendEncrypted(publicKey: string, next: number, socket: Socket): ProbeResult | undefined {
    try {
      socket.write(packet(next, encryptedPassword(this.#password, this.#nonce, publicKey)));
    } catch {
      return unhealthy("the server sent no usable key for the password", this.#details);
    }
    return this.#advance("login");
  }

  #loggedIn(socket: Socket): ProbeResult | undefined {
    if (this.#settings.role === "any") return healthy(this.#details);
    socket.write(packet(0, Buffer.from(`\x03${ROLE_QUERY}`)));
    return this.#advance("count");
  }

  /** A row of one column: its length and its text. */
  #judgeRole(payload: Buffer): ProbeResult {
    const value = payload.toString("latin1", 1, 1 + payload[0]!);
    if (value !== "0" && value !== "1") return unhealthy("the server did not tell its role", this.#details);
    const role = value === "1" ? "replica" : "primary";
    const details = { ...this.#details, role };
    const wanted = this.#settings.role;
    return role === wanted ? healthy(details) : unhealthy(`role ${role}, expected ${wanted}`, details);
  }
}
