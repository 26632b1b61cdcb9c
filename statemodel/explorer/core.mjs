/**
 * What a machine holds, and what one row of the table does to it: `statemodel/_core.py`, line by line.
 * Additions are made in the order in which Python makes them.
 */

import { Broken, HANDLED, REFUSED, STALE } from './model.mjs';
import { Pings } from './pings.mjs';

function backoff(failures, draw, timings) {
  const ceiling = timings.backoff_base * 2 ** Math.min(failures - 1, 1023);
  return draw * Math.min(timings.backoff_cap, ceiling);
}

export class Core {
  /**
   * @param {Model} model The compiled chart.
   * @param {string[]} chosen Which of its starts.
   * @param {object} timings The settings, all of them.
   */
  constructor(model, chosen, timings) {
    this.model = model;
    this.timings = timings;
    this.at = model.start(chosen);
    this.deadlines = new Map();
    this.waiting = new Map();
    this.pings = new Pings();
    this.generation = 0;
    this.login = 0;
    this.clear = 0;
    this.failures = 0;
    this.clearAnswer = '';
    this.clearing = [];
    this.notBefore = -Infinity;
    this.foregroundAt = -Infinity;
    this.user = null;
    this.candidate = null;
    this.credentials = null;
    this.details = '';
    const status = this.status;
    this.change = {
      sequence: 0, time: 0, previous: status, current: status, reason: null, retry_in: null,
    };
    /** The rows that the last input asked for, in order. */
    this.rows = [];
    this.command = null;
    this.draw = 0;
    this.now = 0;
    this.out = [];
  }

  /** An equal machine with a life of its own. */
  copy() {
    const other = Object.assign(Object.create(Object.getPrototypeOf(this)), this);
    other.deadlines = new Map(this.deadlines);
    other.waiting = new Map(this.waiting);
    other.pings = this.pings.copy();
    return other;
  }

  // -- what one may ask ----------------------------------------------------------------------

  get configuration() {
    return this.model.active[this.at];
  }

  get status() {
    return this.model.statuses[this.at];
  }

  get deadEnd() {
    return this.model.deadEnds[this.at];
  }

  get pending() {
    const commands = [...this.waiting.values(), this.clearing, this.pings.commands].flat();
    return [...new Set(commands)].sort((one, other) => one - other);
  }

  get nextDeadline() {
    const first = Math.min(this.pings.nextDeadline, ...this.deadlines.values());
    return first === Infinity ? null : first;
  }

  embargoed(now) {
    return this.notBefore > now;
  }

  /** The row that an event would take now. */
  rowOf(event, now) {
    return this.model.row(this.at, event, this.embargoed(now));
  }

  // -- one row -------------------------------------------------------------------------------

  hears(name) {
    const heard = !this.model.stale[this.at].has(name);
    if (!heard) this.rows.push(this.rowOf(name, this.now));
    return heard;
  }

  /** Take the row of an event; return whether it was accepted. */
  step(name, command = null, kind = null) {
    const row = this.rowOf(name, this.now);
    this.rows.push(row);
    if (this.rows.length > this.model.machine.most_rows) {
      throw new Broken(`${name} fires again and again`);
    }
    if (row.disposition === REFUSED) {
      if (command !== null) {
        this.out.push({ type: 'Fail', command, code: row.refusal.code, details: '' });
      }
      return false;
    }
    if (row.disposition === STALE) return false;
    if (kind !== null && command !== null) {
      this.waiting.set(kind, [...(this.waiting.get(kind) ?? []), command]);
    }
    if (row.disposition === HANDLED) {
      this.command = command;
      this.at = row.target;
      const { actions, settled, reason } = row.step;
      for (const action of actions) this._act(action);
      if (reason !== null) this._announce(reason);
      for (const [ended, failure] of settled) this._settle(ended, failure);
    }
    return true;
  }

  _announce(reason) {
    const last = this.change;
    const { status } = this;
    const retryIn = this.retryIn(this.now);
    if (last.current === status && last.reason === reason && last.retry_in === retryIn) return;
    this.change = {
      sequence: last.sequence + 1,
      time: this.now,
      previous: last.current,
      current: status,
      reason,
      retry_in: retryIn,
    };
    this.out.push({ type: 'ChangeStatus', change: this.change });
  }

  retryIn(now) {
    const due = this.deadlines.get('retry') ?? this.deadlines.get('embargo');
    return due === undefined ? null : Math.max(0, due - now);
  }

  _settle(kind, code) {
    if (kind === 'ping') {
      for (const command of this.pings.clear()) this.end(command, code);
      return;
    }
    const commands = this.waiting.get(kind) ?? [];
    this.waiting.delete(kind);
    let how = code;
    if (kind === 'logout' && code === null) {
      if (this.clearAnswer === null) {
        this.clearing = [...this.clearing, ...commands];
        return;
      }
      how = this.clearAnswer ? 'ERR_SESSION_NOT_CLEARED' : null;
    }
    for (const command of commands) this.end(command, how, kind === 'login' ? this.user : null);
  }

  end(command, code, value = null) {
    if (code === null) {
      this.out.push({ type: 'Succeed', command, value });
      return;
    }
    let details = this.model.explained.has(code) ? this.details : '';
    if (code === 'ERR_SESSION_NOT_CLEARED') details = this.clearAnswer ?? '';
    this.out.push({ type: 'Fail', command, code, details });
  }

  _act(action) {
    const meaning = ACTIONS.get(action);
    if (meaning) {
      meaning(this, action);
      return;
    }
    const [verb, timer] = [action.slice(0, action.indexOf('_')), action.slice(action.indexOf('_') + 1)];
    if (verb === 'start' && this.model.order.has(timer)) this._start(timer);
    else if (verb === 'stop' && this.model.order.has(timer)) this.deadlines.delete(timer);
    else this.out.push({ type: 'Custom', name: action });
  }

  _start(timer) {
    const { now, timings } = this;
    let deadline;
    if (timer === 'retry') {
      deadline = Math.max(now, this.notBefore);
      deadline += backoff(this.failures, this.draw, timings);
    } else if (timer === 'embargo') {
      deadline = this.notBefore;
    } else if (timer === 'heartbeat') {
      deadline = Math.max(this.pings.heardAt, this.foregroundAt);
      deadline = Math.max(now, deadline + timings.heartbeat_interval);
    } else {
      deadline = now + timings[this.model.lengths.get(timer)];
    }
    this.deadlines.set(timer, deadline);
  }
}

// -- actions -----------------------------------------------------------------------------------

function knownUser(machine) {
  if (machine.user === null) throw new Broken('S8: nobody dials without a user');
  return machine.user;
}

function send(machine, action) {
  const limit = action === 'send_probe' ? machine.timings.probe_timeout : machine.timings.pong_timeout;
  const own = action !== 'send_ping';
  const command = own ? null : machine.command;
  const payload = machine.pings.send(machine.now, limit, command, own);
  machine.out.push({ type: 'SendPing', generation: machine.generation, payload, command });
}

const ACTIONS = new Map(Object.entries({
  abort(machine) {
    machine.out.push({ type: 'Abort', generation: machine.generation });
    machine.generation += 1;
  },
  adopt_user(machine) {
    machine.user = machine.candidate;
    machine.candidate = null;
  },
  authenticate(machine) {
    const { credentials } = machine;
    if (credentials === null) throw new Broken('S1: a login brings credentials');
    machine.login += 1;
    machine.out.push({ type: 'Authenticate', generation: machine.login, credentials });
    machine.credentials = null;
  },
  cancel_login(machine) {
    machine.out.push({ type: 'CancelLogin', generation: machine.login });
    machine.login += 1;
    machine.candidate = null;
  },
  clear(machine) {
    machine.clear += 1;
    machine.clearAnswer = null;
    machine.out.push({ type: 'Clear', generation: machine.clear });
  },
  close(machine) {
    machine.out.push({ type: 'Close', generation: machine.generation });
  },
  count_failure(machine) {
    machine.failures += 1;
  },
  dial(machine) {
    machine.generation += 1;
    machine.out.push({ type: 'Dial', generation: machine.generation, user: knownUser(machine) });
  },
  discard_unread(machine) {
    machine.out.push({ type: 'DiscardUnread' });
  },
  drop_user(machine) {
    machine.user = null;
  },
  forget_failures(machine) {
    machine.failures = 0;
  },
  note_foreground(machine) {
    machine.foregroundAt = machine.now;
  },
  refresh(machine) {
    machine.generation += 1;
    machine.out.push({ type: 'Refresh', generation: machine.generation, user: knownUser(machine) });
  },
  save(machine) {
    if (machine.candidate === null) throw new Broken('S1: authentication brings a user');
    machine.out.push({ type: 'Save', generation: machine.login, user: machine.candidate });
  },
  send_heartbeat: send,
  send_ping: send,
  send_probe: send,
}));
