// Makes npm's packages: one with the launcher, and one for each platform with its binary, of which npm installs the fitting one.
//
//   node npm/pack.mjs OUT TARGET=BINARY...
//
// TARGET is Rust's name, such as x86_64-unknown-linux-musl. The version is that of Cargo.toml.

import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const PLATFORMS = {
  "x86_64-unknown-linux-musl": { os: "linux", cpu: "x64" },
  "aarch64-unknown-linux-musl": { os: "linux", cpu: "arm64" },
  "x86_64-apple-darwin": { os: "darwin", cpu: "x64" },
  "aarch64-apple-darwin": { os: "darwin", cpu: "arm64" },
  "x86_64-pc-windows-msvc": { os: "win32", cpu: "x64" },
  "aarch64-pc-windows-msvc": { os: "win32", cpu: "arm64" },
};

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const version = /^version = "(.*)"$/m.exec(readFileSync(join(root, "Cargo.toml"), "utf8"))[1];
const name = ({ os, cpu }) => `keysieve-${os}-${cpu}`;

const common = {
  version,
  description: "Finds leaked secrets in all of a git repository's history, in working trees and in .env files",
  license: "Apache-2.0 OR MIT",
  repository: { type: "git", url: "git+https://github.com/OWNER/keysieve.git" },
};

/** Packs a folder that `fill` fills, with this package.json. */
function pack(out, manifest, fill) {
  const dir = mkdtempSync(join(tmpdir(), "keysieve-npm-"));
  try {
    fill(dir);
    for (const licence of ["LICENSE-APACHE", "LICENSE-MIT"]) copyFileSync(join(root, licence), join(dir, licence));
    writeFileSync(join(dir, "package.json"), `${JSON.stringify({ ...common, ...manifest }, null, 2)}\n`);
    const npm = process.platform === "win32" ? "npm.cmd" : "npm";
    execFileSync(npm, ["pack", "--silent", "--pack-destination", out], { cwd: dir, stdio: ["ignore", "inherit", "inherit"] });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const [folder, ...pairs] = process.argv.slice(2);
if (!folder || pairs.length === 0) {
  console.error("usage: node npm/pack.mjs OUT TARGET=BINARY...");
  process.exit(2);
}
const out = resolve(folder);
mkdirSync(out, { recursive: true });

for (const pair of pairs) {
  const [target, binary] = pair.split("=", 2);
  const platform = PLATFORMS[target];
  if (!platform || !binary) {
    console.error(`${pair}: not TARGET=BINARY with one of ${Object.keys(PLATFORMS).join(", ")}`);
    process.exit(2);
  }
  const { os, cpu } = platform;
  pack(out, { name: name(platform), os: [os], cpu: [cpu], files: ["bin", "LICENSE-*"] }, (dir) => {
    const file = join(dir, "bin", os === "win32" ? "keysieve.exe" : "keysieve");
    mkdirSync(dirname(file));
    copyFileSync(binary, file);
    chmodSync(file, 0o755);
  });
}

const optionalDependencies = Object.fromEntries(Object.values(PLATFORMS).map((platform) => [name(platform), version]));
const launcher = { name: "keysieve", bin: { keysieve: "bin/keysieve.js" }, engines: { node: ">=16" }, optionalDependencies };
pack(out, { ...launcher, files: ["bin", "README.md", "LICENSE-*"] }, (dir) => {
  cpSync(join(root, "npm", "keysieve"), dir, { recursive: true });
  copyFileSync(join(root, "README.md"), join(dir, "README.md"));
});
