'use strict';
// Filters, order, theme and print. The findings are in the page already: without this, all are shown.
(() => {
  const list = document.getElementById('list');
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

  let opened = [];
  addEventListener('beforeprint', () => {
    opened = [...document.querySelectorAll('details:not([open])')].filter((details) => !details.closest('[hidden]'));
    for (const details of opened) details.open = true;
  });
  addEventListener('afterprint', () => {
    for (const details of opened) details.open = false;
    opened = [];
  });

  if (!list) return;
  const filters = document.getElementById('filters');
  const status = document.getElementById('status');
  const items = [...list.children];
  const facets = [...filters.querySelectorAll('select[data-facet]')];
  const search = document.getElementById('search');
  const order = document.getElementById('order');
  const number = new Intl.NumberFormat('en-GB');
  let texts = null;
  let sorted = 'first';
  filters.hidden = false;

  const wanted = () => facets.filter((facet) => facet.value !== '').map((facet) => [facet.dataset.facet, facet.value]);
  const has = (item, [facet, value]) => (item.dataset[facet] || '').split(' ').includes(value);

  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length && !texts) texts = new Map(items.map((item) => [item, item.textContent.toLowerCase()]));
    const asked = wanted();
    let shown = 0;
    for (const item of items) {
      const fits = asked.every((one) => has(item, one)) && words.every((word) => texts.get(item).includes(word));
      if (item.hidden === fits) item.hidden = !fits;
      if (fits) shown += 1;
    }
    status.textContent = `${number.format(shown)} of ${number.format(items.length)} findings shown`;
  };

  const since = (item) => Number(item.dataset.since || 'NaN');
  // What has no date comes last, whichever way.
  const byDate = (sign) => (a, b) => {
    const [left, right] = [since(a), since(b)];
    if (Number.isNaN(left) || Number.isNaN(right)) return Number.isNaN(left) - Number.isNaN(right);
    return sign * (left - right);
  };
  const text = (item, key) => item.querySelector(key).textContent;
  const orders = {
    first: (a, b) => a.dataset.order - b.dataset.order,
    oldest: byDate(1),
    newest: byDate(-1),
    severity: (a, b) => b.dataset.rank - a.dataset.rank,
    rule: (a, b) => (text(a, '.what') < text(b, '.what') ? -1 : 1),
    path: (a, b) => (text(a, '.where') < text(b, '.where') ? -1 : 1),
  };
  const sort = () => {
    if (order.value === sorted) return;
    sorted = order.value;
    list.append(...[...items].sort((a, b) => orders[sorted](a, b) || orders.first(a, b)));
  };

  let timer = 0;
  search.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(apply, 120);
  });
  filters.addEventListener('change', () => { sort(); apply(); });
  filters.addEventListener('submit', (event) => event.preventDefault());
  const reset = () => { filters.reset(); sort(); apply(); };
  document.getElementById('reset').addEventListener('click', reset);

  // A bar or a count shows its findings alone.
  document.addEventListener('click', (event) => {
    const button = event.target.closest('button[data-facet]');
    if (!button) return;
    reset();
    const facet = facets.find((facet) => facet.dataset.facet === button.dataset.facet);
    if (!facet) return;
    facet.value = button.dataset.value;
    apply();
    const title = document.getElementById('findings');
    title.focus({ preventScroll: true });
    title.scrollIntoView();
  });
  // A link to a finding that a filter hides shows it.
  addEventListener('hashchange', () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target && target.hidden) { reset(); target.scrollIntoView(); }
  });
  apply();
})();
