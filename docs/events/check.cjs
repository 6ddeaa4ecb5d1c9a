// Reads asyncapi.yaml with AsyncAPI's own parser and looks up every payload in proto/. `cargo xtask ci` starts it, with the parser
// on NODE_PATH. That the document has exactly the streams and consumers of the code is a test of voordeur-eventlog.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { Parser } = require("@asyncapi/parser");

const root = path.join(__dirname, "..", "..");
const source = path.join(__dirname, "asyncapi.yaml");

// The payload names a file of proto/ that has the message.
function payloadFault(message) {
  const json = message.json();
  const file = json.payload?.schema;
  if (typeof file !== "string" || !fs.existsSync(path.join(root, file))) {
    return `${message.name()}: payload.schema names no file of the contracts`;
  }
  const text = fs.readFileSync(path.join(root, file), "utf8");
  const [, packageName] = text.match(/^package ([\w.]+);$/m) ?? [];
  const named = [...text.matchAll(/^message (\w+) \{/gm)].map(([, name]) => `${packageName}.${name}`);
  return named.includes(message.name()) ? undefined : `${message.name()}: ${file} has no such message`;
}

async function check() {
  const { document, diagnostics } = await new Parser().parse(fs.readFileSync(source, "utf8"), { source });
  const faults = diagnostics.map(
    ({ range, code, message, path: place }) => `asyncapi.yaml:${range.start.line + 1}: ${code}: ${message} (${place.join(".")})`,
  );
  if (document) {
    faults.push(...document.allMessages().all().map(payloadFault).filter(Boolean));
    const [channels, operations] = [document.allChannels(), document.allOperations()].map((list) => list.all().length);
    console.log(`asyncapi.yaml: ${channels} channels, ${operations} operations`);
  }
  faults.forEach((fault) => console.error(fault));
  return document && faults.length === 0;
}

check().then((good) => {
  process.exitCode = good ? 0 : 1;
});
