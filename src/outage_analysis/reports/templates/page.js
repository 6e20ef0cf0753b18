(() => {
  'use strict';

  const dark = matchMedia('(prefers-color-scheme: dark)'), drawn = new Map();
  const element = id => document.getElementById(id), all = (selector, root = document) => [...root.querySelectorAll(selector)];
  let panel = null;

  // The colours of a chart on a dark page; colours in data stay, because such cells have their own text colour.
  function inPalette({datasets, ...spec}) {
    const palette = dark.matches ? JSON.parse(element('dark-palette').textContent) : {};
    const coloured = (key, value) => typeof value === 'string' ? palette[value] ?? value : value;
    return {...JSON.parse(JSON.stringify(spec), coloured), datasets};
  }

  function charts() {
    for (const specs of all('script.charts').map(script => JSON.parse(script.textContent))) {
      for (const place of all('[data-chart]').filter(each => each.dataset.chart in specs)) {
        const spec = specs[place.dataset.chart];
        async function draw() {
          const view = await drawChart(place, inPalette(spec));
          drawn.set(place, spec);
          if (spec.datasets?.dots) panel?.attach(place, view, spec.usermeta);  // such charts follow the sliders
        }
        draw();
        dark.addEventListener('change', draw);
      }
    }
  }

  // The table below a chart, or else the first of its section, as CSV.
  function figures(figure) {
    const table = figure.querySelector('table') ?? figure.parentNode.querySelector('table');
    const quoted = cell => {  // a spreadsheet would run such a text as a formula
      return `"${cell.textContent.trim().replace(/^(?=[=+@]|-(?![\d.,]+$))/, "'").replaceAll('"', '""')}"`;
    };
    return '\ufeff' + [...table.rows].map(row => [...row.cells].map(quoted).join(',') + '\r\n').join('');
  }

  // A chart of the report as a file with its title and its sources, or its figures.
  async function save({target}) {
    const button = target.closest('.save button'), figure = button?.closest('figure');
    const place = figure?.querySelector('.chart'), spec = drawn.get(place), link = document.createElement('a');
    if (!spec) return;
    const file = (text, type) => URL.createObjectURL(new Blob([text], {type}));
    link.download = `${place.dataset.chart}.${button.value}`;
    if (button.value === 'csv') link.href = file(figures(figure), 'text/csv');
    else {
      const whole = {...spec, title: spec.usermeta.title, ...spec.width && {width: 760}};
      const {view} = await window.vegaEmbed(document.createElement('div'), whole, drawChart.OPTIONS);
      link.href = button.value === 'png' ? await view.toImageURL('png', 2) : file(await view.toSVG(), 'image/svg+xml');
    }
    link.click();
  }

  // Long tables: rows that contain the words of a search, and sorting by a column; empty cells come last.
  function searchable(field) {
    const label = field.closest('label'), rows = all('tbody tr', label.nextElementSibling);
    field.addEventListener('input', () => {
      const words = field.value.toLowerCase().split(/\s+/);
      for (const row of rows) row.hidden = !words.every(word => row.textContent.toLowerCase().includes(word));
      label.classList.toggle('none', rows.every(row => row.hidden));
    });
  }

  function sortable(table) {
    const body = table.tBodies[0], heads = [...table.tHead?.rows[0].cells ?? []];
    if (!body || body.rows.length < 6 || table.matches('.stack, .options')) return;
    heads.forEach((head, column) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener('click', () => {
        const up = head.ariaSort !== 'ascending', cell = row => row.cells[column].textContent.trim();
        for (const each of heads) each.ariaSort = null;
        head.ariaSort = up ? 'ascending' : 'descending';
        body.append(...[...body.rows].sort((a, b) => order(cell(a), cell(b), up ? 1 : -1)));
      });
    });
  }

  function order(one, other, sign) {
    const [empty, otherEmpty] = [one, other].map(text => /^[–—-]?$/.test(text));
    if (empty || otherEmpty) return empty - otherEmpty;
    const [a, b] = [one, other].map(text => parseFloat(text.replaceAll(',', '').replace('\u2212', '-')));
    return sign * (isFinite(a) && isFinite(b) ? a - b : one.localeCompare(other));
  }

  // A link to an appendix, or to a fact in it, opens the appendix.
  function open() {
    const target = element(decodeURIComponent(location.hash.slice(1)));
    for (let place = target; place; place = place.parentElement) if (place.matches('details')) place.open = true;
    if (target?.closest('details')) target.scrollIntoView();
  }

  window.addEventListener('DOMContentLoaded', async () => {
    const sliders = element('what-if-data');
    if (sliders) panel = whatIf(document.querySelector('.what-if'), JSON.parse(sliders.textContent), document.querySelector('.box'));
    all('.search input').forEach(searchable);
    all('table').forEach(sortable);
    window.addEventListener('hashchange', open);
    open();
    // On a phone the list of contents starts closed.
    if (matchMedia('(max-width: 1339px)').matches) document.querySelector('nav details').open = false;
    if (!window.vegaEmbed) return;
    document.addEventListener('click', save);
    // Charts are laid out by the widths of their texts, so their font comes first.
    await Promise.allSettled(['400', '700'].map(weight => document.fonts.load(`${weight} 12px "Outage Sans"`)));
    charts();
  });
})();
