/**
 * The sans-I/O machine: `statemodel/_machine.py`, line by line, on the same table. A test drives both
 * through the same histories and compares everything.
 */

import { general, pythonFloat } from './numbers.mjs';
import { InvalidInput } from './model.mjs';
import { Core } from './core.mjs';

const COMMANDS = { Logout: 'logout', Connect: 'connect', Disconnect: 'disconnect' };
const REPORTS = {
  EnterBackground: 'enter_background',
  EnterForeground: 'enter_foreground',
  NetworkLost: 'network_lost',
  NetworkRestored: 'network_restored',
};
const LOGIN_OUTCOMES = {
  AuthenticationFailed: 'authentication_failed',
  SaveSucceeded: 'save_succeeded',
  SaveFailed: 'save_failed',
};
const ENDS = { auth: 'credentials_denied', terminal: 'server_refused' };

/** Say how something ended: the HTTP status or close code, and what is known beside it. */
function explain(details, status, code) {
  const reply = status ? `HTTP ${status}` : code ? `close code ${code}` : '';
  if (!reply || details.includes(reply)) return details;
  return details ? `${reply}: ${details}` : reply;
}

/** One connection's behaviour, without its sockets, tasks and clock. */
export class Machine extends Core {
  // -- one input -----------------------------------------------------------------------------

  /**
   * Take one input and return what is to be done about it, in order.
   *
   * @param {object} event With its `type`, as the classes of `statemodel.events` are called.
   * @param {number} now Seconds, finite.
   * @param {number} [draw] In [0, 1).
   */
  handle(event, now, draw = 0) {
    const take = INTAKE.get(event.type);
    if (!take || (event.type === 'Custom' && !this.model.isCustom(event.name))) {
      const shown = take ? `Custom(name='${event.name}')` : event.type;
      throw new InvalidInput(`${shown} is no event of ${this.model.chart}`);
    }
    if (!Number.isFinite(now) || !(draw >= 0 && draw < 1)) {
      const numbers = `${pythonFloat(now)}, ${pythonFloat(draw)}`;
      throw new InvalidInput(`now must be finite and draw in [0, 1): ${numbers}`);
    }
    this.now = now;
    this.draw = draw;
    this.out = [];
    this.rows = [];
    const first = this.nextDeadline;
    if (first !== null && first <= now) this._fire(event.type === 'TimePassed');
    take(this, event);
    return this.out;
  }

  _fire(inclusive) {
    for (let due = this._overdue(inclusive); due; due = this._overdue(inclusive)) {
      const overslept = this.now - due.deadline > this.model.machine.wake_tolerance;
      if (due.payload !== null) {
        this._pingDue(due.payload, overslept);
        continue;
      }
      this.deadlines.delete(due.name);
      this.details = this.model.givenUp.get(due.name) ?? this.details;
      if (overslept && due.name === 'heartbeat') this._probeAfterSleep();
      else this.step(`${due.name}_due`);
    }
  }

  /** The deadline to fire next: the earliest, then by the fixed order (H4). */
  _overdue(inclusive) {
    const { now } = this;
    const grace = this.deadlines.get('grace') ?? now;
    if (now - grace > this.model.machine.wake_tolerance) {
      return { deadline: grace, name: 'grace', payload: null };
    }
    const late = (deadline) => deadline < now || (inclusive && deadline === now);
    const { order } = this.model;
    const found = [];
    for (const [name, deadline] of this.deadlines) {
      if (late(deadline)) found.push({ deadline, rank: order.get(name), name, payload: null });
    }
    for (const [payload, { deadline }] of this.pings.running) {
      if (late(deadline)) found.push({ deadline, rank: order.size, name: '', payload });
    }
    // Of pings due together the first payload by its bytes is the first, as in Python.
    const before = (one, other) =>
      one.deadline - other.deadline || one.rank - other.rank || (one.payload < other.payload ? -1 : 1);
    return found.sort(before)[0] ?? null;
  }

  _pingDue(payload, overslept) {
    if (overslept) {
      this._probeAfterSleep();
      return;
    }
    const [ping, silent] = this.pings.expire(payload);
    if (ping.command !== null) this.end(ping.command, 'ERR_PING_TIMEOUT');
    if (silent) {
      this.details = `no frame within ${general(ping.limit)} s of a ping`;
      this.step('peer_silent');
    } else if (ping.own && !this.pings.ownOut) {
      this.step('own_pings_over');
    }
  }

  _probeAfterSleep() {
    if (!this.pings.postpone(this.now, this.now + this.timings.probe_timeout)) this.step('overslept');
  }
}

// -- how each event is taken in ----------------------------------------------------------------

function takeLogin(machine, event) {
  const { user, credentials: before } = machine;
  if (user !== null && user.uid === event.credentials.uid) {
    if (machine.step('login_again', event.command)) machine.end(event.command, null, user);
    return;
  }
  machine.credentials = event.credentials;
  if (!machine.step('login', event.command, 'login')) machine.credentials = before;
}

function takeCommand(machine, event) {
  const name = COMMANDS[event.type];
  machine.step(name, event.command, name);
}

function takeSend(machine, event) {
  if (machine.step('send_message', event.command)) machine.end(event.command, null);
}

function takeShutDown(machine, event) {
  machine.step('shut_down', event.command, 'shut_down');
  const { clearing } = machine;
  machine.clearing = [];
  for (const command of clearing) machine.end(command, 'ERR_CLOSED');
}

function takeCancel(machine, event) {
  for (const [kind, commands] of machine.waiting) {
    if (commands.includes(event.command)) {
      machine.waiting.set(kind, commands.filter((command) => command !== event.command));
      if (machine.model.calledOff.has(kind)) machine.step(machine.model.calledOff.get(kind));
      return;
    }
  }
  machine.clearing = machine.clearing.filter((command) => command !== event.command);
  machine.pings.forget(event.command);
}

function takeReport(machine, event) {
  machine.step(REPORTS[event.type], event.command ?? null);
}

function takeSessionRestored(machine, event) {
  if (!machine.hears('session_restored')) return;
  machine.candidate = event.user;
  machine.step('session_restored');
}

function takeAuthenticated(machine, event) {
  if (event.generation !== machine.login || !machine.hears('authentication_succeeded')) return;
  machine.candidate = event.user;
  machine.step('authentication_succeeded');
}

function takeLoginOutcome(machine, event) {
  const name = LOGIN_OUTCOMES[event.type];
  if (event.generation !== machine.login || !machine.hears(name)) return;
  machine.details = event.details ?? '';
  machine.step(name);
}

function takeSessionCleared(machine, event) {
  if (event.generation !== machine.clear || machine.clearAnswer !== null) return;
  machine.clearAnswer = event.error || '';
  const { clearing } = machine;
  machine.clearing = [];
  const code = event.error ? 'ERR_SESSION_NOT_CLEARED' : null;
  for (const command of clearing) machine.end(command, code);
}

function takeDialSucceeded(machine, event) {
  if (event.generation !== machine.generation || !machine.hears('dial_succeeded')) return;
  machine.pings.open(machine.now);
  machine.step('dial_succeeded');
}

function takeDialFailed(machine, event) {
  if (event.generation !== machine.generation || !machine.hears('dial_failed')) return;
  const status = event.http_status ?? null;
  const code = event.close_code ?? null;
  const wait = event.retry_after ?? null;
  let end = machine.model.end(status, code);
  if (wait !== null && wait > 0 && machine.model.believes(status)) {
    machine.notBefore = machine.now + Math.min(wait, machine.timings.retry_after_cap);
    end = 'loss';
  }
  machine.details = explain(event.details ?? '', status, code);
  machine.step(ENDS[end] ?? 'dial_failed');
}

function takeSocketClosed(machine, event) {
  if (event.generation !== machine.generation || !machine.hears('socket_closed')) return;
  const code = event.code ?? 1006;
  machine.details = explain(event.details ?? '', null, code);
  machine.step(ENDS[machine.model.end(null, code)] ?? 'socket_closed');
}

function takeRefreshSucceeded(machine, event) {
  if (event.generation !== machine.generation || !machine.hears('refresh_succeeded')) return;
  machine.user = event.user;
  machine.out.push({ type: 'KeepUser', user: event.user });
  machine.step('refresh_succeeded');
}

function takeRefreshFailed(machine, event) {
  if (event.generation !== machine.generation || !machine.hears('refresh_failed')) return;
  const refused = machine.details ? `${machine.details}; ` : '';
  machine.details = refused + (event.details || 'no new credentials');
  machine.step(event.refused ? 'server_refused' : 'refresh_failed');
}

function takeFrame(machine, event) {
  if (event.generation !== machine.generation) return;
  machine.pings.frame(machine.now);
  if (machine.deadlines.has('heartbeat')) {
    machine.deadlines.set('heartbeat', machine.now + machine.timings.heartbeat_interval);
  }
}

function takePong(machine, event) {
  if (event.generation !== machine.generation) return;
  takeFrame(machine, event);
  const ping = machine.pings.answer(event.payload);
  if (ping === null) return;
  if (ping.command !== null) machine.end(ping.command, null, machine.now - ping.writtenAt);
  if (ping.own && !machine.pings.ownOut) machine.step('own_pings_over');
}

function takePingWritten(machine, event) {
  if (event.generation === machine.generation) machine.pings.written(event.payload, machine.now);
}

function takeReading(machine, event) {
  if (event.generation !== machine.generation) return;
  machine.pings.read(machine.now, event.type === 'ReadingResumed');
}

function takeThrottling(machine, event) {
  if (event.generation !== machine.generation) return;
  machine.step(event.type === 'ThrottlingStarted' ? 'throttling_started' : 'throttling_ended');
}

const INTAKE = new Map(Object.entries({
  Login: takeLogin,
  Logout: takeCommand,
  Connect: takeCommand,
  Disconnect: takeCommand,
  Ping: (machine, event) => machine.step('ping', event.command),
  Send: takeSend,
  ShutDown: takeShutDown,
  Cancel: takeCancel,
  EnterBackground: takeReport,
  EnterForeground: takeReport,
  NetworkLost: takeReport,
  NetworkRestored: takeReport,
  SessionRestored: takeSessionRestored,
  AuthenticationSucceeded: takeAuthenticated,
  AuthenticationFailed: takeLoginOutcome,
  SaveSucceeded: takeLoginOutcome,
  SaveFailed: takeLoginOutcome,
  SessionCleared: takeSessionCleared,
  DialSucceeded: takeDialSucceeded,
  DialFailed: takeDialFailed,
  SocketClosed: takeSocketClosed,
  RefreshSucceeded: takeRefreshSucceeded,
  RefreshFailed: takeRefreshFailed,
  FrameReceived: takeFrame,
  PongReceived: takePong,
  PingWritten: takePingWritten,
  ReadingPaused: takeReading,
  ReadingResumed: takeReading,
  ThrottlingStarted: takeThrottling,
  ThrottlingEnded: takeThrottling,
  TimePassed: () => {},
  Custom: (machine, event) => machine.step(event.name),
}));
