/** A history as a Python program that gives `statemodel.Machine` the same inputs. */

import { pythonFloat } from './numbers.mjs';
import { changedTimings, opensLikeScripts } from './script.mjs';

const OURS = 'statemodel:ConnectionChart';

/** A text as a literal that is a string in both languages. */
function quoted(text) {
  const plain = /[\u007f-\uffff]/g;
  return JSON.stringify(text).replace(plain, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function literal(name, value) {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (name === 'payload') return `b${quoted(value)}`;
  if (typeof value === 'string') return quoted(value);
  if (name === 'credentials') return `Credentials(uid=${quoted(value.uid)})`;
  if (name === 'user') return `User(uid=${quoted(value.uid)})`;
  return name === 'retry_after' ? pythonFloat(value) : String(value);
}

function call({ type, ...fields }) {
  const values = Object.entries(fields).filter(([, value]) => value !== null);
  return `events.${type}(${values.map(([name, value]) => `${name}=${literal(name, value)}`).join(', ')})`;
}

/**
 * Write the program.
 *
 * @param {object[]} inputs What the machine was given: `event`, `now`, `draw`.
 * @param {Machine} machine What came of it.
 */
export function pythonText(model, opening, inputs, machine) {
  const { source } = model.data;
  const ours = source === OURS;
  const [module, name] = source.split(':');
  const lines = [`"""A run of ${model.chart}, as its explorer has written it."""`, ''];
  if (!opensLikeScripts(model)) {
    lines.push(`# This chart does not open with a mode, an application and a network, as Machine does.`);
  }
  lines.push(`from statemodel import Credentials, Machine, Mode, Timings, User, ${ours ? '' : 'compile_chart, '}events`);
  if (!ours) lines.push(`from ${module} import ${name}`);
  lines.push('', 'machine = Machine(');
  const [mode = 'auto', app = 'foreground', network = 'online'] = opening.chosen;
  lines.push(`    mode=Mode.${mode.toUpperCase()},`);
  lines.push(`    foreground=${app === 'foreground' ? 'True' : 'False'},`);
  lines.push(`    online=${network === 'online' ? 'True' : 'False'},`);
  const changed = changedTimings(model, opening.timings);
  if (changed.length) {
    const values = changed.map(([setting, value]) => `${setting}=${pythonFloat(value)}`);
    lines.push(`    timings=Timings(${values.join(', ')}),`);
  }
  if (!ours) lines.push(`    table=compile_chart(${name}),`);
  lines.push(')', '', 'inputs = [');
  for (const { event, now, draw } of inputs) {
    lines.push(`    (${call(event)}, ${pythonFloat(now)}, ${pythonFloat(draw)}),`);
  }
  const states = [...machine.configuration].map(quoted).join(', ');
  lines.push(
    ']',
    'for event, now, draw in inputs:',
    '    for effect in machine.handle(event, now=now, draw=draw):',
    '        print(now, effect)',
    '',
    `assert machine.configuration == {${states}}`,
    '',
  );
  return lines.join('\n');
}
