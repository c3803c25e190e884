import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

const deriveKey = promisify(pbkdf2);

/** More than this a server may not ask for: it would be an attack on the machine that checks. */
const MAX_ITERATIONS = 100_000;

/** The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding. */
export class ScramClient {
  readonly #password: string;
  readonly #nonce: string;
  #serverSignature: Buffer | undefined;

  /** @param nonce for tests; random by default */
  constructor(password: string, nonce = randomBytes(18).toString("base64")) {
    // SASLprep (RFC 4013) is little more than this for what people use as passwords.
    this.#password = password.normalize("NFKC");
    this.#nonce = nonce;
  }

  /** The client's first message. PostgreSQL takes the user from the start of the connection, so there is none here. */
  first(user = ""): string {
    return `n,,n=${user},r=${this.#nonce}`;
  }

  /** The answer to the server's first message. Throws an Error when that is not right. */
  async final(serverFirst: string, user = ""): Promise<string> {
    const [, nonce, salt, count] =
      /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/=]+),i=(\d{1,9})(?:,.*)?$/.exec(serverFirst) ?? [];
    const iterations = Number(count);
    if (nonce === undefined || !nonce.startsWith(this.#nonce) || nonce === this.#nonce)
      throw new Error("bad SCRAM challenge");
    if (iterations < 1 || iterations > MAX_ITERATIONS)
      throw new Error(`SCRAM with ${count} iterations, more than is allowed`);
    const salted = await deriveKey(this.#password, Buffer.from(salt!, "base64"), iterations, 32, "sha256");
    const clientKey = hmac(salted, "Client Key");
    const withoutProof = `c=biws,r=${nonce}`;
    const message = `n=${user},r=${this.#nonce},${serverFirst},${withoutProof}`;
    const signature = hmac(createHash("sha256").update(clientKey).digest(), message);
    this.#serverSignature = hmac(hmac(salted, "Server Key"), message);
    const proof = clientKey.map((byte, index) => byte ^ signature[index]!);
    return `${withoutProof},p=${Buffer.from(proof).toString("base64")}`;
  }

  /** Whether the server's last message shows that it knows the password too. */
  isServer(serverFinal: string): boolean {
    const [, signature = ""] = /^v=([A-Za-z0-9+/=]+)/.exec(serverFinal) ?? [];
    const given = Buffer.from(signature, "base64");
    const wanted = this.#serverSignature;
    return wanted !== undefined && given.length === wanted.length && timingSafeEqual(given, wanted);
  }
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
