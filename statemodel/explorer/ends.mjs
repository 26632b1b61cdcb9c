/** How the other side ends a dial or a socket, by the words of scripts: `statemodel/_ends.py`. */

function matched(pattern, word) {
  return new RegExp(`^(?:${pattern})$`).exec(word);
}

/** How a dial ends: HTTP status, close code, Retry-After; `null` where it does by no such word. */
export function dialEnd({ script: { patterns } }, word) {
  if (word === 'fail') return [null, null, null];
  const { code, status, after } = patterns;
  const found = matched(`refuse_(?:(${code})|(${status})(?:_after_(${after}))?)`, word);
  if (!found) return null;
  const [, closed, refused, wait] = found.map((text) => (text === undefined ? null : Number(text)));
  return [refused, closed, wait];
}

/** The code with which a socket ends; `null` where it does by no such word. */
export function closeCode({ script: { patterns } }, word) {
  if (word === 'drop') return 1006;
  const found = matched(`close_(${patterns.code})`, word);
  return found ? Number(found[1]) : null;
}

/** The word that stands for all that end a dial, or a socket. */
export function standIn(model, word) {
  if (dialEnd(model, word) !== null) return 'fail';
  return closeCode(model, word) === null ? word : 'drop';
}
