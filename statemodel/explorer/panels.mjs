/** The panels of the page: each is a function from what there is to elements. */

import { general } from './numbers.mjs';
import { HANDLED } from './model.mjs';
import { button, code, element, ruleChips, sentence } from './elements.mjs';
import { COMES_WHEN, callName, effectBrief, effectWords, seconds, stepWords } from './words.mjs';
import { GROUPS, dueAt, preview, whyNot } from './moves.mjs';
import { stepText } from './script.mjs';

const ARROW = '\u2192';

// -- what can happen next ------------------------------------------------------------------------

/** Buttons for everything that the chart takes now, grouped by who causes it. */
export function nextPanel(world, moves, onStep) {
  const { model } = world;
  const parts = [];
  for (const [group, title] of GROUPS) {
    const mine = moves.filter((move) => move.group === group && move.enabled);
    if (!mine.length) continue;
    parts.push(
      element('h3', {}, title),
      element('ul', { class: 'moves', 'data-group': group }, mine.map((move) => moveRow(world, move, onStep))),
    );
  }
  if (world.stopped !== null) parts.push(element('p', { class: 'alarm' }, `Nothing more happens: ${world.stopped}.`));
  const enabled = model.events.filter((event) => world.machine.rowOf(event, world.now).disposition === HANDLED);
  parts.push(
    element('h3', {}, 'Events that the chart takes here'),
    element(
      'ul',
      { class: 'chips' },
      enabled.map((event) =>
        element('li', { 'data-chart-event': event, title: COMES_WHEN[event] ?? null }, code(event)),
      ),
    ),
  );
  return parts;
}

function moveRow(world, move, onStep) {
  const { model, calls } = world;
  const line = stepText(model, move.step);
  const shown = preview(world, move.step);
  const due = move.group === 'timers' && move.step.do !== 'sleep' ? dueAt(world, move.step) : [];
  const cause = move.event ?? due.join(', ');
  const effects = [...new Set(shown.effects.map((effect) => effectBrief(effect, calls)))];
  const answer = Object.hasOwn(model.script.answers, move.step.do) || move.step.do === 'custom';
  const label = move.group === 'timers' ? timeLabel(move.step, due) : answer ? move.step.what : line;
  const words = stepWords(move.step, calls);
  return element(
    'li',
    {},
    button(`step ${label}`, label, () => onStep(move.step), {
      class: 'move',
      'data-step': line,
      'data-event': move.event ?? '',
      title: words,
    }),
    element(
      'span',
      { class: 'outcome' },
      cause && cause !== label ? element('code', { class: 'cause' }, cause) : null,
      shown.entered.map((state) => element('span', { class: 'state-chip' }, `${ARROW} ${state}`)),
      effects.length ? element('span', {}, effects.join(' \u00b7 ')) : null,
      shown.entered.length || effects.length ? null : element('span', { class: 'quiet' }, 'changes no state'),
    ),
  );
}

function timeLabel(step, due) {
  const time = seconds(step.number);
  if (step.do === 'reach') return `up to ${due.join(', ')}: ${time}`;
  if (step.do === 'sleep') return `sleep ${time}`;
  return due.length ? `until ${due.join(', ')}: ${time}` : `wait ${time}`;
}

// -- what cannot ---------------------------------------------------------------------------------

/** Every event that is not taken here, with why not. */
export function whyNotPanel(world, moves, onStep) {
  const { model } = world;
  const reasons = model.events.map((event) => whyNot(world, event)).filter((r) => r.disposition !== HANDLED);
  const parts = [];
  for (const [group, title] of GROUPS) {
    const mine = reasons.filter((reason) => reason.group === group);
    if (!mine.length) continue;
    const rows = mine.map((reason) => {
      const anyway = moves.filter((move) => move.event === reason.event && !move.enabled);
      return element(
        'li',
        { 'data-chart-event': reason.event, 'data-disposition': reason.code ?? reason.disposition },
        element('div', {}, code(reason.event), ' ', ruleChips(model, reason.rules)),
        element('div', { class: 'why' }, reasonWords(reason)),
        anyway.map((move) => {
          const line = stepText(model, move.step);
          return button(`anyway ${line}`, `${line}, all the same`, () => onStep(move.step), {
            class: 'anyway',
            'data-step': line,
          });
        }),
      );
    });
    parts.push(element('h3', {}, title), element('ul', { class: 'reasons' }, rows));
  }
  return [reasons.length, parts];
}

function reasonWords(reason) {
  if (reason.code) return ['refused with ', code(reason.code), ' while ', code(reason.guard)];
  if (reason.heard) return ['heard only in ', code(reason.heard)];
  if (reason.only) return ['changes nothing here: taken only from ', code(reason.only.join(', '))];
  const guards = reason.unmet.filter(Boolean).map((guard, at) => [at ? ' or ' : '', code(guard)]);
  return ['changes nothing here: needs ', guards];
}

// -- what has just happened ----------------------------------------------------------------------

/** Of a long wait the last inputs are shown. */
const MOST_INPUTS = 60;

/** The last step: what it was, which transitions it took, and what is to be done. */
export function stepPanel(history) {
  const { last, model } = history;
  if (last === null) return [element('p', { class: 'quiet' }, 'Nothing has happened yet.')];
  const { step, world } = last;
  const parts = [
    element('p', { class: 'step-line' }, code(stepText(model, step)), ` ${stepWords(step, world.calls)}`),
  ];
  if (!world.happened.length) parts.push(element('p', { class: 'quiet' }, quietReason(step)));
  const hidden = world.happened.length - MOST_INPUTS;
  if (hidden > 0) parts.push(element('p', { class: 'quiet' }, `${hidden} inputs before these are not shown.`));
  for (const input of world.happened.slice(-MOST_INPUTS)) {
    const rows = input.rows.map((row) => rowLines(model, row));
    const effects = input.effects.map((effect) =>
      element('li', { 'data-effect': JSON.stringify(effect) }, effectWords(effect, world.calls)),
    );
    parts.push(
      element('h3', {}, `at ${seconds(input.now)}: ${input.event.type}`),
      rows.length ? element('ul', { class: 'rows' }, rows) : null,
      effects.length
        ? element('ol', { class: 'effects' }, effects)
        : element('p', { class: 'quiet' }, 'Nothing is to be done.'),
    );
  }
  return parts;
}

function quietReason(step) {
  if (['wait', 'reach'].includes(step.do)) return 'Nothing became due.';
  if (step.do === 'sleep') return 'The next step finds everything late.';
  return 'It was not the moment for it: nobody waits for that.';
}

function rowLines(model, row) {
  if (row.refusal) {
    const why = [code(row.event), ' is refused: ', code(row.refusal.guard), ' '];
    return element('li', {}, why, ruleChips(model, row.refusal.rules));
  }
  if (!row.path.length) {
    const what = { stale: 'nobody waits for it', ignored: 'changes nothing' };
    return element('li', {}, code(row.event), `: ${what[row.disposition] ?? 'settles what waits'}`);
  }
  return row.path.map((number) => transitionLine(model, model.transitions[number], row.event));
}

function transitionLine(model, { source, target, events, guard, rules }, event) {
  return element(
    'li',
    {},
    code(`${source} ${ARROW} ${target ?? source}`),
    events.length ? [' on ', code(event)] : ' by itself',
    guard ? [' while ', code(guard)] : null,
    ' ',
    ruleChips(model, rules),
  );
}

// -- time and numbers ----------------------------------------------------------------------------

/** What is due, with the time that is left; `armed` says since when each runs. */
export function timersPanel(world, armed) {
  if (!world.due.length) return [element('p', { class: 'quiet' }, 'No timer runs.')];
  const rows = world.due.map(({ name, deadline }) => {
    const since = armed(name, deadline);
    return element(
      'li',
      { 'data-timer': name, 'data-deadline': deadline, 'data-since': since },
      element('span', { class: 'timer-name' }, name),
      element('span', { class: 'timer-left' }, ''),
      element('progress', { max: Math.max(deadline - since, 1e-9), value: 0, 'aria-label': `${name} timer` }),
      element('span', { class: 'timer-due' }, `due at ${seconds(deadline)}`),
    );
  });
  return [element('ul', { class: 'timers' }, rows)];
}

/** Bring the timers' rows up to a time. */
export function countDown(list, now) {
  for (const row of list.querySelectorAll('[data-timer]')) {
    const deadline = Number(row.dataset.deadline);
    const left = deadline - now;
    const late = left < 0 ? `late by ${(-left).toFixed(1)} s` : `${left.toFixed(1)} s left`;
    row.querySelector('.timer-left').textContent = late;
    row.querySelector('progress').value = now - Number(row.dataset.since);
  }
}

/** The numbers that the table has not: who waits, generation, failures, embargo. */
export function numbersPanel(world) {
  const { machine, model, now } = world;
  const facts = [
    ['user', machine.user ? machine.user.uid : 'nobody'],
    ['generation', machine.generation],
    ['failures in a row', machine.failures],
    ['Retry-After', machine.embargoed(now) ? `until ${seconds(machine.notBefore)}` : 'none'],
    ['pings out', machine.pings.out.size],
    ['last end', machine.details || 'none yet'],
  ];
  const waits = machine.pending.map((command) => {
    const kind = [...machine.waiting].find(([, commands]) => commands.includes(command))?.[0];
    const ends = model.data.outcomes.filter((outcome) => outcome.waiting === (kind ?? world.calls.get(command)));
    return element(
      'details',
      {},
      element('summary', { 'data-key': `wait ${command}` }, `${callName(world.calls, command)} waits`),
      element('ul', { class: 'rows' }, ends.map((outcome) => outcomeLine(model, outcome))),
    );
  });
  const wonders = world.impossible.map((sentence) => element('p', { class: 'alarm' }, sentence));
  const list = facts.map(([name, value]) => [element('dt', {}, name), element('dd', {}, String(value))]);
  return [element('dl', { class: 'facts' }, list), waits, wonders];
}

function outcomeLine(model, { guard, code: failure, after, rules }) {
  const end = failure ? ['fails with ', code(failure)] : ['succeeds'];
  const cause = after ? [' after ', code(after)] : null;
  return element('li', {}, end, ' once ', code(guard), cause, ' ', ruleChips(model, rules));
}

// -- rules and transitions -----------------------------------------------------------------------

/** The rules behind the last step, and those that stand beside what is active now. */
export function rulesPanel(history) {
  const { model, world, last } = history;
  const here = world.machine.configuration;
  const rows = last ? last.world.happened.flatMap((input) => input.rows) : [];
  const fired = rows.flatMap((row) => [
    ...(row.refusal?.rules ?? []),
    ...row.path.flatMap((number) => model.transitions[number].rules),
  ]);
  const inForce = [
    ...model.regions.flatMap((region) => region.rules),
    ...model.regions.flatMap((region) => region.states).filter(({ name }) => here.has(name)).flatMap((s) => s.rules),
    ...model.transitions.filter(({ source }) => here.has(source)).flatMap(({ rules }) => rules),
    ...model.data.refusals
      .filter(({ test }) => model.holds(test, here, world.machine.embargoed(world.now)))
      .flatMap(({ rules }) => rules),
  ];
  const all = Object.keys(model.data.rules);
  const list = (numbers) =>
    all
      .filter((number) => numbers.includes(number))
      .map((number) => {
        const [statement, source] = model.data.rules[number];
        const title = `source: ${source}`;
        return element('li', {}, element('span', { class: 'rule', title }, number), ' ', sentence(statement));
      });
  const just = list(fired);
  return [
    element('h3', {}, 'Behind the last step'),
    just.length ? element('ul', { class: 'rules just' }, just) : element('p', { class: 'quiet' }, 'None.'),
    element('h3', {}, 'In force in these states'),
    element(
      'ul',
      { class: 'rules scroll', tabindex: 0, 'aria-label': 'rules in force', 'data-key': 'rules in force' },
      list(inForce.filter((number) => !fired.includes(number))),
    ),
  ];
}

/** All transitions of a region, with their guards, and whether these hold now. */
export function regionPanel(world, name, taken) {
  const { model, machine, now } = world;
  const rank = ({ transition, number }) =>
    taken.has(number) ? 0 : machine.configuration.has(transition.source) ? 1 : 2;
  return model.transitions
    .map((transition, number) => ({ transition, number }))
    .filter(({ transition }) => transition.region === name)
    .sort((one, other) => rank(one) - rank(other))
    .map(({ transition, number }) => {
      const { source, target, events, guard, test, actions, rules, line } = transition;
      const here = machine.configuration.has(source);
      const holds = model.holds(test, machine.configuration, machine.embargoed(now));
      const words = [code(`${source} ${ARROW} ${target ?? source}`), target ? null : ' (stays)'];
      const facts = [
        events.length ? [' on ', events.map((event, at) => [at ? ' or ' : '', code(event)])] : ' by itself',
        guard ? [' while ', code(guard), here ? (holds ? ' \u2713' : ' \u2717') : null] : null,
        actions.length ? [' does ', code(actions.join(', '))] : null,
      ];
      return element(
        'li',
        { class: taken.has(number) ? 'taken' : here ? 'here' : '' },
        element('span', { class: 'from-to' }, words.flat()),
        element('span', { class: 'facts-line' }, facts.flat(3)),
        element('span', { class: 'sources' }, ruleChips(model, rules), ' ', line),
      );
    });
}

// -- history -------------------------------------------------------------------------------------

const SHOWN = 120;

/** The steps, with the time and status after each; a press jumps there. */
export function historyPanel(history, onJump) {
  const { model, entries, place } = history;
  const first = Math.max(0, place - SHOWN);
  const last = Math.min(entries.length, place + SHOWN);
  const rows = [];
  const add = (at, line, world) => {
    const item = button(`jump ${at}`, '', () => onJump(at), {
      class: `jump${at > place ? ' undone' : ''}`,
      'aria-current': at === place ? 'step' : null,
    });
    item.append(
      element('span', { class: 'time' }, general(Math.round(world.now * 1000) / 1000)),
      element('span', { class: 'line' }, line),
      element('span', { class: `dot ${world.machine.status}` }, world.machine.status),
    );
    rows.push(element('li', {}, item));
  };
  const gap = () => rows.push(element('li', { class: 'quiet' }, '\u2026'));
  add(0, `open ${history.opening.chosen.join(' ')}`, history.start);
  if (first > 0) gap();
  for (let at = first + 1; at <= last; at += 1) {
    const { step, world } = entries[at - 1];
    add(at, stepText(model, step), world);
  }
  if (last < entries.length) {
    gap();
    const { step, world } = entries.at(-1);
    add(entries.length, stepText(model, step), world);
  }
  return rows;
}
