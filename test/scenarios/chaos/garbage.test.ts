import { describe } from "vitest";
import { oneOfThree } from "../../support/chaos/one-of-three.ts";

describe("one of three servers answers garbage instead of HTTP", () => {
  oneOfThree({
    name: "answers garbage",
    breakIt: (origin) => origin.behave({ mode: "garbage" }),
    mendIt: (origin) => origin.behave({ mode: "normal" }),
  });
});
