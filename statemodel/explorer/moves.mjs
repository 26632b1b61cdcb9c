/**
 * What can happen next, and who makes it happen; and for what cannot, why not.
 */

import { HANDLED, IGNORED, REFUSED } from './model.mjs';
import { closeCode, dialEnd } from './ends.mjs';
import { makeStep } from './script.mjs';

/** Who causes what, in the order in which the page shows them. */
export const GROUPS = Object.freeze([
  ['application', 'Application calls'],
  ['lifecycle', 'Application lifecycle'],
  ['network', 'Network'],
  ['server', 'Server'],
  ['store', 'Session store and authenticator'],
  ['timers', 'Timers'],
  ['regions', 'Added regions'],
]);

const CAUSED_BY = {
  application: [
    'login', 'login_again', 'logout', 'connect', 'disconnect', 'ping', 'send_message', 'shut_down',
    'abandon_login', 'abort_close',
  ],
  lifecycle: ['enter_background', 'enter_foreground'],
  network: ['network_lost', 'network_restored'],
  server: [
    'dial_succeeded', 'dial_failed', 'socket_closed', 'credentials_denied', 'server_refused',
    'own_pings_over', 'throttling_started', 'throttling_ended',
  ],
  store: [
    'session_restored', 'authentication_succeeded', 'authentication_failed', 'save_succeeded',
    'save_failed', 'refresh_succeeded', 'refresh_failed',
  ],
  timers: ['peer_silent', 'overslept'],
};

const GROUP_OF = new Map(
  Object.entries(CAUSED_BY).flatMap(([group, events]) => events.map((event) => [event, group])),
);

/** Who causes an event of the chart. */
export function groupOf(model, event) {
  if (GROUP_OF.has(event)) return GROUP_OF.get(event);
  return event.endsWith('_due') && model.own.has(event) ? 'timers' : 'regions';
}

const CALL_EVENTS = { send: 'send_message' };
const NEWS_EVENTS = {
  background: 'enter_background',
  foreground: 'enter_foreground',
  'network down': 'network_lost',
  'network up': 'network_restored',
};
const ANSWER_EVENTS = {
  accept: 'dial_succeeded',
  closed: 'socket_closed',
  throttle: 'throttling_started',
  unthrottle: 'throttling_ended',
  authenticated: 'authentication_succeeded',
  not_authenticated: 'authentication_failed',
  saved: 'save_succeeded',
  not_saved: 'save_failed',
  refreshed: 'refresh_succeeded',
  not_refreshed: 'refresh_failed',
  revoked: 'server_refused',
};
const END_EVENTS = { auth: 'credentials_denied', terminal: 'server_refused' };
const JUMP = 40;

/** The chart's event that an answer is; `null` for what the chart does not see, such as a frame. */
function answerEvent(model, word) {
  const end = dialEnd(model, word);
  if (end !== null) {
    const [status, code, wait] = end;
    if (wait > 0 && model.believes(status)) return 'dial_failed';
    return END_EVENTS[model.end(status, code)] ?? 'dial_failed';
  }
  const closed = closeCode(model, word);
  if (closed !== null) return END_EVENTS[model.end(null, closed)] ?? 'socket_closed';
  return ANSWER_EVENTS[word] ?? null;
}

/**
 * List everything that can be tried now.
 *
 * Each move has its `step`, `group`, the chart's `event` or `null`, and `enabled`: whether the chart
 * takes it. A call that is refused can be made all the same, and fails.
 */
export function movesOf(world) {
  const { model, machine, now } = world;
  const moves = [];
  const add = (group, event, step) => {
    if (event !== null && !model.eventSet.has(event)) return; // not in this chart
    const row = event === null ? null : machine.rowOf(event, now);
    const enabled = row === null || row.disposition === HANDLED;
    moves.push({ group, event, step: makeStep(model, step), enabled, row });
  };
  const login = (uid) => (machine.user !== null && machine.user.uid === uid ? 'login_again' : 'login');
  const { user } = model.script;
  add('application', login(user), { do: 'login', what: user });
  add('application', login('bob'), { do: 'login', what: 'bob' });
  for (const name of ['connect', 'disconnect', 'ping', 'send', 'logout', 'shut_down']) {
    add('application', CALL_EVENTS[name] ?? name, { do: name });
  }
  for (const command of world.waiting.keys()) {
    const kind = [...machine.waiting].find(([, commands]) => commands.includes(command))?.[0];
    const event = model.calledOff.get(kind) ?? null;
    // Where the chart has no row for it, the caller's wait ends all the same.
    const heard = event !== null && machine.rowOf(event, now).disposition === HANDLED;
    add('application', heard ? event : null, { do: 'cancel', number: command });
  }
  for (const [line, event] of Object.entries(NEWS_EVENTS)) {
    const [word, what = ''] = line.split(' ');
    add(what ? 'network' : 'lifecycle', event, { do: word, what });
  }
  const possible = world.possibleAnswers();
  for (const [who, words] of Object.entries(model.script.answers)) {
    const group = who === 'peer' ? 'server' : who === 'reader' ? 'application' : 'store';
    for (const what of words) {
      if (possible.includes(what)) add(group, answerEvent(model, what), { do: who, what });
    }
  }
  if (!machine.user) add('store', 'session_restored', { do: 'restored', what: user });
  for (const event of model.customEvents) add('regions', event, { do: 'custom', what: event });
  addTimes(world, add);
  return moves;
}

function addTimes(world, add) {
  const seen = new Set();
  for (const { deadline } of world.due) {
    const number = world.secondsUntil(deadline);
    if (!seen.has(number)) add('timers', null, { do: 'wait', number });
    seen.add(number);
  }
  if (!seen.has(1)) add('timers', null, { do: 'wait', number: 1 });
  if (world.due.length) {
    const number = world.secondsUntil(world.due[0].deadline);
    if (number > 0) add('timers', null, { do: 'reach', number });
    add('timers', null, { do: 'sleep', number: number + JUMP });
  }
}

/** What is due at a moment, in words. */
export function dueAt(world, step) {
  return world.due
    .filter(({ deadline }) => world.secondsUntil(deadline) === step.number)
    .map(({ name }) => name);
}

/**
 * Say why an event of the chart is not taken now: the refusal's code and guard, the states that hear it,
 * or the transitions that would take it elsewhere.
 */
export function whyNot(world, event) {
  const { model, machine, now } = world;
  const row = machine.rowOf(event, now);
  const reason = { event, disposition: row.disposition, group: groupOf(model, event), rules: [] };
  if (row.disposition === HANDLED) return reason;
  if (row.disposition === REFUSED) {
    const { code, guard, rules } = row.refusal;
    return { ...reason, rules, code, guard };
  }
  if (row.disposition !== IGNORED) {
    const heard = model.data.heard[event];
    return { ...reason, rules: heard.rules, heard: heard.guard };
  }
  const takers = model.transitions.filter((transition) => transition.events.includes(event));
  const here = takers.filter(({ source }) => machine.configuration.has(source));
  const rules = [...new Set((here.length ? here : takers).flatMap((transition) => transition.rules))];
  if (here.length) return { ...reason, rules, unmet: here.map(({ guard }) => guard) };
  return { ...reason, rules, only: [...new Set(takers.map(({ source }) => source))] };
}

/** Play a step on a copy: the states that are entered, and everything that is done. */
export function preview(world, step) {
  const copy = world.copy();
  const before = world.machine.configuration;
  copy.play(step);
  const entered = [...copy.machine.configuration].filter((state) => !before.has(state));
  return {
    entered: entered.filter((state) => world.model.atoms.has(state)),
    effects: copy.happened.flatMap((input) => input.effects),
    stopped: copy.stopped,
  };
}
