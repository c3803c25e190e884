/** Stands in for connect.ts: `vi.mock("../connect.ts", () => import("../connect.fixture.ts"))`. */
export { handOverFake as handOver, openFake as openConnection } from "./socket.fixture.ts";
