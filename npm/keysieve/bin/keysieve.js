#!/usr/bin/env node
// Starts the binary of the package that npm installed for this platform, and ends as it does.
"use strict";

const { spawnSync } = require("node:child_process");
const { constants } = require("node:os");

const name = `keysieve-${process.platform}-${process.arch}`;
const file = process.platform === "win32" ? "keysieve.exe" : "keysieve";

let binary;
try {
  binary = require.resolve(`${name}/bin/${file}`);
} catch {
  console.error(
    `keysieve: the package ${name} is not installed. npm leaves it out with --omit=optional, and there is none for ` +
      "every platform; `pipx run keysieve` and `cargo install keysieve` are other ways.",
  );
  process.exit(2);
}

const { status, signal, error } = spawnSync(binary, process.argv.slice(2), { stdio: "inherit" });
if (error) {
  console.error(`keysieve: cannot start ${binary}: ${error.message}`);
  process.exit(2);
}
process.exit(signal ? 128 + (constants.signals[signal] ?? 0) : status);
