/**
 * A compiled chart, made from the page's data: look-ups, and guards. Knows no state by name.
 */

/** What a caller did wrong; nothing has changed. */
export class InvalidInput extends Error {}

/** The machine asks for what cannot be: only a broken chart leads there. */
export class Broken extends Error {}

export const HANDLED = 'handled';
export const REFUSED = 'refused';
export const STALE = 'stale';
export const IGNORED = 'ignored';

const NOTHING = Object.freeze({ actions: [], settled: [], reason: null });

export class Model {
  /** @param {object} data What `statemodel explore` embeds. */
  constructor(data) {
    const { table, states, events } = data;
    this.data = data;
    this.chart = data.chart;
    this.events = events;
    this.eventSet = new Set(events);
    this.transitions = data.transitions;
    this.regions = data.regions;
    this.configurations = table.configurations.map((row) => row.map((number) => states[number]));
    this.active = this.configurations.map((names) => new Set(names));
    this.statuses = table.statuses;
    this.deadEnds = table.dead_ends;
    this.starts = table.starts;
    this.paths = table.paths;
    this.steps = table.steps.map(([actions, settled, reason]) => ({ actions, settled, reason }));
    this.handled = table.handled.map((flat) => this.#cells(flat));
    this.embargoed = table.embargoed.map((flat) => this.#cells(flat));
    this.refused = table.refused.map((flat) => {
      const row = new Map();
      for (let at = 0; at < flat.length; at += 2) row.set(events[flat[at]], data.refusals[flat[at + 1]]);
      return row;
    });
    this.stale = table.stale.map((row) => new Set(row.map((number) => events[number])));
    this.machine = data.machine;
    this.order = new Map(data.machine.order.map((timer, index) => [timer, index]));
    this.lengths = new Map(Object.entries(data.machine.lengths));
    this.givenUp = new Map(Object.entries(data.machine.given_up));
    this.calledOff = new Map(Object.entries(data.machine.called_off));
    this.own = new Set(data.machine.own);
    this.explained = new Set(data.machine.explained);
    this.script = data.script;
    this.atoms = new Map();
    this.parents = new Map();
    for (const region of data.regions) {
      for (const state of region.states) {
        this.parents.set(state.name, state.parent);
        if (state.atomic) this.atoms.set(state.name, region.name);
      }
    }
  }

  #cells(flat) {
    const row = new Map();
    for (let at = 0; at < flat.length; at += 4) {
      const [event, target, step, path] = flat.slice(at, at + 4);
      row.set(this.events[event], { target, step: this.steps[step], path: this.paths[path] });
    }
    return row;
  }

  /** The configuration in which a machine with these choices starts. */
  start(chosen) {
    const wanted = [...chosen].sort().join(' ');
    const found = this.starts.find(([words]) => [...words].sort().join(' ') === wanted);
    if (!found) throw new InvalidInput(`${wanted} is no start of ${this.chart}`);
    return found[1];
  }

  /** The cell for an event in a configuration; every event has one everywhere. */
  row(at, event, embargoed = false) {
    const row = { at, event, embargoed, target: at, step: NOTHING, path: [], refusal: null };
    const refusal = this.refused[at].get(event);
    if (refusal) return { ...row, disposition: REFUSED, refusal };
    if (this.stale[at].has(event)) return { ...row, disposition: STALE };
    let cell = this.handled[at].get(event);
    if (embargoed) cell = this.embargoed[at].get(event) ?? cell;
    if (!cell) return { ...row, disposition: IGNORED };
    return { ...row, ...cell, disposition: HANDLED };
  }

  /** Say whether an event is one of an added region's own. */
  isCustom(event) {
    return this.eventSet.has(event) && !this.own.has(event);
  }

  /** The custom events of the chart. */
  get customEvents() {
    return this.events.filter((event) => this.isCustom(event));
  }

  /** Evaluate a guard's tree on active states; the chart's questions are about the embargo. */
  holds(test, active, embargoed) {
    if (test === true) return true;
    if (typeof test === 'string') return this.parents.has(test) ? active.has(test) : embargoed;
    const [word, ...parts] = test;
    if (word === 'not') return !this.holds(parts[0], active, embargoed);
    if (word === 'and') return parts.every((part) => this.holds(part, active, embargoed));
    return parts.some((part) => this.holds(part, active, embargoed));
  }

  /** What an end with this HTTP status or close code is: `loss`, `auth` or `terminal`. */
  end(status, code) {
    const { policy } = this.machine;
    if (within(policy.auth_statuses, status) || within(policy.auth_codes, code)) return 'auth';
    return within(policy.terminal_codes, code) ? 'terminal' : 'loss';
  }

  /** Say whether a Retry-After with this HTTP status is believed. */
  believes(status) {
    return within(this.machine.policy.retry_after_statuses, status);
  }
}

function within(ranges, number) {
  return number !== null && ranges.some(([first, last]) => first <= number && number <= last);
}

const RELATIONS = [
  ['backoff_base', 'must not be above', 'backoff_cap', (one, other) => one <= other],
  ['keep_alive_interval', 'must be below', 'background_grace', (one, other) => one < other],
  ['pong_timeout', 'must not be above', 'heartbeat_interval', (one, other) => one <= other],
];

/** The settings, with the given ones in place of defaults; refused if they contradict each other. */
export function timingsOf(model, given = {}) {
  const timings = { ...model.script.settings };
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(timings, name)) throw new InvalidInput(`there is no setting ${name}`);
    if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
      throw new InvalidInput(`${name} must be finite and positive`);
    }
    timings[name] = value;
  }
  for (const [one, relation, other, fits] of RELATIONS) {
    if (!fits(timings[one], timings[other])) {
      const are = `they are ${timings[one]} and ${timings[other]}`;
      throw new InvalidInput(`${one} ${relation} ${other}; ${are}`);
    }
  }
  return timings;
}
