import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { decode, encode, RECURSION_AVAILABLE, RECURSION_DESIRED, TRUNCATED_RESPONSE, type Answer } from "dns-packet";
import { atEnd } from "./cleanup.ts";

/** A question that the scripted server got. */
export interface ReceivedQuestion {
  readonly id: number;
  readonly name: string;
  readonly type: string;
  readonly over: "udp" | "tcp";
  /** True when it came with EDNS(0). */
  readonly extended: boolean;
}

/** What it answers. */
export interface DnsReply {
  /** 0 NOERROR, 1 FORMERR, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED */
  readonly rcode?: number;
  readonly answers?: readonly Answer[];
  readonly additionals?: readonly Answer[];
  readonly truncated?: boolean;
}

/** Bytes go out as they are; undefined leaves the question without an answer. */
export type DnsScript = (question: ReceivedQuestion) => DnsReply | Buffer | readonly Buffer[] | undefined;

/** A scripted DNS server on one port of 127.0.0.1, over UDP and TCP. It ends with the test that started it. */
export class ScriptedDnsServer {
  script: DnsScript;
  readonly questions: ReceivedQuestion[] = [];
  readonly #udp = createSocket("udp4");
  readonly #tcp = createServer((socket) => this.#serve(socket));
  readonly #connections = new Set<Socket>();
  #port = 0;

  constructor(script: DnsScript) {
    this.script = script;
    this.#udp.on("message", (message, from) => {
      for (const reply of this.#answer(message, "udp")) this.#udp.send(reply, from.port, from.address);
    });
  }

  /** As it stands under `resolvers`. */
  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  async listen(port = 0): Promise<this> {
    this.#tcp.listen(port, "127.0.0.1");
    await once(this.#tcp, "listening");
    this.#port = (this.#tcp.address() as { port: number }).port;
    this.#udp.bind(this.#port, "127.0.0.1");
    await once(this.#udp, "listening");
    return this;
  }

  close(): void {
    this.#udp.close();
    this.#tcp.close();
    for (const socket of this.#connections) socket.destroy();
  }

  #serve(socket: Socket): void {
    this.#connections.add(socket);
    socket.on("close", () => this.#connections.delete(socket));
    socket.on("error", () => undefined);
    let received = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      const message = received.subarray(2, 2 + received.readUInt16BE(0));
      received = received.subarray(2 + message.length);
      for (const reply of this.#answer(message, "tcp")) {
        const length = Buffer.alloc(2);
        length.writeUInt16BE(reply.length);
        socket.write(Buffer.concat([length, reply]));
      }
    });
  }

  #answer(message: Buffer, over: "udp" | "tcp"): readonly Buffer[] {
    const { id = 0, questions = [], additionals = [] } = decode(message);
    const { name, type } = questions[0]!;
    const question = { id, name, type, over, extended: additionals.some((record) => record.type === "OPT") };
    this.questions.push(question);
    const reply = this.script(question);
    if (reply === undefined) return [];
    if (Buffer.isBuffer(reply)) return [reply];
    return "length" in reply ? reply : [encodeReply(question, reply)];
  }
}

/** Starts a scripted server on a free port. */
export async function startDnsServer(script: DnsScript): Promise<ScriptedDnsServer> {
  const server = await new ScriptedDnsServer(script).listen();
  atEnd(() => {
    try {
      server.close();
    } catch {
      // The test has closed it.
    }
  });
  return server;
}

/** The bytes of an answer to a question. */
export function encodeReply(question: ReceivedQuestion, reply: DnsReply): Buffer {
  const { rcode = 0, answers = [], additionals = [], truncated = false } = reply;
  return encode({
    type: "response",
    id: question.id,
    flags: RECURSION_DESIRED | RECURSION_AVAILABLE | (truncated ? TRUNCATED_RESPONSE : 0) | rcode,
    questions: [{ name: question.name, type: question.type as "A", class: "IN" }],
    answers: [...answers],
    additionals: [...additionals],
  });
}

/** Answers with the records of a list that the question asks for, and those that belong to them. */
export function zone(records: readonly Answer[]): DnsScript {
  const names = new Set(records.map(({ name }) => name.toLowerCase()));
  return ({ name, type }) => {
    const alias = records.find((record) => record.name === name && record.type === "CNAME");
    const owner = alias?.type === "CNAME" ? String(alias.data) : name;
    const answers = records.filter((record) => record.name === owner && record.type === type);
    const isKnown = names.has(name.toLowerCase());
    return { rcode: isKnown ? 0 : 3, answers: alias === undefined ? answers : [alias, ...answers] };
  };
}

export const a = (name: string, address: string, ttl = 1): Answer => ({ type: "A", name, ttl, data: address });
export const aaaa = (name: string, address: string, ttl = 1): Answer => ({ type: "AAAA", name, ttl, data: address });
export const cname = (name: string, target: string, ttl = 1): Answer => ({ type: "CNAME", name, ttl, data: target });
export const srv = (name: string, target: string, port: number, weight = 1, priority = 0, ttl = 1): Answer => {
  return { type: "SRV", name, ttl, data: { target, port, weight, priority } };
};
