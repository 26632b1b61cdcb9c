// Reads a JSON array of diagrams from standard input, and writes what Mermaid makes of each.
import { JSDOM } from "jsdom";

const { window } = new JSDOM("");
globalThis.window = window; // Mermaid cleans texts with DOMPurify, which needs a document
globalThis.document = window.document;
const { default: mermaid } = await import("mermaid");

// Between parsing and drawing, `#60;` is written with signs of Mermaid's own.
const decode = (text) =>
  (text ?? "").replace(/ﬂ°°(\d+)¶ß/g, (_, number) => String.fromCodePoint(Number(number)));

function walk(statements, parent, found) {
  for (const one of statements ?? []) {
    if (one.stmt === "relation") {
      found.relations.push([one.state1.id, one.state2.id, decode(one.description)]);
    } else if (one.stmt === "state") {
      const words = [one.description].flat().filter(Boolean).map(decode);
      if (one.note) found.notes.push([one.id, decode(one.note.text)]);
      else found.states.push([one.id, parent, words]);
      walk(one.doc, one.id, found);
    } else {
      found.others.push(one.stmt);
    }
  }
  return found;
}

let input = "";
for await (const chunk of process.stdin) input += chunk;
const results = [];
for (const text of JSON.parse(input)) {
  try {
    await mermaid.parse(text);
    const diagram = await mermaid.mermaidAPI.getDiagramFromText(text);
    const found = { relations: [], states: [], notes: [], others: [] };
    results.push(walk(diagram.db.getRootDocV2().doc, null, found));
  } catch (error) {
    results.push({ error: String(error) });
  }
}
process.stdout.write(JSON.stringify(results));
