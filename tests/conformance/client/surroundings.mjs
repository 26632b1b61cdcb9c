/**
 * What surrounds the client in the subject process: a virtual clock, sockets and pending calls.
 *
 * Nothing here does anything of its own accord; the steps of a script do.
 */

const CODE = '100[0-37-9]|101[0-4]|[34][0-9]{3}';
const CLOSE = new RegExp(`^close_(${CODE})$`);
const REFUSE = new RegExp(`^refuse_(?:(${CODE})|([2-5][0-9]{2})(?:_after_(0|[1-9][0-9]{0,3}))?)$`);

/** Return how the peer ends a dial by a word, or `null`: by no such word. */
export function dialEnd(word) {
  if (word === 'fail') return {};
  const [match, code, status, after] = REFUSE.exec(word) ?? [null];
  if (match === null) return null;
  if (code !== undefined) return { code: Number(code) };
  return { httpStatus: Number(status), ...(after !== undefined && { retryAfter: Number(after) }) };
}

/** Return the code with which the peer ends a socket by a word, or `null`: by no such word. */
export function closeCode(word) {
  if (word === 'drop') return 1006;
  const match = CLOSE.exec(word);
  return match && Number(match[1]);
}

/** A clock that stands still unless told to go on; timers of one moment fire in the order of their making. */
export class VirtualClock {
  #now = 0;
  #timers = [];
  #made = 0;

  now = () => this.#now;

  setTimeout = (call, seconds) => {
    const timer = { due: this.#now + Math.max(0, seconds), made: (this.#made += 1), call };
    this.#timers.push(timer);
    return timer;
  };

  clearTimeout = (timer) => {
    const index = this.#timers.indexOf(timer);
    if (index >= 0) this.#timers.splice(index, 1);
  };

  /** Return the timer that is next, if it is due at `until`, or before it if not `inclusive`. */
  next(until, inclusive = true) {
    let first = null;
    for (const timer of this.#timers) {
      if (first === null || timer.due < first.due || (timer.due === first.due && timer.made < first.made)) first = timer;
    }
    if (first === null) return null;
    return first.due < until || (inclusive && first.due === until) ? first : null;
  }

  /** Go on to a timer and fire it. */
  fire(timer) {
    this.#now = Math.max(this.#now, timer.due);
    this.clearTimeout(timer);
    timer.call();
  }

  /** Go on without firing anything. */
  goTo(time) {
    this.#now = Math.max(this.#now, time);
  }
}

/** The client's side of a socket, with the peer's side for the script. */
export class ScriptedSocket {
  phase = 'dialling';
  unanswered = [];
  paused = false;
  messages = 0;

  constructor(world, number) {
    this.world = world;
    this.number = number;
    this.gone = false;
    world.saw('dialled', { socket: number });
  }

  close() {
    this.phase = 'closing';
    this.world.saw('close_begun', { socket: this.number });
  }

  terminate() {
    if (this.gone) return;
    this.gone = true;
    this.phase = 'ended';
    this.world.saw('gone', { socket: this.number });
  }

  ping(payload) {
    this.unanswered.push(payload);
    this.world.pings += 1;
    const command = this.world.pinging(payload);
    this.world.saw('ping', { socket: this.number, ping: this.world.pings, command });
  }

  send() {}

  pause() {
    this.paused = true;
    this.world.saw('reading', { socket: this.number, on: false });
  }

  resume() {
    this.paused = false;
    this.world.saw('reading', { socket: this.number, on: true });
  }

  /** Do what the peer does, if the moment is right. */
  peer(what) {
    if (what === 'accept') return this.phase === 'dialling' && this.open();
    const refused = dialEnd(what);
    if (refused) return this.phase === 'dialling' && this.end(refused);
    if (what === 'closed') return this.phase === 'closing' && this.end({ code: 1000 });
    const code = closeCode(what);
    if (code !== null) return ['open', 'closing'].includes(this.phase) && this.end({ code });
    if (what === 'frame' && this.phase === 'closing') return this.onmessage((this.messages += 1));
    if (this.phase !== 'open') return false;
    if (this.paused) return false;
    if (what.endsWith('throttle')) return this.onthrottle(what === 'throttle');
    if (what === 'frame') return this.onmessage((this.messages += 1));
    return this.unanswered.length > 0 && this.onpong(this.unanswered.shift());
  }

  open() {
    this.phase = 'open';
    this.onopen();
  }

  end(how) {
    this.phase = 'ended';
    this.onclose(how);
  }
}

/** Calls that take time until the script answers them; an aborted one is over. */
export class Pending {
  #calls = [];

  begin(kind, signal) {
    return new Promise((resolve, reject) => {
      const call = { kind, resolve, reject };
      this.#calls.push(call);
      signal?.addEventListener('abort', () => {
        this.#calls = this.#calls.filter((other) => other !== call);
        reject(signal.reason);
      });
    });
  }

  /** End the oldest call, if it is of this kind. */
  end(kind, settle) {
    if (this.#calls[0]?.kind === kind) settle(this.#calls.shift());
  }
}
