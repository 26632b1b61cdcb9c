/**
 * A connection client for Node, written by hand: flags, timers, promises.
 *
 * It exists so that the conformance kit has something to judge that shares nothing with the
 * library but the rulebook. Its surroundings are injected: clock, random numbers, sockets,
 * authenticator and session store. Times are seconds.
 *
 * Everything that happens (a call, a report, a timer, a socket's event) is one step; what is asked
 * for inside a listener waits until the step is over. Steps begin with the deadlines that have
 * passed unnoticed, so a timer that comes late is never overtaken.
 */

import { ClientError, POLICY, TIMINGS, mistaken } from './vocabulary.mjs';

export { BUGS, ClientError, POLICY, TIMINGS } from './vocabulary.mjs';

/** The clock of the machine. It does not see a suspended machine's time (H5). */
export const systemClock = {
  now: () => performance.now() / 1000,
  setTimeout: (call, seconds) => setTimeout(call, seconds * 1000),
  clearTimeout: (timer) => clearTimeout(timer),
};

const LATE = 1; // seconds after which a missed liveness deadline proves nothing (H5)
const SAME = 1e-6; // seconds that a sum of seconds may be off

/**
 * One connection to the server and the session above it.
 *
 * Commands return promises. Each takes `{signal}`: aborting it withdraws the caller's wait.
 */
export class Client {
  #mode;
  #timings;
  #clock;
  #random;
  #createSocket;
  #authenticator;
  #store;
  #policy;
  #onError;
  #bugs;

  #steps = [];
  #inStep = false;
  #timers = new Set();

  #foreground;
  #online;
  #closed = false;
  #user = null;
  #login = null;
  #storeJobs = []; // the first one is running
  #calls = new Set(); // all that have not ended
  #waiting = new Set(); // those of connect

  #wanted = false;
  #socket = null; // dialling, open, or refreshing credentials
  #closing = null;
  #failures = 0;
  #refreshed = false;
  #notBefore = -Infinity;
  #retryTimer = null;
  #windowTimer = null;
  #pingNumber = 0; // of the client's own pings
  #pingCalls = 0;

  #status = { sequence: 0, time: 0, previous: 'disconnected', current: 'disconnected', reason: null, retry_in: null };
  #untold = []; // status changes and messages for the listeners
  #statusListeners = new Set();
  #messageListeners = new Set();
  #lifecycle = [(foreground) => this.#lifecycleChanged(foreground)];

  #latecomers = []; // for the bug callback_late
  #extended = false; // for the bug only_first_ping_extends
  #luck = null; // for the bug one_draw_per_connection
  #final = false; // for the bug refusal_outlives_background
  #throttledOnce = false; // for the bug throttled_for_ever
  #pinged = false; // for the bug early_ping_pays

  /**
   * @param {object} options
   * @param {'auto'|'manual'} [options.mode] Who decides when the connection is up.
   * @param {boolean} [options.foreground] Whether the application starts in foreground.
   * @param {boolean} [options.online] Whether the network starts up.
   * @param {Partial<typeof TIMINGS>} [options.timings] Settings that differ from the defaults.
   * @param {{now(): number, setTimeout(call: () => void, seconds: number): any, clearTimeout(timer: any): void}} [options.clock]
   * @param {() => number} [options.random] Numbers in [0, 1).
   * @param {(user: object) => object} options.createSocket Begins a dial and returns the socket: it
   *   has `close()` (begin the closing handshake), `terminate()` (let go of the descriptor, at once
   *   and as often as asked), `ping(payload)`, `send(data)`, `pause()`, `resume()`, and calls
   *   `onopen()` (after the hello), `onmessage(data)`, `onpong(payload)`, `onthrottle(on)` (it said so in a frame) and, when
   *   the dial has failed or the socket has ended, `onclose({code, httpStatus, retryAfter})`.
   * @param {object} options.authenticator `authenticate(credentials, {signal})` and, if it can,
   *   `refresh(user, {signal})` promise a user; an error with `revoked` refuses for good.
   * @param {object} options.store `save(user, {signal})`, `clear()` and `load()`, each a promise.
   *   An aborted save is over once its promise has settled.
   * @param {(error: unknown) => void} [options.onError] Hears what listeners throw, and of a damaged session.
   * @param {typeof POLICY} [options.policy] What the ends of sockets mean.
   * @param {Record<string, boolean>} [options.bugs] Mistakes to make, from `BUGS`.
   */
  constructor({
    mode = 'auto',
    foreground = true,
    online = true,
    timings = {},
    clock = systemClock,
    random = Math.random,
    createSocket,
    authenticator,
    store,
    onError = console.error,
    policy = POLICY,
    bugs = {},
  }) {
    this.#mode = mode;
    this.#foreground = foreground;
    this.#online = online;
    this.#timings = { ...TIMINGS, ...timings };
    this.#clock = clock;
    this.#random = random;
    this.#createSocket = createSocket;
    this.#authenticator = authenticator;
    this.#store = store;
    this.#onError = onError;
    this.#policy = mistaken(policy, bugs);
    this.#bugs = bugs;
  }

  // -- session ---------------------------------------------------------------------------------

  /** Who is logged in, or `null`. */
  get user() {
    return this.#user;
  }

  /**
   * Authenticate, save the user, and succeed without waiting for a socket.
   * @param {{uid: string}} credentials
   * @returns {Promise<void>}
   */
  login(credentials, { signal } = {}) {
    return this.#command(signal, (call) => {
      if (this.#closed) return call.fail('ERR_CLOSED');
      if (this.#login) return call.fail('ERR_LOGIN_IN_PROGRESS');
      if (this.#user?.uid === credentials.uid) return call.succeed();
      if (this.#user && !this.#bugs.login_replaces_user) return call.fail('ERR_ALREADY_LOGGED_IN');
      const login = { call, abort: new AbortController(), job: null };
      this.#login = login;
      call.cancelled = () => this.#endLogin(login);
      login.timer = this.#after(this.#timings.auth_timeout, () => this.#endLogin(login, 'ERR_AUTHENTICATION_FAILED', 'it took too long'));
      this.#ask(
        () => this.#authenticator.authenticate(credentials, { signal: login.abort.signal }),
        (user) => this.#login === login && this.#saveUser(login, user),
        (error) => this.#login === login && this.#endLogin(login, 'ERR_AUTHENTICATION_FAILED', String(error)),
      );
    });
  }

  #saveUser(login, user) {
    this.#stop(login.timer);
    login.timer = this.#after(this.#timings.auth_timeout, () => this.#endLogin(login, 'ERR_SESSION_NOT_SAVED', 'it took too long'));
    login.job = this.#queueStore('save', () => this.#store.save(user, { signal: login.abort.signal }), (error) => {
      if (this.#login !== login) return;
      login.job = null; // nothing is left to clear
      if (error) return this.#endLogin(login, 'ERR_SESSION_NOT_SAVED', String(error));
      this.#stop(login.timer);
      this.#login = null;
      login.call.succeed();
      if (this.#bugs.handler_per_login) this.#lifecycle.push((foreground) => this.#lifecycleChanged(foreground));
      this.#loggedIn(user, 'login');
    });
  }

  /** End a login that has not succeeded; what it may have saved is cleared. */
  #endLogin(login, code = null, details = '') {
    this.#login = null;
    this.#stop(login.timer);
    login.abort.abort();
    if (login.job && this.#bugs.save_outlives_login) return void (code && login.call.fail(code, details));
    if (login.job && this.#storeJobs[0] === login.job) this.#queueClear();
    else if (login.job) this.#storeJobs = this.#storeJobs.filter((job) => job !== login.job);
    if (code) login.call.fail(code, details);
  }

  /**
   * Go on with the saved user, if there is one; a damaged session counts as none, and is told to `onError`.
   * @returns {Promise<boolean>} Whether somebody is logged in now.
   */
  async restore() {
    let user = null;
    try {
      user = await this.#store.load();
    } catch (error) {
      this.#onError(error);
    }
    this.#step(() => {
      if (user && !this.#closed && !this.#user && !this.#login) this.#loggedIn(user, 'restored');
    });
    return this.#user !== null;
  }

  #loggedIn(user, reason) {
    this.#user = user;
    if (this.#mode === 'manual' || !(this.#foreground || this.#bugs[`${reason}_dials_in_background`])) return;
    this.#wanted = true;
    this.#dialOrWait(reason);
  }

  /**
   * Close the socket and clear the saved user. The user is logged out even if this fails.
   * @returns {Promise<void>}
   */
  logout({ signal } = {}) {
    return this.#command(signal, (call) => {
      if (this.#closed) return call.fail('ERR_CLOSED');
      if (this.#login) this.#endLogin(this.#login, 'ERR_LOGGED_OUT');
      this.#user = null;
      this.#refreshed = false;
      this.#goDown('logout', 'ERR_LOGGED_OUT');
      let left = 2;
      let trouble = null;
      const one = () => {
        left -= 1;
        if (left > 0) return;
        if (trouble) call.fail('ERR_SESSION_NOT_CLEARED', String(trouble));
        else call.succeed();
      };
      this.#whenClosed(call, one);
      if (this.#bugs.logout_keeps_user) return one();
      this.#queueClear((error) => {
        trouble = error;
        one();
      });
    });
  }

  /** Run calls of the store one after the other. */
  #queueStore(kind, start, ended) {
    const job = { kind, start, started: false, ended: [ended] };
    this.#storeJobs.push(job);
    this.#runStore();
    return job;
  }

  /** A clearing that nothing was saved after serves everybody who asks for one. */
  #queueClear(ended = () => {}) {
    const last = this.#storeJobs.at(-1);
    if (last?.kind === 'clear') last.ended.push(ended);
    else this.#queueStore('clear', () => this.#store.clear(), ended);
  }

  #runStore() {
    const job = this.#storeJobs[0];
    if (!job || job.started) return;
    job.started = true;
    const over = (error) => {
      this.#storeJobs.shift();
      for (const ended of job.ended) ended(error);
      this.#runStore();
    };
    this.#ask(job.start, () => over(null), (error) => over(error ?? new Error('the store failed')));
  }

  // -- connection ------------------------------------------------------------------------------

  /**
   * Make the connection wanted, and wait until it is up.
   * @returns {Promise<void>}
   */
  connect({ signal } = {}) {
    return this.#command(signal, (call) => {
      if (this.#refused(call)) return;
      if (this.#mode === 'auto' && !this.#foreground) return call.fail('ERR_APP_IN_BACKGROUND');
      if (this.#socket?.phase === 'open') return call.succeed();
      if (!this.#foreground && !this.#socket) {
        if (!this.#online) return call.fail('NO_INTERNET_CONNECTION');
        if (this.#now() < this.#notBefore && !this.#bugs.connect_skips_retry_after) return call.fail('ERR_CONNECTION_LOST', 'the server wants us to wait, and nothing waits in background');
      }
      this.#waiting.add(call);
      call.cancelled = () => {
        this.#waiting.delete(call);
        if (this.#bugs.cancelled_connect_disconnects) this.#goDown('disconnect', 'ERR_DISCONNECTED');
      };
      if (this.#socket) {
        call.joined = true;
        if (this.#bugs.joining_connect_moves_window && !this.#foreground) this.#openWindow();
        return;
      }
      if (this.#bugs.connect_lost_while_closing && this.#closing) return;
      const already = this.#wanted;
      if (this.#bugs.count_reset_by_connect && already) this.#failures = 0;
      if (this.#bugs.connect_skips_retry_after) this.#notBefore = -Infinity;
      this.#wanted = true;
      if (!this.#foreground) this.#openWindow();
      if (this.#bugs.two_connects_two_sockets && this.#online) {
        queueMicrotask(() => this.#step(() => this.#wanted && this.#dialOrWait('connect')));
        return;
      }
      if (this.#online || !already) this.#dialOrWait('connect');
    });
  }

  /**
   * Take the connection down, and wait until the socket is gone. Cancelled, it aborts the socket.
   * @returns {Promise<void>}
   */
  disconnect({ signal } = {}) {
    return this.#command(signal, (call) => {
      if (this.#refused(call)) return;
      if (this.#bugs.count_reset_by_disconnect) this.#failures = 0;
      this.#goDown('disconnect', 'ERR_DISCONNECTED');
      this.#whenClosed(call, () => call.succeed());
    });
  }

  /**
   * End this client for good. A saved user stays saved.
   * @returns {Promise<void>}
   */
  shutDown({ signal } = {}) {
    return this.#command(signal, (call) => {
      call.last = true;
      this.#closed = true;
      if (this.#login) this.#endLogin(this.#login, 'ERR_CLOSED');
      this.#goDown('shut_down', 'ERR_CLOSED');
      if (this.#bugs.shut_down_clears_user && this.#user) this.#queueClear();
      for (const other of [...this.#calls]) if (!other.last) other.fail('ERR_CLOSED');
      this.#whenClosed(call, () => call.succeed());
    });
  }

  /**
   * Put a ping on the wire, with the payload `ping-N` for the nth call; in background, in manual mode, this keeps the connection for another window.
   * @returns {Promise<number>} The round-trip time in seconds.
   */
  ping({ signal } = {}) {
    const number = (this.#pingCalls += 1);
    return this.#command(signal, (call) => {
      if (this.#refused(call)) return;
      if (this.#bugs.refused_ping_extends && this.#windowTimer) this.#openWindow();
      if (this.#socket?.phase !== 'open') return call.fail('NO_WEBSOCKET_CONNECTION');
      if (this.#bugs.throttled_refuses && this.#status.current === 'feature_throttled') return call.fail('NO_WEBSOCKET_CONNECTION');
      if (this.#foreground) this.#pinged = true;
      else if ((this.#windowTimer || !this.#bugs.pong_arms_window) && !(this.#bugs.only_first_ping_extends && this.#extended)) {
        this.#openWindow();
        this.#extended = true;
      }
      call.number = number;
      this.#sendPing(this.#timings.pong_timeout, call);
    });
  }

  /**
   * Send a message on the open socket; nothing is queued while there is none.
   * @param {string|Uint8Array} message
   * @returns {Promise<void>}
   */
  send(message, { signal } = {}) {
    return this.#command(signal, (call) => {
      if (this.#refused(call)) return;
      if (this.#socket?.phase !== 'open') return call.fail('NO_WEBSOCKET_CONNECTION');
      this.#socket.link.send(message);
      if (this.#bugs.own_frames_prove_life) this.#frame(this.#socket);
      call.succeed();
    });
  }

  // -- reports ---------------------------------------------------------------------------------

  /** The application went to background. */
  enterBackground() {
    this.#report(false);
  }

  /** The application came to foreground. */
  enterForeground() {
    this.#report(true);
  }

  #report(foreground) {
    this.#step(() => {
      if (this.#foreground === foreground && !(this.#bugs.background_repeated && !foreground)) return;
      this.#foreground = foreground;
      if (!this.#closed) for (const changed of this.#lifecycle) changed(foreground);
    });
  }

  #lifecycleChanged(foreground) {
    if (foreground) this.#foregroundEntered();
    else this.#backgroundEntered();
  }

  #foregroundEntered() {
    if (this.#bugs.count_reset_by_foreground) this.#failures = 0;
    if (!this.#bugs.window_survives_foreground) this.#closeWindow();
    if (this.#mode === 'auto' && this.#user) {
      if (this.#bugs.refusal_outlives_background && this.#final) return;
      this.#wanted = true; // and there is no socket: the background has none
      if (this.#bugs.foreground_waits) this.#retryAfter(this.#backoff(), 'foreground');
      else this.#dialOrWait('foreground');
    } else if (this.#socket?.phase === 'open') {
      if (!this.#bugs.no_probe) this.#sendPing(this.#bugs.slow_probe ? this.#timings.pong_timeout : this.#timings.probe_timeout); // not to be trusted after a pause
      this.#quietFromNow();
    }
  }

  #backgroundEntered() {
    if (this.#mode === 'auto') {
      this.#goDown('background', 'ERR_APP_IN_BACKGROUND', 'ERR_CONNECTION_LOST');
    } else if (this.#socket) {
      if (!this.#bugs.heartbeat_in_background) this.#stop(this.#socket.heartbeat);
      if (!this.#bugs.pong_arms_window) this.#openWindow();
    } else {
      this.#goDown('background', 'ERR_CONNECTION_LOST'); // there is nothing to keep alive
    }
  }

  /** There is no network any more. */
  networkDown() {
    this.#step(() => {
      if (!this.#online) return;
      this.#online = false;
      if (!this.#bugs.retry_survives_network_loss) this.#stop(this.#retryTimer);
      if (!this.#wanted) return;
      this.#abandonSocket('ERR_CONNECTION_LOST');
      if (!this.#foreground && !this.#bugs.network_loss_survives_background) this.#unwant('ERR_CONNECTION_LOST');
      this.#tell('disconnected', 'network_down');
    });
  }

  /** There is a network again. */
  networkUp() {
    this.#step(() => {
      if (this.#online) return;
      this.#online = true;
      if (this.#bugs.count_reset_by_network) this.#failures = 0;
      if (this.#bugs.hold_ends_with_network && !this.#closed && this.#user && this.#foreground && this.#mode === 'auto') this.#wanted = true;
      if (!this.#wanted || this.#socket) return;
      if (this.#bugs.network_up_waits) this.#retryAfter(this.#backoff(), 'network_up');
      else this.#dialOrWait('network_up');
    });
  }

  /** Stop reading the open socket: the peer is slowed down, and silence proves nothing. */
  pause() {
    this.#step(() => {
      const socket = this.#socket;
      if (socket?.phase !== 'open' || socket.paused) return;
      socket.paused = true;
      socket.link.pause();
      this.#stop(socket.heartbeat);
      if (this.#bugs.deadline_while_paused) return;
      for (const ping of socket.pings.values()) this.#stop(ping.timer);
    });
  }

  /** Read on. */
  resume() {
    this.#step(() => {
      const socket = this.#socket;
      if (socket?.phase !== 'open' || !socket.paused) return;
      socket.paused = false;
      socket.link.resume();
      if (!this.#bugs.deadline_never_resumed) for (const ping of socket.pings.values()) this.#watch(socket, ping);
      this.#quietFromNow();
    });
  }

  // -- listeners -------------------------------------------------------------------------------

  /**
   * Tell `listener` the current status, and every change from now on.
   * @param {(change: {sequence: number, time: number, previous: string, current: string, reason: string|null, retry_in: number|null}) => void} listener
   * @returns {() => void} Stops telling it.
   */
  onStatus(listener) {
    const { time, retry_in: wait } = this.#status;
    const left = wait === null ? null : Math.max(0, time + wait - this.#now());
    const entry = { listener, from: this.#status.sequence };
    this.#statusListeners.add(entry);
    this.#guarded(listener, { ...this.#status, retry_in: left });
    return () => this.#statusListeners.delete(entry);
  }

  /**
   * Hand every message to `listener`.
   * @param {(data: unknown) => void} listener
   * @returns {() => void} Stops handing them to it.
   */
  onMessage(listener) {
    this.#messageListeners.add(listener);
    return () => this.#messageListeners.delete(listener);
  }

  #tell(current, reason, retryIn = null) {
    const last = this.#status;
    const detailed = current === 'disconnected'; // only there a reason or retry_in is a change of its own
    const told = current === last.current && this.#bugs.status_told_again;
    if (!told && current === last.current && !(detailed && (reason !== last.reason || retryIn !== last.retry_in))) return;
    this.#status = { sequence: last.sequence + 1, time: this.#now(), previous: last.current, current, reason, retry_in: retryIn };
    this.#untold.push({ change: this.#status });
  }

  #tellListeners() {
    while (this.#untold.length > 0) {
      const { change, message } = this.#untold.shift();
      if (!change) {
        for (const listener of [...this.#messageListeners]) this.#guarded(listener, message);
        continue;
      }
      for (const entry of [...this.#statusListeners]) {
        const known = change.sequence <= entry.from || !this.#statusListeners.has(entry);
        if (!known) this.#guarded(entry.listener, { ...change });
      }
    }
  }

  #guarded(listener, told) {
    try {
      listener(told);
    } catch (error) {
      this.#onError(error);
    }
  }

  // -- going up --------------------------------------------------------------------------------

  /** Dial now, or as soon as the network and the server's Retry-After allow it. */
  #dialOrWait(reason) {
    this.#stop(this.#retryTimer);
    const wait = this.#notBefore - this.#now();
    if (!this.#online && !this.#bugs.connect_dials_offline) this.#tell('disconnected', reason);
    else if (wait > 0) this.#retryAfter(wait, reason);
    else this.#dial(reason);
  }

  #retryAfter(seconds, reason) {
    this.#stop(this.#retryTimer);
    this.#retryTimer = this.#after(seconds, () => this.#dial('retry'));
    this.#tell('disconnected', reason, seconds);
  }

  #dial(reason) {
    this.#endClosing();
    const socket = { phase: 'dialling', link: null, pings: new Map(), paused: false, heartbeat: null, stable: null };
    this.#socket = socket;
    if (!this.#bugs.dial_never_given_up) socket.timer = this.#after(this.#timings.dial_timeout, () => this.#ended(socket, {}));
    this.#tell('connecting', reason);
    try {
      socket.link = this.#createSocket(this.#user);
    } catch (error) {
      this.#ended(socket, {});
      return;
    }
    const heard = (act) => (value) => this.#step(() => this.#socket === socket && act(value));
    socket.link.onopen = heard(() => this.#opened(socket));
    socket.link.onclose = heard((end) => this.#ended(socket, end));
    socket.link.onpong = heard((payload) => this.#pong(socket, payload));
    socket.link.onthrottle = heard((on) => {
      this.#frame(socket);
      this.#throttled(socket, on);
    });
    socket.link.onmessage = heard((message) => {
      this.#frame(socket);
      if (this.#bugs.lost_while_throttled && this.#status.current === 'feature_throttled') return;
      if (this.#bugs.lost_in_background && !this.#foreground) return;
      this.#untold.push({ message });
    });
    if (!this.#bugs.message_while_closing) return;
    const onmessage = socket.link.onmessage;
    socket.link.onmessage = (message) => (this.#socket === socket ? onmessage(message) : this.#step(() => this.#untold.push({ message })));
  }

  #opened(socket) {
    if (socket.phase !== 'dialling') return;
    socket.phase = 'open';
    this.#stop(socket.timer);
    socket.stable = this.#after(this.#bugs.stable_too_early ? this.#timings.stable_after / 2 : this.#timings.stable_after, () => {
      this.#failures = 0;
      if (!this.#bugs.refresh_never_forgotten) this.#refreshed = false;
    });
    this.#luck = null;
    if (this.#bugs.count_reset_early) this.#failures = 0;
    this.#quietFromNow();
    this.#tell(this.#bugs.throttled_for_ever && this.#throttledOnce ? 'feature_throttled' : 'connected', 'opened');
    const calls = [...this.#waiting];
    this.#waiting.clear();
    if (this.#bugs.callback_late) this.#latecomers.push(...calls);
    else for (const call of calls) if (!(this.#bugs.callback_never && call.joined)) call.succeed();
  }

  #throttled(socket, on) {
    if (socket.phase !== 'open') return;
    this.#throttledOnce = on;
    this.#tell(on ? 'feature_throttled' : 'connected', on ? 'throttled' : 'unthrottled');
  }

  // -- going down ------------------------------------------------------------------------------

  /** The connection is not wanted any more, for a reason of ours: close what there is. */
  #goDown(reason, code, pingCode = code) {
    const changes = this.#wanted || this.#socket !== null;
    this.#unwant(code);
    const socket = this.#socket;
    if (socket?.phase === 'open') {
      this.#forgetSocket(pingCode);
      this.#beginClose(socket.link);
    } else if (!(socket?.phase === 'dialling' && this.#bugs[`dial_not_cancelled_by_${reason}`])) {
      this.#abandonSocket(pingCode);
    }
    if (changes) this.#tell('disconnected', reason);
  }

  #unwant(code, details = '') {
    this.#wanted = false;
    this.#stop(this.#retryTimer);
    if (this.#bugs.old_window_kills) this.#windowTimer = null;
    this.#closeWindow();
    for (const call of this.#waiting) call.fail(code, details);
    this.#waiting.clear();
  }

  /** Forget the current socket with all that runs on it; what becomes of it is the caller's business. */
  #forgetSocket(code) {
    const socket = this.#socket;
    this.#socket = null;
    for (const timer of [socket.timer, this.#bugs.stable_timer_left ? null : socket.stable, socket.heartbeat]) this.#stop(timer);
    for (const ping of socket.pings?.values() ?? []) {
      this.#stop(ping.timer);
      if (this.#bugs.ping_outlives_loss && code === 'ERR_CONNECTION_LOST') continue;
      ping.call?.fail(code);
    }
    return socket;
  }

  /** Give the current socket up at once, if there is one. */
  #abandonSocket(code) {
    if (!this.#socket) return;
    const socket = this.#forgetSocket(code);
    socket.link?.terminate();
    socket.abort?.abort();
  }

  #beginClose(link) {
    const closing = { link, then: [] };
    this.#closing = closing;
    if (!this.#bugs.close_never_aborted) closing.timer = this.#after(this.#timings.close_timeout, () => this.#endClosing());
    link.onclose = () => this.#step(() => this.#closing === closing && this.#endClosing());
    link.close();
  }

  /** Let go of the socket that is closing, if there is one, be its handshake over or not. */
  #endClosing() {
    const closing = this.#closing;
    if (!closing) return;
    this.#closing = null;
    this.#stop(closing.timer);
    closing.link.terminate();
    for (const then of closing.then) then();
  }

  #whenClosed(call, then) {
    const closing = this.#closing;
    call.cancelled = () => closing && this.#closing === closing && this.#endClosing();
    if (closing) closing.then.push(then);
    else then();
  }

  /** A dial has failed, or the socket has ended without our wish. */
  #ended(socket, { code = null, httpStatus = null, retryAfter = null }) {
    const wasOpen = socket.phase === 'open';
    this.#abandonSocket('ERR_CONNECTION_LOST');
    const { authStatuses, authCodes, terminalCodes, retryAfterStatuses } = this.#policy;
    const reason = wasOpen ? 'closed_by_peer' : 'dial_failed';
    const details = httpStatus === null ? `close code ${code}` : `HTTP status ${httpStatus}`;
    if (authStatuses.includes(httpStatus) || authCodes.includes(code)) {
      if (wasOpen && !this.#foreground) this.#lost(reason);
      else if (this.#authenticator.refresh && (!this.#refreshed || this.#bugs.refresh_every_time)) this.#refresh(reason);
      else this.#refusedForGood(details);
    } else if (terminalCodes.some(([first, last]) => first <= code && code <= last)) {
      this.#refusedForGood(details);
    } else {
      this.#lost(reason, retryAfterStatuses.includes(httpStatus) ? retryAfter : null);
    }
  }

  /** The connection is lost, and its socket is gone: come back, unless this is the background. */
  #lost(reason, retryAfter = null, { evenInBackground = false } = {}) {
    this.#failures += 1;
    if (retryAfter !== null) {
      const wait = Math.min(retryAfter, this.#timings.retry_after_cap);
      this.#notBefore = Math.max(this.#notBefore, this.#now() + wait);
    }
    const stuck = this.#bugs.status_stuck_connecting && reason === 'dial_failed';
    if (!this.#foreground && !this.#bugs.manual_background_retry && !evenInBackground) {
      this.#unwant('ERR_CONNECTION_LOST');
      if (!stuck) this.#tell('disconnected', reason);
      return;
    }
    const embargo = Math.max(0, this.#notBefore - this.#now());
    const wait = embargo > 0 && this.#bugs.retry_after_undrawn ? embargo : embargo + this.#backoff();
    if (stuck) this.#retryTimer = this.#after(wait, () => this.#dial('retry'));
    else this.#retryAfter(wait, reason);
  }

  #backoff() {
    const { backoff_base: base, backoff_cap: cap } = this.#timings;
    const power = base * 2 ** Math.min(this.#failures - 1, 1023);
    const longest = Math.min(cap, power);
    if (this.#bugs.no_jitter) return longest;
    if (this.#bugs.one_draw_per_connection) return (this.#luck ??= 1 - this.#random()) * longest;
    const draw = 1 - this.#random();
    if (this.#bugs.capped_after_draw) return Math.min(cap, draw * power);
    if (this.#bugs.few_draws) return (Math.floor(draw * 4) / 4) * longest;
    return (this.#bugs.never_soon ? 0.25 + draw * 0.75 : draw) * longest;
  }

  #refusedForGood(details) {
    this.#failures += 1;
    this.#final = true;
    this.#unwant('ERR_CONNECTION_REFUSED', details);
    this.#tell('disconnected', 'refused');
  }

  /** Ask for new credentials, within the attempt that was refused. */
  #refresh(reason) {
    const socket = { phase: 'refreshing', link: null, abort: new AbortController() };
    this.#socket = socket;
    const failed = () => {
      this.#abandonSocket('ERR_CONNECTION_LOST');
      this.#lost('dial_failed');
    };
    socket.timer = this.#after(this.#timings.auth_timeout, failed);
    this.#tell('connecting', reason);
    this.#ask(
      () => this.#authenticator.refresh(this.#user, { signal: socket.abort.signal }),
      (user) => {
        if (this.#socket !== socket) return;
        this.#forgetSocket();
        this.#user = user;
        this.#refreshed = true;
        if (this.#bugs.count_reset_by_refresh) this.#failures = 0;
        this.#dial(reason);
      },
      (error) => {
        if (this.#socket !== socket) return;
        if (!error?.revoked) return failed();
        this.#forgetSocket();
        this.#refusedForGood('the credentials are revoked');
      },
    );
  }

  // -- the grace window ------------------------------------------------------------------------

  #openWindow() {
    this.#stop(this.#windowTimer);
    this.#windowTimer = this.#after(this.#timings.background_grace, () => {
      this.#windowTimer = null;
      if (this.#bugs.early_ping_pays && this.#pinged) {
        this.#pinged = false;
        this.#openWindow();
        return;
      }
      this.#goDown('background_timeout', 'ERR_CONNECTION_LOST');
    });
  }

  #closeWindow() {
    this.#stop(this.#windowTimer);
    this.#windowTimer = null;
  }

  // -- is the peer alive? ----------------------------------------------------------------------

  /** Send a ping for `call`, or one of our own. */
  #sendPing(limit, call = null) {
    const socket = this.#socket;
    const payload = call ? `ping-${call.number}` : `own-${(this.#pingNumber += 1)}`;
    const ping = { payload, call, limit, sent: this.#now(), heard: false, background: !this.#foreground, timer: null };
    socket.pings.set(payload, ping);
    if (!socket.paused) this.#watch(socket, ping);
    socket.link.ping(payload);
  }

  #watch(socket, ping) {
    this.#stop(ping.timer);
    ping.timer = this.#after(ping.limit, () => this.#noPong(socket, ping));
  }

  #noPong(socket, ping) {
    socket.pings.delete(ping.payload);
    ping.call?.fail('ERR_PING_TIMEOUT');
    const late = this.#now() > ping.timer.due + LATE;
    if (ping.heard && !ping.leftOver) {
      if (!ping.call) this.#keepHeartbeat(socket);
    } else if (late) {
      if (this.#foreground) this.#sendPing(this.#timings.probe_timeout);
    } else {
      this.#abandonSocket('ERR_CONNECTION_LOST');
      this.#lost('no_answer', null, { evenInBackground: this.#bugs.pong_timeout_reconnects_in_background });
    }
  }

  #pong(socket, payload) {
    if (this.#bugs.any_pong_answers) payload = [...socket.pings.keys()].at(-1);
    const ping = socket.pings.get(payload);
    if (ping && this.#bugs.stale_watchdog && ping.background && this.#foreground) {
      ping.leftOver = true;
    } else if (ping) {
      socket.pings.delete(payload);
      this.#stop(ping.timer);
    }
    this.#frame(socket);
    ping?.call?.succeed(this.#now() - ping.sent);
    if (this.#bugs.pong_arms_window && !this.#foreground && !this.#windowTimer) this.#openWindow();
  }

  /** A frame came in: the peer is alive. */
  #frame(socket) {
    if (socket.phase !== 'open') return;
    for (const ping of socket.pings.values()) ping.heard = true;
    this.#quietFromNow();
  }

  #quietFromNow() {
    const socket = this.#socket;
    socket.quietSince = this.#now();
    if (!this.#timers.has(socket.heartbeat)) this.#keepHeartbeat(socket);
  }

  /** Look at the socket again when a heartbeat may be due; frames need not touch this timer. */
  #keepHeartbeat(socket) {
    this.#stop(socket.heartbeat);
    if (!(this.#foreground || this.#bugs.heartbeat_in_background) || socket.paused || this.#bugs.no_heartbeat) return;
    const wait = socket.quietSince + this.#timings.heartbeat_interval - this.#now();
    socket.heartbeat = this.#after(Math.max(0, wait), () => this.#heartbeat(socket));
  }

  #heartbeat(socket) {
    const out = [...socket.pings.values()].some((ping) => !ping.call);
    if (out) return; // its end looks again
    const due = socket.quietSince + this.#timings.heartbeat_interval;
    if (this.#now() >= due - SAME) this.#sendPing(this.#timings.pong_timeout);
    else this.#keepHeartbeat(socket);
  }

  // -- steps, calls and timers -----------------------------------------------------------------

  #now() {
    return this.#clock.now();
  }

  /** Do one thing to its end, listeners included; what they ask for comes after it. */
  #step(act) {
    this.#steps.push(act);
    if (this.#inStep) return;
    this.#inStep = true;
    try {
      while (this.#steps.length > 0) {
        this.#catchUp();
        const late = this.#latecomers.splice(0);
        this.#steps.shift()();
        for (const call of late) call.succeed();
        this.#tellListeners();
      }
    } finally {
      this.#inStep = false;
    }
  }

  /** Begin a command: a promise that ends exactly once. */
  #command(signal, act) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const end = (settle, value) => {
        if (this.#calls.delete(call)) {
          signal?.removeEventListener('abort', cancel);
          settle(value);
        }
      };
      const call = {
        joined: false,
        last: false,
        cancelled: () => {},
        succeed: (value) => end(resolve, value),
        fail: (code, details) => this.#calls.has(call) && end(reject, new ClientError(code, details)),
      };
      const cancel = () => this.#step(() => {
        if (!this.#calls.has(call)) return;
        end(reject, signal.reason);
        call.cancelled();
      });
      this.#calls.add(call);
      signal?.addEventListener('abort', cancel);
      this.#step(() => act(call));
    });
  }

  #refused(call) {
    if (this.#closed) call.fail('ERR_CLOSED');
    else if (!this.#user) call.fail('ERR_NOT_LOGGED_IN');
    else return false;
    return true;
  }

  /** Ask the surroundings something; the answer is a step of its own. */
  #ask(start, answered, failed) {
    let answer;
    try {
      answer = Promise.resolve(start());
    } catch (error) {
      answer = Promise.reject(error);
    }
    answer.then((value) => this.#step(() => answered(value)), (error) => this.#step(() => failed(error)));
  }

  #after(seconds, act) {
    const timer = { due: this.#now() + seconds, act };
    timer.handle = this.#clock.setTimeout(() => this.#step(() => this.#fire(timer)), seconds);
    this.#timers.add(timer);
    return timer;
  }

  #stop(timer) {
    if (timer && this.#timers.delete(timer)) this.#clock.clearTimeout(timer.handle);
  }

  #fire(timer) {
    if (!this.#timers.has(timer)) return;
    this.#stop(timer);
    timer.act();
  }

  /** Let the deadlines before this moment go first, in their order. */
  #catchUp() {
    for (;;) {
      let first = null;
      for (const timer of this.#timers) if (timer.due < this.#now() - SAME && !(first?.due <= timer.due)) first = timer;
      if (!first) return;
      this.#fire(first);
    }
  }
}
