/** Stands in for connect.ts: `vi.mock("../connect.ts", () => import("../connect.fixture.ts"))`. */
export { openFake as openConnection } from "./socket.fixture.ts";
