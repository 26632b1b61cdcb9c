/**
 * The page's clock: how fast the model's time passes while nobody does anything. Time that has passed
 * becomes a step when something is due, or somebody does something.
 */

const TICK = 100;
const LONGEST_TICK = 1000;
const MOST_DUE = 200;
/** Passed time is cut to this, so that its numbers stay short and exact. */
const GRAIN = 1 / 64;

export class Clock {
  /**
   * @param {object} page `world()`: where the run is; `wait(seconds)`: let time pass in it; `ticked()`.
   */
  constructor(page) {
    this.page = page;
    /** Seconds of the model in a second; 0 while paused. */
    this.speed = 0;
    /** Seconds that have passed since the last step. */
    this.passed = 0;
    this.before = 0;
    this.timer = null;
  }

  get now() {
    return this.page.world().now + this.passed;
  }

  run(speed) {
    this.speed = speed;
    clearInterval(this.timer);
    this.before = performance.now();
    this.timer = speed ? setInterval(() => this.tick(), TICK) : null;
  }

  tick() {
    const then = performance.now();
    this.passed += (Math.min(then - this.before, LONGEST_TICK) / 1000) * this.speed;
    this.before = then;
    for (let count = 0; count < MOST_DUE; count += 1) {
      const world = this.page.world();
      const until = world.nextDeadline;
      if (until > world.now + this.passed || world.stopped !== null) break;
      const number = world.secondsUntil(until);
      this.passed = Math.max(0, this.passed - number);
      this.page.wait(number);
    }
    this.page.ticked();
  }

  /** Make a step of the time that has passed; what is due at the end of it has not fired. */
  settle() {
    const number = Math.floor(this.passed / GRAIN) * GRAIN;
    this.passed = 0;
    const world = this.page.world();
    if (number > 0 && world.now + number < world.nextDeadline) this.page.wait(number);
  }
}
