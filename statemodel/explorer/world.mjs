/**
 * A machine and everything around it, played step by step: `statemodel/_world.py`. Every step tells what
 * happened: each input of the machine, the rows that it took, and its effects.
 */

import { nextUp } from './numbers.mjs';
import { Broken } from './model.mjs';
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
    switch (step.do) {
      case 'cancel':
        if (this.waiting.delete(step.number)) this._handle({ type: 'Cancel', command: step.number });
        break;
      case 'background':
      case 'foreground':
        this._handle({ type: NEWS[step.do], command: null });
        break;
      case 'network':
        this._handle({ type: NEWS[step.what], command: null });
        break;
      case 'restored':
        this._handle({ type: 'SessionRestored', user: { uid: step.what, auth_token: '' } });
        break;
      case 'peer':
      case 'authenticator':
      case 'store':
      case 'reader':
        if (this.stopped === null && this.possibleAnswers().includes(step.what)) {
          this._handle(this.answer(step.what));
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
        this._call(step.do, step.what);
    }
  }

  /** How long to wait until a time, and not a rounding error less. */
  secondsUntil(time) {
    let seconds = Math.max(0, time - this.now);
    while (this.now + seconds < time) seconds = nextUp(seconds);
    return seconds;
  }

  _call(name, uid) {
    this.commands += 1;
    const command = this.commands;
    this.waiting.set(command, name);
    this.calls.set(command, name);
    if (name === 'login') {
      this._handle({ type: 'Login', command, credentials: { uid, auth_token: '' } });
    } else {
      this._handle({ type: CALLS[name], command });
    }
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

  _handle(event) {
    if (this.stopped !== null) return;
    const { machine, now, draw } = this;
    const before = machine.at;
    try {
      const effects = machine.handle(event, now, draw);
      this.happened.push({ event, now, draw, before, after: machine.at, rows: machine.rows, effects });
      for (const effect of effects) this.perform(effect);
    } catch (error) {
      if (!(error instanceof Broken)) throw error;
      this.wonder(`the machine broke down: ${error.message}`);
      this.stopped = `the machine broke down: ${error.message}`;
    }
  }
}
