/** A connection with something to send. */
export interface Flushed {
  flush(): void;
}

let waiting: Flushed[] = [];
let spare: Flushed[] = [];

/**
 * Sends what a connection has collected once everything that this turn of the event loop has read is dealt with: answers
 * that come from several servers in one turn leave in one write, and in one TLS record where they are short. To be called
 * once per connection until its `flush` is called.
 */
export function flushSoon(connection: Flushed): void {
  if (waiting.length === 0) setImmediate(flushAll);
  waiting.push(connection);
}

function flushAll(): void {
  const connections = waiting;
  waiting = spare;
  for (const connection of connections) connection.flush();
  connections.length = 0;
  spare = connections;
}
