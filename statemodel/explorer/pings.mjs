/**
 * The pings in flight on one socket, and what was heard from its peer: `statemodel/_pings.py`.
 */

export class Pings {
  constructor() {
    this.out = new Map();
    this.next = 0;
    this.frames = 0;
    this.reading = true;
    this.heardAt = -Infinity;
  }

  copy() {
    const other = new Pings();
    Object.assign(other, this, { out: new Map(this.out) });
    return other;
  }

  /** The pings whose time runs: none while our side does not read (K6). */
  get running() {
    return this.reading ? [...this.out] : [];
  }

  get nextDeadline() {
    return this.running.reduce((first, [, ping]) => Math.min(first, ping.deadline), Infinity);
  }

  get ownOut() {
    return [...this.out.values()].some((ping) => ping.own);
  }

  get commands() {
    return [...this.out.values()].map((ping) => ping.command).filter((command) => command !== null);
  }

  open(now) {
    this.out = new Map();
    this.reading = true;
    this.frame(now);
  }

  send(now, limit, command, own) {
    this.next += 1;
    const payload = String(this.next);
    const flight = { command, own, sentAt: now, writtenAt: now, limit };
    this.out.set(payload, { ...flight, deadline: now + limit, frames: this.frames });
    return payload;
  }

  written(payload, now) {
    const ping = this.out.get(payload);
    if (!ping) return;
    const deadline = now + ping.limit;
    this.out.set(payload, { ...ping, writtenAt: now, deadline, frames: this.frames });
  }

  frame(now) {
    this.frames += 1;
    this.heardAt = now;
  }

  answer(payload) {
    const ping = this.out.get(payload) ?? null;
    this.out.delete(payload);
    return ping;
  }

  /** Take out a ping whose time is over; say also whether no frame came in at all (P5). */
  expire(payload) {
    const ping = this.answer(payload);
    return [ping, ping.frames === this.frames];
  }

  /** Give every ping at least until then (H5); return whether one of our own went out just now. */
  postpone(now, until) {
    for (const [payload, ping] of this.out) {
      if (ping.deadline < until) this.out.set(payload, { ...ping, deadline: until });
    }
    return [...this.out.values()].some((ping) => ping.own && ping.sentAt === now);
  }

  forget(command) {
    for (const [payload, ping] of this.out) {
      if (ping.command === command) this.out.set(payload, { ...ping, command: null });
    }
  }

  clear() {
    const { commands } = this;
    this.out = new Map();
    return commands;
  }

  /** Note that our side stopped or started reading; then all deadlines start again (K6). */
  read(now, on) {
    if (on && !this.reading) {
      for (const [payload, ping] of this.out) {
        this.out.set(payload, { ...ping, deadline: now + ping.limit });
      }
    }
    this.reading = on;
  }
}
