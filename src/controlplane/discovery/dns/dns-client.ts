import { MAX_QUESTIONS, RESOLVER_ROUNDS } from "../limits.ts";
import { exchangeTcp, exchangeUdp, type ExchangeOptions } from "./dns-exchange.ts";
import { encodeQuestion, newQuestion, readAnswer, type DnsAnswer, type QuestionType } from "./dns-message.ts";
import { Places } from "./places.ts";
import { resolversOf, type ResolverAddress } from "./resolver-address.ts";

/** What servers answer that do not know EDNS(0), or another version of it. */
const REFUSES_EDNS: ReadonlySet<string> = new Set(["FORMERR", "NOTIMP", "BADVERS"]);

/** For each resolver that was ever asked, of which there are as many as the configurations have named. */
const places = new Map<string, Places>();

/** No resolver gave a usable answer; the message says what each of them did. */
export class DnsError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "DnsError";
  }
}

/** Asks one question; the answer's `rcode` is NOERROR or NXDOMAIN, anything else rejects with a DnsError. */
export interface DnsClient {
  ask(name: string, type: QuestionType, signal: AbortSignal): Promise<DnsAnswer>;
}

/**
 * A stub resolver (RFC 1035): asks recursive resolvers one after the other until one gives an answer, over UDP, and
 * over TCP where the answer did not fit. Names are absolute, no search list is applied and /etc/hosts is not read.
 * Nothing is cached: who asks minds the times to live.
 */
export class StubResolver implements DnsClient {
  readonly #resolvers: readonly string[];
  readonly #timeout: number;
  /** Resolvers that refused EDNS(0). */
  readonly #plain = new Set<string>();
  /** Position of the resolver that answered last: it is asked first. */
  #first = 0;

  /**
   * @param resolvers addresses; empty for the system's
   * @param timeout ms that one attempt may take
   */
  constructor(resolvers: readonly string[], timeout: number) {
    this.#resolvers = resolvers;
    this.#timeout = timeout;
  }

  async ask(name: string, type: QuestionType, signal: AbortSignal): Promise<DnsAnswer> {
    const resolvers = resolversOf(this.#resolvers);
    if (resolvers.length === 0) throw new DnsError("there is no resolver: /etc/resolv.conf names none");
    const reasons = new Map<string, string>();
    for (let turn = 0; turn < resolvers.length * RESOLVER_ROUNDS; turn++) {
      const index = (this.#first + turn) % resolvers.length;
      const resolver = resolvers[index]!;
      try {
        const answer = await this.#askOne(resolver, name, type, signal);
        this.#first = index;
        return answer;
      } catch (error) {
        if (signal.aborted) throw error;
        reasons.set(keyOf(resolver), (error as Error).message);
      }
    }
    const said = [...reasons].map(([where, reason]) => `${where}: ${reason}`).join("; ");
    throw new DnsError(`${type} of ${name}: ${said}`);
  }

  async #askOne(resolver: ResolverAddress, name: string, type: QuestionType, signal: AbortSignal): Promise<DnsAnswer> {
    const key = keyOf(resolver);
    const answer = await this.#exchange(resolver, name, type, !this.#plain.has(key), signal);
    if (isFinal(answer)) return answer;
    if (REFUSES_EDNS.has(answer.rcode) && !this.#plain.has(key)) {
      const again = await this.#exchange(resolver, name, type, false, signal);
      if (isFinal(again)) {
        this.#plain.add(key);
        return again;
      }
    }
    throw new DnsError(answer.rcode);
  }

  async #exchange(
    resolver: ResolverAddress,
    name: string,
    type: QuestionType,
    extended: boolean,
    signal: AbortSignal,
  ): Promise<DnsAnswer> {
    const question = newQuestion(name, type);
    const options: ExchangeOptions<DnsAnswer> = {
      resolver,
      query: encodeQuestion(question, extended),
      timeout: this.#timeout,
      signal,
      accept: (message) => readAnswer(message, question),
    };
    const line = placesAt(resolver);
    await line.take(signal);
    try {
      const answer = await exchangeUdp(options);
      return answer.truncated ? await exchangeTcp(options) : answer;
    } finally {
      line.give();
    }
  }
}

function isFinal(answer: DnsAnswer): boolean {
  return answer.rcode === "NOERROR" || answer.rcode === "NXDOMAIN";
}

function placesAt(resolver: ResolverAddress): Places {
  const key = keyOf(resolver);
  let found = places.get(key);
  if (found === undefined) places.set(key, (found = new Places(MAX_QUESTIONS)));
  return found;
}

function keyOf({ host, port }: ResolverAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
