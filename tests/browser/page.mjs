// Opens HTML reports in a real browser: `node page.mjs KEYSIEVE FOLDER [PAGES]`. FOLDER holds node_modules/playwright-core;
// screenshots go to PAGES, FOLDER where it is not given. Needs Chromium; CHROMIUM names it where it is not /usr/bin/chromium.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [keysieve, folder, pages = folder] = process.argv.slice(2).map((one) => path.resolve(one));
const { chromium } = createRequire(path.join(folder, 'x.js'))('playwright-core');
mkdirSync(pages, { recursive: true });

const LIMIT_MS = 2000;
const check = (holds, what) => { if (!holds) throw new Error(what); };

const hostile = [
  '</script><script>document.title="owned"</script>', '"><img src=x onerror=document.title="owned">',
  '<svg onload=document.title="owned">', "'-document.title='owned'-'", '=1+1', 'a\r\nb\u202e', 'javascript:alert(1)',
];
const rules = ['GitHub token', 'AWS access key', 'Password in quotes', 'Stripe key', 'Private key', 'Slack webhook'];
const severities = ['critical', 'high', 'medium', 'low'];
const exposures = ['pushed', 'local', 'unreachable', 'worktree', 'image'];
const folders = ['src/app', 'src/web', 'deploy/prod', 'tests', 'infra/terraform', 'docs', 'scripts', 'config'];
const authors = ['Ada <ada@example.com>', 'Bob <bob@example.com>', 'Cleo <cleo@example.com>', 'Dan <dan@example.com>'];

// The same findings each time.
let seed = 7;
const random = (count) => {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  return Math.floor((seed / 2147483648) * count);
};
const pick = (list) => list[Math.floor(random(1000) * random(1000) / 1000000 * list.length)];
const finding = (number, name) => {
  const exposure = pick(exposures);
  const isGit = !['worktree', 'image'].includes(exposure);
  const since = Date.UTC(2018, random(96), 1 + random(28));
  const gone = new Date(Math.min(since + random(700) * 864e5, Date.UTC(2026, 9, 1)));
  const date = (time) => new Date(time).toISOString().replace('.000Z', '+00:00');
  const place = { path: name ?? `${pick(folders)}/file${random(400)}.py`, line: 1 + random(300), column: 9, end_line: 1, end_column: 49 };
  const git = {
    kind: 'git', commit: random(1e9).toString(16).padStart(40, 'a'), blob: 'b'.repeat(40), author: name ?? pick(authors),
    date: date(since), last_commit: 'd'.repeat(40), last_date: date(gone), versions: 1 + random(9), in_head: random(3) === 0,
    refs: [name ?? 'main'],
  };
  return {
    type: 'finding', schema: 1, rule: `rule-${number % 6}`, name: name ?? rules[number % 6], provider: 'P',
    severity: severities[random(4)], confidence: 'high', fingerprint: number.toString(16).padStart(32, '0'),
    // Each is a mistake of its own, and so has a card.
    group: number.toString(16).padStart(16, '0'), hint: 'ghp_...Ab3d',
    exposure, fix: name ?? 'Revoke it in the settings, then load the new one from the environment: os.environ["TOKEN"].',
    references: [], places: [{ kind: exposure === 'image' ? 'image' : 'worktree', ...place, ...(isGit ? git : {}) }],
  };
};
const page = (name, findings, more = {}) => {
  const summary = {
    type: 'summary', schema: 1, complete: true, findings: findings.length, read: { commits: 4000, blobs: 21000, bytes: 9e8, files: 900 },
    unread: [], seconds: 1.2, finished: '2026-11-21T10:00:00Z', ...more,
  };
  const lines = path.join(pages, `${name}.jsonl`);
  writeFileSync(lines, [...findings, summary].map((one) => `${JSON.stringify(one)}\n`).join(''));
  const html = path.join(pages, `${name}.html`);
  try {
    execFileSync(keysieve, ['report', lines, '--format', 'html', '-o', html]);
  } catch (error) {
    check([1, 2].includes(error.status), `keysieve report: ${error}`);
  }
  return pathToFileURL(html).href;
};

const many = page('many', Array.from({ length: 10000 }, (_, number) => finding(number)));
const few = page('few', Array.from({ length: 24 }, (_, number) => finding(number)));
const evil = page('evil', hostile.map((name, number) => finding(number, name)), {
  complete: false, unread: [{ what: hostile[0], why: hostile[1] }], notices: hostile,
  env_files: [{ path: hostile[1], state: 'tracked', fix: hostile[0] }],
});
const clean = page('clean', []);

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
check(existsSync(executablePath), `there is no ${executablePath}`);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const open = async (url, options = {}) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, offline: true, ...options });
  const tab = await context.newPage();
  const wrong = [];
  tab.on('request', (request) => { if (request.url() !== url && !request.url().startsWith(`${url}#`)) wrong.push(`asks for ${request.url()}`); });
  tab.on('console', (message) => { if (['error', 'warning'].includes(message.type())) wrong.push(message.text()); });
  tab.on('pageerror', (error) => wrong.push(String(error)));
  tab.on('dialog', (dialog) => { wrong.push('a dialog'); dialog.dismiss(); });
  const start = performance.now();
  await tab.goto(url, { waitUntil: 'load' });
  // Two frames: it has been painted.
  await tab.evaluate(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); }));
  return { tab, wrong, took: performance.now() - start };
};
const shoot = (tab, name, fullPage = false) => tab.screenshot({ path: path.join(pages, `${name}.png`), fullPage });
const visible = (tab) => tab.locator('#list > .finding').count();
const fitting = async (tab) => Number((await tab.textContent('#status')).split(' ')[0].replaceAll(',', ''));

{
  const { tab, wrong, took } = await open(many);
  console.log(`10,000 findings: open and painted in ${took.toFixed(0)} ms`);
  check(took < LIMIT_MS, `10,000 findings took ${took.toFixed(0)} ms`);
  check(await fitting(tab) === 10000, 'all fit at first');
  const start = performance.now();
  await tab.selectOption('select[data-facet="severity"]', { index: 1 });
  const ofSeverity = await fitting(tab);
  await tab.fill('#search', 'src/app');
  await tab.waitForFunction((before) => Number(document.getElementById('status').textContent.split(' ')[0].replaceAll(',', '')) < before, ofSeverity);
  const found = await fitting(tab);
  console.log(`filtered to ${found} in ${(performance.now() - start).toFixed(0)} ms`);
  check(found > 0, 'some fit');
  const texts = await tab.$$eval('#list > .finding', (all) => all.map((one) => one.textContent));
  check(texts.every((text) => text.includes('src/app')), 'what is shown fits');
  await tab.click('#all');
  check(await fitting(tab) === 10000, 'all fit again');
  await tab.selectOption('#order', 'oldest');
  await tab.evaluate(() => { location.hash = '#f-9876'; });
  await tab.waitForSelector('#f-9876');
  const dates = await tab.$$eval('#list > .finding', (all) => all.map((one) => Number(one.dataset.since)).filter((date) => date > 0));
  check(dates.length > 50 && dates.every((date, at) => at === 0 || dates[at - 1] <= date), 'the oldest come first');
  await shoot(tab, 'many');
  await tab.evaluate(() => dispatchEvent(new Event('beforeprint')));
  check(await visible(tab) === 10000, 'all are printed');
  check(wrong.length === 0, wrong.join('; '));
}
for (const colorScheme of ['light', 'dark']) {
  const { tab, wrong } = await open(few, { colorScheme });
  await shoot(tab, `few-${colorScheme}`, true);
  await tab.locator('.bars button[data-facet="folder"]').first().click();
  check(await visible(tab) < 24 && await fitting(tab) < 24, 'a bar shows its findings alone');
  check(await tab.evaluate(() => document.activeElement.id) === 'findings', 'and goes to them');
  const background = () => tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const before = await background();
  await tab.click('#theme');
  check(await background() !== before, 'the button changes the theme');
  check(wrong.length === 0, wrong.join('; '));
}
{
  const { tab, wrong } = await open(few, { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2 });
  const width = await tab.evaluate(() => document.documentElement.scrollWidth);
  check(width <= 360, `it is ${width} wide on a phone`);
  await shoot(tab, 'few-phone', true);
  check(wrong.length === 0, wrong.join('; '));
}
{
  // The keyboard alone: to the link that skips, along it, and a place's details.
  const { tab, wrong } = await open(few);
  await tab.keyboard.press('Tab');
  check(await tab.evaluate(() => document.activeElement.className) === 'skip', 'the first stop skips to the findings');
  await tab.keyboard.press('Enter');
  check(await tab.evaluate(() => document.activeElement.id) === 'findings', 'it gets there');
  await tab.locator('summary').last().focus();
  await tab.locator('.finding summary').first().focus();
  await tab.keyboard.press('Enter');
  check(await tab.locator('.finding details').first().getAttribute('open') !== null, 'Enter opens the places');
  const unnamed = await tab.$$eval('button, select, input, a[href], summary, [role=region]', (all) => all
    .filter((one) => !(one.textContent.trim() || one.getAttribute('aria-label') || one.labels?.length)).length);
  check(unnamed === 0, `${unnamed} controls have no name`);
  check(await tab.evaluate(() => document.documentElement.lang) === 'en', 'it says its language');
  await tab.emulateMedia({ media: 'print' });
  await tab.pdf({ path: path.join(pages, 'few.pdf') });
  check(wrong.length === 0, wrong.join('; '));
}
{
  const { tab, wrong } = await open(evil);
  check((await tab.title()).startsWith('keysieve: '), 'nothing ran');
  check(await tab.locator('img, script').count() === 1, 'no element came of a name');
  const told = await tab.textContent('.finding .where >> nth=0');
  check(told.length > 0, 'names are shown');
  for (const name of hostile.slice(0, 4)) check((await tab.textContent('body')).includes(name), `${name} is shown as it is`);
  await tab.locator('.finding .where').first().click();
  check(wrong.length === 0, wrong.join('; '));
  await shoot(tab, 'evil', true);
}
{
  const { tab, wrong } = await open(clean);
  check((await tab.textContent('.verdict')).includes('no secrets found; everything was read'), 'it says that all is well');
  check(wrong.length === 0, wrong.join('; '));
}
{
  const context = await browser.newContext({ offline: true, javaScriptEnabled: false });
  const tab = await context.newPage();
  await tab.goto(many);
  check(await tab.locator('.finding').count() === 10000, 'without scripts all are shown');
}
await browser.close();
console.log(`fine; screenshots are in ${pages}`);
