/** The dialogs: share a run or open one, begin anew, and the keys. */

import { InvalidInput, timingsOf } from './model.mjs';
import { element } from './elements.mjs';
import { parseScript, scriptText } from './script.mjs';
import { pythonText } from './python.mjs';

const byId = (id) => document.getElementById(id);

function complain(id, text) {
  byId(id).textContent = text;
  byId(id).hidden = !text;
}

/** Do what a user's input asks for; say what is wrong with it. */
function attempt(id, action) {
  try {
    complain(id, '');
    action();
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    complain(id, error.message);
  }
}

async function copy(id, what) {
  const field = byId(id);
  try {
    await navigator.clipboard.writeText(field.value);
    byId('copied').textContent = `${what} copied.`;
  } catch {
    field.select(); // no clipboard here: the text is selected, to be copied by hand
    byId('copied').textContent = `${what} selected: copy it with your keyboard.`;
  }
}

/** Make the share dialog work; `open(opening, steps)` begins another run. Returns what shows it. */
export function shareDialog(model, { history, address, open }) {
  byId('copy-link').addEventListener('click', () => copy('link', 'Link'));
  byId('copy-script').addEventListener('click', () => copy('script', 'Script'));
  byId('copy-python').addEventListener('click', () => copy('python', 'Python program'));
  byId('open-script').addEventListener('click', () =>
    attempt('script-error', () => {
      const { opening, steps } = parseScript(model, byId('script').value);
      byId('share-dialog').close();
      open(opening, steps);
    }),
  );
  return () => {
    const run = history();
    byId('link').value = address();
    byId('script').value = scriptText(model, run.opening, run.steps);
    byId('python').value = pythonText(model, run.opening, run.inputs, run.world.machine);
    byId('copied').textContent = '';
    complain('script-error', '');
    byId('share-dialog').showModal();
  };
}

/** Make the dialog for a new run work. Returns what shows it. */
export function newRunDialog(model, { history, open }) {
  const [[usual]] = model.starts;
  const choices = usual.map((_, at) => [...new Set(model.starts.map(([chosen]) => chosen[at]))]);
  const pickers = choices.map((words) =>
    element('select', { class: 'picker' }, words.map((word) => element('option', { value: word }, word))),
  );
  byId('new-start').append(
    ...pickers.map((picker, at) => element('label', {}, `${choices[at].join(' or ')} `, picker)),
  );
  const fields = Object.keys(model.script.settings).map((name) => [
    name,
    element('input', { type: 'number', step: 'any', min: 0, inputmode: 'decimal' }),
  ]);
  byId('new-timings').append(...fields.map(([name, field]) => element('label', {}, `${name} `, field)));
  byId('new-begin').addEventListener('click', () =>
    attempt('new-error', () => {
      const given = Object.fromEntries(fields.map(([name, field]) => [name, field.valueAsNumber]));
      const timings = timingsOf(model, given);
      byId('new-dialog').close();
      open({ chosen: pickers.map((picker) => picker.value), timings }, []);
    }),
  );
  return () => {
    const { chosen, timings } = history().opening;
    pickers.forEach((picker, at) => {
      picker.value = chosen[at];
    });
    for (const [name, field] of fields) field.value = timings[name];
    complain('new-error', '');
    byId('new-dialog').showModal();
  };
}

/** Make single keys act; `keys` are rows of key, words and action. */
export function shortcuts(keys) {
  byId('keys-list').append(
    ...keys.flatMap(([key, words]) => [element('dt', {}, element('kbd', {}, key)), element('dd', {}, words)]),
    element('dt', {}, element('kbd', {}, 'Tab'), ' ', element('kbd', {}, 'Enter')),
    element('dd', {}, 'go to any button, and press it'),
  );
  document.addEventListener('keydown', (event) => {
    const typing = event.target.closest('input:not([type=checkbox]), textarea, select');
    const modified = event.ctrlKey || event.altKey || event.metaKey;
    if (typing || modified || !byId('keys-on').checked || document.querySelector('dialog[open]')) return;
    const found = keys.find(([key]) => key === event.key);
    if (!found) return;
    event.preventDefault();
    found[2]();
  });
}

/** Show the keys. */
export function showKeys() {
  byId('keys-dialog').showModal();
}
