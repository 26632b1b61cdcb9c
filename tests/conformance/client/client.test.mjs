/**
 * The client keeps the rules, and each of its bugs can be seen.
 *
 * Scripts are words of the conformance protocol, played in this process: `ping+` comes in the same
 * turn as what follows it, a number lets seconds pass, commands are numbered from 1.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import { BUGS, Client, ClientError, TIMINGS } from './client.mjs';
import { Subject } from './subject.mjs';

const ANSWERS = {
  store: ['saved', 'not_saved', 'cleared', 'not_cleared'],
  authenticator: ['authenticated', 'not_authenticated', 'refreshed', 'not_refreshed', 'revoked'],
  reader: ['pause', 'resume'],
};
const COMMANDS = ['login', 'logout', 'connect', 'disconnect', 'ping', 'send', 'shut_down'];

function stepsOf(script) {
  let command = 0;
  return script.trim().split(/\s+/).map((word) => {
    const together = word.endsWith('+');
    const [name, what] = (together ? word.slice(0, -1) : word).split(':');
    const step = together ? { together } : {};
    if (!Number.isNaN(Number(name))) return { ...step, do: 'wait', number: Number(name) };
    if (COMMANDS.includes(name)) return { ...step, do: name, command: (command += 1), ...(name === 'login' && { what: what ?? 'alice' }) };
    if (name === 'cancel') return { ...step, do: 'cancel', number: Number(what) };
    if (name === 'background' || name === 'foreground') return { ...step, do: name };
    if (name === 'up' || name === 'down') return { ...step, do: 'network', what: name };
    if (name === 'restored') return { ...step, do: 'restored', what: 'alice' };
    const who = Object.keys(ANSWERS).find((key) => ANSWERS[key].includes(name)) ?? 'peer';
    return { ...step, do: who, what: name };
  });
}

/** Play a script; return what was seen, one line each: `12.5 status connected opened`. */
async function play(mode, script, { bug, draws = [0.5], timings = {}, ...start } = {}) {
  const subject = new Subject(bug ? [bug] : []);
  const opened = await subject.answer({ id: 1, do: 'open', mode, draws, timings, ...start });
  assert.equal(opened.error, undefined);
  const answer = await subject.answer({ id: 2, do: 'steps', steps: stepsOf(script) });
  assert.equal(answer.error, undefined);
  return answer.seen.flat().map(line);
}

function line({ time, saw, ...item }) {
  const words = {
    returned: () => [item.command, item.code ?? 'well'],
    status: () => [item.current, item.reason, ...(item.retry_in === null ? [] : [item.retry_in])],
    stored: () => [item.what],
    refreshing: () => [],
    ping: () => [item.ping, item.command ?? 'own'],
    reading: () => [item.on ? 'on' : 'off'],
    delivered: () => [item.socket, item.number],
  }[saw] ?? (() => [item.socket]);
  return [time, saw, ...words()].join(' ');
}

const UP = 'restored accept'; // auto: connected from the start
const MANUAL_UP = 'restored connect accept';
const only = (lines, ...kinds) => lines.filter((entry) => kinds.includes(entry.split(' ')[1]));
const has = (lines, entry) => assert.ok(lines.includes(entry), `${entry}\nis not in\n${lines.join('\n')}`);
const lacks = (lines, pattern) => assert.deepEqual(lines.filter((entry) => pattern.test(entry)), []);

test('S1, S2: login authenticates, saves, succeeds and dials in auto mode', async () => {
  assert.deepEqual(await play('auto', 'login authenticated saved'), [
    '0 stored authenticate',
    '0 stored save',
    '0 dialled 1',
    '0 status connecting login',
    '0 returned 1 well',
  ]);
});

test('S1: a login that cannot be authenticated or saved, or takes too long, fails', async () => {
  has(await play('auto', 'login not_authenticated'), '0 returned 1 ERR_AUTHENTICATION_FAILED');
  has(await play('auto', 'login 30'), '30 returned 1 ERR_AUTHENTICATION_FAILED');
  has(await play('auto', 'login authenticated not_saved'), '0 returned 1 ERR_SESSION_NOT_SAVED');
  const late = await play('auto', 'login authenticated 30');
  assert.deepEqual(late.slice(-2).toSorted(), ['30 returned 1 ERR_SESSION_NOT_SAVED', '30 stored clear']);
});

test('S3, S4: manual mode dials neither on login nor with a saved user, auto mode does', async () => {
  lacks(await play('manual', 'login authenticated saved'), /dialled/);
  assert.deepEqual(await play('manual', 'restored'), []);
  assert.deepEqual(await play('auto', 'restored'), ['0 dialled 1', '0 status connecting restored']);
});

test('S5: logout fails a running login, closes, clears, and says if it could not', async () => {
  has(await play('auto', 'login logout'), '0 returned 1 ERR_LOGGED_OUT');
  const lines = await play('auto', `${UP} logout not_cleared closed`);
  assert.deepEqual(lines.slice(-5), [
    '0 close_begun 1',
    '0 stored clear',
    '0 status disconnected logout',
    '0 gone 1',
    '0 returned 1 ERR_SESSION_NOT_CLEARED',
  ]);
  lacks(await play('auto', `${UP} logout cleared`), /returned/);
});

test('S6, S7: refusals', async () => {
  const lines = await play('auto', 'connect disconnect ping send login login:bob authenticated saved login login:bob');
  assert.deepEqual(only(lines, 'returned'), [
    ...[1, 2, 3, 4].map((command) => `0 returned ${command} ERR_NOT_LOGGED_IN`),
    '0 returned 6 ERR_LOGIN_IN_PROGRESS',
    '0 returned 5 well',
    '0 returned 7 well',
    '0 returned 8 ERR_ALREADY_LOGGED_IN',
  ]);
});

test('A1, A2: auto mode closes in background and dials in foreground', async () => {
  assert.deepEqual((await play('auto', `${UP} background background foreground`)).slice(3), [
    '0 close_begun 1',
    '0 status disconnected background',
    '0 gone 1',
    '0 dialled 2',
    '0 status connecting foreground',
  ]);
  assert.deepEqual((await play('auto', 'restored connect background')).slice(2), [
    '0 gone 1', '0 status disconnected background', '0 returned 1 ERR_APP_IN_BACKGROUND',
  ]);
});

test('A4, A5: disconnect holds until connect or the next foreground; connect is refused in background', async () => {
  lacks(await play('auto', `${UP} disconnect closed down up 100`), /dialled 2/);
  has(await play('auto', `${UP} disconnect closed background foreground down up`), '0 dialled 3');
  has(await play('auto', `${UP} disconnect closed connect`), '0 dialled 2');
  has(await play('auto', `${UP} background connect`), '0 returned 1 ERR_APP_IN_BACKGROUND');
});

test('M3, M5: the window closes the socket, and the foreground does not bring it back', async () => {
  const lines = await play('manual', `${MANUAL_UP} 7 background 29.9 1 foreground 60`);
  assert.deepEqual(lines.slice(4), ['37 close_begun 1', '37 status disconnected background_timeout', '42 gone 1']);
});

test('M4: a ping moves the deadline, a ping at the very deadline too', async () => {
  lacks(await play('manual', `${MANUAL_UP} background 30+ ping pong 30+ ping pong 29`), /close_begun/);
  has(await play('manual', `${MANUAL_UP} background 20 ping pong 30`), '50 close_begun 1');
});

test('M6, H2, H1: the foreground ends the window, probes, and heartbeats from there', async () => {
  const lines = await play('manual', `${MANUAL_UP} background 20 foreground pong 31`);
  assert.deepEqual(only(lines, 'ping', 'close_begun', 'gone'), ['20 ping 1 own', '50 ping 2 own']);
  has(await play('manual', `${MANUAL_UP} background 20 foreground 5`), '25 status disconnected no_answer 0.5');
});

test('M7, M8: lost in background, or waiting on the way there, is given up', async () => {
  const lost = await play('manual', `${MANUAL_UP} background drop foreground 100`);
  assert.equal(lost.at(-1), '0 status disconnected closed_by_peer');
  const waiting = await play('manual', 'restored connect fail background foreground 100');
  assert.deepEqual(waiting.slice(-2), ['0 status disconnected background', '0 returned 1 ERR_CONNECTION_LOST']);
});

test('M10, B4: connect in background opens a window of its own, but not offline or under a Retry-After', async () => {
  const lines = await play('manual', 'restored 5 background 5 connect accept 40');
  has(lines, '40 close_begun 1');
  has(await play('manual', 'restored background down connect'), '0 returned 1 NO_INTERNET_CONNECTION');
  has(await play('manual', 'restored connect refuse_503_after_8 background connect'), '0 returned 2 ERR_CONNECTION_LOST');
});

test('M11, M12: an early ping pays for nothing, and no heartbeat is sent in background', async () => {
  const lines = await play('manual', `${MANUAL_UP} ping pong background frame 40`, { timings: { background_grace: 35 } });
  assert.deepEqual(only(lines, 'ping', 'close_begun'), ['0 ping 1 2', '35 close_begun 1']);
});

test('P2, P5: silence after a ping loses the socket; a missing pong alone fails only its ping', async () => {
  const silent = await play('auto', `${UP} ping 10`);
  assert.deepEqual(silent.slice(-3), ['10 gone 1', '10 status disconnected no_answer 0.5', '10 returned 1 ERR_PING_TIMEOUT']);
  const alive = await play('auto', `${UP} ping 5 frame 5`);
  assert.deepEqual(only(alive, 'returned', 'gone'), ['10 returned 1 ERR_PING_TIMEOUT']);
  has(await play('auto', `${UP} ping drop`), '0 returned 1 ERR_CONNECTION_LOST');
  has(await play('auto', 'restored ping'), '0 returned 1 NO_WEBSOCKET_CONNECTION');
});

test('C1, C2: connect when open succeeds, and while dialling joins', async () => {
  const lines = await play('manual', 'restored connect+ connect 1 connect fail 0.5 accept connect');
  assert.deepEqual(only(lines, 'returned'), [1, 2, 3, 4].map((command) => `1.5 returned ${command} well`));
  assert.deepEqual(only(lines, 'dialled'), ['0 dialled 1', '1.5 dialled 2']);
});

test('C3, B4: connect skips the back-off, never the Retry-After', async () => {
  has(await play('manual', 'restored connect fail connect', { draws: [0] }), '0 dialled 2');
  const lines = await play('manual', 'restored connect refuse_503_after_8 connect 8');
  has(lines, '0 status disconnected dial_failed 8.5');
  has(lines, '0 status disconnected connect 8');
  has(lines, '8 dialled 2');
  has(await play('auto', 'restored refuse_429_after_900'), '0 status disconnected dial_failed 300.5');
});

test('C4: a cancelled connect withdraws its wait, not the wish', async () => {
  const lines = await play('manual', 'restored connect cancel:1 accept');
  lacks(lines, /returned/);
  has(lines, '0 status connected opened');
});

test('C5: disconnect waits for the close, is cut by close_timeout, by cancellation and by a dial', async () => {
  has(await play('auto', `${UP} disconnect 2 closed`), '2 returned 1 well');
  has(await play('auto', `${UP} disconnect 9`), '5 returned 1 well');
  has(await play('auto', `${UP} disconnect 2 cancel:1`), '2 gone 1');
  const lines = await play('auto', `${UP} disconnect 2 connect`);
  assert.deepEqual(only(lines, 'gone', 'dialled', 'returned').slice(-3), ['2 gone 1', '2 dialled 2', '2 returned 1 well']);
});

test('C7: of a burst of commands the last one decides', async () => {
  const lines = await play('manual', `${MANUAL_UP} disconnect+ connect+ disconnect+ connect accept`);
  has(lines, '0 returned 5 well');
  assert.equal(lines.filter((entry) => / returned [24] well/.test(entry)).length, 2);
  assert.equal((await play('manual', 'restored connect+ disconnect+ connect+ disconnect 90')).filter((entry) => /connected opened/.test(entry)).length, 0);
});

test('C8, N1, N2: offline nothing is dialled, and up dials what is wanted', async () => {
  const lines = await play('manual', `${MANUAL_UP} down 100 up`);
  assert.deepEqual(lines.slice(-4), ['0 gone 1', '0 status disconnected network_down', '100 dialled 2', '100 status connecting network_up']);
  has(await play('manual', 'restored down connect 7 up'), '7 dialled 1');
});

test('K5: a dial is given up after dial_timeout', async () => {
  assert.deepEqual((await play('auto', 'restored 10')).slice(-2), ['10 gone 1', '10 status disconnected dial_failed 0.5']);
});

test('K6: messages come once each; while we do not read, silence costs nothing', async () => {
  const lines = await play('auto', `${UP} frame frame ping pause 100 resume 9 pong 1`);
  assert.deepEqual(only(lines, 'delivered'), ['0 delivered 1 1', '0 delivered 1 2']);
  has(lines, '109 returned 1 well');
  lacks(lines, /gone/);
});

test('B1, B2: waits are drawn below a doubling ceiling, and failures are forgotten once stable', async () => {
  const waits = (lines) => lines.map((entry) => /dial_failed (.*)|closed_by_peer (.*)/.exec(entry)).filter(Boolean).map((found) => Number(found[1] ?? found[2]));
  const fails = 'restored fail 1 fail 2 fail 4 fail 8 fail 16 fail 30 fail';
  const timings = { dial_timeout: 60 };
  assert.deepEqual(waits(await play('auto', fails, { timings, draws: [0] })), [1, 2, 4, 8, 16, 30, 30]);
  assert.deepEqual(waits(await play('auto', fails, { timings, draws: [0.75] })), [0.25, 0.5, 1, 2, 4, 7.5, 7.5]);
  assert.deepEqual(waits(await play('auto', 'restored fail 1 accept 9 drop 2 accept 10 drop', { draws: [0] })), [1, 2, 1]);
});

test('B5: one refresh, then failed; terminal codes fail at once; connect leaves it', async () => {
  const twice = await play('auto', 'restored connect refuse_401 refreshed refuse_401');
  assert.deepEqual(only(twice, 'refreshing', 'dialled'), ['0 dialled 1', '0 refreshing', '0 dialled 2']);
  assert.deepEqual(twice.slice(-2), ['0 status disconnected refused', '0 returned 1 ERR_CONNECTION_REFUSED']);
  const terminal = await play('auto', `${UP} close_1008 connect`);
  assert.deepEqual(terminal.slice(3), ['0 gone 1', '0 status disconnected refused', '0 dialled 2', '0 status connecting connect']);
  has(await play('auto', 'restored refuse_401 revoked'), '0 status disconnected refused');
  has(await play('auto', 'restored refuse_401 30'), '30 status disconnected dial_failed 0.5');
  has(await play('auto', `${UP} 10 close_4401 refreshed accept 11 close_4401`), '21 refreshing');
});

test('B7: a normal close by the server is a loss', async () => {
  has(await play('auto', `${UP} close_1000 0.5`), '0.5 dialled 2');
});

test('O3, O4: repeated reports do nothing; shut_down ends all that waits and clears nobody', async () => {
  assert.equal((await play('manual', `${MANUAL_UP} foreground up foreground`)).length, (await play('manual', MANUAL_UP)).length);
  const lines = await play('manual', 'restored connect ping login:bob shut_down connect');
  assert.deepEqual(only(lines, 'returned').slice(-3), ['0 returned 1 ERR_CLOSED', '0 returned 4 well', '0 returned 5 ERR_CLOSED']);
  lacks(lines, /stored/);
  const closing = await play('manual', `${MANUAL_UP} ping disconnect shut_down 5`);
  assert.deepEqual(only(closing, 'returned').slice(1), ['0 returned 2 ERR_DISCONNECTED', '0 returned 3 ERR_CLOSED', '5 returned 4 well']);
});

test('K2: what a socket says after it was given up has no effect', async () => {
  const { client, sockets } = await byHand({ mode: 'manual' });
  const told = [];
  client.onStatus(({ current }) => told.push(current));
  client.connect().catch(() => {});
  client.disconnect();
  sockets[0].onopen();
  sockets[0].onclose({ code: 1006 });
  assert.deepEqual(told, ['disconnected', 'connecting', 'disconnected']);
  assert.equal(sockets.length, 1);
});

test('T7: throttling is a way of being connected', async () => {
  const lines = await play('auto', `${UP} throttle throttle unthrottle`);
  assert.deepEqual(lines.slice(-2), ['0 status feature_throttled throttled', '0 status connected unthrottled']);
});

test('H5: called late, a heartbeat or a missed pong leads to a probe, the grace deadline to the close', async () => {
  const { client, sockets, sleep } = await byHand({ mode: 'manual' });
  client.connect();
  sockets[0].onopen();
  client.ping().catch(() => {});
  sleep(60);
  client.networkUp();
  assert.deepEqual(sockets[0].done, ['ping', 'ping']); // the call's and the probe

  sockets[0].onmessage('hello');
  client.enterBackground();
  sleep(60);
  client.enterForeground();
  assert.deepEqual(sockets[0].done.slice(2), ['close']);
});

test('T4, T5: a listener that throws harms nobody, and what it asks for comes after the step', async () => {
  const errors = [];
  const { client, sockets } = await byHand({ mode: 'manual', onError: (error) => errors.push(error.message) });
  const told = [];
  client.onStatus(() => { throw new Error('oops'); });
  client.onStatus(({ current }) => {
    told.push(current);
    if (current === 'connecting') client.disconnect();
  });
  client.onStatus(({ current }) => told.push(current.toUpperCase()));
  client.connect().catch(() => {});
  assert.deepEqual(told, ['disconnected', 'DISCONNECTED', 'connecting', 'CONNECTING', 'disconnected', 'DISCONNECTED']);
  assert.deepEqual(errors, ['oops', 'oops', 'oops']);
  assert.deepEqual(sockets[0].done, ['terminate']);
});

test('S4: a damaged session counts as none and is told', async () => {
  const errors = [];
  const store = { load: async () => { throw new Error('damaged'); } };
  const client = new Client({ store, onError: (error) => errors.push(error.message) });
  assert.equal(await client.restore(), false);
  assert.deepEqual(errors, ['damaged']);
});

test('failures carry code, message and details', async () => {
  const client = new Client({});
  await assert.rejects(client.connect(), (error) => {
    assert.ok(error instanceof ClientError);
    assert.deepEqual([error.code, error.message, error.details], ['ERR_NOT_LOGGED_IN', 'Nobody is logged in.', '']);
    return true;
  });
});

/** A logged-in client whose clock jumps, with sockets that only note what is asked of them. */
async function byHand(options) {
  let now = 0;
  const sockets = [];
  const note = (socket, word) => () => void socket.done.push(word);
  const client = new Client({
    clock: { now: () => now, setTimeout: () => ({}), clearTimeout: () => {} },
    createSocket: () => {
      const socket = { done: [] };
      for (const word of ['ping', 'close', 'terminate', 'send']) socket[word] = note(socket, word);
      sockets.push(socket);
      return socket;
    },
    authenticator: {},
    store: { load: async () => ({ uid: 'alice' }) },
    ...options,
  });
  await client.restore();
  return { client, sockets, sleep: (seconds) => { now += seconds; } };
}

// Each bug, in a script where it shows: what the correct client does, and what the bug makes of it.
const count = (lines, pattern) => lines.filter((entry) => pattern.test(entry)).length;
const shows = {
  pong_arms_window: ['manual', `${MANUAL_UP} background 60`, (lines) => count(lines, /close_begun/), 1, 0],
  stale_watchdog: ['manual', `${MANUAL_UP} background ping foreground pong pong 10`, (lines) => count(lines, /no_answer/), 0, 1],
  old_window_kills: ['manual', `${MANUAL_UP} background drop foreground connect accept 29 frame 2`, (lines) => count(lines, /background_timeout/), 0, 1],
  manual_background_retry: ['manual', `${MANUAL_UP} background drop 5`, (lines) => count(lines, /dialled/), 1, 2],
  dial_not_cancelled_by_disconnect: ['manual', 'restored connect disconnect accept', (lines) => count(lines, /connected opened/), 0, 1],
  dial_not_cancelled_by_background: ['auto', 'restored background accept', (lines) => count(lines, /connected opened/), 0, 1],
  dial_not_cancelled_by_logout: ['auto', 'restored logout accept', (lines) => count(lines, /connected opened/), 0, 1],
  two_connects_two_sockets: ['manual', 'restored connect+ connect', (lines) => count(lines, /dialled/), 1, 2],
  handler_per_login: ['auto', 'login authenticated saved background foreground', (lines) => count(lines, /dialled/), 2, 3],
  connect_lost_while_closing: ['manual', `${MANUAL_UP} disconnect connect closed`, (lines) => count(lines, /dialled/), 2, 1],
  callback_never: ['manual', 'restored connect connect accept', (lines) => count(lines, /returned 2 well/), 1, 0],
  callback_late: ['manual', 'restored connect accept 7 frame', (lines) => lines.find((entry) => /returned/.test(entry)), '0 returned 1 well', '7 returned 1 well'],
  status_stuck_connecting: ['auto', 'restored fail', (lines) => count(lines, /disconnected dial_failed/), 1, 0],
  no_jitter: ['auto', 'restored fail', (lines) => lines.at(-1), '0 status disconnected dial_failed 0.25', '0 status disconnected dial_failed 1', [0.75]],
  count_reset_early: ['auto', 'restored fail 1 accept drop', (lines) => lines.at(-1), '1 status disconnected closed_by_peer 2', '1 status disconnected closed_by_peer 1', [0]],
  pong_timeout_reconnects_in_background: ['manual', `${MANUAL_UP} background ping 15`, (lines) => count(lines, /dialled/), 1, 2],
  early_ping_pays: ['manual', `${MANUAL_UP} ping pong background 31`, (lines) => count(lines, /close_begun/), 1, 0],
  capped_after_draw: ['auto', 'restored fail 1 fail 1 fail 2 fail 4 fail 8 fail', (lines) => lines.at(-1), '16 status disconnected dial_failed 15', '16 status disconnected dial_failed 16'],
  few_draws: ['auto', 'restored fail', (lines) => lines.at(-1), '0 status disconnected dial_failed 0.4', '0 status disconnected dial_failed 0.25', [0.6]],
  never_soon: ['auto', 'restored fail', (lines) => lines.at(-1), '0 status disconnected dial_failed 0.25', '0 status disconnected dial_failed 0.4375', [0.75]],
  one_draw_per_connection: ['auto', 'restored fail 1 fail', (lines) => lines.at(-1), '1 status disconnected dial_failed 1.5', '1 status disconnected dial_failed 1', [0.5, 0.25]],
  retry_after_undrawn: ['auto', 'restored refuse_503_after_8', (lines) => lines.at(-1), '0 status disconnected dial_failed 8.5', '0 status disconnected dial_failed 8'],
  retry_after_of_any_status: ['auto', 'restored refuse_500_after_8', (lines) => lines.at(-1), '0 status disconnected dial_failed 0.5', '0 status disconnected dial_failed 8.5'],
  connect_skips_retry_after: ['auto', 'restored refuse_503_after_8 connect', (lines) => count(lines, /dialled/), 1, 2],
  count_reset_by_connect: ['auto', 'restored fail connect fail', (lines) => lines.at(-1), '0 status disconnected dial_failed 1', '0 status disconnected dial_failed 0.5'],
  count_reset_by_disconnect: ['auto', 'restored fail disconnect connect fail', (lines) => lines.at(-1), '0 status disconnected dial_failed 1', '0 status disconnected dial_failed 0.5'],
  count_reset_by_network: ['auto', 'restored fail down up fail', (lines) => lines.at(-1), '0 status disconnected dial_failed 1', '0 status disconnected dial_failed 0.5'],
  count_reset_by_foreground: ['auto', 'restored fail background foreground fail', (lines) => lines.at(-1), '0 status disconnected dial_failed 1', '0 status disconnected dial_failed 0.5'],
  count_reset_by_refresh: ['auto', 'restored fail 1 refuse_401 refreshed fail', (lines) => lines.at(-1), '1 status disconnected dial_failed 1', '1 status disconnected dial_failed 0.5'],
  stable_too_early: ['auto', 'restored fail 0.5 accept 6 drop', (lines) => lines.at(-1), '6.5 status disconnected closed_by_peer 1', '6.5 status disconnected closed_by_peer 0.5'],
  stable_timer_left: ['auto', `${UP} drop 0.5 accept 9.5 drop`, (lines) => lines.at(-1), '10 status disconnected closed_by_peer 1', '10 status disconnected closed_by_peer 0.5'],
  lost_while_throttled: ['auto', `${UP} throttle frame`, (lines) => count(lines, /delivered/), 1, 0],
  lost_in_background: ['manual', `${MANUAL_UP} background frame`, (lines) => count(lines, /delivered/), 1, 0],
  message_while_closing: ['auto', `${UP} disconnect frame`, (lines) => count(lines, /delivered/), 0, 1],
  throttled_refuses: ['auto', `${UP} throttle ping`, (lines) => count(lines, /ping 1 1/), 1, 0],
  throttled_for_ever: ['auto', `${UP} throttle drop 1 accept`, (lines) => lines.at(-1), '1 status connected opened', '1 status feature_throttled opened'],
  joining_connect_moves_window: ['manual', 'restored background connect 5 connect accept 25', (lines) => count(lines, /background_timeout/), 1, 0],
  refused_ping_extends: ['manual', 'restored background connect 5 ping accept 25', (lines) => count(lines, /background_timeout/), 1, 0],
  only_first_ping_extends: ['manual', `${MANUAL_UP} background 20 ping pong 20 ping pong 20`, (lines) => count(lines, /close_begun/), 0, 1],
  background_repeated: ['manual', `${MANUAL_UP} background 15 background 15`, (lines) => count(lines, /close_begun/), 1, 0],
  window_survives_foreground: ['manual', `${MANUAL_UP} background foreground pong 30`, (lines) => count(lines, /close_begun/), 0, 1],
  network_loss_survives_background: ['manual', `${MANUAL_UP} background down up`, (lines) => count(lines, /dialled/), 1, 2],
  heartbeat_in_background: ['manual', `${MANUAL_UP} 10 background 20`, (lines) => count(lines, /own/), 0, 1],
  no_heartbeat: ['auto', `${UP} 30`, (lines) => count(lines, /own/), 1, 0],
  no_probe: ['manual', `${MANUAL_UP} background foreground`, (lines) => count(lines, /own/), 1, 0],
  slow_probe: ['manual', `${MANUAL_UP} background foreground 5`, (lines) => count(lines, /no_answer/), 1, 0],
  own_frames_prove_life: ['auto', `${UP} 20 send 10`, (lines) => count(lines, /own/), 1, 0],
  deadline_while_paused: ['auto', `${UP} ping pause 10`, (lines) => count(lines, /ERR_PING_TIMEOUT/), 0, 1],
  deadline_never_resumed: ['auto', `${UP} ping pause 3 resume 10`, (lines) => count(lines, /returned 1/), 1, 0],
  any_pong_answers: ['auto', `${UP} ping ping pong`, (lines) => lines.at(-1), '0 returned 1 well', '0 returned 2 well'],
  ping_outlives_loss: ['auto', `${UP} ping drop`, (lines) => count(lines, /returned 1/), 1, 0],
  refresh_never_forgotten: ['auto', 'restored refuse_401 refreshed accept 20 close_4401', (lines) => count(lines, /refreshing/), 2, 1],
  refresh_every_time: ['auto', 'restored refuse_401 refreshed refuse_401', (lines) => count(lines, /refreshing/), 1, 2],
  policy_forgets_403: ['auto', 'restored refuse_403', (lines) => count(lines, /refreshing/), 1, 0],
  policy_forgets_3003: ['auto', `${UP} close_3003`, (lines) => count(lines, /refreshing/), 1, 0],
  policy_ends_at_4998: ['auto', `${UP} close_4999`, (lines) => count(lines, /disconnected refused/), 1, 0],
  policy_takes_1011_for_final: ['auto', `${UP} close_1011`, (lines) => count(lines, /disconnected refused/), 0, 1],
  policy_takes_all_3xxx_for_final: ['auto', `${UP} close_3001`, (lines) => count(lines, /disconnected refused/), 0, 1],
  refusal_outlives_background: ['auto', `${UP} close_1008 background foreground`, (lines) => count(lines, /dialled/), 2, 1],
  dial_never_given_up: ['auto', 'restored 10', (lines) => count(lines, /dial_failed/), 1, 0],
  close_never_aborted: ['auto', `${UP} disconnect 5`, (lines) => count(lines, /gone/), 1, 0],
  connect_dials_offline: ['manual', 'restored down connect', (lines) => count(lines, /dialled/), 0, 1],
  connect_returns_twice: ['auto', `${UP} connect`, (lines) => count(lines, /returned 1 well/), 1, 2],
  cancelled_connect_disconnects: ['manual', 'restored connect cancel:1 accept', (lines) => count(lines, /connected opened/), 1, 0],
  foreground_waits: ['auto', 'restored background foreground', (lines) => count(lines, /dialled/), 2, 1],
  network_up_waits: ['auto', 'restored fail down up', (lines) => count(lines, /dialled/), 2, 1],
  retry_survives_network_loss: ['auto', 'restored fail down 1', (lines) => count(lines, /dialled/), 1, 2],
  hold_ends_with_network: ['auto', `${UP} disconnect closed down up`, (lines) => count(lines, /dialled/), 1, 2],
  login_dials_in_background: ['auto', 'background login authenticated saved', (lines) => count(lines, /dialled/), 0, 1],
  restored_dials_in_background: ['auto', 'background restored', (lines) => count(lines, /dialled/), 0, 1],
  login_replaces_user: ['auto', 'login authenticated saved login:bob', (lines) => count(lines, /ERR_ALREADY_LOGGED_IN/), 1, 0],
  save_outlives_login: ['auto', 'login authenticated cancel:1', (lines) => count(lines, /stored clear/), 1, 0],
  logout_keeps_user: ['auto', `${UP} logout`, (lines) => count(lines, /stored clear/), 1, 0],
  shut_down_clears_user: ['auto', `${UP} shut_down`, (lines) => count(lines, /stored clear/), 0, 1],
  status_told_again: ['auto', 'restored refuse_401', (lines) => count(lines, /status connecting/), 1, 2],
};

test('every bug has a script that shows it', () => {
  assert.deepEqual(Object.keys(shows).toSorted(), BUGS.toSorted());
});

for (const [bug, [mode, script, look, well, badly, draws]] of Object.entries(shows)) {
  test(`the bug ${bug} can be seen`, async () => {
    assert.equal(look(await play(mode, script, { draws })), well);
    assert.equal(look(await play(mode, script, { draws, bug })), badly);
  });
}

// -- the process -------------------------------------------------------------------------------

function process(lines, ...words) {
  const subject = fileURLToPath(new URL('subject.mjs', import.meta.url));
  const input = lines.map((entry) => `${typeof entry === 'string' ? entry : JSON.stringify(entry)}\n`).join('');
  const done = spawnSync('node', [subject, ...words], { input, encoding: 'utf8' });
  return { answers: done.stdout.trim().split('\n').filter(Boolean).map((entry) => JSON.parse(entry)), exit: done.status };
}

test('the process answers every line, wrong ones with an error, and goes on', () => {
  const { answers, exit } = process([
    { id: 1, do: 'hello', protocol: 1 },
    { id: 2, do: 'steps', steps: [] },
    'nonsense',
    '[]',
    'null',
    { id: 3, do: 'open', mode: 'other' },
    { id: 4, do: 'open', mode: 'auto', timings: { patience: 1 } },
    { id: 5, do: 'open', mode: 'auto', foreground: true, online: true, timings: TIMINGS, draws: [0.5] },
    { id: 6, do: 'steps', steps: [{ do: 'restored', what: 'alice' }, { do: 'fly' }] },
    { id: 7, do: 'steps', steps: [{ do: 'toString', what: 'x' }] },
    { id: 8, do: 'steps', steps: [{ do: 'peer', what: 'accept' }] },
    { id: 9, do: 'bye' },
    { id: 10, do: 'hello', protocol: 1 },
  ]);
  assert.equal(exit, 0);
  assert.deepEqual(answers.map(({ id, error }) => [id, error !== undefined]), [
    [1, false], [2, true], [null, true], [null, true], [null, true], [3, true], [4, true], [5, false], [6, true], [7, true], [8, false], [9, false],
  ]);
  assert.deepEqual(answers.at(-2).seen, [[]]);
});

test('the process ends with its input, and knows its bugs', () => {
  assert.equal(process([{ id: 1, do: 'hello', protocol: 1 }]).exit, 0);
  assert.match(process([{ id: 1, do: 'hello', protocol: 1 }], '--bug', 'no_jitter').answers[0].name, /no_jitter/);
  assert.equal(process([], '--bug', 'no_such').exit, 2);
});
