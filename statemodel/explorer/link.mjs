/**
 * A history as a short text for the address of the page, and back. The text may come from anybody: what
 * is no history is refused, and nothing of it is believed.
 *
 * `1/0/t0=3/l/aa/sa/c/pa/w=29.5*0.25`: format, start, settings, steps; `=` a value, `@` the status in whose
 * callback it happens, `*` a draw.
 */

import { readNumber, scriptNumber } from './numbers.mjs';
import { InvalidInput, timingsOf } from './model.mjs';
import { MOST_STEPS, changedTimings, makeStep } from './script.mjs';

const FORMAT = '1';
const LONGEST = 60_000;

/** A code for each word of the language; they may grow, and never change. */
export const CODES = Object.freeze({
  c: 'connect', d: 'disconnect', o: 'logout', p: 'ping', s: 'send', x: 'shut_down',
  b: 'background', f: 'foreground', l: 'login', r: 'restored', u: 'custom', k: 'cancel',
  w: 'wait', h: 'reach', z: 'sleep', nd: 'network down', nu: 'network up',
  aa: 'authenticator authenticated', an: 'authenticator not_authenticated',
  ra: 'authenticator refreshed', rn: 'authenticator not_refreshed', rv: 'authenticator revoked',
  pa: 'peer accept', pf: 'peer fail', pt: 'peer refuse_1008', po: 'peer refuse_401',
  pn: 'peer refuse_404', pr: 'peer refuse_503_after_8', pq: 'peer refuse_429_after_900', y: 'peer',
  ca: 'peer close_1000', cb: 'peer close_1001', ct: 'peer close_1008', co: 'peer close_4401',
  cx: 'peer drop', cc: 'peer closed', mf: 'peer frame', mp: 'peer pong', ts: 'peer throttle',
  te: 'peer unthrottle', rp: 'reader pause', rr: 'reader resume', sa: 'store saved',
  sn: 'store not_saved', sc: 'store cleared', sx: 'store not_cleared',
});

const CODE_OF = new Map(Object.entries(CODES).map(([code, words]) => [words, code]));

/** Write a history as the text of a link. */
export function encodeLink(model, opening, steps) {
  const start = model.starts.findIndex(([chosen]) => chosen.join(' ') === opening.chosen.join(' '));
  const names = Object.keys(model.script.settings);
  const parts = [FORMAT, String(start)];
  for (const [name, value] of changedTimings(model, opening.timings)) {
    parts.push(`t${names.indexOf(name)}=${scriptNumber(value)}`);
  }
  return [...parts, ...steps.map((step) => encodeStep(model, step))].join('/');
}

function encodeStep(model, step) {
  let code = CODE_OF.get(`${step.do} ${step.what}`) ?? CODE_OF.get(step.do);
  if (code.length === 1 && step.what && step.what !== model.script.user) {
    code += `=${encodeURIComponent(step.what).replaceAll('*', '%2A')}`;
  } else if (step.number) {
    code += `=${scriptNumber(step.number)}`;
  }
  if (step.inside) code += `@${step.inside}`;
  return step.draw === 0.5 ? code : `${code}*${scriptNumber(step.draw)}`;
}

/** Read the text of a link: the opening and the steps; everything that is not one is refused. */
export function decodeLink(model, text) {
  if (text.length > LONGEST) throw new InvalidInput('it is too long');
  const [format, start, ...parts] = text.split('/');
  if (format !== FORMAT) throw new InvalidInput('its format is unknown');
  if (!/^\d{1,4}$/.test(start ?? '') || !model.starts[Number(start)]) {
    throw new InvalidInput('it starts nowhere');
  }
  if (parts.length > MOST_STEPS + Object.keys(model.script.settings).length) throw new InvalidInput('it has too many steps');
  const names = Object.keys(model.script.settings);
  const given = {};
  const steps = [];
  parts.forEach((part, at) => {
    try {
      const setting = /^t(\d+)=(.+)$/.exec(part);
      if (setting && !steps.length) {
        const name = names[Number(setting[1])];
        if (!name || name in given) throw new InvalidInput('no such setting');
        given[name] = needed(setting[2]);
      } else {
        steps.push(decodeStep(model, part));
      }
    } catch (error) {
      if (!(error instanceof InvalidInput)) throw error;
      throw new InvalidInput(`part ${at + 3}: ${error.message}`);
    }
  });
  if (steps.length > MOST_STEPS) throw new InvalidInput('it has too many steps');
  const timings = timingsOf(model, given);
  return { opening: { chosen: model.starts[Number(start)][0], timings }, steps };
}

function decodeStep(model, part) {
  const found = /^([a-z]{1,2})(?:=([^*@]*))?(?:@([a-z_]+))?(?:\*([^*]+))?$/.exec(part);
  if (!found || !Object.hasOwn(CODES, found[1])) throw new InvalidInput('no such step');
  const [, code, value, inside = '', draw] = found;
  const [word, what = ''] = CODES[code].split(' ');
  const step = { do: word, what, inside, draw: draw === undefined ? 0.5 : needed(draw) };
  if (['wait', 'reach', 'sleep', 'cancel'].includes(word)) step.number = needed(value ?? '0');
  else if (value !== undefined) step.what = named(word, what, value);
  else if (word === 'login' || word === 'restored') step.what = model.script.user;
  return makeStep(model, step);
}

function named(word, what, value) {
  if (what || !['login', 'restored', 'custom', 'peer'].includes(word)) throw new InvalidInput('a value too many');
  try {
    const name = decodeURIComponent(value);
    if (name && name.length <= 100) return name;
  } catch {
    // refused below
  }
  throw new InvalidInput('no name');
}

function needed(text) {
  const found = readNumber(text);
  if (found === null) throw new InvalidInput('no number');
  return found;
}
