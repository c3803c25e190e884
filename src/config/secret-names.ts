/**
 * Keys whose values are secrets, whatever they belong to: settings of extensions do not come with a list of their own.
 * `modules.ts` sees to it that a setting marked `x-secret` has such a name.
 */
const SECRET_NAME =
  /token|secret|passw|passphrase|credential|authori[sz]ation|api[-_]?key|private[-_]?key|hmac[-_]?key|^(set-)?cookie$/i;

/** True when the value of this key must never be shown: in differences, in the REST interface, in the log. */
export function namesSecret(key: string): boolean {
  return SECRET_NAME.test(key);
}
