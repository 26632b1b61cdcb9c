/** The history of a run: every step with the world after it, and a place in it. */

import { MOST_STEPS } from './script.mjs';
import { World } from './world.mjs';

export class History {
  /** @param {object} opening `chosen` and `timings`, as `World` takes them. */
  constructor(model, opening) {
    this.model = model;
    this.opening = opening;
    this.start = new World(model, opening);
    /** The steps that were made, those undone included, each with the world after it. */
    this.entries = [];
    this.place = 0;
  }

  /** Play steps from the beginning. */
  static of(model, opening, steps) {
    const history = new History(model, opening);
    for (const step of steps) history.play(step);
    return history;
  }

  get world() {
    return this.place ? this.entries[this.place - 1].world : this.start;
  }

  /** The entry of the last step; `null` at the beginning. */
  get last() {
    return this.place ? this.entries[this.place - 1] : null;
  }

  /** The steps up to here. */
  get steps() {
    return this.entries.slice(0, this.place).map(({ step }) => step);
  }

  get canUndo() {
    return this.place > 0;
  }

  get canRedo() {
    return this.place < this.entries.length;
  }

  get full() {
    return this.place >= MOST_STEPS;
  }

  /** Play a step here; what was undone is forgotten. */
  play(step) {
    if (this.full) return;
    const world = this.world.copy();
    world.play(step);
    this.entries.length = this.place;
    this.entries.push({ step, world });
    this.place += 1;
  }

  /** Go to a place: 0 is the beginning. */
  jump(place) {
    this.place = Math.max(0, Math.min(place, this.entries.length));
  }

  /** Everything that the machine was given so far. */
  get inputs() {
    return this.entries.slice(0, this.place).flatMap(({ world }) => world.happened);
  }
}
