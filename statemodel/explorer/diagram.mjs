/**
 * The diagram: one picture for each region. States in a row where they are few, else in a column with the
 * arrows down at the right and the arrows up at the left, so that none crosses a state.
 */

import { element, shape } from './elements.mjs';

const WIDTH = 300;
const BOX = 30;
const GAP = 10;
const HEAD = 20;
const SIDE = 56;
const LETTER = 7.1;

/** All arrows of a region: transitions between the same two states are one. */
function edgesOf(model, region) {
  const edges = new Map();
  model.transitions.forEach((transition, number) => {
    if (transition.region !== region.name) return;
    const { source } = transition;
    const target = transition.target ?? source;
    const key = `${source} ${target}`;
    if (!edges.has(key)) edges.set(key, { source, target, transitions: [] });
    edges.get(key).transitions.push(number);
  });
  return [...edges.values()];
}

/** Where everything in a region's picture is. */
export function layoutRegion(model, region) {
  const edges = edgesOf(model, region);
  const flat = region.states.every(({ parent }) => parent === null);
  const loops = new Set(edges.filter(({ source, target }) => source === target).map(({ source }) => source));
  const wide = region.states.map(({ name }) => Math.max(62, name.length * LETTER + (loops.has(name) ? 54 : 38)));
  const gap = 36;
  const total = wide.reduce((sum, width) => sum + width, 0) + gap * (wide.length - 1);
  const layout = flat && region.states.length <= 3 && total <= WIDTH - 4;
  return layout ? inARow(region, edges, wide, gap, total) : inAColumn(region, edges);
}

function inARow(region, edges, wide, gap, total) {
  const places = new Map(region.states.map(({ name }, at) => [name, at]));
  const far = ({ source, target }) => Math.abs(places.get(source) - places.get(target)) > 1;
  const top = edges.some(far) ? 26 : 4;
  let x = (WIDTH - total) / 2;
  const nodes = region.states.map(({ name }, at) => {
    const shift = edges.some(({ source, target }) => source === name && target === name) ? -2 : 4;
    const node = { name, x, y: top, width: wide[at], height: BOX, atomic: true, shift };
    x += wide[at] + gap;
    return node;
  });
  const find = (name) => nodes[places.get(name)];
  for (const edge of edges) {
    if (edge.source === edge.target) continue;
    const [one, other] = [find(edge.source), find(edge.target)];
    const forward = one.x < other.x;
    if (far(edge)) {
      const y = forward ? top : top + BOX;
      const bend = forward ? y - 30 : y + 30;
      const shift = forward ? 8 : -8;
      const [from, to] = [one.x + one.width / 2 + shift, other.x + other.width / 2 - shift];
      edge.path = `M${from} ${y}C${from} ${bend} ${to} ${bend} ${to} ${y}`;
      edge.head = forward ? `M${to} ${y}l-4 -7h8z` : `M${to} ${y}l-4 7h8z`;
    } else {
      const back = edges.some((e) => e.source === edge.target && e.target === edge.source);
      const y = top + BOX / 2 + (back ? (forward ? -6 : 6) : 0);
      const from = forward ? one.x + one.width : one.x;
      const to = forward ? other.x : other.x + other.width;
      edge.path = `M${from} ${y}H${to}`;
      edge.head = arrowHead(to, y, forward);
    }
  }
  const height = top + BOX + (edges.some((edge) => far(edge)) ? 26 : 4);
  return { width: WIDTH, height, nodes, edges };
}

/** A triangle that points at a box's left side (from the left), or at its right side. */
function arrowHead(x, y, rightwards) {
  return rightwards ? `M${x} ${y}l-7 -4v8z` : `M${x} ${y}l7 -4v8z`;
}

function inAColumn(region, edges) {
  const nodes = [];
  let y = 4;
  let row = 0;
  const place = (parent, inset) => {
    for (const state of region.states.filter((s) => s.parent === parent)) {
      const x = SIDE + inset;
      const width = WIDTH - 2 * x;
      if (state.atomic) {
        nodes.push({ name: state.name, x, y, width, height: BOX, atomic: true, shift: 0, row });
        y += BOX + GAP;
        row += 1;
      } else {
        const node = { name: state.name, x, y, width, height: 0, atomic: false, row };
        nodes.push(node);
        y += HEAD + 4;
        place(state.name, inset + 9);
        node.height = y - node.y - GAP + 8;
        y += 8;
      }
    }
  };
  place(null, 0);
  const find = (name) => nodes.find((node) => node.name === name);
  const ends = new Map(nodes.map(({ name }) => [name, { left: [], right: [] }]));
  for (const edge of edges) {
    if (edge.source === edge.target) continue;
    const [one, other] = [find(edge.source), find(edge.target)];
    edge.down = one.y < other.y;
    edge.reach = Math.abs(one.row - other.row) + (one.atomic ? 0 : 0.5) + (other.atomic ? 0 : 0.5);
    const side = edge.down ? 'right' : 'left';
    ends.get(edge.source)[side].push({ edge, end: 'from' });
    ends.get(edge.target)[side].push({ edge, end: 'to' });
  }
  for (const node of nodes) {
    spread(node, ends.get(node.name).right, (edge) => edge.down);
    spread(node, ends.get(node.name).left, (edge) => edge.down);
  }
  for (const edge of edges) {
    if (edge.source === edge.target) continue;
    const [one, other] = [find(edge.source), find(edge.target)];
    const bend = 14 + Math.min(SIDE - 16, edge.reach * 6.5);
    const out = edge.down ? 1 : -1;
    const from = edge.down ? one.x + one.width : one.x;
    const to = (edge.down ? other.x + other.width : other.x) + out;
    const edgeX = edge.down ? Math.max(from, to) + bend : Math.min(from, to) - bend;
    edge.path = `M${from} ${edge.from}C${edgeX} ${edge.from} ${edgeX} ${edge.to} ${to + out * 6} ${edge.to}`;
    edge.head = arrowHead(to, edge.to, !edge.down);
  }
  return { width: WIDTH, height: y - GAP + 6, nodes, edges };
}

/** Spread the ends of arrows over a box's side, so that an arrow around others begins and ends around. */
function spread(node, ends, isDown) {
  const rank = ({ edge, end }) => {
    const incoming = end === 'to';
    const [near, late] = isDown(edge) ? [incoming, !incoming] : [!incoming, incoming];
    return (late ? 1000 : 0) + (near ? edge.reach : -edge.reach);
  };
  const sorted = [...ends].sort((one, other) => rank(one) - rank(other));
  const height = node.atomic ? node.height : HEAD + 6;
  sorted.forEach(({ edge, end }, at) => {
    edge[end] = Math.round((node.y + 4 + ((height - 8) * (at + 1)) / (sorted.length + 1)) * 10) / 10;
  });
}

/**
 * Draw a region.
 *
 * @param {object} layout From `layoutRegion`.
 * @param {object} now `active`, `entered`, `left`: names of states; `taken`, `open`: numbers of transitions.
 */
export function drawRegion(model, region, layout, now) {
  const { width, height, nodes, edges } = layout;
  const current = nodes.find(({ name, atomic }) => atomic && now.active.has(name))?.name ?? 'none';
  const others = nodes.filter(({ atomic, name }) => atomic && name !== current).map(({ name }) => name);
  const label = `${region.name}: ${current}; other states: ${others.join(', ')}`;
  const svg = shape('svg', { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': label });
  const layers = { compound: [], edge: [], open: [], atomic: [], taken: [] };
  for (const node of nodes) layers[node.atomic ? 'atomic' : 'compound'].push(drawNode(node, now));
  for (const edge of edges) {
    const taken = edge.transitions.some((number) => now.taken.has(number));
    const open = edge.transitions.some((number) => now.open.has(number));
    if (edge.source === edge.target) {
      layers.atomic.push(drawLoop(nodes.find(({ name }) => name === edge.source), taken, now));
      continue;
    }
    const kind = taken ? 'taken' : open ? 'open' : 'edge';
    const names = [...new Set(edge.transitions.flatMap((number) => model.transitions[number].events))];
    layers[kind].push(
      shape(
        'g',
        { class: kind },
        shape('title', {}, `${edge.source} to ${edge.target}: ${names.join(', ') || 'without an event'}`),
        shape('path', { class: 'line', d: edge.path }),
        shape('path', { class: 'head', d: edge.head }),
      ),
    );
  }
  const { compound, edge, open, atomic, taken } = layers;
  svg.append(...compound, ...edge, ...open, ...atomic, ...taken);
  return svg;
}

function drawNode(node, now) {
  const active = now.active.has(node.name);
  const changed = now.entered.has(node.name) ? ' entered' : now.left.has(node.name) ? ' left' : '';
  const kind = `${node.atomic ? 'atomic' : 'compound'}${active ? ' active' : ''}${changed}`;
  const { x, y, width, height } = node;
  const middle = node.atomic ? y + height / 2 + 4 : y + 15;
  return shape(
    'g',
    { class: `state ${kind}`, 'data-state': node.name },
    shape('rect', { x, y, width, height, rx: node.atomic ? 8 : 10 }),
    node.atomic && active ? shape('circle', { cx: x + 11, cy: y + height / 2, r: 3.5 }) : null,
    shape('text', { x: x + width / 2 + (node.atomic ? node.shift : 0), y: middle, 'text-anchor': 'middle' }, node.name),
  );
}

function drawLoop(node, taken, now) {
  const { x, y, width, height } = node;
  const kind = `loop${now.active.has(node.name) ? ' inside' : ''}${taken ? ' taken' : ''}`;
  const properties = { class: kind, x: x + width - 7, y: y + height / 2 + 4 };
  return shape('text', { ...properties, 'text-anchor': 'end' }, '\u21bb');
}

/** A region's card: its name, its state, its picture, and what it did last. */
export function regionCard(model, region, layout, now, { chosen, onChoose }) {
  const moves = [...now.taken].map((number) => model.transitions[number]).filter((t) => t.region === region.name);
  const told = moves.map(({ source, target, events }) => {
    const cause = events.length ? events.filter((name) => now.events.has(name)).join(' ') : 'by itself';
    return `${source} \u2192 ${target ?? source}${cause ? `: ${cause}` : ''}`;
  });
  const name = element(
    'button',
    {
      type: 'button',
      class: 'region-name',
      'data-key': `region ${region.name}`,
      'aria-pressed': String(chosen),
      on: { click: () => onChoose(region.name) },
    },
    region.name,
  );
  return element(
    'figure',
    { class: `region${told.length ? ' moved' : ''}`, 'data-region': region.name },
    element('figcaption', {}, name, element('span', { class: 'note' }, told.join('; '))),
    drawRegion(model, region, layout, now),
  );
}
