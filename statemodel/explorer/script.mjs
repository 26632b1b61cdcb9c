/**
 * The language of scripts: `statemodel/_script.py`. What the page has played can be saved as a script for
 * `statemodel play`, and a script, such as `statemodel check` prints, can be opened here.
 */

import { readNumber, scriptNumber } from './numbers.mjs';
import { InvalidInput, timingsOf } from './model.mjs';
import { standIn } from './ends.mjs';

/** A run has no more steps than this. */
export const MOST_STEPS = 5_000;

const ALONE = [
  'connect', 'disconnect', 'logout', 'ping', 'send', 'shut_down', 'background', 'foreground',
];
const SECONDS = ['wait', 'reach', 'sleep'];
const NAMED = ['login', 'restored', 'custom'];
const PLACES = [['foreground', 'background'], ['online', 'offline']];
const MODES = ['auto', 'manual'];
const USUAL_DRAW = 0.5;
/** What ends a word or a line of a script, in either language. */
const UNFIT = /[#\s\u0000-\u0020\u007f-\u00a0]/;

/** Return a checked step; what is no step is refused. */
export function makeStep(model, { do: word, what = '', number = 0, draw = USUAL_DRAW, inside = '' }) {
  const choices = word === 'network' ? ['down', 'up'] : own(model.script.answers, word);
  if (NAMED.includes(word)) {
    if (!what || UNFIT.test(what)) throw new InvalidInput(`${word} takes one word without #`);
    if (word === 'custom' && !model.isCustom(what)) {
      throw new InvalidInput(`${what} is no custom event of ${model.chart}`);
    }
  } else if (choices) {
    if (![what, standIn(model, what)].some((one) => choices.includes(one))) throw new InvalidInput(`${word} ${what}: allowed are ${choices.join(', ')}`);
  } else if (![...ALONE, ...SECONDS, 'cancel'].includes(word)) {
    throw new InvalidInput(`${word} is no step`);
  } else if (what) {
    throw new InvalidInput(`${word} takes no word, but was given ${what}`);
  }
  if (SECONDS.includes(word)) {
    if (!Number.isFinite(number) || number < 0) throw new InvalidInput(`${word} takes seconds >= 0`);
  } else if (word === 'cancel') {
    if (!Number.isSafeInteger(number) || number < 1) throw new InvalidInput("cancel takes a command's number");
  } else if (number !== 0) {
    throw new InvalidInput(`${word} takes no number`);
  }
  if (!(draw >= 0 && draw < 1)) throw new InvalidInput('a draw is in [0, 1)');
  const { inside: callable, statuses } = model.script;
  if (inside && !(callable.includes(word) && statuses.includes(inside))) {
    throw new InvalidInput(`${word} inside ${inside}: no such callback`);
  }
  return { do: word, what, number, draw, inside };
}

function own(object, key) {
  return Object.hasOwn(object, key) ? object[key] : null;
}

/** A step as a line. */
export function stepText(model, step) {
  const words = [step.do];
  const plain = step.what === model.script.user && step.do !== 'custom';
  if (SECONDS.includes(step.do) || step.do === 'cancel') words.push(scriptNumber(step.number));
  else if (step.what && !plain) words.push(step.what);
  if (step.inside) words.push('inside', step.inside);
  if (step.draw !== USUAL_DRAW) words.push('draw', scriptNumber(step.draw));
  return words.join(' ');
}

/** Read a line; `together` says nothing to the pure machine and is left out. */
export function parseStep(model, line) {
  let words = line.trim().split(/\s+/);
  let draw = USUAL_DRAW;
  if (words.at(-1) === 'together' && words.length > 1 + NAMED.includes(words[0])) words = words.slice(0, -1);
  if (words.length > 2 && words.at(-2) === 'draw') {
    draw = number(words.at(-1));
    words = words.slice(0, -2);
  }
  const inside = words.length > 2 && words.at(-2) === 'inside' ? words.at(-1) : '';
  if (inside) words = words.slice(0, -2);
  const [word, argument = ''] = words;
  if (!word || words.length > 2) throw new InvalidInput(`${line.trim()} is no step`);
  if (SECONDS.includes(word) || word === 'cancel') {
    return makeStep(model, { do: word, number: number(argument), draw, inside });
  }
  const named = word === 'login' || word === 'restored';
  return makeStep(model, { do: word, what: argument || (named ? model.script.user : ''), draw, inside });
}

function number(word) {
  const found = readNumber(word);
  if (found === null) throw new InvalidInput(`${word || 'nothing'} is no number`);
  return found;
}

/** Say whether a chart opens as scripts do: with a mode, an application and a network. */
export function opensLikeScripts(model) {
  return model.starts.every(
    ([chosen]) =>
      chosen.length === 3 &&
      MODES.includes(chosen[0]) &&
      PLACES.every((pair, at) => pair.includes(chosen[at + 1])),
  );
}

/** The settings that differ from their defaults. */
export function changedTimings(model, timings) {
  return Object.entries(timings).filter(([name, value]) => value !== model.script.settings[name]);
}

/** A whole script. */
export function scriptText(model, opening, steps) {
  const usual = ['foreground', 'online'];
  const lines = [['open', ...opening.chosen.filter((word) => !usual.includes(word))].join(' ')];
  for (const [name, value] of changedTimings(model, opening.timings)) {
    lines.push(`timing ${name} ${scriptNumber(value)}`);
  }
  return [...lines, ...steps.map((step) => stepText(model, step)), ''].join('\n');
}

/** Read a whole script: its opening and its steps. The error says in which line it is wrong. */
export function parseScript(model, text) {
  let chosen = null;
  const given = {};
  const steps = [];
  const lines = text.split(/\r\n|[\n\r]/);
  lines.forEach((whole, at) => {
    const [line] = whole.split('#');
    if (!line.trim()) return;
    try {
      const words = line.trim().split(/\s+/);
      if (chosen === null) {
        chosen = parseStart(model, words);
      } else if (words[0] === 'timing') {
        if (steps.length) throw new InvalidInput('settings come before the first step');
        if (words.length !== 3 || !own(model.script.settings, words[1]) || words[1] in given) {
          throw new InvalidInput(`${line.trim()}: allowed is timing SETTING SECONDS, once each`);
        }
        given[words[1]] = number(words[2]);
      } else {
        steps.push(parseStep(model, line));
      }
    } catch (error) {
      if (!(error instanceof InvalidInput)) throw error;
      throw new InvalidInput(`line ${at + 1}: ${error.message}`);
    }
  });
  if (chosen === null) throw new InvalidInput('a script begins with: open auto|manual');
  if (steps.length > MOST_STEPS) throw new InvalidInput(`a run here has at most ${MOST_STEPS} steps`);
  return { opening: { chosen, timings: timingsOf(model, given) }, steps };
}

function parseStart(model, [word, ...words]) {
  const [usual] = model.starts[0] ?? [[]];
  if (!opensLikeScripts(model)) {
    if (word !== 'open' || words.length) throw new InvalidInput('this chart is opened by: open');
    return usual;
  }
  const [mode, ...rest] = words;
  const chosen = PLACES.map((pair) => rest.find((place) => pair.includes(place)) ?? pair[0]);
  const known = rest.filter((place) => PLACES.flat().includes(place));
  if (word !== 'open' || !MODES.includes(mode) || known.length !== rest.length || rest.length > 2) {
    throw new InvalidInput('a script begins with: open auto|manual [background] [offline]');
  }
  return [mode, ...chosen];
}
