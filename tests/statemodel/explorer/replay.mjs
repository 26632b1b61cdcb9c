/**
 * Replays walks that Python has made, on the explorer's machine and world, and compares everything.
 *
 * Usage: node replay.mjs FILE. Prints the first difference and exits 1, or prints how much was compared.
 */

import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';

import { Machine } from '../../../statemodel/explorer/machine.mjs';
import { InvalidInput, Model, timingsOf } from '../../../statemodel/explorer/model.mjs';
import { World } from '../../../statemodel/explorer/world.mjs';

const { data, machines, worlds } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const model = new Model(data);

/** Numbers that JSON cannot have come as words. */
function number(value) {
  return typeof value === 'string' ? Number(value.replace('inf', 'Infinity')) : value;
}

function dispositions(machine, now) {
  return model.events
    .map((event) => machine.rowOf(event, now))
    .map((row) => row.refusal?.code ?? row.disposition)
    .join(' ');
}

function seen(machine, now) {
  const pings = machine.pings.running.map(([payload, ping]) => [payload, ping.deadline]);
  return {
    configuration: [...machine.configuration].sort(),
    status: machine.status,
    dead_end: machine.deadEnd,
    dispositions: dispositions(machine, now),
    deadlines: Object.fromEntries([...machine.deadlines].sort()),
    pings,
    next_deadline: machine.nextDeadline,
    generation: machine.generation,
    failures: machine.failures,
    details: machine.details,
    user: machine.user,
    waiting: machine.pending,
    last_change: { ...machine.change, retry_in: machine.retryIn(now) },
  };
}

function different(walk, at, what, expected, actual) {
  console.log(JSON.stringify({ walk, at, what, expected, actual }, null, 1));
  process.exit(1);
}

function compare(walk, at, what, expected, actual) {
  for (const key of Object.keys(expected)) {
    if (!isDeepStrictEqual(expected[key], actual[key])) {
      different(walk, at, `${key} after ${JSON.stringify(what)}`, expected[key], actual[key]);
    }
  }
}

function inputs() {
  let count = 0;
  machines.forEach(({ chosen, timings, steps }, walk) => {
    let machine = new Machine(model, chosen, timingsOf(model, timings));
    steps.forEach(({ event, now, draw, after, expected }, at) => {
      const copy = machine.copy();
      const before = seen(machine, 0);
      let effects = null;
      let error = null;
      try {
        effects = machine.handle(event, number(now), number(draw));
      } catch (caught) {
        if (!(caught instanceof InvalidInput)) throw caught;
        error = caught.message;
        compare(walk, at, 'an error', before, seen(machine, 0));
      }
      compare(walk, at, event, expected, { effects, error, ...seen(machine, after) });
      if (at % 7 === 0) {
        compare(walk, at, 'the copied one', before, seen(copy, 0)); // a copy has a life of its own
        machine = machine.copy();
      }
      count += 1;
    });
  });
  return count;
}

function scripts() {
  let count = 0;
  worlds.forEach(({ chosen, timings, steps }, walk) => {
    let world = new World(model, { chosen, timings: timingsOf(model, timings) });
    steps.forEach(({ step, expected }, at) => {
      world = world.copy();
      world.play(step);
      const { now } = world;
      const actual = {
        now,
        answers: world.possibleAnswers(),
        calls: [...world.waiting],
        effects: world.happened.flatMap((input) => input.effects),
        rows: world.happened.flatMap((input) => input.rows.map((row) => [row.at, row.event, row.embargoed])),
        due: world.nextDeadline === Infinity ? null : world.nextDeadline,
        impossible: world.impossible.length,
        until: world.secondsUntil(now * 7.3 + 1 / 3),
        ...seen(world.machine, now),
      };
      compare(walk, at, step, expected, actual);
      count += 1;
    });
  });
  return count;
}

console.log(JSON.stringify({ inputs: inputs(), steps: scripts() }));
