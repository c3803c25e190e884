import {
  type Client,
  credentials,
  makeGenericClientConstructor,
  type ChannelCredentials,
  type ChannelOptions,
  type ClientDuplexStream,
  type ClientReadableStream,
  Metadata,
  type ServiceError,
  type StatusObject,
} from "@grpc/grpc-js";
import { atEnd } from "./cleanup.ts";
import { echoService } from "./grpc-origin.ts";

const EchoClient = makeGenericClientConstructor(echoService, "Echo");

/** How a call ended. */
export interface Outcome {
  readonly code: number;
  readonly details: string;
  readonly messages: readonly Buffer[];
  /** Of the answer's head and of its trailers. */
  readonly head: Metadata;
  readonly trailers: Metadata;
}

/** Calls the test service. One has one connection, unless it was lost. */
export class GrpcClient {
  readonly #client: Client;

  /** @param ca PEM of the authority for TLS; without it the connection is in the clear */
  constructor(port: number, ca?: string, options: ChannelOptions = {}) {
    const secure: ChannelCredentials =
      ca === undefined ? credentials.createInsecure() : credentials.createSsl(Buffer.from(ca));
    this.#client = new EchoClient(`127.0.0.1:${port}`, secure, {
      // Tries are the proxy's business here.
      "grpc.enable_retries": 0,
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
      "grpc.use_local_subchannel_pool": 1,
      ...(ca === undefined ? {} : { "grpc.ssl_target_name_override": "localhost" }),
      ...options,
    });
    atEnd(() => this.#client.close());
  }

  unary(message: Buffer | string, fields: Record<string, string | Buffer> = {}, timeout?: number): Promise<Outcome> {
    const { path, requestSerialize, responseDeserialize } = echoService.unary;
    return new Promise((resolve) => {
      const seen: Seen = { head: new Metadata(), messages: [] };
      const call = this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        Buffer.from(message as string),
        metadataOf(fields),
        timeout === undefined ? {} : { deadline: Date.now() + timeout },
        (error: ServiceError | null, answer?: Buffer) => {
          if (answer !== undefined) seen.messages.push(answer);
          if (error !== null) resolve({ ...seen, code: error.code, details: error.details, trailers: error.metadata });
        },
      );
      call.on("metadata", (metadata: Metadata) => (seen.head = metadata));
      call.on("status", ({ code, details, metadata }: StatusObject) => {
        // A failed call's callback says so as well, and later.
        if (code === 0) setImmediate(() => resolve({ ...seen, code, details, trailers: metadata }));
      });
    });
  }

  collect(messages: readonly Buffer[]): Promise<Outcome> {
    const { path, requestSerialize, responseDeserialize } = echoService.collect;
    return new Promise((resolve) => {
      const seen: Seen = { head: new Metadata(), messages: [] };
      const call = this.#client.makeClientStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        new Metadata(),
        {},
        (error: ServiceError | null, answer?: Buffer) => {
          if (answer !== undefined) seen.messages.push(answer);
          if (error !== null) resolve({ ...seen, code: error.code, details: error.details, trailers: error.metadata });
        },
      );
      call.on("metadata", (metadata: Metadata) => (seen.head = metadata));
      call.on("status", ({ code, details, metadata }: StatusObject) => {
        if (code === 0) setImmediate(() => resolve({ ...seen, code, details, trailers: metadata }));
      });
      for (const message of messages) call.write(message);
      call.end();
    });
  }

  spread(message: Buffer): Promise<Outcome> {
    const { path, requestSerialize, responseDeserialize } = echoService.spread;
    return outcomeOf(this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, message));
  }

  /** An open call both ways; `outcome` settles when it is over. */
  chat(fields: Record<string, string> = {}): Chat {
    const { path, requestSerialize, responseDeserialize } = echoService.chat;
    const call = this.#client.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      metadataOf(fields),
    ) as ClientDuplexStream<Buffer, Buffer>;
    const chat = { call, received: 0, outcome: outcomeOf(call) };
    call.on("data", () => chat.received++);
    return chat;
  }
}

export interface Chat {
  readonly call: ClientDuplexStream<Buffer, Buffer>;
  /** Messages that have come. */
  received: number;
  readonly outcome: Promise<Outcome>;
}

interface Seen {
  head: Metadata;
  readonly messages: Buffer[];
}

function outcomeOf(call: ClientReadableStream<Buffer> | ClientDuplexStream<Buffer, Buffer>): Promise<Outcome> {
  const seen: Seen = { head: new Metadata(), messages: [] };
  call.on("metadata", (metadata: Metadata) => (seen.head = metadata));
  call.on("data", (message: Buffer) => seen.messages.push(message));
  call.on("error", () => undefined);
  return new Promise((resolve) => {
    call.on("status", ({ code, details, metadata }: StatusObject) =>
      resolve({ ...seen, code, details, trailers: metadata }),
    );
  });
}

function metadataOf(fields: Record<string, string | Buffer>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(fields)) metadata.set(name, value);
  return metadata;
}
