/**
 * A machine and everything around it, played step by step: `statemodel/_world.py`. Every step tells what
 * happened: each input of the machine, the rows that it took, and its effects.
 */

import { nextUp } from './numbers.mjs';
import { Broken } from './model.mjs';
import { standIn } from './ends.mjs';
import { Machine } from './machine.mjs';
import { Surroundings } from './surroundings.mjs';

const CALLS = {
  logout: 'Logout',
  connect: 'Connect',
  disconnect: 'Disconnect',
  ping: 'Ping',
  send: 'Send',
  shut_down: 'ShutDown',
};

/** What the server says in a frame, which is a sign of life like any other (P4). */
const IN_A_FRAME = ['throttle', 'unthrottle'];

const NEWS = {
  background: 'EnterBackground',
  foreground: 'EnterForeground',
  down: 'NetworkLost',
  up: 'NetworkRestored',
};

/** More than this is no run to look at; a link may ask for any time. */
const MOST_FIRED = 20_000;

export class World extends Surroundings {
  /**
   * @param {Model} model The compiled chart.
   * @param {object} opening `chosen`: which of its starts; `timings`: all settings.
   */
  constructor(model, { chosen, timings }) {
    super(model, timings.auth_timeout);
    this.machine = new Machine(model, chosen, timings);
    this.draw = 0.5;
    /** Why nothing more happens, if that is so: the machine broke down, or the run is too long. */
    this.stopped = null;
    /** What a listener will do when it is told a status, and what it has just done (T4). */
    this.armed = [];
    this.calling = [];
    /** How many times something was due. */
    this.fired = 0;
    /** What the last step did: inputs with their time, draw, rows and effects. */
    this.happened = [];
  }

  /** An equal world that goes its own way. */
  copy() {
    const other = Object.assign(Object.create(World.prototype), this);
    other.machine = this.machine.copy();
    other.waiting = new Map(this.waiting);
    other.calls = new Map(this.calls);
    return other;
  }

  get nextDeadline() {
    return Math.min(this.machine.nextDeadline ?? Infinity, this.jobUntil);
  }

  /** What is due and when: timers, pings, and the store's patience; the earliest first. */
  get due() {
    const { machine } = this;
    const due = [...machine.deadlines].map(([name, deadline]) => ({ name, deadline }));
    for (const [payload, ping] of machine.pings.running) {
      due.push({ name: ping.own ? 'own ping' : 'ping', deadline: ping.deadline, payload });
    }
    if (this.jobUntil < Infinity) due.push({ name: 'store', deadline: this.jobUntil });
    return due.sort((one, other) => one.deadline - other.deadline || (one.name < other.name ? -1 : 1));
  }

  /** Play one step; one for which the moment is not right does nothing. */
  play(step) {
    this.draw = step.draw;
    this.happened = [];
    if (this.jobUntil < this.now && step.do !== 'sleep') {
      this._handle(this.finishJob('did not answer'));
    }
    if (step.inside) {
      const others = this.armed.filter((armed) => armed.step.inside !== step.inside);
      this.armed = [...others, { step, command: this._number(step) }];
      return;
    }
    switch (step.do) {
      case 'cancel':
        if (this.waiting.delete(step.number)) this._handle({ type: 'Cancel', command: step.number });
        break;
      case 'restored':
        this._handle({ type: 'SessionRestored', user: { uid: step.what, auth_token: '' } });
        break;
      case 'peer':
      case 'authenticator':
      case 'store':
      case 'reader':
        for (const word of IN_A_FRAME.includes(step.what) ? ['frame', step.what] : [step.what]) {
          const possible = this.possibleAnswers().includes(standIn(this.model, word));
          if (this.stopped === null && possible) this._handle(this.answer(word));
        }
        break;
      case 'wait':
      case 'reach':
        this._passTime(this.now + step.number, step.do === 'wait');
        break;
      case 'sleep':
        this.now += step.number;
        break;
      case 'custom':
        this._handle({ type: 'Custom', name: step.what });
        break;
      default:
        this._handle(this._begun(step, this._number(step)));
    }
  }

  /** How long to wait until a time, and not a rounding error less. */
  secondsUntil(time) {
    let seconds = Math.max(0, time - this.now);
    while (this.now + seconds < time) seconds = nextUp(seconds);
    return seconds;
  }

  /** The number of a call, by which it is known from here on; a report has none. */
  _number(step) {
    if (newsOf(step)) return null;
    this.commands += 1;
    return this.commands;
  }

  /** Note a call or a report; return the event that it is for the machine. */
  _begun(step, command) {
    if (command === null) return { type: newsOf(step), command: null };
    this.waiting.set(command, step.do);
    this.calls.set(command, step.do);
    if (step.do !== 'login') return { type: CALLS[step.do], command };
    return { type: 'Login', command, credentials: { uid: step.what, auth_token: '' } };
  }

  _passTime(until, inclusive) {
    while (this.stopped === null) {
      const due = this.nextDeadline;
      if (!(due < until || (inclusive && due === until))) break;
      this.fired += 1;
      if (this.fired > MOST_FIRED) {
        this.stopped = `more than ${MOST_FIRED} deadlines have fired in this run`;
        break;
      }
      this.now = Math.max(this.now, due);
      this._handle({ type: 'TimePassed' });
      if (this.jobUntil <= this.now) this._handle(this.finishJob('did not answer'));
    }
    this.now = Math.max(this.now, until);
  }

  /** Let the machine take an event, and then what listeners have called meanwhile (T4). */
  _handle(event) {
    this._take(event);
    while (this.calling.length) {
      const [{ step, command }, ...rest] = this.calling;
      this.calling = rest;
      this.draw = step.draw;
      this._take(this._begun(step, command));
    }
  }

  _take(event) {
    if (this.stopped !== null) return;
    const { machine, now, draw } = this;
    const before = machine.at;
    try {
      const effects = machine.handle(event, now, draw);
      this.happened.push({ event, now, draw, before, after: machine.at, rows: machine.rows, effects });
      for (const effect of effects) {
        this.perform(effect);
        if (effect.type === 'ChangeStatus') this._tell(effect.change.current);
      }
    } catch (error) {
      if (!(error instanceof Broken)) throw error;
      this.wonder(`the machine broke down: ${error.message}`);
      this.stopped = `the machine broke down: ${error.message}`;
    }
  }

  /** A status is told: what was to be called inside its callback is called next. */
  _tell(status) {
    this.calling = [...this.calling, ...this.armed.filter(({ step }) => step.inside === status)];
    this.armed = this.armed.filter(({ step }) => step.inside !== status);
  }
}

/** The event that a report is; nothing for calls. */
function newsOf({ do: word, what }) {
  return NEWS[word === 'network' ? what : word];
}
