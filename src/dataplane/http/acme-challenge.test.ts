import { expect, it } from "vitest";
import { challengeAnswer } from "./acme-challenge.ts";

const challenges = { "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA": "evaGxf.9jg46WB3" };

it("answers a token that an authority asks for", () => {
  const path = "/.well-known/acme-challenge/evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA";
  expect(challengeAnswer(challenges, path)).toBe("evaGxf.9jg46WB3");
});

it.each([
  "/",
  "/.well-known/acme-challenge/",
  "/.well-known/acme-challenge/other",
  "/.well-known/acme-challenge/evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA/",
  "/.well-known/acme-challenge/../acme-challenge/evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA",
  "/.well-known/acme-challenge/constructor",
  "/.well-known/acme-challenge/__proto__",
  "/x/.well-known/acme-challenge/evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA",
])("leaves %s to the routes", (path) => {
  expect(challengeAnswer(challenges, path)).toBeNull();
});
