/** Whether a server gets work, as its shared cell says it. */
export const ServerState = {
  /** Takes new work. */
  up: 0,
  /** Failed its checks; takes none. */
  down: 1,
  /** Finishes what it has, and keeps bound sessions; takes no new work. */
  draining: 2,
  /** Taken out by an operator; takes nothing. */
  maintenance: 3,
} as const;
export type ServerState = (typeof ServerState)[keyof typeof ServerState];

/** Name of a state for the API and logs. */
export function stateName(state: ServerState): keyof typeof ServerState {
  return (
    (Object.keys(ServerState) as (keyof typeof ServerState)[]).find((name) => ServerState[name] === state) ?? "down"
  );
}
