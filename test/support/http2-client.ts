import http2, { type ClientHttp2Session, type ClientHttp2Stream, type OutgoingHttpHeaders } from "node:http2";
import { atEnd } from "./cleanup.ts";
import { within } from "./wait.ts";

/** An answer as the client got it. */
export interface Http2Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  readonly trailers: Readonly<Record<string, string | string[] | undefined>>;
}

/** A session of node:http2 with the program; closed at the end of the test. */
export async function openSession(
  url: string,
  options: http2.SecureClientSessionOptions = {},
): Promise<ClientHttp2Session> {
  const session = http2.connect(url, { rejectUnauthorized: false, ...options });
  atEnd(() => session.destroy());
  await within(
    `an HTTP/2 session with ${url}`,
    new Promise((resolve, reject) => session.once("remoteSettings", resolve).once("error", reject)),
  );
  session.on("error", () => undefined);
  return session;
}

/** The answer on a stream; rejects when it is reset. */
export function answerOn(stream: ClientHttp2Stream): Promise<Http2Answer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let headers: Record<string, string | string[] | undefined> = {};
    let trailers: Record<string, string | string[] | undefined> = {};
    stream.on("response", (received) => (headers = received as typeof headers));
    stream.on("trailers", (received) => (trailers = received as typeof trailers));
    stream.on("data", (data: Buffer) => pieces.push(data));
    stream.on("error", reject);
    stream.on("close", () => {
      if (stream.rstCode !== 0) return reject(new Error(`the stream was reset with code ${stream.rstCode}`));
      resolve({ status: Number(headers[":status"]), headers, body: Buffer.concat(pieces), trailers });
    });
  });
}

/** One request and its answer. */
export function request(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: string | Uint8Array,
): Promise<Http2Answer> {
  const stream = session.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  return answerOn(stream);
}
