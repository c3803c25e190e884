import { describe } from "vitest";
import { oneOfThree } from "../../support/chaos/one-of-three.ts";

describe("one of three servers takes ten times as long", () => {
  oneOfThree({
    name: "10 times as slow",
    breakIt: (origin) => origin.behave({ slowFactor: 10 }),
    mendIt: (origin) => origin.behave({ slowFactor: 1 }),
  });
});
