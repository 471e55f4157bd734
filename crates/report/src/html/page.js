'use strict';
// Filters, order, theme and print. Without this, all findings are shown. With it, most of them are text in a <noscript>, made into
// elements when they are scrolled to: what a browser never lays out costs next to nothing.
(() => {
  const theme = document.getElementById('theme');
  const root = document.documentElement;
  const isDark = () => (root.dataset.theme
    || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';
  const name = () => { theme.textContent = isDark() ? 'Light theme' : 'Dark theme'; };
  theme.hidden = false;
  name();
  theme.addEventListener('click', () => {
    root.dataset.theme = isDark() ? 'light' : 'dark';
    name();
  });

  const list = document.getElementById('list');
  let opened = [];
  let showAll = () => {};
  addEventListener('beforeprint', () => {
    showAll();
    opened = [...document.querySelectorAll('details:not([open])')];
    for (const details of opened) details.open = true;
  });
  addEventListener('afterprint', () => {
    for (const details of opened) details.open = false;
    opened = [];
  });
  if (!list) return;

  const STEP = 100;
  const filters = document.getElementById('filters');
  const status = document.getElementById('status');
  const more = document.getElementById('more');
  const search = document.getElementById('search');
  const order = document.getElementById('order');
  const facets = [...filters.querySelectorAll('select[data-facet]')];
  const number = new Intl.NumberFormat('en-GB');

  // A finding: its HTML as the page has it, what its first tag says of it, and its element once it was made.
  const rest = document.getElementById('rest');
  const source = [...list.children].map((node) => node.outerHTML)
    .concat(rest ? rest.textContent.split(/^(?=<li class="finding )/m).slice(1) : []);
  const items = source.map((html, at) => {
    const said = {};
    for (const [, name, value] of html.slice(0, html.indexOf('>')).matchAll(/ data-([a-z]+)="([^"]*)"/g)) said[name] = value;
    return { html, at, said, id: `f-${at + 1}`, node: list.children[at] || null, text: null };
  });
  const element = (item) => {
    if (!item.node) {
      const template = document.createElement('template');
      template.innerHTML = item.html;
      item.node = template.content.firstElementChild;
    }
    return item.node;
  };
  const named = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&amp;': '&' };
  const text = (item) => {
    item.text ??= item.html.replace(/<[^>]*>/g, ' ').replace(/&(?:lt|gt|quot|#39|amp);/g, (name) => named[name]).toLowerCase();
    return item.text;
  };

  const since = (item) => Number(item.said.since || 'NaN');
  // What has no date comes last, whichever way.
  const byDate = (sign) => (a, b) => {
    const [left, right] = [since(a), since(b)];
    if (Number.isNaN(left) || Number.isNaN(right)) return Number.isNaN(left) - Number.isNaN(right);
    return sign * (left - right);
  };
  const part = (item, name) => item.html.split(`class="${name}">`)[1];
  const byPart = (name) => (a, b) => (part(a, name) < part(b, name) ? -1 : Number(part(a, name) > part(b, name)));
  const orders = {
    first: (a, b) => a.at - b.at,
    oldest: byDate(1),
    newest: byDate(-1),
    severity: (a, b) => b.said.rank - a.said.rank,
    rule: byPart('what'),
    path: byPart('where'),
  };

  let fitting = items;
  let shown = list.children.length;
  const tell = () => {
    const all = number.format(items.length);
    status.textContent = `${number.format(fitting.length)} of ${all} ${status.dataset.noun} fit`;
    more.hidden = shown >= fitting.length;
    more.textContent = `Show more (${number.format(fitting.length - shown)} to come)`;
  };
  const showMore = (count) => {
    const next = fitting.slice(shown, shown + count);
    list.append(...next.map(element));
    shown += next.length;
    tell();
  };
  showAll = () => showMore(fitting.length);

  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const asked = facets.filter((facet) => facet.value !== '').map((facet) => [facet.dataset.facet, facet.value]);
    const has = (item, [facet, value]) => (item.said[facet] || '').split(' ').includes(value);
    fitting = items.filter((item) => asked.every((one) => has(item, one)) && words.every((word) => text(item).includes(word)));
    fitting.sort((a, b) => orders[order.value](a, b) || orders.first(a, b));
    shown = 0;
    list.replaceChildren();
    showMore(STEP);
  };

  let timer = 0;
  search.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(apply, 120);
  });
  filters.addEventListener('change', apply);
  filters.addEventListener('submit', (event) => event.preventDefault());
  const reset = () => { filters.reset(); apply(); };
  document.getElementById('all').addEventListener('click', reset);
  more.addEventListener('click', () => showMore(STEP));
  new IntersectionObserver((seen) => {
    if (seen.some((one) => one.isIntersecting) && !more.hidden) showMore(STEP);
  }, { rootMargin: '1000px' }).observe(more);

  // A bar or a count shows its findings alone.
  document.addEventListener('click', (event) => {
    const button = event.target.closest('button[data-facet]');
    if (!button) return;
    const facet = facets.find((one) => one.dataset.facet === button.dataset.facet);
    if (!facet) return;
    filters.reset();
    facet.value = button.dataset.value;
    apply();
    const title = document.getElementById('findings');
    title.focus({ preventScroll: true });
    title.scrollIntoView();
  });
  // A link to a finding that is not there yet brings it.
  const follow = () => {
    const item = items.find((one) => `#${one.id}` === location.hash);
    if (!item) return;
    if (!fitting.includes(item)) reset();
    while (!list.contains(item.node) && shown < fitting.length) showMore(STEP);
    item.node.scrollIntoView();
  };
  addEventListener('hashchange', follow);
  filters.hidden = false;
  tell();
  follow();
})();
