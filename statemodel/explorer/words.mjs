/** Steps, events, effects and timers in words. */

import { general } from './numbers.mjs';

const ANSWERS_IN_WORDS = {
  accept: 'the server accepts',
  fail: 'the dial fails',
  refuse_1008: 'the server refuses: close code 1008',
  refuse_401: 'the server refuses the credentials: HTTP 401',
  refuse_404: 'the server refuses: HTTP 404',
  refuse_503_after_8: 'the server is busy: HTTP 503, Retry-After 8 s',
  refuse_429_after_900: 'the server is busy: HTTP 429, Retry-After 900 s',
  close_1000: 'the server closes: 1000',
  close_1001: 'the server closes: 1001, going away',
  close_1008: 'the server closes: 1008, for good',
  close_4401: 'the server closes: 4401, credentials refused',
  drop: 'the socket breaks',
  closed: 'the closing handshake is complete',
  frame: 'a frame comes in',
  pong: 'the pong of the oldest ping comes in',
  throttle: 'the server switches features off',
  unthrottle: 'the server switches them on again',
  pause: 'our side stops reading',
  resume: 'our side reads again',
  authenticated: 'the authenticator knows the user',
  not_authenticated: 'the authenticator refuses',
  refreshed: 'there are new credentials',
  not_refreshed: 'no new credentials can be had now',
  revoked: 'there will be no new credentials',
  saved: 'the user is saved',
  not_saved: 'the user cannot be saved',
  cleared: 'the store is cleared',
  not_cleared: 'the store cannot be cleared',
};

const NEWS_IN_WORDS = {
  background: 'the application enters the background',
  foreground: 'the application enters the foreground',
  'network down': 'the network is reported down',
  'network up': 'the network is reported up',
};

/** When events come that no button causes. */
export const COMES_WHEN = Object.freeze({
  peer_silent: 'comes when nothing came in between a ping and its time limit',
  own_pings_over: "comes with the pong, or the time limit, of the last ping of the library's own",
  overslept: "comes when a ping's or the heartbeat's deadline was slept through",
  abandon_login: 'comes when the caller of a login no longer waits',
  abort_close: 'comes when the caller of a disconnect, logout or end no longer waits',
});

/** Seconds, for the eye. */
export function seconds(number) {
  return `${general(number)} s`;
}

/** A step in words. */
export function stepWords(step, calls = new Map()) {
  const words = plainWords(step, calls);
  return step.inside ? `${words}, inside the callback that is told ${step.inside} next` : words;
}

function plainWords(step, calls) {
  const line = step.what ? `${step.do} ${step.what}` : step.do;
  if (Object.hasOwn(NEWS_IN_WORDS, line)) return NEWS_IN_WORDS[line];
  switch (step.do) {
    case 'login':
      return `login as ${step.what}`;
    case 'restored':
      return `a saved user is found: ${step.what}`;
    case 'custom':
      return `event ${step.what}`;
    case 'cancel':
      return `the caller of ${callName(calls, step.number)} no longer waits`;
    case 'wait':
      return `${seconds(step.number)} pass`;
    case 'reach':
      return `${seconds(step.number)} pass, and what is due has not fired yet`;
    case 'sleep':
      return `the machine sleeps ${seconds(step.number)}`;
    default:
      return ANSWERS_IN_WORDS[step.what] ?? (step.what ? `the server: ${step.what}` : `call ${step.do}`);
  }
}

/** A call by name and number: `connect (call 3)`. */
export function callName(calls, command) {
  return calls.has(command) ? `${calls.get(command)} (call ${command})` : `call ${command}`;
}

/** An effect in a sentence. */
export function effectWords(effect, calls) {
  switch (effect.type) {
    case 'Authenticate':
      return `Ask the authenticator about ${effect.credentials.uid}.`;
    case 'Save':
      return `Save ${effect.user.uid} in the store.`;
    case 'CancelLogin':
      return 'Call the running login off.';
    case 'Clear':
      return 'Clear the saved user from the store.';
    case 'KeepUser':
      return `Save ${effect.user.uid} with the new credentials.`;
    case 'Dial':
      return `Dial a new socket for ${effect.user.uid} (generation ${effect.generation}).`;
    case 'Refresh':
      return `Ask for new credentials for ${effect.user.uid} (generation ${effect.generation}).`;
    case 'Close':
      return `Begin the closing handshake (generation ${effect.generation}).`;
    case 'Abort':
      return `Drop the dial, refresh or socket of generation ${effect.generation} at once.`;
    case 'SendPing':
      return effect.command === null
        ? `Send a ping of the library's own (payload ${effect.payload}).`
        : `Send the ping of call ${effect.command} (payload ${effect.payload}).`;
    case 'DiscardUnread':
      return 'Drop the messages that the application has not read.';
    case 'ChangeStatus':
      return `Tell the listeners: ${changeWords(effect.change)}.`;
    case 'Succeed': {
      const value = effect.value === null ? '' : `: ${valueWords(effect.value)}`;
      return `${callName(calls, effect.command)} succeeds${value}.`;
    }
    case 'Fail': {
      const details = effect.details ? ` (${effect.details})` : '';
      return `${callName(calls, effect.command)} fails with ${effect.code}${details}.`;
    }
    default:
      return `Do ${effect.name}.`;
  }
}

function valueWords(value) {
  return typeof value === 'number' ? `round trip ${seconds(value)}` : `user ${value.uid}`;
}

function changeWords({ previous, current, reason, retry_in: retryIn }) {
  const from = previous === current ? `still ${current}` : `${previous} to ${current}`;
  return `${from}, because of ${reason}${retryIn === null ? '' : `, next attempt in ${seconds(retryIn)}`}`;
}

/** An effect in two or three words. */
export function effectBrief(effect, calls) {
  const name = calls.get(effect.command) ?? 'the call';
  switch (effect.type) {
    case 'Authenticate':
      return 'authenticate';
    case 'CancelLogin':
      return 'call the login off';
    case 'KeepUser':
      return 'save the user';
    case 'SendPing':
      return effect.command === null ? 'send an own ping' : 'send a ping';
    case 'DiscardUnread':
      return 'drop unread messages';
    case 'ChangeStatus':
      return `status ${effect.change.current} (${effect.change.reason})`;
    case 'Succeed':
      return `${name} succeeds`;
    case 'Fail':
      return `${name} fails: ${effect.code}`;
    case 'Custom':
      return effect.name;
    default:
      return effect.type.toLowerCase();
  }
}
