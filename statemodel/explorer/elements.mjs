/** Making elements. Text goes in as text: nothing here, or anywhere in the page, reads markup. */

const SVG = 'http://www.w3.org/2000/svg';

function fill(made, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
    } else {
      made.setAttribute(name, value === true ? '' : String(value));
    }
  }
  made.append(...children.flat(2).filter((child) => child !== null && child !== undefined));
  return made;
}

/** An element of HTML with attributes, listeners (`on`) and children, which may be text. */
export function element(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** An element of SVG. */
export function shape(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

/** A button; `key` is what it is found by after the page has been drawn anew. */
export function button(key, text, onClick, properties = {}) {
  return element('button', { type: 'button', 'data-key': key, ...properties, on: { click: onClick } }, text);
}

/** Rule numbers as small labels, with their sentences to be read on hover. */
export function ruleChips(model, numbers) {
  return numbers.map((number) =>
    element('span', { class: 'rule', title: model.data.rules[number]?.[0] ?? '' }, number),
  );
}

/** Code, as names of states and events. */
export function code(text) {
  return element('code', {}, text);
}

/** A sentence in which names stand between backticks. */
export function sentence(text) {
  return text.split('`').map((part, at) => (at % 2 ? code(part) : part));
}
