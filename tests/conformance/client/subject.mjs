/**
 * The client as a subject process of the conformance kit: JSON lines in, JSON lines out.
 *
 * Owns the protocol, and plays its steps on one client at a time. `node subject.mjs [--bug NAME]...`
 * (or BUG=NAME,NAME in the environment) switches mistakes on; `--list-bugs` names them.
 */

import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { BUGS, Client, ClientError, TIMINGS } from './client.mjs';
import { Pending, ScriptedSocket, VirtualClock, closeCode, dialEnd } from './surroundings.mjs';

const PROTOCOL = 1;
const CAPABILITIES = [
  'auto', 'manual', 'background', 'network', 'login', 'logout', 'restored', 'ping', 'send', 'status', 'reasons',
  'cancel', 'shut_down', 'throttling', 'refresh', 'retry_after', 'reading', 'messages', 'ties',
  'callbacks',
];

const COMMANDS = ['login', 'logout', 'connect', 'disconnect', 'ping', 'send', 'shut_down'];

const INSIDE = ['login', 'logout', 'connect', 'disconnect', 'ping', 'background', 'foreground', 'network'];
const STATUSES = ['connecting', 'connected', 'disconnected', 'feature_throttled'];

const WORDS = {
  network: ['down', 'up'],
  peer: ['accept', 'closed', 'frame', 'pong', 'throttle', 'unthrottle'],
  store: ['saved', 'not_saved', 'cleared', 'not_cleared'],
  authenticator: ['authenticated', 'not_authenticated', 'refreshed', 'not_refreshed', 'revoked'],
  reader: ['pause', 'resume'],
};

/** One open client with everything around it. */
class World {
  seen = [];
  pings = 0;
  #pingCalls = []; // their commands
  #armed = new Map(); // status -> what the listener does when it is told it
  #clock = new VirtualClock();
  #sockets = [];
  #users = { authenticate: new Pending(), refresh: new Pending() };
  #store = new Pending();
  #saved = null;
  #cancels = new Map();
  #bugs;
  #trouble = null; // what a call failed with that is no failure of the rulebook

  constructor({ mode, foreground, online, timings, draws }, bugs) {
    let drawn = 0;
    this.#bugs = bugs;
    this.client = new Client({
      mode,
      foreground,
      online,
      timings,
      bugs,
      clock: this.#clock,
      random: () => (draws.length > 0 ? draws[drawn++ % draws.length] : 0.5),
      createSocket: () => {
        const socket = new ScriptedSocket(this, this.#sockets.length + 1);
        this.#sockets.push(socket);
        return socket;
      },
      authenticator: {
        authenticate: (credentials, { signal }) => {
          this.saw('stored', { what: 'authenticate' });
          return this.#users.authenticate.begin('authenticate', signal).then(() => ({ uid: credentials.uid }));
        },
        refresh: (user, { signal }) => {
          this.saw('refreshing');
          return this.#users.refresh.begin('refresh', signal).then(() => user);
        },
      },
      store: {
        save: (_, { signal }) => {
          this.saw('stored', { what: 'save' });
          return this.#store.begin('save', signal);
        },
        clear: () => {
          this.saw('stored', { what: 'clear' });
          return this.#store.begin('clear');
        },
        load: async () => this.#saved,
      },
      onError: (error) => console.error(error),
    });
    this.client.onStatus(({ sequence, previous, current, reason, retry_in }) => {
      if (sequence === 0) return; // the status before any change
      this.saw('status', { sequence, previous, current, reason, retry_in });
      const step = this.#armed.get(current);
      this.#armed.delete(current);
      if (step) this.#do(step);
    });
    this.client.onMessage((number) => this.saw('delivered', { socket: this.#sockets.at(-1).number, number }));
  }

  saw(saw, what = {}) {
    this.seen.push({ time: this.#clock.now(), saw, ...what });
  }

  /** Return the command of the call that sends a ping, or `null` for the client's own. */
  pinging(payload) {
    const [kind, number] = payload.split('-');
    return kind === 'ping' ? this.#pingCalls[number - 1] : null;
  }

  /** Return what was seen since the last time. */
  take() {
    return this.seen.splice(0);
  }

  /** Do the steps; return a list of what was seen for each of them. */
  async play(steps) {
    const seen = [];
    for (const step of steps) {
      // Awaiting anything lets microtasks run, which must not be between steps that come together.
      if (step.inside) this.#armed.set(step.inside, step);
      else if (step.do === 'wait') await this.#wait(step);
      else this.#do(step);
      if (!step.together) await this.#settle();
      if (this.#trouble) throw this.#trouble;
      seen.push(this.take());
    }
    return seen;
  }

  #do(step) {
    const { client } = this;
    switch (step.do) {
      case 'cancel':
        return this.#cancels.get(step.number)?.abort();
      case 'restored':
        this.#saved = { uid: step.what };
        return void client.restore();
      case 'background':
        return client.enterBackground();
      case 'foreground':
        return client.enterForeground();
      case 'network':
        return step.what === 'up' ? client.networkUp() : client.networkDown();
      case 'peer':
        return this.#sockets.at(-1)?.peer(step.what);
      case 'reader':
        return step.what === 'pause' ? client.pause() : client.resume();
      case 'store': {
        const [kind, well] = step.what.endsWith('saved') ? ['save', 'saved'] : ['clear', 'cleared'];
        const full = new Error('the disk is full');
        return this.#store.end(kind, (call) => (step.what === well ? call.resolve() : call.reject(full)));
      }
      case 'authenticator': {
        const kind = step.what.endsWith('authenticated') ? 'authenticate' : 'refresh';
        const refused = Object.assign(new Error(step.what), { revoked: step.what === 'revoked' });
        const well = ['authenticated', 'refreshed'].includes(step.what);
        return this.#users[kind].end(kind, (call) => (well ? call.resolve() : call.reject(refused)));
      }
      default:
        return this.#call(step);
    }
  }

  #call({ do: name, what, command }) {
    const abort = new AbortController();
    const { signal } = abort;
    this.#cancels.set(command, abort);
    if (name === 'ping') this.#pingCalls.push(command);
    const { client } = this;
    const call = {
      login: () => client.login({ uid: what ?? 'alice' }, { signal }),
      logout: () => client.logout({ signal }),
      connect: () => client.connect({ signal }),
      disconnect: () => client.disconnect({ signal }),
      ping: () => client.ping({ signal }),
      send: () => client.send('hello', { signal }),
      shut_down: () => client.shutDown({ signal }),
    }[name];
    const over = (code) => {
      this.#cancels.delete(command);
      this.saw('returned', { command, code });
      if (name === 'connect' && code === null && this.#bugs.connect_returns_twice) this.saw('returned', { command, code });
    };
    call().then(
      () => over(null),
      (error) => {
        if (error === signal.reason) this.#cancels.delete(command);
        else if (error instanceof ClientError) over(error.code);
        else this.#trouble = error;
      },
    );
  }

  /** Let time pass. Taken together with the next step, what is due at the very end comes after that step. */
  async #wait({ number, together }) {
    const end = this.#clock.now() + number;
    for (;;) {
      const timer = this.#clock.next(end, !together);
      if (!timer) break;
      this.#clock.fire(timer);
      await this.#settle();
    }
    this.#clock.goTo(end);
  }

  /** Let run what runs without time passing: all microtasks run before the next immediate. */
  async #settle() {
    for (;;) {
      await new Promise(setImmediate);
      const timer = this.#clock.next(this.#clock.now());
      if (!timer) return;
      this.#clock.fire(timer);
    }
  }
}

const isTime = (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isCommand = (value) => Number.isInteger(value) && value >= 0;
const isWord = (value) => typeof value === 'string' && value !== '';
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Say what is wrong with a step, or return `null`. */
function wrongWith(step) {
  if (!isObject(step)) return 'a step is an object';
  const { do: name, what, number, command, inside } = step;
  if (inside !== undefined && !(STATUSES.includes(inside) && INSIDE.includes(name))) {
    return `${name} cannot be inside ${JSON.stringify(inside)}`;
  }
  if (COMMANDS.includes(name)) {
    if (!isCommand(command)) return `${name} needs the number of its command`;
    return name === 'login' && what !== undefined && !isWord(what) ? 'login needs a user' : null;
  }
  if (name === 'background' || name === 'foreground') return null;
  if (name === 'wait') return isTime(number) ? null : 'wait needs a number of seconds';
  if (name === 'cancel') return isCommand(number) ? null : 'cancel needs the number of a command';
  if (name === 'restored') return isWord(what) ? null : 'restored needs a user';
  if (!Object.hasOwn(WORDS, name)) return `there is no step ${JSON.stringify(name)}`;
  const ends = name === 'peer' && isWord(what) && (dialEnd(what) ?? closeCode(what)) !== null;
  return ends || WORDS[name].includes(what) ? null : `${name} cannot do ${JSON.stringify(what)}`;
}

/** Say what is wrong with a request to open, or return `null`. */
function wrongWithOpen({ mode, foreground, online, timings, draws }) {
  if (mode !== 'auto' && mode !== 'manual') return 'the mode is auto or manual';
  if (typeof foreground !== 'boolean' || typeof online !== 'boolean') return 'foreground and online are true or false';
  if (!isObject(timings)) return 'timings is an object';
  for (const [name, seconds] of Object.entries(timings)) {
    if (!Object.hasOwn(TIMINGS, name)) return `there is no setting ${name}`;
    if (!isTime(seconds) || seconds === 0) return `${name} is a positive number of seconds`;
  }
  if (!Array.isArray(draws) || !draws.every((draw) => isTime(draw) && draw < 1)) return 'draws are numbers in [0, 1)';
  return null;
}

/** Answers requests, one after the other. */
export class Subject {
  #world = null;
  #bugs;

  /** @param {string[]} [bugs] The mistakes to make. */
  constructor(bugs = []) {
    this.#bugs = Object.fromEntries(bugs.map((name) => [name, true]));
  }

  /**
   * Answer one request; what is wrong with it is said in the answer.
   * @param {any} request
   */
  async answer(request) {
    if (!isObject(request)) return { id: null, error: 'a request is a JSON object' };
    const id = request.id ?? null;
    try {
      return { id, ...(await this.#do(request)) };
    } catch (error) {
      if (!error.isAnswer) console.error(error);
      return { id, error: String(error.message) };
    }
  }

  async #do(request) {
    switch (request.do) {
      case 'hello': {
        if (request.protocol !== PROTOCOL) throw refusal(`this is protocol ${PROTOCOL}`);
        const bugs = Object.keys(this.#bugs);
        const name = ['a JavaScript client', ...bugs.map((bug) => `with the bug ${bug}`)].join(' ');
        return { protocol: PROTOCOL, name, capabilities: CAPABILITIES };
      }
      case 'open': {
        const options = { foreground: true, online: true, timings: {}, ...request, draws: request.draws ?? [] };
        const wrong = wrongWithOpen(options);
        if (wrong) throw refusal(wrong);
        this.#world = new World(options, this.#bugs);
        return { seen: this.#world.take() };
      }
      case 'steps':
        return { seen: await this.#steps(request.steps) };
      case 'bye':
        return {};
      default:
        throw refusal(`there is no request ${JSON.stringify(request.do)}`);
    }
  }

  async #steps(steps) {
    if (this.#world === null) throw refusal('nothing is open');
    if (!Array.isArray(steps)) throw refusal('steps is a list');
    for (const [index, step] of steps.entries()) {
      const wrong = wrongWith(step);
      if (wrong) throw refusal(`step ${index + 1}: ${wrong}`);
    }
    return this.#world.play(steps);
  }
}

function refusal(sentence) {
  return Object.assign(new Error(sentence), { isAnswer: true });
}

function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** Read requests from standard input and answer them until `bye` or its end. */
async function serve(bugs) {
  const subject = new Subject(bugs);
  let rest = '';
  process.stdin.setEncoding('utf8');
  process.stdout.on('error', () => process.exit(1)); // nobody listens any more
  for await (const chunk of process.stdin) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      if (line.trim() === '') continue;
      const request = parsed(line);
      const answer = await subject.answer(request);
      process.stdout.write(`${JSON.stringify(answer)}\n`);
      if (request?.do === 'bye') return;
    }
  }
}

/** Return the bugs that the command line and the environment ask for. */
function chosenBugs(words, environment) {
  const bugs = environment ? environment.split(',') : [];
  for (let index = 0; index < words.length; index += 2) {
    if (words[index] !== '--bug' || index + 1 >= words.length) throw new Error('usage: subject.mjs [--bug NAME]... | --list-bugs');
    bugs.push(words[index + 1]);
  }
  const unknown = bugs.find((bug) => !BUGS.includes(bug));
  if (unknown) throw new Error(`there is no bug ${unknown}; there are ${BUGS.join(', ')}`);
  return bugs;
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const words = process.argv.slice(2);
  if (words.includes('--list-bugs')) {
    console.log(BUGS.join('\n'));
  } else {
    try {
      await serve(chosenBugs(words, process.env.BUG));
      process.exitCode = 0;
    } catch (error) {
      console.error(error.message);
      process.exitCode = 2;
    }
    process.stdin.destroy();
  }
}
