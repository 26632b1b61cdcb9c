/** The page: one run at a time, drawn anew after every step. */

import { general } from './numbers.mjs';
import { InvalidInput, HANDLED, Model, timingsOf } from './model.mjs';
import { Clock } from './clock.mjs';
import { History } from './history.mjs';
import { decodeLink, encodeLink } from './link.mjs';
import { layoutRegion, regionCard } from './diagram.mjs';
import { newRunDialog, shareDialog, shortcuts, showKeys } from './dialogs.mjs';
import { movesOf } from './moves.mjs';
import {
  countDown, historyPanel, nextPanel, numbersPanel, regionPanel, rulesPanel, stepPanel, timersPanel,
  whyNotPanel,
} from './panels.mjs';
import { stepText } from './script.mjs';
import { effectWords } from './words.mjs';

const at = (id) => document.getElementById(id);
const THEMES = ['auto', 'light', 'dark'];
const ADDRESS_DELAY = 300;
const MOST_TOLD = 8;

class Page {
  constructor(data) {
    this.model = new Model(data);
    this.layouts = new Map(this.model.regions.map((region) => [region.name, layoutRegion(this.model, region)]));
    this.history = this.fresh();
    this.region = this.busiestRegion();
    this.theme = 0;
    this.clock = new Clock({
      world: () => this.history.world,
      wait: (number) => this.play({ do: 'wait', what: '', number, draw: this.draw }),
      ticked: () => this.showTime(),
    });
    const open = (opening, steps) => this.open(opening, steps);
    const history = () => {
      this.clock.settle();
      return this.history;
    };
    this.share = shareDialog(this.model, { history, address: () => this.address, open });
    this.newRun = newRunDialog(this.model, { history, open });
    this.listen();
    this.openLink();
  }

  fresh() {
    return new History(this.model, { chosen: this.model.starts[0][0], timings: timingsOf(this.model) });
  }

  busiestRegion() {
    const sizes = this.model.regions.map(({ name, states }) => [states.length, name]);
    return sizes.sort(([one], [other]) => other - one)[0][1];
  }

  listen() {
    const press = (id, action) => at(id).addEventListener('click', action);
    const keys = [
      ['p', 'pause, or go on', () => this.run(this.clock.speed ? 0 : 1)],
      ['1', 'let time pass', () => this.run(1)],
      ['0', 'let time pass ten times as fast', () => this.run(10)],
      ['n', 'go to the next deadline', () => this.nextDeadline()],
      ['u', 'undo the last step', () => this.jump(this.history.place - 1)],
      ['r', 'do it again', () => this.jump(this.history.place + 1)],
      ['e', 'go to what can happen next', () => this.focusNext()],
      ['w', 'show what cannot happen, and why not', () => this.toggleWhyNot()],
      ['s', 'share, save or open a run', () => this.share()],
      ['b', 'begin a new run', () => this.newRun()],
      ['t', 'light, dark, or as the system has it', () => this.nextTheme()],
      ['?', 'show the keys', showKeys],
    ];
    shortcuts(keys);
    press('pause', () => this.run(0));
    press('speed-1', () => this.run(1));
    press('speed-10', () => this.run(10));
    press('deadline', () => this.nextDeadline());
    press('undo', () => this.jump(this.history.place - 1));
    press('redo', () => this.jump(this.history.place + 1));
    press('share', () => this.share());
    press('new-run', () => this.newRun());
    press('keys', showKeys);
    press('theme', () => this.nextTheme());
    window.addEventListener('hashchange', () => this.openLink());
    at('draw').addEventListener('input', () => this.draw);
  }

  // -- the run ---------------------------------------------------------------------------------

  /** The random number for the next steps; what is none counts for 0.5. */
  get draw() {
    const field = at('draw');
    const draw = field.valueAsNumber;
    const usable = draw >= 0 && draw < 1;
    field.setAttribute('aria-invalid', String(!usable));
    return usable ? draw : 0.5;
  }

  /** Do something, after the time that has passed. */
  act(step) {
    this.clock.settle();
    this.play({ ...step, draw: this.draw });
  }

  play(step) {
    if (this.history.full) {
      this.say('This run is long enough: begin a new one.');
      this.run(0);
      return;
    }
    this.history.play(step);
    this.changed();
    this.announce();
  }

  nextDeadline() {
    const { world } = this.history;
    this.clock.passed = 0;
    if (world.nextDeadline === Infinity) this.say('Nothing is due.');
    else this.act({ do: 'wait', what: '', number: world.secondsUntil(world.nextDeadline) });
  }

  jump(place) {
    this.clock.passed = 0;
    this.history.jump(place);
    this.changed();
    this.announce();
  }

  run(speed) {
    this.clock.run(speed);
    for (const [id, mine] of [['pause', 0], ['speed-1', 1], ['speed-10', 10]]) {
      at(id).setAttribute('aria-pressed', String(mine === speed));
    }
  }

  open(opening, steps) {
    this.run(0);
    this.clock.passed = 0;
    this.history = History.of(this.model, opening, steps);
    this.say('');
    this.changed();
  }

  /** Open the run in the page's address; what is none is said to be none. */
  openLink() {
    const text = window.location.hash.slice(1);
    if (!text || text === 'next-title') {
      this.changed();
      return;
    }
    try {
      const { opening, steps } = decodeLink(this.model, text);
      this.open(opening, steps);
    } catch (error) {
      if (!(error instanceof InvalidInput)) throw error;
      this.open(this.fresh().opening, []);
      this.say(`The link holds no run of this chart: ${error.message}.`);
    }
  }

  get link() {
    return encodeLink(this.model, this.history.opening, this.history.steps);
  }

  get address() {
    return `${window.location.href.split('#')[0]}#${this.link}`;
  }

  /** Bring the address up to date, later: browsers take only so many changes. */
  noteAddress() {
    clearTimeout(this.noting);
    this.noting = setTimeout(() => {
      try {
        window.history.replaceState(null, '', `#${this.link}`);
      } catch {
        // A page without an address of its own; the share dialog has the link all the same.
      }
    }, ADDRESS_DELAY);
  }

  // -- drawing ---------------------------------------------------------------------------------

  changed() {
    this.draws();
    this.noteAddress();
  }

  draws() {
    const { history, model } = this;
    const { world } = history;
    const focus = document.activeElement?.closest?.('[data-key]')?.dataset.key ?? null;
    const moves = movesOf(world);
    const now = this.diagramNow();
    const step = (made) => this.act(made);
    at('regions').replaceChildren(
      ...model.regions.map((region) =>
        regionCard(model, region, this.layouts.get(region.name), now, {
          chosen: region.name === this.region,
          onChoose: (name) => this.chooseRegion(name),
        }),
      ),
    );
    at('region-title').textContent = `Transitions of ${this.region}`;
    at('region').replaceChildren(...regionPanel(world, this.region, now.taken));
    at('next').replaceChildren(...nextPanel(world, moves, step));
    const [count, parts] = whyNotPanel(world, moves, step);
    at('why-not').replaceChildren(...parts);
    at('why-not-count').textContent = `${count} events`;
    at('step').replaceChildren(...stepPanel(history).filter(Boolean));
    at('timers').replaceChildren(...timersPanel(world, (name, deadline) => this.armedAt(name, deadline)));
    at('numbers').replaceChildren(...numbersPanel(world).flat());
    at('rules').replaceChildren(...rulesPanel(history));
    at('history').replaceChildren(...historyPanel(history, (place) => this.jump(place)));
    at('undo').disabled = !history.canUndo;
    at('redo').disabled = !history.canRedo;
    this.showHistoryPlace();
    this.showStatus();
    this.showTime();
    this.refocus(focus);
  }

  diagramNow() {
    const { history, model } = this;
    const { world, last } = history;
    const active = world.machine.configuration;
    const before = history.place > 1 ? history.entries[history.place - 2].world : history.start;
    const rows = last ? last.world.happened.flatMap((input) => input.rows) : [];
    const moved = last ? before.machine.configuration : active;
    const open = model.events.flatMap((event) => world.machine.rowOf(event, world.now).path);
    return {
      active,
      entered: new Set([...active].filter((state) => !moved.has(state))),
      left: new Set([...moved].filter((state) => !active.has(state))),
      taken: new Set(rows.flatMap((row) => row.path)),
      open: new Set(open),
      events: new Set(rows.filter((row) => row.disposition === HANDLED).map((row) => row.event)),
    };
  }

  /** Since when a timer has had its deadline. */
  armedAt(name, deadline) {
    const { entries, place, start } = this.history;
    let since = this.history.world.now;
    for (let index = place; index >= 0; index -= 1) {
      const world = index ? entries[index - 1].world : start;
      if (!world.due.some((due) => due.name === name && due.deadline === deadline)) break;
      since = world.now;
    }
    return since;
  }

  showStatus() {
    const { world } = this.history;
    const { machine } = world;
    const { reason } = machine.change;
    at('status').className = `status ${machine.status}`;
    at('status-name').textContent = machine.status;
    at('status-why').textContent = reason ? `because of ${reason}` : '';
    const { dataset } = at('explorer');
    dataset.configuration = [...machine.configuration].sort().join(' ');
    dataset.status = machine.status;
    dataset.now = world.now;
    dataset.place = this.history.place;
    dataset.last = this.history.last ? stepText(this.model, this.history.last.step) : '';
  }

  showTime() {
    at('now').textContent = `${this.clock.now.toFixed(1)} s`;
    countDown(at('timers'), this.clock.now);
  }

  showHistoryPlace() {
    const list = at('history');
    const here = list.querySelector('[aria-current]');
    if (here) list.scrollTop = here.offsetTop - list.clientHeight / 2;
  }

  /** Give the focus back to what had it; where that is gone, to what can happen next. */
  refocus(key) {
    if (key === null || document.querySelector('dialog[open]')) return;
    const same = [...document.querySelectorAll('[data-key]')].find(({ dataset }) => dataset.key === key);
    (same ?? at('next-title')).focus({ preventScroll: true });
  }

  announce() {
    const { world, last } = this.history;
    const effects = last ? last.world.happened.flatMap((input) => input.effects) : [];
    const words = effects.slice(-MOST_TOLD).map((effect) => effectWords(effect, world.calls));
    at('live').textContent = [`${world.machine.status} at ${general(world.now)} s.`, ...words].join(' ');
  }

  say(text) {
    at('message').textContent = text;
    at('message').hidden = !text;
  }

  // -- the page itself -------------------------------------------------------------------------

  chooseRegion(name) {
    this.region = name;
    this.draws();
  }

  focusNext() {
    (at('next').querySelector('button') ?? at('next-title')).focus();
  }

  toggleWhyNot() {
    const box = at('why-not-box');
    box.open = !box.open;
    box.querySelector('summary').focus();
  }

  nextTheme() {
    this.theme = (this.theme + 1) % THEMES.length;
    document.documentElement.dataset.theme = THEMES[this.theme];
    at('theme').textContent = `Theme: ${THEMES[this.theme]}`;
  }
}

export const page = new Page(JSON.parse(at('data').textContent));
