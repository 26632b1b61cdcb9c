/**
 * What the page writes and reads: scripts, links and Python programs.
 *
 * Usage: node languages.mjs FILE, with `data`, `numbers`, `scripts`, `wrong_scripts` and `wrong_links`. Prints what it
 * made of them; exits 1 if what was written cannot be read back.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { History } from '../../../statemodel/explorer/history.mjs';
import { CODES, decodeLink, encodeLink } from '../../../statemodel/explorer/link.mjs';
import { InvalidInput, Model } from '../../../statemodel/explorer/model.mjs';
import { movesOf, preview, whyNot } from '../../../statemodel/explorer/moves.mjs';
import { general, nextUp, pythonFloat, scriptNumber } from '../../../statemodel/explorer/numbers.mjs';
import { pythonText } from '../../../statemodel/explorer/python.mjs';
import { parseScript, scriptText } from '../../../statemodel/explorer/script.mjs';
import { effectBrief, effectWords, stepWords } from '../../../statemodel/explorer/words.mjs';

const { data, numbers, scripts, wrong_scripts: wrongScripts, wrong_links: wrongLinks } = JSON.parse(
  readFileSync(process.argv[2], 'utf8'),
);
const model = new Model(data);

function refusal(read, text) {
  try {
    read(model, text);
  } catch (error) {
    if (error instanceof InvalidInput) return error.message;
    throw error;
  }
  return null;
}

/** Everything that the page says about a world has words. */
function speak(world) {
  const said = [];
  for (const move of movesOf(world)) {
    said.push(stepWords(move.step, world.calls));
    for (const effect of preview(world, move.step).effects) {
      said.push(effectWords(effect, world.calls), effectBrief(effect, world.calls));
    }
  }
  for (const event of model.events) said.push(whyNot(world, event).disposition);
  assert(said.every((words) => words && !/undefined|null|NaN|\[object/.test(words)), said.join('\n'));
}

const made = scripts.map((text) => {
  const { opening, steps } = parseScript(model, text);
  const link = encodeLink(model, opening, steps);
  const again = decodeLink(model, link);
  const history = History.of(model, again.opening, again.steps);
  speak(history.world);
  return {
    script: scriptText(model, opening, steps),
    linked: scriptText(model, again.opening, again.steps),
    played: scriptText(model, history.opening, history.steps),
    link,
    python: pythonText(model, history.opening, history.inputs, history.world.machine),
    configuration: [...history.world.machine.configuration].sort(),
  };
});

console.log(
  JSON.stringify({
    made,
    codes: Object.values(CODES),
    numbers: numbers.map((number) => [pythonFloat(number), scriptNumber(number), general(number), nextUp(number)]),
    wrong_scripts: wrongScripts.map((text) => refusal(parseScript, text)),
    wrong_links: wrongLinks.map((text) => refusal(decodeLink, text)),
  }),
);
