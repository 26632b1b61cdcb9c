/**
 * What surrounds the machine in a script: authenticator, store, peer and socket, as data. As
 * `statemodel/_surroundings.py`, without its trace.
 */

import { general } from './numbers.mjs';
import { closeCode, dialEnd } from './ends.mjs';

const STORE_ANSWERS = { save: ['saved', 'not_saved'], clear: ['cleared', 'not_cleared'] };

export class Surroundings {
  constructor(model, patience) {
    this.model = model;
    this.now = 0;
    /** What was asked for and cannot be done: sentences with their times. */
    this.impossible = [];
    /** The calls that have not ended, with their names. */
    this.waiting = new Map();
    /** All calls, with their names. */
    this.calls = new Map();
    this.patience = patience;
    this.commands = 0;
    this.dialling = null;
    this.open = null;
    this.closing = null;
    this.answered = -1;
    this.refreshing = null;
    this.login = null;
    this.jobs = [];
    this.jobUntil = Infinity;
    this.out = [];
    this.reading = true;
    this.throttled = false;
  }

  /** The answers that something waits for now. */
  possibleAnswers() {
    const answers = [];
    if (this.login) answers.push('authenticated', 'not_authenticated');
    if (this.jobs.length) answers.push(...STORE_ANSWERS[this.jobs[0].kind]);
    if (this.refreshing) answers.push('refreshed', 'not_refreshed', 'revoked');
    if (this.dialling !== null) answers.push('accept', ...Object.keys(this.model.script.dial_ends));
    if (this.closing !== null) answers.push('closed');
    if (this.open !== null || this.closing !== null) {
      answers.push(...Object.keys(this.model.script.close_codes));
    }
    if (this.open !== null) {
      const throttling = this.throttled ? 'unthrottle' : 'throttle';
      answers.push(...(this.reading ? [throttling, 'frame', 'pause'] : ['resume']));
      if (this.out.length && this.reading) answers.push('pong');
    }
    return answers;
  }

  /** Let a possible answer happen; return the event that it is for the machine. */
  answer(word) {
    const end = dialEnd(this.model, word);
    if (end !== null) return this._endDial(end);
    const closed = closeCode(this.model, word);
    if (closed !== null && this.open !== null) return this._endSocket(closed);
    if (closed !== null || word === 'closed') return this._endClosing(closed ?? 1000);
    return this._otherAnswer(word);
  }

  _endDial([status, code, wait]) {
    const generation = this.dialling;
    this.dialling = null;
    this.answered = generation;
    return { type: 'DialFailed', generation, http_status: status, close_code: code, retry_after: wait };
  }

  _endSocket(code) {
    const generation = this.open;
    this.open = null;
    this.answered = generation;
    this.out = [];
    return { type: 'SocketClosed', generation, code };
  }

  _endClosing(code) {
    const generation = this.closing;
    this.closing = null;
    this.answered = generation;
    return { type: 'SocketClosed', generation, code };
  }

  _otherAnswer(word) {
    switch (word) {
      case 'accept': {
        const generation = this.dialling;
        this.dialling = null;
        this.open = generation;
        this.reading = true;
        this.throttled = false;
        this.out = [];
        return { type: 'DialSucceeded', generation };
      }
      case 'frame':
        return { type: 'FrameReceived', generation: this.open };
      case 'pong': {
        const [payload, ...rest] = this.out;
        this.out = rest;
        return { type: 'PongReceived', generation: this.open, payload };
      }
      case 'pause':
      case 'resume':
        this.reading = word === 'resume';
        return { type: this.reading ? 'ReadingResumed' : 'ReadingPaused', generation: this.open };
      case 'throttle':
      case 'unthrottle':
        this.throttled = word === 'throttle';
        return { type: this.throttled ? 'ThrottlingStarted' : 'ThrottlingEnded', generation: this.open };
      case 'authenticated':
      case 'not_authenticated': {
        const { generation, credentials } = this.login;
        this.login = null;
        if (word !== 'authenticated') return { type: 'AuthenticationFailed', generation };
        const user = { uid: credentials.uid, auth_token: '' };
        return { type: 'AuthenticationSucceeded', generation, user };
      }
      case 'refreshed':
      case 'not_refreshed':
      case 'revoked': {
        const { generation, user } = this.refreshing;
        this.refreshing = null;
        this.answered = generation;
        if (word === 'refreshed') return { type: 'RefreshSucceeded', generation, user };
        return { type: 'RefreshFailed', generation, refused: word === 'revoked' };
      }
      default:
        return this.finishJob(word.startsWith('not_') ? 'the disk is full' : null);
    }
  }

  // -- the store: one call at a time, in order -------------------------------------------------

  _queueJob(kind, generation) {
    this.jobs = [...this.jobs, { kind, generation }];
    if (this.jobs.length === 1) this._beginJob();
  }

  _beginJob() {
    this.jobUntil = Infinity;
    if (this.jobs.length && this.jobs[0].kind === 'clear') this.jobUntil = this.now + this.patience;
  }

  finishJob(error) {
    const [{ kind, generation }, ...rest] = this.jobs;
    this.jobs = rest;
    this._beginJob();
    if (kind === 'clear') return { type: 'SessionCleared', generation, error };
    if (error) return { type: 'SaveFailed', generation, details: error };
    return { type: 'SaveSucceeded', generation };
  }

  // -- effects ---------------------------------------------------------------------------------

  wonder(sentence) {
    this.impossible = [...this.impossible, `${general(this.now)}: ${sentence}`];
  }

  perform(effect) {
    switch (effect.type) {
      case 'Dial':
        if (this.refreshing) this.wonder('asked to dial while the credentials are being refreshed');
        this.dialling = effect.generation;
        break;
      case 'Abort':
        this._abort(effect.generation);
        break;
      case 'Close':
        this._close(effect.generation);
        break;
      case 'SendPing':
        if (this.open === effect.generation) this.out = [...this.out, effect.payload];
        else this.wonder('asked to send a ping without an open socket');
        break;
      case 'Succeed':
      case 'Fail':
        this.waiting.delete(effect.command);
        break;
      case 'Authenticate':
        this.login = { generation: effect.generation, credentials: effect.credentials };
        break;
      case 'Save':
        this._queueJob('save', effect.generation);
        break;
      case 'Clear':
        this._queueJob('clear', effect.generation);
        break;
      case 'CancelLogin': {
        const [first] = this.jobs;
        this.login = null;
        this.jobs = this.jobs.filter((job) => job.kind !== 'save');
        if (first !== this.jobs[0]) this._beginJob();
        break;
      }
      case 'Refresh':
        if (this.dialling !== null || this.open !== null || this.refreshing) {
          this.wonder('asked to refresh the credentials in the middle of an attempt');
        }
        this.refreshing = { generation: effect.generation, user: effect.user };
        break;
      default:
    }
  }

  _close(generation) {
    if (this.open !== null && this.open === generation) {
      this.closing = this.open;
      this.open = null;
    } else if (this.dialling !== null && this.dialling === generation) {
      this.wonder('asked to close a socket that is still being dialled');
      this.closing = this.dialling;
      this.dialling = null;
    } else {
      this.wonder('asked to close a socket that is not open');
    }
  }

  _abort(generation) {
    for (const place of ['dialling', 'open', 'closing']) {
      if (this[place] !== null && this[place] === generation) {
        this[place] = null;
        this.out = [];
        return;
      }
    }
    if (this.refreshing && this.refreshing.generation === generation) this.refreshing = null;
    else if (this.answered !== generation) this.wonder('asked to abort what is not there');
  }
}
